#include "customizers/generalize/linux/deprovision_script.h"

#include "customizers/generalize/generalize.h"
#include "customizers/step_command.h"
#include "engine/core/bytes.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

/// The service's commands. Scripts in the field edit this file in place (`sed s/+user//`), so the
/// last line keeps the service's wording.
constexpr std::string_view kDefaultScript = R"(WAAGENT=/usr/sbin/waagent
waagent -version 1> /dev/null 2>&1
if [ $? -eq 0 ]; then
  WAAGENT=waagent
fi
$WAAGENT -force -deprovision+user && export HISTSIZE=0 && sync
)";

constexpr std::uint64_t kScriptLimit = kMiB;

Result<bool> has_waagent(const StepContext& context) {
  KILN_TRY_ASSIGN(const auto answer,
                  ask_guest(context.agent,
                            "command -v waagent >/dev/null || [ -x /usr/sbin/waagent ]",
                            {},
                            context.cancel));
  return answer.code == 0;
}

}  // namespace

std::string_view default_deprovision_script() {
  return kDefaultScript;
}

Result<void> stage_deprovision_script(GuestAgent& agent, const CancelToken& cancel) {
  KILN_TRY_WHILE(agent.put(kDefaultScript, std::string(kDeprovisionScriptPath), 0755, cancel),
                 "staging the deprovisioning script");
  return {};
}

Result<void> run_deprovision_script(const StepContext& context) {
  const auto path = std::string(kDeprovisionScriptPath);
  const auto script = context.agent.get(path, kScriptLimit, context.cancel);
  if (!script && script.error().kind() == ErrorKind::kNotFound) {
    warning(context.events,
            fmt::format("a step removed {}; deprovisioning is skipped, as in the service", path),
            context.phase);
    return {};
  }
  KILN_TRY_WHILE(script, "reading {}", path);
  KILN_TRY_ASSIGN(const auto waagent, has_waagent(context));
  if (*script == kDefaultScript && !waagent) {
    notice(context.events,
           "the image has no waagent; Kiln's own operations do the deprovisioning",
           context.phase);
    return {};
  }
  for (const auto& line : split_lines(*script)) {
    emit_step_line(context, GuestStream::kStdout, line);
  }
  GuestCommand command;
  command.argv = {"sh", path};
  KILN_TRY_WHILE(
      run_step_command(context, std::move(command), "Generalize", "the deprovisioning script"),
      "running {}, which a step may have changed",
      path);
  return {};
}

}  // namespace kiln
