#include <algorithm>
#include <charconv>
#include <vector>

#include "engine/contract/record.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

std::string in_quotes(std::string_view name) {
  return fmt::format("\"{}\"", printable(name, 60));
}

bool is_exit_code(const nlohmann::json& value) {
  if (value.is_number_integer()) return true;
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  std::int64_t code = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), code);
  return !text.empty() && parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

/// What the service does with a field it does not know.
std::string_view fate(const ContractContext& context) {
  return is_strict(context.version) ? "the service refuses it" : "the service ignores it";
}

/// Of a field that no version has.
Severity severity_of_unknown(const ContractContext& context) {
  return is_strict(context.version) ? Severity::kError : Severity::kWarning;
}

/// Of a spelling that earlier versions let pass.
Severity severity_of_slip(const ContractContext& context) {
  return is_strict(context.version) && context.versioned ? Severity::kError : Severity::kWarning;
}

}  // namespace

std::string notice_text(const Field& field) {
  if (field.treatment == Treatment::kReadOnly) {
    return fmt::format("{} has no meaning offline: it is read-only", field.name);
  }
  return fmt::format("{} has no meaning offline: {}", field.name, field.help);
}

/// Reads one object; a class because every check needs the same three things.
class RecordChecker {
 public:
  RecordChecker(const RecordType& type, const JsonReader& object, const ContractContext& context)
      : type_(type), context_(context), record_(type, object) {}

  std::optional<Record> run() {
    const auto errors = context_.found.count(Severity::kError);
    if (record_.place_.is_unknown()) return std::nullopt;
    const auto members = record_.place_.members();
    if (!check(members)) return std::nullopt;
    for (const auto& [name, place] : *members) take(name, place);
    for (const auto& field : type_.fields) require(field);
    if (incomplete_ || context_.found.count(Severity::kError) > errors) return std::nullopt;
    return std::move(record_);
  }

 private:
  /// A number or truth value that is written as text, as the filling of a placeholder leaves it.
  JsonReader unquoted(const Field& field, const JsonReader& place) const {
    const bool number = field.kind == FieldKind::kInteger;
    if ((!number && field.kind != FieldKind::kBoolean) || !place.value().is_string()) return place;
    auto value = nlohmann::json::parse(place.value().get_ref<const std::string&>(), nullptr, false);
    if (number ? !value.is_number_integer() : !value.is_boolean()) return place;
    context_.warning(place,
                     "Template:ValueAsText",
                     fmt::format("{} is written as text; the service may refuse it",
                                 number ? "this number" : "this truth value"),
                     "write it without quotation marks");
    return place.with_value(std::move(value));
  }

  void slip(const JsonReader& place,
            std::string code,
            std::string message,
            std::string suggestion) const {
    tell(severity_of_slip(context_),
         place,
         std::move(code),
         std::move(message),
         std::move(suggestion));
  }

  void tell(Severity severity,
            const JsonReader& place,
            std::string code,
            std::string message,
            std::string suggestion) const {
    auto diagnostic = diagnose(severity, place, std::move(code), std::move(message));
    diagnostic.suggestion = std::move(suggestion);
    diagnostic.provisioning_error = context_.provisioning_error;
    context_.found.add(std::move(diagnostic));
  }

  void take(const std::string& name, const JsonReader& place) {
    if (type_.discriminated && equal_ignoring_case(name, "type")) return;
    const auto* field = find_field(name, place);
    if (field == nullptr) {
      unknown(name, place);
      return;
    }
    if (place.value().is_null()) return;  // counts as absent, as it does in ARM
    if (record_.has(field->name)) {
      repeated(*field, name, place);
      return;
    }
    check_version(*field, place);
    Record::Member member{field, unquoted(*field, place), {}};
    if (!check_value(*field, member.place, member.children)) {
      incomplete_ = true;
      wrong_.push_back(field->name);
      return;
    }
    if (field->treatment == Treatment::kNotice || field->treatment == Treatment::kReadOnly) {
      context_.notice(place, "Template:NoMeaningOffline", notice_text(*field));
    }
    record_.members_.emplace(field->name, std::move(member));
  }

