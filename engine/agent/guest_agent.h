#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/agent/account.h"
#include "engine/agent/destination.h"
#include "engine/core/cancel.h"
#include "engine/core/result.h"
#include "engine/core/unique_fd.h"

namespace kiln {

/// In characters; 0 where unknown.
struct GuestTerminalSize {
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
  bool operator==(const GuestTerminalSize&) const = default;
};

/// What feeds a program's standard input while it runs.
struct GuestInput {
  int fd = -1;  ///< borrowed; read as the program takes it, and its end is the end of the input
  /// Gives the program a terminal of its own, of the size that this says whenever it is asked;
  /// what is written to the terminal arrives as kStdout.
  std::function<GuestTerminalSize()> terminal;
};

/// A program to run in the guest. It and everything it started is dead when `run` returns.
struct GuestCommand {
  std::vector<std::string> argv;  ///< argv[0] is looked up on the guest's PATH
  std::vector<std::pair<std::string, std::string>> environment;
  std::string directory = "/root";  ///< `/` where it does not exist
  std::optional<std::chrono::milliseconds> time_limit;
  std::optional<GuestInput> input = {};  ///< its standard input is empty where this is
  Account account = Account::kSystem;
};

struct GuestExit {
  enum class Kind { kExited, kSignalled, kTimedOut };
  Kind kind = Kind::kExited;
  int code = 0;  ///< exit code, or signal number
  [[nodiscard]] bool ok() const { return kind == Kind::kExited && code == 0; }
};

enum class GuestStream { kStdout, kStderr };
/// Called as output arrives, with arbitrary pieces, in order within one stream.
using GuestOutput = std::function<void(GuestStream stream, std::string_view data)>;

/// The host's end of the agent: everything that happens inside a sandbox goes through here. What
/// the guest sends is untrusted: malformed, oversized or out-of-order frames end the session with
/// an error.
class GuestAgent {
 public:
  virtual ~GuestAgent() = default;

  virtual Result<GuestExit> run(const GuestCommand& command,
                                const GuestOutput& output,
                                const CancelToken& cancel) = 0;
  /// Writes a file (replacing it; parent folders must exist) with `mode`, owner root.
  virtual Result<void> put(std::string_view contents,
                           const std::string& guest_path,
                           unsigned mode,
                           const CancelToken& cancel) = 0;
  virtual Result<void> put_file(const std::filesystem::path& host_path,
                                const std::string& guest_path,
                                unsigned mode,
                                const CancelToken& cancel) = 0;
  /// Reads a file of at most `limit` bytes; kNotFound where it is absent.
  virtual Result<std::string> get(const std::string& guest_path,
                                  std::uint64_t limit,
                                  const CancelToken& cancel) = 0;
  /// Removes what matches the shell wildcard, folders with their contents; does not follow symbolic
  /// links, does not cross mount points. Returns what was removed; matching nothing is no error.
  virtual Result<std::vector<std::string>> remove(const std::string& pattern,
                                                  const CancelToken& cancel) = 0;
  /// Sets the system's clock.
  virtual Result<void> set_clock(std::chrono::system_clock::time_point now,
                                 const CancelToken& cancel) = 0;
  /// Calls `work` while the file systems at `mount_points` take no writes and are whole on disk;
  /// what knows no freezing (vfat) is written out. After `limit` the agent thaws them by itself,
  /// which is an error, and so it does when its host is gone.
  virtual Result<void> freeze(const std::vector<std::string>& mount_points,
                              std::chrono::milliseconds limit,
                              const std::function<Result<void>()>& work,
                              const CancelToken& cancel) = 0;
  /// Lets what runs in the guest reach these servers, by name and port, while `run` runs it; the
  /// guest needs no network card. Once in a session.
  virtual Result<void> forward(const std::vector<Destination>& destinations,
                               const CancelToken& cancel) = 0;
  /// Ends the agent and all its children, and waits for it to say so.
  virtual Result<void> quit(const CancelToken& cancel) = 0;
};

/// Who else writes to an agent's port before the agent does.
enum class PortUse {
  kAgentOnly,
  kFirmwareToo,  ///< a serial port, which UEFI takes for a console; its output is skipped
};

/// Waits for the agent's hello on a connected stream socket and checks its version.
Result<std::unique_ptr<GuestAgent>> connect_agent(UniqueFd socket,
                                                  std::chrono::milliseconds patience,
                                                  const CancelToken& cancel,
                                                  PortUse use = PortUse::kAgentOnly);

/// Takes up the session of an agent that was connected to before, in a machine that was saved and
/// goes on; it must have no accounts to run commands as.
/// @param times how often that was done, this time included
std::unique_ptr<GuestAgent> resume_agent(UniqueFd socket, std::uint32_t times);

/// The static Linux agent, embedded in kiln.
std::string_view embedded_linux_agent();
/// The static agent for Windows (x86-64); empty where kiln was built without mingw-w64.
std::string_view embedded_windows_agent();

}  // namespace kiln
