#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>

#include "engine/core/bytes.h"
#include "engine/core/result.h"

namespace kiln {

/// Writes `data` at `offset` of one file and reads it back from the other, which is the same but in
/// tests; fails with Disk:VerifyFailed where something else is found. Threads that write into one
/// file share `turn`: the kernel lets in one at a time, and the others would wait for it spinning.
Result<void> write_verified(int to,
                            int back_from,
                            std::mutex& turn,
                            Bytes data,
                            std::uint64_t offset,
                            const std::filesystem::path& path_for_messages);

}  // namespace kiln
