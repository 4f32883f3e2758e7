#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/agent/linux/jobs.h"
#include "engine/agent/linux/posix.h"

namespace kiln::agent {
namespace {

/// A file being written under a temporary name in its folder, so that the real name shows the old
/// contents or the new, never a part.
class PutJob final : public Job {
 public:
  PutJob(std::uint32_t request, PutRequest put) : request_(request), put_(std::move(put)) {
    const auto folder = put_.path.substr(0, put_.path.rfind('/') + 1);
    temporary_ = folder + ".kiln-put-XXXXXX";
    file_.reset(::mkostemp(temporary_.data(), O_CLOEXEC));
    if (file_) return;
    temporary_.clear();  // it may name somebody else's file
    fail("create a file in", folder);
  }
  ~PutJob() override { discard(); }

  bool advance(Outbox& outbox) override {
    if (!error_.empty()) {
      outbox.add(FrameType::kError, request_, error_payload(code_, error_));
      return true;
    }
    if (!complete_) return false;
    outbox.add(FrameType::kDone, request_, {});
    return true;
  }

  void cancel() override {
    code_ = ErrorCode::kCancelled;
    error_ = "cancelled while writing " + put_.path;
    discard();
  }

  void take(std::string_view data) override {
    if (!file_) return;
    if (data.size() > put_.size - received_) {
      errno = EFBIG;  // more than was announced
      return fail("write", put_.path);
    }
    received_ += data.size();
    if (!write_all(file_.get(), data)) fail("write", put_.path);
  }

  void take_end() override {
    if (!file_) return;
    if (received_ != put_.size) {
      errno = EPROTO;  // less than was announced
      return fail("write", put_.path);
    }
    // The owner first: changing it clears setuid bits.
    if (::fchown(file_.get(), 0, 0) != 0 || ::fchmod(file_.get(), put_.mode) != 0) {
      return fail("set owner and mode of", put_.path);
    }
    if (::close(file_.release()) != 0) return fail("write", put_.path);
    if (::rename(temporary_.c_str(), put_.path.c_str()) != 0) {
      return fail("replace", put_.path);
    }
    temporary_.clear();
    complete_ = true;
  }

 private:
  void fail(std::string_view what, std::string_view path) {
    code_ = error_code_from_errno();
    error_ = failure(what, path);
    discard();
  }
  void discard() {
    file_.reset();
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    temporary_.clear();
  }

  std::uint32_t request_;
  PutRequest put_;
  std::string temporary_;
  UniqueFd file_;
  std::uint64_t received_ = 0;
  bool complete_ = false;
  ErrorCode code_ = ErrorCode::kIo;
  std::string error_;
};

class GetJob final : public Job {
 public:
  GetJob(std::uint32_t request, GetRequest get) : request_(request), get_(std::move(get)) {
    // Not blocking: a named pipe would never open.
    file_.reset(::open(get_.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat info {};
    if (!file_ || ::fstat(file_.get(), &info) != 0) {
      code_ = error_code_from_errno();
      error_ = failure("read", get_.path);
    } else if (!S_ISREG(info.st_mode)) {
      code_ = ErrorCode::kNotAFile;
      error_ = "cannot read " + get_.path + ": it is not a regular file";
    } else if (static_cast<std::uint64_t>(info.st_size) > get_.limit) {
      refuse_size();
    }
  }

  int watch(Waits& /*waits*/, const Outbox& outbox) override { return outbox.has_room() ? 0 : -1; }

  bool advance(Outbox& outbox) override {
    while (error_.empty() && outbox.has_room()) {
      const auto got = ::read(file_.get(), buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        code_ = error_code_from_errno();
        error_ = failure("read", get_.path);
        break;
      }
      if (got == 0) {
        outbox.add(FrameType::kDone, request_, {});
        return true;
      }
      sent_ += static_cast<std::uint64_t>(got);
      if (sent_ > get_.limit) {
        refuse_size();  // it grew, or is one of those in /proc that claim to be empty
        break;
      }
      outbox.add(FrameType::kData, request_, {buffer_.data(), static_cast<std::size_t>(got)});
    }
    if (error_.empty()) return false;
    outbox.add(FrameType::kError, request_, error_payload(code_, error_));
    return true;
  }

  void cancel() override {
    code_ = ErrorCode::kCancelled;
    error_ = "cancelled while reading " + get_.path;
  }

 private:
  void refuse_size() {
    code_ = ErrorCode::kTooLarge;
    error_ = "cannot read " + get_.path + ": larger than " + std::to_string(get_.limit) + " bytes";
  }

  std::uint32_t request_;
  GetRequest get_;
  UniqueFd file_;
  std::uint64_t sent_ = 0;
  ErrorCode code_ = ErrorCode::kIo;
  std::string error_;
  std::array<char, kMaxPayload> buffer_{};
};

}  // namespace

ErrorCode error_code_from_errno() {
  switch (errno) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
      return ErrorCode::kDenied;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::kNoSpace;
    case EISDIR:
      return ErrorCode::kNotAFile;
    case EFBIG:
      return ErrorCode::kTooLarge;
    default:
      return ErrorCode::kIo;
  }
}

std::unique_ptr<Job> make_put_job(std::uint32_t request, const PutRequest& put) {
  return std::make_unique<PutJob>(request, put);
}

std::unique_ptr<Job> make_get_job(std::uint32_t request, const GetRequest& get) {
  return std::make_unique<GetJob>(request, get);
}

}  // namespace kiln::agent
