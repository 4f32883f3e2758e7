// `kiln schema` against what Kiln itself accepts and refuses, by a validator of somebody else.
#include <algorithm>
#include <filesystem>

#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "engine/plan/contract_types.h"
#include "engine/plan/plan.h"
#include "engine/template/parse.h"
#include "tests/engine/plan/answers.h"
#include "tests/support/matchers.h"
#include "tests/support/real_templates.h"
#include "tests/support/schema_validator.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

Json schema() {
  return Json::parse(template_schema().dump());
}

class Schema : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::SchemaValidator::available()) {
      GTEST_SKIP() << "built without a JSON Schema validator; install libvalijson-dev";
    }
    validator_ = std::make_unique<test::SchemaValidator>(schema());
  }

  [[nodiscard]] std::string complaint(const Json& document) const {
    return validator_->complaint(document);
  }

 private:
  std::unique_ptr<test::SchemaValidator> validator_;
};

/// The findings that `kiln validate` tells.
bool is_accepted(const std::string& text, const TemplateOptions& options = {}) {
  auto image_template = examine_template(text, "t.json", options);
  if (!image_template) return false;
  const auto checked = examine_items(*std::move(image_template));
  return !checked.image_template.found.has_errors();
}

Json relaxed(const std::string& text) {
  std::vector<std::string> notices;
  const auto document = JsonReader::parse_relaxed(text, "t.json", notices);
  return document ? document->value() : Json();
}

/// A template that any api-version takes.
Json sound(const char* version) {
  auto body = Json::parse(R"({
    "type": "Microsoft.VirtualMachineImages/imageTemplates",
    "location": "westus",
    "properties": {
      "source": {"type": "ManagedImage",
        "imageId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/i"},
      "customize": [{"type": "PowerShell", "inline": ["hi"], "validExitCodes": [0, 3010]}],
      "distribute": [{"type": "VHD", "runOutputName": "o"}],
      "vmProfile": {"vnetConfig": {"subnetId": "/s"}},
      "buildTimeoutInMinutes": 60}})");
  if (version != nullptr) body["apiVersion"] = version;
  return body;
}

constexpr const char* kStrict = "2024-02-01";
constexpr const char* kLenient = "2022-02-14";
constexpr const char* kNone = nullptr;

/// One change to a sound template, and what becomes of it by api-version.
struct Change {
  const char* patch;  ///< merged into it; what has a type is replaced
  bool strict;
  bool unversioned;
  bool lenient;
};

const std::vector<Change> kChanges = {
    {"{}", true, true, true},
    {R"({"properties": {"distribute": [{"type": "VHD", "runOutpurName": "o"}]}})",
     false,
     false,
     false},
    {R"({"properties": {"distribute": [{"type": "VHD"}]}})", false, false, false},
    {R"({"properties": {"distribute": [{"type": "VHD", "runOutputName": null}]}})",
     false,
     false,
     false},
    {R"({"properties": {"distribute": [{"type": "VHDD", "runOutputName": "o"}]}})",
     false,
     false,
     false},
    {R"({"properties": {"distribute": [{"runOutputName": "o"}]}})", false, false, false},
    {R"({"properties": {"distribute": []}})", false, false, false},
    {R"({"properties": {"distribute": null}})", false, false, false},
    {R"({"properties": {"source": {"imageId": null}}})", false, false, false},
    {R"({"properties": {"source": {"imageId": 5}}})", false, false, false},
    {R"({"properties": {"buildTimeoutInMinutes": "60"}})", true, true, true},
    {R"({"properties": {"buildTimeoutInMinutes": "sixty"}})", false, false, false},
    {R"({"properties": {"validate": {"continueDistributeOnFailure": "yes"}}})",
     false,
     false,
     false},
    {R"({"properties": {"buildTimeoutInMinutes": 961}})", false, false, false},
    {R"({"properties": {"errorHandling": {"onCustomizerError": "stop"}}})", false, false, false},
    {R"({"tags": {"a": 1}})", false, false, false},
    {R"({"type": "Microsoft.Compute/images"})", false, false, false},
    {R"({"properties": {"vmProfile": null, "customize": null}})", true, true, true},
    {R"({"properties": {"vmProfile": {"vmSize": null}}, "tags": {"a": null}})", true, true, true},
    {R"({"properties": {"buildTimeoutInMinutes": "[add(30, 30)]"}})", true, true, true},
    {R"({"properties": {"vmProfile": "[json('{}')]"}})", true, true, true},
    {R"({"properties": {"vmProfile": {"vnetConfig": {"name": "x"}}}})", false, false, true},
    {R"({"colour": "red"})", false, false, true},
    {R"({"properties": {"distribute": [{"type": "VHD", "runOutputName": "o", "aritfactTags": {}}]}})",
     false,
     false,
     true},
    {R"({"properties": {"distribute": [{"type": "VHD", "runOutputName": "o", "tags": {"a": "b"}}]}})",
     false,
     true,
     true},
    {R"({"properties": {"distribute": [{"type": "VHD", "RunOutputName": "o"}]}})",
     false,
     true,
     true},
    {R"({"properties": {"customize": [{"type": "PowerShell", "inline": ["a"], "validExitCodes": ["1"]}]}})",
     false,
     true,
     true},
    {R"({"properties": {"customize": [{"type": "PowerShell", "inline": ["a"], "validExitCodes": ["x"]}]}})",
     false,
     false,
     false},
    {R"({"properties": {"source": {"type": "ISO", "sourceURI": "https://h/a",
         "sha256Checksum": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}})",
     false,
     true,
     true},
};

