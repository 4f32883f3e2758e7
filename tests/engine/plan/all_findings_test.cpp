// What is wrong with a template is told in one go: no error hides another one, and none is told
// twice, whether it is in an expression, a parameter, a placeholder or a field.
#include "tests/engine/plan/findings.h"

namespace kiln {
namespace {

using test::deployment;
using test::findings;
using test::kDistribute;
using test::kSource;
using test::with;

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST(AllFindings, EachExpressionIsToldWithoutTheOthersHidingIt) {
  EXPECT_THAT(
      findings(deployment("", with(R"("buildTimeoutInMinutes": "[nope()]",
                  "customize": [{"type": "Shell", "inline": ["[nope()]", "[concat(]", 3]},
                                "[variables('v')]", {"type": "Shel"}])"))),
      UnorderedElementsAre("Arm:UnknownFunction /resources/0/properties/buildTimeoutInMinutes",
                           "Arm:UnknownFunction /resources/0/properties/customize/0/inline/0",
                           "Arm:Syntax /resources/0/properties/customize/0/inline/1",
                           "Json:WrongType /resources/0/properties/customize/0/inline/2",
                           "Arm:UnknownName /resources/0/properties/customize/1",
                           "Template:UnknownType /resources/0/properties/customize/2/type",
                           "Shell:OneScript /resources/0/properties/customize/2"));
}

TEST(AllFindings, ABrokenVariableIsToldOnceHoweverOftenItIsUsed) {
  EXPECT_THAT(
      findings(deployment(
          R"("variables": {"v": "[nope()]", "w": "[variables('v')]", "a": "[variables('b')]",
                           "b": "[variables('a')]"},)",
          with(R"("customize": [{"type": "Shell", "name": "[variables('v')]",
                    "inline": ["[variables('w')]", "[variables('v')]", "[variables('a')]",
                               "[variables('b')]"]}])"))),
      UnorderedElementsAre("Arm:UnknownFunction /variables/v", "Arm:Circle /variables/a"));
}

TEST(AllFindings, ParametersWithoutValuesHideNothing) {
  const auto text = deployment(R"("parameters": {"a": {"type": "string"}, "b": {"type": "int"}},)",
                               with(R"("buildTimeoutInMinutes": "[parameters('b')]", "customize": [
                    {"type": "Shell", "inline": ["[parameters('a')]"], "scriptUri": 1}])"));
  EXPECT_THAT(findings(text),
              UnorderedElementsAre("Parameter:Missing /parameters/a",
                                   "Json:WrongType /resources/0/properties/customize/0/scriptUri",
                                   "Shell:OneScript /resources/0/properties/customize/0"));
  TemplateOptions options;
  options.parameters = {{"a", "x"}, {"b", "ten"}, {"c", "1"}, {"d", "2"}};
  EXPECT_THAT(findings(text, options),
              UnorderedElementsAre("Parameter:Unknown ",
                                   "Parameter:Unknown ",
                                   "Parameter:BadValue ",
                                   "Json:WrongType /resources/0/properties/customize/0/scriptUri",
                                   "Shell:OneScript /resources/0/properties/customize/0"));
}

TEST(AllFindings, DeclarationsOfParametersAreCheckedThoughNobodyUsesThem) {
  EXPECT_THAT(findings(deployment(R"("parameters": {"type": {"type": "strng", "defaultValue": "x"},
            "allowed": {"type": "string", "defaultValue": "c", "allowedValues": ["a", "b"]},
            "long": {"type": "array", "defaultValue": [1, 2], "maxLength": 1},
            "kind": {"type": "int", "defaultValue": "1"}, "fine": {"type": "SecureString",
            "defaultValue": ""}, "expression": {"type": "string", "defaultValue": "[nope()]"}},)",
                                  with(R"("customize": [])"))),
              UnorderedElementsAre("Parameter:UnknownType /parameters/type/type",
                                   "Parameter:BadValue /parameters/allowed/defaultValue",
                                   "Parameter:BadValue /parameters/long/defaultValue",
                                   "Parameter:BadValue /parameters/kind/defaultValue",
                                   "Arm:UnknownFunction /parameters/expression/defaultValue"));
}

