#pragma once

#include <optional>
#include <string>

#include "engine/template/arm/scope.h"

namespace kiln::arm {

/// Types of parameters: built-in ones, and those of the template's `definitions`.
class Types {
 public:
  Types(JsonReader template_body, Context& context)
      : template_(std::move(template_body)), context_(context) {}

  /// The declaration with every `$ref` followed.
  [[nodiscard]] Result<JsonReader> resolve(const JsonReader& declaration) const;
  /// In lower case: string, int, bool, array, object, securestring, secureobject; empty where none
  /// is said.
  [[nodiscard]] Result<std::string> kind(const JsonReader& declaration) const;
  [[nodiscard]] Result<bool> nullable(const JsonReader& declaration) const;
  /// Checks type, range, length, allowed values and members. Secure texts are added to the
  /// context's secrets, and no message shows them.
  /// @return whether the value holds something secure
  [[nodiscard]] Result<bool> check(const JsonReader& declaration,
                                   const Value& value,
                                   const std::string& path) const;

 private:
  class Parts;
  [[nodiscard]] Result<void> check_limits(const JsonReader& declaration,
                                          const Value& value,
                                          const std::string& path,
                                          bool secure) const;
  [[nodiscard]] Result<bool> check_members(const JsonReader& declaration,
                                           const Value& value,
                                           const std::string& path) const;
  [[nodiscard]] Result<bool> check_items(const JsonReader& declaration,
                                         const Value& value,
                                         const std::string& path) const;
  [[nodiscard]] Result<bool> check_variant(const JsonReader& discriminator,
                                           const Value& value,
                                           const std::string& path) const;
  void keep_secret(const nlohmann::json& value) const;

  JsonReader template_;
  Context& context_;
};

/// Where a value was given, or else where it is declared.
std::string where_given(const Value& value, const JsonReader& declaration);

}  // namespace kiln::arm
