#include "engine/agent/session/session.h"

namespace kiln::agent {

void Session::greet() {
  const Hello hello{kProtocolVersion, KILN_VERSION, platform_.capabilities()};
  outbox_.add(FrameType::kHello, 0, encode(hello));
}

void Session::receive(std::string_view data) {
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

void Session::advance() {
  if (job_ && job_->advance(outbox_)) end_job();
}

void Session::handle(const Frame& frame) {
  if (is_stream(frame.type)) return require(platform_.take_stream(frame));
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
  const auto begin = [&](const auto& decoded, auto make) {
    if (!decoded) return require(false);  // malformed, though its checksum is right
    job_ = (platform_.*make)(frame.request, *decoded);
  };
  switch (frame.type) {
    case FrameType::kRun:
      job_is_run_ = true;
      if (const auto run = decode_run(frame.payload)) {
        job_ = start_run(frame.request, *run);
        return;
      }
      return require(false);
    case FrameType::kPut:
      return begin(decode_put(frame.payload), &Platform::put);
    case FrameType::kGet:
      return begin(decode_get(frame.payload), &Platform::get);
    case FrameType::kRemove:
      return begin(decode_remove(frame.payload), &Platform::remove);
    case FrameType::kSetClock:
      return begin(decode_clock(frame.payload), &Platform::set_clock);
    case FrameType::kFreeze:
      return begin(decode_freeze(frame.payload), &Platform::freeze);
    case FrameType::kForward:
      return begin(decode_forward(frame.payload), &Platform::forward);
    default:
      require(false);
  }
}

/// To run a program as another than was asked for would be worse than not to.
std::unique_ptr<Job> Session::start_run(std::uint32_t request, const RunRequest& run) {
  const bool any_account = (platform_.capabilities() & kCapabilityAccounts) != 0;
  if (run.account == Account::kSystem || any_account) return platform_.run(request, run);
  return make_finished_job(
      request, ErrorCode::kIo, "cannot run " + run.argv[0] + ": this system has no such account");
}

void Session::end_job() {
  if (!job_) return;
  job_.reset();
  order_.finished();
  if (job_is_run_) platform_.after_run();
  job_is_run_ = false;
}

}  // namespace kiln::agent
