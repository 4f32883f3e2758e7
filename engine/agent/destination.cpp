#include "engine/agent/destination.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <netdb.h>

#include "engine/core/c_handle.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

/// What can stand in a guest's /etc/hosts.
bool is_host(std::string_view text) {
  constexpr std::size_t kLongest = 253;
  return !text.empty() && text.size() <= kLongest &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
         });
}

}  // namespace

Result<Destination> parse_destination(std::string_view text) {
  const auto colon = std::min(text.rfind(':'), text.size());
  Destination destination{std::string(text.substr(0, colon))};
  const auto port = text.substr(std::min(colon + 1, text.size()));
  const auto* end = port.data() + port.size();
  const auto parsed = std::from_chars(port.data(), end, destination.port);
  const bool good = parsed.ec == std::errc() && parsed.ptr == end && destination.port != 0;
  if (good && destination.host == "localhost") {
    return fail(ErrorKind::kInvalidTemplate,
                "Network:Localhost",
                "localhost is another machine in the guest than here")
        .cure(fmt::format("write 127.0.0.1:{} where this machine is meant", destination.port));
  }
  if (good && is_host(destination.host)) return destination;
  return fail(ErrorKind::kInvalidTemplate,
              "Network:Destination",
              "'{}' does not name a server",
              printable(text))
      .expecting("HOST:PORT, where HOST is a name or an IPv4 address")
      .cure("write for example --network=packages.example:443");
}

Result<ServerAddress> resolve(const Destination& destination) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* all = nullptr;
  const auto port = std::to_string(destination.port);
  const int failed = ::getaddrinfo(destination.host.c_str(), port.c_str(), &hints, &all);
  if (failed != 0) {
    return fail(ErrorKind::kHostNotReady,
                "Network:Name",
                "cannot find out where {} is: {}",
                destination.host,
                ::gai_strerror(failed))
        .cure("correct the name after --network, or give an address");
  }
  const CHandle<addrinfo, ::freeaddrinfo> owner(all);
  const auto* chosen = all;
  for (const auto* each = all; each != nullptr; each = each->ai_next) {
    if (each->ai_family == AF_INET && chosen->ai_family != AF_INET) chosen = each;
  }
  ServerAddress server;
  server.size = chosen->ai_addrlen;
  std::memcpy(&server.address, chosen->ai_addr, chosen->ai_addrlen);
  return server;
}

UniqueFd begin_connect(const ServerAddress& server) {
  UniqueFd socket(
      ::socket(server.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the socket API wants it.
  const auto* generic = reinterpret_cast<const sockaddr*>(&server.address);
  if (socket && ::connect(socket.get(), generic, server.size) != 0 && errno != EINPROGRESS) {
    socket.reset();
  }
  return socket;
}

std::string to_string(const Destination& destination) {
  return fmt::format("{}:{}", destination.host, destination.port);
}

}  // namespace kiln
