#include "uploaders/resource_id.h"

#include <algorithm>
#include <cctype>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr std::size_t kMostVersionDigits = 10;
constexpr std::string_view kImage = "/subscriptions/*/resourceGroups/*/providers/Microsoft.Compute";

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("._-(){}").find(c) != std::string_view::npos;
  });
}

/// Compares segment by segment; `*` in the pattern is any one name.
bool matches(std::span<const std::string> segments, const std::string& pattern) {
  const auto wanted = split(pattern, '/');
  return std::equal(segments.begin(),
                    segments.end(),
                    wanted.begin(),
                    wanted.end(),
                    [](const auto& have, const auto& want) {
                      return want == "*" ? is_name(have) : equal_ignoring_case(have, want);
                    });
}

/// Three numbers of at most 32 bits, as gallery versions have.
bool is_gallery_version(std::string_view text) {
  const auto parts = split(text, '.');
  return parts.size() == 3 && std::all_of(parts.begin(), parts.end(), [](const auto& part) {
           return !part.empty() && part.size() <= kMostVersionDigits &&
                  part.find_first_not_of("0123456789") == std::string::npos;
         });
}

}  // namespace

bool is_managed_image_id(std::string_view text) {
  return matches(split(text, '/'), fmt::format("{}/images/*", kImage));
}

bool is_storage_account_id(std::string_view text, std::string_view name) {
  constexpr const char* kPattern =
      "/subscriptions/*/resourceGroups/*/providers/Microsoft.Storage/storageAccounts/{}";
  return matches(split(text, '/'), fmt::format(fmt::runtime(kPattern), name));
}

std::string resource_group_of(std::string_view id) {
  constexpr std::ptrdiff_t kParts = 5;  // the first one is empty
  const auto segments = split(id, '/');
  const auto count = std::min<std::ptrdiff_t>(std::ssize(segments), kParts);
  return fmt::format("{}", fmt::join(segments.begin(), segments.begin() + count, "/"));
}

std::optional<GalleryTarget> parse_gallery_target(std::string_view text) {
  const auto pattern = fmt::format("{}/galleries/*/images/*", kImage);
  const auto segments = split(text, '/');
  const std::span all(segments);
  if (matches(all, pattern)) return GalleryTarget{std::string(text), {}};
  if (all.size() < 3 || !equal_ignoring_case(all[all.size() - 2], "versions")) return std::nullopt;
  if (!matches(all.first(all.size() - 2), pattern) || !is_gallery_version(all.back())) {
    return std::nullopt;
  }
  return GalleryTarget{fmt::format("{}", fmt::join(all.first(all.size() - 2), "/")), all.back()};
}

}  // namespace kiln
