#include "customizers/embedded_scripts.h"

#include <cstddef>

// Laid around the texts by embedded_scripts.S.
extern "C" {
// NOLINTBEGIN(readability-identifier-naming)
extern const char kiln_windows_update_begin[];
extern const char kiln_windows_update_end[];
extern const char kiln_windows_deprovisioning_begin[];
extern const char kiln_windows_deprovisioning_end[];
extern const char kiln_watch_sysprep_begin[];
extern const char kiln_watch_sysprep_end[];
// NOLINTEND(readability-identifier-naming)
}

namespace kiln {
namespace {

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

std::string_view windows_update_script() {
  return between(kiln_windows_update_begin, kiln_windows_update_end);
}

std::string_view windows_deprovisioning_script() {
  return between(kiln_windows_deprovisioning_begin, kiln_windows_deprovisioning_end);
}

std::string_view watch_sysprep_script() {
  return between(kiln_watch_sysprep_begin, kiln_watch_sysprep_end);
}

}  // namespace kiln
