#include "engine/template/arm/outputs.h"

#include <algorithm>

#include "engine/core/text.h"

namespace kiln::arm {
namespace {

class Output : public PartialObject {
 public:
  Output(JsonReader written, Scope& scope) : written_(std::move(written)), scope_(scope) {}

  [[nodiscard]] Result<std::optional<Value>> member(std::string_view name) const override {
    const auto field = find_field(written_, name);
    if (!field) return std::optional<Value>();
    KILN_TRY_ASSIGN(auto value, evaluate_value(*field, scope_, nullptr));
    return std::optional(std::move(value));
  }

 private:
  JsonReader written_;
  Scope& scope_;
};

class Outputs : public PartialObject {
 public:
  Outputs(JsonReader body, Scope& scope) : body_(std::move(body)), scope_(scope) {}

  [[nodiscard]] Result<std::optional<Value>> member(std::string_view name) const override {
    const auto outputs = find_field(body_, "outputs");
    const auto output = outputs ? find_field(*outputs, name) : std::nullopt;
    if (!output) return std::optional<Value>();
    return std::optional(Value{nullptr, nullptr, std::make_shared<Output>(*output, scope_)});
  }

 private:
  JsonReader body_;
  Scope& scope_;
};

class State : public PartialObject {
 public:
  State(JsonReader body, Scope& scope) : body_(std::move(body)), scope_(scope) {}

  [[nodiscard]] Result<std::optional<Value>> member(std::string_view name) const override {
    // The full state of a deployment has its outputs one level further down.
    if (equal_ignoring_case(name, "properties")) {
      return std::optional(Value{nullptr, nullptr, std::make_shared<State>(body_, scope_)});
    }
    if (!equal_ignoring_case(name, "outputs")) return std::optional<Value>();
    return std::optional(Value{nullptr, nullptr, std::make_shared<Outputs>(body_, scope_)});
  }

 private:
  JsonReader body_;
  Scope& scope_;
};

class Written : public PartialObject {
 public:
  Written(JsonReader resource, Scope& scope) : resource_(std::move(resource)), scope_(scope) {}

  [[nodiscard]] Result<std::optional<Value>> member(std::string_view name) const override {
    constexpr std::string_view kKnown[] = {
        "apiVersion", "kind", "location", "name", "sku", "tags", "type", "zones"};
    const bool known = std::any_of(std::begin(kKnown), std::end(kKnown), [&](auto one) {
      return equal_ignoring_case(one, name);
    });
    const auto field = known ? find_field(resource_, name) : std::nullopt;
    if (!field) return std::optional<Value>();
    KILN_TRY_ASSIGN(auto value, evaluate_value(*field, scope_, nullptr));
    return std::optional(std::move(value));
  }

 private:
  JsonReader resource_;
  Scope& scope_;
};

}  // namespace

Value written_state(JsonReader resource, Scope& scope) {
  return {nullptr, nullptr, std::make_shared<Written>(std::move(resource), scope)};
}

Value deployment_state(JsonReader body, Scope& scope) {
  return {nullptr, nullptr, std::make_shared<State>(std::move(body), scope)};
}

}  // namespace kiln::arm
