#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/core/json_place.h"
#include "engine/core/result.h"

namespace kiln {

/// A place in a JSON document that knows its pointer, line and column, so that whoever reads a
/// value can say exactly where it is wrong. Copies share the document.
class JsonReader {
 public:
  /// @param name how messages call the document, usually its path
  /// Refuses duplicate keys, which would silently hide a value, and nesting deeper than 128.
  static Result<JsonReader> parse(const std::string& text, std::string name);
  /// The same for what ARM and its tools also read: comments, commas after the last member, line
  /// breaks in strings, and keys given twice, of which the last counts. Notices say so, each with
  /// the first place.
  static Result<JsonReader> parse_relaxed(const std::string& text,
                                          std::string name,
                                          std::vector<std::string>& notices);
  /// Wraps a value computed elsewhere; its positions are pointers only.
  static JsonReader of(nlohmann::json value, std::string name);
  /// A computed value whose parts know where what made them was written.
  /// @param pointer of the value in the document it belongs to
  static JsonReader computed(nlohmann::json value, PlacePtr place, std::string pointer);
  /// This place with another value, e.g. an evaluated one. Positions inside stay the original's.
  [[nodiscard]] JsonReader with_value(nlohmann::json value) const;

  [[nodiscard]] const nlohmann::json& value() const { return *value_; }
  /// RFC 6901, empty for the document itself.
  [[nodiscard]] const std::string& pointer() const { return pointer_; }
  /// `template.json:12:7 /properties/source`. Of a value that an expression gave, the place of the
  /// expression, and after `=>` the pointer from there.
  [[nodiscard]] std::string where() const;
  /// Null where the value was not written in any document.
  [[nodiscard]] const PlacePtr& place() const { return place_; }

  /// The value could not be found out, and an error has said why: nothing more is to be said of it.
  [[nodiscard]] bool is_unknown() const { return value_->is_discarded(); }

  /// A null member counts as absent, as it does in ARM.
  [[nodiscard]] std::optional<JsonReader> find(std::string_view name) const;
  [[nodiscard]] Result<JsonReader> require(std::string_view name) const;
  [[nodiscard]] Result<std::vector<JsonReader>> items() const;
  /// Members of an object in document order.
  [[nodiscard]] Result<std::vector<std::pair<std::string, JsonReader>>> members() const;

  [[nodiscard]] Result<std::string> as_string() const;
  [[nodiscard]] Result<bool> as_bool() const;
  /// An integer in [minimum, maximum].
  [[nodiscard]] Result<std::int64_t> as_integer(std::int64_t minimum, std::int64_t maximum) const;
  [[nodiscard]] Result<std::vector<std::string>> as_strings() const;

  [[nodiscard]] Result<std::string> string(std::string_view name) const;
  [[nodiscard]] Result<std::optional<std::string>> optional_string(std::string_view name) const;
  [[nodiscard]] Result<bool> bool_or(std::string_view name, bool otherwise) const;

  /// Every member must be one of `known`; the error names the nearest spelling.
  [[nodiscard]] Result<void> refuse_unknown(std::initializer_list<std::string_view> known) const;

  /// An InvalidTemplate error at this place, about this value.
  [[nodiscard]] Error error(std::string code, std::string message) const;

 private:
  struct Document;
  JsonReader(std::shared_ptr<const Document> document,
             const nlohmann::json* value,
             std::string pointer,
             PlacePtr place)
      : document_(std::move(document)),
        value_(value),
        pointer_(std::move(pointer)),
        place_(std::move(place)) {}
  [[nodiscard]] JsonReader child(std::string_view token,
                                 const nlohmann::json& value,
                                 PlacePtr place) const;
  [[nodiscard]] JsonReader child(std::string_view key, const nlohmann::json& value) const;
  [[nodiscard]] Error type_error(std::string_view wanted) const;

  std::shared_ptr<const Document> document_;
  const nlohmann::json* value_;
  std::string pointer_;
  PlacePtr place_;
  std::string beyond_;  ///< the pointer from the place to this value; empty where it was written
};

/// The error for a discriminator that no registry entry bears, with the right spelling as its cure.
/// @param what what the registry holds, in the singular, e.g. `source`
Error unknown_type(const JsonReader& field,
                   std::string_view what,
                   std::span<const std::string_view> known);

/// A part of the contract that this version cannot honour: refused, because ignoring it would build
/// another image than the one that was asked for.
/// @param what a noun phrase, e.g. `an ARM expression`
Error not_yet_supported(const JsonReader& place, std::string_view what, std::string cure);

/// Stands for a value that could not be found out, so that the rest can still be checked.
inline nlohmann::json unknown_value() {
  return nlohmann::json::value_t::discarded;
}

/// A value as a message may show it: compact JSON, cut, without the signature of a URL. Empty for
/// arrays and objects, which say little when cut, and for what is unknown.
std::string shown_value(const nlohmann::json& value);

/// The whole value as compact JSON; invalid UTF-8 is replaced rather than thrown over.
std::string dump_json(const nlohmann::json& value, int indent = -1);

}  // namespace kiln
