// The validate phase: in-VM validations on an overlay that nothing is made of.
#include "engine/run/run_steps.h"

namespace kiln {
namespace {

constexpr const char* kPhase = "validate";

Result<void> run_validators(const WorkDisk& disk,
                            const PreparedInputs& inputs,
                            const RunContext& context) {
  const auto& plan = context.plan;
  KILN_TRY_ASSIGN(auto sandbox, start_sandbox(context, kPhase, plan.validation_sandbox, disk));
  // Out of scope it is killed: what it wrote is worth nothing.
  return run_steps(context, kPhase, plan.checked.validations, inputs, *sandbox);
}

/// Tells a failed validation from a failed step of the build.
Result<void> verdict(Result<void> ran, std::string_view what) {
  if (ran) return ran;
  return std::move(ran).error().while_doing(fmt::format("validating {}", what));
}

}  // namespace

Result<void> validate(const CheckedDisk& checked, const RunContext& context) {
  KILN_TRY_ASSIGN(const auto disk,
                  checked.disk.create_over(
                      context.runner, context.folder.work() / "validation.qcow2", context.cancel));
  auto ran = run_validators(disk, checked.inputs, context);
  std::error_code ignored;  // the work folder goes as a whole at the end
  std::filesystem::remove(disk.overlay(), ignored);
  return verdict(std::move(ran), "the image");
}

Result<void> validate(const AttachedDisk& attached, const RunContext& context) {
  return verdict(run_validators(attached.disk, attached.inputs, context), "the source");
}

}  // namespace kiln
