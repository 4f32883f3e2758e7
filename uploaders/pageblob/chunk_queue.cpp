#include "uploaders/pageblob/chunk_queue.h"

namespace kiln {

ChunkQueue::ChunkQueue(unsigned buffers, std::size_t largest, const CancelToken& cancel)
    : cancel_(cancel), free_(buffers), buffers_(buffers) {
  // Once and for all, since growing would hold the old and the new buffer at the same time. Pages
  // that no chunk has touched cost nothing.
  for (auto& buffer : free_) buffer.reserve(largest);
}

Result<void> ChunkQueue::stop_reason() const {
  if (error_) return *error_;
  return cancel_.check();
}

Result<void> ChunkQueue::push(std::uint64_t offset, Bytes data, const Tick& tick) {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, cancel_.stop_token(), [&] {
      return !free_.empty() || stopped() || changes_ != told_;
    });
    KILN_TRY(stop_reason());
    if (!free_.empty()) break;
    told_ = changes_;
    lock.unlock();
    tick();
    lock.lock();
  }
  Chunk chunk{offset, std::move(free_.back())};
  free_.pop_back();
  lock.unlock();
  chunk.data.assign(data.begin(), data.end());
  lock.lock();
  pushed_ += data.size();
  ready_.push_back(std::move(chunk));
  changed_.notify_all();
  return {};
}

Result<void> ChunkQueue::drain(const Tick& tick) {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto all_free = [&] { return free_.size() == buffers_; };
    changed_.wait(
        lock, cancel_.stop_token(), [&] { return all_free() || stopped() || changes_ != told_; });
    KILN_TRY(stop_reason());
    const bool done = all_free();
    told_ = changes_;
    lock.unlock();
    tick();
    lock.lock();
    if (done) return {};
  }
}

void ChunkQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

std::uint64_t ChunkQueue::bytes_pushed() const {
  const std::lock_guard lock(mutex_);
  return pushed_;
}

std::uint64_t ChunkQueue::bytes_written() const {
  const std::lock_guard lock(mutex_);
  return written_;
}

std::vector<std::string> ChunkQueue::take_messages() {
  const std::lock_guard lock(mutex_);
  return std::exchange(messages_, {});
}

std::optional<ChunkQueue::Chunk> ChunkQueue::pop() {
  std::unique_lock lock(mutex_);
  changed_.wait(
      lock, cancel_.stop_token(), [&] { return !ready_.empty() || closed_ || stopped(); });
  if (ready_.empty() || stopped()) return std::nullopt;
  auto chunk = std::move(ready_.front());
  ready_.pop_front();
  return chunk;
}

void ChunkQueue::written(Chunk chunk) {
  const std::lock_guard lock(mutex_);
  written_ += chunk.data.size();
  free_.push_back(std::move(chunk.data));
  ++changes_;
  changed_.notify_all();
}

void ChunkQueue::fail_with(Error error) {
  const std::lock_guard lock(mutex_);
  // What follows the first failure are its consequences.
  if (!error_) error_ = std::move(error);
  changed_.notify_all();
}

void ChunkQueue::say(std::string message) {
  const std::lock_guard lock(mutex_);
  messages_.push_back(std::move(message));
  ++changes_;
  changed_.notify_all();
}

}  // namespace kiln
