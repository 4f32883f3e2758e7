#include "customizers/generalize/linux/deprovision_script.h"

#include "customizers/generalize/generalize.h"
#include "customizers/step_command.h"
#include "engine/core/bytes.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

/// The service's commands. Scripts in the field edit this file in place (`sed s/+user//`), so the
/// last line keeps the service's wording.
constexpr std::string_view kFindWaagent = R"(WAAGENT=/usr/sbin/waagent
waagent -version 1> /dev/null 2>&1
if [ $? -eq 0 ]; then
  WAAGENT=waagent
fi
)";
constexpr std::string_view kDeprovision =
    R"($WAAGENT -force -deprovision+user && export HISTSIZE=0 && sync
)";

constexpr std::uint64_t kScriptLimit = kMiB;

enum class Waagent {
  kAbsent,
  kOneProgram,  ///< the one in PATH is /usr/sbin/waagent, so there is nothing to choose
  kPresent
};

Result<Waagent> find_waagent(const StepContext& context) {
  KILN_TRY_ASSIGN(const auto answer,
                  ask_guest(context.agent,
                            R"sh(found=$(command -v waagent)
if [ -n "$found" ] && [ "$found" -ef /usr/sbin/waagent ]; then echo one
elif [ -n "$found" ] || [ -x /usr/sbin/waagent ]; then echo present
fi)sh",
                            {},
                            context.cancel));
  const auto word = trim(answer.out);
  if (word.empty()) return Waagent::kAbsent;
  return word == "one" ? Waagent::kOneProgram : Waagent::kPresent;
}

/// Asking the agent for its version starts Python, which under emulation takes as long as a third
/// of all deprovisioning; where every answer would lead to the same program it is not asked.
std::vector<std::string> deprovision_command(std::string_view script, Waagent waagent) {
  if (script != default_deprovision_script() || waagent != Waagent::kOneProgram) {
    return {"sh", std::string(kDeprovisionScriptPath)};
  }
  return {"sh", "-c", fmt::format("WAAGENT=/usr/sbin/waagent\n{}", kDeprovision)};
}

}  // namespace

const std::string& default_deprovision_script() {
  static const std::string script = fmt::format("{}{}", kFindWaagent, kDeprovision);
  return script;
}

Result<void> stage_deprovision_script(GuestAgent& agent, const CancelToken& cancel) {
  KILN_TRY_WHILE(
      agent.put(default_deprovision_script(), std::string(kDeprovisionScriptPath), 0755, cancel),
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
  KILN_TRY_ASSIGN(const auto waagent, find_waagent(context));
  if (*script == default_deprovision_script() && waagent == Waagent::kAbsent) {
    notice(context.events,
           "the image has no waagent; Kiln's own operations do the deprovisioning",
           context.phase);
    return {};
  }
  for (const auto& line : split_lines(*script)) {
    emit_step_line(context, GuestStream::kStdout, line);
  }
  GuestCommand command;
  command.argv = deprovision_command(*script, waagent);
  KILN_TRY_WHILE(
      run_step_command(context, std::move(command), "Generalize", "the deprovisioning script"),
      "running {}, which a step may have changed",
      path);
  return {};
}

}  // namespace kiln
