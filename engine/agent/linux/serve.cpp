#include "engine/agent/linux/serve.h"

#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/agent/linux/posix.h"

namespace kiln::agent {
namespace {

class Session {
 public:
  Session(int port,
          const StepSettings& settings,
          const std::function<void(bool)>& around_steps,
          const std::function<void()>& on_end)
      : port_(port), settings_(settings), around_steps_(around_steps), on_end_(on_end) {}

  int serve();

 private:
  enum class State { kGoing, kQuitting, kLost };

  void wait();
  void read_port();
  void handle(const Frame& frame);
  void start(const Frame& frame);
  void require(bool kept_to_the_rules);
  void end_job();
  /// A virtio-serial port without a host end reports hang-up; before the first word that only means
  /// that the host has not come yet.
  bool host_may_still_come();

  int port_;
  const StepSettings& settings_;
  const std::function<void(bool)>& around_steps_;
  const std::function<void()>& on_end_;
  Outbox outbox_;
  Forwarder forwarder_{outbox_};
  FrameDecoder decoder_;
  RequestOrder order_;
  std::unique_ptr<Job> job_;
  bool job_is_step_ = false;
  std::uint32_t quit_request_ = 0;
  State state_ = State::kGoing;
  bool greeted_ = false;
  int waits_for_host_ = 0;
  std::vector<pollfd> polled_;
};

int Session::serve() {
  const auto capabilities = settings_.pid_namespaces ? kCapabilityPidNamespace : 0;
  outbox_.add(FrameType::kHello, 0, encode(Hello{kProtocolVersion, KILN_VERSION, capabilities}));
  while (state_ == State::kGoing) {
    wait();
    read_port();
    if (state_ != State::kGoing) break;
    if (job_ && job_->advance(outbox_)) end_job();
    if (!outbox_.flush(port_) && !host_may_still_come()) state_ = State::kLost;
    if (outbox_.empty()) greeted_ = true;
  }
  end_job();
  forwarder_.leave();
  on_end_();
  if (state_ == State::kLost) return 1;
  outbox_.add(FrameType::kDone, quit_request_, {});
  while (!outbox_.empty()) {
    pollfd port{port_, POLLOUT, 0};
    ::poll(&port, 1, -1);
    if (!outbox_.flush(port_) || (port.revents & (POLLERR | POLLHUP)) != 0) return 1;
  }
  return 0;
}

void Session::wait() {
  polled_.clear();
  short events = 0;
  if (!outbox_.overfull()) events |= POLLIN;
  if (!outbox_.empty()) events |= POLLOUT;
  polled_.push_back({port_, events, 0});
  forwarder_.watch(polled_, outbox_);
  const int timeout = job_ ? job_->watch(polled_, outbox_) : -1;
  if (::poll(polled_.data(), polled_.size(), timeout) < 0) {
    for (auto& each : polled_) each.revents = 0;
  }
  forwarder_.advance(polled_);
}

void Session::read_port() {
  if ((polled_[0].revents & (POLLIN | POLLHUP | POLLERR)) == 0) return;
  char piece[kMaxPayload];
  const auto got = ::read(port_, piece, sizeof piece);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    if (!host_may_still_come()) state_ = State::kLost;
    return;
  }
  std::string_view data(piece, static_cast<std::size_t>(got));
  Frame frame;
  while (state_ == State::kGoing) {
    switch (decoder_.feed(data, frame)) {
      case FrameDecoder::Status::kNeedMore:
        return;
      case FrameDecoder::Status::kFaulty:
        state_ = State::kLost;
        return;
      case FrameDecoder::Status::kFrame:
        handle(frame);
    }
  }
}

void Session::handle(const Frame& frame) {
  if (is_stream(frame.type)) return require(forwarder_.take(frame));
  switch (order_.admit(frame.type, frame.request)) {
    case RequestOrder::Verdict::kStale:
      return;
    case RequestOrder::Verdict::kViolation:
      state_ = State::kLost;
      return;
    case RequestOrder::Verdict::kAccept:
      break;
  }
  switch (frame.type) {
    case FrameType::kPing:
      return outbox_.add(FrameType::kPong, 0, {});
    case FrameType::kCancel:
      return job_->cancel();
    case FrameType::kPutData:
      return job_->take(frame.payload);
    case FrameType::kPutEnd:
      return job_->take_end();
    case FrameType::kInput:
      return require(job_->feed(frame.payload));
    case FrameType::kInputEnd:
      return require(frame.payload.empty() && job_->feed_end());
    case FrameType::kResize: {
      const auto size = decode_terminal_size(frame.payload);
      return require(size && job_->resize(*size));
    }
    case FrameType::kThaw:
      return job_->thaw();
    case FrameType::kQuit:
      quit_request_ = frame.request;
      state_ = State::kQuitting;
      return;
    default:
      start(frame);
  }
}

void Session::require(bool kept_to_the_rules) {
  if (!kept_to_the_rules) state_ = State::kLost;
}

void Session::start(const Frame& frame) {
  if (const auto run = frame.type == FrameType::kRun ? decode_run(frame.payload) : std::nullopt) {
    around_steps_(true);
    job_is_step_ = true;
    job_ = make_run_job(frame.request, *run, settings_);
  } else if (const auto put =
                 frame.type == FrameType::kPut ? decode_put(frame.payload) : std::nullopt) {
    job_ = make_put_job(frame.request, *put);
  } else if (const auto get =
                 frame.type == FrameType::kGet ? decode_get(frame.payload) : std::nullopt) {
    job_ = make_get_job(frame.request, *get);
  } else if (const auto remove =
                 frame.type == FrameType::kRemove ? decode_remove(frame.payload) : std::nullopt) {
    job_ = make_remove_job(frame.request, *remove);
  } else if (const auto clock =
                 frame.type == FrameType::kSetClock ? decode_clock(frame.payload) : std::nullopt) {
    job_ = make_clock_job(frame.request, *clock);
  } else if (const auto freeze =
                 frame.type == FrameType::kFreeze ? decode_freeze(frame.payload) : std::nullopt) {
    job_ = make_freeze_job(frame.request, *freeze);
  } else if (const auto forward =
                 frame.type == FrameType::kForward ? decode_forward(frame.payload) : std::nullopt) {
    job_ = make_forward_job(frame.request, *forward, forwarder_);
  } else {
    state_ = State::kLost;  // malformed, though its checksum is right
  }
}

void Session::end_job() {
  if (!job_) return;
  job_.reset();
  order_.finished();
  if (job_is_step_) around_steps_(false);
  job_is_step_ = false;
}

bool Session::host_may_still_come() {
  constexpr int kPauseMicroseconds = 100'000;
  constexpr int kMostWaits = 10 * 60 * 5;  // five minutes
  struct stat info {};
  if (greeted_ || ::fstat(port_, &info) != 0 || !S_ISCHR(info.st_mode)) return false;
  ::usleep(kPauseMicroseconds);
  return ++waits_for_host_ < kMostWaits;
}

}  // namespace

int serve(int port,
          const StepSettings& settings,
          const std::function<void(bool)>& around_steps,
          const std::function<void()>& on_end) {
  set_nonblocking(port);
  return Session(port, settings, around_steps, on_end).serve();
}

}  // namespace kiln::agent
