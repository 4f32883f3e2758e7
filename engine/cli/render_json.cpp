#include "engine/cli/render_json.h"

#include "engine/core/json.h"
#include "engine/run/event_json.h"

namespace kiln {

void JsonRenderer::emit(const Event& event) noexcept {
  const auto line = dump_json(event_to_json(event)) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace kiln
