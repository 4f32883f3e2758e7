#include "engine/agent/session/file_jobs.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/agent/linux/jobs.h"
#include "engine/agent/linux/posix.h"

namespace kiln::agent {
namespace {

Failure failed(std::string_view what, std::string_view path) {
  const auto code = error_code_from_errno();
  return {code, failure(what, path)};
}

class PosixWriter final : public FileWriter {
 public:
  PosixWriter(const PutRequest& put, std::string temporary, UniqueFd file)
      : path_(put.path),
        mode_(put.mode),
        temporary_(std::move(temporary)),
        file_(std::move(file)) {}
  ~PosixWriter() override {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  std::optional<Failure> write(std::string_view data) override {
    if (write_all(file_.get(), data)) return {};
    return failed("write", path_);
  }

  std::optional<Failure> commit() override {
    // The owner first: changing it clears setuid bits.
    if (::fchown(file_.get(), 0, 0) != 0 || ::fchmod(file_.get(), mode_) != 0) {
      return failed("set owner and mode of", path_);
    }
    if (::close(file_.release()) != 0) return failed("write", path_);
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) return failed("replace", path_);
    temporary_.clear();
    return {};
  }

 private:
  std::string path_;
  std::uint32_t mode_;
  std::string temporary_;
  UniqueFd file_;
};

class PosixReader final : public FileReader {
 public:
  PosixReader(std::string path, UniqueFd file) : path_(std::move(path)), file_(std::move(file)) {}

  std::optional<Failure> read(char* buffer, std::size_t size, std::size_t& got) override {
    for (;;) {
      const auto bytes = ::read(file_.get(), buffer, size);
      if (bytes < 0 && errno == EINTR) continue;
      if (bytes < 0) return failed("read", path_);
      got = static_cast<std::size_t>(bytes);
      return {};
    }
  }

 private:
  std::string path_;
  UniqueFd file_;
};

Opened<FileWriter> open_writer(const PutRequest& put) {
  const auto folder = put.path.substr(0, put.path.rfind('/') + 1);
  auto temporary = folder + ".kiln-put-XXXXXX";
  UniqueFd file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file) return {nullptr, 0, failed("create a file in", folder)};
  return {std::make_unique<PosixWriter>(put, std::move(temporary), std::move(file))};
}

Opened<FileReader> open_reader(const GetRequest& get) {
  // Not blocking: a named pipe would never open.
  UniqueFd file(::open(get.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0) return {nullptr, 0, failed("read", get.path)};
  if (!S_ISREG(info.st_mode)) {
    return {nullptr,
            0,
            {ErrorCode::kNotAFile, "cannot read " + get.path + ": it is not a regular file"}};
  }
  return {std::make_unique<PosixReader>(get.path, std::move(file)),
          static_cast<std::uint64_t>(info.st_size)};
}

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
  return make_put_job(request, put, open_writer(put));
}

std::unique_ptr<Job> make_get_job(std::uint32_t request, const GetRequest& get) {
  return make_get_job(request, get, open_reader(get));
}

}  // namespace kiln::agent
