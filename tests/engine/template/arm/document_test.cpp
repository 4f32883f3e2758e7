// Deployment templates: parameters, loops, conditions, nesting, and where values come from.
#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "engine/template/resolve.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using test::FailsWith;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::UnorderedElementsAre;

struct Outcome {
  Result<ResolvedTemplate> resolved;
  std::vector<std::string> notices;
};

Outcome resolve(const std::string& text, const TemplateOptions& options = {}) {
  std::vector<std::string> notices;
  const auto document = JsonReader::parse(text, "t.json");
  if (!document) return {document.error(), {}};
  Diagnostics found;
  auto resolved = resolve_template(*document, options, found, notices);
  if (found.has_errors()) return {found.first_error(), std::move(notices)};
  return {*std::move(resolved), std::move(notices)};
}

/// A deployment template with these members beside its schema.
std::string deployment(const std::string& members) {
  return R"({"$schema": "https://schema.management.azure.com/schemas/2019-04-01/)"
         R"(deploymentTemplate.json#", )" +
         members + "}";
}

std::string image(const std::string& members) {
  return R"({"type": "Microsoft.VirtualMachineImages/imageTemplates", )" + members + "}";
}

nlohmann::json properties_of(const Outcome& outcome) {
  EXPECT_OK(outcome.resolved);
  if (!outcome.resolved) return nullptr;
  return outcome.resolved->resource.value().value("properties", nlohmann::json());
}

TemplateOptions with(std::vector<std::pair<std::string, std::string>> parameters) {
  TemplateOptions options;
  options.parameters = std::move(parameters);
  return options;
}

