#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <poll.h>
#include <string>
#include <string_view>
#include <vector>

#include "engine/agent/frame.h"
#include "engine/core/unique_fd.h"

namespace kiln::agent {

/// TCP connections that begin in the guest and go on at the host, through the port; the same at
/// both ends. At most a window's worth is under way in each direction of each, so one that nobody
/// reads holds up no other, and memory is bounded.
class Streams {
 public:
  using Send = std::function<void(FrameType type, std::uint32_t stream, std::string_view payload)>;
  explicit Streams(Send send) : send_(std::move(send)) {}

  /// More than anybody needs at a time.
  static constexpr std::size_t kMost = 128;
  [[nodiscard]] bool full() const { return streams_.size() >= kMost; }

  /// @param socket connected, or about to be
  void add(std::uint32_t id, UniqueFd socket);
  /// Takes a frame of a stream; false where the other end broke the rules.
  bool take(const Frame& frame);
  /// Adds what to wait for.
  /// @param may_read false while what has been sent so far does not get away
  void watch(std::vector<pollfd>& polled, bool may_read);
  /// Does what the last `watch` waited for.
  void advance(const std::vector<pollfd>& polled);

 private:
  struct Stream {
    UniqueFd socket;
    std::string to_socket;
    std::size_t may_send;
    bool end_sent = false;
    bool end_taken = false;
    bool shut = false;
  };

  /// False where the stream is over.
  bool settle(Stream& stream);
  bool write(std::uint32_t id, Stream& stream);
  bool read(std::uint32_t id, Stream& stream);

  Send send_;
  std::map<std::uint32_t, Stream> streams_;
  std::vector<std::uint32_t> watched_;
  std::size_t first_ = 0;
};

}  // namespace kiln::agent
