#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "engine/core/cancel.h"
#include "engine/core/unique_fd.h"

namespace kiln {

/// Ends blocked libguestfs calls. A handle is locked while a call runs (guestfs_get_pid would wait
/// too), so a thread of ours finds the qemu that belongs to it among our child processes and kills
/// it, whereupon the call fails. Between calls it leaves the appliance alone, so that a cancelled
/// step is ended in order by the agent.
class ApplianceKiller {
 public:
  enum class Reason { kNone, kCancelled, kTooLate };

  /// Stands around each libguestfs call.
  class Call {
   public:
    explicit Call(ApplianceKiller& killer) : killer_(killer) { ++killer_.calls_; }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() { --killer_.calls_; }

   private:
    ApplianceKiller& killer_;
  };

  /// @param marker text that only this appliance's qemu has on its command line
  ApplianceKiller(std::string marker,
                  CancelToken cancel,
                  std::chrono::steady_clock::time_point deadline);
  ApplianceKiller(const ApplianceKiller&) = delete;
  ApplianceKiller& operator=(const ApplianceKiller&) = delete;
  ~ApplianceKiller();

  /// The appliance is up: the deadline no longer holds.
  void lift_deadline();
  /// Kills the appliance from the caller's thread.
  void kill_now() const;
  [[nodiscard]] Reason reason() const { return reason_; }

 private:
  void watch();
  void notify();

  std::string marker_;
  CancelToken cancel_;
  std::chrono::steady_clock::time_point deadline_;
  std::atomic<Reason> reason_ = Reason::kNone;
  std::atomic<int> calls_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> lifted_ = false;
  UniqueFd wake_;
  std::thread thread_;
};

}  // namespace kiln
