#pragma once

#include <cstddef>
#include <string_view>

namespace kiln {

inline constexpr std::size_t kHiveHeader = 512;  ///< bytes of a hive that tell its state

enum class HiveState {
  kClean,
  kDirty,    ///< some of what was last written is in its transaction logs only
  kDamaged,  ///< it has no header, or one with a wrong checksum
};

/// What a hive's base block says. Two sequence numbers differ from when Windows begins to write
/// until it has; hivex looks at neither, and knows nothing of the logs.
/// @param header a hive's first kHiveHeader bytes
HiveState hive_state(std::string_view header);

}  // namespace kiln
