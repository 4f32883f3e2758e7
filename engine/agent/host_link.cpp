#include "engine/agent/host_link.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/agent/messages.h"
#include "engine/core/text.h"

namespace kiln {

using agent::Frame;
using agent::FrameType;

namespace {

constexpr std::size_t kOutgoingRoom = 4 * agent::kMaxPayload;
constexpr const char* kLookAtConsole =
    "look at the virtual machine's console log: it may have crashed or run out of memory";

/// How soon a new size of the user's terminal reaches the guest.
constexpr std::chrono::milliseconds kTerminalLook{250};

}  // namespace

struct HostLink::Progress {
  const Exchange& exchange;
  std::uint32_t request;
  std::optional<Clock::time_point> overdue;  ///< the agent should have ended it long ago
  std::optional<Clock::time_point> give_up;  ///< on the answer to our cancel
  bool all_sent = false;
  bool finished = false;
  bool input_ended = false;
  std::size_t input_under_way = 0;  ///< sent, and not yet told to be taken
  GuestTerminalSize terminal = {};  ///< as the agent knows it

  /// Where there is input to be waited for, and room for it.
  [[nodiscard]] int input_fd() const {
    const bool wanted = exchange.input && !input_ended && !give_up;
    return wanted && input_under_way < agent::kInputWindow ? exchange.input->fd : -1;
  }
};

HostLink::HostLink(UniqueFd socket, const AgentPatience& patience, std::uint32_t last_request)
    : socket_(std::move(socket)),
      patience_(patience),
      last_request_(last_request),
      streams_([this](FrameType type, std::uint32_t stream, std::string_view payload) {
        send(type, stream, payload);
      }) {
  ::fcntl(socket_.get(), F_SETFL, ::fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
}

Error HostLink::lost(const Error& error) {
  lost_ = error;
  socket_.reset();  // an agent whose host is gone ends everything it runs
  return error;
}

Error HostLink::breach(std::string what) {
  return lost(fail(ErrorKind::kGuestFailed,
                   "Agent:Protocol",
                   "the program in the virtual machine broke the protocol: {}",
                   what)
                  .cure("run the build again; if it repeats, do not trust this image"));
}

void HostLink::send(FrameType type, std::uint32_t request, std::string_view payload) {
  outgoing_.append(agent::encode_frame(type, request, payload));
}

Result<Frame> HostLink::receive_hello(const CancelToken& cancel, PortUse use) {
  const auto deadline = Clock::now() + patience_.hello;
  Frame frame;
  for (;;) {
    const bool ready = use == PortUse::kAgentOnly || agent::skip_to_frame(incoming_);
    std::string_view data = ready ? incoming_ : std::string_view();
    const auto status = decoder_.feed(data, frame);
    if (ready) incoming_.erase(0, incoming_.size() - data.size());
    if (status == agent::FrameDecoder::Status::kFaulty) {
      return breach(agent::describe(decoder_.fault()));
    }
    if (status == agent::FrameDecoder::Status::kFrame) break;
    KILN_TRY(cancel.check());
    if (Clock::now() >= deadline) {
      const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(patience_.hello);
      return lost(fail(ErrorKind::kTimeout,
                       "Agent:NoHello",
                       "the program in the virtual machine did not report within {}",
                       format_duration(waited))
                      .cure(kLookAtConsole));
    }
    KILN_TRY(wait(cancel.fd(), deadline));
  }
  if (frame.type != FrameType::kHello || frame.request != 0) {
    return breach("its first message is not a greeting");
  }
  return frame;
}

Result<void> HostLink::exchange(const Exchange& exchange, const CancelToken& cancel) {
  if (lost_) return *lost_;
  KILN_TRY(cancel.check());
  if (exchange.payload.size() > agent::kMaxPayload) {
    return fail(ErrorKind::kUnsupported,
                "Agent:RequestTooLarge",
                "{}: arguments and environment take {}, more than the {} that fit",
                exchange.activity,
                format_bytes(exchange.payload.size()),
                format_bytes(agent::kMaxPayload))
        .cure("pass large values in a file");
  }
  Progress progress{exchange, ++last_request_, {}, {}, !exchange.next_data};
  const auto now = Clock::now();
  last_heard_ = now;
  pinged_.reset();
  constexpr std::chrono::milliseconds kForever = std::chrono::hours(24 * 365);
  if (exchange.time_limit && *exchange.time_limit < kForever) {
    progress.overdue = now + *exchange.time_limit + patience_.beyond_limit;
  }
  send(exchange.type, progress.request, exchange.payload);
  while (!progress.finished) {
    if (auto pumped = pump(progress, cancel); !pumped) return lost(pumped.error());
  }
  // Something cancelled may have ended by itself at the last moment; cancelled it is all the same.
  if (progress.give_up) return cancelled().while_doing(exchange.activity);
  return {};
}

Result<void> HostLink::pump(Progress& progress, const CancelToken& cancel) {
  KILN_TRY_ASSIGN(progress.finished, take_frames(progress));
  if (progress.finished) return {};
  KILN_TRY(watch_time(progress, cancel.requested()));
  KILN_TRY(watch_heartbeat());
  KILN_TRY(refill(progress));
  auto until = pinged_ ? *pinged_ + patience_.for_pong : last_heard_ + patience_.before_ping;
  if (progress.overdue) until = std::min(until, *progress.overdue);
  if (progress.give_up) until = std::min(until, *progress.give_up);
  if (progress.exchange.input && progress.exchange.input->terminal) {
    follow_terminal(progress);
    until = std::min(until, Clock::now() + kTerminalLook);
  }
  return wait(progress.give_up ? -1 : cancel.fd(), until, &progress);
}

Result<bool> HostLink::take_frames(Progress& progress) {
  std::string_view data = incoming_;
  Frame frame;
  bool finished = false;
  while (!finished) {
    const auto status = decoder_.feed(data, frame);
    if (status == agent::FrameDecoder::Status::kFaulty) {
      return breach(agent::describe(decoder_.fault()));
    }
    if (status == agent::FrameDecoder::Status::kNeedMore) break;
    KILN_TRY_ASSIGN(finished, take(frame, progress));
  }
  incoming_.erase(0, incoming_.size() - data.size());
  return finished;
}

void HostLink::allow_streams(std::vector<ServerAddress> servers) {
  servers_ = std::move(servers);
}

Result<void> HostLink::take_stream(const Frame& frame) {
  if (frame.type != FrameType::kStreamOpen) {
    if (!streams_.take(frame)) return breach("it broke the rules of a connection");
    return {};
  }
  const auto open = agent::decode_stream_open(frame.payload);
  if (!open || open->destination >= servers_.size()) {
    return breach("it wants a connection that it is not allowed");
  }
  auto socket = streams_.full() ? UniqueFd() : begin_connect(servers_[open->destination]);
  if (socket) {
    streams_.add(frame.request, std::move(socket));
  } else {
    send(FrameType::kStreamReset, frame.request, {});
  }
  return {};
}

Result<bool> HostLink::take(const Frame& frame, Progress& progress) {
  if (agent::is_stream(frame.type)) {
    KILN_TRY(take_stream(frame));
    return false;
  }
  if (frame.type == FrameType::kPong && frame.request == 0) {
    if (pings_unanswered_ == 0) return breach("it answers what was not asked");
    --pings_unanswered_;
    return false;
  }
  if (frame.request != progress.request || !agent::is_answer(progress.exchange.type, frame.type)) {
    return breach("its answer does not fit the request");
  }
  if (frame.type == FrameType::kInputTaken) {
    KILN_TRY(take_input_report(frame, progress));
    return false;
  }
  KILN_TRY_ASSIGN(const bool last, progress.exchange.on_answer(frame));
  if (frame.type == FrameType::kFrozen) {
    send(FrameType::kThaw, progress.request, {});
    last_heard_ = Clock::now();  // what was done meanwhile may have taken long
    pinged_.reset();
  }
  return last;
}

Result<void> HostLink::take_input_report(const Frame& frame, Progress& progress) {
  const auto taken = agent::decode_input_taken(frame.payload);
  if (!taken || taken->bytes > progress.input_under_way) {
    return breach("it took input that it was not given");
  }
  progress.input_under_way -= taken->bytes;
  return {};
}

void HostLink::follow_terminal(Progress& progress) {
  const auto size = progress.exchange.input->terminal();
  if (size == progress.terminal || progress.give_up) return;
  progress.terminal = size;
  send(FrameType::kResize, progress.request, encode(agent::TerminalSize{size.rows, size.columns}));
}

/// At most what may be under way; the end of the input, and a failure to read it, end it.
void HostLink::read_input(Progress& progress) {
  std::array<char, agent::kInputWindow> piece;
  const auto room = agent::kInputWindow - progress.input_under_way;
  const auto got = ::read(progress.exchange.input->fd, piece.data(), room);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    progress.input_ended = true;
    return send(FrameType::kInputEnd, progress.request, {});
  }
  const auto size = static_cast<std::size_t>(got);
  progress.input_under_way += size;
  send(FrameType::kInput, progress.request, {piece.data(), size});
}

/// Keeps some data under way, but not so much that a cancel would wait long behind it.
Result<void> HostLink::refill(Progress& progress) {
  while (!progress.all_sent && !progress.give_up && outgoing_.size() < kOutgoingRoom) {
    KILN_TRY_ASSIGN(const auto data, progress.exchange.next_data());
    progress.all_sent = data.empty();
    send(data.empty() ? FrameType::kPutEnd : FrameType::kPutData, progress.request, data);
  }
  return {};
}

Result<void> HostLink::watch_time(Progress& progress, bool cancel_requested) {
  const auto now = Clock::now();
  if (cancel_requested && !progress.give_up) {
    send(FrameType::kCancel, progress.request, {});
    progress.give_up = now + patience_.for_cancel;
  }
  const auto& activity = progress.exchange.activity;
  if (progress.give_up && now >= *progress.give_up) {
    return cancelled().while_doing(activity).followed_by(
        fail(ErrorKind::kTimeout,
             "Agent:CancelIgnored",
             "the program in the virtual machine did not end it within {}",
             format_duration(patience_.for_cancel)));
  }
  if (progress.overdue && now >= *progress.overdue) {
    return fail(ErrorKind::kTimeout,
                "Agent:Overdue",
                "the virtual machine did not enforce the time limit of {}",
                format_duration(*progress.exchange.time_limit))
        .while_doing(activity)
        .cure(kLookAtConsole);
  }
  return {};
}

Result<void> HostLink::watch_heartbeat() {
  const auto now = Clock::now();
  if (pinged_ && now >= *pinged_ + patience_.for_pong) {
    return fail(ErrorKind::kTimeout,
                "Agent:Silent",
                "the program in the virtual machine has not answered for {}",
                format_duration(
                    std::chrono::duration_cast<std::chrono::milliseconds>(now - last_heard_)))
        .cure(kLookAtConsole);
  }
  if (!pinged_ && now >= last_heard_ + patience_.before_ping) {
    send(FrameType::kPing, 0, {});
    ++pings_unanswered_;
    pinged_ = now;
  }
  return {};
}

Result<void> HostLink::wait(int cancel_fd, Clock::time_point until, Progress* progress) {
  const int input_fd = progress != nullptr ? progress->input_fd() : -1;
  std::vector<pollfd> polled = {
      {socket_.get(), POLLIN, 0}, {cancel_fd, POLLIN, 0}, {input_fd, POLLIN, 0}};
  streams_.watch(polled, outgoing_.size() < kOutgoingRoom);
  if (!outgoing_.empty()) polled[0].events |= POLLOUT;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  constexpr decltype(left) kLongest = 60'000;
  const auto timeout = static_cast<int>(std::clamp<decltype(left)>(left, 0, kLongest));
  if (::poll(polled.data(), polled.size(), timeout) <= 0) return {};
  streams_.advance(polled);
  if (polled[2].revents != 0) read_input(*progress);
  if ((polled[0].revents & POLLOUT) != 0) KILN_TRY(write_some());
  if ((polled[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) KILN_TRY(read_some());
  return {};
}

Result<void> HostLink::write_some() {
  const auto sent = ::send(socket_.get(), outgoing_.data(), outgoing_.size(), MSG_NOSIGNAL);
  // A broken connection shows when reading, after what it said last.
  if (sent > 0) outgoing_.erase(0, static_cast<std::size_t>(sent));
  return {};
}

Result<void> HostLink::read_some() {
  std::array<char, agent::kMaxPayload> piece;
  const auto got = ::read(socket_.get(), piece.data(), piece.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (got <= 0) {
    const char* why = got == 0 ? "it closed the connection" : std::strerror(errno);
    return lost(fail(ErrorKind::kGuestFailed,
                     "Agent:Lost",
                     "the program in the virtual machine is gone: {}",
                     why)
                    .cure(kLookAtConsole));
  }
  incoming_.append(piece.data(), static_cast<std::size_t>(got));
  last_heard_ = Clock::now();
  pinged_.reset();
  return {};
}

}  // namespace kiln
