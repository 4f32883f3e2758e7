#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/result.h"

namespace kiln {

/// The types of values that are of interest, as winnt.h numbers them (REG_*).
namespace registry_type {
inline constexpr std::uint32_t kString = 1;
inline constexpr std::uint32_t kExpandString = 2;
inline constexpr std::uint32_t kDword = 4;
inline constexpr std::uint32_t kMultiString = 7;
}  // namespace registry_type

struct RegistryValue {
  std::uint32_t type = 0;
  std::string data;  ///< bytes as the hive has them: texts are UTF-16LE with a zero, numbers LE
};

/// A file of the registry, open. Keys are paths from its root, with backslashes and without one in
/// front; neither they nor names know upper from lower case.
class Hive {
 public:
  virtual ~Hive() = default;
  virtual Result<bool> has_key(std::string_view key) = 0;
  /// Nothing where the key or the value is absent.
  virtual Result<std::optional<RegistryValue>> value(std::string_view key,
                                                     const std::string& name) = 0;
  /// The names of the keys right below, in the hive's order; none where the key is absent.
  virtual Result<std::vector<std::string>> keys(std::string_view key) = 0;
  /// Makes the last part of `key`, whose parent has to be there; an error where it is there.
  virtual Result<void> add_key(std::string_view key) = 0;
  virtual Result<void> set_value(std::string_view key,
                                 const std::string& name,
                                 const RegistryValue& value) = 0;
  /// With all that is in it; an error where it is absent.
  virtual Result<void> remove_key(std::string_view key) = 0;
  /// Writes the file. Without it nothing is changed.
  virtual Result<void> commit() = 0;
};

/// Opens hives of what is mounted, in the virtual machine: an image's hive is never parsed in
/// Kiln's own process.
class Hives {
 public:
  virtual ~Hives() = default;
  enum class Access { kRead, kWrite };
  /// One at a time: the hive before must be gone.
  virtual Result<std::unique_ptr<Hive>> open(const std::string& path, Access access) = 0;
  /// The first bytes of a file however large, fewer where it is shorter.
  virtual Result<std::string> head(const std::string& path, std::size_t count) = 0;
  /// Bytes of a device.
  virtual Result<std::string> blocks(const std::string& device,
                                     std::uint64_t offset,
                                     std::size_t count) = 0;
  /// Whether NTFS's log is empty of what is not in the volume yet, as ntfs-3g finds it. Of a
  /// hibernated volume it is not asked: then true.
  /// @param device that is not mounted
  virtual Result<bool> ntfs_log_is_clean(const std::string& device) = 0;
  /// Unpacks a tar archive into a folder of what is mounted, with extended attributes.
  virtual Result<void> unpack(std::string_view tar, const std::string& folder) = 0;
};

}  // namespace kiln
