#include "uploaders/cloud/cloud_metadata.h"

#include "engine/core/json.h"
#include "engine/core/text.h"
#include "uploaders/cloud/cloud_profiles.h"
#include "uploaders/transport/url.h"

namespace kiln {
namespace {

constexpr const char* kDocument = "the cloud's metadata";

std::string without_slash(std::string text) {
  while (text.ends_with('/')) text.pop_back();
  return text;
}

Result<std::string> safe_url(const JsonReader& place, std::string_view member) {
  KILN_TRY_ASSIGN(auto text, place.string(member));
  KILN_TRY_ASSIGN(const auto url, parse_url(text));
  if (url.scheme == "https" || is_loopback(url)) return without_slash(std::move(text));
  return fail(ErrorKind::kRemote,
              "Cloud:NotEncrypted",
              "{} in {} is not https",
              printable(text, 120),
              kDocument);
}

/// Where tokens come from: the same members in both forms.
Result<void> read_authentication(const JsonReader& body, Cloud& cloud) {
  KILN_TRY_ASSIGN(const auto authentication, body.require("authentication"));
  KILN_TRY_ASSIGN(cloud.login, safe_url(authentication, "loginEndpoint"));
  KILN_TRY_ASSIGN(const auto audiences, authentication.require("audiences"));
  KILN_TRY_ASSIGN(auto names, audiences.as_strings());
  if (names.empty()) return audiences.error("Cloud:NoAudience", "there is no audience");
  cloud.audience = std::move(names.front());
  KILN_TRY_ASSIGN(const auto provider, authentication.optional_string("identityProvider"));
  // AD FS shows itself by the path of its login endpoint, too, which is its tenant's name.
  if (cloud.login.ends_with("/adfs")) {
    cloud.adfs = true;
    cloud.login.resize(cloud.login.size() - std::string_view("/adfs").size());
  }
  cloud.adfs = cloud.adfs || equal_ignoring_case(provider.value_or(""), "ADFS");
  return {};
}

Result<Cloud> parse_cloud(const JsonReader& body, const std::string& resource_manager) {
  auto cloud = azure_profile();
  cloud.resource_manager = resource_manager;
  KILN_TRY_ASSIGN(cloud.name, body.string("name"));
  KILN_TRY(read_authentication(body, cloud));
  KILN_TRY_ASSIGN(const auto suffixes, body.require("suffixes"));
  KILN_TRY_ASSIGN(cloud.storage_suffix, suffixes.string("storage"));
  return cloud;
}

bool describes(const JsonReader& body, const std::string& resource_manager) {
  const auto own = body.string("resourceManager");
  return own && equal_ignoring_case(without_slash(*own), resource_manager);
}

Error untrusted(const Error& error) {
  // The document is the server's, not the user's template.
  return {ErrorKind::kRemote, error.code(), error.summary()};
}

Result<Cloud> choose_from_list(const std::string& body, const std::string& resource_manager) {
  KILN_TRY_ASSIGN(const auto document, JsonReader::parse(body, kDocument));
  KILN_TRY_ASSIGN(const auto clouds, document.items());
  for (const auto& cloud : clouds) {
    if (describes(cloud, resource_manager)) return parse_cloud(cloud, resource_manager);
  }
  return fail(ErrorKind::kRemote,
              "Cloud:OtherCloud",
              "{} does not name {} as a resource manager",
              kDocument,
              resource_manager)
      .cure("give the URL that the cloud itself uses for its resource manager");
}

Result<Cloud> read_stack_hub(const std::string& body, const std::string& resource_manager) {
  KILN_TRY_ASSIGN(const auto document, JsonReader::parse(body, kDocument));
  KILN_TRY_ASSIGN(const auto url, parse_url(resource_manager));
  auto cloud = stack_hub_profile();
  cloud.name = url.host;
  cloud.resource_manager = resource_manager;
  // Its storage is beside its resource manager, management.REGION.FQDN.
  const auto dot = url.host.find('.');
  cloud.storage_suffix = dot == std::string::npos ? url.host : url.host.substr(dot + 1);
  KILN_TRY(read_authentication(document, cloud));
  return cloud;
}

}  // namespace

Result<Cloud> parse_cloud_list(const std::string& body, const std::string& resource_manager) {
  auto cloud = choose_from_list(body, resource_manager);
  if (cloud) return cloud;
  return untrusted(cloud.error());
}

Result<Cloud> parse_stack_hub(const std::string& body, const std::string& resource_manager) {
  auto cloud = read_stack_hub(body, resource_manager);
  if (cloud) return cloud;
  return untrusted(cloud.error());
}

}  // namespace kiln
