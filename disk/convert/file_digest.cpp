#include "disk/convert/file_digest.h"

#include "disk/convert/content_digest.h"
#include "disk/extents/raw_source.h"

namespace kiln {

Result<std::string> file_digest(const std::filesystem::path& path, const CancelToken& cancel) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) {
    return fail(ErrorKind::kIo, "Disk:Stat", "cannot read {}: {}", path.string(), error.message());
  }
  KILN_TRY_ASSIGN(const auto source, open_raw_source(path, size));
  WalkOptions options;
  options.granularity = ContentDigest::kGranule;
  options.cancel = cancel;
  ContentDigest digest;
  const auto add = [&](std::uint64_t offset, Bytes data) -> Result<void> {
    digest.add(offset, data);
    return {};
  };
  KILN_TRY(walk_data(*source, options, add, {}));
  std::string text;
  for (const auto byte : digest.finish(size)) {
    text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  }
  return text;
}

}  // namespace kiln
