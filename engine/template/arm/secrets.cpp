// Values that must not come out. Kept as soon as they exist, so that no message is earlier.
#include "engine/template/arm/secrets.h"

#include <algorithm>
#include <array>

#include "engine/core/text.h"

namespace kiln::arm {
namespace {

/// Functions whose result is their argument in another form, or a piece of it.
constexpr std::array<std::string_view, 17> kReshaping = {"base64",
                                                         "base64ToJson",
                                                         "base64ToString",
                                                         "dataUri",
                                                         "dataUriToString",
                                                         "json",
                                                         "replace",
                                                         "skip",
                                                         "split",
                                                         "substring",
                                                         "take",
                                                         "toLower",
                                                         "toUpper",
                                                         "trim",
                                                         "uri",
                                                         "uriComponent",
                                                         "uriComponentToString"};

/// Members beside a key that are about it.
constexpr std::array<std::string_view, 9> kDescribing = {"creationTime",
                                                         "expiryTime",
                                                         "id",
                                                         "keyName",
                                                         "kind",
                                                         "location",
                                                         "name",
                                                         "permissions",
                                                         "type"};

bool describes(std::string_view member) {
  return std::any_of(kDescribing.begin(), kDescribing.end(), [&](std::string_view name) {
    return equal_ignoring_case(name, member);
  });
}

void keep(const std::string& text, Context& context) {
  const auto known = [&](const Secret& one) { return one.reveal() == text; };
  auto& secrets = context.secrets;
  if (std::none_of(secrets.begin(), secrets.end(), known)) secrets.emplace_back(text);
}

void keep_texts(const nlohmann::json& value, Context& context) {
  if (value.is_string()) keep(value.get_ref<const std::string&>(), context);
  if (!value.is_structured()) return;
  for (const auto& member : value) keep_texts(member, context);
}

enum class Share { kNone, kPart, kWhole };

/// How much of an argument is secret.
Share secret_share(const nlohmann::json& argument, const std::vector<Secret>& secrets) {
  constexpr std::size_t kShortest = 6;  // as in Redactor: shorter ones are in any text
  if (!argument.is_string()) return Share::kNone;
  const auto& text = argument.get_ref<const std::string&>();
  auto share = Share::kNone;
  for (const auto& secret : secrets) {
    if (secret.reveal() == text) return Share::kWhole;
    if (secret.reveal().size() >= kShortest && text.find(secret.reveal()) != std::string::npos) {
      share = Share::kPart;
    }
  }
  return share;
}

}  // namespace

void keep_live_secrets(const nlohmann::json& value, Context& context) {
  if (value.is_string()) keep(value.get_ref<const std::string&>(), context);
  if (!value.is_structured()) return;
  for (const auto& [name, member] : value.items()) {
    if (!value.is_object() || !describes(name)) keep_live_secrets(member, context);
  }
}

Result<void> keep_derived_secrets(const Function& function, const Call& call, const Value& result) {
  auto& context = call.run.scope().context();
  if (context.secrets.empty() ||
      std::find(kReshaping.begin(), kReshaping.end(), function.name) == kReshaping.end()) {
    return {};
  }
  if (!context.budget.charge(context.secrets.size())) {
    return call.run.error(call.expression, "Arm:TooMuch", "there are too many secrets to hide")
        .cure("make its loops smaller");
  }
  auto share = Share::kNone;
  for (const auto& argument : call.arguments) {
    share = std::max(share, secret_share(argument.data, context.secrets));
  }
  // Of a text that holds a secret among others, a tree may hold just the others.
  const bool made = share == Share::kPart && result.data.is_string() &&
                    secret_share(result.data, context.secrets) == Share::kNone;
  if (share == Share::kWhole || made) keep_texts(result.data, context);
  return {};
}

}  // namespace kiln::arm
