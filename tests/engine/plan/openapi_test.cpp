// The records against the service's own descriptions of all api-versions, which are data outside of
// this tree: nothing is forgotten and nothing is made up. And the documentation against the
// records.
#include <cstdlib>
#include <set>

#include "engine/core/file.h"
#include "engine/plan/contract_types.h"
#include "tests/support/matchers.h"
#include "tests/support/real_templates.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

fs::path specification(ApiVersion version) {
  const auto base =
      test::shared_folder() / "azure-specs" / fmt::format("imagebuilder-{}", to_string(version));
  const auto derived = fs::path(base.string() + ".derived.json");
  return fs::exists(derived) ? derived : fs::path(base.string() + ".json");
}

/// The paths of all fields of a description's object, in `path[].field` form.
class Description {
  /// A copy, because a range must outlive its loop.
  static Json member(const Json& object, const char* name) {
    return object.contains(name) ? object.at(name) : Json();
  }

 public:
  explicit Description(const Json& document) : definitions_(document.at("definitions")) {}

  std::set<std::string> fields(const std::string& definition) const {
    std::set<std::string> found;
    collect(definitions_.at(definition), "", found);
    return found;
  }

  /// The definition whose discriminator is `type` below `base`; empty where there is none.
  std::string definition_of(const std::string& base, std::string_view type) const {
    for (const auto& [name, definition] : definitions_.items()) {
      if (definition.value("x-ms-discriminator-value", "") != type) continue;
      const auto parents = member(definition, "allOf");
      for (const auto& parent : parents) {
        if (last_segment(parent.value("$ref", "")) == base) return name;
      }
    }
    return {};
  }

  /// Discriminators of all definitions below `base`.
  std::set<std::string> types(const std::string& base) const {
    std::set<std::string> found;
    for (const auto& [name, definition] : definitions_.items()) {
      const auto parents = member(definition, "allOf");
      for (const auto& parent : parents) {
        if (last_segment(parent.value("$ref", "")) != base) continue;
        found.insert(definition.value("x-ms-discriminator-value", ""));
      }
    }
    return found;
  }

 private:
  static std::string last_segment(const std::string& reference) {
    return reference.substr(reference.rfind('/') + 1);
  }

  const Json& follow(const Json& value) const {
    const auto reference = value.value("$ref", "");
    const auto name = last_segment(reference);
    return !reference.empty() && definitions_.contains(name) ? definitions_.at(name) : value;
  }

  /// What only readers of the service get, and what the registries know.
  static bool is_opaque(const std::string& path) {
    static const std::set<std::string> kOpaque = {"properties.source",
                                                  "properties.customize",
                                                  "properties.distribute",
                                                  "properties.validate.inVMValidations",
                                                  "properties.provisioningError",
                                                  "properties.lastRunStatus",
                                                  "identity.userAssignedIdentities",
                                                  "systemData"};
    return kOpaque.contains(path);
  }

  void collect(const Json& object, const std::string& prefix, std::set<std::string>& found) const {
    const auto parents = member(object, "allOf");
    for (const auto& parent : parents) {
      collect(follow(parent), prefix, found);
    }
    // Versioning schemes are told apart by a member of their own.
    if (object.value("discriminator", "") == "scheme") {
      for (const auto& [name, definition] : definitions_.items()) {
        const auto bases = member(definition, "allOf");
        for (const auto& base : bases) {
          if (&follow(base) != &object) continue;
          const auto members = member(definition, "properties");
          for (const auto& [name_of_member, schema] : members.items()) {
            found.insert(prefix + name_of_member);
          }
        }
      }
    }
    const auto properties = member(object, "properties");
    for (const auto& [name, schema] : properties.items()) {
      if (prefix.empty() && name == "type" && object.contains("discriminator")) continue;
      const auto path = prefix + name;
      found.insert(path);
      if (is_opaque(path)) continue;
      const bool array = schema.contains("items");
      collect(follow(array ? schema.at("items") : schema), path + (array ? "[]." : "."), found);
    }
  }

