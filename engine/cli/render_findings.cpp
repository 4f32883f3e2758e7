#include "engine/cli/render_findings.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "engine/core/text.h"
#include "uploaders/transport/url.h"

namespace kiln {
namespace {

std::string_view sarif_level(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kNotice:
      return "note";
  }
  return "none";
}

nlohmann::ordered_json sarif_location(const Place& place) {
  nlohmann::ordered_json location;
  // What stands on the command line is in no file.
  if (place.document.starts_with("--") || place.document.starts_with("the ")) {
    location["logicalLocations"] = nlohmann::ordered_json::array({{{"name", place.document}}});
    return location;
  }
  location["physicalLocation"]["artifactLocation"]["uri"] =
      percent_encode(place.document, /*keep_slashes=*/true);
  if (place.line > 0) {
    location["physicalLocation"]["region"] = {{"startLine", place.line},
                                              {"startColumn", place.column}};
  }
  if (!place.pointer.empty()) {
    location["logicalLocations"] = nlohmann::ordered_json::array(
        {{{"fullyQualifiedName", place.pointer}, {"kind", "member"}}});
  }
  return location;
}

nlohmann::ordered_json sarif_result(const Diagnostic& one) {
  auto text = one.message;
  if (!one.expected.empty()) text += fmt::format("; expected {}", one.expected);
  for (const auto& line : one.details) text += fmt::format("\n{}", line);
  if (!one.suggestion.empty()) text += fmt::format(": {}", one.suggestion);
  nlohmann::ordered_json result = {
      {"ruleId", one.code}, {"level", sarif_level(one.severity)}, {"message", {{"text", text}}}};
  auto& more = result["properties"] = nlohmann::ordered_json::object();
  if (!one.value.empty()) more["value"] = one.value;
  if (!one.expected.empty()) more["expected"] = one.expected;
  if (!one.suggestion.empty()) more["suggestion"] = one.suggestion;
  if (!one.provisioning_error.empty()) more["provisioningErrorCode"] = one.provisioning_error;
  if (!one.where.empty()) {
    result["locations"] = nlohmann::ordered_json::array({sarif_location(parse_place(one.where))});
  }
  return result;
}

}  // namespace

std::string findings_to_text(const Diagnostics& found) {
  auto all = found.all();
  const auto rank = [](const Diagnostic& one) {
    const auto place = parse_place(one.where);
    return std::tuple(one.severity, place.line, place.column);
  };
  std::stable_sort(
      all.begin(), all.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  std::string text;
  for (const auto& one : all) {
    text += fmt::format("{}: {} [{}]\n", to_string(one.severity), printable(one.message), one.code);
    if (!one.where.empty()) text += fmt::format("  where:    {}\n", printable(one.where));
    if (one.severity == Severity::kNotice) continue;
    if (!one.value.empty()) text += fmt::format("  value:    {}\n", one.value);
    if (!one.expected.empty()) text += fmt::format("  expected: {}\n", printable(one.expected));
    for (const auto& line : one.details) text += fmt::format("  | {}\n", printable(line));
    if (!one.suggestion.empty()) text += fmt::format("  cure:     {}\n", printable(one.suggestion));
  }
  return text;
}

nlohmann::ordered_json findings_to_json(const Diagnostics& found) {
  auto array = nlohmann::ordered_json::array();
  for (const auto& one : found.all()) {
    const auto place = parse_place(one.where);
    nlohmann::ordered_json json = {
        {"severity", to_string(one.severity)}, {"code", one.code}, {"message", one.message}};
    const auto add = [&json](const char* name, const std::string& text) {
      if (!text.empty()) json[name] = text;
    };
    add("file", place.document);
    if (place.line > 0) {
      json["line"] = place.line;
      json["column"] = place.column;
    }
    add("pointer", place.pointer);
    add("value", one.value);
    add("expected", one.expected);
    add("suggestion", one.suggestion);
    if (!one.details.empty()) json["details"] = one.details;
    add("provisioningErrorCode", one.provisioning_error);
    array.push_back(std::move(json));
  }
  return array;
}

nlohmann::ordered_json findings_to_sarif(const Diagnostics& found) {
  auto results = nlohmann::ordered_json::array();
  std::set<std::string> codes;
  for (const auto& one : found.all()) {
    results.push_back(sarif_result(one));
    codes.insert(one.code);
  }
  auto rules = nlohmann::ordered_json::array();
  for (const auto& code : codes) rules.push_back({{"id", code}});
  nlohmann::ordered_json run;
  run["tool"]["driver"] = {{"name", "kiln"}, {"version", KILN_VERSION}, {"rules", rules}};
  run["columnKind"] = "unicodeCodePoints";
  run["results"] = std::move(results);
  return {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
          {"version", "2.1.0"},
          {"runs", nlohmann::ordered_json::array({std::move(run)})}};
}

}  // namespace kiln