TEST(AllFindings, WhatCannotBeDeclaredIsToldThoughNobodyUsesIt) {
  EXPECT_THAT(findings(deployment(R"("paramters": {}, "Variables": {}, "parameters": {
            "misspelt": {"type": "string", "defaultvalues": "x", "defaultValue": ""},
            "typeless": {"defaultValue": 1}, "typo": {"typ": "int", "defaultValue": 1},
            "given": {"type": "int", "value": 1},
            "text": {"type": "string", "defaultValue": "abc", "minLength": "3"},
            "never": {"type": "int", "defaultValue": 5, "minValue": 9, "maxValue": 1},
            "none": {"type": "string", "allowedValues": []}},)",
                                  with(R"("customize": [])"))),
              UnorderedElementsAre("Arm:UnknownMember /paramters",
                                   "Arm:UnknownMember /parameters/misspelt/defaultvalues",
                                   "Parameter:NoType /parameters/typeless",
                                   "Arm:UnknownMember /parameters/typo/typ",
                                   "Arm:UnknownMember /parameters/given/value",
                                   "Json:WrongType /parameters/text/minLength",
                                   "Parameter:BadLimits /parameters/never/minValue",
                                   "Parameter:BadValue /parameters/never/defaultValue",
                                   "Parameter:NothingAllowed /parameters/none/allowedValues",
                                   "Parameter:Missing /parameters/given"));
}

TEST(AllFindings, EveryMistakeInAValueOfAUsersTypeIsTold) {
  EXPECT_THAT(findings(deployment(R"("definitions": {"disk": {"type": "object",
            "additionalProperties": false, "properties": {"size": {"type": "int", "maxValue": 9},
            "name": {"type": "string"}, "kind": {"type": "string", "allowedValues": ["a"]}}}},
          "parameters": {"disks": {"type": "array", "items": {"$ref": "#/definitions/disk"},
            "defaultValue": [{"size": "big", "kind": "b", "nam": "x"},
                             {"size": 10, "name": "n", "kind": "a"}]}},)",
                                  with(R"("customize": [])"))),
              UnorderedElementsAre("Parameter:BadValue /parameters/disks/defaultValue/0/size",
                                   "Parameter:BadValue /parameters/disks/defaultValue/0",
                                   "Parameter:BadValue /parameters/disks/defaultValue/0/kind",
                                   "Parameter:BadValue /parameters/disks/defaultValue/0/nam",
                                   "Parameter:BadValue /parameters/disks/defaultValue/1/size"));
}

TEST(AllFindings, PlaceholdersHideNothingAndNothingFollowsFromThem) {
  const auto text = R"({"type": "Microsoft.VirtualMachineImages/imageTemplates",
    "apiVersion": "<version>", "name": "<name>", "location": "<region>", "identity": {},
    "properties": {"buildTimeoutInMinutes": <minutes>, "vmProfile": {"osDiskSizeGB": "<size>",
      "vmSize": "<vm>"}, "validate": {"continueDistributeOnFailure": "<go-on>"},
      "source": {"type": "ManagedImage", "imageId": "<id>"},
      "customize": [{"type": "Shell", "inline": ["x"], "name": "<step>", "scriptUri": 1}],
      "distribute": [{"type": "VHD", "runOutputName": "<o>"},
                     {"type": "VHD", "runOutputName": "<o>"}]}})";
  const auto found = findings(text);
  EXPECT_THAT(found,
              UnorderedElementsAre("Template:Placeholder /apiVersion",
                                   "Json:WrongType /properties/customize/0/scriptUri",
                                   "Shell:OneScript /properties/customize/0"));
  TemplateOptions options;
  options.parameters = {{"version", "2022-07-01"},
                        {"name", "n"},
                        {"minutes", "60"},
                        {"size", "64"},
                        {"go-on", "true"},
                        {"id", "x"},
                        {"o", "out"}};
  EXPECT_THAT(findings(text, options),
              UnorderedElementsAre("Template:ValueAsText /properties/buildTimeoutInMinutes",
                                   "Template:ValueAsText /properties/vmProfile/osDiskSizeGB",
                                   "Template:ValueAsText "
                                   "/properties/validate/continueDistributeOnFailure",
                                   "Template:DuplicateRunOutput "
                                   "/properties/distribute/1/runOutputName",
                                   "Source:BadImageId /properties/source/imageId",
                                   "Json:WrongType /properties/customize/0/scriptUri",
                                   "Shell:OneScript /properties/customize/0"));
}

TEST(AllFindings, FilledNumbersAreNumbers) {
  TemplateOptions options;
  options.parameters = {{"t", "75"}};
  const auto examined = examine_template(
      R"({"properties": {"buildTimeoutInMinutes": <t>, "source": {}, "distribute": [{}]}})",
      "t.json",
      options);
  ASSERT_OK(examined);
  EXPECT_EQ(examined->build_timeout, std::chrono::minutes(75));
}

