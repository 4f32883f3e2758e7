#include "engine/agent/guest_agent.h"

// Laid around the program by embedded_windows_agent.S.
extern "C" {
extern const char kiln_embedded_windows_agent_begin[];  // NOLINT(readability-identifier-naming)
extern const char kiln_embedded_windows_agent_end[];    // NOLINT(readability-identifier-naming)
}

namespace kiln {

std::string_view embedded_windows_agent() {
  const auto size = kiln_embedded_windows_agent_end - kiln_embedded_windows_agent_begin;
  return {kiln_embedded_windows_agent_begin, static_cast<std::size_t>(size)};
}

}  // namespace kiln
