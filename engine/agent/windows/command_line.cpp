#include "engine/agent/windows/command_line.h"

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

}  // namespace

std::string command_line(const std::vector<std::string>& argv) {
  std::string line;
  for (const auto& argument : argv) {
    if (!line.empty()) line += ' ';
    if (argument.empty() || argument.find_first_of(" \t\n\v\"") != std::string::npos) {
      append_quoted(line, argument);
    } else {
      line += argument;
    }
  }
  return line;
}

}  // namespace kiln::agent
