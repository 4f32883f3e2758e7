#include "disk/inspect/os_release.h"

#include "engine/core/text.h"

namespace kiln {
namespace {

std::string unquote(std::string_view value) {
  const bool quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
                      value.back() == value.front();
  const bool escapes = !quoted || value.front() == '"';
  if (quoted) value = value.substr(1, value.size() - 2);
  std::string text;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (escapes && value[i] == '\\' && i + 1 < value.size()) ++i;
    text += value[i];
  }
  return text;
}

}  // namespace

std::map<std::string, std::string> parse_os_release(std::string_view text) {
  std::map<std::string, std::string> variables;
  for (const auto& raw : split_lines(text)) {
    const auto line = trim(raw);
    const auto equals = line.find('=');
    if (line.empty() || line.front() == '#' || equals == std::string_view::npos) continue;
    variables[std::string(line.substr(0, equals))] = unquote(line.substr(equals + 1));
  }
  return variables;
}

}  // namespace kiln
