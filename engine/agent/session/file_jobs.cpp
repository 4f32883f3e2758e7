#include "engine/agent/session/file_jobs.h"

#include <array>
#include <utility>

namespace kiln::agent {
namespace {

class PutJob final : public Job {
 public:
  PutJob(std::uint32_t request, PutRequest put, Opened<FileWriter> opened)
      : request_(request), put_(std::move(put)), file_(std::move(opened.file)) {
    if (!file_) failure_ = std::move(opened.failure);
  }

  bool advance(Outbox& outbox) override {
    if (failure_) {
      outbox.add(FrameType::kError, request_, error_payload(failure_->code, failure_->message));
      return true;
    }
    if (!complete_) return false;
    outbox.add(FrameType::kDone, request_, {});
    return true;
  }

  void cancel() override { fail({ErrorCode::kCancelled, "cancelled while writing " + put_.path}); }

  void take(std::string_view data) override {
    if (!file_) return;  // it failed, and the rest was on its way
    if (data.size() > put_.size - received_) {
      return fail({ErrorCode::kTooLarge, unfit("more")});
    }
    received_ += data.size();
    if (auto failure = file_->write(data)) fail(*std::move(failure));
  }

  void take_end() override {
    if (!file_) return;
    if (received_ != put_.size) return fail({ErrorCode::kIo, unfit("less")});
    if (auto failure = file_->commit()) return fail(*std::move(failure));
    complete_ = true;
  }

 private:
  [[nodiscard]] std::string unfit(const char* how_much) const {
    return "cannot write " + put_.path + ": " + how_much + " came than was announced";
  }
  void fail(Failure failure) {
    failure_ = std::move(failure);
    file_.reset();
  }

  std::uint32_t request_;
  PutRequest put_;
  std::unique_ptr<FileWriter> file_;
  std::uint64_t received_ = 0;
  bool complete_ = false;
  std::optional<Failure> failure_;
};

class GetJob final : public Job {
 public:
  GetJob(std::uint32_t request, GetRequest get, Opened<FileReader> opened)
      : request_(request), get_(std::move(get)), file_(std::move(opened.file)) {
    if (!file_) {
      failure_ = std::move(opened.failure);
    } else if (opened.size > get_.limit) {
      refuse_size();
    }
  }

  int watch(Waits& /*waits*/, const Outbox& outbox) override { return outbox.has_room() ? 0 : -1; }

  bool advance(Outbox& outbox) override {
    while (!failure_ && outbox.has_room()) {
      std::size_t got = 0;
      failure_ = file_->read(buffer_.data(), buffer_.size(), got);
      if (failure_) break;
      if (got == 0) {
        outbox.add(FrameType::kDone, request_, {});
        return true;
      }
      sent_ += got;
      if (sent_ > get_.limit) {
        refuse_size();  // it grew, or is one of those in /proc that claim to be empty
        break;
      }
      outbox.add(FrameType::kData, request_, {buffer_.data(), got});
    }
    if (!failure_) return false;
    outbox.add(FrameType::kError, request_, error_payload(failure_->code, failure_->message));
    return true;
  }

  void cancel() override {
    failure_ = Failure{ErrorCode::kCancelled, "cancelled while reading " + get_.path};
  }

 private:
  void refuse_size() {
    failure_ = Failure{
        ErrorCode::kTooLarge,
        "cannot read " + get_.path + ": larger than " + std::to_string(get_.limit) + " bytes"};
  }

  std::uint32_t request_;
  GetRequest get_;
  std::unique_ptr<FileReader> file_;
  std::uint64_t sent_ = 0;
  std::optional<Failure> failure_;
  std::array<char, kMaxPayload> buffer_{};
};

}  // namespace

std::unique_ptr<Job> make_put_job(std::uint32_t request,
                                  const PutRequest& put,
                                  Opened<FileWriter> opened) {
  return std::make_unique<PutJob>(request, put, std::move(opened));
}

std::unique_ptr<Job> make_get_job(std::uint32_t request,
                                  const GetRequest& get,
                                  Opened<FileReader> opened) {
  return std::make_unique<GetJob>(request, get, std::move(opened));
}

}  // namespace kiln::agent
