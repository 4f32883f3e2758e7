#include "uploaders/pageblob/upload_progress.h"

#include <algorithm>

#include "engine/core/text.h"

namespace kiln {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr auto kWindow = std::chrono::seconds(30);
constexpr auto kSampleEvery = std::chrono::milliseconds(500);
constexpr Seconds kShortestMeasure{1.0};

}  // namespace

UploadProgress::UploadProgress(const UploadContext& context,
                               const std::string& blob,
                               std::vector<Extent> extents)
    : events_(context.events, context.step_id, fmt::format("uploading {}", blob)),
      extents_(std::move(extents)) {
  for (const auto& extent : extents_) {
    data_.push_back(data_total_);
    if (!extent.zero) data_total_ += extent.length;
    size_ = extent.offset + extent.length;
  }
}

std::uint64_t UploadProgress::data_before(std::uint64_t offset) const {
  const auto next = std::ranges::upper_bound(extents_, offset, {}, &Extent::offset);
  if (next == extents_.begin()) return 0;
  const auto& extent = *std::prev(next);
  const auto before = data_[static_cast<std::size_t>(std::prev(next) - extents_.begin())];
  return extent.zero ? before : before + std::min(offset - extent.offset, extent.length);
}

void UploadProgress::take_sample(std::uint64_t sent, std::uint64_t data) {
  const auto now = std::chrono::steady_clock::now();
  while (samples_.size() > 1 && now - samples_.front().time > kWindow) samples_.pop_front();
  if (samples_.size() > 1 && now - samples_[samples_.size() - 2].time < kSampleEvery) {
    samples_.pop_back();
  }
  samples_.push_back({now, sent, data});
}

void UploadProgress::update(const UploadAmounts& now) {
  const auto done = now.walked - std::min(now.waiting, now.walked);
  const auto data = data_before(done);
  const auto dealt_with = now.sent + now.kept;
  take_sample(now.sent, data);
  std::map<std::string, std::string> fields = {
      {"sentBytes", std::to_string(now.sent)},
      {"keptBytes", std::to_string(now.kept)},
      {"zeroBytes", std::to_string(done - std::min(dealt_with, done))}};
  const Seconds measured = samples_.back().time - samples_.front().time;
  if (measured >= kShortestMeasure) {
    const auto per_second = [&](std::uint64_t from, std::uint64_t to) {
      return static_cast<double>(to - from) / measured.count();
    };
    const auto speed = per_second(samples_.front().sent, now.sent);
    fields["bytesPerSecond"] = fmt::format("{:.0f}", speed);
    // Zeros inside of the extents left are found on the way, so this is the most.
    const auto data_speed = per_second(samples_.front().data, data);
    if (data_speed > 0) {
      fields["secondsLeft"] =
          fmt::format("{:.0f}", static_cast<double>(data_total_ - data) / data_speed);
    }
  }
  events_.update(done, size_, std::move(fields));
}

}  // namespace kiln
