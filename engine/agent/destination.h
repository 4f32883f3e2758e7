#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/socket.h>

#include "engine/core/result.h"
#include "engine/core/unique_fd.h"

namespace kiln {

/// A server that what runs in the guest may reach.
struct Destination {
  std::string host;  ///< a name, or an IPv4 address
  std::uint16_t port = 0;
  bool operator==(const Destination&) const = default;
};

/// @param text HOST:PORT
Result<Destination> parse_destination(std::string_view text);

/// Where a destination is, found out once.
struct ServerAddress {
  sockaddr_storage address = {};
  socklen_t size = 0;
};
Result<ServerAddress> resolve(const Destination& destination);

/// A socket that connects meanwhile; empty where that cannot even begin.
UniqueFd begin_connect(const ServerAddress& server);

/// HOST:PORT
std::string to_string(const Destination& destination);

}  // namespace kiln
