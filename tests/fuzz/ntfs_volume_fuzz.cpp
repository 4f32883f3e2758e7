// What is read of an NTFS volume before it is mounted: its first sector, and the record of $Volume
// wherever that says it is.
#include <algorithm>
#include <cstdint>

#include "disk/inspect/windows/ntfs_volume.h"

namespace {

using kiln::Result;

/// A volume of two pieces: what is asked for at 0, and what is asked for anywhere else.
class Pieces final : public kiln::Hives {
 public:
  explicit Pieces(std::string_view bytes)
      : boot_(bytes.substr(0, std::min(bytes.size(), kBoot))),
        record_(bytes.substr(boot_.size())) {}

  Result<std::string> blocks(const std::string& /*device*/,
                             std::uint64_t offset,
                             std::size_t count) override {
    return std::string((offset == 0 ? boot_ : record_).substr(0, count));
  }
  Result<std::unique_ptr<kiln::Hive>> open(const std::string& /*path*/,
                                           Access /*access*/) override {
    return not_asked();
  }
  Result<std::string> head(const std::string& /*path*/, std::size_t /*count*/) override {
    return not_asked();
  }
  Result<bool> ntfs_log_is_clean(const std::string& /*device*/) override { return not_asked(); }
  Result<void> unpack(std::string_view /*tar*/, const std::string& /*folder*/) override {
    return not_asked();
  }

 private:
  static constexpr std::size_t kBoot = 512;
  static kiln::Error not_asked() {
    KILN_CHECK(false);
    return kiln::fail(kiln::ErrorKind::kUnsupported, "Fuzz:NotAsked", "not asked");
  }
  std::string_view boot_;
  std::string_view record_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Pieces volume({reinterpret_cast<const char*>(data), size});
  const auto dirty = kiln::ntfs_is_dirty(volume, "/dev/sda1");
  if (!dirty) KILN_CHECK(!dirty.error().message().empty());
  return 0;
}
