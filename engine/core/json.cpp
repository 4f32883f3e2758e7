#include "engine/core/json.h"

#include <algorithm>

#include "engine/core/json_relaxed.h"
#include "engine/core/json_text.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

std::string_view type_name(const nlohmann::json& value) {
  if (value.is_boolean()) return "true or false";
  if (value.is_number_integer()) return "an integer";
  if (value.is_number()) return "a number";
  if (value.is_string()) return "a string";
  if (value.is_array()) return "an array";
  if (value.is_object()) return "an object";
  if (value.is_discarded()) return "unknown";
  return "null";
}

std::string describe_duplicate(const DuplicateKey& duplicate, const std::string& name) {
  return describe_place(name, duplicate.line, duplicate.column, duplicate.pointer);
}

}  // namespace

struct JsonReader::Document {
  std::string name;
  nlohmann::json root;
};

Result<JsonReader> JsonReader::parse(const std::string& text, std::string name) {
  RelaxedJson as_it_is;
  as_it_is.text = text;
  KILN_TRY_ASSIGN(auto root, parse_json_text(text, as_it_is, name));
  auto indexed = index_json(text, name);
  if (const auto& duplicate = indexed.duplicate) {
    return fail(ErrorKind::kInvalidTemplate,
                "Json:DuplicateKey",
                "this key appears twice in its object")
        .at(describe_duplicate(*duplicate, name))
        .cure("remove one of the two");
  }
  auto document = std::make_shared<Document>(Document{std::move(name), std::move(root)});
  const auto* value = &document->root;
  return JsonReader(std::move(document), value, "", std::move(indexed.root));
}

Result<JsonReader> JsonReader::parse_relaxed(const std::string& text,
                                             std::string name,
                                             std::vector<std::string>& notices) {
  const auto relaxed = relax_json(text);
  KILN_TRY_ASSIGN(auto root, parse_json_text(text, relaxed, name));
  auto indexed = index_json(text, name);
  if (indexed.duplicate) {
    notices.push_back(fmt::format("a key appears twice in its object, and the last one counts ({})",
                                  describe_duplicate(*indexed.duplicate, name)));
  }
  if (relaxed.first) {
    notices.push_back(fmt::format("this is not strict JSON: it has {} (first at {})",
                                  fmt::join(relaxed.kinds, ", "),
                                  describe_byte(name, text, *relaxed.first)));
  }
  auto document = std::make_shared<Document>(Document{std::move(name), std::move(root)});
  const auto* value = &document->root;
  return JsonReader(std::move(document), value, "", std::move(indexed.root));
}

JsonReader JsonReader::of(nlohmann::json value, std::string name) {
  auto document = std::make_shared<Document>(Document{std::move(name), std::move(value)});
  const auto* root = &document->root;
  return {std::move(document), root, "", nullptr};
}

JsonReader JsonReader::computed(nlohmann::json value, PlacePtr place, std::string pointer) {
  auto document = std::make_shared<Document>(Document{"", std::move(value)});
  const auto* root = &document->root;
  return {std::move(document), root, std::move(pointer), std::move(place)};
}

JsonReader JsonReader::with_value(nlohmann::json value) const {
  auto copy = *this;
  auto document = std::make_shared<Document>(Document{document_->name, std::move(value)});
  copy.value_ = &document->root;
  copy.document_ = std::move(document);
  return copy;
}

std::string JsonReader::where() const {
  if (place_ == nullptr) return fmt::format("{} {}", document_->name, printable(pointer_));
  auto where = describe_place(*place_);
  if (!beyond_.empty()) where += " => " + printable(beyond_);
  return where;
}

JsonReader JsonReader::child(std::string_view token,
                             const nlohmann::json& value,
                             PlacePtr place) const {
  const auto step = "/" + escape_token(token);
  JsonReader reader(document_, &value, pointer_ + step, place_);
  if (beyond_.empty() && place != nullptr) {
    reader.place_ = std::move(place);
  } else if (place_ != nullptr) {
    reader.beyond_ = beyond_ + step;
  }
  return reader;
}

JsonReader JsonReader::child(std::string_view key, const nlohmann::json& value) const {
  return child(key, value, beyond_.empty() ? place_of_key(place_, key) : nullptr);
}

Error JsonReader::error(std::string code, std::string message) const {
  return Error(ErrorKind::kInvalidTemplate, std::move(code), std::move(message))
      .at(where())
      .about(shown_value(*value_));
}

Error JsonReader::type_error(std::string_view wanted) const {
  return error("Json:WrongType",
               fmt::format("{} is expected here, this is {}", wanted, type_name(*value_)))
      .expecting(std::string(wanted))
      .cure(fmt::format("write {} in its place", wanted));
}

