#include "customizers/generalize/generalize.h"

#include <algorithm>

#include "customizers/generalize/linux/accounts.h"
#include "customizers/generalize/linux/deprovision_script.h"
#include "customizers/step_command.h"
#include "engine/core/bytes.h"

namespace kiln {
namespace {

bool contains(std::span<const std::string> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Before the agent deprovisions: it removes the file that names the user.
Result<std::vector<std::string>> find_build_users(const StepContext& context) {
  const auto ovf_env = context.agent.get("/var/lib/waagent/ovf-env.xml", kMiB, context.cancel);
  if (!ovf_env && ovf_env.error().kind() == ErrorKind::kNotFound) return std::vector<std::string>();
  KILN_TRY_WHILE(ovf_env, "looking for the user that provisioning made");
  auto user = provisioned_user(*ovf_env);
  if (user.empty()) return std::vector<std::string>();
  return std::vector<std::string>{std::move(user)};
}

/// Where steps have a network, the sandbox has mounted its name server over the guest's own file.
/// The agent's deprovisioning gives up half-way where it cannot remove that file, so it goes first.
Result<void> release_resolv_conf(const StepContext& context) {
  KILN_TRY(ask_guest(context.agent,
                     R"sh(while read -r _ place _; do
  if [ "$place" = /etc/resolv.conf ]; then umount /etc/resolv.conf; fi
done < /proc/self/mounts)sh",
                     {},
                     context.cancel));
  return {};
}

Result<std::string> perform(const GeneralizeOperation& operation, const Generalizing& guest) {
  std::vector<std::string> done;
  for (const auto pattern : operation.removes) {
    KILN_TRY_ASSIGN(const auto removed, guest.agent.remove(std::string(pattern), guest.cancel));
    for (const auto& path : removed) done.push_back("removed " + path);
  }
  KILN_TRY_ASSIGN(auto more, operation.perform(guest));
  if (!more.empty()) done.push_back(std::move(more));
  constexpr std::size_t kShown = 4;
  if (done.size() <= kShown) return fmt::format("{}", fmt::join(done, ", "));
  return fmt::format(
      "{} and {} more", fmt::join(done.begin(), done.begin() + kShown, ", "), done.size() - kShown);
}

}  // namespace

Result<GeneralizeReport> run_deprovision(const StepContext& context) {
  GeneralizeReport report;
  KILN_TRY_ASSIGN(report.build_users, find_build_users(context));
  KILN_TRY(release_resolv_conf(context));
  KILN_TRY(run_deprovision_script(context));
  return report;
}

Result<void> run_generalize_operations(const StepContext& context,
                                       const GeneralizeReport& report,
                                       std::span<const std::string> skip,
                                       std::span<const std::string> also) {
  for (const auto& name : skip) KILN_TRY(check_generalize_operation(name));
  for (const auto& name : also) KILN_TRY(check_generalize_operation(name));
  // Once more: a system that was shut down in between may have left its own.
  KILN_TRY(release_resolv_conf(context));
  const Generalizing guest{context.agent, context.cancel, report.build_users};
  for (const auto& operation : generalize_operations()) {
    const bool wanted =
        operation.on_by_default ? !contains(skip, operation.name) : contains(also, operation.name);
    if (!wanted) continue;
    auto done = perform(operation, guest);
    if (!done) {
      return std::move(done)
          .error()
          .while_doing(fmt::format("generalizing: {} ({})", operation.name, operation.help))
          .cure(fmt::format("--generalize-skip {} leaves it out", operation.name));
    }
    if (!done->empty()) {
      emit_step_line(context, GuestStream::kStdout, fmt::format("{}: {}", operation.name, *done));
    }
  }
  return {};
}

}  // namespace kiln
