#include "engine/agent/guest_agent.h"

// Laid around the programs by embedded_agent.S.
// NOLINTBEGIN(readability-identifier-naming)
extern "C" {
extern const char kiln_embedded_linux_agent_begin[];
extern const char kiln_embedded_linux_agent_end[];
extern const char kiln_embedded_windows_agent_begin[];
extern const char kiln_embedded_windows_agent_end[];
}
// NOLINTEND(readability-identifier-naming)

namespace kiln {
namespace {

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

std::string_view embedded_linux_agent() {
  return between(kiln_embedded_linux_agent_begin, kiln_embedded_linux_agent_end);
}

std::string_view embedded_windows_agent() {
  return between(kiln_embedded_windows_agent_begin, kiln_embedded_windows_agent_end);
}

}  // namespace kiln
