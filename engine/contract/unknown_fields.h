#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/contract/record.h"

namespace kiln {

/// The members of one object that its type does not know: what each was probably meant to be.
class UnknownFields {
 public:
  /// A name that no field has, and the field that was meant.
  struct Misspelt {
    std::string name;
    const Field* field;
    JsonReader place;
  };

  /// @param outer the type of the object around this one; null where there is none
  UnknownFields(const RecordType& type, const RecordType* outer, const ContractContext& context)
      : type_(type), outer_(outer), context_(context) {}

  /// Tells of it, unless others may go the same way.
  void add(const std::string& name, const JsonReader& place);
  /// Tells of those that stand in the wrong object, in one finding for each right one.
  /// @return the fields of this type that they belong into
  std::vector<const Field*> tell_misplaced();

  [[nodiscard]] const std::vector<Misspelt>& misspelt() const { return misspelt_; }
  /// A member stands for all that is required here, though it is not how that is said.
  [[nodiscard]] bool stands_for_all() const { return stands_for_all_; }
  /// Of a field that no version has.
  [[nodiscard]] Severity severity() const;

 private:
  struct Misplaced {
    std::vector<std::string> names;
    std::vector<JsonReader> places;
    const Field* into = nullptr;  ///< null where it is the object around this one
  };

  bool add_hinted(const std::string& name, const JsonReader& place);
  bool add_misplaced(const std::string& name, const JsonReader& place);
  void tell(const JsonReader& place,
            std::string message,
            std::string suggestion,
            Severity severity) const;
  /// What the service does with a field it does not know.
  [[nodiscard]] std::string_view fate() const;

  const RecordType& type_;
  const RecordType* outer_;
  const ContractContext& context_;
  std::vector<Misspelt> misspelt_;
  std::map<std::string, Misplaced> misplaced_;  ///< by the path of the right object
  bool stands_for_all_ = false;
};

}  // namespace kiln