std::optional<JsonReader> JsonReader::find(std::string_view name) const {
  if (!value_->is_object()) return std::nullopt;
  const auto found = value_->find(std::string(name));
  if (found == value_->end() || found->is_null()) return std::nullopt;
  return child(name, *found);
}

Result<JsonReader> JsonReader::require(std::string_view name) const {
  if (!value_->is_object()) return type_error("an object");
  if (auto found = find(name)) return *std::move(found);
  return error("Json:MissingField", fmt::format("the field \"{}\" is missing here", name))
      .expecting(fmt::format("a member \"{}\"", name))
      .cure(fmt::format("add \"{}\" to this object", name));
}

Result<std::vector<JsonReader>> JsonReader::items() const {
  if (!value_->is_array()) return type_error("an array");
  std::vector<JsonReader> readers;
  for (std::size_t i = 0; i < value_->size(); ++i) {
    auto place = beyond_.empty() ? place_of_item(place_, i) : nullptr;
    readers.push_back(child(std::to_string(i), (*value_)[i], std::move(place)));
  }
  return readers;
}

Result<std::vector<std::pair<std::string, JsonReader>>> JsonReader::members() const {
  if (!value_->is_object()) return type_error("an object");
  std::vector<std::pair<std::string, JsonReader>> readers;
  if (place_ != nullptr && beyond_.empty()) {
    const auto& keys = keys_of(*place_);
    const bool same = keys.size() == value_->size();
    for (std::size_t i = 0; same && i < keys.size(); ++i) {
      const auto found = value_->find(keys[i]);
      if (found == value_->end()) continue;
      readers.emplace_back(keys[i], child(keys[i], *found, place_of_written_key(place_, i)));
    }
  }
  if (readers.size() == value_->size()) return readers;
  readers.clear();  // the value was replaced by one of another shape, so there is no order to keep
  for (const auto& [key, member] : value_->items()) readers.emplace_back(key, child(key, member));
  return readers;
}

Result<std::string> JsonReader::as_string() const {
  if (!value_->is_string()) return type_error("a string");
  return value_->get<std::string>();
}

Result<bool> JsonReader::as_bool() const {
  if (!value_->is_boolean()) return type_error("true or false");
  return value_->get<bool>();
}

Result<std::int64_t> JsonReader::as_integer(std::int64_t minimum, std::int64_t maximum) const {
  if (!value_->is_number_integer()) return type_error("an integer");
  const bool too_large = value_->is_number_unsigned() &&
                         value_->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
  const auto number = too_large ? INT64_MAX : value_->get<std::int64_t>();
  if (too_large || number < minimum || number > maximum) {
    return error("Json:OutOfRange",
                 fmt::format("{} is not between {} and {}", value_->dump(), minimum, maximum))
        .expecting(fmt::format("an integer from {} to {}", minimum, maximum))
        .cure(fmt::format("choose a number from {} to {}", minimum, maximum));
  }
  return number;
}

Result<std::vector<std::string>> JsonReader::as_strings() const {
  KILN_TRY_ASSIGN(const auto readers, items());
  std::vector<std::string> strings;
  for (const auto& reader : readers) {
    KILN_TRY_ASSIGN(auto text, reader.as_string());
    strings.push_back(std::move(text));
  }
  return strings;
}

Result<std::string> JsonReader::string(std::string_view name) const {
  KILN_TRY_ASSIGN(const auto member, require(name));
  return member.as_string();
}

Result<std::optional<std::string>> JsonReader::optional_string(std::string_view name) const {
  const auto member = find(name);
  if (!member) return std::optional<std::string>();
  KILN_TRY_ASSIGN(auto text, member->as_string());
  return std::optional<std::string>(std::move(text));
}

Result<bool> JsonReader::bool_or(std::string_view name, bool otherwise) const {
  const auto member = find(name);
  if (!member) return otherwise;
  return member->as_bool();
}

Result<void> JsonReader::refuse_unknown(std::initializer_list<std::string_view> known) const {
  KILN_TRY_ASSIGN(const auto all, members());
  for (const auto& [name, member] : all) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const auto near = nearest_word(name, std::span(known.begin(), known.size()));
    return member
        .error("Json:UnknownField", fmt::format("unknown field \"{}\"", printable(name, 60)))
        .expecting(fmt::format("one of {}", fmt::join(known, ", ")))
        .cure(near.empty()
                  ? fmt::format("remove it; the fields known here are {}", fmt::join(known, ", "))
                  : fmt::format("did you mean \"{}\"?", near));
  }
  return {};
}

}  // namespace kiln
