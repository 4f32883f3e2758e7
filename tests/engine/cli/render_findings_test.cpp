#include "engine/cli/render_findings.h"

#include "tests/support/matchers.h"

namespace kiln {
namespace {

using testing::HasSubstr;

Diagnostics two_findings() {
  Diagnostics found;
  const auto document = JsonReader::parse("{\n  \"a\": {\"b\": \"x\"}\n}", "folder/t: 1.json");
  const auto place = document->find("a")->find("b");
  auto error = diagnose(Severity::kError, *place, "Template:BadValue", "\"x\" is wrong");
  error.expected = "y";
  error.suggestion = "write \"y\"";
  error.provisioning_error = "Other";
  found.add(error);
  found.add(diagnose(Severity::kNotice, *document, "Template:NoMeaningOffline", "a is ignored"));
  return found;
}

TEST(Findings, PlacesAreTakenApart) {
  const auto place = parse_place("folder/t: 1.json:2:14 /a/b");
  EXPECT_EQ(place.document, "folder/t: 1.json");
  EXPECT_EQ(place.line, 2U);
  EXPECT_EQ(place.column, 14U);
  EXPECT_EQ(place.pointer, "/a/b");
  EXPECT_EQ(parse_place("t.json:1:1").pointer, "");
  EXPECT_EQ(parse_place("t.json:1:1").line, 1U);
  EXPECT_EQ(parse_place("t.json /a").pointer, "/a");
  EXPECT_EQ(parse_place("t.json /a").line, 0U);
  EXPECT_EQ(parse_place("").document, "");
}

TEST(Findings, TextHasAllOfAnError) {
  const auto text = findings_to_text(two_findings());
  for (const char* part : {"error: \"x\" is wrong [Template:BadValue]",
                           "where:    folder/t: 1.json:2:14 /a/b",
                           "value:    \"x\"",
                           "expected: y",
                           "cure:     write \"y\"",
                           "notice: a is ignored"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(Findings, JsonHasAFieldForEachPart) {
  const auto json = findings_to_json(two_findings());
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json[0].at("severity"), "error");
  EXPECT_EQ(json[0].at("line"), 2);
  EXPECT_EQ(json[0].at("column"), 14);
  EXPECT_EQ(json[0].at("pointer"), "/a/b");
  EXPECT_EQ(json[0].at("value"), "\"x\"");
  EXPECT_EQ(json[0].at("expected"), "y");
  EXPECT_EQ(json[0].at("provisioningErrorCode"), "Other");
  // What is not known is left out.
  for (const auto* absent : {"provisioningErrorCode", "expected"}) {
    EXPECT_FALSE(json[1].contains(absent));
  }
}

TEST(Findings, SarifHasRulesResultsAndRegions) {
  const auto sarif = findings_to_sarif(two_findings());
  EXPECT_EQ(sarif.at("version"), "2.1.0");
  const auto& run = sarif.at("runs").at(0);
  EXPECT_EQ(run.at("tool").at("driver").at("rules").size(), 2U);
  const auto& result = run.at("results").at(0);
  EXPECT_EQ(result.at("level"), "error");
  EXPECT_EQ(result.at("ruleId"), "Template:BadValue");
  const auto& physical = result.at("locations").at(0).at("physicalLocation");
  EXPECT_EQ(physical.at("region").at("startLine"), 2);
  EXPECT_EQ(physical.at("artifactLocation").at("uri"), "folder/t%3A%201.json");
  EXPECT_EQ(run.at("results").at(1).at("level"), "note");
}

TEST(Findings, AnOptionIsNoFileInSarif) {
  Diagnostics found;
  found.add(fail(ErrorKind::kInvalidTemplate, "Parameter:Unknown", "no").at("--parameter x"));
  const auto result = findings_to_sarif(found)["runs"][0]["results"][0];
  EXPECT_EQ(result["locations"][0]["logicalLocations"][0]["name"], "--parameter x");
  EXPECT_FALSE(result["locations"][0].contains("physicalLocation"));
}

TEST(Findings, NothingOfAListIsLost) {
  Diagnostics found;
  found.add(fail(ErrorKind::kInvalidTemplate, "Parameter:Missing", "2 have no value")
                .quoting({"a at t:1:2", "b at t:3:4"}));
  EXPECT_THAT(findings_to_text(found), HasSubstr("  | a at t:1:2\n  | b at t:3:4\n"));
  EXPECT_EQ(findings_to_json(found).at(0).at("details").size(), 2U);
  EXPECT_THAT(findings_to_sarif(found).dump(), HasSubstr("b at t:3:4"));
  EXPECT_EQ(found.first_error().quoted().size(), 2U);
}

TEST(Findings, OfTooManyTheRestIsLeftOut) {
  Diagnostics found;
  for (std::size_t i = 0; i < Diagnostics::kMost + 5; ++i) {
    found.add(fail(ErrorKind::kInvalidTemplate, "Template:BadValue", "no {}", i));
  }
  EXPECT_EQ(found.all().size(), Diagnostics::kMost + 1);
  EXPECT_EQ(found.all().back().code, "Template:TooMany");
  EXPECT_EQ(found.count(Severity::kError), Diagnostics::kMost + 1);
  EXPECT_FALSE(found.count(Severity::kWarning) > 0);
}

TEST(Findings, AValueNeverShowsASignature) {
  EXPECT_EQ(shown_value("https://h/a?sig=secret").find("secret"), std::string::npos);
}

}  // namespace
}  // namespace kiln
