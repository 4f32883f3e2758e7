// Evaluation of JSON trees: strings that are expressions, keys, and `copy` loops.
#include "engine/core/text.h"
#include "engine/template/arm/evaluator.h"

namespace kiln::arm {
namespace {

constexpr std::int64_t kMaxCopies = 10'000;

bool to_be_evaluated(const std::string& text, const Scope& scope) {
  return is_expression(text) && (!scope.is_bare || parse_expression(text).has_value());
}

Result<Placed> evaluate_text(const JsonReader& reader, Scope& scope, const Frame* frame) {
  const auto& text = reader.value().get_ref<const std::string&>();
  if (is_escaped(text)) {
    ++scope.context().escapes;
    return Placed{text.substr(1), place_from(reader.place())};
  }
  if (!to_be_evaluated(text, scope)) return Placed{text, place_from(reader.place())};
  auto& first = scope.context().first_expression;
  if (first.empty()) first = reader.where();
  KILN_TRY_ASSIGN(auto value, Evaluator(scope, frame, text, reader.place()).run());
  auto origin = place_or(std::move(value.origin), reader.place());
  return Placed{std::move(value.data), place_from(std::move(origin))};
}

Result<std::string> evaluate_key(const std::string& key,
                                 const JsonReader& member,
                                 Scope& scope,
                                 const Frame* frame) {
  if (is_escaped(key)) return key.substr(1);
  if (!to_be_evaluated(key, scope)) return key;
  KILN_TRY_ASSIGN(const auto value, Evaluator(scope, frame, key, member.place()).run());
  if (value.data.is_string()) return value.data.get<std::string>();
  return member
      .error("Arm:BadKey",
             fmt::format("the expression of this member's name gives {}, not a string",
                         type_of(value.data)))
      .cure("make it give a string");
}

Result<Placed> evaluate_array(const JsonReader& reader, Scope& scope, const Frame* frame) {
  KILN_TRY_ASSIGN(const auto items, reader.items());
  Placed list{nlohmann::json::array(), place_from(reader.place())};
  for (const auto& item : items) {
    KILN_TRY_ASSIGN(auto evaluated, evaluate_tree(item, scope, frame));
    list.data.push_back(std::move(evaluated.data));
    list.place.children.push_back(std::move(evaluated.place));
  }
  return list;
}

void add_member(Placed& object, std::string key, Placed value) {
  if (object.data.contains(key)) return;  // two expressions gave one name: the first stays
  object.data[key] = std::move(value.data);
  object.place.keys.push_back(std::move(key));
  object.place.children.push_back(std::move(value.place));
}

Result<Placed> evaluate_object(const JsonReader& reader, Scope& scope, const Frame* frame) {
  KILN_TRY_ASSIGN(const auto members, reader.members());
  Placed object{nlohmann::json::object(), place_from(reader.place())};
  for (const auto& [key, member] : members) {
    if (equal_ignoring_case(key, "copy") && is_copy_list(member)) {
      KILN_TRY_ASSIGN(const auto loops, member.items());
      for (const auto& loop : loops) {
        KILN_TRY_ASSIGN(const auto name, loop.string("name"));
        KILN_TRY_ASSIGN(auto list, evaluate_copy(loop, name, scope, frame));
        add_member(object, name, std::move(list));
      }
      continue;
    }
    KILN_TRY_ASSIGN(auto name, evaluate_key(key, member, scope, frame));
    KILN_TRY_ASSIGN(auto value, evaluate_tree(member, scope, frame));
    add_member(object, std::move(name), std::move(value));
  }
  return object;
}

}  // namespace

bool is_copy_list(const JsonReader& value) {
  if (!value.value().is_array() || value.value().empty()) return false;
  for (const auto& loop : value.value()) {
    if (!loop.is_object() || !loop.contains("name") || !loop.contains("count") ||
        !loop.contains("input")) {
      return false;
    }
  }
  return true;
}

Result<Placed> evaluate_copy(const JsonReader& loop,
                             const std::string& name,
                             Scope& scope,
                             const Frame* frame) {
  KILN_TRY_ASSIGN(const auto count_reader, loop.require("count"));
  KILN_TRY_ASSIGN(const auto count_value, evaluate_tree(count_reader, scope, frame));
  KILN_TRY_ASSIGN(
      const auto count,
      JsonReader::computed(count_value.data, count_reader.place(), count_reader.pointer())
          .as_integer(0, kMaxCopies));
  KILN_TRY_ASSIGN(const auto input, loop.require("input"));
  if (count > 0 && turns_of(frame) > kMaxCopies / count) {
    return count_reader
        .error("Arm:TooManyCopies",
               fmt::format("this loop and those around it make more than {} values", kMaxCopies))
        .cure("make them smaller; ARM's own limit is 800 a loop");
  }
  Placed list{nlohmann::json::array(), place_from(loop.place())};
  for (std::int64_t i = 0; i < count; ++i) {
    const Frame turn{frame, Frame::Kind::kPropertyCopy, name, i, nullptr, count};
    KILN_TRY_ASSIGN(auto item, evaluate_tree(input, scope, &turn));
    list.data.push_back(std::move(item.data));
    list.place.children.push_back(std::move(item.place));
  }
  return list;
}

Result<Placed> evaluate_tree(const JsonReader& value, Scope& scope, const Frame* frame) {
  const DepthGuard guard(scope.context());
  if (guard.too_deep() || !scope.context().budget.charge(1)) return too_much(value.where());
  if (value.value().is_string()) return evaluate_text(value, scope, frame);
  if (value.value().is_array()) return evaluate_array(value, scope, frame);
  if (value.value().is_object()) return evaluate_object(value, scope, frame);
  return Placed{value.value(), place_from(value.place())};
}

Value shared_value(Placed placed) {
  if (placed.place.children.empty() && placed.place.origin != nullptr) {
    return {std::move(placed.data), std::move(placed.place.origin), nullptr};
  }
  auto place = std::make_shared<const JsonPlace>(std::move(placed.place));
  return {std::move(placed.data), std::move(place), nullptr};
}

Result<Value> evaluate_value(const JsonReader& value, Scope& scope, const Frame* frame) {
  KILN_TRY_ASSIGN(auto placed, evaluate_tree(value, scope, frame));
  return shared_value(std::move(placed));
}

}  // namespace kiln::arm
