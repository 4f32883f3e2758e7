#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/agent/account.h"

/// What frames carry. Integers are little-endian; a string is its length (u32) and its bytes; a
/// list is its count (u32) and its elements. Every decoder is total: it returns nothing for bytes
/// that are not exactly one well-formed message, and allocates no more than it was given.
namespace kiln::agent {

struct Hello {
  std::uint8_t protocol = 0;
  std::string version;             ///< of the agent, for messages
  std::uint32_t capabilities = 0;  ///< kCapability… bits; unknown ones are ignored
};
/// Steps have a PID namespace of their own, so nothing they start can outlive them.
inline constexpr std::uint32_t kCapabilityPidNamespace = 1;
/// Runs programs as any Account; others are refused where it is not set.
inline constexpr std::uint32_t kCapabilityAccounts = 2;

/// In characters; 0 where unknown.
struct TerminalSize {
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
  bool operator==(const TerminalSize&) const = default;
};

enum class InputKind : std::uint8_t {
  kNone = 0,      ///< standard input is empty
  kPipe = 1,      ///< input frames
  kTerminal = 2,  ///< likewise, through a terminal that is also both outputs
};

struct RunRequest {
  std::vector<std::string> argv;  ///< not empty; no element holds a NUL
  std::vector<std::pair<std::string, std::string>> environment;
  std::string directory;                      ///< absolute
  std::uint64_t time_limit_milliseconds = 0;  ///< 0: none
  InputKind input = InputKind::kNone;
  TerminalSize terminal = {};
  kiln::Account account = kiln::Account::kSystem;
};

struct InputTaken {
  std::uint32_t bytes = 0;  ///< not 0
};

enum class ExitKind : std::uint8_t { kExited = 0, kSignalled = 1, kTimedOut = 2, kCancelled = 3 };
struct ExitReport {
  ExitKind kind = ExitKind::kExited;
  std::uint32_t code = 0;  ///< exit code, or signal number
};

struct PutRequest {
  std::string path;  ///< absolute
  std::uint32_t mode = 0;
  std::uint64_t size = 0;
};

struct GetRequest {
  std::string path;  ///< absolute
  std::uint64_t limit = 0;
};

struct RemoveRequest {
  std::string pattern;  ///< absolute
};

struct RemovedReport {
  std::vector<std::string> paths;
};

struct ClockSetting {
  std::uint64_t microseconds = 0;  ///< since 1970, UTC
};

struct FreezeRequest {
  std::vector<std::string> mount_points;      ///< absolute
  std::uint32_t time_limit_milliseconds = 0;  ///< not 0
};

struct ForwardRequest {
  std::vector<std::pair<std::string, std::uint16_t>> destinations;  ///< hosts and ports, not 0
};

struct StreamOpen {
  std::uint16_t destination = 0;  ///< its place in the request
};

enum class ErrorCode : std::uint8_t {
  kIo = 0,
  kNotFound = 1,
  kDenied = 2,
  kNoSpace = 3,
  kNotAFile = 4,
  kTooLarge = 5,
  kCancelled = 6,
  kTimedOut = 7,
};
struct ErrorReport {
  ErrorCode code = ErrorCode::kIo;
  std::string message;
};

std::string encode(const Hello& message);
std::string encode(const RunRequest& message);
std::string encode(const TerminalSize& message);
std::string encode(const InputTaken& message);
std::string encode(const ExitReport& message);
std::string encode(const PutRequest& message);
std::string encode(const GetRequest& message);
std::string encode(const RemoveRequest& message);
std::string encode(const RemovedReport& message);
std::string encode(const ClockSetting& message);
std::string encode(const FreezeRequest& message);
std::string encode(const ForwardRequest& message);
std::string encode(const StreamOpen& message);
std::string encode(const ErrorReport& message);

std::optional<Hello> decode_hello(std::string_view payload);
std::optional<RunRequest> decode_run(std::string_view payload);
std::optional<TerminalSize> decode_terminal_size(std::string_view payload);
std::optional<InputTaken> decode_input_taken(std::string_view payload);
std::optional<ExitReport> decode_exit(std::string_view payload);
std::optional<PutRequest> decode_put(std::string_view payload);
std::optional<GetRequest> decode_get(std::string_view payload);
std::optional<RemoveRequest> decode_remove(std::string_view payload);
std::optional<RemovedReport> decode_removed(std::string_view payload);
std::optional<ClockSetting> decode_clock(std::string_view payload);
std::optional<FreezeRequest> decode_freeze(std::string_view payload);
std::optional<ForwardRequest> decode_forward(std::string_view payload);
std::optional<StreamOpen> decode_stream_open(std::string_view payload);
std::optional<ErrorReport> decode_error(std::string_view payload);

}  // namespace kiln::agent