TEST(ArmDocument, FindsTheResourceAndListsTheOthers) {
  const auto outcome = resolve(
      deployment(R"("resources": [{"type": "A.B/c", "name": "other"},)" +
                 image(R"("name": "[concat('i', 'mg')]", "condition": true, "comments": "[not an",
                          "properties": {"a": "[[b]", "c": null},
                          "dependsOn": ["[resourceId('x/y', 'z')]"])") +
                 "]"));
  ASSERT_OK(outcome.resolved);
  EXPECT_EQ(outcome.resolved->resource.value(),
            nlohmann::json::parse(R"({"type": "Microsoft.VirtualMachineImages/imageTemplates",
              "name": "img", "properties": {"a": "[b]", "c": null},
              "dependsOn": ["[resourceId('x/y', 'z')]"]})"));
  EXPECT_THAT(outcome.notices, ElementsAre(HasSubstr("A.B/c \"other\" (t.json:1:")));
}

TEST(ArmDocument, ResourcesCanBeNamed) {
  const auto outcome = resolve(deployment(R"("languageVersion": "2.0", "resources": {"i": )" +
                                          image(R"("name": "a", "properties": {})") + R"(, "e": )" +
                                          image(R"("name": "b", "existing": true)") + "}"));
  ASSERT_OK(outcome.resolved);
  EXPECT_EQ(outcome.resolved->resource.value()["name"], "a");
  EXPECT_EQ(outcome.resolved->resource.pointer(), "/resources/i");
}

TEST(ArmDocument, SeveralImageTemplatesNeedAChoice) {
  const auto text =
      deployment(R"("resources": [)" + image(R"("name": "a", "properties": {"p": 1})") + "," +
                 image(R"("name": "b", "properties": {"p": 2})") + "]");
  const auto unclear = resolve(text);
  ASSERT_THAT(unclear.resolved, FailsWith("Arm:SeveralImageTemplates"));
  EXPECT_THAT(unclear.resolved.error().quoted(),
              ElementsAre(HasSubstr("\"a\" at t.json:1:"), HasSubstr("\"b\" at t.json:1:")));
  TemplateOptions options;
  options.resource = "B";
  const auto chosen = resolve(text, options);
  EXPECT_EQ(properties_of(chosen)["p"], 2);
  EXPECT_THAT(chosen.notices, Contains(HasSubstr("another one was chosen: image template \"a\"")));
  options.resource = "c";
  EXPECT_THAT(resolve(text, options).resolved, FailsWith("Arm:NoSuchResource"));
}

TEST(ArmDocument, EachImageTemplateHasANameOfItsOwn) {
  const auto loop = [](const std::string& name) {
    return resolve(deployment(
        R"("resources": [)" +
        image(R"("name": ")" + name + R"(", "copy": {"name": "c", "count": 2}, "properties": {})") +
        "]"));
  };
  EXPECT_THAT(loop("a").resolved, FailsWith("Arm:SameName"));
  EXPECT_THAT(loop("[concat('a', copyIndex())]").resolved, FailsWith("Arm:SeveralImageTemplates"));
}

TEST(ArmDocument, WithoutAnImageTemplateSaysWhy) {
  const auto without = resolve(deployment(R"("resources": [
      {"type": "Microsoft.Resources/deployments", "name": "far",
       "properties": {"templateLink": {"relativePath": "image.json"}}}])"));
  ASSERT_THAT(without.resolved, FailsWith("Arm:NoImageTemplate"));
  EXPECT_NE(without.resolved.error().where(), "");
  EXPECT_THAT(
      without.resolved.error().quoted(),
      testing::ElementsAre(testing::HasSubstr("\"far\", whose template is in another file")));
  const auto near = resolve(deployment(R"("resources": [
      {"type": "Microsoft.VirtualMachineImages/imageTemplate", "name": "a", "properties": {}}])"));
  ASSERT_THAT(near.resolved, FailsWith("Arm:NoImageTemplate"));
  EXPECT_THAT(near.resolved.error().cure(), HasSubstr("VirtualMachineImages/imageTemplates"));
  EXPECT_THAT(near.resolved.error().where(), HasSubstr("/resources/0/type"));
  const auto off = resolve(deployment(
      R"("resources": [)" + image(R"("name": "a", "condition": "[equals(1, 2)]")") + "]"));
  ASSERT_THAT(off.resolved, FailsWith("Arm:NoImageTemplate"));
  EXPECT_THAT(off.resolved.error().quoted(), ElementsAre(HasSubstr("its condition is false")));
}

TEST(ArmDocument, LoopsOfEveryKind) {
  const auto outcome = resolve(
      deployment(
          R"("variables": {"copy": [{"name": "v", "count": 2, "input": "[copyIndex('v', 5)]"}],
                                  "inner": {"copy": [{"name": "w", "count": 1, "input": "x"}]}},
        "resources": [)" +
          image(R"("copy": {"name": "loop", "count": 2}, "name": "[format('n{0}', copyIndex())]",
          "properties": {"v": "[variables('v')]", "w": "[variables('inner').w]",
            "copy": [{"name": "list", "count": "[length(variables('v'))]",
              "input": {"i": "[copyIndex('list')]", "o": "[copyIndex()]"}}]})") +
          "]"),
      [] {
        TemplateOptions options;
        options.resource = "n1";
        return options;
      }());
  EXPECT_EQ(properties_of(outcome), nlohmann::json::parse(R"({"v": [5, 6], "w": ["x"],
    "list": [{"i": 0, "o": 1}, {"i": 1, "o": 1}]})"));
}

TEST(ArmDocument, EveryValueKnowsWhereItWasWritten) {
  const auto outcome = resolve(deployment(R"(
"parameters": {"p": {"type": "object", "defaultValue": {"k": ["deep"]}}},
"variables": {
  "v": {"steps": [{"type": "Shell"}]}},
"resources": [)" + image(R"(
  "name": "n", "properties": {
    "a": "[variables('v').steps]",
    "b": "[concat('x', 'y')]",
    "c": "[createObject('made', 1)]",
    "d": "[parameters('p')]",
    "copy": [{"name": "e", "count": 1, "input": {"f": "g"}}]})") +
                                          "]"));
  ASSERT_OK(outcome.resolved);
  const auto properties = *outcome.resolved->resource.find("properties");
  EXPECT_EQ(properties.where(), "t.json:6:30 /resources/0/properties");
  EXPECT_EQ(properties.find("a")->items()->at(0).find("type")->where(),
            "t.json:4:28 /variables/v/steps/0/type");
  EXPECT_EQ(properties.find("b")->where(), "t.json:8:10 /resources/0/properties/b");
  EXPECT_EQ(properties.find("c")->find("made")->where(),
            "t.json:9:10 /resources/0/properties/c => /made");
  EXPECT_EQ(properties.find("d")->find("k")->items()->at(0).where(),
            "t.json:2:63 /parameters/p/defaultValue/k/0");
  EXPECT_EQ(properties.find("e")->items()->at(0).find("f")->where(),
            "t.json:11:55 /resources/0/properties/copy/0/input/f");
}

