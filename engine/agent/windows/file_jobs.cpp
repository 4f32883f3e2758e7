#include <array>

#include "engine/agent/windows/handle.h"
#include "engine/agent/windows/jobs.h"
#include "engine/agent/windows/text.h"

namespace kiln::agent {
namespace {

constexpr const char* kNoWindowsPath = ": a path in Windows is written /C:/FOLDER/FILE";

/// A file being written under a temporary name in its folder, so that the real name shows the old
/// contents or the new, never a part. Its rights are those that the folder hands down; Windows
/// knows no mode.
class PutJob final : public Job {
 public:
  PutJob(std::uint32_t request, const PutRequest& put) : request_(request), put_(put) {
    const auto path = windows_path(put_.path);
    if (!path) {
      error_ = "cannot write " + put_.path + kNoWindowsPath;
      return;
    }
    path_ = *path;
    temporary_ = path_.substr(0, path_.rfind(L'\\') + 1) + L".kiln-put-" +
                 std::to_wstring(::GetCurrentProcessId()) + L"-" + std::to_wstring(request);
    file_ = UniqueHandle(::CreateFileW(
        temporary_.c_str(), GENERIC_WRITE, 0, nullptr, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, nullptr));
    if (file_) return;
    temporary_.clear();  // it may name somebody else's file
    fail("create a file beside", ::GetLastError());
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
    if (data.size() > put_.size - received_) return fail("write", ERROR_FILE_TOO_LARGE);
    received_ += data.size();
    DWORD written = 0;
    const auto size = static_cast<DWORD>(data.size());
    if (::WriteFile(file_.get(), data.data(), size, &written, nullptr) == FALSE) {
      return fail("write", ::GetLastError());
    }
    if (written != size) fail("write", ERROR_DISK_FULL);
  }

  void take_end() override {
    if (!file_) return;
    if (received_ != put_.size) return fail("write", ERROR_HANDLE_EOF);  // less than was announced
    file_.reset();
    if (const auto attributes = ::GetFileAttributesW(path_.c_str());
        attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) {
      fail("replace", ERROR_DIRECTORY);
      code_ = ErrorCode::kNotAFile;
      return;
    }
    constexpr DWORD kFlags = MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH;
    if (::MoveFileExW(temporary_.c_str(), path_.c_str(), kFlags) == FALSE) {
      return fail("replace", ::GetLastError());
    }
    temporary_.clear();
    complete_ = true;
  }

 private:
  void fail(std::string_view what, DWORD error) {
    code_ = error_code(error);
    error_ = failure(what, put_.path, error);
    discard();
  }
  void discard() {
    file_.reset();
    if (!temporary_.empty()) ::DeleteFileW(temporary_.c_str());
    temporary_.clear();
  }

  std::uint32_t request_;
  PutRequest put_;
  std::wstring path_;
  std::wstring temporary_;
  UniqueHandle file_;
  std::uint64_t received_ = 0;
  bool complete_ = false;
  ErrorCode code_ = ErrorCode::kIo;
  std::string error_;
};

class GetJob final : public Job {
 public:
  GetJob(std::uint32_t request, const GetRequest& get) : request_(request), get_(get) {
    const auto path = windows_path(get_.path);
    if (!path) {
      error_ = "cannot read " + get_.path + kNoWindowsPath;
      return;
    }
    // With backup semantics folders open, too, and can be told from what is not there.
    constexpr DWORD kShared = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    file_ = UniqueHandle(::CreateFileW(path->c_str(),
                                       GENERIC_READ,
                                       kShared,
                                       nullptr,
                                       OPEN_EXISTING,
                                       FILE_FLAG_BACKUP_SEMANTICS,
                                       nullptr));
    BY_HANDLE_FILE_INFORMATION info{};
    if (!file_) {
      fail(::GetLastError());
      return;
    }
    if (::GetFileType(file_.get()) != FILE_TYPE_DISK ||
        ::GetFileInformationByHandle(file_.get(), &info) == FALSE ||
        (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0) {
      code_ = ErrorCode::kNotAFile;
      error_ = "cannot read " + get_.path + ": it is not a regular file";
      return;
    }
    const auto size = (std::uint64_t{info.nFileSizeHigh} << 32U) | info.nFileSizeLow;
    if (size > get_.limit) refuse_size();
  }

  int watch(Waits& /*waits*/, const Outbox& outbox) override { return outbox.has_room() ? 0 : -1; }

  bool advance(Outbox& outbox) override {
    while (error_.empty() && outbox.has_room()) {
      DWORD got = 0;
      const auto size = static_cast<DWORD>(buffer_.size());
      if (::ReadFile(file_.get(), buffer_.data(), size, &got, nullptr) == FALSE) {
        fail(::GetLastError());
        break;
      }
      if (got == 0) {
        outbox.add(FrameType::kDone, request_, {});
        return true;
      }
      sent_ += got;
      if (sent_ > get_.limit) {
        refuse_size();  // it grew
        break;
      }
      outbox.add(FrameType::kData, request_, {buffer_.data(), got});
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
  void fail(DWORD error) {
    code_ = error_code(error);
    error_ = failure("read", get_.path, error);
  }
  void refuse_size() {
    code_ = ErrorCode::kTooLarge;
    error_ = "cannot read " + get_.path + ": larger than " + std::to_string(get_.limit) + " bytes";
  }

  std::uint32_t request_;
  GetRequest get_;
  UniqueHandle file_;
  std::uint64_t sent_ = 0;
  ErrorCode code_ = ErrorCode::kIo;
  std::string error_;
  std::array<char, kMaxPayload> buffer_{};
};

}  // namespace

std::unique_ptr<Job> make_put_job(std::uint32_t request, const PutRequest& put) {
  return std::make_unique<PutJob>(request, put);
}

std::unique_ptr<Job> make_get_job(std::uint32_t request, const GetRequest& get) {
  return std::make_unique<GetJob>(request, get);
}

}  // namespace kiln::agent
