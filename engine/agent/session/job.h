#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/agent/messages.h"
#include "engine/agent/session/outbox.h"

namespace kiln::agent {

/// What the loop waits for; each platform has its own.
struct Waits;

/// The request being worked on. The session's loop is the only thread, so `advance` does a little
/// and never waits. Destroying an unfinished job undoes it: nothing keeps running, no partial file
/// stays.
class Job {
 public:
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  virtual ~Job() = default;
  /// Adds what should wake the loop; returns after how many milliseconds it should wake anyway, -1
  /// for never.
  virtual int watch(Waits& /*waits*/, const Outbox& /*outbox*/) { return -1; }
  /// Returns true when the final answer has been added.
  virtual bool advance(Outbox& outbox) = 0;
  virtual void cancel() = 0;
  /// Put only.
  virtual void take(std::string_view /*data*/) {}
  virtual void take_end() {}
  /// Run only, as the request asked for it; false where the host broke the rules.
  virtual bool feed(std::string_view /*input*/) { return false; }
  virtual bool feed_end() { return false; }
  virtual bool resize(const TerminalSize& /*size*/) { return false; }
  /// Freeze only.
  virtual void thaw() {}
};

/// What is already over.
/// @param error empty where it worked
std::unique_ptr<Job> make_finished_job(std::uint32_t request, ErrorCode code, std::string error);

/// An error frame's payload; the message is cut to a sane length.
std::string error_payload(ErrorCode code, std::string message);

}  // namespace kiln::agent
