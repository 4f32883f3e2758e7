#include "engine/template/arm/types.h"

#include <algorithm>
#include <array>

#include "engine/core/text.h"
#include "engine/template/arm/functions.h"
#include "engine/template/arm/text_units.h"

namespace kiln::arm {
namespace {

using nlohmann::json;

/// As ARM documents them; any case is read.
constexpr std::array<std::string_view, 7> kKinds = {
    "string", "int", "bool", "array", "object", "secureString", "secureObject"};

bool is_kind(std::string_view text) {
  return std::any_of(kKinds.begin(), kKinds.end(), [&](std::string_view kind) {
    return equal_ignoring_case(kind, text);
  });
}

bool is_secure(std::string_view kind) {
  return kind == "securestring" || kind == "secureobject";
}

bool fits(std::string_view kind, const json& value) {
  if (kind == "string" || kind == "securestring") return value.is_string();
  if (kind == "int") return value.is_number_integer();
  if (kind == "bool") return value.is_boolean();
  if (kind == "array") return value.is_array();
  if (kind == "object" || kind == "secureobject") return value.is_object();
  return true;
}

/// @param expected a noun phrase
/// @param shown the value, where it is no secret
Error mismatch(const Value& value,
               const JsonReader& declaration,
               std::string message,
               std::string expected,
               std::string shown = {}) {
  auto cure = "give " + expected;
  return fail(ErrorKind::kInvalidTemplate, "Parameter:BadValue", "{}", message)
      .at(where_given(value, declaration))
      .about(std::move(shown))
      .expecting(std::move(expected))
      .cure(std::move(cure));
}

Value member_of(const Value& object, const std::string& key) {
  auto origin = place_of_key(object.origin, key);
  return {object.data[key], place_or(std::move(origin), object.origin), nullptr};
}

/// What the limits on length measure.
std::optional<std::int64_t> size_of(const json& value) {
  if (value.is_string()) {
    return static_cast<std::int64_t>(count_units(value.get_ref<const std::string&>()));
  }
  if (value.is_array()) return static_cast<std::int64_t>(value.size());
  return std::nullopt;
}

Result<void> check_bound(const JsonReader& declaration,
                         std::string_view name,
                         const Value& value,
                         std::optional<std::int64_t> measure,
                         std::string_view what,
                         bool secure) {
  const auto bound = declaration.find(name);
  if (!bound || !measure) return {};
  KILN_TRY_ASSIGN(const auto limit, bound->as_integer(INT64_MIN, INT64_MAX));
  const bool is_least = name.starts_with("min");
  if (is_least ? *measure >= limit : *measure <= limit) return {};
  return mismatch(
      value,
      declaration,
      fmt::format("{} is {} than the {} {}", what, is_least ? "less" : "more", name, limit),
      fmt::format("{} {}", is_least ? "at least" : "at most", limit),
      secure ? "" : shown_value(value.data));
}

bool is_allowed(const json& allowed, const json& value) {
  const auto listed = [&](const json& item) {
    return std::any_of(allowed.begin(), allowed.end(), [&](const json& one) {
      if (one.is_string() && item.is_string()) {
        return equal_ignoring_case(one.get_ref<const std::string&>(),
                                   item.get_ref<const std::string&>());
      }
      return same_value(one, item);
    });
  };
  if (listed(value)) return true;
  return value.is_array() && std::all_of(value.begin(), value.end(), listed);
}

}  // namespace

/// What is wrong with the parts of a value: all of it is told, and the first is the whole's error.
class Types::Parts {
 public:
  explicit Parts(Context& context) : context_(context) {}

  void take(const Result<bool>& part) {
    if (part) {
      secure_ = secure_ || *part;
    } else {
      take(part.error());
    }
  }
  void take(const Error& error) {
    context_.failures.add(error);
    if (!first_) first_ = error;
  }
  [[nodiscard]] Result<bool> result() const {
    if (first_) return *first_;
    return secure_;
  }

