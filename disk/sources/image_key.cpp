#include "disk/sources/image_key.h"

#include <algorithm>
#include <cctype>
#include <span>
#include <vector>

#include "engine/core/text.h"
#include "engine/core/uri.h"

namespace kiln {
namespace {

constexpr std::string_view kLatest = "latest";

Error bad_key(std::string_view text) {
  return fail(ErrorKind::kInvalidTemplate,
              "Source:BadImageName",
              "\"{}\" is not the name of an image",
              printable(text, 200))
      .cure(
          "write publisher:offer:sku:version, the resource id of a managed image or of a gallery "
          "image version (…/images/DEFINITION/versions/1.2.3), or the https: URI of an installer's "
          "disc");
}

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
  });
}

/// Compares path segments with a pattern in which `*` stands for any one name.
bool matches(std::span<const std::string> segments, std::span<const std::string_view> pattern) {
  return segments.size() == pattern.size() &&
         std::equal(segments.begin(), segments.end(), pattern.begin(), [](const auto& a, auto b) {
           return b == "*" ? is_image_word(a) : equal_ignoring_case(a, b);
         });
}

// "" first, because ids start with a slash.
constexpr std::string_view kManagedImage[] = {"",
                                              "subscriptions",
                                              "*",
                                              "resourceGroups",
                                              "*",
                                              "providers",
                                              "Microsoft.Compute",
                                              "images",
                                              "*"};
constexpr std::string_view kDefinition[] = {"",
                                            "subscriptions",
                                            "*",
                                            "resourceGroups",
                                            "*",
                                            "providers",
                                            "Microsoft.Compute",
                                            "galleries",
                                            "*",
                                            "images",
                                            "*"};
constexpr std::string_view kDirectDefinition[] = {"", "sharedGalleries", "*", "images", "*"};

std::string join(std::span<const std::string> segments) {
  return fmt::format("{}", fmt::join(segments, "/"));
}

Result<ImageKey> parse_resource_id(std::string_view text) {
  const auto segments = split(text, '/');
  const std::span all(segments);
  if (matches(all, kManagedImage)) return ImageKey{ImageKind::kManagedImage, std::string(text), {}};
  if (all.size() < 2 || !equal_ignoring_case(all[all.size() - 2], "versions")) return bad_key(text);
  const auto definition = all.first(all.size() - 2);
  const bool known = matches(definition, kDefinition) || matches(definition, kDirectDefinition);
  if (!known || !is_image_version(all.back())) return bad_key(text);
  return ImageKey{ImageKind::kSharedImageVersion, join(definition), all.back()};
}

/// What follows a question mark is a signature, which changes, and a secret.
Result<ImageKey> parse_disc_uri(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return std::isgraph(static_cast<unsigned char>(c)) != 0 && c != '\'' && c != '"';
  });
  const auto uri = text.substr(0, text.find_first_of("?#"));
  if (!plain || uri.find("://") == std::string_view::npos) return bad_key(text);
  return ImageKey{ImageKind::kIso, std::string(uri), {}};
}

std::string_view without_leading_zeros(std::string_view digits) {
  const auto first = digits.find_first_not_of('0');
  return first == std::string_view::npos ? std::string_view() : digits.substr(first);
}

}  // namespace

bool is_image_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("._-()").find(c) != std::string_view::npos;
  });
}

bool is_image_version(std::string_view text) {
  if (equal_ignoring_case(text, kLatest)) return true;
  const auto parts = split(text, '.');
  return std::all_of(parts.begin(), parts.end(), [](const auto& part) { return is_number(part); });
}

std::string_view to_string(ImageKind kind) {
  switch (kind) {
    case ImageKind::kPlatformImage:
      return "PlatformImage";
    case ImageKind::kManagedImage:
      return "ManagedImage";
    case ImageKind::kSharedImageVersion:
      return "SharedImageVersion";
    case ImageKind::kIso:
      return "ISO";
  }
  return "PlatformImage";
}

std::string ImageKey::text() const {
  switch (kind) {
    case ImageKind::kPlatformImage:
      return family + ":" + version;
    case ImageKind::kManagedImage:
    case ImageKind::kIso:
      return family;
    case ImageKind::kSharedImageVersion:
      return family + "/versions/" + version;
  }
  return family;
}

bool ImageKey::is_latest() const {
  return equal_ignoring_case(version, kLatest);
}

/// Of a URI only the host is without case, and what differs there is written differently.
bool ImageKey::same_family(const ImageKey& other) const {
  if (kind == ImageKind::kIso) return kind == other.kind && family == other.family;
  return kind == other.kind && equal_ignoring_case(family, other.family);
}

bool ImageKey::same_image(const ImageKey& other) const {
  return same_family(other) && equal_ignoring_case(version, other.version);
}

Result<ImageKey> parse_image_key(std::string_view text) {
  if (text.substr(0, 1) == "/") return parse_resource_id(text);
  const auto scheme = to_lower(uri_scheme(text));
  if (scheme == "https" || scheme == "http") return parse_disc_uri(text);
  const auto parts = split(text, ':');
  if (parts.size() != 4 || !is_image_version(parts[3])) return bad_key(text);
  if (!std::all_of(
          parts.begin(), parts.end(), [](const auto& part) { return is_image_word(part); })) {
    return bad_key(text);
  }
  return ImageKey{ImageKind::kPlatformImage, parts[0] + ":" + parts[1] + ":" + parts[2], parts[3]};
}

bool older_version(std::string_view a, std::string_view b) {
  const auto left = split(a, '.');
  const auto right = split(b, '.');
  return std::lexicographical_compare(
      left.begin(), left.end(), right.begin(), right.end(), [](const auto& x, const auto& y) {
        // As text, because a part may be longer than any integer type.
        const auto p = without_leading_zeros(x);
        const auto q = without_leading_zeros(y);
        return p.size() != q.size() ? p.size() < q.size() : p < q;
      });
}

}  // namespace kiln
