#pragma once

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

namespace kiln::test {

/// A JSON Schema, as somebody else's validator reads it.
class SchemaValidator {
 public:
  /// Whether the tests were built with a validator; tests that need it are skipped where not.
  static bool available();
  explicit SchemaValidator(const nlohmann::json& schema);
  ~SchemaValidator();
  SchemaValidator(const SchemaValidator&) = delete;
  SchemaValidator& operator=(const SchemaValidator&) = delete;

  /// Why the document is not what the schema describes; empty where it is.
  [[nodiscard]] std::string complaint(const nlohmann::json& document) const;

 private:
  struct Parsed;
  std::unique_ptr<Parsed> parsed_;
};

}  // namespace kiln::test
