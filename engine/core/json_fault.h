#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kiln {

/// Why a text is not JSON, in words that lead to the cure.
struct JsonFault {
  std::size_t byte;  ///< where a person has to look
  std::string what;  ///< a clause; `{}` in it stands for the place of `begun`
  std::string cure;
  std::optional<std::size_t> begun = std::nullopt;  ///< the byte where what is not closed begins
};

/// The first fault of a text that a parser has refused; nothing where only the parser sees one, as
/// in a byte that is not UTF-8.
/// @param breaks bytes, in order, where a string of the original has a raw line break or tab: one
///   such string may have lost its closing quotation mark
std::optional<JsonFault> find_json_fault(std::string_view text,
                                         std::span<const std::size_t> breaks = {});

}  // namespace kiln
