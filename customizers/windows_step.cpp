#include "customizers/windows_step.h"

namespace kiln {

Result<void> WindowsStep::run(const StepContext& context) const {
  auto outcome = perform(context);
  if (!outcome) return std::move(outcome).error().at(where_);
  return {};
}

Error WindowsStep::windows_blocker(std::string_view type, const std::string& where) {
  return fail(ErrorKind::kUnsupported,
              "Template:NotYetSupported",
              "this {} step needs Windows, which this version of Kiln cannot run yet",
              type)
      .at(where)
      .cure("remove the step, or build this template in the service");
}

}  // namespace kiln
