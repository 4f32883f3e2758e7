#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/core/bytes.h"
#include "engine/core/cancel.h"
#include "engine/core/result.h"

namespace kiln {

/// A run of bytes that is either known to read as zeros or may hold data.
struct Extent {
  std::uint64_t offset = 0;  ///< bytes
  std::uint64_t length = 0;  ///< bytes
  bool zero = false;
};

/// Read-only random access to a disk's contents, with the map of what is known to be zero.
class BlockSource {
 public:
  virtual ~BlockSource() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;  ///< bytes, a multiple of 512
  /// Ascending, adjacent, covering [0, size) exactly.
  virtual Result<std::vector<Extent>> extents() = 0;
  /// Fills the buffer with what stands at `offset`. Safe from several threads at once.
  virtual Result<void> read(std::uint64_t offset, MutableBytes buffer) = 0;
};

struct WalkOptions {
  std::uint64_t granularity = 64 * kKiB;  ///< zero detection inside data extents; power of two
  std::uint64_t largest_chunk = 4 * kMiB;
  unsigned workers = 1;  ///< threads that read and hand on, the caller's among them
  CancelToken cancel;
};

/// Receives data: offset and length are multiples of the granularity (but for the end of the disk),
/// never more than largest_chunk, first and last granule not all zero. With one worker in ascending
/// order and on the caller's thread; with more of them in no order, from several threads at once.
using ChunkSink = std::function<Result<void>(std::uint64_t offset, Bytes data)>;
/// Bytes of the disk dealt with so far, zeros included; on the caller's thread, never backwards.
using WalkProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// The one way through a disk's contents, for files and uploads alike: holes are never read, zeros
/// never handed on, memory stays at workers x largest_chunk.
Result<void> walk_data(BlockSource& source,
                       const WalkOptions& options,
                       const ChunkSink& sink,
                       const WalkProgress& progress);

}  // namespace kiln
