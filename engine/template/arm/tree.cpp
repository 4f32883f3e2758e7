// Evaluation of JSON trees: strings that are expressions, keys, and `copy` loops.
#include "engine/core/text.h"
#include "engine/template/arm/evaluator.h"

namespace kiln::arm {
namespace {

constexpr std::int64_t kMaxCopies = 10'000;

bool to_be_evaluated(const std::string& text, const Scope& scope) {
  return is_expression(text) && (!scope.is_bare || parse_expression(text).has_value());
}

bool is_too_much(const Error& error) {
  return error.code() == too_much("").code();
}

void add_member(Placed& object, std::string key, Placed value) {
  if (object.data.contains(key)) return;  // two expressions gave one name: the first stays
  object.data[key] = std::move(value.data);
  object.place.keys.push_back(std::move(key));
  object.place.children.push_back(std::move(value.place));
}

/// Walks through a tree of values.
class Walk {
 public:
  /// @param whole the first failure ends the walk; else what fails becomes unknown and is told in
  /// the context's failures
  Walk(Scope& scope, const Frame* frame, bool whole)
      : scope_(scope), frame_(frame), whole_(whole) {}

  Result<Placed> tree(const JsonReader& value) const {
    const DepthGuard guard(scope_.context());
    if (guard.too_deep() || !scope_.context().budget.charge(1)) return too_much(value.where());
    auto placed = any(value);
    if (placed || whole_ || is_too_much(placed.error())) return placed;
    scope_.context().failures.add(placed.error());
    return Placed{unknown_value(), place_from(value.place())};
  }

  Result<Placed> copy(const JsonReader& loop, const std::string& name) const {
    KILN_TRY_ASSIGN(const auto written, loop.require("count"));
    KILN_TRY_ASSIGN(const auto value, Walk(scope_, frame_, true).tree(written));
    KILN_TRY_ASSIGN(const auto count,
                    JsonReader::computed(value.data, written.place(), written.pointer())
                        .as_integer(0, kMaxCopies));
    KILN_TRY_ASSIGN(const auto input, loop.require("input"));
    if (count > 0 && turns_of(frame_) > kMaxCopies / count) {
      return written
          .error("Arm:TooManyCopies",
                 fmt::format("this loop and those around it make more than {} values", kMaxCopies))
          .cure("make them smaller; ARM's own limit is 800 a loop");
    }
    Placed list{nlohmann::json::array(), place_from(loop.place())};
    for (std::int64_t i = 0; i < count; ++i) {
      const Frame turn{frame_, Frame::Kind::kPropertyCopy, name, i, nullptr, count};
      KILN_TRY_ASSIGN(auto item, Walk(scope_, &turn, whole_).tree(input));
      list.data.push_back(std::move(item.data));
      list.place.children.push_back(std::move(item.place));
    }
    return list;
  }

 private:
  [[nodiscard]] Result<Placed> any(const JsonReader& value) const {
    if (value.value().is_string()) return text(value);
    if (value.value().is_array()) return array(value);
    if (value.value().is_object()) return object(value);
    return Placed{value.value(), place_from(value.place())};
  }

  [[nodiscard]] Result<Placed> text(const JsonReader& reader) const {
    const auto& text = reader.value().get_ref<const std::string&>();
    if (is_escaped(text)) {
      ++scope_.context().escapes;
      return Placed{text.substr(1), place_from(reader.place())};
    }
    if (!to_be_evaluated(text, scope_)) return Placed{text, place_from(reader.place())};
    auto& first = scope_.context().first_expression;
    if (first.empty()) first = reader.where();
    KILN_TRY_ASSIGN(auto value, Evaluator(scope_, frame_, text, reader.place()).run());
    auto origin = place_or(std::move(value.origin), reader.place());
    return Placed{std::move(value.data), place_from(std::move(origin))};
  }

  [[nodiscard]] Result<std::string> key(const std::string& key, const JsonReader& member) const {
    if (is_escaped(key)) return key.substr(1);
    if (!to_be_evaluated(key, scope_)) return key;
    KILN_TRY_ASSIGN(const auto value, Evaluator(scope_, frame_, key, member.place()).run());
    if (value.data.is_string()) return value.data.get<std::string>();
    return member
        .error("Arm:BadKey",
               fmt::format("the expression of this member's name gives {}, not a string",
                           type_of(value.data)))
        .expecting("a string")
        .cure("make it give a string");
  }

  [[nodiscard]] Result<Placed> array(const JsonReader& reader) const {
    KILN_TRY_ASSIGN(const auto items, reader.items());
    Placed list{nlohmann::json::array(), place_from(reader.place())};
    for (const auto& item : items) {
      KILN_TRY_ASSIGN(auto evaluated, tree(item));
      list.data.push_back(std::move(evaluated.data));
      list.place.children.push_back(std::move(evaluated.place));
    }
    return list;
  }

  [[nodiscard]] Result<Placed> object(const JsonReader& reader) const {
    KILN_TRY_ASSIGN(const auto members, reader.members());
    Placed object{nlohmann::json::object(), place_from(reader.place())};
    for (const auto& [written, member] : members) {
      if (equal_ignoring_case(written, "copy") && is_copy_list(member)) {
        KILN_TRY(copies(member, object));
        continue;
      }
      KILN_TRY_ASSIGN(auto name, key(written, member));
      KILN_TRY_ASSIGN(auto value, tree(member));
      add_member(object, std::move(name), std::move(value));
    }
    return object;
  }

  [[nodiscard]] Result<void> copies(const JsonReader& list, Placed& object) const {
    KILN_TRY_ASSIGN(const auto loops, list.items());
    for (const auto& loop : loops) {
      KILN_TRY_ASSIGN(const auto name, loop.string("name"));
      KILN_TRY_ASSIGN(auto items, copy(loop, name));
      add_member(object, name, std::move(items));
    }
    return {};
  }

  Scope& scope_;
  const Frame* frame_;
  bool whole_;
};

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
  return Walk(scope, frame, true).copy(loop, name);
}

Result<Placed> evaluate_tree(const JsonReader& value, Scope& scope, const Frame* frame) {
  return Walk(scope, frame, true).tree(value);
}

Result<Placed> evaluate_known(const JsonReader& value, Scope& scope, const Frame* frame) {
  return Walk(scope, frame, false).tree(value);
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