 private:
  Context& context_;
  bool secure_ = false;
  std::optional<Error> first_;
};

std::string where_given(const Value& value, const JsonReader& declaration) {
  return value.origin == nullptr ? declaration.where() : describe_place(*value.origin);
}

Result<JsonReader> Types::resolve(const JsonReader& declaration) const {
  auto resolved = declaration;
  for (int step = 0; step < 32; ++step) {
    const auto reference = find_field(resolved, "$ref");
    if (!reference) return resolved;
    KILN_TRY_ASSIGN(const auto target, reference->as_string());
    constexpr std::string_view kPrefix = "#/definitions/";
    const auto definitions = find_field(template_, "definitions");
    const auto found = definitions && target.starts_with(kPrefix)
                           ? definitions->find(target.substr(kPrefix.size()))
                           : std::nullopt;
    if (!found) {
      return reference
          ->error("Parameter:UnknownType",
                  fmt::format("the type \"{}\" is not defined", printable(target, 80)))
          .cure("define it in the template's \"definitions\"");
    }
    resolved = *found;
  }
  return declaration.error("Parameter:UnknownType", "the type refers to itself")
      .cure("end the chain of $ref with a built-in type");
}

Result<std::string> Types::kind(const JsonReader& declaration) const {
  KILN_TRY_ASSIGN(const auto resolved, resolve(declaration));
  KILN_TRY_ASSIGN(const auto type, resolved.optional_string("type"));
  auto lower = to_lower(type.value_or(""));
  if (lower.empty() || is_kind(lower)) return lower;
  const auto near = nearest_word(lower, kKinds);
  return resolved.find("type")
      ->error("Parameter:UnknownType", "there is no such type of parameters")
      .expecting(fmt::format("one of {}", fmt::join(kKinds, ", ")))
      .cure(near.empty() ? fmt::format("use one of {}", fmt::join(kKinds, ", "))
                         : fmt::format("did you mean \"{}\"?", near));
}

Result<bool> Types::nullable(const JsonReader& declaration) const {
  KILN_TRY_ASSIGN(const auto here, declaration.bool_or("nullable", false));
  if (here) return true;
  KILN_TRY_ASSIGN(const auto resolved, resolve(declaration));
  return resolved.bool_or("nullable", false);
}

void Types::keep_secret(const json& value) const {
  if (value.is_string()) context_.secrets.emplace_back(value.get<std::string>());
  if (!value.is_structured()) return;
  for (const auto& member : value) keep_secret(member);
}

Result<bool> Types::check(const JsonReader& declaration,
                          const Value& value,
                          const std::string& path) const {
  const DepthGuard guard(context_);
  if (guard.too_deep() || !context_.budget.charge(1)) return too_much(declaration.where());
  KILN_TRY_ASSIGN(const auto resolved, resolve(declaration));
  KILN_TRY_ASSIGN(const auto type, kind(declaration));
  KILN_TRY_ASSIGN(const auto may_be_null, nullable(declaration));
  if (value.data.is_null() && may_be_null) return false;
  const bool secure = is_secure(type);
  if (secure) keep_secret(value.data);
  if (!fits(type, value.data)) {
    return mismatch(
        value,
        declaration,
        fmt::format(
            "{} must be of the type {}, and is {}", path, printable(type, 40), type_of(value.data)),
        fmt::format("a value of the type {}", type),
        secure ? "" : shown_value(value.data));
  }
  KILN_TRY(check_limits(resolved, value, path, secure));
  if (resolved.place() != declaration.place()) {
    KILN_TRY(check_limits(declaration, value, path, secure));
  }
  bool inside = false;
  if (value.data.is_object()) {
    KILN_TRY_ASSIGN(inside, check_members(resolved, value, path));
  } else if (value.data.is_array()) {
    KILN_TRY_ASSIGN(inside, check_items(resolved, value, path));
  }
  return secure || inside;
}

Result<void> Types::check_limits(const JsonReader& declaration,
                                 const Value& value,
                                 const std::string& path,
                                 bool secure) const {
  if (const auto allowed = find_field(declaration, "allowedValues")) {
    KILN_TRY(allowed->items());
    if (!is_allowed(allowed->value(), value.data)) {
      return mismatch(value,
                      declaration,
                      fmt::format("{} has a value that is not allowed{}",
                                  path,
                                  secure ? "" : ": " + printable(dump_json(value.data), 80)),
                      fmt::format("one of {}", printable(dump_json(allowed->value()), 200)),
                      secure ? "" : shown_value(value.data));
    }
  }
  const auto size = size_of(value.data);
  const auto length = fmt::format("the length of {}", path);
  KILN_TRY(check_bound(declaration, "minLength", value, size, length, secure));
  KILN_TRY(check_bound(declaration, "maxLength", value, size, length, secure));
  std::optional<std::int64_t> number;
  if (value.data.is_number_integer()) number = value.data.get<std::int64_t>();
  KILN_TRY(check_bound(declaration, "minValue", value, number, path, secure));
  return check_bound(declaration, "maxValue", value, number, path, secure);
}

Result<bool> Types::check_variant(const JsonReader& discriminator,
                                  const Value& value,
                                  const std::string& path) const {
  KILN_TRY_ASSIGN(const auto name, discriminator.string("propertyName"));
  KILN_TRY_ASSIGN(const auto mapping, discriminator.require("mapping"));
  const auto* given = find_member(value.data, name);
  const auto variant = given != nullptr && given->is_string()
                           ? mapping.find(given->get<std::string>())
                           : std::nullopt;
  if (variant) return check(*variant, value, path);
  std::vector<std::string> names;
  for (const auto& [key, member] : mapping.value().items()) names.push_back(key);
  return mismatch(value,
                  discriminator,
                  fmt::format("the \"{}\" of {} is missing or unknown", printable(name, 40), path),
                  fmt::format("one of {}", fmt::join(names, ", ")));
}

Result<bool> Types::check_members(const JsonReader& declaration,
                                  const Value& value,
                                  const std::string& path) const {
  if (const auto discriminator = find_field(declaration, "discriminator")) {
    return check_variant(*discriminator, value, path);
  }
  Parts parts(context_);
  std::vector<std::string> known;
  if (const auto properties = find_field(declaration, "properties")) {
    KILN_TRY_ASSIGN(const auto members, properties->members());
    for (const auto& [name, type] : members) {
      known.push_back(name);
      std::string spelling;
      const auto here = fmt::format("{}.{}", path, printable(name, 60));
      if (find_member(value.data, name, &spelling) != nullptr) {
        parts.take(check(type, member_of(value, spelling), here));
        continue;
      }
      KILN_TRY_ASSIGN(const auto may_miss, nullable(type));
      if (!may_miss) {
        parts.take(
            mismatch(value, type, fmt::format("{} is missing", here), "an object that has it"));
      }
    }
  }
  const auto others = find_field(declaration, "additionalProperties");
  if (!others) return parts.result();
  for (const auto& [key, member] : value.data.items()) {
    const auto same = [&key = key](const std::string& name) {
      return equal_ignoring_case(name, key);
    };
    if (std::any_of(known.begin(), known.end(), same)) continue;
    if (others->value().is_object()) {
      parts.take(
          check(*others, member_of(value, key), fmt::format("{}.{}", path, printable(key, 60))));
    } else if (others->value() == false) {
      const std::vector<std::string_view> names(known.begin(), known.end());
      const auto near = nearest_word(key, names);
      parts.take(mismatch(member_of(value, key),
                          declaration,
                          fmt::format("{} has no member \"{}\"", path, printable(key, 60)),
                          near.empty() ? fmt::format("one of {}", fmt::join(known, ", "))
                                       : fmt::format("the member \"{}\"", near)));
    }
  }
  return parts.result();
}

Result<bool> Types::check_items(const JsonReader& declaration,
                                const Value& value,
                                const std::string& path) const {
  Parts parts(context_);
  const auto items = find_field(declaration, "items");
  std::vector<JsonReader> prefix;
  if (const auto given = find_field(declaration, "prefixItems")) {
    KILN_TRY_ASSIGN(prefix, given->items());
  }
  for (std::size_t i = 0; i < value.data.size(); ++i) {
    const bool in_prefix = i < prefix.size();
    if (!in_prefix && (!items || !items->value().is_object())) continue;
    auto origin = place_of_item(value.origin, i);
    const Value item{value.data[i], place_or(std::move(origin), value.origin), nullptr};
    parts.take(check(in_prefix ? prefix[i] : *items, item, fmt::format("{}[{}]", path, i)));
  }
  return parts.result();
}

}  // namespace kiln::arm
