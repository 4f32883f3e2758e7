#include "engine/template/envelope.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr std::string_view kType = "Microsoft.VirtualMachineImages/imageTemplates";
/// What many published bodies say instead; the service's own command line overlooks it.
constexpr std::string_view kShortType = "Microsoft.VirtualMachineImages";

constexpr std::size_t kLongestName = 64;

/// The OpenAPI's `^[A-Za-z0-9-_.]{1,64}$`.
bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kLongestName &&
         std::all_of(text.begin(), text.end(), is_name_character);
}

}  // namespace

std::optional<JsonReader> find_any_case(const JsonReader& object, std::string_view name) {
  if (auto exact = object.find(name)) return exact;
  const auto members = object.members();
  if (!members) return std::nullopt;
  for (const auto& [key, place] : *members) {
    if (equal_ignoring_case(key, name) && !place.value().is_null()) return place;
  }
  return std::nullopt;
}

std::string name_from_file(std::string_view document_name) {
  auto name = std::filesystem::path(document_name).stem().string().substr(0, kLongestName);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !is_name_character(c); }, '-');
  return name.empty() ? "image" : name;
}

Result<void> check_document_kind(const JsonReader& document) {
  KILN_TRY(document.members());
  if (const auto builders = document.find("builders")) {
    return builders->error("Template:WrongKind", "this is a Packer template, not an image template")
        .cure(fmt::format("pass a {} resource", kType));
  }
  return {};
}

ApiVersion read_api_version(const JsonReader& resource, Diagnostics& found) {
  const auto field = resource.find("apiVersion");
  if (!field) return kNewestVersion;
  const auto text = field->as_string();
  if (!text) return kNewestVersion;  // the record's check says so
  if (const auto version = parse_api_version(*text)) return *version;
  const ContractContext context{kNewestVersion, found};
  const auto names = api_version_names();
  constexpr std::size_t kDate = 10;  // 2024-02-01
  const auto same_day = std::find_if(names.begin(), names.end(), [&](std::string_view name) {
    return text->size() >= kDate && text->substr(0, kDate) == name.substr(0, kDate);
  });
  const std::string near(same_day != names.end() ? std::string(*same_day)
                                                 : nearest_word(*text, names));
  context.error(*field,
                "Template:UnknownApiVersion",
                fmt::format("the api-version \"{}\" is not known", printable(*text, 40)),
                fmt::format("one of {}", fmt::join(names, ", ")),
                near.empty() ? fmt::format("use one of {}", fmt::join(names, ", "))
                             : fmt::format("did you mean \"{}\"?", near));
  return kNewestVersion;
}

void check_resource_type(const Record& resource, const ContractContext& context) {
  if (!resource.has("type")) return;
  const auto type = resource.text("type");
  if (equal_ignoring_case(type, kType) || equal_ignoring_case(type, kShortType)) return;
  context.error(resource.at("type"),
                "Template:WrongType",
                fmt::format("\"{}\" is not the type of an image template", printable(type, 80)),
                std::string(kType),
                fmt::format("write \"{}\"", kType));
}

std::string read_name(const Record& resource,
                      std::string_view document_name,
                      const ContractContext& context) {
  if (!resource.has("name")) return name_from_file(document_name);
  const auto& field = resource.at("name");
  auto name = resource.text("name");
  if (!is_name(name)) {
    context.error(
        field,
        "Template:BadName",
        fmt::format("\"{}\" cannot be the name of an image template", printable(name, 80)),
        fmt::format("1 to {} letters, digits, '-', '_' and '.'", kLongestName),
        fmt::format("use 1 to {} letters, digits, '-', '_' and '.'", kLongestName));
  } else if (context.version < ApiVersion::k2019MayPreview && name.find('.') != std::string::npos) {
    context.warning(field,
                    "Template:BadName",
                    fmt::format("api-version {} of the service allows no dot in a name",
                                to_string(context.version)),
                    "leave the dots out, or raise apiVersion");
  }
  return name;
}

void check_service_needs(const JsonReader& resource,
                         bool deployed,
                         const ContractContext& context) {
  const auto lacks = [&](std::string_view name, std::string_view who) {
    if (find_any_case(resource, name)) return;
    context.warning(resource,
                    "Template:ServiceNeeds",
                    fmt::format("{} refuses a template without \"{}\"; Kiln needs none", who, name),
                    fmt::format("add \"{}\" before the template goes to Azure", name));
  };
  if (deployed) {
    for (const auto name : {"apiVersion", "name"}) lacks(name, "Azure Resource Manager");
  }
  if (!context.versioned) return;
  lacks("location", "the service");
  if (context.version >= ApiVersion::k2020) lacks("identity", "the service");
  const auto identity = find_any_case(resource, "identity");
  const auto list = identity ? find_any_case(*identity, "userAssignedIdentities") : std::nullopt;
  if (!list || !list->value().is_object() || list->value().size() < 2) return;
  context.warning(*list,
                  "Template:ServiceNeeds",
                  "the service takes exactly one identity",
                  "leave one, and give build VMs theirs in vmProfile.userAssignedIdentities");
}

}  // namespace kiln
