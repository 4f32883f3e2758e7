#include "engine/agent/host_session.h"

#include <algorithm>
#include <sys/stat.h>

#include "engine/agent/host_link.h"
#include "engine/agent/messages.h"
#include "engine/core/file.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

using agent::Frame;
using agent::FrameType;

/// Text from the guest goes into messages: no control characters, no endless lines.
std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 1000;
  std::string clean;
  for (const char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    clean.push_back(byte < ' ' || byte == 0x7f ? '?' : c);
  }
  return clean;
}

Error error_of(const agent::ErrorReport& report) {
  const auto message = printable(report.message);
  const auto make = [&](ErrorKind kind, const char* code, const char* cure) {
    return Error(kind, code, message).cure(cure);
  };
  switch (report.code) {
    case agent::ErrorCode::kNotFound:
      return make(ErrorKind::kNotFound, "Agent:NotFound", "create it in an earlier step");
    case agent::ErrorCode::kDenied:
      return make(
          ErrorKind::kGuestFailed, "Agent:Denied", "choose a path that is writable in the image");
    case agent::ErrorCode::kNoSpace:
      return make(ErrorKind::kGuestFailed, "Agent:NoSpace", "enlarge the image's disk");
    case agent::ErrorCode::kNotAFile:
      return make(ErrorKind::kGuestFailed, "Agent:NotAFile", "name a regular file");
    case agent::ErrorCode::kTooLarge:
      return make(ErrorKind::kGuestFailed, "Agent:TooLarge", "use a smaller file");
    case agent::ErrorCode::kCancelled:
      return cancelled();
    case agent::ErrorCode::kTimedOut:
      return make(ErrorKind::kTimeout, "Agent:Thawed", "run the build again when the host is idle");
    case agent::ErrorCode::kIo:
      break;
  }
  return make(ErrorKind::kGuestFailed, "Agent:Io", "check the image's disk and the log");
}

class HostSession final : public GuestAgent {
 public:
  HostSession(UniqueFd socket, const AgentPatience& patience)
      : link_(std::move(socket), patience) {}
  /// @param last_request the number of the agent's last one, or a higher one
  HostSession(UniqueFd socket, const AgentPatience& patience, std::uint32_t last_request)
      : link_(std::move(socket), patience, last_request) {}

  Result<void> greet(const CancelToken& cancel, PortUse use);

  Result<GuestExit> run(const GuestCommand& command,
                        const GuestOutput& output,
                        const CancelToken& cancel) override;
  Result<void> put(std::string_view contents,
                   const std::string& guest_path,
                   unsigned mode,
                   const CancelToken& cancel) override;
  Result<void> put_file(const std::filesystem::path& host_path,
                        const std::string& guest_path,
                        unsigned mode,
                        const CancelToken& cancel) override;
  Result<std::string> get(const std::string& guest_path,
                          std::uint64_t limit,
                          const CancelToken& cancel) override;
  Result<std::vector<std::string>> remove(const std::string& pattern,
                                          const CancelToken& cancel) override;
  Result<void> set_clock(std::chrono::system_clock::time_point now,
                         const CancelToken& cancel) override;
  Result<void> freeze(const std::vector<std::string>& mount_points,
                      std::chrono::milliseconds limit,
                      const std::function<Result<void>()>& work,
                      const CancelToken& cancel) override;
  Result<void> forward(const std::vector<Destination>& destinations,
                       const CancelToken& cancel) override;
  Result<void> quit(const CancelToken& cancel) override;

 private:
  using Answer = std::function<Result<bool>(const Frame&)>;
  using Source = std::function<Result<std::string>()>;

  /// For requests that end with done or error; `on_other` sees everything else.
  Result<void> ask(HostLink::Exchange exchange, const Answer& on_other, const CancelToken& cancel);
  Result<void> put_from(const Source& source,
                        std::uint64_t size,
                        const std::string& guest_path,
                        unsigned mode,
                        const CancelToken& cancel);

