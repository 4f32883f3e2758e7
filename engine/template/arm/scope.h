#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/json.h"
#include "engine/core/secret.h"
#include "engine/template/arm/failures.h"
#include "engine/template/arm/value.h"

namespace kiln::arm {

/// What a deployment's surroundings would be. The defaults are fixed, so that a template gives the
/// same result on every machine.
struct Surroundings {
  std::string subscription_id = "00000000-0000-0000-0000-000000000000";
  std::string tenant_id = "00000000-0000-0000-0000-000000000000";
  std::string resource_group = "kiln";
  std::string location = "local";
  std::string deployment_name = "kiln";
  std::string management_group = "kiln";
  std::string environment = "AzureCloud";
  std::string template_uri;  ///< where relative links in the template start
  std::chrono::system_clock::time_point now = std::chrono::system_clock::now();
};

/// Bounds the work and the memory of one document, because a short template can ask for any amount
/// of both. A unit is one value or 32 bytes of text.
class Budget {
 public:
  /// False when nothing is left, or when the value is nested too deep to be walked safely.
  bool charge(const nlohmann::json& value) { return measure(value, 0); }
  bool charge(std::size_t units);

 private:
  bool measure(const nlohmann::json& value, int depth);
  std::size_t left_ = 4'000'000;
};

/// What all deployments of one document share.
struct Context {
  Budget budget;
  int depth = 0;                 ///< of evaluations that wait for others
  std::vector<Secret> secrets;   ///< values of secure parameters that were used
  std::string first_expression;  ///< where it was written; empty while none was evaluated
  std::size_t escapes = 0;       ///< of `[[…]`
  Failures failures;             ///< of what was evaluated as far as it can be
  nlohmann::json live_values;    ///< what only the cloud could tell, by call or resource id
};

/// Counts evaluations that wait for others, because they use the stack: variables and functions can
/// chain them without any nesting in the text.
class DepthGuard {
 public:
  explicit DepthGuard(Context& context) : depth_(context.depth) { ++depth_; }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;
  ~DepthGuard() { --depth_; }
  [[nodiscard]] bool too_deep() const { return depth_ > kMaxDepth; }

 private:
  static constexpr int kMaxDepth = 400;
  int& depth_;
};

/// A variable of a loop or of a lambda. Frames form a chain from the innermost outwards.
struct Frame {
  enum class Kind { kResourceCopy, kPropertyCopy, kLambda };
  const Frame* outer = nullptr;
  Kind kind = Kind::kLambda;
  std::string_view name;
  std::int64_t index = 0;
  const Value* value = nullptr;
  std::int64_t count = 1;  ///< of the loop's turns
};

/// How often the innermost of these loops turns in all.
std::int64_t turns_of(const Frame* frame);

/// A function that the template defines itself.
struct UserFunction {
  std::string name;  ///< with its namespace
  std::vector<std::string> parameters;
  JsonReader output;  ///< the value, with its expressions
};

/// A member of that name in any case, as ARM finds it; null counts as absent.
std::optional<JsonReader> find_field(const JsonReader& object, std::string_view name);

/// What expressions can see of the template around them. Names are found whatever their case.
class Scope {
 public:
  explicit Scope(Context& context) : context_(context) {}
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  virtual ~Scope() = default;

  /// Nothing where it is not declared.
  virtual Result<std::optional<Value>> parameter(std::string_view name) = 0;
  virtual Result<std::optional<Value>> variable(std::string_view name) = 0;
  /// The run-time state of a resource of this template, as far as it can be known.
  /// @param name its symbolic name, name or id
  /// @param full with its location, name, type, and not its properties alone
  virtual Result<std::optional<Value>> resource(std::string_view name, bool full) = 0;
  [[nodiscard]] virtual const UserFunction* function(std::string_view name) const = 0;
  [[nodiscard]] virtual std::vector<std::string> names_of(std::string_view kind) const = 0;
  [[nodiscard]] virtual const Surroundings& surroundings() const = 0;

  [[nodiscard]] Context& context() const { return context_; }
  /// Set while a parameter's default is evaluated, the only place for utcNow and newGuid.
  bool in_default = false;
  /// Set for a body that never went through ARM: what does not parse is an ordinary text.
  bool is_bare = false;

 private:
  Context& context_;
};

}  // namespace kiln::arm
