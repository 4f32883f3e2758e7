#include "engine/core/file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>

namespace kiln {
namespace {

Error io_error(std::string code, std::string_view verb, const std::filesystem::path& path) {
  const int saved = errno;
  const auto kind = saved == ENOENT ? ErrorKind::kNotFound : ErrorKind::kIo;
  return fail(kind, std::move(code), "cannot {} {}: {}", verb, path.string(), strerror(saved));
}

Result<void> sync_directory(const std::filesystem::path& path) {
  const UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return io_error("File:Sync", "sync", path);
  return {};
}

}  // namespace

Result<UniqueFd> open_read_only(const std::filesystem::path& path) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return io_error("File:Open", "open", path);
  return file;
}

Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t limit) {
  KILN_TRY_ASSIGN(const auto file, open_read_only(path));
  std::string contents;
  std::string buffer(256 * kKiB, '\0');
  while (true) {
    const auto count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("File:Read", "read", path);
    if (count == 0) return contents;
    contents.append(buffer, 0, static_cast<std::size_t>(count));
    if (contents.size() > limit) {
      return fail(
          ErrorKind::kIo, "File:TooLarge", "{} is larger than {} bytes", path.string(), limit);
    }
  }
}

Result<void> write_file_atomic(const std::filesystem::path& path,
                               std::string_view contents,
                               unsigned mode) {
  auto temporary = path;
  temporary += ".XXXXXX";
  auto name = temporary.string();
  UniqueFd file(::mkostemp(name.data(), O_CLOEXEC));
  if (!file) return io_error("File:Create", "create", name);
  const auto write = [&]() -> Result<void> {
    KILN_TRY(pwrite_all(file.get(), std::as_bytes(std::span(contents)), 0, name));
    if (::fchmod(file.get(), mode) != 0) return io_error("File:Write", "set the mode of", name);
    if (::fsync(file.get()) != 0) return io_error("File:Sync", "sync", name);
    if (::rename(name.c_str(), path.c_str()) != 0) return io_error("File:Rename", "replace", path);
    return sync_directory(path.has_parent_path() ? path.parent_path() : ".");
  };
  auto written = write();
  if (!written) ::unlink(name.c_str());
  return written;
}

Result<void> make_directories(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    return fail(ErrorKind::kIo,
                "File:MakeDirectory",
                "cannot create the folder {}: {}",
                path.string(),
                error.message());
  }
  return {};
}

Result<void> pread_exactly(int fd,
                           MutableBytes buffer,
                           std::uint64_t offset,
                           const std::filesystem::path& path_for_messages) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const auto count =
        ::pread(fd, buffer.data() + done, buffer.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("File:Read", "read", path_for_messages);
    if (count == 0) {
      return fail(ErrorKind::kIo,
                  "File:ShortRead",
                  "{} ends at byte {}, {} bytes were expected there",
                  path_for_messages.string(),
                  offset + done,
                  buffer.size() - done);
    }
    done += static_cast<std::size_t>(count);
  }
  return {};
}

Result<void> pwrite_all(int fd,
                        Bytes data,
                        std::uint64_t offset,
                        const std::filesystem::path& path_for_messages) {
  std::size_t done = 0;
  while (done < data.size()) {
    const auto count =
        ::pwrite(fd, data.data() + done, data.size() - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("File:Write", "write", path_for_messages);
    done += static_cast<std::size_t>(count);
  }
  return {};
}

}  // namespace kiln
