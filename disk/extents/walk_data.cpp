#include <algorithm>
#include <bit>
#include <deque>
#include <memory>
#include <optional>

#include "disk/extents/block_source.h"
#include "disk/extents/zero.h"

namespace kiln {
namespace {

struct Range {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// The data extents, widened to whole granules, merged where they touch and cut to chunks. Lazy,
/// because a full disk of many TiB has millions of them.
class Chunks {
 public:
  Chunks(std::vector<Extent> extents, std::uint64_t disk_size, const WalkOptions& options)
      : extents_(std::move(extents)), disk_size_(disk_size), options_(options) {}

  [[nodiscard]] std::optional<Range> peek() {
    if (run_.length == 0) run_ = next_run();
    if (run_.length == 0) return std::nullopt;
    return Range{run_.offset, std::min(run_.length, options_.largest_chunk)};
  }

  void drop(const Range& chunk) {
    run_.offset += chunk.length;
    run_.length -= chunk.length;
  }

 private:
  [[nodiscard]] std::uint64_t widened_begin(const Extent& extent) const {
    return extent.offset / options_.granularity * options_.granularity;
  }

  Range next_run() {
    while (next_ < extents_.size() && extents_[next_].zero) ++next_;
    if (next_ == extents_.size()) return {};
    const auto begin = std::max(widened_begin(extents_[next_]), run_.offset);
    auto end = begin;
    for (; next_ < extents_.size(); ++next_) {
      const auto& extent = extents_[next_];
      if (extent.zero) continue;
      if (widened_begin(extent) > end) break;
      end = std::min(disk_size_, round_up(extent.offset + extent.length, options_.granularity));
    }
    return {begin, end - begin};
  }

  std::vector<Extent> extents_;
  std::uint64_t disk_size_;
  const WalkOptions& options_;
  std::size_t next_ = 0;
  Range run_;
};

struct Read {
  std::uint64_t offset = 0;
  Bytes data;
  std::uint64_t ticket = 0;
};

/// Reads under way into one buffer: one large chunk, or many small ones, so that a fragmented disk
/// keeps as many bytes in flight as any other.
struct Batch {
  std::unique_ptr<std::byte[]> buffer;
  std::deque<Read> reads;
};

class Walk {
 public:
  Walk(BlockSource& source, const WalkOptions& options, const ChunkSink& sink)
      : source_(source), options_(options), sink_(sink) {}
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

  /// Whatever is still being read is waited for, because the buffers go.
  ~Walk() {
    for (const auto& batch : in_flight_) {
      for (const auto& read : batch.reads) {
        [[maybe_unused]] const auto ignored = source_.wait(read.ticket);
      }
    }
  }

  Result<void> run(Chunks chunks, const WalkProgress& progress) {
    while (true) {
      while (in_flight_.size() < std::max(1U, options_.reads_in_flight) && chunks.peek()) {
        KILN_TRY(start_batch(chunks));
      }
      if (in_flight_.empty()) return {};
      auto& batch = in_flight_.front();
      while (!batch.reads.empty()) {
        KILN_TRY(options_.cancel.check());
        const auto read = batch.reads.front();
        batch.reads.pop_front();
        KILN_TRY(source_.wait(read.ticket));
        KILN_TRY(hand_on(read));
        if (progress) progress(read.offset + read.data.size(), source_.size());
      }
      spare_.push_back(std::move(batch.buffer));
      in_flight_.pop_front();
    }
  }

 private:
  Result<void> start_batch(Chunks& chunks) {
    auto& batch = in_flight_.emplace_back();
    if (spare_.empty()) {
      batch.buffer = std::make_unique_for_overwrite<std::byte[]>(options_.largest_chunk);
    } else {
      batch.buffer = std::move(spare_.back());
      spare_.pop_back();
    }
    MutableBytes room(batch.buffer.get(), options_.largest_chunk);
    for (auto chunk = chunks.peek(); chunk && chunk->length <= room.size(); chunk = chunks.peek()) {
      const auto target = room.first(chunk->length);
      KILN_TRY_ASSIGN(const auto ticket, source_.start_read(chunk->offset, target));
      batch.reads.push_back({chunk->offset, target, ticket});
      room = room.subspan(chunk->length);
      chunks.drop(*chunk);
    }
    return {};
  }

  /// Splits a chunk at its zero granules and leaves those out.
  Result<void> hand_on(const Read& read) {
    const auto granule_at = [&](std::size_t at) {
      return read.data.subspan(at, std::min(options_.granularity, read.data.size() - at));
    };
    std::size_t at = 0;
    while (at < read.data.size()) {
      while (at < read.data.size() && is_zero(granule_at(at))) at += granule_at(at).size();
      const auto begin = at;
      while (at < read.data.size() && !is_zero(granule_at(at))) at += granule_at(at).size();
      if (at > begin) KILN_TRY(sink_(read.offset + begin, read.data.subspan(begin, at - begin)));
    }
    return {};
  }

  BlockSource& source_;
  const WalkOptions& options_;
  const ChunkSink& sink_;
  std::deque<Batch> in_flight_;
  std::vector<std::unique_ptr<std::byte[]>> spare_;
};

}  // namespace

Result<void> walk_data(BlockSource& source,
                       const WalkOptions& options,
                       const ChunkSink& sink,
                       const WalkProgress& progress) {
  KILN_CHECK(std::has_single_bit(options.granularity) && options.largest_chunk > 0 &&
             options.largest_chunk % options.granularity == 0);
  KILN_TRY(options.cancel.check());
  KILN_TRY_ASSIGN(auto extents, source.extents());
  Walk walk(source, options, sink);
  KILN_TRY(walk.run(Chunks(std::move(extents), source.size(), options), progress));
  if (progress) progress(source.size(), source.size());
  return {};
}

}  // namespace kiln
