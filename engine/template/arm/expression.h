#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"

namespace kiln::arm {

/// A template expression, parsed.
struct Expression {
  enum class Kind {
    kString,
    kInteger,
    kCall,    ///< `text(parts...)`, the name perhaps with a namespace
    kMember,  ///< `parts[0].text`
    kIndex,   ///< `parts[0][parts[1]]`
  };
  Kind kind = Kind::kString;
  std::string text;
  std::int64_t number = 0;
  bool safe = false;   ///< `.?` and `[?`: null where there is nothing
  std::size_t at = 0;  ///< the byte of the whole string where it starts
  std::vector<Expression> parts;
};

/// Whether ARM would evaluate the string: `[…]`, but not `[[…]`.
bool is_expression(std::string_view text);
/// `[[…]`, which stands for the literal `[…]`.
bool is_escaped(std::string_view text);

/// @param text with its brackets; untrusted
/// An error names the character; its place is the caller's to add.
Result<Expression> parse_expression(std::string_view text);

/// Which character of `text` stands at the byte `at`; the first is 1.
std::size_t character_at(std::string_view text, std::size_t at);

/// `text` cut around the byte `at`, fit for a message.
std::string excerpt(std::string_view text, std::size_t at);

}  // namespace kiln::arm
