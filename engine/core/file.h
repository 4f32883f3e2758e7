#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "engine/core/bytes.h"
#include "engine/core/result.h"
#include "engine/core/unique_fd.h"

namespace kiln {

/// Reads a whole file; refuses one larger than `limit` bytes.
Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t limit = 64 * kMiB);

/// Replaces `path` so that a crash leaves the old or the new contents, never a mixture: temporary
/// file, fsync, rename, fsync of the folder.
Result<void> write_file_atomic(const std::filesystem::path& path,
                               std::string_view contents,
                               unsigned mode = 0644);

Result<void> make_directories(const std::filesystem::path& path);

Result<UniqueFd> open_read_only(const std::filesystem::path& path);

/// Reads exactly `buffer.size()` bytes at `offset`, or says at which offset the file ended.
Result<void> pread_exactly(int fd,
                           MutableBytes buffer,
                           std::uint64_t offset,
                           const std::filesystem::path& path_for_messages);

/// Writes all of `data` at `offset`.
Result<void> pwrite_all(int fd,
                        Bytes data,
                        std::uint64_t offset,
                        const std::filesystem::path& path_for_messages);

}  // namespace kiln
