#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "engine/core/cancel.h"
#include "engine/core/result.h"
#include "engine/sandbox/guest/domain_xml.h"
#include "engine/sandbox/guest/virt_root.h"

namespace kiln {

/// What a machine has done since it was switched on.
struct DomainActivity {
  std::uint64_t bytes_read = 0;  ///< of all its drives
  std::uint64_t bytes_written = 0;
  std::chrono::nanoseconds processor{0};  ///< that it used
};

/// A virtual machine that runs until its guest powers it off, or until this goes out of scope.
class RunningDomain {
 public:
  virtual ~RunningDomain() = default;

  /// How often the guest has restarted.
  [[nodiscard]] virtual int restarts() const = 0;
  /// Whether the machine is off.
  [[nodiscard]] virtual bool ended() const = 0;
  /// Waits until the machine is off; false where it is still on after `patience`.
  virtual Result<bool> wait_for_end(std::chrono::milliseconds patience,
                                    const CancelToken& cancel) = 0;
  /// Of drives that libvirt knows. An error where the machine is off.
  virtual Result<DomainActivity> activity() = 0;
  /// Presses the return key.
  virtual void press_return() = 0;
  /// As when somebody pulls the plug.
  virtual void cut_power() = 0;
  /// Its processors stand still until `resume`.
  virtual Result<void> pause() = 0;
  virtual Result<void> resume() = 0;
  /// What a command of qemu's own monitor returns; Sandbox:Monitor where qemu refuses it.
  /// @param file what qemu gets a copy of, where not negative
  virtual Result<nlohmann::json> monitor(const std::string& command,
                                         const nlohmann::json& arguments,
                                         int file) = 0;
  /// Called on another thread whenever the guest restarts; an empty function ends that.
  virtual void on_restart(std::function<void()> call) = 0;
};

/// Starts a transient machine, of which no configuration stays. One that waits for what was saved
/// of it (`incoming`) stands still until `resume`.
Result<std::unique_ptr<RunningDomain>> start_domain(const VirtRoot& virt, const DomainSpec& spec);

}  // namespace kiln
