#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/core/bytes.h"
#include "engine/core/result.h"
#include "uploaders/transport/retry.h"

namespace kiln {

/// One Azure: where its services answer, and what they can do. URLs have no slash at their end.
struct Cloud {
  std::string name;              ///< az's name of it, e.g. `AzureCloud`, or its host
  std::string resource_manager;  ///< URL of Azure Resource Manager
  std::string login;             ///< URL of the authority that issues tokens
  std::string audience;          ///< of tokens for the resource manager
  std::string storage_suffix;    ///< `core.windows.net`: blobs are at ACCOUNT.blob.SUFFIX
  std::string storage_audience;  ///< of tokens for blobs; empty where blobs take none
  bool adfs = false;             ///< the authority is AD FS instead of Entra ID
  bool stack_hub = false;

  // API versions by resource type.
  std::string disks_version;
  std::string images_version;
  std::string galleries_version;  ///< empty where there are no compute galleries

  std::string storage_version;          ///< the newest x-ms-version to begin with
  std::uint64_t page_alignment = 0;     ///< bytes that ranges of a page blob should be multiples of
  std::uint64_t largest_page_blob = 0;  ///< bytes
  std::uint64_t largest_disk = 0;       ///< bytes of an OS disk
  bool generation2 = true;              ///< Hyper-V generation 2
  bool disk_upload = true;              ///< managed disks can be uploaded directly
  bool managed_identity = true;
};

/// `public`, `china` or `usgovernment`, or az's names of them, in any case; nothing for another.
std::optional<Cloud> find_cloud(std::string_view name);

/// Asks a resource manager's metadata endpoint about its cloud. One that describes itself as Azure
/// Stack Hub does, without suffixes, gets the profile of an Azure Stack Hub.
/// @param url of the resource manager, e.g. `https://management.local.azurestack.external`
Result<Cloud> discover_cloud(const std::string& url,
                             const HttpOptions& http,
                             const RetryPolicy& retry,
                             const CancelToken& cancel);

/// find_cloud, or discover_cloud for a URL.
Result<Cloud> choose_cloud(const std::string& name_or_url,
                           const HttpOptions& http,
                           const RetryPolicy& retry,
                           const CancelToken& cancel);

}  // namespace kiln