TEST(ArmDocument, NestedDeploymentsHaveInnerOrOuterScope) {
  const auto text = [](const std::string& options) {
    return deployment(R"("parameters": {"p": {"type": "string", "defaultValue": "outside"}},
      "resources": [{"type": "Microsoft.Resources/deployments", "name": "d", "resourceGroup": "other",
        "properties": {)" +
                      options +
                      R"("parameters": {"p": {"value": "[concat('to ', parameters('p'))]"}},
        "template": {"parameters": {"p": {"type": "string"}}, "resources": [)" +
                      image(R"("name": "n", "properties": {"p": "[parameters('p')]",
                               "g": "[resourceGroup().name]", "d": "[deployment().name]"})") +
                      "]}}}]");
  };
  EXPECT_EQ(properties_of(resolve(text(R"("expressionEvaluationOptions": {"scope": "Inner"},)"))),
            nlohmann::json({{"p", "to outside"}, {"g", "other"}, {"d", "d"}}));
  EXPECT_EQ(properties_of(resolve(text(""))),
            nlohmann::json({{"p", "outside"}, {"g", "kiln"}, {"d", "kiln"}}));
}

TEST(ArmDocument, OutputsOfNestedDeploymentsAreKnown) {
  const auto outcome = resolve(deployment(R"("resources": [
    {"type": "Microsoft.Resources/deployments", "name": "id", "properties": {
      "expressionEvaluationOptions": {"scope": "inner"},
      "parameters": {"n": {"value": "me"}},
      "template": {"parameters": {"n": {"type": "string"}}, "resources": [],
        "outputs": {"o": {"type": "string", "value": "[parameters('n')]"},
                    "live": {"type": "string", "value": "[reference('/x').y]"}}}}},)" +
                                          image(R"("name": "n", "properties": {
      "o": "[reference(resourceId('Microsoft.Resources/deployments', 'id'), '2020').outputs.o.value]"})") +
                                          "]"));
  EXPECT_EQ(properties_of(outcome)["o"], "me");
}

TEST(ArmDocument, UserFunctionsSeeTheirArgumentsOnly) {
  const auto text = [](const std::string& call) {
    return deployment(R"("variables": {"v": 1}, "functions": [{"namespace": "my", "members": {
      "twice": {"parameters": [{"name": "x", "type": "string"}],
                "output": {"type": "string", "value": "[concat(parameters('x'), parameters('x'))]"}},
      "nosy": {"output": {"type": "int", "value": "[variables('v')]"}}}}],
      "resources": [)" +
                      image(R"("name": "n", "properties": {"f": ")" + call + R"("})") + "]");
  };
  EXPECT_EQ(properties_of(resolve(text("[My.Twice('ab')]")))["f"], "abab");
  EXPECT_THAT(resolve(text("[my.twice()]")).resolved, FailsWith("Arm:ArgumentCount"));
  EXPECT_THAT(resolve(text("[my.nosy()]")).resolved, FailsWith("Arm:UnknownName"));
}

TEST(ArmParameters, MissingOnesAreAllNamedAtOnce) {
  const auto outcome = resolve(deployment(R"("parameters": {
    "a": {"type": "string"}, "b": {"type": "int", "defaultValue": 1},
    "c": {"type": "secureString"}, "d": {"type": "string", "nullable": true}},
    "resources": [])"));
  ASSERT_THAT(outcome.resolved, FailsWith("Parameter:Missing"));
  EXPECT_THAT(outcome.resolved.error().quoted(),
              ElementsAre("a (string) at t.json:2:10 /parameters/a",
                          "c (secureString) at t.json:3:10 /parameters/c"));
  EXPECT_THAT(outcome.resolved.error().cure(), HasSubstr("--parameters FILE"));
}

struct TypeCase {
  const char* declaration;
  const char* typed;
  const char* wanted;  ///< the value as JSON, or part of the error's message
};