  void repeated(const Field& field, const std::string& name, const JsonReader& place) const {
    const auto& first = record_.at(field.name).pointer();
    const auto other = first.substr(first.rfind('/') + 1);
    context_.error(
        place,
        "Template:RepeatedField",
        fmt::format("{} and {} are two spellings of one field", in_quotes(other), in_quotes(name)),
        "the field once",
        fmt::format("keep one of the two, as {}", in_quotes(field.name)));
  }

  const Field* find_field(const std::string& name, const JsonReader& place) const {
    const auto by = [&](auto&& matches) {
      const auto found = std::find_if(type_.fields.begin(), type_.fields.end(), matches);
      return found == type_.fields.end() ? nullptr : &*found;
    };
    if (const auto* field = by([&](const Field& one) { return one.name == name; })) return field;
    if (const auto* field =
            by([&](const Field& one) { return !one.former.empty() && one.former == name; })) {
      if (context_.version > field->former_until) {
        slip(place,
             "Template:FormerName",
             fmt::format("{} is called {} after api-version {}",
                         in_quotes(name),
                         in_quotes(field->name),
                         to_string(field->former_until)),
             fmt::format("rename it to {}", in_quotes(field->name)));
      }
      return field;
    }
    const auto* field = by([&](const Field& one) { return equal_ignoring_case(one.name, name); });
    if (field != nullptr) {
      slip(place,
           "Template:WrongCase",
           fmt::format("{} is spelt {}", in_quotes(name), in_quotes(field->name)),
           fmt::format("write {}: the service refuses other case since api-version 2024-02-01",
                       in_quotes(field->name)));
    }
    return field;
  }

  void check_version(const Field& field, const JsonReader& place) const {
    if (context_.version >= field.since && context_.version <= field.until) return;
    // Said once, of the type; and where no version is named, none is wrong.
    if (context_.version < type_.since || !context_.versioned) return;
    const bool later = context_.version < field.since;
    slip(place,
         "Template:NotInVersion",
         fmt::format("{} is not in api-version {}: {}",
                     in_quotes(field.name),
                     to_string(context_.version),
                     is_strict(context_.version) ? "the service refuses it there"
                                                 : "the service may ignore it, Kiln reads it"),
         later ? fmt::format("raise apiVersion to {} or later", to_string(field.since))
               : fmt::format("it ended with api-version {}", to_string(field.until)));
  }

  void unknown(const std::string& name, const JsonReader& place) {
    for (const auto& hint : type_.hints) {
      if (!equal_ignoring_case(hint.name, name)) continue;
      tell(severity_of_unknown(context_),
           place,
           "Template:UnknownField",
           std::string(hint.message),
           std::string(hint.cure));
      return;
    }
    std::vector<std::string_view> known;
    for (const auto& field : type_.fields) known.push_back(field.name);
    const auto near = nearest_word(name, known);
    if (!near.empty()) misspelt_.emplace_back(name, near);
    tell(severity_of_unknown(context_),
         place,
         "Template:UnknownField",
         fmt::format(
             "{} is not a field of {}; {}", in_quotes(name), described_type(), fate(context_)),
         near.empty() ? fmt::format("remove it; the fields here are {}", fmt::join(known, ", "))
                      : fmt::format("did you mean \"{}\"?", near));
  }

  [[nodiscard]] std::string described_type() const {
    return type_.discriminated ? fmt::format("type {}", type_.name) : std::string(type_.name);
  }

  void require(const Field& field) const {
    if (!field.required || record_.has(field.name)) return;
    if (std::find(wrong_.begin(), wrong_.end(), field.name) != wrong_.end()) return;
    const auto slip_of = std::find_if(misspelt_.begin(), misspelt_.end(), [&](const auto& one) {
      return one.second == field.name;
    });
    context_.error(
        record_.place_,
        "Template:MissingField",
        fmt::format("the field {} is missing here", in_quotes(field.name)),
        std::string(field.help),
        slip_of == misspelt_.end()
            ? fmt::format("add {}", in_quotes(field.name))
            : fmt::format("rename {} to {}", in_quotes(slip_of->first), in_quotes(field.name)));
  }

  /// Tells the error of a reader.
  template <class T>
  bool check(const Result<T>& checked) const {
    if (!checked) context_.add(checked.error());
    return checked.has_value();
  }

