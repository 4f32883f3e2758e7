#include "customizers/shell/script.h"

namespace kiln {

std::string join_inline(std::span<const std::string> lines) {
  // With -e, so that a failing line ends the step: Packer's inline_shebang default.
  constexpr std::string_view kDefaultShebang = "#!/bin/sh -e\n";
  std::string script;
  if (lines.empty() || !lines.front().starts_with("#!")) script = kDefaultShebang;
  for (const auto& line : lines) {
    script += line;
    script += '\n';
  }
  return script;
}

std::string to_unix_lines(std::string_view text) {
  std::string unix_text;
  unix_text.reserve(text.size() + 1);
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    unix_text += line;
    unix_text += '\n';
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return unix_text;
}

}  // namespace kiln
