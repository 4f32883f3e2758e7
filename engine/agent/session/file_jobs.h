#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/agent/session/job.h"

namespace kiln::agent {

struct Failure {
  ErrorCode code = ErrorCode::kIo;
  std::string message;  ///< what, where and why
};

/// A file that is being written beside its name, so that the name shows the old contents or the
/// new, never a part. Destroyed before `commit` it leaves nothing.
class FileWriter {
 public:
  FileWriter() = default;
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  virtual ~FileWriter() = default;
  virtual std::optional<Failure> write(std::string_view data) = 0;
  virtual std::optional<Failure> commit() = 0;
};

class FileReader {
 public:
  FileReader() = default;
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;
  virtual ~FileReader() = default;
  /// @param got how many of at most `size` bytes were read; 0 at the end
  virtual std::optional<Failure> read(char* buffer, std::size_t size, std::size_t& got) = 0;
};

/// What opening a file came to.
template <typename File>
struct Opened {
  std::unique_ptr<File> file;  ///< null where it failed
  std::uint64_t size = 0;      ///< of a file to read, as far as it says so itself
  Failure failure = {};
};

/// Writes exactly what was announced.
std::unique_ptr<Job> make_put_job(std::uint32_t request,
                                  const PutRequest& put,
                                  Opened<FileWriter> opened);
/// Reads to the end, and never more than the request's limit.
std::unique_ptr<Job> make_get_job(std::uint32_t request,
                                  const GetRequest& get,
                                  Opened<FileReader> opened);

}  // namespace kiln::agent