  bool check_value(const Field& field, const JsonReader& place, std::vector<Record>& children) {
    if (place.is_unknown()) return false;
    switch (field.kind) {
      case FieldKind::kString:
        return check(place.as_string()) && check_enumeration(field, place);
      case FieldKind::kInteger:
        return check(place.as_integer(field.minimum, field.maximum));
      case FieldKind::kBoolean:
        return check(place.as_bool());
      case FieldKind::kStrings:
        return check_strings(place);
      case FieldKind::kExitCodes:
        return check_exit_codes(place);
      case FieldKind::kStringMap:
        return check_map(place);
      case FieldKind::kObject:
      case FieldKind::kObjects:
        return check_children(field, place, children);
      case FieldKind::kOpenObject:
      case FieldKind::kItem:
        return check(place.members());
      case FieldKind::kOpenArray:
      case FieldKind::kItems:
        return check(place.items());
    }
    return true;
  }

  bool check_enumeration(const Field& field, const JsonReader& place) const {
    if (field.values.empty()) return true;
    const auto& text = place.value().get_ref<const std::string&>();
    if (std::find(field.values.begin(), field.values.end(), text) != field.values.end())
      return true;
    const auto near = nearest_word(text, field.values);
    context_.error(place,
                   "Template:BadValue",
                   fmt::format("{} is not a value of \"{}\"", in_quotes(text), field.name),
                   fmt::format("one of {}", fmt::join(field.values, ", ")),
                   near.empty() ? fmt::format("write one of {}", fmt::join(field.values, ", "))
                                : fmt::format("did you mean \"{}\"?", near));
    return false;
  }

  bool check_strings(const JsonReader& place) const {
    const auto items = place.items();
    if (!check(items)) return false;
    bool sound = true;
    for (const auto& item : *items) sound = !item.is_unknown() && check(item.as_string()) && sound;
    return sound;
  }

  bool check_exit_codes(const JsonReader& place) const {
    const auto items = place.items();
    if (!check(items)) return false;
    bool sound = true;
    for (const auto& item : *items) {
      if (item.is_unknown()) {
        sound = false;
      } else if (!is_exit_code(item.value())) {
        context_.error(item,
                       "Template:BadExitCode",
                       "this is not an exit code",
                       "an integer",
                       "write the code as a number, e.g. 3010");
        sound = false;
      } else if (item.value().is_string()) {
        slip(item,
             "Template:ExitCodeAsText",
             "this exit code is written as text",
             "write the number without quotation marks");
      }
    }
    return sound;
  }

  bool check_map(const JsonReader& place) const {
    const auto members = place.members();
    if (!check(members)) return false;
    bool sound = true;
    for (const auto& [key, member] : *members) {
      // A null member counts as absent; expressions leave some behind.
      if (!member.value().is_null())
        sound = !member.is_unknown() && check(member.as_string()) && sound;
    }
    return sound;
  }

  /// That a field is not in the api-version is said of it, and not of all that it holds.
  [[nodiscard]] ContractContext context_of_children(const Field& field) const {
    const bool in_version = context_.version >= field.since && context_.version <= field.until;
    return {context_.version,
            context_.found,
            context_.provisioning_error,
            context_.versioned && in_version};
  }

  bool check_children(const Field& field, const JsonReader& place, std::vector<Record>& children) {
    const auto context = context_of_children(field);
    if (field.kind == FieldKind::kObject) {
      auto child = check_record(place, *field.object, context);
      if (child) children.push_back(*std::move(child));
      return !children.empty();
    }
    const auto items = place.items();
    if (!check(items)) return false;
    for (const auto& item : *items) {
      if (auto child = check_record(item, *field.object, context)) {
        children.push_back(*std::move(child));
      }
    }
    return children.size() == items->size();
  }

  const RecordType& type_;
  const ContractContext& context_;
  Record record_;
  bool incomplete_ = false;              ///< a field of it is wrong or unknown
  std::vector<std::string_view> wrong_;  ///< those fields, by the newest names
  std::vector<std::pair<std::string, std::string>> misspelt_;  ///< as written, as it should be
};

std::optional<Record> check_record(const JsonReader& object,
                                   const RecordType& type,
                                   const ContractContext& context) {
  return RecordChecker(type, object, context).run();
}

}  // namespace kiln
