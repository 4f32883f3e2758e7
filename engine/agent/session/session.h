#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "engine/agent/frame.h"
#include "engine/agent/session/job.h"

namespace kiln::agent {

/// How a system does what the host asks for: all that differs between systems, but for the loop
/// that waits and moves bytes.
class Platform {
 public:
  Platform() = default;
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;
  virtual ~Platform() = default;

  /// kCapability… bits.
  [[nodiscard]] virtual std::uint32_t capabilities() const = 0;
  virtual std::unique_ptr<Job> run(std::uint32_t request, const RunRequest& run) = 0;
  /// After each run.
  virtual void after_run() {}
  virtual std::unique_ptr<Job> put(std::uint32_t request, const PutRequest& put) = 0;
  virtual std::unique_ptr<Job> get(std::uint32_t request, const GetRequest& get) = 0;
  virtual std::unique_ptr<Job> remove(std::uint32_t request, const RemoveRequest& remove) = 0;
  virtual std::unique_ptr<Job> set_clock(std::uint32_t request, const ClockSetting& clock) = 0;
  virtual std::unique_ptr<Job> freeze(std::uint32_t request, const FreezeRequest& freeze) = 0;
  virtual std::unique_ptr<Job> forward(std::uint32_t request, const ForwardRequest& forward) = 0;
  /// A frame of a stream; false where the host broke the rules.
  virtual bool take_stream(const Frame& frame) = 0;
};

/// The agent's end of the protocol, without the port: bytes of the host come in by `receive`, what
/// is to be sent goes into the outbox.
class Session {
 public:
  enum class State { kGoing, kQuitting, kLost };

  Session(Platform& platform, Outbox& outbox) : platform_(platform), outbox_(outbox) {}

  void greet();
  void receive(std::string_view data);
  /// As Job's.
  int watch(Waits& waits) { return job_ ? job_->watch(waits, outbox_) : -1; }
  void advance();
  /// Undoes what is still going on.
  void end_job();
  /// The last word after kQuitting.
  void say_goodbye() { outbox_.add(FrameType::kDone, quit_request_, {}); }

  [[nodiscard]] State state() const { return state_; }
  /// The port is gone.
  void lose() { state_ = State::kLost; }

 private:
  void handle(const Frame& frame);
  void start(const Frame& frame);
  std::unique_ptr<Job> start_run(std::uint32_t request, const RunRequest& run);
  void require(bool kept_to_the_rules);

  Platform& platform_;
  Outbox& outbox_;
  FrameDecoder decoder_;
  RequestOrder order_;
  std::unique_ptr<Job> job_;
  bool job_is_run_ = false;
  std::uint32_t quit_request_ = 0;
  State state_ = State::kGoing;
};

}  // namespace kiln::agent
