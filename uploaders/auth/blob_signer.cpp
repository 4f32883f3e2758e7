#include "uploaders/auth/blob_signer.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "engine/core/text.h"
#include "uploaders/auth/storage_credential.h"

namespace kiln {
namespace {

/// The oldest that Azure Stack Hub in use and Azure both take; a read needs no newer one.
constexpr const char* kServiceVersion = "2017-11-09";
constexpr std::array<std::string_view, 3> kMicrosoftClouds = {
    ".blob.core.windows.net", ".blob.core.usgovcloudapi.net", ".blob.core.chinacloudapi.cn"};

/// `ACCOUNT.blob.SUFFIX`, or an emulator on this host.
bool is_blob_host(const BlobLocation& location) {
  const auto& host = location.url.host;
  if (location.path_style) return host == "localhost" || host.starts_with("127.");
  return host.substr(host.find('.')).starts_with(".blob.");
}

bool may_see_sas(const BlobLocation& location) {
  const auto host = to_lower(location.url.host);
  return location.path_style ||
         std::any_of(kMicrosoftClouds.begin(), kMicrosoftClouds.end(), [&](auto suffix) {
           return std::string_view(host).ends_with(suffix);
         });
}

}  // namespace

RequestSigner make_blob_signer(const Environment& environment, Redactor& redactor) {
  return [&](HttpRequest& request) -> Result<bool> {
    const auto location = parse_blob_location(request.url);
    if (!location || !location->sas.empty() || !is_blob_host(*location)) return false;
    auto credential = find_storage_credential(*location, environment, redactor);
    if (!credential) {
      const auto& code = credential.error().code();
      if (code == "Auth:NoCredential" || code == "Auth:OtherAccount") return false;
      return std::move(credential).error();
    }
    if (std::holds_alternative<SasToken>(credential->value) && !may_see_sas(*location)) {
      return false;
    }
    request.headers.add("x-ms-version", kServiceVersion);
    KILN_TRY(authorize(*credential, std::chrono::system_clock::now(), request));
    return true;
  };
}

}  // namespace kiln
