#include "disk/extents/shared_source.h"

#include <algorithm>
#include <condition_variable>
#include <limits>
#include <map>
#include <mutex>
#include <optional>

namespace kiln {
namespace {

using Clock = std::chrono::steady_clock;

/// What was read, or why it could not be; empty while it is being read.
using Block = std::optional<Result<std::vector<std::byte>>>;

/// The blocks in memory and where the readers are. One lock for all of it; the disk is read
/// outside.
class SharedBlocks {
 public:
  SharedBlocks(BlockSource& source, const SharedSourceOptions& options)
      : source_(source), options_(options) {}

  [[nodiscard]] BlockSource& source() const { return source_; }
  [[nodiscard]] std::uint64_t block_size() const { return options_.block; }

  std::size_t add_reader() {
    const std::lock_guard lock(mutex_);
    readers_.push_back({0, Clock::now(), true});
    return readers_.size() - 1;
  }

  void remove_reader(std::size_t reader) {
    const std::lock_guard lock(mutex_);
    readers_[reader].in_step = false;
    forget_passed();
  }

  /// The block, or null where the reader is too far behind for the others to keep it.
  Result<std::shared_ptr<const Block>> get(std::size_t reader, std::uint64_t index) {
    std::unique_lock lock(mutex_);
    move(reader, index);
    while (true) {
      const auto found = blocks_.find(index);
      if (found != blocks_.end()) {
        const auto block = found->second;
        changed_.wait(lock, [&] { return block->has_value(); });
        if (!**block) return (*block)->error();
        return block;
      }
      if (index < forgotten_) return nullptr;
      if (index < slowest() + options_.window) return load(lock, index);
      wait_for_slowest(lock);
    }
  }

 private:
  struct Reader {
    std::uint64_t at = 0;  ///< the block that it came to last
    Clock::time_point moved;
    bool in_step = true;
  };

  void move(std::size_t number, std::uint64_t index) {
    auto& reader = readers_[number];
    if (index >= forgotten_) reader.in_step = true;
    reader.moved = Clock::now();
    if (index <= reader.at) return;
    reader.at = index;
    forget_passed();
  }

  /// The place of the last one that keeps in step.
  [[nodiscard]] std::uint64_t slowest() const {
    auto least = std::numeric_limits<std::uint64_t>::max() - options_.window;
    for (const auto& reader : readers_) {
      if (reader.in_step) least = std::min(least, reader.at);
    }
    return least;
  }

  /// A reader's threads are not quite in order, so the block before its last stays, too.
  void forget_passed() {
    const auto least = slowest();
    while (!blocks_.empty() && blocks_.begin()->first + 1 < least &&
           blocks_.begin()->second->has_value()) {
      forgotten_ = blocks_.begin()->first + 1;
      blocks_.erase(blocks_.begin());
    }
    changed_.notify_all();
  }

  void wait_for_slowest(std::unique_lock<std::mutex>& lock) {
    const auto last = std::ranges::min_element(readers_, {}, [](const Reader& reader) {
      return reader.in_step ? reader.at : std::numeric_limits<std::uint64_t>::max();
    });
    const auto given_up = last->moved + options_.patience;
    if (Clock::now() < given_up) {
      changed_.wait_until(lock, given_up);
    } else {
      last->in_step = false;
      forget_passed();
    }
  }

  Result<std::shared_ptr<const Block>> load(std::unique_lock<std::mutex>& lock,
                                            std::uint64_t index) {
    const auto block = std::make_shared<Block>();
    blocks_.emplace(index, block);
    lock.unlock();
    const auto offset = index * options_.block;
    std::vector<std::byte> data(std::min(options_.block, source_.size() - offset));
    auto done = source_.read(offset, data);
    lock.lock();
    if (done) {
      block->emplace(std::move(data));
    } else {
      block->emplace(std::move(done).error());
    }
    changed_.notify_all();
    if (!done) return (*block)->error();
    return std::shared_ptr<const Block>(block);
  }

  BlockSource& source_;
  SharedSourceOptions options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, std::shared_ptr<Block>> blocks_;  ///< by index
  std::uint64_t forgotten_ = 0;                             ///< blocks below this one may be gone
  std::vector<Reader> readers_;
};

class SharedReader : public BlockSource {
 public:
  SharedReader(std::shared_ptr<SharedBlocks> blocks, std::vector<Extent> extents)
      : blocks_(std::move(blocks)), extents_(std::move(extents)), number_(blocks_->add_reader()) {}
  ~SharedReader() override { blocks_->remove_reader(number_); }

  [[nodiscard]] std::uint64_t size() const override { return blocks_->source().size(); }
  Result<std::vector<Extent>> extents() override { return extents_; }

  Result<void> read(std::uint64_t offset, MutableBytes buffer) override {
    KILN_CHECK(offset <= size() && buffer.size() <= size() - offset);
    while (!buffer.empty()) {
      const auto index = offset / blocks_->block_size();
      const auto in_block = offset % blocks_->block_size();
      const auto part = buffer.first(std::min(buffer.size(), blocks_->block_size() - in_block));
      KILN_TRY_ASSIGN(const auto block, blocks_->get(number_, index));
      if (block) {
        const auto from = Bytes(***block).subspan(in_block, part.size());
        std::ranges::copy(from, part.begin());
      } else {
        KILN_TRY(blocks_->source().read(offset, part));
      }
      buffer = buffer.subspan(part.size());
      offset += part.size();
    }
    return {};
  }

 private:
  std::shared_ptr<SharedBlocks> blocks_;
  std::vector<Extent> extents_;
  std::size_t number_;
};

}  // namespace

Result<std::vector<std::unique_ptr<BlockSource>>> share_source(BlockSource& source,
                                                               std::size_t readers,
                                                               const SharedSourceOptions& options) {
  KILN_TRY_ASSIGN(const auto extents, source.extents());
  const auto blocks = std::make_shared<SharedBlocks>(source, options);
  std::vector<std::unique_ptr<BlockSource>> sources;
  for (std::size_t i = 0; i < readers; ++i) {
    sources.push_back(std::make_unique<SharedReader>(blocks, extents));
  }
  return sources;
}

}  // namespace kiln
