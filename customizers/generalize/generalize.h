#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "customizers/customizer.h"

namespace kiln {

/// Where the service keeps the script of its hidden last step; customizers may edit or replace it.
inline constexpr std::string_view kDeprovisionScriptPath = "/tmp/DeprovisioningScript.sh";

/// The same in Windows.
inline constexpr std::string_view kWindowsDeprovisionScriptPath = R"(C:\DeprovisioningScript.ps1)";

/// What an operation works on.
struct Generalizing {
  GuestAgent& agent;
  CancelToken cancel;
  std::vector<std::string> build_users;  ///< accounts that provisioning made in this image
};

/// One thing that Kiln itself does to make an image general, after the deprovisioning script. Help,
/// documentation, execution and the residue check all read this record.
struct GeneralizeOperation {
  std::string_view name;  ///< for `--generalize-skip`
  std::string_view help;  ///< one line
  bool on_by_default;
  std::string_view residue;                   ///< what is left behind if it does not run, singular
  std::span<const std::string_view> removes;  ///< wildcards in the guest, removed with contents
  /// What removing files cannot do; returns what it did, empty where there was nothing to do.
  Result<std::string> (*perform)(const Generalizing& guest);
};

/// All operations, in the order in which they run.
std::span<const GeneralizeOperation> generalize_operations();

/// Refuses a name that no operation bears.
Result<void> check_generalize_operation(const std::string& name);

/// Writes the service's default script to its place. To be called before the first step.
Result<void> stage_deprovision_script(GuestAgent& agent, const CancelToken& cancel);

/// The same in Windows.
Result<void> stage_windows_deprovision_script(GuestAgent& agent, const CancelToken& cancel);

struct GeneralizeReport {
  /// Accounts that provisioning had made; they must be gone from the sealed disk.
  std::vector<std::string> build_users;
};

/// Shows and runs whatever stands at kDeprovisionScriptPath, as the service does: where the image's
/// own system runs, in that.
Result<GeneralizeReport> run_deprovision(const StepContext& context);

/// The same in Windows, where sysprep does it all: fails where the image's state is not that of a
/// generalized one afterwards, and names what sysprep stumbled over. A watch ends a script that
/// waits for a sysprep that has failed, which it would do for ever.
Result<void> run_windows_deprovision(const StepContext& context);

/// Then the operations that are on by default and not in `skip`, and those in `also`, on a system
/// that does not run: one that shuts down writes some of what they remove.
Result<void> run_generalize_operations(const StepContext& context,
                                       const GeneralizeReport& report,
                                       std::span<const std::string> skip,
                                       std::span<const std::string> also = {});

}  // namespace kiln
