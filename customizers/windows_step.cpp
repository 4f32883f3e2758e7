#include "customizers/windows_step.h"

namespace kiln {

Error WindowsStep::windows_blocker(std::string_view type, const std::string& where) {
  return fail(ErrorKind::kUnsupported,
              "Template:NotYetSupported",
              "this {} step needs Windows, which this version of Kiln cannot run yet",
              type)
      .at(where)
      .cure("remove the step, or build this template in the service");
}

}  // namespace kiln
