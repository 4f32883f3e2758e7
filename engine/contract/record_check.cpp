#include <algorithm>
#include <vector>

#include "engine/contract/field_value.h"
#include "engine/contract/record.h"
#include "engine/contract/type_lookup.h"
#include "engine/contract/unknown_fields.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

std::string in_quotes(std::string_view name) {
  return fmt::format("\"{}\"", printable(name, 60));
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
  RecordChecker(const RecordType& type,
                const RecordType* outer,
                const JsonReader& object,
                const ContractContext& context)
      : type_(type),
        context_(context),
        record_(type, object),
        discriminator_(type.discriminated ? name_of_discriminator(object) : ""),
        unknown_(type, outer, context) {}

  std::optional<Record> run() {
    if (record_.place_.is_unknown()) return std::nullopt;
    const auto members = record_.place_.members();
    if (!members) {
      context_.add(members.error());
      return std::nullopt;
    }
    const auto errors = context_.found.count(Severity::kError);
    for (const auto& [name, place] : *members) take(name, place);
    take_misspelt();
    for (const auto* field : unknown_.tell_misplaced()) {
      if (field->required && !record_.has(field->name)) forget(*field, record_.place_);
    }
    for (const auto& field : type_.fields) require(field);
    if (context_.found.count(Severity::kError) > errors) record_.sound_ = false;
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

  void take(const std::string& name, const JsonReader& place) {
    if (type_.discriminated && name == discriminator_) return;
    const auto* field = find_field(name, place);
    if (field == nullptr) {
      unknown_.add(name, place);
      return;
    }
    if (place.value().is_null()) return;  // counts as absent, as it does in ARM
    if (record_.has(field->name)) {
      repeated(*field, name, place);
      return;
    }
    check_version(*field, place);
    take_value(*field, place);
  }

  void take_value(const Field& field, const JsonReader& place) {
    Record::Member member{&field, unquoted(field, place), {}};
    if (!check_value(field, member.place, member.children)) {
      forget(field, place);
      return;
    }
    if (field.treatment == Treatment::kNotice || field.treatment == Treatment::kReadOnly) {
      context_.notice(place, "Template:NoMeaningOffline", notice_text(field));
    }
    record_.members_.emplace(field.name, std::move(member));
  }

  /// What a misspelt field holds is looked at as though it were spelt right, unless the service
  /// would overlook it.
  void take_misspelt() {
    for (const auto& slip : unknown_.misspelt()) {
      if (record_.has(slip.field->name)) continue;
      record_.slips_.emplace(slip.field->name, slip.name);
      if (unknown_.severity() == Severity::kError) take_value(*slip.field, slip.place);
    }
  }

  /// The field is there, and its value is unknown.
  void forget(const Field& field, const JsonReader& place) {
    record_.sound_ = false;
    record_.members_.emplace(field.name,
                             Record::Member{&field, place.with_value(unknown_value()), {}});
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

  template <class Matches>
  const Field* find_by(Matches&& matches) const {
    const auto found = std::find_if(type_.fields.begin(), type_.fields.end(), matches);
    return found == type_.fields.end() ? nullptr : &*found;
  }

  const Field* find_exact(std::string_view name) const {
    return find_by([&](const Field& one) { return one.name == name; });
  }

  const Field* find_field(const std::string& name, const JsonReader& place) const {
    if (const auto* field = find_exact(name)) return field;
    if (const auto* field =
            find_by([&](const Field& one) { return !one.former.empty() && one.former == name; })) {
      if (context_.version > field->former_until) {
        tell_slip(context_,
                  place,
                  "Template:FormerName",
                  fmt::format("{} is called {} after api-version {}",
                              in_quotes(name),
                              in_quotes(field->name),
                              to_string(field->former_until)),
                  fmt::format("rename it to {}", in_quotes(field->name)));
      }
      return field;
    }
    const auto* field =
        find_by([&](const Field& one) { return equal_ignoring_case(one.name, name); });
    if (field != nullptr) {
      tell_slip(context_,
                place,
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
    tell_slip(context_,
              place,
              "Template:NotInVersion",
              fmt::format("{} is not in api-version {}: {}",
                          in_quotes(field.name),
                          to_string(context_.version),
                          is_strict(context_.version) ? "the service refuses it there"
                                                      : "the service may ignore it, Kiln reads it"),
              later ? fmt::format("raise apiVersion to {} or later", to_string(field.since))
                    : fmt::format("it ended with api-version {}", to_string(field.until)));
  }

  void require(const Field& field) {
    if (!field.required || record_.has(field.name)) return;
    if (!unknown_.stands_for_all()) {
      const auto slip = record_.slip_of(field.name);
      context_.error(record_.place_,
                     "Template:MissingField",
                     fmt::format("the field {} is missing here", in_quotes(field.name)),
                     std::string(field.help),
                     slip.empty()
                         ? fmt::format("add {}", in_quotes(field.name))
                         : fmt::format("rename {} to {}", in_quotes(slip), in_quotes(field.name)));
    }
    forget(field, record_.place_);
  }

  bool check_value(const Field& field, const JsonReader& place, std::vector<Record>& children) {
    const bool nested = field.kind == FieldKind::kObject || field.kind == FieldKind::kObjects;
    return nested ? check_children(field, place, children)
                  : check_field_value(field, place, context_);
  }

  /// That a field is not in the api-version is said of it, and not of all that it holds.
  [[nodiscard]] ContractContext context_of_children(const Field& field) const {
    const bool in_version = context_.version >= field.since && context_.version <= field.until;
    return {context_.version,
            context_.found,
            context_.provisioning_error,
            context_.versioned && in_version};
  }

  /// What is wrong inside of an object makes the record unsound, and the object can still be read.
  bool check_children(const Field& field, const JsonReader& place, std::vector<Record>& children) {
    const auto context = context_of_children(field);
    const auto read = [&](const JsonReader& object) {
      auto child = RecordChecker(*field.object, &type_, object, context).run();
      if (!child) return false;
      record_.sound_ = record_.sound_ && child->is_sound();
      children.push_back(*std::move(child));
      return true;
    };
    if (field.kind == FieldKind::kObject) return read(place);
    const auto items = read_items(place, context_);
    if (!items) return false;
    bool all_read = true;
    for (const auto& item : *items) all_read = read(item) && all_read;
    return all_read;
  }

  const RecordType& type_;
  const ContractContext& context_;
  Record record_;
  std::string discriminator_;  ///< the member that says the type; empty where none has to
  UnknownFields unknown_;
};

std::optional<Record> check_record(const JsonReader& object,
                                   const RecordType& type,
                                   const ContractContext& context) {
  return RecordChecker(type, nullptr, object, context).run();
}

}  // namespace kiln
