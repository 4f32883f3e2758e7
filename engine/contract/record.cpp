#include "engine/contract/record.h"

#include <algorithm>
#include <charconv>

namespace kiln {

void ContractContext::error(const JsonReader& place,
                            std::string code,
                            std::string message,
                            std::string expected,
                            std::string suggestion) const {
  if (place.is_unknown()) return;
  auto diagnostic = diagnose(Severity::kError, place, std::move(code), std::move(message));
  diagnostic.expected = std::move(expected);
  diagnostic.suggestion = std::move(suggestion);
  diagnostic.provisioning_error = provisioning_error;
  found.add(std::move(diagnostic));
}

void ContractContext::warning(const JsonReader& place,
                              std::string code,
                              std::string message,
                              std::string suggestion) const {
  if (place.is_unknown()) return;
  auto diagnostic = diagnose(Severity::kWarning, place, std::move(code), std::move(message));
  diagnostic.suggestion = std::move(suggestion);
  found.add(std::move(diagnostic));
}

void ContractContext::notice(const JsonReader& place, std::string code, std::string message) const {
  if (place.is_unknown()) return;
  found.add(diagnose(Severity::kNotice, place, std::move(code), std::move(message)));
}

const Record::Member* Record::find(std::string_view name) const {
  const auto found = members_.find(name);
  return found == members_.end() ? nullptr : &found->second;
}

const nlohmann::json* Record::value(std::string_view name) const {
  const auto* member = find(name);
  return member == nullptr || member->place.is_unknown() ? nullptr : &member->place.value();
}

bool Record::is_unknown(std::string_view name) const {
  const auto* member = find(name);
  return member != nullptr && member->place.is_unknown();
}

std::string Record::slip_of(std::string_view name) const {
  const auto slip = slips_.find(name);
  return slip == slips_.end() ? std::string() : slip->second;
}

bool Record::has_told(const Error& error) const {
  return std::any_of(members_.begin(), members_.end(), [&](const auto& entry) {
    const auto& place = entry.second.place;
    return place.is_unknown() && place.where() == error.where();
  });
}

const JsonReader& Record::at(std::string_view name) const {
  const auto* member = find(name);
  KILN_CHECK(member != nullptr);
  return member->place;
}

std::string Record::text(std::string_view name) const {
  const auto* found = value(name);
  return found == nullptr ? std::string() : found->get<std::string>();
}

std::int64_t Record::integer(std::string_view name, std::int64_t otherwise) const {
  const auto* found = value(name);
  return found == nullptr ? otherwise : found->get<std::int64_t>();
}

bool Record::flag(std::string_view name, bool otherwise) const {
  const auto* found = value(name);
  return found == nullptr ? otherwise : found->get<bool>();
}

std::vector<std::string> Record::texts(std::string_view name) const {
  const auto* found = value(name);
  return found == nullptr ? std::vector<std::string>() : found->get<std::vector<std::string>>();
}

std::vector<std::int64_t> Record::exit_codes(std::string_view name) const {
  std::vector<std::int64_t> codes;
  const auto* found = value(name);
  if (found == nullptr) return codes;
  for (const auto& item : *found) {
    if (item.is_number()) {
      codes.push_back(item.get<std::int64_t>());
      continue;
    }
    const auto& text = item.get_ref<const std::string&>();
    std::int64_t code = 0;
    std::from_chars(text.data(), text.data() + text.size(), code);  // digits, as was checked
    codes.push_back(code);
  }
  return codes;
}

std::map<std::string, std::string> Record::map(std::string_view name) const {
  const auto* found = value(name);
  if (found == nullptr) return {};
  std::map<std::string, std::string> texts;
  for (const auto& [key, item] : found->items()) {
    if (item.is_string()) texts[key] = item.get<std::string>();
  }
  return texts;
}

const Record* Record::record(std::string_view name) const {
  const auto* member = find(name);
  return member == nullptr || member->children.empty() ? nullptr : &member->children.front();
}

const std::vector<Record>& Record::records(std::string_view name) const {
  static const std::vector<Record> kNone;
  const auto* member = find(name);
  return member == nullptr ? kNone : member->children;
}

nlohmann::json Record::to_json(const Member& member) {
  if (member.field->kind == FieldKind::kObject) return member.children.front().to_json();
  if (member.field->kind == FieldKind::kObjects) {
    auto array = nlohmann::json::array();
    for (const auto& child : member.children) array.push_back(child.to_json());
    return array;
  }
  return member.place.value();
}

nlohmann::json Record::to_json() const {
  auto object = nlohmann::json::object();
  if (type_->discriminated) object["type"] = type_->name;
  for (const auto& [name, member] : members_) {
    if (member.place.is_unknown()) continue;
    const std::string key(name);
    if (member.field->kind == FieldKind::kExitCodes) {
      object[key] = exit_codes(name);
    } else if (member.field->kind == FieldKind::kStringMap) {
      object[key] = map(name);
    } else {
      object[key] = to_json(member);
    }
  }
  return object;
}

}  // namespace kiln
