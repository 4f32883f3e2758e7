#include "engine/agent/session/file_jobs.h"

#include "engine/agent/windows/handle.h"
#include "engine/agent/windows/jobs.h"
#include "engine/agent/windows/text.h"

namespace kiln::agent {
namespace {

Failure failed(std::string_view what, std::string_view path, DWORD error) {
  return {error_code(error), failure(what, path, error)};
}

bool is_folder(const std::wstring& path) {
  const auto attributes = ::GetFileAttributesW(path.c_str());
  return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

/// Its rights are those that the folder hands down; Windows knows no mode.
class WindowsWriter final : public FileWriter {
 public:
  WindowsWriter(std::string name, std::wstring path, std::wstring temporary, UniqueHandle file)
      : name_(std::move(name)),
        path_(std::move(path)),
        temporary_(std::move(temporary)),
        file_(std::move(file)) {}
  ~WindowsWriter() override {
    file_.reset();
    if (!temporary_.empty()) ::DeleteFileW(temporary_.c_str());
  }

  std::optional<Failure> write(std::string_view data) override {
    DWORD written = 0;
    const auto size = static_cast<DWORD>(data.size());
    if (::WriteFile(file_.get(), data.data(), size, &written, nullptr) == FALSE) {
      return failed("write", name_, ::GetLastError());
    }
    if (written != size) return failed("write", name_, ERROR_DISK_FULL);
    return {};
  }

  std::optional<Failure> commit() override {
    file_.reset();
    if (is_folder(path_)) {
      return Failure{ErrorCode::kNotAFile, failure("replace", name_, ERROR_DIRECTORY)};
    }
    constexpr DWORD kFlags = MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH;
    if (::MoveFileExW(temporary_.c_str(), path_.c_str(), kFlags) == FALSE) {
      return failed("replace", name_, ::GetLastError());
    }
    temporary_.clear();
    return {};
  }

 private:
  std::string name_;  ///< as the host calls it
  std::wstring path_;
  std::wstring temporary_;
  UniqueHandle file_;
};

class WindowsReader final : public FileReader {
 public:
  WindowsReader(std::string name, UniqueHandle file)
      : name_(std::move(name)), file_(std::move(file)) {}

  std::optional<Failure> read(char* buffer, std::size_t size, std::size_t& got) override {
    DWORD bytes = 0;
    if (::ReadFile(file_.get(), buffer, static_cast<DWORD>(size), &bytes, nullptr) == FALSE) {
      return failed("read", name_, ::GetLastError());
    }
    got = bytes;
    return {};
  }

 private:
  std::string name_;
  UniqueHandle file_;
};

Opened<FileWriter> open_writer(std::uint32_t request, const PutRequest& put) {
  const auto path = windows_path(put.path);
  if (!path) return {nullptr, 0, {ErrorCode::kIo, no_windows_path("write", put.path)}};
  auto temporary = path->substr(0, path->rfind(L'\\') + 1) + L".kiln-put-" +
                   std::to_wstring(::GetCurrentProcessId()) + L"-" + std::to_wstring(request);
  UniqueHandle file(::CreateFileW(
      temporary.c_str(), GENERIC_WRITE, 0, nullptr, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, nullptr));
  if (!file) return {nullptr, 0, failed("create a file beside", put.path, ::GetLastError())};
  return {std::make_unique<WindowsWriter>(put.path, *path, std::move(temporary), std::move(file))};
}

Opened<FileReader> open_reader(const GetRequest& get) {
  const auto path = windows_path(get.path);
  if (!path) return {nullptr, 0, {ErrorCode::kIo, no_windows_path("read", get.path)}};
  // With backup semantics folders open, too, and can be told from what is not there.
  constexpr DWORD kShared = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
  UniqueHandle file(::CreateFileW(path->c_str(),
                                  GENERIC_READ,
                                  kShared,
                                  nullptr,
                                  OPEN_EXISTING,
                                  FILE_FLAG_BACKUP_SEMANTICS,
                                  nullptr));
  if (!file) return {nullptr, 0, failed("read", get.path, ::GetLastError())};
  BY_HANDLE_FILE_INFORMATION info{};
  if (::GetFileType(file.get()) != FILE_TYPE_DISK ||
      ::GetFileInformationByHandle(file.get(), &info) == FALSE ||
      (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0) {
    return {nullptr,
            0,
            {ErrorCode::kNotAFile, "cannot read " + get.path + ": it is not a regular file"}};
  }
  return {std::make_unique<WindowsReader>(get.path, std::move(file)),
          (std::uint64_t{info.nFileSizeHigh} << 32U) | info.nFileSizeLow};
}

}  // namespace

std::unique_ptr<Job> make_put_job(std::uint32_t request, const PutRequest& put) {
  return make_put_job(request, put, open_writer(request, put));
}

std::unique_ptr<Job> make_get_job(std::uint32_t request, const GetRequest& get) {
  return make_get_job(request, get, open_reader(get));
}

}  // namespace kiln::agent
