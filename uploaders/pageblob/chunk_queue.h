#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/core/bytes.h"
#include "engine/core/cancel.h"
#include "engine/core/result.h"

namespace kiln {

/// One reader hands chunks to several writers through a fixed number of buffers, which bounds the
/// memory and the bytes in flight. The first failure ends it for everybody.
class ChunkQueue {
 public:
  struct Chunk {
    std::uint64_t offset = 0;
    std::vector<std::byte> data;
  };
  /// Called on the reader's thread whenever something happened while it waited.
  using Tick = std::function<void()>;

  /// @param largest bytes of any chunk
  ChunkQueue(unsigned buffers, std::size_t largest, const CancelToken& cancel);

  // The reader's side.
  /// Copies `data`, waiting for a free buffer.
  Result<void> push(std::uint64_t offset, Bytes data, const Tick& tick);
  /// Waits until every chunk is written.
  Result<void> drain(const Tick& tick);
  /// No more chunks: writers return.
  void close();
  [[nodiscard]] std::uint64_t bytes_pushed() const;
  [[nodiscard]] std::uint64_t bytes_written() const;
  std::vector<std::string> take_messages();

  // The writers' side.
  /// Nothing when there is no more to do, for whatever reason.
  std::optional<Chunk> pop();
  void written(Chunk chunk);
  void fail_with(Error error);
  /// Something to tell; the reader's thread passes it on.
  void say(std::string message);

 private:
  [[nodiscard]] bool stopped() const { return error_.has_value() || cancel_.requested(); }
  Result<void> stop_reason() const;

  const CancelToken& cancel_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Chunk> ready_;
  std::vector<std::vector<std::byte>> free_;
  std::vector<std::string> messages_;
  std::optional<Error> error_;
  unsigned buffers_;
  bool closed_ = false;
  std::uint64_t pushed_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t told_ = 0;  ///< changes the reader has been told about
  std::uint64_t changes_ = 0;
};

}  // namespace kiln
