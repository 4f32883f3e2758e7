#include "engine/cli/services.h"

#include <unistd.h>

#include <fmt/format.h>

#include "engine/cli/render_json.h"
#include "engine/cli/render_text.h"
#include "engine/core/json.h"

namespace kiln {

std::unique_ptr<EventSink> make_display(const Settings& settings) {
  if (settings.log_format == LogFormat::kJson) return std::make_unique<JsonRenderer>();
  return std::make_unique<TextRenderer>(::isatty(STDERR_FILENO) == 1);
}

void print_result(const Settings& settings, const std::string& text, const nlohmann::json& json) {
  fmt::print("{}", settings.log_format == LogFormat::kJson ? dump_json(json, 2) + "\n" : text);
}

}  // namespace kiln
