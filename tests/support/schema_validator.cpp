#include "tests/support/schema_validator.h"

#if __has_include(<valijson/validator.hpp>)
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace kiln::test {

struct SchemaValidator::Parsed {
  valijson::Schema schema;
};

bool SchemaValidator::available() {
  return true;
}

SchemaValidator::SchemaValidator(const nlohmann::json& schema)
    : parsed_(std::make_unique<Parsed>()) {
  valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
  parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(schema), parsed_->schema);
}

std::string SchemaValidator::complaint(const nlohmann::json& document) const {
  valijson::Validator validator;
  valijson::ValidationResults results;
  if (validator.validate(
          parsed_->schema, valijson::adapters::NlohmannJsonAdapter(document), &results)) {
    return {};
  }
  std::string text;
  valijson::ValidationResults::Error error;
  while (results.popError(error)) {
    for (const auto& part : error.context) text += part;
    text += ": " + error.description + "\n";
  }
  return text;
}

}  // namespace kiln::test

#else

namespace kiln::test {

struct SchemaValidator::Parsed {};

bool SchemaValidator::available() {
  return false;
}

SchemaValidator::SchemaValidator(const nlohmann::json& /*schema*/) {}

std::string SchemaValidator::complaint(const nlohmann::json& /*document*/) const {
  return "there is no validator";
}

}  // namespace kiln::test

#endif

namespace kiln::test {

SchemaValidator::~SchemaValidator() = default;

}  // namespace kiln::test
