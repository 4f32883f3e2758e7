#include "disk/convert/write_verified.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/core/file.h"

namespace kiln {

Result<void> write_verified(int to,
                            int back_from,
                            std::mutex& turn,
                            Bytes data,
                            std::uint64_t offset,
                            const std::filesystem::path& path_for_messages) {
  {
    const std::lock_guard lock(turn);
    KILN_TRY(pwrite_all(to, data, offset, path_for_messages));
  }
  // In pieces, so that the comparison adds little to what the processor's cache has to hold.
  std::array<std::byte, 64 * kKiB> buffer;
  while (!data.empty()) {
    const auto piece = MutableBytes(buffer).first(std::min(data.size(), buffer.size()));
    KILN_TRY(pread_exactly(back_from, piece, offset, path_for_messages));
    if (std::memcmp(piece.data(), data.data(), piece.size()) != 0) {
      return fail(ErrorKind::kIo,
                  "Disk:VerifyFailed",
                  "{} was read back between {} and {} with other contents than were written",
                  path_for_messages.string(),
                  offset,
                  offset + piece.size())
          .cure("check the host's disk and memory");
    }
    data = data.subspan(piece.size());
    offset += piece.size();
  }
  return {};
}

}  // namespace kiln
