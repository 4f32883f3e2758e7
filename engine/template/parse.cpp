#include "engine/template/parse.h"

#include <array>
#include <unordered_set>

#include "engine/core/bytes.h"
#include "engine/core/file.h"
#include "engine/core/text.h"
#include "engine/template/envelope.h"
#include "engine/template/placeholder.h"
#include "engine/template/resolve.h"

namespace kiln {
namespace {

constexpr std::uint64_t kLargestTemplate = 4 * kMiB;  // Azure Resource Manager's limit
constexpr std::int64_t kLongestTimeout = 960;         // OpenAPI: buildTimeoutInMinutes
constexpr std::int64_t kDefaultTimeout = 240;
/// Shorter ones fail in the service, though its schema lets them pass.
constexpr std::int64_t kShortestServiceTimeout = 6;

/// Fields whose value must be final. Inline scripts are not among them: `<EOF>` is ordinary there.
constexpr std::array<std::string_view, 16> kFinalFields = {"publisher",
                                                           "offer",
                                                           "sku",
                                                           "version",
                                                           "imageId",
                                                           "imageVersionId",
                                                           "galleryImageId",
                                                           "path",
                                                           "sourceUri",
                                                           "sourceURI",
                                                           "scriptUri",
                                                           "script",
                                                           "destination",
                                                           "sha256Checksum",
                                                           "runOutputName",
                                                           "uri"};

Result<TemplateItem> read_item(const JsonReader& body) {
  KILN_TRY_ASSIGN(auto type, body.string("type"));
  for (const auto field : kFinalFields) {
    if (const auto found = body.find(field)) KILN_TRY(refuse_placeholder(*found));
  }
  return TemplateItem{std::move(type), body};
}

Result<std::vector<TemplateItem>> read_items(const JsonReader& array) {
  KILN_TRY_ASSIGN(const auto bodies, array.items());
  std::vector<TemplateItem> items;
  for (const auto& body : bodies) {
    KILN_TRY_ASSIGN(auto item, read_item(body));
    items.push_back(std::move(item));
  }
  return items;
}

/// Names of run outputs are ARM resource names, so case does not tell two of them apart. A missing
/// or malformed one is the distributor's to refuse.
Result<void> check_run_outputs(const std::vector<TemplateItem>& distribute) {
  std::unordered_set<std::string> seen;
  for (const auto& item : distribute) {
    const auto field = item.body.find("runOutputName");
    if (!field || !field->value().is_string()) continue;
    KILN_TRY_ASSIGN(const auto name, field->as_string());
    if (name.empty() || seen.insert(to_lower(name)).second) continue;
    return field
        ->error("Template:DuplicateRunOutput",
                fmt::format("two distribute targets have the runOutputName \"{}\"",
                            printable(name, 80)))
        .cure("give each target a runOutputName of its own");
  }
  return {};
}

Result<std::chrono::minutes> read_timeout(const JsonReader& properties,
                                          std::vector<std::string>& notices) {
  const auto field = properties.find("buildTimeoutInMinutes");
  if (!field) return std::chrono::minutes(kDefaultTimeout);
  KILN_TRY_ASSIGN(const auto minutes, field->as_integer(0, kLongestTimeout));
  if (minutes == 0) return std::chrono::minutes(kDefaultTimeout);
  if (minutes < kShortestServiceTimeout) {
    notices.push_back(
        fmt::format("a build time limit of {} min works here, but the service needs {} ({})",
                    minutes,
                    kShortestServiceTimeout,
                    field->where()));
  }
  return std::chrono::minutes(minutes);
}

/// Fields that would change the image or the build. An empty value asks for nothing.
Result<void> refuse_what_is_to_come(const JsonReader& properties) {
  struct Part {
    std::string_view field;
    std::string_view what;
    std::string_view cure;
  };
  for (const auto& [field, what, cure] :
       {Part{
            "optimize", "optimize", "remove it; it only changes how fast the image boots in Azure"},
        Part{"validate", "validate", "remove it and run the checks on the image that is built"},
        Part{"additionalDataDisks", "additionalDataDisks", "remove it"}}) {
    const auto found = properties.find(field);
    if (!found) continue;
    if (!found->value().empty()) return not_yet_supported(*found, what, std::string(cure));
  }
  const auto profile = properties.find("vmProfile");
  const auto disk = profile ? profile->find("osDiskSizeGB") : std::nullopt;
  if (!disk) return {};
  KILN_TRY_ASSIGN(const auto size, disk->as_integer(0, INT32_MAX));
  if (size == 0) return {};  // the schema's word for "as large as the source"
  return not_yet_supported(*disk,
                           "growing the disk (osDiskSizeGB)",
                           "remove it, and use a source image of the size you want");
}

Result<void> check_error_handling(const JsonReader& properties) {
  const auto handling = properties.find("errorHandling");
  if (!handling) return {};
  KILN_TRY(handling->refuse_unknown({"onCustomizerError", "onValidationError"}));
  for (const std::string_view name : {"onCustomizerError", "onValidationError"}) {
    const auto field = handling->find(name);
    if (!field) continue;
    KILN_TRY_ASSIGN(const auto value, field->as_string());
    if (value == "cleanup") continue;
    if (value == "abort") {
      return not_yet_supported(*field,
                               "keeping the build after a failure (abort)",
                               R"(write "cleanup", which is also the default)");
    }
    return field
        ->error("Template:BadValue",
                fmt::format("\"{}\" is not a way to handle errors", printable(value, 40)))
        .cure(R"(write "cleanup" or "abort")");
  }
  return {};
}

Result<std::vector<TemplateItem>> read_distribute(const JsonReader& properties) {
  KILN_TRY_ASSIGN(const auto array, properties.require("distribute"));
  KILN_TRY_ASSIGN(auto items, read_items(array));
  if (items.empty()) {
    return array.error("Template:NoDistribute", "no distribute target is given")
        .cure("add one, e.g. {\"type\": \"VHD\", \"runOutputName\": \"image\"}");
  }
  KILN_TRY(check_run_outputs(items));
  return items;
}

Result<ImageTemplate> read_resource(const JsonReader& resource,
                                    std::string_view document_name,
                                    std::vector<std::string> notices) {
  KILN_TRY(resource.refuse_unknown({"type",
                                    "apiVersion",
                                    "name",
                                    "location",
                                    "tags",
                                    "identity",
                                    "properties",
                                    "dependsOn",
                                    "systemData",
                                    "id"}));
  KILN_TRY(check_resource_type(resource));
  KILN_TRY_ASSIGN(auto api_version, read_api_version(resource));
  KILN_TRY_ASSIGN(auto name, read_name(resource, document_name));
  KILN_TRY_ASSIGN(const auto location, resource.optional_string("location"));
  KILN_TRY_ASSIGN(auto tags, read_tags(resource));
  KILN_TRY_ASSIGN(const auto properties, resource.require("properties"));
  KILN_TRY(properties.refuse_unknown({"source",
                                      "customize",
                                      "distribute",
                                      "optimize",
                                      "validate",
                                      "errorHandling",
                                      "buildTimeoutInMinutes",
                                      "vmProfile",
                                      "additionalDataDisks",
                                      "stagingResourceGroup",
                                      "autoRun",
                                      "managedResourceTags",
                                      "exactStagingResourceGroup",
                                      "provisioningState",
                                      "provisioningError",
                                      "lastRunStatus"}));
  KILN_TRY(note_cloud_fields(resource, notices));
  KILN_TRY(refuse_what_is_to_come(properties));
  KILN_TRY(check_error_handling(properties));
  KILN_TRY_ASSIGN(const auto timeout, read_timeout(properties, notices));
  KILN_TRY_ASSIGN(const auto source_body, properties.require("source"));
  KILN_TRY_ASSIGN(auto source, read_item(source_body));
  std::vector<TemplateItem> customize;
  if (const auto array = properties.find("customize")) {
    KILN_TRY_ASSIGN(customize, read_items(*array));
  }
  KILN_TRY_ASSIGN(auto distribute, read_distribute(properties));
  return ImageTemplate{std::move(name),
                       std::move(api_version),
                       location.value_or(""),
                       std::move(tags),
                       std::move(source),
                       std::move(customize),
                       std::move(distribute),
                       timeout,
                       std::move(notices),
                       {}};
}

}  // namespace

Result<ImageTemplate> parse_template(const std::string& text,
                                     const std::string& name,
                                     const TemplateOptions& options) {
  if (text.size() > kLargestTemplate) {
    return fail(ErrorKind::kInvalidTemplate,
                "Template:TooLarge",
                "the template is larger than {}",
                format_bytes(kLargestTemplate))
        .at(name)
        .cure("move scripts out of it, into files named by scriptUri");
  }
  std::vector<std::string> notices;
  KILN_TRY_ASSIGN(const auto document, JsonReader::parse_relaxed(text, name, notices));
  KILN_TRY(check_document_kind(document));
  KILN_TRY_ASSIGN(auto resolved, resolve_template(document, options, notices));
  KILN_TRY_ASSIGN(auto image_template, read_resource(resolved.resource, name, std::move(notices)));
  image_template.parameters = std::move(resolved.parameters);
  return image_template;
}

Result<ImageTemplate> load_template(const std::filesystem::path& path,
                                    const TemplateOptions& options) {
  auto text = read_file(path, 2 * kLargestTemplate);
  if (!text) return std::move(text).error().cure("check the path of the template");
  return parse_template(*text, path.string(), options);
}

}  // namespace kiln
