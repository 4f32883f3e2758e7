#include "engine/template/envelope.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

#include "engine/core/text.h"
#include "engine/template/placeholder.h"

namespace kiln {
namespace {

constexpr std::string_view kType = "Microsoft.VirtualMachineImages/imageTemplates";
/// What many published bodies say instead; the service's own command line overlooks it.
constexpr std::string_view kShortType = "Microsoft.VirtualMachineImages";

/// Every version in Azure/azure-rest-api-specs, oldest first.
constexpr std::array<std::string_view, 10> kApiVersions = {"2018-02-01-preview",
                                                           "2019-02-01-preview",
                                                           "2019-05-01-preview",
                                                           "2020-02-14",
                                                           "2021-10-01",
                                                           "2022-02-14",
                                                           "2022-07-01",
                                                           "2023-07-01",
                                                           "2024-02-01",
                                                           "2025-10-01"};

constexpr std::size_t kLongestName = 64;

/// The OpenAPI's `^[A-Za-z0-9-_.]{1,64}$`.
bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kLongestName &&
         std::all_of(text.begin(), text.end(), is_name_character);
}

std::string name_from_file(std::string_view document_name) {
  auto name = std::filesystem::path(document_name).stem().string().substr(0, kLongestName);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !is_name_character(c); }, '-');
  return name.empty() ? "image" : name;
}

enum class Shape { kAny, kString, kStrings, kObject, kArray };

Result<void> check_shape(const JsonReader& place, Shape shape) {
  switch (shape) {
    case Shape::kAny:
      return {};
    case Shape::kString:
      KILN_TRY(place.as_string());
      return {};
    case Shape::kStrings:
      KILN_TRY(place.as_strings());
      return {};
    case Shape::kObject:
      KILN_TRY(place.members());
      return {};
    case Shape::kArray:
      KILN_TRY(place.items());
      return {};
  }
  return {};
}

struct CloudField {
  std::string_view name;
  Shape shape;
  std::string_view reason;
};

constexpr std::array kResourceFields = {
    CloudField{"identity", Shape::kObject, "credentials come from the command line's environment"},
    CloudField{"dependsOn", Shape::kArray, "nothing is deployed"},
    CloudField{"systemData", Shape::kObject, "it is read-only"},
    CloudField{"id", Shape::kString, "it is read-only"},
};

constexpr std::array kPropertyFields = {
    CloudField{"stagingResourceGroup", Shape::kString, "no resource group is used"},
    CloudField{"managedResourceTags", Shape::kObject, "no Azure resources are made for the build"},
    CloudField{"autoRun", Shape::kObject, "a build runs when `kiln build` is called"},
    CloudField{"exactStagingResourceGroup", Shape::kString, "it is read-only"},
    CloudField{"provisioningState", Shape::kString, "it is read-only"},
    CloudField{"provisioningError", Shape::kObject, "it is read-only"},
    CloudField{"lastRunStatus", Shape::kObject, "it is read-only"},
};

constexpr std::array kProfileFields = {
    CloudField{"vmSize", Shape::kString, "the sandbox is sized by --memory and --cpus"},
    CloudField{"vnetConfig", Shape::kObject, "the sandbox has no Azure network"},
    CloudField{"userAssignedIdentities", Shape::kStrings, "the sandbox has no Azure identity"},
};

template <std::size_t N>
Result<void> note_fields(const JsonReader& object,
                         const std::array<CloudField, N>& fields,
                         std::vector<std::string>& notices) {
  for (const auto& field : fields) {
    const auto found = object.find(field.name);
    if (!found) continue;
    KILN_TRY(check_shape(*found, field.shape));
    notices.push_back(fmt::format(
        "{} has no meaning offline: {} ({})", field.name, field.reason, found->where()));
  }
  return {};
}

Result<void> note_profile(const JsonReader& properties, std::vector<std::string>& notices) {
  const auto profile = properties.find("vmProfile");
  if (!profile) return {};
  KILN_TRY(
      profile->refuse_unknown({"vmSize", "osDiskSizeGB", "vnetConfig", "userAssignedIdentities"}));
  KILN_TRY(note_fields(*profile, kProfileFields, notices));
  const auto network = profile->find("vnetConfig");
  if (!network) return {};
  return network->refuse_unknown({"subnetId", "proxyVmSize", "containerInstanceSubnetId"});
}

}  // namespace

Result<void> check_document_kind(const JsonReader& document) {
  KILN_TRY(document.members());
  if (const auto builders = document.find("builders")) {
    return builders->error("Template:WrongKind", "this is a Packer template, not an image template")
        .cure(fmt::format("pass a {} resource", kType));
  }
  return {};
}

Result<void> check_resource_type(const JsonReader& resource) {
  const auto field = resource.find("type");
  if (!field) return {};
  KILN_TRY_ASSIGN(const auto type, field->as_string());
  if (equal_ignoring_case(type, kType) || equal_ignoring_case(type, kShortType)) return {};
  return field
      ->error("Template:WrongType",
              fmt::format("\"{}\" is not the type of an image template", printable(type, 80)))
      .cure(fmt::format("write \"{}\"", kType));
}

Result<std::string> read_api_version(const JsonReader& resource) {
  const auto field = resource.find("apiVersion");
  if (!field) return std::string();
  KILN_TRY_ASSIGN(auto version, field->as_string());
  const auto known =
      std::find(kApiVersions.begin(), kApiVersions.end(), version) != kApiVersions.end();
  if (known) return version;
  return field
      ->error("Template:UnknownApiVersion",
              fmt::format("the api-version \"{}\" is not known", printable(version, 40)))
      .cure(fmt::format("use one of {}", fmt::join(kApiVersions, ", ")));
}

Result<std::string> read_name(const JsonReader& resource, std::string_view document_name) {
  const auto field = resource.find("name");
  if (!field) return name_from_file(document_name);
  KILN_TRY(refuse_placeholder(*field));
  KILN_TRY_ASSIGN(auto name, field->as_string());
  if (is_name(name)) return name;
  return field
      ->error("Template:BadName",
              fmt::format("\"{}\" cannot be the name of an image template", printable(name, 80)))
      .cure(fmt::format("use 1 to {} letters, digits, '-', '_' and '.'", kLongestName));
}

Result<std::map<std::string, std::string>> read_tags(const JsonReader& resource) {
  std::map<std::string, std::string> tags;
  const auto field = resource.find("tags");
  if (!field) return tags;
  KILN_TRY_ASSIGN(const auto members, field->members());
  for (const auto& [key, member] : members) {
    KILN_TRY_ASSIGN(tags[key], member.as_string());
  }
  return tags;
}

Result<void> note_cloud_fields(const JsonReader& resource, std::vector<std::string>& notices) {
  KILN_TRY(note_fields(resource, kResourceFields, notices));
  KILN_TRY_ASSIGN(const auto properties, resource.require("properties"));
  KILN_TRY(note_fields(properties, kPropertyFields, notices));
  return note_profile(properties, notices);
}

}  // namespace kiln
