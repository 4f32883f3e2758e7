#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/agent/frame.h"
#include "engine/agent/host_session.h"
#include "engine/agent/streams.h"

namespace kiln {

/// One request and its answers, over a socket to an agent that is not trusted: frames that are
/// damaged, of another request or of the wrong kind end the link, and every later exchange fails
/// with the same error.
class HostLink {
 public:
  /// @param last_request of the session so far; its agent takes only higher numbers
  HostLink(UniqueFd socket, const AgentPatience& patience, std::uint32_t last_request = 0);

  struct Exchange {
    agent::FrameType type;
    std::string payload;
    /// Looks at an answer of a fitting type; true for the final one.
    std::function<Result<bool>(const agent::Frame&)> on_answer;
    /// The next frame's worth to send after the request; empty at the end. Put only.
    std::function<Result<std::string>()> next_data;
    std::optional<std::chrono::milliseconds> time_limit;
    /// What the command reads while it runs. Run only.
    std::optional<GuestInput> input;
    std::string activity;  ///< `running apt-get`, for messages
  };
  Result<void> exchange(const Exchange& exchange, const CancelToken& cancel);

  /// The first frame, which is nobody's answer.
  Result<agent::Frame> receive_hello(const CancelToken& cancel, PortUse use);
  /// From now on the guest may open streams to these.
  void allow_streams(std::vector<ServerAddress> servers);
  /// An error that ends the link.
  Error breach(std::string what);

 private:
  using Clock = std::chrono::steady_clock;
  struct Progress;

  Result<void> pump(Progress& progress, const CancelToken& cancel);
  Result<bool> take_frames(Progress& progress);
  Result<bool> take(const agent::Frame& frame, Progress& progress);
  Result<void> take_stream(const agent::Frame& frame);
  Result<void> refill(Progress& progress);
  Result<void> watch_time(Progress& progress, bool cancel_requested);
  Result<void> watch_heartbeat();
  Result<void> take_input_report(const agent::Frame& frame, Progress& progress);
  void follow_terminal(Progress& progress);
  void read_input(Progress& progress);
  Result<void> wait(int cancel_fd, Clock::time_point until, Progress* progress = nullptr);
  Result<void> write_some();
  Result<void> read_some();
  void send(agent::FrameType type, std::uint32_t request, std::string_view payload);
  Error lost(const Error& error);

  UniqueFd socket_;
  AgentPatience patience_;
  agent::FrameDecoder decoder_;
  std::string outgoing_;
  std::string incoming_;
  std::uint32_t last_request_;
  std::uint32_t pings_unanswered_ = 0;
  Clock::time_point last_heard_ = Clock::now();
  std::optional<Clock::time_point> pinged_;
  std::optional<Error> lost_;
  std::vector<ServerAddress> servers_;
  agent::Streams streams_;
};

}  // namespace kiln
