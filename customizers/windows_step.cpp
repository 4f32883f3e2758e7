#include "customizers/windows_step.h"

namespace kiln {

Result<void> WindowsStep::run(const StepContext& context) const {
  auto outcome = perform(context);
  if (!outcome) return std::move(outcome).error().at(where_);
  return {};
}

}  // namespace kiln
