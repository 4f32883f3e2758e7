#include "uploaders/pageblob/page_sender.h"

#include <stop_token>
#include <thread>

#include "engine/core/text.h"
#include "uploaders/pageblob/crc64.h"

namespace kiln {
namespace {

/// Azure Stack Hub's page size; elsewhere it is 512.
constexpr std::uint64_t kLargestPage = 4096;

}  // namespace

std::string retry_message(const PageBlobTarget& target,
                          unsigned attempt,
                          const std::string& why,
                          std::chrono::milliseconds delay) {
  return fmt::format("{}: {}; attempt {} follows in {}",
                     target.location.plain(),
                     why,
                     attempt + 1,
                     format_duration(delay));
}

Result<void> PageSender::run() {
  // One source ends the workers both when the user cancels and when one of them fails.
  CancelSource stop;
  const std::stop_callback link(context_.cancel.stop_token(), [&] { stop.request(); });
  ChunkQueue queue(options_.workers, kLargestPageWrite, stop.token());
  std::vector<std::jthread> workers;
  for (unsigned i = 0; i < options_.workers; ++i) {
    workers.emplace_back([&] { work(queue, stop.token()); });
  }
  auto walked = walk(queue, stop.token());
  if (!walked) stop.request();
  queue.close();
  workers.clear();  // joins
  return walked;
}

/// The workers' queue hides the disk's latency, so one thread reads: with eight workers' buffers of
/// 4 MiB, an upload adds less than 40 MiB to the process.
Result<void> PageSender::walk(ChunkQueue& queue, const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto extents, disk_.extents());
  UploadProgress progress(context_, target_.location.blob, std::move(extents));
  std::uint64_t walked = 0;
  const auto tick = [&] {
    for (const auto& message : queue.take_messages()) notice(context_.events, message);
    progress.update({walked, queue.bytes_pushed() - queue.bytes_written(), sent_, kept_});
  };
  WalkOptions walk;
  walk.granularity = ContentDigest::kGranule;
  walk.largest_chunk = kLargestPageWrite;
  walk.cancel = cancel;
  const auto sink = [&](std::uint64_t offset, Bytes data) -> Result<void> {
    digest_.add(offset, data);
    return push(queue, offset, data, tick);
  };
  KILN_TRY(walk_data(disk_, walk, sink, [&](std::uint64_t done, std::uint64_t /*total*/) {
    walked = done;
    tick();
  }));
  return queue.drain(tick);
}

/// Only a disk's end can be in the middle of a page; the VHD goes on with zeros there.
Result<void> PageSender::push(ChunkQueue& queue,
                              std::uint64_t offset,
                              Bytes data,
                              const ChunkQueue::Tick& tick) {
  std::vector<std::byte> padded;
  if (data.size() % kLargestPage != 0) {
    padded.assign(data.begin(), data.end());
    padded.resize(round_up(data.size(), kLargestPage));
    data = padded;
  }
  pages_.add({offset, data.size()});
  return queue.push(offset, data, tick);
}

/// A worker's whole life, on its own thread and connection.
void PageSender::work(ChunkQueue& queue, const CancelToken& cancel) {
  auto blob = PageBlob::open(target_, blob_);
  if (!blob) return queue.fail_with(std::move(blob).error());
  blob->on_retry([&](unsigned attempt, const std::string& why, auto delay) {
    ++retries_;
    queue.say(retry_message(target_, attempt, why, delay));
  });
  while (auto chunk = queue.pop()) {
    auto delivered = deliver(*blob, *chunk, cancel);
    if (!delivered) return queue.fail_with(std::move(delivered).error());
    queue.written(*std::move(chunk));
  }
}

Result<void> PageSender::deliver(PageBlob& blob,
                                 const ChunkQueue::Chunk& chunk,
                                 const CancelToken& cancel) {
  const PageRange pages{chunk.offset, chunk.data.size()};
  const auto crc = crc64(chunk.data);
  if (journal_.has(pages, crc)) {
    kept_ += pages.length;
    return {};
  }
  KILN_TRY(blob.put_pages(pages.offset, chunk.data, cancel, crc));
  sent_ += pages.length;
  journal_.add(pages, crc);
  return {};
}

}  // namespace kiln
