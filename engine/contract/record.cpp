#include "engine/contract/record.h"

#include <charconv>

namespace kiln {

void ContractContext::error(const JsonReader& place,
                            std::string code,
                            std::string message,
                            std::string expected,
                            std::string suggestion) const {
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
  auto diagnostic = diagnose(Severity::kWarning, place, std::move(code), std::move(message));
  diagnostic.suggestion = std::move(suggestion);
  found.add(std::move(diagnostic));
}

void ContractContext::notice(const JsonReader& place, std::string code, std::string message) const {
  found.add(diagnose(Severity::kNotice, place, std::move(code), std::move(message)));
}

const Record::Member* Record::find(std::string_view name) const {
  const auto found = members_.find(name);
  return found == members_.end() ? nullptr : &found->second;
}

const JsonReader& Record::at(std::string_view name) const {
  const auto* member = find(name);
  KILN_CHECK(member != nullptr);
  return member->place;
}

std::string Record::text(std::string_view name) const {
  const auto* member = find(name);
  return member == nullptr ? std::string() : member->place.value().get<std::string>();
}

std::int64_t Record::integer(std::string_view name, std::int64_t otherwise) const {
  const auto* member = find(name);
  return member == nullptr ? otherwise : member->place.value().get<std::int64_t>();
}

bool Record::flag(std::string_view name, bool otherwise) const {
  const auto* member = find(name);
  return member == nullptr ? otherwise : member->place.value().get<bool>();
}

std::vector<std::string> Record::texts(std::string_view name) const {
  const auto* member = find(name);
  if (member == nullptr) return {};
  return member->place.value().get<std::vector<std::string>>();
}

std::vector<std::int64_t> Record::exit_codes(std::string_view name) const {
  std::vector<std::int64_t> codes;
  const auto* member = find(name);
  if (member == nullptr) return codes;
  for (const auto& value : member->place.value()) {
    if (value.is_number()) {
      codes.push_back(value.get<std::int64_t>());
      continue;
    }
    const auto& text = value.get_ref<const std::string&>();
    std::int64_t code = 0;
    std::from_chars(text.data(), text.data() + text.size(), code);  // digits, as was checked
    codes.push_back(code);
  }
  return codes;
}

std::map<std::string, std::string> Record::map(std::string_view name) const {
  const auto* member = find(name);
  if (member == nullptr) return {};
  std::map<std::string, std::string> texts;
  for (const auto& [key, value] : member->place.value().items()) {
    if (value.is_string()) texts[key] = value.get<std::string>();
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
