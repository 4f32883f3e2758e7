#include "uploaders/cloud/cloud.h"

#include <algorithm>
#include <array>

#include "engine/core/text.h"
#include "uploaders/cloud/cloud_metadata.h"
#include "uploaders/cloud/cloud_profiles.h"
#include "uploaders/transport/url.h"

namespace kiln {
namespace {

struct NamedCloud {
  std::array<std::string_view, 3> names;  ///< the first is az's
  std::string_view resource_manager;
  std::string_view login;
  std::string_view storage_suffix;
};

constexpr std::array kClouds = {
    NamedCloud{{"AzureCloud", "AzurePublicCloud", "public"},
               "https://management.azure.com",
               "https://login.microsoftonline.com",
               "core.windows.net"},
    NamedCloud{{"AzureChinaCloud", "AzureChina", "china"},
               "https://management.chinacloudapi.cn",
               "https://login.partner.microsoftonline.cn",
               "core.chinacloudapi.cn"},
    NamedCloud{{"AzureUSGovernment", "AzureUSGovernmentCloud", "usgovernment"},
               "https://management.usgovcloudapi.net",
               "https://login.microsoftonline.us",
               "core.usgovcloudapi.net"},
};

Result<HttpResponse> ask(HttpSession& session,
                         const std::string& url,
                         std::string_view version,
                         const RetryPolicy& retry,
                         const CancelToken& cancel) {
  const auto make = [&]() -> Result<HttpRequest> {
    return HttpRequest{
        "GET", fmt::format("{}/metadata/endpoints?api-version={}", url, version), {}, {}};
  };
  KILN_TRY_ASSIGN(auto exchange, send_with_retry(session, make, retry, cancel));
  return std::move(exchange.response);
}

}  // namespace

std::optional<Cloud> find_cloud(std::string_view name) {
  for (const auto& known : kClouds) {
    const bool named = std::any_of(known.names.begin(), known.names.end(), [&](auto one) {
      return equal_ignoring_case(one, name);
    });
    if (!named) continue;
    auto cloud = azure_profile();
    cloud.name = known.names.front();
    cloud.resource_manager = known.resource_manager;
    cloud.login = known.login;
    cloud.audience = known.resource_manager;
    cloud.storage_suffix = known.storage_suffix;
    return cloud;
  }
  return std::nullopt;
}

Result<Cloud> discover_cloud(const std::string& url,
                             const HttpOptions& http,
                             const RetryPolicy& retry,
                             const CancelToken& cancel) {
  KILN_TRY_ASSIGN(const auto parsed, parse_url(url));
  if (parsed.scheme != "https" && !is_loopback(parsed)) {
    return fail(ErrorKind::kInvalidTemplate,
                "Cloud:NotEncrypted",
                "{} is not https, and credentials would be sent to whom it names",
                parsed.text())
        .cure("write https://…");
  }
  const auto base = parsed.origin();
  KILN_TRY_ASSIGN(const auto session, open_http_session(http));
  KILN_TRY_ASSIGN(const auto list, ask(*session, base, "2022-09-01", retry, cancel));
  if (list.status == 200 && trim(list.body).starts_with('[')) {
    return parse_cloud_list(list.body, base);
  }
  KILN_TRY_ASSIGN(const auto one, ask(*session, base, "2015-01-01", retry, cancel));
  if (one.status == 200) return parse_stack_hub(one.body, base);
  return fail(ErrorKind::kRemote,
              "Cloud:NoMetadata",
              "{}/metadata/endpoints answers HTTP {}",
              base,
              one.status)
      .cure(
          "give the URL of the cloud's resource manager, e.g. "
          "https://management.REGION.FQDN of an Azure Stack Hub");
}

Result<Cloud> choose_cloud(const std::string& name_or_url,
                           const HttpOptions& http,
                           const RetryPolicy& retry,
                           const CancelToken& cancel) {
  if (auto known = find_cloud(name_or_url)) return *std::move(known);
  if (!is_http_url(name_or_url)) {
    return fail(ErrorKind::kInvalidTemplate,
                "Cloud:Unknown",
                "there is no cloud \"{}\"",
                printable(name_or_url, 60))
        .cure("write public, china, usgovernment, or the URL of the cloud's resource manager");
  }
  auto found = discover_cloud(name_or_url, http, retry, cancel);
  if (found) return found;
  return std::move(found).error().while_doing("asking the cloud for its endpoints");
}

}  // namespace kiln