  const Json& definitions_;
};

/// The same of our own record, as that api-version writes it.
void collect(const RecordType& type,
             ApiVersion version,
             const std::string& prefix,
             std::set<std::string>& found) {
  for (const auto& field : type.fields) {
    if (field.extension || field.envelope) continue;
    if (version < field.since || version > field.until) continue;
    const bool former = !field.former.empty() && version <= field.former_until;
    const auto path = prefix + std::string(former ? field.former : field.name);
    found.insert(path);
    if (field.object == nullptr) continue;
    collect(
        *field.object, version, path + (field.kind == FieldKind::kObjects ? "[]." : "."), found);
  }
}

class OpenApi : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    version_ = static_cast<ApiVersion>(GetParam());
    const auto path = specification(version_);
    if (!fs::exists(path)) {
      GTEST_SKIP() << "no service description at " << path << "; set KILN_SHARED_DIR";
    }
    const auto text = read_file(path);
    ASSERT_OK(text);
    document_ = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
    ASSERT_TRUE(document_.is_object());
  }

  ApiVersion version_ = kNewestVersion;
  Json document_;
};

TEST_P(OpenApi, HasTheFieldsOfTheResource) {
  const Description description(document_);
  auto theirs = description.fields("ImageTemplate");
  // Of every resource of Azure Resource Manager, and in this contract's records as the envelope.
  for (const auto* name : {"id", "name", "type", "systemData"}) theirs.erase(name);
  theirs.insert({"location", "tags"});  // in some versions they are in a file that is not here
  std::set<std::string> ours;
  collect(*contract_types().front().type, version_, "", ours);
  EXPECT_EQ(ours, theirs);
}

TEST_P(OpenApi, HasTheFieldsOfEachType) {
  const Description description(document_);
  const std::map<std::string_view, std::string> bases = {
      {"source", "ImageTemplateSource"},
      {"customize", "ImageTemplateCustomizer"},
      {"validate", "ImageTemplateInVMValidator"},
      {"distribute", "ImageTemplateDistributor"}};
  std::map<std::string, std::set<std::string>> seen;
  for (const auto& entry : contract_types()) {
    if (entry.group.empty() || entry.type->extension) continue;
    if (version_ < entry.since || version_ > entry.type->until) continue;
    const bool first = version_ == kOldestVersion && !entry.type->former.empty();
    const std::string name(first ? entry.type->former : entry.type->name);
    const auto& base = bases.at(entry.group);
    const auto definition = description.definition_of(base, name);
    SCOPED_TRACE(fmt::format("{} {}", entry.group, name));
    EXPECT_FALSE(definition.empty()) << "the description has no such type";
    if (definition.empty()) continue;
    seen[base].insert(name);
    std::set<std::string> ours;
    collect(*entry.type, version_, "", ours);
    auto theirs = description.fields(definition);
    // The description says artifactTags where the samples of these versions say tags.
    if (theirs.erase("artifactTags") > 0)
      theirs.insert(ours.contains("tags") ? "tags" : "artifactTags");
    EXPECT_EQ(ours, theirs);
  }
  for (const auto& [group, base] : bases) {
    if (document_.at("definitions").contains(base)) {
      EXPECT_EQ(seen[base], description.types(base));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AllVersions,
                         OpenApi,
                         testing::Range(0, static_cast<int>(kNewestVersion) + 1),
                         [](const auto& test) {
                           std::string name(to_string(static_cast<ApiVersion>(test.param)));
                           std::erase(name, '-');
                           return "v" + name;
                         });

TEST(ContractDocument, IsWhatTheRecordsSay) {
  const auto path = KILN_SOURCE_DIR "/docs/template-contract.md";
  if (std::getenv("KILN_ACCEPT") != nullptr) {
    ASSERT_OK(write_file_atomic(path, contract_document()));
    GTEST_SKIP() << "written anew";
  }
  const auto text = read_file(path);
  ASSERT_OK(text);
  EXPECT_EQ(*text, contract_document());
}

}  // namespace
}  // namespace kiln
