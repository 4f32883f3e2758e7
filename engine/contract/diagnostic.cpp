#include "engine/contract/diagnostic.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "engine/core/text.h"

namespace kiln {
namespace {

/// Digits up to `end`, which is moved past them; 0 where there are none.
std::size_t take_number(std::string_view text, std::size_t& at) {
  std::size_t number = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + at, end, number);
  if (parsed.ec != std::errc()) return 0;
  at = static_cast<std::size_t>(parsed.ptr - text.data());
  return number;
}

/// Of a part of a value that an expression gave, the pointer of the expression.
std::string_view without_computed(std::string_view pointer) {
  return pointer.substr(0, pointer.find(" => "));
}

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kNotice:
      return "notice";
  }
  return "error";
}

Place parse_place(std::string_view where) {
  for (auto colon = where.find(':'); colon != std::string_view::npos;
       colon = where.find(':', colon + 1)) {
    Place place;
    auto at = colon + 1;
    place.line = take_number(where, at);
    if (place.line == 0 || at >= where.size() || where[at] != ':') continue;
    ++at;
    place.column = take_number(where, at);
    if (place.column == 0) continue;
    if (at < where.size() && where[at] != ' ') continue;
    place.document = where.substr(0, colon);
    if (at < where.size()) place.pointer = without_computed(where.substr(at + 1));
    return place;
  }
  Place place;
  const auto slash = where.rfind(" /");
  place.document = where.substr(0, slash);
  if (slash != std::string_view::npos) place.pointer = where.substr(slash + 1);
  return place;
}

void Diagnostics::add(Diagnostic diagnostic) {
  const auto same = [&](const Diagnostic& one) {
    return one.severity == diagnostic.severity && one.code == diagnostic.code &&
           one.where == diagnostic.where && one.message == diagnostic.message;
  };
  if (std::any_of(all_.begin(), all_.end(), same)) {
    // Of a loop, each turn has its own: whoever counts them must see that there was one.
    ++counts_.at(static_cast<std::size_t>(diagnostic.severity));
    return;
  }
  const auto already = count(diagnostic.severity);
  if (already > kMost) return;
  if (already == kMost) {
    diagnostic.code = "Template:TooMany";
    diagnostic.message = fmt::format("more than {} findings; the rest is not shown", kMost);
    diagnostic.value.clear();
    diagnostic.expected.clear();
    diagnostic.details.clear();
    diagnostic.suggestion = "correct the ones above first";
  }
  ++counts_.at(static_cast<std::size_t>(diagnostic.severity));
  all_.push_back(std::move(diagnostic));
}

void Diagnostics::add(const Error& error, std::string_view provisioning_error) {
  Diagnostic diagnostic;
  diagnostic.kind = error.kind();
  diagnostic.code = error.code();
  diagnostic.message = error.message();
  diagnostic.where = error.where();
  diagnostic.suggestion = error.cure();
  diagnostic.value = error.value();
  diagnostic.expected = error.expected();
  diagnostic.details = error.quoted();
  diagnostic.provisioning_error = provisioning_error;
  add(std::move(diagnostic));
}

Error Diagnostics::first_error() const {
  KILN_CHECK(has_errors());
  return errors().front();
}

std::vector<Error> Diagnostics::errors() const {
  std::vector<Error> errors;
  for (const auto& one : all_) {
    if (one.severity != Severity::kError) continue;
    errors.push_back(Error(one.kind, one.code, one.message)
                         .at(one.where)
                         .about(one.value)
                         .expecting(one.expected)
                         .quoting(one.details)
                         .cure(one.suggestion));
  }
  return errors;
}

std::vector<std::string> Diagnostics::lines(Severity severity) const {
  std::vector<std::string> lines;
  for (const auto& one : all_) {
    if (one.severity != severity) continue;
    lines.push_back(one.where.empty() ? one.message
                                      : fmt::format("{} ({})", one.message, one.where));
  }
  return lines;
}

Diagnostic diagnose(Severity severity,
                    const JsonReader& place,
                    std::string code,
                    std::string text) {
  Diagnostic diagnostic;
  diagnostic.severity = severity;
  diagnostic.code = std::move(code);
  diagnostic.message = std::move(text);
  diagnostic.where = place.where();
  diagnostic.value = shown_value(place.value());
  return diagnostic;
}

}  // namespace kiln
