#include "tests/engine/plan/answers.h"

#include <cctype>
#include <regex>

#include "engine/core/file.h"
#include "engine/core/json.h"
#include "engine/core/text.h"
#include "tests/support/matchers.h"
#include "tests/support/real_templates.h"

namespace kiln::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kGallery =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/x/images/y";

/// The first api-version has types of its own, so its files say which version they are for.
std::string version_of(const std::string& text) {
  static const std::regex kOldest(R"re("type"\s*:\s*"(shell|managedImage|sharedImage)")re");
  return std::regex_search(text, kOldest) ? "2018-02-01-preview" : "2022-07-01";
}

/// A value that a user would give for a placeholder or a parameter, by what its name is about.
std::string value_of(const std::string& name_as_written, const std::string& text) {
  const auto name = to_lower(name_as_written);
  const auto about = [&](std::string_view word) { return name.find(word) != std::string::npos; };
  if (about("checksum")) return std::string(64, 'a');
  if (about("api")) return version_of(text);
  if (about("imgversionid") || about("sourceimageid"))
    return std::string(kGallery) + "/versions/1.2.3";
  // The files append the image's name to it.
  if (about("resgroupid")) {
    return "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/";
  }
  if (about("galleryimageid") || about("sigdefid") || about("definnitionid")) return kGallery;
  if (about("link") || about("url") || about("uri") || about("path")) {
    return "https://example.com/file";
  }
  if (name == "version") return "latest";
  if (about("version")) return "1.2.3";
  std::string plain;  // unlike any other's
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) plain += c;
  }
  return plain;
}

/// The same for what a deployment template declares.
std::string value_of_parameter(const std::string& name,
                               const nlohmann::json& declaration,
                               const std::string& text) {
  if (declaration.contains("allowedValues")) {
    const auto& first = declaration["allowedValues"][0];
    return first.is_string() ? first.get<std::string>() : first.dump();
  }
  const auto type = to_lower(declaration.value("type", "$ref"));
  if (type == "int") return std::to_string(declaration.value("minValue", 6));
  if (type == "bool") return "true";
  if (name == "distributions") {
    return fmt::format(R"([{{"type": "ManagedImage", "imageName": "image"}},
        {{"type": "SharedImage", "sharedImageGalleryImageDefinitionResourceId": "{}"}}])",
                       kGallery);
  }
  if (name == "customizationSteps") return R"([{"type": "Shell", "inline": ["true"]}])";
  if (type == "array") return R"(["true"])";
  if (name == "managedIdentities") return R"({"userAssignedResourceIds": ["/a/b"]})";
  if (name == "imageSource") {
    return R"({"type": "PlatformImage", "publisher": "p", "offer": "o", "sku": "s",
               "version": "latest"})";
  }
  if (type == "object" || type == "$ref") return "{}";
  return value_of(name, text);
}

}  // namespace

Result<std::vector<Expected>> read_table() {
  KILN_TRY_ASSIGN(const auto text,
                  read_file(KILN_SOURCE_DIR "/tests/engine/template/expected/real-templates.tsv"));
  std::vector<Expected> rows;
  for (const auto& line : split_lines(text)) {
    if (line.empty() || line.front() == '#') continue;
    const auto cells = split(line, '\t');
    KILN_CHECK(cells.size() == 6);
    Expected row{cells[0], cells[1], cells[2], cells[3], cells[4], {}};
    if (cells[5] != "-") row.warnings = split(cells[5], ' ');
    rows.push_back(std::move(row));
  }
  return rows;
}

TemplateOptions answers(const std::string& text, const fs::path& placeholders_file) {
  TemplateOptions options;
  auto placeholders = nlohmann::json::object();
  static const std::regex kPlaceholder("<([A-Za-z0-9_-]{1,64})>");
  for (std::sregex_iterator it(text.begin(), text.end(), kPlaceholder), end; it != end; ++it) {
    const auto name = (*it)[1].str();
    placeholders[name] = value_of(name, text);
  }
  EXPECT_OK(write_file_atomic(placeholders_file, placeholders.dump()));
  options.placeholders = placeholders_file;
  std::vector<std::string> ignored;
  const auto document = JsonReader::parse_relaxed(text, "", ignored);
  const auto parameters =
      document && document->find("$schema") ? document->find("parameters") : std::nullopt;
  if (!parameters) return options;
  for (const auto& [name, declaration] : parameters->value().items()) {
    if (may_be_left_out(declaration, document->value())) continue;
    options.parameters.emplace_back(name, value_of_parameter(name, declaration, text));
  }
  return options;
}

}  // namespace kiln::test
