#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/json.h"

namespace kiln {

enum class Severity {
  kError,    ///< the template cannot be built
  kWarning,  ///< probably not what was meant
  kNotice,   ///< understood, but without meaning on this machine
};

std::string_view to_string(Severity severity);

/// One finding about a template, with everything that a person or an editor needs to act on it.
struct Diagnostic {
  Severity severity = Severity::kError;
  ErrorKind kind = ErrorKind::kInvalidTemplate;
  std::string code;  ///< as in Error
  std::string message;
  std::string where;       ///< as in Error: document, line, column, pointer
  std::string value;       ///< the offending value as JSON, cut; empty where none is to blame
  std::string expected;    ///< what would be right, as a noun phrase
  std::string suggestion;  ///< the cure
  /// What there is more than one of, a line each: the parameters that are missing, and where.
  std::vector<std::string> details;
  std::string provisioning_error;  ///< the service's provisioningErrorCode for it; empty for none
};

/// `template.json:12:7 /properties/source`, taken apart. Line and column are 0 where unknown.
struct Place {
  std::string document;
  std::size_t line = 0;
  std::size_t column = 0;
  std::string pointer;
};
Place parse_place(std::string_view where);

/// Everything found in one template, in the order in which it was found.
class Diagnostics {
 public:
  /// Past this many of one severity nobody reads on, and a hostile template stays cheap.
  static constexpr std::size_t kMost = 200;

  /// The same finding at the same place is kept once.
  void add(Diagnostic diagnostic);
  /// @param provisioning_error the service's code for errors of this part of the template
  void add(const Error& error, std::string_view provisioning_error = {});

  [[nodiscard]] const std::vector<Diagnostic>& all() const { return all_; }
  [[nodiscard]] std::size_t count(Severity severity) const {
    return counts_.at(static_cast<std::size_t>(severity));
  }
  [[nodiscard]] bool has_errors() const { return count(Severity::kError) > 0; }
  /// Of the first error; there must be one.
  [[nodiscard]] Error first_error() const;
  [[nodiscard]] std::vector<Error> errors() const;
  /// `message (where)` of each of a severity.
  [[nodiscard]] std::vector<std::string> lines(Severity severity) const;

 private:
  std::vector<Diagnostic> all_;
  std::array<std::size_t, 3> counts_{};  ///< by severity
};

/// A finding at a place of the document; the value is the one that stands there.
Diagnostic diagnose(Severity severity, const JsonReader& place, std::string code, std::string text);

}  // namespace kiln
