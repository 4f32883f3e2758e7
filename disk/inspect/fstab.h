#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kiln {

/// One line of fstab(5), unescaped.
struct FstabEntry {
  std::string spec;  ///< `/dev/sda1`, `UUID=…`, `tmpfs`, …
  std::string mount_point;
  std::string type;
  std::vector<std::string> options;
  int line = 0;  ///< counted from 1

  [[nodiscard]] bool has_option(std::string_view name) const;
  /// The value of `name=value`; empty where it is not given.
  [[nodiscard]] std::string option_value(std::string_view name) const;
};

/// Reads what mount(8) reads: comments, blank lines and lines without a mount point are passed
/// over, missing fields get their defaults.
std::vector<FstabEntry> parse_fstab(std::string_view text);

}  // namespace kiln
