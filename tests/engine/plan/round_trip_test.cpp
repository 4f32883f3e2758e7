// Whatever template the records allow: reading it, printing it and reading it again gives the same.
#include <random>

#include "engine/plan/contract_types.h"
#include "engine/plan/plan.h"
#include "engine/template/parse.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using Json = nlohmann::json;

/// Makes random templates from the records, so that a new field is covered without a word here.
class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  Json make() {
    auto document = object(*contract_types().front().type);
    document["type"] = "Microsoft.VirtualMachineImages/imageTemplates";
    document["apiVersion"] = to_string(kNewestVersion);
    document["name"] = "image";
    auto& properties = document["properties"];
    properties["source"] = item("source");
    properties["customize"] = items("customize", 0);
    properties["distribute"] = items("distribute", 1);
    if (properties.contains("validate")) {
      properties["validate"]["inVMValidations"] = items("validate", 0);
    }
    return document;
  }

 private:
  int number(int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random_);
  }
  std::string word() {
    std::string text;
    for (int i = number(1, 8); i > 0; --i) text += static_cast<char>('a' + number(0, 25));
    return text;
  }

  Json items(std::string_view group, int least) {
    auto array = Json::array();
    for (int i = number(least, 3); i > 0; --i) array.push_back(item(group));
    return array;
  }

  Json item(std::string_view group) {
    std::vector<const RecordType*> types;
    for (const auto& entry : contract_types()) {
      if (entry.group == group) types.push_back(entry.type);
    }
    const auto& type =
        *types.at(static_cast<std::size_t>(number(0, static_cast<int>(types.size()) - 1)));
    auto body = object(type);
    body["type"] = type.name;
    settle(body);
    return body;
  }

  /// Rules between fields, which records do not hold.
  void settle(Json& body) {
    if (body["type"] == "Shell" || body["type"] == "PowerShell") {
      body.erase(number(0, 1) == 0 ? "inline" : "scriptUri");
      if (!body.contains("scriptUri")) {
        body["inline"] = {word()};
        body.erase("sha256Checksum");
      }
      if (body.value("runAsSystem", false)) body["runElevated"] = true;
    }
    if (body["type"] == "SharedImage") {
      if (body.contains("targetRegions")) body.erase("replicationRegions");
      if (!body.contains("replicationRegions")) body.erase("storageAccountType");
      if (body.contains("versioning") && body["versioning"]["scheme"] == "Source") {
        body["versioning"].erase("major");
      }
    }
  }

  Json object(const RecordType& type) {
    auto object = Json::object();
    for (const auto& field : type.fields) {
      if (field.kind == FieldKind::kItem || field.kind == FieldKind::kItems) continue;
      if (!field.required && number(0, 1) == 0) continue;
      object[std::string(field.name)] = value(field);
    }
    return object;
  }

  Json value(const Field& field) {
    switch (field.kind) {
      case FieldKind::kInteger:
        return number(static_cast<int>(field.minimum),
                      static_cast<int>(std::min<std::int64_t>(field.maximum, 1000)));
      case FieldKind::kBoolean:
        return number(0, 1) == 1;
      case FieldKind::kStrings:
        return Json::array({"include:" + word(), "exclude:" + word()});
      case FieldKind::kExitCodes:
        return Json::array({0, number(1, 4000)});
      case FieldKind::kStringMap:
        return Json{{word(), word()}};
      case FieldKind::kObject:
        return object(*field.object);
      case FieldKind::kObjects:
        return Json::array({object(*field.object)});
      case FieldKind::kOpenObject:
        return Json{{word(), word()}};
      case FieldKind::kOpenArray:
        return Json::array({word()});
      default:
        return text(field);
    }
  }

  std::string text(const Field& field) {
    if (!field.values.empty()) {
      return std::string(field.values[static_cast<std::size_t>(
          number(0, static_cast<int>(field.values.size()) - 1))]);
    }
    const std::string compute = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute";
    if (field.name == "imageId") return compute + "/images/" + word();
    if (field.name == "galleryImageId") return compute + "/galleries/x/images/" + word();
    if (field.name == "imageVersionId") return compute + "/galleries/x/images/y/versions/1.2.3";
    if (field.name == "sha256Checksum") return std::string(64, 'a');
    if (field.name == "version") return "latest";
    if (field.name == "osType") return "Linux";
    if (field.name == "hyperVGeneration") return "V2";
    if (field.name == "securityType") return "TrustedLaunch";
    if (field.name == "restartTimeout") return "5m";
    if (field.name == "endOfLifeDate") return "2096-02-29";
    if (field.name == "destination") return "/tmp/" + word();
    if (field.name == "uri") return "/out/" + word() + word() + ".vhd";
    // Unique, because run outputs must be.
    if (field.name == "runOutputName") return fmt::format("output-{}", ++outputs_);
    return word();
  }

  std::mt19937 random_;
  int outputs_ = 0;
};

TEST(RoundTrip, ReadingWhatWasPrintedGivesTheSame) {
  int accepted = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    const auto document = Generator(seed).make();
    SCOPED_TRACE(fmt::format("seed {}: {}", seed, document.dump()));
    auto first = parse_template(document.dump(), "t.json");
    ASSERT_OK(first);
    const auto checked = check_template(*std::move(first));
    // Two targets of the output folder are the one thing that chance may get wrong.
    if (!checked && checked.error().code() == "Template:SameTarget") continue;
    ASSERT_OK(checked);
    ++accepted;
    EXPECT_FALSE(checked->canonical.empty());
    auto again = parse_template(checked->canonical.dump(2), "t.json");
    ASSERT_OK(again);
    const auto second = check_template(*std::move(again));
    ASSERT_OK(second);
    EXPECT_EQ(second->canonical, checked->canonical);
    EXPECT_EQ(second->steps.size(), checked->steps.size());
    for (std::size_t i = 0; i < second->steps.size(); ++i) {
      EXPECT_EQ(second->steps[i].customizer->describe(), checked->steps[i].customizer->describe());
    }
    for (std::size_t i = 0; i < second->targets.size(); ++i) {
      EXPECT_EQ(second->targets[i].distributor->describe(),
                checked->targets[i].distributor->describe());
    }
  }
  EXPECT_GT(accepted, 200);
}

TEST(RoundTrip, OldSpellingsArePrintedInTheNewestOnes) {
  auto parsed = parse_template(R"({"apiVersion": "2018-02-01-preview", "properties": {
      "source": {"type": "ISO", "sourceURI": "https://h/a.iso", "sha256Checksum": ")" +
                                   std::string(64, '0') + R"("},
      "customize": [{"type": "shell", "script": "https://h/a.sh"}],
      "distribute": [{"type": "managedImage", "runOutputName": "o", "location": "x", "tags": {"a": "b"},
        "imageId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/i"}]}})",
                               "t.json");
  ASSERT_OK(parsed);
  const auto checked = check_template(*std::move(parsed));
  ASSERT_OK(checked);
  const auto& properties = checked->canonical.at("properties");
  EXPECT_EQ(properties.at("source").at("sourceUri"), "https://h/a.iso");
  EXPECT_EQ(properties.at("customize")[0].at("type"), "Shell");
  EXPECT_EQ(properties.at("customize")[0].at("scriptUri"), "https://h/a.sh");
  EXPECT_EQ(properties.at("distribute")[0].at("artifactTags").at("a"), "b");
}

}  // namespace
}  // namespace kiln
