#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/agent/linux/covered_file.h"
#include "engine/agent/messages.h"
#include "engine/agent/session/outbox.h"
#include "engine/agent/streams.h"

namespace kiln::agent {

/// Stands in for servers that the host reaches: each has an address of the loopback interface here,
/// and its name leads there. There is no network card, so nothing else can be reached. The name
/// table is mounted over the system's own, which stays as it is.
class Forwarder {
 public:
  explicit Forwarder(Outbox& outbox);
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  /// @return an empty string, or what failed
  std::string listen(const ForwardRequest& request);
  void watch(std::vector<pollfd>& polled, const Outbox& outbox);
  void advance(const std::vector<pollfd>& polled);
  /// A frame of a stream; false where the host broke the rules.
  bool take(const Frame& frame) { return streams_.take(frame); }
  /// The system's own table of names is there again.
  void leave() { names_.uncover(); }

 private:
  std::string listen_at(const std::string& address, std::uint16_t port);
  void accept(int listener, std::uint16_t destination);

  Outbox& outbox_;
  Streams streams_;
  std::vector<UniqueFd> listeners_;  ///< in the order of the request
  std::size_t first_ = 0;
  std::uint32_t last_stream_ = 0;
  CoveredFile names_;
};

}  // namespace kiln::agent
