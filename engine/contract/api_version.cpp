#include "engine/contract/api_version.h"

#include <array>

#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr std::array<std::string_view, 10> kNames = {"2018-02-01-preview",
                                                     "2019-02-01-preview",
                                                     "2019-05-01-preview",
                                                     "2020-02-14",
                                                     "2021-10-01",
                                                     "2022-02-14",
                                                     "2022-07-01",
                                                     "2023-07-01",
                                                     "2024-02-01",
                                                     "2025-10-01"};

}  // namespace

std::string_view to_string(ApiVersion version) {
  return kNames.at(static_cast<std::size_t>(version));
}

std::optional<ApiVersion> parse_api_version(std::string_view text) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (equal_ignoring_case(kNames.at(i), text)) return static_cast<ApiVersion>(i);
  }
  return std::nullopt;
}

std::span<const std::string_view> api_version_names() {
  return kNames;
}

}  // namespace kiln
