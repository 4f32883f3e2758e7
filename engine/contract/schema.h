#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "engine/contract/field.h"

namespace kiln {

/// How names are taken, which the document's api-version decides.
enum class Spelling {
  kExact,      ///< from 2024-02-01 on: as they are, and no others
  kAnyCase,    ///< without an api-version: former names and other case too, but no unknown fields
  kOverlooks,  ///< before 2024-02-01: unknown fields as well
};

/// What a string has to look like where it stands for a value of another kind.
inline constexpr std::string_view kExpressionPattern = R"(^\[(?!\[)[\s\S]+\]$)";

/// What may stand for any text: an expression, or a text with a placeholder such as `<rgName>`.
inline constexpr std::string_view kLaterTextPattern = R"(^\[(?!\[)[\s\S]+\]$|<[A-Za-z0-9_-]+>)";

/// A pattern that `text` matches in whatever case.
std::string any_case_pattern(std::string_view text);

/// A value that is of one of these types, or an expression that gives one.
nlohmann::ordered_json typed_or_expression(std::initializer_list<std::string_view> types);

/// The field has to be there: under its name, or in a way that only its reader can judge, such as a
/// copy loop or an expression for its name.
nlohmann::ordered_json schema_of_required(std::string_view name,
                                          std::string_view former,
                                          Spelling spelling);

/// A JSON Schema (2020-12) of one type. Like the checker it takes null for an absent field, and
/// former names, which it calls deprecated. Fields of kItem and kItems are any value in it, for
/// whoever knows the registries to replace.
/// @param more members that are allowed beside the type's own
nlohmann::ordered_json schema_of(const RecordType& type,
                                 Spelling spelling,
                                 std::span<const std::string_view> more = {});

}  // namespace kiln
