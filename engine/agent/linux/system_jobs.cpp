#include <cerrno>
#include <chrono>
#include <ctime>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/agent/linux/jobs.h"
#include "engine/agent/linux/posix.h"

namespace kiln::agent {
namespace {

/// What cannot be frozen, such as vfat, is at least written out.
bool freeze_or_sync(int folder) {
  return ::ioctl(folder, FIFREEZE, 0) == 0 || (errno == EOPNOTSUPP && ::syncfs(folder) == 0);
}

/// File systems that take no writes. Whatever ends the job thaws them.
class FreezeJob final : public Job {
 public:
  FreezeJob(std::uint32_t request, const FreezeRequest& freeze) : request_(request) {
    for (const auto& mount_point : freeze.mount_points) {
      UniqueFd folder(::open(mount_point.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (!folder || !freeze_or_sync(folder.get())) {
        end(error_code_from_errno(), failure("freeze", mount_point));
        break;
      }
      frozen_.push_back(std::move(folder));
    }
    until_ = Clock::now() + std::chrono::milliseconds(freeze.time_limit_milliseconds);
  }
  ~FreezeJob() override { thaw_all(); }

  int watch(Waits& /*waits*/, const Outbox& /*outbox*/) override {
    if (ended_ || !told_) return 0;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - Clock::now()).count();
    return left > 0 ? static_cast<int>(left) : 0;
  }

  bool advance(Outbox& outbox) override {
    if (!ended_ && !told_) {
      outbox.add(FrameType::kFrozen, request_, {});
      told_ = true;
    }
    if (!ended_ && Clock::now() >= until_) {
      end(ErrorCode::kTimedOut, "the file systems were frozen for too long and have been thawed");
    }
    if (!ended_) return false;
    if (error_.empty()) {
      outbox.add(FrameType::kDone, request_, {});
    } else {
      outbox.add(FrameType::kError, request_, error_payload(code_, error_));
    }
    return true;
  }

  void cancel() override { end(ErrorCode::kCancelled, "cancelled while frozen"); }
  void thaw() override { end(ErrorCode::kIo, {}); }

 private:
  using Clock = std::chrono::steady_clock;

  void end(ErrorCode code, std::string error) {
    thaw_all();
    if (ended_) return;
    ended_ = true;
    code_ = code;
    error_ = std::move(error);
  }

  /// The last first: it may lie on an earlier one.
  void thaw_all() {
    while (!frozen_.empty()) {
      ::ioctl(frozen_.back().get(), FITHAW, 0);
      frozen_.pop_back();
    }
  }

  std::uint32_t request_;
  std::vector<UniqueFd> frozen_;
  Clock::time_point until_;
  bool told_ = false;
  bool ended_ = false;
  ErrorCode code_ = ErrorCode::kIo;
  std::string error_;
};

}  // namespace

std::unique_ptr<Job> make_clock_job(std::uint32_t request, const ClockSetting& setting) {
  constexpr std::uint64_t kMicroseconds = 1'000'000;
  constexpr std::uint64_t kNanoseconds = 1'000;
  const timespec time{static_cast<time_t>(setting.microseconds / kMicroseconds),
                      static_cast<long>(setting.microseconds % kMicroseconds * kNanoseconds)};
  const bool set = ::clock_settime(CLOCK_REALTIME, &time) == 0;
  const auto code = error_code_from_errno();
  return make_finished_job(request, code, set ? "" : failure("set", "the clock"));
}

std::unique_ptr<Job> make_forward_job(std::uint32_t request,
                                      const ForwardRequest& forward,
                                      Forwarder& forwarder) {
  auto error = forwarder.listen(forward);
  return make_finished_job(request, ErrorCode::kIo, std::move(error));
}

std::unique_ptr<Job> make_freeze_job(std::uint32_t request, const FreezeRequest& freeze) {
  return std::make_unique<FreezeJob>(request, freeze);
}

}  // namespace kiln::agent
