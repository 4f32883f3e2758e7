#pragma once

#include <gtest/gtest.h>

#include "engine/template/arm/deployment.h"
#include "engine/template/arm/evaluator.h"
#include "tests/support/matchers.h"

namespace kiln::arm::test {

/// A template to evaluate expressions in.
class World {
 public:
  explicit World(const std::string& body = "{}", Surroundings around = {}) {
    auto document = JsonReader::parse(body, "t.json");
    EXPECT_OK(document);
    if (!document) return;
    auto deployment = Deployment::create(*document, std::move(around), {}, context);
    EXPECT_OK(deployment);
    if (deployment) scope = *std::move(deployment);
  }

  /// @param text without the brackets
  Result<nlohmann::json> evaluate(const std::string& text) {
    const auto whole = "[" + text + "]";
    Evaluator evaluator(*scope, nullptr, whole, place_named("the test"));
    KILN_TRY_ASSIGN(auto value, evaluator.run());
    return std::move(value.data);
  }

  Context context;
  std::unique_ptr<Deployment> scope;
};

/// The value as compact JSON, or the error's code and message.
inline std::string shown(const Result<nlohmann::json>& value) {
  if (value) return dump_json(*value);
  return value.error().code() + ": " + value.error().message();
}

}  // namespace kiln::arm::test