TEST(ArmParameters, ValuesAreReadAndCheckedByTheirType) {
  for (const auto& [declaration, typed, wanted] : {
           TypeCase{R"({"type": "string"})", "5", R"("5")"},
           TypeCase{R"({"type": "INT"})", "5", "5"},
           TypeCase{R"({"type": "bool"})", "True", "true"},
           TypeCase{R"({"type": "array"})", "[1]", "[1]"},
           TypeCase{R"({"type": "object"})", "{\"a\": 1}", R"({"a":1})"},
           TypeCase{R"({"type": "int"})", "x", "must be of the type int"},
           TypeCase{R"({"type": "bool"})", "yes", "must be of the type bool"},
           TypeCase{R"({"type": "array"})", "x", "not valid JSON"},
           TypeCase{R"({"type": "object"})", "[]", "must be of the type object"},
           TypeCase{R"({"type": "string", "allowedValues": ["A", "b"]})", "a", R"("a")"},
           TypeCase{R"({"type": "string", "allowedValues": ["a"]})", "c", "not allowed: \"c\""},
           TypeCase{R"({"type": "secureString", "allowedValues": ["a"]})", "c", "is not allowed"},
           TypeCase{R"({"type": "array", "allowedValues": ["a", "b"]})", "[\"b\"]", R"(["b"])"},
           TypeCase{R"({"type": "string", "minLength": 2})", "a", "less than the minLength 2"},
           TypeCase{R"({"type": "array", "maxLength": 1})", "[1, 2]", "more than the maxLength 1"},
           TypeCase{R"({"type": "int", "minValue": 3})", "2", "less than the minValue 3"},
           TypeCase{R"({"type": "int", "maxValue": 3})", "4", "more than the maxValue 3"},
           TypeCase{R"({"$ref": "#/definitions/t"})", R"({"k": "x"})", R"({"k":"x"})"},
           TypeCase{R"({"$ref": "#/definitions/t"})", "{}", ".k is missing"},
           TypeCase{
               R"({"$ref": "#/definitions/t"})", R"({"k": 1})", ".k must be of the type string"},
           TypeCase{R"({"$ref": "#/definitions/t"})", R"({"k": "x", "z": 1})", "no member \"z\""},
           TypeCase{R"({"$ref": "#/definitions/none"})", "1", "is not defined"},
           TypeCase{R"({"$ref": "#/definitions/self"})", "1", "refers to itself"},
           TypeCase{R"({"$ref": "#/definitions/either"})", R"({"kind": "a"})", R"({"kind":"a"})"},
           TypeCase{
               R"({"$ref": "#/definitions/either"})", R"({"kind": "z"})", "missing or unknown"},
           TypeCase{R"({"type": "array", "items": {"type": "int"}})", "[1, \"a\"]", "[1] must be"},
           TypeCase{
               R"({"type": "array", "prefixItems": [{"type": "int"}]})", "[\"a\"]", "[0] must"},
           TypeCase{R"({"type": "object", "additionalProperties": {"type": "int"}})",
                    R"({"a": "b"})",
                    ".a must be of the type int"},
       }) {
    const auto outcome =
        resolve(deployment(R"("definitions": {"t": {"type": "object", "additionalProperties": false,
          "properties": {"k": {"type": "string"}, "o": {"type": "int", "nullable": true}}},
          "self": {"$ref": "#/definitions/self"},
          "either": {"type": "object", "discriminator": {"propertyName": "kind",
            "mapping": {"a": {"type": "object"}}}}},
          "parameters": {"p": )" +
                           std::string(declaration) + R"(}, "resources": [)" +
                           image(R"("name": "n", "properties": {"p": "[parameters('p')]"})") + "]"),
                with({{"P", typed}}));
    if (outcome.resolved) {
      EXPECT_EQ(dump_json(properties_of(outcome)["p"]), wanted) << declaration << " " << typed;
      continue;
    }
    EXPECT_THAT(outcome.resolved.error().message(), HasSubstr(wanted)) << declaration;
    EXPECT_FALSE(outcome.resolved.error().where().empty());
    EXPECT_FALSE(outcome.resolved.error().cure().empty());
  }
}

TEST(ArmParameters, UnknownOnesHaveSuggestions) {
  const auto outcome =
      resolve(deployment(R"("parameters": {"imageName": {"type": "string", "defaultValue": ""}},
                    "resources": [])"),
              with({{"imgName", "x"}}));
  ASSERT_THAT(outcome.resolved, FailsWith("Parameter:Unknown"));
  EXPECT_EQ(outcome.resolved.error().cure(), "did you mean \"imageName\"?");
}

class ArmFiles : public testing::Test {
 protected:
  void SetUp() override {
    auto made = TempDir::create();
    ASSERT_OK(made);
    folder_ = std::make_unique<TempDir>(*std::move(made));
  }
  std::filesystem::path write(const std::string& name, const std::string& text) {
    auto path = folder_->path() / name;
    EXPECT_OK(write_file_atomic(path, text));
    return path;
  }
  std::unique_ptr<TempDir> folder_;
};

TEST_F(ArmFiles, ParameterFilesGiveValuesWithTheirPlaces) {
  const auto text = deployment(R"("parameters": {"a": {"type": "array"}, "b": {"type": "string"}},
    "resources": [)" + image(R"("name": "n", "properties": {"a": "[parameters('a')]",
                               "b": "[parameters('b')]"})") +
                               "]");
  TemplateOptions options;
  options.parameter_files = {
      write("one.json", "{\"parameters\": {\"a\": {\"value\":\n [1]}, \"b\": {\"value\": \"x\"}}}"),
      write("two.json", R"({"b": {"value": "y"}})")};
  const auto outcome = resolve(text, options);
  EXPECT_EQ(properties_of(outcome), nlohmann::json({{"a", {1}}, {"b", "y"}}));
  EXPECT_EQ(outcome.resolved->resource.find("properties")->find("a")->items()->at(0).where(),
            options.parameter_files[0].string() + ":2:3 /parameters/a/value/0");
  EXPECT_EQ(outcome.resolved->parameters, nlohmann::json({{"a", {1}}, {"b", "y"}}));
  options.parameters = {{"b", "z"}};
  EXPECT_EQ(properties_of(resolve(text, options))["b"], "z");
  options.parameter_files = {
      write("vault.json",
            R"({"parameters": {"a": {"reference": {"keyVault": {}, "secretName": "s"}}}})")};
  EXPECT_THAT(resolve(text, options).resolved, FailsWith("Parameter:KeyVault"));
  options.parameter_files = {write("odd.json", R"({"parameters": {"a": [1]}})")};
  EXPECT_THAT(resolve(text, options).resolved, FailsWith("Parameter:NoValue"));
}

TEST_F(ArmFiles, SecureValuesAreHandedOverAndNotRecorded) {
  std::vector<Secret> secrets;
  auto options =
      with({{"s", "hunter2-hunter2"}, {"o", R"({"k": ["top-secret"]})"}, {"p", "shown"}});
  options.secrets = &secrets;
  const auto outcome =
      resolve(deployment(R"("parameters": {"s": {"type": "SecureString", "maxLength": 3}, "o":
        {"type": "secureObject"}, "p": {"type": "string"}}, "resources": [])"),
              options);
  ASSERT_THAT(outcome.resolved, FailsWith("Parameter:BadValue"));
  EXPECT_THAT(outcome.resolved.error().describe(), testing::Not(HasSubstr("hunter2")));
  ASSERT_THAT(secrets, SizeIs(2));  // of parameters that no expression uses, too
  const auto used = resolve(
      deployment(R"("parameters": {"s": {"type": "SecureString"}, "o": {"type": "secureObject"},
        "p": {"type": "string"}}, "resources": [)" +
                 image(R"("name": "n", "properties": {"s": "[parameters('s')]"})") + "]"),
      options);
  ASSERT_OK(used.resolved);
  EXPECT_EQ(used.resolved->parameters, nlohmann::json({{"p", "shown"}}));
  ASSERT_THAT(secrets, SizeIs(4));
  EXPECT_EQ(secrets[2].reveal(), "hunter2-hunter2");
  EXPECT_EQ(secrets[3].reveal(), "top-secret");
}

TEST_F(ArmFiles, WhatListFunctionsGiveAndWhatIsMadeOfSecretsIsSecretToo) {
  std::vector<Secret> secrets;
  auto options = with({{"s", "Hunter2-hunter2"}, {"plain", "in-the-open"}});
  options.secrets = &secrets;
  options.resource_values = write("values.json", R"j({"listKeys('/ids/u')": {"keys":
      [{"keyName": "the-first-key", "value": "planted-key"}]}})j");
  const auto outcome =
      resolve(deployment(R"("parameters": {"s": {"type": "secureString"}, "plain": {"type":
        "string"}}, "resources": [)" +
                         image(R"j("name": "n", "properties": {
        "a": "[listKeys('/ids/u', '2021-01-01').keys[0].value]",
        "b": "[base64(concat('user:', parameters('s')))]",
        "c": "[toUpper(parameters('s'))]",
        "d": "[base64(parameters('plain'))]",
        "e": "[concat('echo ', parameters('s'))]"})j") +
                         "]"),
              options);
  ASSERT_OK(outcome.resolved);
  std::vector<std::string> revealed;
  for (const auto& secret : secrets) revealed.push_back(secret.reveal());
  EXPECT_THAT(
      revealed,
      UnorderedElementsAre(
          "Hunter2-hunter2", "planted-key", "dXNlcjpIdW50ZXIyLWh1bnRlcjI=", "HUNTER2-HUNTER2"));
}

