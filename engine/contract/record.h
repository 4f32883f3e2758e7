#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/contract/diagnostic.h"
#include "engine/contract/field.h"

namespace kiln {

/// What a parser of the contract needs beside the text.
struct ContractContext {
  ApiVersion version;
  Diagnostics& found;
  /// The service's provisioningErrorCode for errors of the part that is being read.
  std::string_view provisioning_error = "Other";
  /// The document names its api-version. Where it does not, it may be of any, so what some version
  /// accepts is at most worth a warning.
  bool versioned = true;

  /// The same for another part.
  [[nodiscard]] ContractContext of(std::string_view code) const {
    return {version, found, code, versioned};
  }
  // Of an unknown value nothing more is told.
  void error(const JsonReader& place,
             std::string code,
             std::string message,
             std::string expected,
             std::string suggestion) const;
  void warning(const JsonReader& place,
               std::string code,
               std::string message,
               std::string suggestion) const;
  void notice(const JsonReader& place, std::string code, std::string message) const;
  void add(const Error& error) const { found.add(error, provisioning_error); }
};

/// A JSON object whose fields have been checked: each stands under the name of the newest version,
/// has the right kind and lies in its range, so reading it cannot fail. A field that is wrong, or
/// missing though it is required, is there with an unknown value: an error has been told of it, and
/// what else the record says can still be looked at. Nothing is made of a record that is not sound.
class Record {
 public:
  [[nodiscard]] const RecordType& type() const { return *type_; }
  [[nodiscard]] const JsonReader& place() const { return place_; }
  /// No field of it, nor of the records in it, has an unknown value.
  [[nodiscard]] bool is_sound() const { return sound_; }
  [[nodiscard]] bool has(std::string_view name) const { return members_.contains(name); }
  [[nodiscard]] bool is_unknown(std::string_view name) const;
  /// The value's place; the field must be there. What is said of an unknown value is dropped.
  [[nodiscard]] const JsonReader& at(std::string_view name) const;
  /// How a field that is not there was probably misspelt; empty where nothing comes near.
  [[nodiscard]] std::string slip_of(std::string_view name) const;
  /// The error is about the place of an unknown value, so its cause has been told.
  [[nodiscard]] bool has_told(const Error& error) const;

  // Each gives its last argument, or nothing, where the field is absent or unknown.
  [[nodiscard]] std::string text(std::string_view name) const;
  [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
  [[nodiscard]] bool flag(std::string_view name, bool otherwise = false) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  [[nodiscard]] std::vector<std::int64_t> exit_codes(std::string_view name) const;
  [[nodiscard]] std::map<std::string, std::string> map(std::string_view name) const;
  [[nodiscard]] const Record* record(std::string_view name) const;
  [[nodiscard]] const std::vector<Record>& records(std::string_view name) const;

  /// The object with the newest version's names and kinds.
  [[nodiscard]] nlohmann::json to_json() const;

 private:
  friend class RecordChecker;
  struct Member {
    const Field* field;
    JsonReader place;
    std::vector<Record> children;  ///< of kObject (one) and kObjects
  };
  Record(const RecordType& type, JsonReader place) : type_(&type), place_(std::move(place)) {}
  [[nodiscard]] const Member* find(std::string_view name) const;
  /// Null where it is absent or unknown.
  [[nodiscard]] const nlohmann::json* value(std::string_view name) const;
  [[nodiscard]] static nlohmann::json to_json(const Member& member);

  const RecordType* type_;
  JsonReader place_;
  std::map<std::string_view, Member> members_;
  std::map<std::string_view, std::string> slips_;  ///< as written, by the field that was meant
  bool sound_ = true;
};

/// Checks an object against its type. Whatever is wrong is added to `context.found`, all of it.
/// Nothing is returned where it is no object.
std::optional<Record> check_record(const JsonReader& object,
                                   const RecordType& type,
                                   const ContractContext& context);

/// Whether a field's treatment asks for a line in `plan`, and which.
std::string notice_text(const Field& field);

}  // namespace kiln