  HostLink link_;
  std::uint32_t capabilities_ = 0;  ///< of the agent
};

Result<void> check_guest_path(const std::string& path) {
  if (!path.empty() && path.front() == '/' && path.find('\0') == std::string::npos) return {};
  return fail(ErrorKind::kInvalidTemplate,
              "Agent:RelativePath",
              "'{}' is not an absolute path in the image",
              printable(path))
      .cure("begin the path with /");
}

Result<void> check_command(const GuestCommand& command) {
  bool usable = !command.argv.empty() && !command.argv[0].empty();
  const auto check = [&usable](const std::string& text) {
    usable = usable && text.find('\0') == std::string::npos;
  };
  for (const auto& argument : command.argv) check(argument);
  for (const auto& [name, value] : command.environment) {
    check(name);
    check(value);
    usable = usable && !name.empty() && name.find('=') == std::string::npos;
  }
  if (usable) return check_guest_path(command.directory);
  return fail(ErrorKind::kInvalidTemplate,
              "Agent:UnusableCommand",
              "a command must name a program, variables must have a name without '=', and nothing "
              "may hold a zero byte")
      .cure("correct the step");
}

Result<void> HostSession::greet(const CancelToken& cancel, PortUse use) {
  KILN_TRY_ASSIGN(const auto frame, link_.receive_hello(cancel, use));
  const auto hello = agent::decode_hello(frame.payload);
  if (!hello) return link_.breach("its greeting is malformed");
  capabilities_ = hello->capabilities;
  if (hello->protocol == agent::kProtocolVersion) return {};
  return fail(ErrorKind::kUnsupported,
              "Agent:VersionMismatch",
              "the program in the virtual machine ({}) speaks protocol {}, this kiln speaks {}",
              printable(hello->version),
              hello->protocol,
              agent::kProtocolVersion)
      .cure("remove what an interrupted older build left in the image");
}

Result<void> HostSession::ask(HostLink::Exchange exchange,
                              const Answer& on_other,
                              const CancelToken& cancel) {
  std::optional<Error> refused;
  exchange.on_answer = [&](const Frame& frame) -> Result<bool> {
    if (frame.type == FrameType::kDone) {
      if (!frame.payload.empty()) return link_.breach("its answer is malformed");
      return true;
    }
    if (frame.type != FrameType::kError) return on_other(frame);
    const auto report = agent::decode_error(frame.payload);
    if (!report) return link_.breach("its error is malformed");
    refused = error_of(*report);
    return true;
  };
  KILN_TRY(link_.exchange(exchange, cancel));
  if (refused) return std::move(*refused).while_doing(exchange.activity);
  return {};
}

Result<GuestExit> HostSession::run(const GuestCommand& command,
                                   const GuestOutput& output,
                                   const CancelToken& cancel) {
  KILN_TRY(check_command(command));
  if (command.account != Account::kSystem && (capabilities_ & agent::kCapabilityAccounts) == 0) {
    return fail(ErrorKind::kUnsupported,
                "Agent:NoAccounts",
                "{} should run as an administrator of Windows, and the agent in this system has "
                "no account but the system's own",
                printable(command.argv[0]))
        .cure("let the step run as SYSTEM: set runElevated and runAsSystem");
  }
  agent::RunRequest request{command.argv, command.environment, command.directory};
  request.account = command.account;
  if (command.input) {
    request.input = agent::InputKind::kPipe;
  }
  if (command.input && command.input->terminal) {
    const auto size = command.input->terminal();
    request.input = agent::InputKind::kTerminal;
    request.terminal = {size.rows, size.columns};
  }
  if (command.time_limit) {
    // 0 means none on the wire, and to a caller it means at once.
    request.time_limit_milliseconds =
        static_cast<std::uint64_t>(std::max<std::int64_t>(command.time_limit->count(), 1));
  }
  GuestExit exit;
  const auto on_other = [&](const Frame& frame) -> Result<bool> {
    if (frame.type != FrameType::kExit) {
      const auto stream =
          frame.type == FrameType::kStdout ? GuestStream::kStdout : GuestStream::kStderr;
      if (output) output(stream, frame.payload);
      return false;
    }
    const auto report = agent::decode_exit(frame.payload);
    if (!report) return link_.breach("its exit report is malformed");
    if (report->kind == agent::ExitKind::kCancelled && !cancel.requested()) {
      return link_.breach("it cancelled what nobody asked it to");
    }
    exit.code = static_cast<int>(report->code);  // in Windows a negative one is usual
    exit.kind = report->kind == agent::ExitKind::kExited      ? GuestExit::Kind::kExited
                : report->kind == agent::ExitKind::kSignalled ? GuestExit::Kind::kSignalled
                                                              : GuestExit::Kind::kTimedOut;
    return true;
  };
  KILN_TRY(ask({FrameType::kRun,
                encode(request),
                {},
                {},
                command.time_limit,
                command.input,
                "running " + printable(command.argv[0])},
               on_other,
               cancel));
  return exit;
}

