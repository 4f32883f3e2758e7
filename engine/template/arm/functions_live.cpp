// Functions that ask the cloud. Their values come from the template itself where it has them, else
// from the file given with --resource-values.
#include <array>

#include "engine/core/text.h"
#include "engine/template/arm/functions.h"
#include "engine/template/arm/secrets.h"

namespace kiln::arm {
namespace {

std::string literal(const nlohmann::json& value) {
  if (!value.is_string()) return dump_json(value);
  std::string text = "'";
  for (const char c : value.get_ref<const std::string&>())
    text += c == '\'' ? "''" : std::string(1, c);
  return text + "'";
}

/// The call with the values of its arguments, e.g. `listKeys('/subscriptions/…', '2021-01-01')`.
std::string canonical(const Call& call, std::size_t arguments) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < std::min(arguments, call.count()); ++i) {
    texts.push_back(literal(call.at(i)));
  }
  return fmt::format("{}({})", call.expression.text, fmt::join(texts, ", "));
}

/// By the whole call, by the call with its first argument alone, or by `other`.
std::optional<Value> given(const Call& call, const std::string& other) {
  const auto& values = call.run.scope().context().live_values;
  for (const auto& key : {canonical(call, call.count()), canonical(call, 1), other}) {
    if (key.empty()) continue;
    if (const auto* found = find_member(values, key)) return made(*found);
  }
  return std::nullopt;
}

Error unknown(const Call& call) {
  constexpr std::size_t kLongest = 1000;
  auto cure = fmt::format("give it with --resource-values FILE, under the name {}",
                          printable(dump_json(canonical(call, call.count())), kLongest));
  if (call.count() > 1) {
    cure += fmt::format(", or {} whatever the other arguments are",
                        printable(dump_json(canonical(call, 1)), kLongest));
  }
  return call.run.error(call.expression, "Arm:LiveState", "its value is known only to a live cloud")
      .cure(std::move(cure));
}

Result<Value> live(const Call& call) {
  if (auto value = given(call, "")) return *std::move(value);
  return unknown(call);
}

/// Of list* and getSecret, which are asked for keys and the like.
Result<Value> live_secret(const Call& call) {
  auto value = live(call);
  if (value) keep_live_secrets(value->data, call.run.scope().context());
  return value;
}

Result<Value> reference(const Call& call) {
  KILN_TRY_ASSIGN(const auto name, call.string(0));
  if (auto value = given(call, name)) return *std::move(value);
  const bool full = call.count() == 3 && call.at(2).is_string() &&
                    equal_ignoring_case(call.at(2).get_ref<const std::string&>(), "full");
  KILN_TRY_ASSIGN(auto state, call.run.scope().resource(name, full));
  if (state) return *std::move(state);
  return unknown(call);
}

/// The zones 1 to 3 of an unknown region would be a guess, so even these are asked for.
constexpr std::array kFunctions = {
    Function{"externalInput", 1, 2, live},
    Function{"getSecret", 1, -1, live_secret},
    Function{"list*", 1, 4, live_secret},
    Function{"pickZones", 3, 5, live},
    Function{"providers", 1, 2, live},
    Function{"reference", 1, 3, reference},
    Function{"references", 1, 2, live},
    Function{"toLogicalZone", 3, 3, live},
    Function{"toLogicalZones", 3, 3, live},
    Function{"toPhysicalZone", 3, 3, live},
    Function{"toPhysicalZones", 3, 3, live},
};

}  // namespace

std::span<const Function> live_functions() {
  return kFunctions;
}

}  // namespace kiln::arm
