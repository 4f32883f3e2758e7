#pragma once

#include <cstdint>
#include <memory>
#include <poll.h>
#include <string>
#include <string_view>
#include <vector>

#include "engine/agent/linux/forwarder.h"
#include "engine/agent/linux/outbox.h"
#include "engine/agent/messages.h"

namespace kiln::agent {

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
  virtual int watch(std::vector<pollfd>& /*polled*/, const Outbox& /*outbox*/) { return -1; }
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

/// How steps are run, fixed for the session.
struct StepSettings {
  bool mount_mode = false;         ///< the image's root is not a running system
  bool pid_namespaces = true;      ///< false: process group and subreaper
  bool may_leave_daemons = false;  ///< what runs is Kiln's own, and what it leaves is wanted
  std::string tools_folder;        ///< of our own programs for steps; first on their PATH
};

std::unique_ptr<Job> make_run_job(std::uint32_t request,
                                  const RunRequest& run,
                                  const StepSettings& settings);
std::unique_ptr<Job> make_put_job(std::uint32_t request, const PutRequest& put);
std::unique_ptr<Job> make_get_job(std::uint32_t request, const GetRequest& get);
std::unique_ptr<Job> make_clock_job(std::uint32_t request, const ClockSetting& setting);
std::unique_ptr<Job> make_freeze_job(std::uint32_t request, const FreezeRequest& freeze);
std::unique_ptr<Job> make_forward_job(std::uint32_t request,
                                      const ForwardRequest& forward,
                                      Forwarder& forwarder);
std::unique_ptr<Job> make_remove_job(std::uint32_t request, const RemoveRequest& remove);

/// An error frame's payload; the message is cut to a sane length.
std::string error_payload(ErrorCode code, std::string message);
/// The code for what errno says now.
ErrorCode error_code_from_errno();

}  // namespace kiln::agent