TEST(AllFindings, EveryOneSaysWhatStandsThereAndWhatIsExpected) {
  auto examined = examine_template(
      deployment(R"("parameters": {"p": {"type": "int", "defaultValue": "x"}},)",
                 R"("source": {"type": "PlatformImage", "publisher": "p/q", "offer": "o",
                               "sku": "s", "version": "newest"},
                    "customize": [{"type": "File", "sourceUri": "x", "destination": "rel",
                                   "sha256Checksum": "12"},
                                  {"type": "WindowsRestart", "restartTimeout": "soon"},
                                  {"type": "Shell", "inline": "x"},
                                  {"type": "Shell", "inline": ["[concat(1]"]}],
                    "distribute": [{"type": "ManagedImage", "imageId": "x", "location": "l",
                                    "runOutputName": "<o>"}], "buildTimeoutInMinutes": 10000)"),
      "t.json");
  ASSERT_OK(examined);
  const auto checked = examine_items(*std::move(examined));
  std::vector<std::string> bare;
  std::size_t errors = 0;
  for (const auto& one : checked.image_template.found.all()) {
    if (one.severity != Severity::kError) continue;
    ++errors;
    if (one.expected.empty() || one.where.empty() || one.suggestion.empty()) {
      bare.push_back(one.code);
    }
  }
  EXPECT_THAT(bare, IsEmpty());
  EXPECT_GE(errors, 8U);
}

TEST(AllFindings, WhatOnlyAzureNeedsIsAWarning) {
  const auto bare = [](const std::string& members, const std::string& source = kSource) {
    return fmt::format(R"({{{} "properties": {{{}, {}}}}})", members, source, kDistribute);
  };
  EXPECT_THAT(findings(bare("")), IsEmpty());  // of no api-version, so of any
  EXPECT_THAT(findings(bare(R"("apiVersion": "2019-05-01-preview",)")),
              ElementsAre("Template:ServiceNeeds "));
  EXPECT_THAT(findings(bare(R"("apiVersion": "2020-02-14",)")),
              ElementsAre("Template:ServiceNeeds ", "Template:ServiceNeeds "));
  EXPECT_THAT(findings(bare(R"("apiVersion": "2020-02-14", "location": "l", "identity": {
                  "userAssignedIdentities": {"/a": {}, "/b": {}}},)")),
              ElementsAre("Template:ServiceNeeds /identity/userAssignedIdentities"));
  EXPECT_THAT(findings(bare(R"("apiVersion": "2020-02-14",)",
                            R"("source": {"type": "KilnLocalImage", "path": "x"})")),
              IsEmpty());
  EXPECT_THAT(
      findings(R"({"resources": [{"type": "Microsoft.VirtualMachineImages/imageTemplates",
                  "properties": {)" +
               std::string(kSource) + "," + kDistribute + "}}]}"),
      ElementsAre("Template:ServiceNeeds /resources/0", "Template:ServiceNeeds /resources/0"));
}

TEST(AllFindings, AWrongFieldChangesNeitherTheVersionNorWhatElseIsSaid) {
  // Of 2024-02-01, where former types and other case are errors.
  const auto text = [](const std::string& more) {
    return fmt::format(R"({{"apiVersion": "2024-02-01", "location": "l", "identity": {{}},
                            "properties": {{{}, {}{}, "customize": [
                            {{"type": "powershell", "inline": ["x"]}}]}}}})",
                       kSource,
                       kDistribute,
                       more);
  };
  const std::string unknown = "Template:UnknownType /properties/customize/0/type";
  EXPECT_THAT(findings(text("")), ElementsAre(unknown));
  EXPECT_THAT(findings(text(R"(, "buildTimeoutInMinutes": 1000)")),
              ElementsAre("Json:OutOfRange /properties/buildTimeoutInMinutes", unknown));
  EXPECT_THAT(findings(R"({"Properties": {"source": "x", "Distribute": 3}})"),
              UnorderedElementsAre("Template:WrongCase /Properties",
                                   "Json:WrongType /Properties/source",
                                   "Template:WrongCase /Properties/Distribute",
                                   "Json:WrongType /Properties/Distribute"));
}

TEST(AllFindings, AnApiVersionThatIsYetToBeGivenIsNotTheStrictestOne) {
  EXPECT_THAT(
      findings(R"({"apiVersion": "<version>", "location": "l", "properties": {)" +
               with(R"("odd": 1)") + "}}"),
      ElementsAre("Template:Placeholder /apiVersion", "Template:UnknownField /properties/odd"));
  auto examined = examine_template(
      R"({"apiVersion": "<version>", "properties": {)" + with(R"("odd": 1)") + "}}", "t.json");
  ASSERT_OK(examined);
  EXPECT_EQ(examined->found.count(Severity::kError), 1U);
}

