#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace kiln {

/// Every api-version of Microsoft.VirtualMachineImages, oldest first, so that `<` is "older than".
enum class ApiVersion {
  k2018Preview,     ///< 2018-02-01-preview: lower-camel discriminators
  k2019Preview,     ///< 2019-02-01-preview
  k2019MayPreview,  ///< 2019-05-01-preview
  k2020,            ///< 2020-02-14
  k2021,            ///< 2021-10-01
  k2022February,    ///< 2022-02-14
  k2022July,        ///< 2022-07-01
  k2023,            ///< 2023-07-01
  k2024,            ///< 2024-02-01: the first that refuses unknown fields and wrong case
  k2025,            ///< 2025-10-01
};

constexpr ApiVersion kOldestVersion = ApiVersion::k2018Preview;
constexpr ApiVersion kNewestVersion = ApiVersion::k2025;

std::string_view to_string(ApiVersion version);
std::optional<ApiVersion> parse_api_version(std::string_view text);
/// Their texts, oldest first.
std::span<const std::string_view> api_version_names();

/// From 2024-02-01 on the service refuses what earlier versions overlooked.
constexpr bool is_strict(ApiVersion version) {
  return version >= ApiVersion::k2024;
}

}  // namespace kiln
