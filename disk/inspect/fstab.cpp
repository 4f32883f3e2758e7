#include "disk/inspect/fstab.h"

#include <algorithm>

#include "engine/core/text.h"

namespace kiln {
namespace {

bool is_octal(char digit) {
  return digit >= '0' && digit <= '7';
}

/// fstab(5): white space in a field is written as `\040` and the like.
std::string unescape(std::string_view field) {
  std::string text;
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] == '\\' && i + 3 < field.size() && is_octal(field[i + 1]) &&
        is_octal(field[i + 2]) && is_octal(field[i + 3])) {
      text += static_cast<char>((field[i + 1] - '0') * 64 + (field[i + 2] - '0') * 8 +
                                (field[i + 3] - '0'));
      i += 3;
    } else {
      text += field[i];
    }
  }
  return text;
}

std::vector<std::string> fields_of(std::string_view line) {
  constexpr std::string_view kBlank = " \t\r";
  std::vector<std::string> fields;
  while (true) {
    const auto begin = line.find_first_not_of(kBlank);
    if (begin == std::string_view::npos) return fields;
    line.remove_prefix(begin);
    const auto end = std::min(line.find_first_of(kBlank), line.size());
    fields.push_back(unescape(line.substr(0, end)));
    line.remove_prefix(end);
  }
}

}  // namespace

bool FstabEntry::has_option(std::string_view name) const {
  return std::find(options.begin(), options.end(), name) != options.end();
}

std::string FstabEntry::option_value(std::string_view name) const {
  for (const auto& option : options) {
    if (option.size() > name.size() && option[name.size()] == '=' &&
        std::string_view(option).substr(0, name.size()) == name) {
      return option.substr(name.size() + 1);
    }
  }
  return {};
}

std::vector<FstabEntry> parse_fstab(std::string_view text) {
  std::vector<FstabEntry> entries;
  int number = 0;
  for (const auto& line : split_lines(text)) {
    ++number;
    const auto fields = fields_of(line);
    if (fields.size() < 2 || fields[0].front() == '#') continue;
    FstabEntry entry;
    entry.spec = fields[0];
    entry.mount_point = fields[1];
    entry.type = fields.size() > 2 ? fields[2] : "auto";
    entry.options = split(fields.size() > 3 ? fields[3] : "defaults", ',');
    entry.line = number;
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace kiln
