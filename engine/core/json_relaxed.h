#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kiln {

/// Relaxed JSON made strict: comments and commas after the last member became blanks, line breaks
/// and tabs in strings became escapes, and a `<name>` that stands for a value became a string.
struct RelaxedJson {
  std::string text;
  std::optional<std::size_t> first;     ///< the byte of the first thing that strict JSON forbids
  std::vector<std::string_view> kinds;  ///< what was found, e.g. `comments`; each once
  std::vector<std::size_t> inserted;    ///< bytes of `text` that the original does not have
  std::vector<std::size_t> breaks;      ///< bytes of `text` where a string had a break or tab
  std::optional<std::size_t> unclosed_comment;  ///< the original's byte where it begins

  /// The byte of the original that `byte` of `text` came from.
  [[nodiscard]] std::size_t original(std::size_t byte) const;
};

RelaxedJson relax_json(std::string_view text);

/// Past the comment that starts at `at`, or `at` where none does.
std::size_t end_of_comment(std::string_view text, std::size_t at);

}  // namespace kiln