TEST_F(ArmFiles, SurroundingsAndLiveValuesComeFromAFile) {
  TemplateOptions options;
  options.resource_values = write("values.json", R"({"settings": {"subscriptionId": "sub",
    "resourceGroup": "from-file", "environment": "AzureUSGovernment", "utcNow": "2020-01-02T03:04:05Z"},
    "/ids/u": {"principalId": "p"}})");
  options.resource_group = "from-option";
  const auto text = deployment(R"("parameters": {"now": {"type": "string", "defaultValue":
      "[utcNow()]"}}, "resources": [)" +
                               image(R"("name": "n", "properties": {
      "s": "[subscription().id]", "g": "[resourceGroup().name]", "n": "[parameters('now')]",
      "e": "[environment().suffixes.storage]", "r": "[reference('/ids/u').principalId]"})") +
                               "]");
  EXPECT_EQ(properties_of(resolve(text, options)),
            nlohmann::json({{"s", "/subscriptions/sub"},
                            {"g", "from-option"},
                            {"n", "20200102T030405Z"},
                            {"e", "core.usgovcloudapi.net"},
                            {"r", "p"}}));
  options.resource_values = write("odd.json", R"({"settings": {"subscription": "x"}})");
  EXPECT_THAT(resolve(text, options).resolved, FailsWith("Json:UnknownField"));
}

