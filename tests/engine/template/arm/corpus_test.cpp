// Real templates from public repositories, kept outside of this tree: with every placeholder and
// required parameter given, each resolves to the body of an image template, or fails with an error
// that a person can act on.
#include <map>
#include <regex>

#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "engine/template/arm/scope.h"
#include "engine/template/resolve.h"
#include "tests/support/matchers.h"
#include "tests/support/real_templates.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

/// A value that the declaration allows, as one would type it.
std::string invented(const std::string& name, const nlohmann::json& declaration) {
  if (declaration.contains("allowedValues")) {
    const auto& first = declaration["allowedValues"][0];
    return first.is_string() ? first.get<std::string>() : first.dump();
  }
  const auto type = declaration.value("type", declaration.contains("$ref") ? "$ref" : "");
  if (type == "int") return std::to_string(declaration.value("minValue", 1));
  if (type == "bool") return "true";
  if (type == "array") {
    return name == "distributions" ? R"([{"type": "ManagedImage", "imageName": "image"},
                     {"type": "SharedImage", "sharedImageGalleryImageDefinitionResourceId": "/a/b"}])"
                                   : "[]";
  }
  if (name == "managedIdentities") return R"({"userAssignedResourceIds": ["/a/b"]})";
  if (type == "object" || type == "$ref") {
    return name == "imageSource" ? R"({"type": "PlatformImage", "publisher": "p"})" : "{}";
  }
  return std::string(static_cast<std::size_t>(std::max(declaration.value("minLength", 1), 6)), 'x');
}

/// Everything that the file wants to be told.
/// @param placeholders_file is written; a placeholder may stand in a comment, so it may be unused
TemplateOptions answers(const std::string& text, const fs::path& placeholders_file) {
  TemplateOptions options;
  auto placeholders = nlohmann::json::object();
  static const std::regex kPlaceholder("<([A-Za-z0-9_-]{1,64})>");
  for (std::sregex_iterator it(text.begin(), text.end(), kPlaceholder), end; it != end; ++it) {
    placeholders[(*it)[1].str()] = "filled";
  }
  EXPECT_OK(write_file_atomic(placeholders_file, placeholders.dump()));
  options.placeholders = placeholders_file;
  std::map<std::string, std::string> values;
  std::vector<std::string> ignored;
  const auto document = JsonReader::parse_relaxed(text, "", ignored);
  const auto parameters =
      document && document->find("$schema") ? document->find("parameters") : std::nullopt;
  if (parameters) {
    for (const auto& [name, declaration] : parameters->value().items()) {
      if (test::may_be_left_out(declaration, document->value())) continue;
      values[name] = invented(name, declaration);
    }
  }
  options.parameters.assign(values.begin(), values.end());
  return options;
}

void expect_placed(const JsonReader& place, const std::string& file) {
  EXPECT_THAT(place.where(),
              testing::AnyOf(testing::StartsWith(file + ":"), testing::StartsWith("--parameter")));
  if (const auto members = place.members()) {
    for (const auto& [name, member] : *members) expect_placed(member, file);
  } else if (const auto items = place.items()) {
    for (const auto& item : *items) expect_placed(item, file);
  }
}

Result<JsonReader> resolved(const fs::path& path, const fs::path& placeholders) {
  KILN_TRY_ASSIGN(const auto text, read_file(path));
  std::vector<std::string> notices;
  KILN_TRY_ASSIGN(const auto document, JsonReader::parse_relaxed(text, path.string(), notices));
  Diagnostics found;
  auto result = resolve_template(document, answers(text, placeholders), found, notices);
  if (found.has_errors()) return found.first_error();
  return result->resource;
}

TEST(ArmCorpus, RealTemplatesResolveToABody) {
  const auto folder = test::shared_folder() / "templates";
  if (!fs::is_directory(folder)) {
    GTEST_SKIP() << "no real templates at " << folder << "; set KILN_SHARED_DIR";
  }
  const auto scratch = TempDir::create();
  ASSERT_OK(scratch);
  int bodies = 0;
  std::map<std::string, int> failures;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    SCOPED_TRACE(entry.path());
    const auto body = resolved(entry.path(), scratch->path() / "placeholders.json");
    if (!body) {
      ++failures[body.error().code()];
      EXPECT_THAT(body.error().where(), testing::StartsWith(entry.path().string()));
      EXPECT_FALSE(body.error().cure().empty()) << body.error().describe();
      continue;
    }
    ++bodies;
    EXPECT_TRUE(body->find("properties")) << dump_json(body->value(), 1);
    expect_placed(*body, entry.path().string());
  }
  for (const auto& [code, count] : failures) std::printf("%4d %s\n", count, code.c_str());
  std::printf("%4d bodies\n", bodies);
  EXPECT_GE(bodies, 100);
  // The rest are mistakes in the files themselves, such as a parameter that nobody declares.
  int failed = 0;
  for (const auto& [code, count] : failures) failed += count;
  EXPECT_LE(failed * 20, bodies);
}

}  // namespace
}  // namespace kiln
