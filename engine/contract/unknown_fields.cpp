#include "engine/contract/unknown_fields.h"

#include <algorithm>

#include "engine/core/text.h"

namespace kiln {
namespace {

std::string in_quotes(std::string_view name) {
  return fmt::format("\"{}\"", printable(name, 60));
}

std::string described(const RecordType& type) {
  return type.discriminated ? fmt::format("type {}", type.name) : std::string(type.name);
}

const Field* find_any_case(const RecordType& type, std::string_view name) {
  const auto found = std::find_if(type.fields.begin(), type.fields.end(), [&](const Field& field) {
    return equal_ignoring_case(field.name, name);
  });
  return found == type.fields.end() ? nullptr : &*found;
}

/// The way from `type` down to the object that has a field of this name, and its first step.
std::pair<std::string, const Field*> find_inside(const RecordType& type,
                                                 std::string_view name,
                                                 int levels) {
  for (const auto& field : type.fields) {
    if (field.kind != FieldKind::kObject) continue;
    if (find_any_case(*field.object, name) != nullptr) return {std::string(field.name), &field};
    if (levels == 0) continue;
    const auto [path, first] = find_inside(*field.object, name, levels - 1);
    if (first != nullptr) return {fmt::format("{}.{}", field.name, path), &field};
  }
  return {"", nullptr};
}

}  // namespace

Severity UnknownFields::severity() const {
  return is_strict(context_.version) ? Severity::kError : Severity::kWarning;
}

std::string_view UnknownFields::fate() const {
  return is_strict(context_.version) ? "the service refuses it" : "the service ignores it";
}

void UnknownFields::tell(const JsonReader& place,
                         std::string message,
                         std::string suggestion,
                         Severity severity) const {
  auto diagnostic = diagnose(severity, place, "Template:UnknownField", std::move(message));
  diagnostic.suggestion = std::move(suggestion);
  diagnostic.provisioning_error = context_.provisioning_error;
  context_.found.add(std::move(diagnostic));
}

bool UnknownFields::add_hinted(const std::string& name, const JsonReader& place) {
  for (const auto& hint : type_.hints) {
    if (!equal_ignoring_case(hint.name, name)) continue;
    if (!hint.field.empty()) {
      misspelt_.push_back({name, find_any_case(type_, hint.field), place});
      tell(place,
           fmt::format("{} is not a field of {}; {}", in_quotes(name), described(type_), fate()),
           fmt::format("did you mean \"{}\"?", hint.field),
           severity());
    } else {
      stands_for_all_ = stands_for_all_ || hint.stands_for_all;
      tell(place, std::string(hint.message), std::string(hint.cure), severity());
    }
    return true;
  }
  return false;
}

bool UnknownFields::add_misplaced(const std::string& name, const JsonReader& place) {
  constexpr int kLevels = 1;
  auto [path, into] = find_inside(type_, name, kLevels);
  if (into == nullptr && (outer_ == nullptr || find_any_case(*outer_, name) == nullptr)) {
    return false;
  }
  auto& group = misplaced_[path];
  group.names.push_back(in_quotes(name));
  group.places.push_back(place);
  group.into = into;
  return true;
}

void UnknownFields::add(const std::string& name, const JsonReader& place) {
  if (place.value().is_null()) return;  // counts as absent
  if (add_hinted(name, place)) return;
  std::vector<std::string_view> known;
  for (const auto& field : type_.fields) {
    if (field.treatment != Treatment::kReadOnly) known.push_back(field.name);
  }
  const auto near = nearest_word(name, known);
  // A slip of a letter is likelier than a wrong place, and a wrong place likelier than another
  // word.
  if (near.empty() || !equal_ignoring_case(near, name)) {
    if (add_misplaced(name, place)) return;
  }
  if (!near.empty()) misspelt_.push_back({name, find_any_case(type_, near), place});
  tell(place,
       fmt::format("{} is not a field of {}; {}", in_quotes(name), described(type_), fate()),
       near.empty() ? fmt::format("remove it; the fields here are {}", fmt::join(known, ", "))
                    : fmt::format("did you mean \"{}\"?", near),
       severity());
}

std::vector<const Field*> UnknownFields::tell_misplaced() {
  std::vector<const Field*> targets;
  for (const auto& [path, group] : misplaced_) {
    const bool several = group.names.size() > 1;
    const auto names =
        fmt::format("{} {}", fmt::join(group.names, ", "), several ? "belong" : "belongs");
    tell(group.places.front(),
         group.into == nullptr
             ? fmt::format("{} beside {}, not into it", names, type_.name)
             : fmt::format("{} into {}, not into {}", names, path, described(type_)),
         group.into == nullptr
             ? fmt::format(
                   "move {} one level up, beside \"{}\"", several ? "them" : "it", type_.name)
             : fmt::format("move {} into \"{}\"", several ? "them" : "it", path),
         // Where what is needed stands in the wrong place, it is missing in the right one.
         group.into != nullptr && group.into->required ? Severity::kError : severity());
    if (group.into != nullptr) targets.push_back(group.into);
  }
  return targets;
}

}  // namespace kiln