TEST_F(ArmFiles, PlaceholdersAreFilledOrNamedAllAtOnce) {
  const auto text = R"({"location": "<region>", "properties": {
    "source": {"type": "ManagedImage", "imageId": "/subscriptions/<subscriptionID>/<rgName>"},
    "customize": [{"type": "Shell", "inline": ["cat <<EOF >/x", "<EOF>"]}],
    "distribute": [{"imageId": "<rgName>"}]}})";
  const auto open = resolve(text);
  ASSERT_THAT(open.resolved, FailsWith("Template:Placeholder"));
  EXPECT_THAT(open.resolved.error().quoted(),
              ElementsAre("<subscriptionID> at t.json:2:51 /properties/source/imageId",
                          "<rgName> 2 times, first at t.json:2:51 /properties/source/imageId"));
  EXPECT_THAT(open.notices,
              ElementsAre(HasSubstr("no harm: <region> at t.json:1:14 /location"),
                          HasSubstr("may be a placeholder: <EOF> at t.json:3:65")));
  auto options = with({{"RGNAME", "group"}});
  options.placeholders =
      write("p.json", R"({"<subscriptionID>": "s", "rgName": "lost", "unused": "u"})");
  const auto filled = resolve(text, options);
  EXPECT_EQ(properties_of(filled)["source"]["imageId"], "/subscriptions/s/group");
  EXPECT_THAT(filled.notices, testing::Contains(HasSubstr("no placeholder <unused>, which")));
  EXPECT_THAT(filled.notices, testing::Not(testing::Contains(HasSubstr("<rgName>, which"))));
  EXPECT_THAT(resolve(text, with({{"nobody", "x"}})).resolved, FailsWith("Parameter:Unknown"));
}

TEST(ArmDocument, AConditionIsTrueOrFalse) {
  const auto with_condition = [](const std::string& condition) {
    return resolve(deployment(
        R"("resources": [)" +
        image(R"("name": "a", "properties": {"a": 1}, "condition": )" + condition) + "]"));
  };
  for (const auto* condition : {"true", "\"True\"", "\"[equals(1, 1)]\""}) {
    EXPECT_EQ(properties_of(with_condition(condition)), nlohmann::json({{"a", 1}})) << condition;
  }
  EXPECT_THAT(with_condition("\"false\"").resolved, FailsWith("Arm:NoImageTemplate"));
  for (const auto* condition : {"\"yes\"", "1", "\"[string('no')]\""}) {
    EXPECT_THAT(with_condition(condition).resolved, FailsWith("Arm:BadCondition")) << condition;
  }
}

