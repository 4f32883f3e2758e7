#include <algorithm>
#include <bit>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

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

  std::optional<Range> next() {
    if (run_.length == 0) run_ = next_run();
    if (run_.length == 0) return std::nullopt;
    const Range chunk{run_.offset, std::min(run_.length, options_.largest_chunk)};
    run_.offset += chunk.length;
    run_.length -= chunk.length;
    return chunk;
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

/// The workers' common state.
class Walk {
 public:
  Walk(BlockSource& source, const WalkOptions& options, const ChunkSink& sink, Chunks chunks)
      : source_(source), options_(options), sink_(sink), chunks_(std::move(chunks)) {}

  Result<void> run(const WalkProgress& progress) {
    {
      std::vector<std::jthread> others;
      for (unsigned i = 1; i < options_.workers; ++i) {
        others.emplace_back([this] { work({}); });
      }
      work(progress);
    }
    return std::move(result_);
  }

 private:
  /// A worker's whole life; the caller's is the one that tells of progress.
  void work(const WalkProgress& progress) {
    const auto buffer = std::make_unique_for_overwrite<std::byte[]>(options_.largest_chunk);
    while (const auto chunk = next()) {
      if (auto done = deal_with(*chunk, MutableBytes(buffer.get(), chunk->length)); !done) {
        return stop(std::move(done));
      }
      if (progress) progress(chunk->offset + chunk->length, source_.size());
    }
  }

  /// Nothing at the end, or when another worker has failed.
  std::optional<Range> next() {
    const std::lock_guard lock(mutex_);
    return result_ ? chunks_.next() : std::nullopt;
  }

  Result<void> deal_with(const Range& chunk, MutableBytes buffer) {
    KILN_TRY(options_.cancel.check());
    KILN_TRY(source_.read(chunk.offset, buffer));
    return hand_on(chunk.offset, buffer);
  }

  void stop(Result<void> failed) {
    const std::lock_guard lock(mutex_);
    if (result_) result_ = std::move(failed);
  }

  /// Splits a chunk at its zero granules and leaves those out.
  Result<void> hand_on(std::uint64_t offset, Bytes data) {
    const auto granule_at = [&](std::size_t at) {
      return data.subspan(at, std::min(options_.granularity, data.size() - at));
    };
    std::size_t at = 0;
    while (at < data.size()) {
      while (at < data.size() && is_zero(granule_at(at))) at += granule_at(at).size();
      const auto begin = at;
      while (at < data.size() && !is_zero(granule_at(at))) at += granule_at(at).size();
      if (at > begin) KILN_TRY(sink_(offset + begin, data.subspan(begin, at - begin)));
    }
    return {};
  }

  BlockSource& source_;
  const WalkOptions& options_;
  const ChunkSink& sink_;
  std::mutex mutex_;
  Chunks chunks_;
  Result<void> result_;  ///< the first failure
};

}  // namespace

Result<void> walk_data(BlockSource& source,
                       const WalkOptions& options,
                       const ChunkSink& sink,
                       const WalkProgress& progress) {
  KILN_CHECK(std::has_single_bit(options.granularity) && options.largest_chunk > 0 &&
             options.largest_chunk % options.granularity == 0 && options.workers > 0);
  KILN_TRY(options.cancel.check());
  KILN_TRY_ASSIGN(auto extents, source.extents());
  Chunks chunks(std::move(extents), source.size(), options);
  KILN_TRY(Walk(source, options, sink, std::move(chunks)).run(progress));
  if (progress) progress(source.size(), source.size());
  return {};
}

}  // namespace kiln