Result<void> HostSession::put_from(const Source& source,
                                   std::uint64_t size,
                                   const std::string& guest_path,
                                   unsigned mode,
                                   const CancelToken& cancel) {
  KILN_TRY(check_guest_path(guest_path));
  constexpr unsigned kModeBits = 07777;
  const agent::PutRequest request{guest_path, mode & kModeBits, size};
  return ask(
      {FrameType::kPut, encode(request), {}, source, {}, {}, "writing " + printable(guest_path)},
      {},
      cancel);
}

Result<void> HostSession::put(std::string_view contents,
                              const std::string& guest_path,
                              unsigned mode,
                              const CancelToken& cancel) {
  auto rest = contents;
  const auto source = [&rest]() -> Result<std::string> {
    std::string piece(rest.substr(0, agent::kMaxPayload));
    rest.remove_prefix(piece.size());
    return piece;
  };
  return put_from(source, contents.size(), guest_path, mode, cancel);
}

Result<void> HostSession::put_file(const std::filesystem::path& host_path,
                                   const std::string& guest_path,
                                   unsigned mode,
                                   const CancelToken& cancel) {
  KILN_TRY_ASSIGN(const auto file, open_read_only(host_path));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return fail(ErrorKind::kIo, "Agent:NotAFile", "{} is not a regular file", host_path.string())
        .cure("name a single file");
  }
  const auto size = static_cast<std::uint64_t>(info.st_size);
  std::uint64_t offset = 0;
  const auto source = [&]() -> Result<std::string> {
    std::string piece(std::min<std::uint64_t>(size - offset, agent::kMaxPayload), '\0');
    KILN_TRY(
        pread_exactly(file.get(), std::as_writable_bytes(std::span(piece)), offset, host_path));
    offset += piece.size();
    return piece;
  };
  return put_from(source, size, guest_path, mode, cancel);
}

Result<std::string> HostSession::get(const std::string& guest_path,
                                     std::uint64_t limit,
                                     const CancelToken& cancel) {
  KILN_TRY(check_guest_path(guest_path));
  std::string contents;
  const auto on_other = [&](const Frame& frame) -> Result<bool> {
    if (frame.payload.size() > limit - contents.size()) {
      return link_.breach("it sends more of a file than was asked for");
    }
    contents.append(frame.payload);
    return false;
  };
  KILN_TRY(ask({FrameType::kGet,
                encode(agent::GetRequest{guest_path, limit}),
                {},
                {},
                {},
                {},
                "reading " + printable(guest_path)},
               on_other,
               cancel));
  return contents;
}