TEST(AllFindings, AnUnknownApiVersionIsTakenForThatOfItsDay) {
  const auto suggestion = [](const std::string& version) {
    const auto examined =
        examine_template(R"({"apiVersion": ")" + version + R"(", "properties": {)" +
                             with(R"("customize": [])") + "}}",
                         "t.json");
    return examined->found.first_error().cure();
  };
  EXPECT_EQ(suggestion("2023-07-01-preview"), "did you mean \"2023-07-01\"?");
  EXPECT_EQ(suggestion("2018-02-01"), "did you mean \"2018-02-01-preview\"?");
  EXPECT_EQ(suggestion("2024-02-02"), "did you mean \"2024-02-01\"?");
  EXPECT_THAT(suggestion(""), HasSubstr("use one of"));
}

TEST(AllFindings, WhatANestedDeploymentIsCalledWithIsCompared) {
  const auto nested = [](const std::string& parameters) {
    return R"({"resources": [{"type": "Microsoft.Resources/deployments", "name": "d",
      "properties": {"expressionEvaluationOptions": {"scope": "inner"}, "parameters": )" +
           parameters + R"(, "template": {"parameters": {"name": {"type": "string"}},
      "resources": [{"type": "Microsoft.VirtualMachineImages/imageTemplates", "name": "n",
        "apiVersion": "2019-02-01-preview", "location": "l", "properties": {)" +
           kSource + "," + kDistribute + "}}]}}}]}";
  };
  EXPECT_THAT(findings(nested(R"({"name": {"value": "x"}})")), IsEmpty());
  EXPECT_THAT(findings(nested(R"({"nme": {"value": "x"}})")),
              ElementsAre("Parameter:Unknown /resources/0/properties/parameters/nme",
                          "Parameter:Missing /resources/0/properties/template/parameters/name"));
}

TEST(AllFindings, RegionsAreNoNamesOfSteps) {
  const auto text = R"({"properties": {)" + std::string(kSource) + R"(, "distribute": [
      {"type": "SharedImage", "runOutputName": "o", "galleryImageId": "<id>",
       "artifactTags": {"<key>": "<tag>"}, "targetRegions": [{"name": "<region>"}]}]}})";
  const auto examined = examine_template(text, "t.json");
  ASSERT_OK(examined);
  ASSERT_TRUE(examined->found.has_errors());
  EXPECT_THAT(examined->found.first_error().quoted(),
              ElementsAre(HasSubstr("<id>"), HasSubstr("<region>")));
}

TEST(AllFindings, AFieldOfALaterVersionIsToldWithoutItsParts) {
  EXPECT_THAT(findings(R"({"apiVersion": "2018-02-01-preview", "location": "l", "properties": {)" +
                       with(R"("autoRun": {"state": "Enabled"})") + "}}"),
              ElementsAre("Template:NotInVersion /properties/autoRun",
                          "Template:NotInVersion /properties/distribute/0/type"));
}

TEST(AllFindings, EveryTurnOfALoopCanBeWrongInTheSameWay) {
  const auto text = deployment("", std::string(kSource) + "," + kDistribute + R"(, "copy": [{"name":
      "customize", "count": 3, "input": {"type": "File", "sourceUri": "x", "destination": "rel"}}])");
  EXPECT_THAT(findings(text), testing::SizeIs(1));
  const auto missing =
      deployment("", std::string(kSource) + "," + kDistribute + R"(, "copy": [{"name":
      "customize", "count": 3, "input": {"type": "File", "sourceUri": "x"}}])");
  EXPECT_THAT(findings(missing), testing::SizeIs(1));
}

TEST(AllFindings, PointersStayPointersInComputedValues) {
  EXPECT_THAT(
      findings(deployment("", with(R"("customize": "[createArray(createObject('type', 'x'))]")"))),
      ElementsAre("Template:UnknownType /resources/0/properties/customize"));
}

TEST(AllFindings, NoNoteOfUnknownValuesIsShown) {
  const auto examined = examine_template(
      R"({"properties": {"odd": "[nope()]", "source": {"type": "VHD", "odder": "<x>"}}})", "t");
  ASSERT_OK(examined);
  std::vector<std::string> values;
  for (const auto& one : examined->found.all()) values.push_back(one.value + one.message);
  EXPECT_THAT(values, Each(testing::Not(HasSubstr("discarded"))));
}

}  // namespace
}  // namespace kiln
