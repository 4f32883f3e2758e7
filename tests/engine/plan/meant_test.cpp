// Whoever wrote something else than was meant is told what was meant, once, and nothing follows
// from it.
#include "tests/engine/plan/findings.h"

namespace kiln {
namespace {

using test::deployment;
using test::findings;
using test::findings_of_body;
using test::kDistribute;
using test::kSource;
using test::with;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST(Meant, AWrongFieldHidesNoRuleBetweenOtherFields) {
  EXPECT_THAT(
      findings_of_body(with(R"("customize": [
          {"type": "PowerShell", "inline": ["a"], "runAsSystem": true, "validExitCodes": ["x"]},
          {"type": "Shell", "name": 5},
          {"type": "File", "sourceUri": 5, "destination": "here"},
          {"type": "WindowsRestart", "restartCommand": [], "restartTimeout": "soon"}])")),
      UnorderedElementsAre("PowerShell:NotElevated /properties/customize/0/runAsSystem",
                           "Template:BadExitCode /properties/customize/0/validExitCodes/0",
                           "Shell:OneScript /properties/customize/1",
                           "Json:WrongType /properties/customize/1/name",
                           "Json:WrongType /properties/customize/2/sourceUri",
                           "File:RelativeDestination /properties/customize/2/destination",
                           "Json:WrongType /properties/customize/3/restartCommand",
                           "WindowsRestart:BadTimeout /properties/customize/3/restartTimeout"));
}

TEST(Meant, OfAWrongFieldNothingElseIsSaid) {
  EXPECT_THAT(findings_of_body(with(R"("customize": [
          {"type": "PowerShell", "inline": 1, "runAsSystem": true, "runElevated": "yes"},
          {"type": "Shell", "inline": ["a"], "scriptUri": null, "sha256Checksum": 1},
          {"type": "File", "sourceUri": "[nope()]"}])")),
              UnorderedElementsAre("Json:WrongType /properties/customize/0/inline",
                                   "Json:WrongType /properties/customize/0/runElevated",
                                   "Json:WrongType /properties/customize/1/sha256Checksum",
                                   "Arm:UnknownFunction /properties/customize/2/sourceUri",
                                   "Template:MissingField /properties/customize/2"));
  EXPECT_THAT(findings_of_body(R"("source": {"type": "KilnLocalImage", "path": 1, "osType": 2},
          "distribute": [{"type": "SharedImage", "galleryImageId": 5, "runOutputName": "a b"}])"),
              UnorderedElementsAre("Json:WrongType /properties/source/path",
                                   "Json:WrongType /properties/source/osType",
                                   "Json:WrongType /properties/distribute/0/galleryImageId",
                                   "Distribute:RunOutputName "
                                   "/properties/distribute/0/runOutputName"));
}

TEST(Meant, AMisspeltNameHidesNothingOfWhatItHolds) {
  EXPECT_THAT(findings_of_body(std::string(kSource) + R"(,
          "customise": [{"typ": "Shell"}, {"type": "Fil", "destination": "here", "sourceUri": "x"}],
          "distribute": [{"Type": "VHD", "runOutpurName": "a b"}])"),
              UnorderedElementsAre("Template:UnknownField /properties/customise",
                                   "Template:MissingField /properties/customise/0",
                                   "Shell:OneScript /properties/customise/0",
                                   "Template:UnknownType /properties/customise/1/type",
                                   "File:RelativeDestination /properties/customise/1/destination",
                                   "Template:MissingField /properties/distribute/0",
                                   "Template:UnknownField /properties/distribute/0/runOutpurName",
                                   "Distribute:RunOutputName "
                                   "/properties/distribute/0/runOutpurName"));
}

/// Of the first finding that is no notice.
std::string cure_of(const std::string& text) {
  const auto examined = examine_template(text, "t.json");
  EXPECT_OK(examined);
  if (!examined) return {};
  const auto checked = examine_items(*examined);
  for (const auto& one : checked.image_template.found.all()) {
    if (one.severity != Severity::kNotice) return one.suggestion;
  }
  return {};
}

std::string body(const std::string& properties, const char* version = "2024-02-01") {
  return fmt::format(
      R"({{"type": "Microsoft.VirtualMachineImages/imageTemplates", "name": "n", "location": "l",
      "identity": {{"type": "UserAssigned", "userAssignedIdentities": {{"/i": {{}}}}}},
      "apiVersion": "{}", "properties": {{{}}}}})",
      version,
      properties);
}

TEST(Meant, AFieldInTheWrongObjectIsToBeMoved) {
  EXPECT_EQ(cure_of(body(with(R"("vmSize": "a", "osDiskSizeGB": 30)"))),
            R"(move them into "vmProfile")");
  EXPECT_EQ(cure_of(body(with(R"("vmProfile": {"subnetId": "/s"})"))),
            R"(move it into "vnetConfig")");
  EXPECT_EQ(cure_of(body(with(R"("tags": {"a": "b"})"))),
            R"(move it one level up, beside "properties")");
  // As `az image builder show` prints it.
  const auto flat =
      R"({"apiVersion": "2022-07-01", "location": "l", )" + with(R"("vmProfile": {})") + "}";
  EXPECT_EQ(cure_of(flat), R"(move them into "properties")");
  EXPECT_EQ(findings(flat).front(), "Template:UnknownField /source");
  EXPECT_THAT(findings(flat),
              testing::Not(testing::Contains(HasSubstr("MissingField /properties"))));
}

