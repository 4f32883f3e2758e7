// The validate phase: in-VM validations on an overlay that nothing is made of.
#include "engine/run/keep_failed.h"
#include "engine/run/run_steps.h"

namespace kiln {
namespace {

constexpr const char* kPhase = "validate";

Result<void> run_validators(const WorkDisk& disk,
                            const PreparedInputs& inputs,
                            const RunContext& context) {
  const auto& plan = context.plan;
  const auto& arriving = *inputs.files;
  std::unique_ptr<Sandbox> sandbox;
  const auto work = [&]() -> Result<void> {
    KILN_TRY_ASSIGN(sandbox, while_inputs_arrive(context, arriving, [&](const RunContext& until) {
                      return start_sandbox(until, kPhase, plan.validation_sandbox, disk);
                    }));
    KILN_TRY_ASSIGN(const auto files, await_inputs(context, arriving, kPhase));
    return run_steps(context, kPhase, plan.checked.validations, files, *sandbox);
  };
  // Out of scope the sandbox is killed: what a good image's validators wrote is worth nothing.
  auto done = work();
  if (done) return done;
  if (arriving.failed()) return done;
  return keep_failed(std::move(done).error().while_doing(plan.builds() ? "validating the image"
                                                                       : "validating the source"),
                     {plan.checked.image_template.on_validation_error,
                      plan.validation_sandbox,
                      disk,
                      std::move(sandbox)},
                     context);
}

}  // namespace

Result<void> validate(const CheckedDisk& checked, const RunContext& context) {
  KILN_TRY_ASSIGN(const auto disk,
                  checked.disk.create_over(
                      context.runner, context.folder.work() / "validation.qcow2", context.cancel));
  auto ran = run_validators(disk, checked.inputs, context);
  std::error_code ignored;  // the work folder goes as a whole at the end
  std::filesystem::remove(disk.overlay(), ignored);
  return ran;
}

Result<void> validate(const AttachedDisk& attached, const RunContext& context) {
  return run_validators(attached.disk, attached.inputs, context);
}

}  // namespace kiln