TEST(ArmDocument, ChildrenOfAnImageTemplateAreSkippedWithANotice) {
  const std::string child = R"("resources": [{"type": "triggers", "name": "on-new",
                               "apiVersion": "2022-07-01", "properties": {"kind": "SourceImage"}}])";
  const auto deployed = resolve(deployment(
      "\"resources\": [" + image(R"("name": "n", "properties": {"a": 1},)" + child) + "]"));
  EXPECT_EQ(properties_of(deployed), nlohmann::json({{"a", 1}}));
  EXPECT_THAT(deployed.notices,
              ElementsAre(HasSubstr("skipped, as it is no image template: "
                                    "triggers \"on-new\"")));
  // A body with children is no deployment template.
  const auto bare = resolve("{" + child + R"(, "properties": {"a": 1}})");
  EXPECT_EQ(properties_of(bare), nlohmann::json({{"a", 1}}));
}

TEST(ArmBareBody, EvaluatesExpressionsWithANotice) {
  const auto outcome = resolve(
      R"({"properties": {"a": "[concat('x', parameters('p'))]", "b": "[ -f /etc/motd ]",
          "c": "[[literal]", "d": "[int]$x = $y[0]"}})",
      with({{"p", "y"}}));
  EXPECT_EQ(
      properties_of(outcome),
      nlohmann::json(
          {{"a", "xy"}, {"b", "[ -f /etc/motd ]"}, {"c", "[literal]"}, {"d", "[int]$x = $y[0]"}}));
  EXPECT_THAT(outcome.notices, Contains(HasSubstr("first at t.json:1:22 /properties/a")));
}

TEST(ArmDocument, NestedLoopsAreRefusedBeforeTheyTurn) {
  const auto many = R"("copy": {"name": "c", "count": 700}, )";
  const auto inner =
      deployment("\"resources\": [" + image(std::string(many) + R"("name": "n")") + "]");
  const auto text =
      deployment(R"("resources": [{"type": "Microsoft.Resources/deployments", )" +
                 std::string(many) + R"("name": "d", "properties": {"template": )" + inner + "}}]");
  const auto start = std::chrono::steady_clock::now();
  const auto outcome = resolve(text);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  ASSERT_THAT(outcome.resolved, FailsWith("Arm:TooManyCopies"));
  EXPECT_THAT(outcome.resolved.error().where(), HasSubstr("/template/resources/0/copy/count"));
}

TEST(ArmDocument, NestedPropertyLoopsAreRefusedBeforeTheyTurn) {
  const auto loop = [](const std::string& name, const std::string& input) {
    return R"({"copy": [{"name": ")" + name + R"(", "count": 500, "input": )" + input + "}]}";
  };
  const auto text = deployment(
      "\"resources\": [" +
      image(R"("name": "n", "properties": )" + loop("a", loop("b", loop("c", "1")))) + "]");
  const auto start = std::chrono::steady_clock::now();
  const auto outcome = resolve(text);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  ASSERT_THAT(outcome.resolved, FailsWith("Arm:TooManyCopies"));
  EXPECT_THAT(outcome.resolved.error().where(), HasSubstr("/properties/copy/0/input/copy/0/count"));
}

TEST(ArmBareBody, IsNotAnotherResource) {
  TemplateOptions options;
  const auto body = R"({"name": "web", "properties": {"a": 1}})";
  options.resource = "WEB";
  EXPECT_OK(resolve(body, options).resolved);
  options.resource = "db";
  const auto other = resolve(body, options);
  ASSERT_THAT(other.resolved, FailsWith("Template:NoSuchResource"));
  EXPECT_EQ(other.resolved.error().where(), "t.json:1:10 /name");
  EXPECT_THAT(resolve(R"({"properties": {"a": 1}})", options).resolved,
              FailsWith("Template:NoSuchResource"));
}

TEST(ArmBareBody, OtherKindsOfFilesAreTold) {
  EXPECT_THAT(resolve(R"({"$schema": "https://schema.management.azure.com/schemas/2019-04-01/)"
                      R"(deploymentParameters.json#", "parameters": {}})")
                  .resolved,
              FailsWith("Template:WrongKind"));
  const auto example = resolve(
      R"({"parameters": {"parameters": {"properties": {"source": {"type": "x"}}}}, "responses": {}})");
  EXPECT_EQ(properties_of(example)["source"]["type"], "x");
}

}  // namespace
}  // namespace kiln