TEST(Meant, OtherWordsForAFieldAreKnown) {
  EXPECT_THAT(findings_of_body(R"("source": {"type": "PlatformImage", "urn": "a:b:c:latest"},
          "customization": [{"type": "File", "source": "https://h/x", "destination": "/x"},
                            {"type": "Shell", "commands": ["x"]}],
          "distribute": [{"type": "SharedImage", "runOutputName": "o", "galleryImageId":
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/g/images/i",
            "regions": [{"region": "westus", "regionalReplicaCount": 0}]}])"),
              UnorderedElementsAre(
                  "Template:UnknownField /properties/source/urn",
                  "Template:UnknownField /properties/customization",
                  "Template:UnknownField /properties/customization/0/source",
                  "Template:UnknownField /properties/customization/1/commands",
                  "Template:UnknownField /properties/distribute/0/regions",
                  "Template:UnknownField /properties/distribute/0/regions/0/region",
                  "Template:UnknownField /properties/distribute/0/regions/0/regionalReplicaCount",
                  "Json:OutOfRange /properties/distribute/0/regions/0/regionalReplicaCount"));
}

TEST(Meant, ARegionHasAName) {
  EXPECT_THAT(findings_of_body(std::string(kSource) + R"(,
          "distribute": [{"type": "SharedImage", "runOutputName": "o", "galleryImageId":
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/g/images/i",
            "targetRegions": [{"name": " "}, {"name": ""}, {"name": "westus"}]}])"),
              UnorderedElementsAre("SharedImage:NoRegion "
                                   "/properties/distribute/0/targetRegions/0/name",
                                   "SharedImage:NoRegion "
                                   "/properties/distribute/0/targetRegions/1/name"));
}

TEST(Meant, WhatTheServiceOverlooksIsNamedWhereItIsMissed) {
  const auto text = body(with(R"("customize": [{"type": "Shell", "inlin": ["a"]}])"), "2022-07-01");
  EXPECT_THAT(findings(text),
              UnorderedElementsAre("Template:UnknownField /properties/customize/0/inlin",
                                   "Shell:OneScript /properties/customize/0"));
  const auto examined = examine_template(text, "t.json");
  ASSERT_OK(examined);
  EXPECT_EQ(examine_items(*examined).image_template.found.first_error().cure(),
            R"(rename "inlin" to "inline")");
}

TEST(Meant, AnItemWithoutTypeIsRecognizedByItsFields) {
  EXPECT_EQ(cure_of(body(std::string(kDistribute) + R"(, "source": {"publisher": "p", "offer": "o",
                "sku": "s", "version": "latest"})")),
            R"(add "type": "PlatformImage")");
}

TEST(Meant, AnEmptyScriptIsNone) {
  EXPECT_THAT(findings_of_body(with(R"("customize": [
                  {"type": "Shell", "inline": ["a"], "scriptUri": ""},
                  {"type": "PowerShell", "inline": [], "scriptUri": "https://h/x.ps1"}])")),
              ElementsAre("Template:MixedSystems /properties/customize/1"));
  EXPECT_THAT(findings_of_body(with(R"("customize": [{"type": "Shell", "inline": []},
                  {"type": "Shell", "scriptUri": ""}, {"type": "Shell"}])")),
              UnorderedElementsAre("Shell:NoLines /properties/customize/0/inline",
                                   "Template:EmptyUri /properties/customize/1/scriptUri",
                                   "Shell:OneScript /properties/customize/2"));
}

TEST(Meant, WhatIsNoPathGetsAWarning) {
  for (const std::string uri : {"raw.githubusercontent.com/a/b/c.sh",
                                "https//x.y/z.sh",
                                " https.sh",
                                "https://github.com/a/b/blob/main/c.sh"}) {
    EXPECT_THAT(findings_of_body(
                    with(R"("customize": [{"type": "Shell", "scriptUri": ")" + uri + R"("}])")),
                ElementsAre("Template:OddUri /properties/customize/0/scriptUri"))
        << uri;
  }
  for (const std::string uri :
       {"scripts/a.sh", "example.org", "/x.com/y", "https://h.com/blob/x"}) {
    EXPECT_THAT(findings_of_body(
                    with(R"("customize": [{"type": "Shell", "scriptUri": ")" + uri + R"("}])")),
                IsEmpty())
        << uri;
  }
}

TEST(Meant, AnExpressionWithoutItsBracketGetsAWarning) {
  EXPECT_THAT(
      findings(deployment("", with(R"x("vmProfile": {"vmSize": "[parameters('x')"},
                  "customize": [{"type": "Shell", "name": "concat('a', 'b')]",
                                 "inline": ["test -f /x ]", "format() { echo; }"]}])x"))),
      UnorderedElementsAre("Template:UnclosedExpression /resources/0/properties/vmProfile/vmSize",
                           "Template:UnclosedExpression /resources/0/properties/customize/0/name"));
}

TEST(Meant, ExpressionsThatNobodyUsesAreReadToo) {
  EXPECT_THAT(
      findings(deployment(R"x("variables": {"a": {"b": ["[nope(variables('x'))]"]}},
                  "outputs": {"o": {"type": "string", "value": "[concat(]"},
                              "live": {"type": "string", "value": "[reference('x').y]"}},)x",
                          with(R"("customize": [])"))),
      UnorderedElementsAre("Arm:UnknownFunction /variables/a/b/0", "Arm:Syntax /outputs/o/value"));
}

TEST(Meant, ARootedPathIsGoodInBothSystems) {
  EXPECT_THAT(findings_of_body(with(R"("customize": [
                  {"type": "File", "sourceUri": "x", "destination": "/Windows/Temp/a"},
                  {"type": "PowerShell", "inline": ["a"]},
                  {"type": "File", "sourceUri": "x", "destination": "\\Windows\\Temp\\a"}])")),
              IsEmpty());
}

}  // namespace
}  // namespace kiln
