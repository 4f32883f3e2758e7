#include "engine/sandbox/frozen_disks.h"

#include <set>
#include <sstream>

#include "engine/core/bytes.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

/// The kernel writes blanks and backslashes in names as three octal digits.
std::string unescaped(std::string_view name) {
  constexpr std::size_t kDigits = 3;
  std::string text;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto octal = name.substr(i + 1, kDigits);
    if (name[i] != '\\' || octal.size() < kDigits) {
      text += name[i];
      continue;
    }
    text += static_cast<char>((octal[0] - '0') * 64 + (octal[1] - '0') * 8 + (octal[2] - '0'));
    i += kDigits;
  }
  return text;
}

}  // namespace

std::vector<std::string> writable_mount_points(std::string_view mounts) {
  std::vector<std::string> found;
  std::set<std::string> devices;
  for (const auto& line : split_lines(mounts)) {
    std::istringstream fields(line);
    std::string device;
    std::string mount_point;
    std::string type;
    std::string options;
    fields >> device >> mount_point >> type >> options;
    const bool writable = options == "rw" || options.rfind("rw,", 0) == 0;
    if (device.rfind("/dev/", 0) != 0 || !writable || !devices.insert(device).second) continue;
    found.insert(found.begin(), unescaped(mount_point));
  }
  return found;
}

Result<void> while_frozen(GuestAgent& agent,
                          const std::function<Result<void>()>& work,
                          const CancelToken& cancel) {
  constexpr auto kLongest = std::chrono::seconds(30);
  KILN_TRY_ASSIGN(const auto mounts, agent.get("/proc/mounts", kMiB, cancel));
  return agent.freeze(writable_mount_points(mounts), kLongest, work, cancel);
}

}  // namespace kiln
