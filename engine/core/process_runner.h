#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/cancel.h"
#include "engine/core/result.h"

namespace kiln {

/// A host program to run, as a value: argv only, never a shell. The child gets LC_ALL=C.UTF-8,
/// PATH, HOME and TMPDIR from us and nothing else but `environment`; its standard input is closed;
/// it has its own process group, of which nothing outlives it, and dies with Kiln, even after
/// kill -9.
struct Command {
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> environment;
  std::optional<std::chrono::milliseconds> time_limit;
  std::filesystem::path directory;    ///< working folder; empty keeps ours
  std::filesystem::path output_file;  ///< replaced by all of standard output, instead of `out`
};

struct ProcessOutput {
  int exit_code = 0;  ///< 128 + signal number where a signal ended it
  std::string out;    ///< at most kCaptureLimit bytes, the beginning
  std::string err;    ///< at most kCaptureLimit bytes, the end
};

inline constexpr std::size_t kCaptureLimit = 4U << 20U;

/// A running child; ended (SIGTERM, then SIGKILL) and reaped when it goes out of scope.
class ChildProcess {
 public:
  virtual ~ChildProcess() = default;
  [[nodiscard]] virtual int pid() const = 0;
  /// The exit code if it has ended.
  virtual std::optional<int> poll() = 0;
  virtual void terminate() = 0;
  /// What it wrote to standard error so far, at most kCaptureLimit bytes.
  virtual std::string error_output() = 0;
};

class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;
  /// Runs to the end. A non-zero exit is not an error here; see `run_checked`.
  virtual Result<ProcessOutput> run(const Command& command, const CancelToken& cancel) = 0;
  /// Starts a server such as qemu-nbd; its standard output is discarded. The kernel ends it with
  /// the thread that calls this, so that thread must outlive it.
  virtual Result<std::unique_ptr<ChildProcess>> start(const Command& command) = 0;
};

/// The real thing: fork and exec.
std::unique_ptr<ProcessRunner> make_process_runner();

/// Runs and turns a non-zero exit into an error that keeps argv, the code and the last 20 lines of
/// standard error.
Result<ProcessOutput> run_checked(ProcessRunner& runner,
                                  const Command& command,
                                  const CancelToken& cancel);

/// The full path of `program`, or empty if it is not on the PATH.
std::filesystem::path find_program(std::string_view program);

}  // namespace kiln
