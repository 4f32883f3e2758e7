#include "uploaders/shared_image/version_number.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "engine/core/text.h"

namespace kiln {

std::optional<VersionNumber> parse_version_number(std::string_view text) {
  const auto parts = split(text, '.');
  VersionNumber number{};
  if (parts.size() != number.size()) return std::nullopt;
  for (std::size_t i = 0; i < number.size(); ++i) {
    const char* end = parts[i].data() + parts[i].size();
    const auto [read, error] = std::from_chars(parts[i].data(), end, number.at(i));
    if (error != std::errc() || read != end) return std::nullopt;
  }
  return number;
}

std::string to_string(const VersionNumber& number) {
  return fmt::format("{}", fmt::join(number, "."));
}

Result<VersionNumber> next_version(const std::vector<VersionNumber>& existing, std::int64_t major) {
  std::optional<VersionNumber> highest;
  for (const auto& number : existing) {
    if (major >= 0 && number[0] != major) continue;
    highest = std::max(highest.value_or(number), number);
  }
  if (!highest) {
    if (major < 0) return VersionNumber{1, 0, 0};
    if (major == 0) return VersionNumber{0, 0, 1};
    return VersionNumber{static_cast<std::uint32_t>(major), 0, 0};
  }
  if ((*highest)[2] == std::numeric_limits<std::uint32_t>::max()) {
    return fail(ErrorKind::kUnsupported,
                "SharedImage:NoNextVersion",
                "there is no patch after {}",
                to_string(*highest))
        .cure("name the version at the end of galleryImageId");
  }
  ++(*highest)[2];
  return *highest;
}

}  // namespace kiln