Result<std::vector<std::string>> HostSession::remove(const std::string& pattern,
                                                     const CancelToken& cancel) {
  KILN_TRY(check_guest_path(pattern));
  constexpr std::size_t kMostPaths = 1'000'000;
  std::vector<std::string> removed;
  const auto on_other = [&](const Frame& frame) -> Result<bool> {
    auto report = agent::decode_removed(frame.payload);
    if (!report) return link_.breach("its list of removed files is malformed");
    if (removed.size() + report->paths.size() > kMostPaths) {
      return link_.breach("its list of removed files has no end");
    }
    std::move(report->paths.begin(), report->paths.end(), std::back_inserter(removed));
    return false;
  };
  KILN_TRY(ask({FrameType::kRemove,
                encode(agent::RemoveRequest{pattern}),
                {},
                {},
                {},
                {},
                "removing " + printable(pattern)},
               on_other,
               cancel));
  return removed;
}

Result<void> HostSession::set_clock(std::chrono::system_clock::time_point now,
                                    const CancelToken& cancel) {
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
  const agent::ClockSetting setting{static_cast<std::uint64_t>(since.count())};
  return ask(
      {FrameType::kSetClock, encode(setting), {}, {}, {}, {}, "setting the clock"}, {}, cancel);
}

Result<void> HostSession::freeze(const std::vector<std::string>& mount_points,
                                 std::chrono::milliseconds limit,
                                 const std::function<Result<void>()>& work,
                                 const CancelToken& cancel) {
  for (const auto& path : mount_points) KILN_TRY(check_guest_path(path));
  const agent::FreezeRequest request{mount_points, static_cast<std::uint32_t>(limit.count())};
  std::optional<Result<void>> worked;
  const auto on_frozen = [&](const Frame& frame) -> Result<bool> {
    if (worked || !frame.payload.empty()) {
      return link_.breach("its report of a freeze is malformed");
    }
    worked = work();
    return false;
  };
  KILN_TRY(ask({FrameType::kFreeze, encode(request), {}, {}, {}, {}, "freezing the file systems"},
               on_frozen,
               cancel));
  return worked ? *worked : link_.breach("it did not freeze what it thawed");
}

Result<void> HostSession::forward(const std::vector<Destination>& destinations,
                                  const CancelToken& cancel) {
  agent::ForwardRequest request;
  std::vector<ServerAddress> servers;
  for (const auto& destination : destinations) {
    KILN_TRY_ASSIGN(servers.emplace_back(), resolve(destination));
    request.destinations.emplace_back(destination.host, destination.port);
  }
  link_.allow_streams(std::move(servers));
  return ask(
      {FrameType::kForward, encode(request), {}, {}, {}, {}, "forwarding connections"}, {}, cancel);
}

Result<void> HostSession::quit(const CancelToken& cancel) {
  constexpr std::chrono::milliseconds kPatience = std::chrono::seconds(30);
  return ask(
      {FrameType::kQuit, {}, {}, {}, kPatience, {}, "ending the program in the virtual machine"},
      {},
      cancel);
}

}  // namespace

Result<std::unique_ptr<GuestAgent>> connect_agent(UniqueFd socket,
                                                  const AgentPatience& patience,
                                                  const CancelToken& cancel,
                                                  PortUse use) {
  auto session = std::make_unique<HostSession>(std::move(socket), patience);
  KILN_TRY(session->greet(cancel, use));
  return std::unique_ptr<GuestAgent>(std::move(session));
}

std::unique_ptr<GuestAgent> resume_agent(UniqueFd socket, std::uint32_t times) {
  // Requests are numbered upwards, and no session has had so many.
  constexpr std::uint32_t kOfOneSession = 1U << 24U;
  return std::make_unique<HostSession>(std::move(socket), AgentPatience{}, times * kOfOneSession);
}

Result<std::unique_ptr<GuestAgent>> connect_agent(UniqueFd socket,
                                                  std::chrono::milliseconds patience,
                                                  const CancelToken& cancel,
                                                  PortUse use) {
  return connect_agent(std::move(socket), AgentPatience{patience}, cancel, use);
}

}  // namespace kiln
