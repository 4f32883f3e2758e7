#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/core/text.h"

namespace kiln {

/// Takes one of these words in any case; another is refused with those that there are.
/// @param known how `--help` names them, in its order
template <class T>
CLI::Validator choice(const std::map<std::string, T>& values, const std::string& known) {
  const auto check = [values, known](std::string& given) -> std::string {
    std::vector<std::string_view> words;
    for (const auto& [word, value] : values) {
      words.push_back(word);
      if (!equal_ignoring_case(word, given)) continue;
      given = std::to_string(static_cast<int>(value));
      return {};
    }
    const auto near = nearest_word(given, words);
    const auto cure = near.empty() ? std::string() : fmt::format("; did you mean \"{}\"?", near);
    return fmt::format(
        "\"{}\" is none of {}{}", printable(given, 60), fmt::join(split(known, '|'), ", "), cure);
  };
  return {check, known};
}

}  // namespace kiln