TEST_F(Schema, RefusesAndTakesWhatKilnDoes) {
  for (const auto& change : kChanges) {
    for (const auto& [version, taken] : {std::pair(kStrict, change.strict),
                                         std::pair(kNone, change.unversioned),
                                         std::pair(kLenient, change.lenient)}) {
      SCOPED_TRACE(fmt::format("{}: {}", version == nullptr ? "none" : version, change.patch));
      auto body = sound(version);
      const auto patch = Json::parse(change.patch);
      const auto apply = [](auto&& self, Json& target, const Json& with) -> void {
        for (const auto& [key, value] : with.items()) {
          if (value.is_object() && !value.contains("type") && target.contains(key)) {
            self(self, target[key], value);
          } else {
            target[key] = value;
          }
        }
      };
      apply(apply, body, patch);
      EXPECT_EQ(is_accepted(body.dump()), taken);
      EXPECT_EQ(complaint(body).empty(), taken) << complaint(body);
    }
  }
}

TEST_F(Schema, FormerTypesAreThoseOfTheFirstVersion) {
  auto body = relaxed(*read_file(KILN_SOURCE_DIR "/fixtures/templates/valid/api-2018.json"));
  EXPECT_EQ(complaint(body), "");
  body["apiVersion"] = kStrict;
  EXPECT_NE(complaint(body), "");
}

TEST_F(Schema, TakesTheValidFixtures) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(KILN_SOURCE_DIR "/fixtures/templates/valid")) {
    SCOPED_TRACE(entry.path());
    const auto text = read_file(entry.path());
    ASSERT_OK(text);
    EXPECT_EQ(complaint(relaxed(*text)), "");
    ++count;
  }
  EXPECT_GT(count, 5);
}

TEST_F(Schema, LooksIntoDeploymentTemplates) {
  auto resource = sound(kStrict);
  resource["name"] = "[parameters('name')]";
  resource["scope"] = "x";
  const auto deployment = [](const Json& resources) {
    return Json{{"$schema",
                 "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"},
                {"contentVersion", "1.0.0.0"},
                {"resources", resources}};
  };
  const Json other = {{"type", "Microsoft.Compute/galleries"}, {"name", 5}};
  EXPECT_EQ(complaint(deployment(Json::array({other, resource}))), "");
  EXPECT_EQ(complaint(deployment(Json{{"symbolic", resource}})), "");
  const auto nested = [&](const Json& inner) {
    return deployment(
        Json::array({{{"type", "Microsoft.Resources/deployments"},
                      {"properties", {{"template", deployment(Json::array({inner}))}}}}}));
  };
  EXPECT_EQ(complaint(nested(resource)), "");
  auto wrong = resource;
  wrong["properties"].erase("source");
  EXPECT_NE(complaint(deployment(Json::array({other, wrong}))), "");
  EXPECT_NE(complaint(deployment(Json{{"symbolic", wrong}})), "");
  EXPECT_NE(complaint(nested(wrong)), "");
  wrong["properties"]["copy"] = Json::array({{{"name", "source"}}});
  EXPECT_EQ(complaint(deployment(Json::array({wrong}))), "");
}

TEST_F(Schema, TakesTheRealTemplatesThatKilnTakes) {
  const auto folder = test::shared_folder() / "templates";
  if (!fs::is_directory(folder)) GTEST_SKIP() << "no real templates at " << folder;
  const auto rows = test::read_table();
  ASSERT_OK(rows);
  const auto scratch = TempDir::create();
  ASSERT_OK(scratch);
  std::map<std::string, int> taken;
  for (const auto& row : *rows) {
    SCOPED_TRACE(row.file);
    const auto text = read_file(folder / row.file);
    ASSERT_OK(text);
    const auto given = test::answers(*text, scratch->path() / "placeholders.json");
    if (!is_accepted(*text, given)) continue;
    EXPECT_EQ(complaint(relaxed(*text)), "");
    ++taken[row.kind];
  }
  EXPECT_GT(taken["resource"], 60);
  EXPECT_GT(taken["deployment"], 60);
}

TEST(SchemaText, CoversEveryTypeAndRefersToNothingMissing) {
  const auto all = schema();
  const auto& definitions = all.at("$defs");
  for (const std::string mode : {"strict", "unversioned", "lenient"}) {
    for (const auto& entry : contract_types()) {
      if (entry.group.empty()) continue;
      const auto& group = definitions.at(fmt::format("{}.{}", mode, entry.group));
      const auto& names = group.at("properties").at("type").at("anyOf");
      const auto named = [&](std::string_view name) {
        return std::count_if(names.begin(), names.end(), [&](const auto& one) {
          return one.value("const", "") == name;
        });
      };
      EXPECT_EQ(named(entry.type->name), 1) << entry.type->name;
      if (!entry.type->former.empty()) {
        EXPECT_EQ(named(entry.type->former), mode == "strict" ? 0 : 1) << entry.type->former;
      }
    }
  }
  const auto& properties = definitions.at("strict.properties");
  EXPECT_EQ(properties.at("additionalProperties"), false);
  const auto& iso = definitions.at("unversioned.source.ISO").at("properties");
  EXPECT_EQ(iso.at("sourceURI").at("deprecated"), true);
  EXPECT_FALSE(definitions.at("strict.source.ISO").at("properties").contains("sourceURI"));
  const auto text = all.dump();
  int references = 0;
  for (auto at = text.find("\"$ref\":\"#/$defs/"); at != std::string::npos;
       at = text.find("\"$ref\":\"#/$defs/", at + 1)) {
    const auto begin = at + std::string_view("\"$ref\":\"#/$defs/").size();
    const auto name = text.substr(begin, text.find('"', begin) - begin);
    EXPECT_TRUE(definitions.contains(name)) << name;
    ++references;
  }
  EXPECT_GT(references, 30);
}

}  // namespace
}  // namespace kiln
