#include "engine/agent/windows/command_line.h"

#include <algorithm>

namespace kiln::agent {
namespace {

/// Backslashes mean themselves, but for those before a quote, of which two mean one.
void append_quoted(std::string& line, std::string_view argument) {
  line += '"';
  std::size_t backslashes = 0;
  for (const char c : argument) {
    if (c == '"') line.append(backslashes + 1, '\\');
    backslashes = c == '\\' ? backslashes + 1 : 0;
    line += c;
  }
  line.append(backslashes, '\\').append("\"");
}

void append_argument(std::string& line, std::string_view argument) {
  if (!line.empty()) line += ' ';
  if (argument.empty() || argument.find_first_of(" \t\n\v\"") != std::string_view::npos) {
    append_quoted(line, argument);
  } else {
    line += argument;
  }
}

std::string lower(std::string_view text) {
  std::string folded(text);
  std::transform(folded.begin(), folded.end(), folded.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return folded;
}

bool is_cmd(std::string_view program) {
  const auto separator = program.find_last_of("\\/");
  const auto name = lower(program.substr(separator + 1));  // npos + 1 is 0
  return name == "cmd" || name == "cmd.exe";
}

}  // namespace

std::string command_line(const std::vector<std::string>& argv) {
  std::string line;
  const bool cmd = !argv.empty() && is_cmd(argv[0]);
  for (std::size_t i = 0; i < argv.size(); ++i) {
    const auto option = lower(argv[i]);
    if (!cmd || (option != "/c" && option != "/k")) {
      append_argument(line, argv[i]);
      continue;
    }
    // With /s cmd takes one pair of quotes away and leaves all that is between as it is.
    line.append(" /s ").append(option).append(" \"");
    for (auto rest = i + 1; rest < argv.size(); ++rest) {
      if (rest > i + 1) line += ' ';
      line += argv[rest];
    }
    return line + '"';
  }
  return line;
}

}  // namespace kiln::agent
