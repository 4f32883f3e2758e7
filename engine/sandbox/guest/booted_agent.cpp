#include "engine/sandbox/guest/booted_agent.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "engine/core/file.h"
#include "engine/core/text.h"
#include "engine/sandbox/agent_port.h"
#include "engine/sandbox/guest/firmware.h"

namespace kiln {

namespace {

constexpr std::size_t kQuotedLines = 20;
constexpr std::uint64_t kConsoleLimit = 256 * kMiB;
/// libvirt's word about the machine may come a little after its port has closed.
constexpr auto kNewsPatience = std::chrono::seconds(2);

std::shared_ptr<UniqueFd> duplicate(const UniqueFd& port) {
  return std::make_shared<UniqueFd>(::fcntl(port.get(), F_DUPFD_CLOEXEC, 0));
}

}  // namespace

std::vector<std::string> BootedAgent::console_tail() const {
  const auto text = read_file(console_log_, kConsoleLimit);
  if (!text) return {};
  std::vector<std::string> lines;
  for (const auto& line : split_lines(*text)) {
    // Consoles end lines by a carriage return too, and begin some by one.
    if (const auto words = trim(line); !words.empty()) lines.push_back(printable(words));
  }
  if (lines.size() > kQuotedLines) lines.erase(lines.begin(), lines.end() - kQuotedLines);
  return lines;
}

Result<void> BootedAgent::connect(const std::filesystem::path& socket,
                                  std::chrono::milliseconds patience,
                                  Error too_late,
                                  const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto port, connect_agent_port(socket));
  const auto alarm = duplicate(port);
  std::optional<Error> refusal;
  auto watcher = watch_console(alarm, refusal);
  auto session = connect_agent(std::move(port), patience, cancel, use_);
  watcher.request_stop();
  watcher.join();
  if (!session) {
    if (refusal) return std::move(*refusal).quoting(console_tail());
    if (session.error().code() == "Agent:NoHello") return too_late;
    return explain(std::move(session).error());
  }
  session_ = *std::move(session);
  watch_restarts(alarm);
  return set_clock(std::chrono::system_clock::now(), cancel);
}

void BootedAgent::resume(UniqueFd port, std::uint32_t times) {
  const auto alarm = duplicate(port);
  session_ = resume_agent(std::move(port), times);
  watch_restarts(alarm);
}

/// A guest that restarts takes its agent with it, and the port stays open all the same.
void BootedAgent::watch_restarts(std::shared_ptr<UniqueFd> port) {
  restarts_seen_ = domain_.restarts();
  domain_.on_restart([port = std::move(port)] { ::shutdown(port->get(), SHUT_RDWR); });
}

std::jthread BootedAgent::watch_console(std::shared_ptr<UniqueFd> port,
                                        std::optional<Error>& refusal) const {
  std::error_code error;
  const auto size = std::filesystem::file_size(console_log_, error);
  const auto begin = error ? 0 : static_cast<std::size_t>(size);
  return std::jthread([this, port, begin, &refusal](const std::stop_token& stop) {
    constexpr auto kLookEvery = std::chrono::milliseconds(200);
    while (!stop.stop_requested()) {
      const auto text = read_file(console_log_, kConsoleLimit);
      if (text && text->size() > begin) refusal = boot_refusal(text->substr(begin));
      if (refusal) {
        ::shutdown(port->get(), SHUT_RDWR);
        return;
      }
      std::this_thread::sleep_for(kLookEvery);
    }
  });
}

void BootedAgent::disconnect() {
  domain_.on_restart({});
  session_.reset();
}

Error BootedAgent::explain(Error error) {
  if (error.kind() == ErrorKind::kCancelled || error.code().rfind("Agent:", 0) != 0) return error;
  const bool silent = error.code() == "Agent:Silent";
  if (error.code() != "Agent:Lost" && !silent) return error;
  const auto deadline = std::chrono::steady_clock::now() + kNewsPatience;
  while (domain_.restarts() == restarts_seen_ && !domain_.ended() &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  if (domain_.restarts() != restarts_seen_) {
    return fail(ErrorKind::kGuestFailed,
                "Sandbox:GuestRestarted",
                "the image's system restarted by itself, and what was running in it is lost")
        .quoting(console_tail())
        .cure(fmt::format("if a step is meant to restart the machine, put a {} step in its place",
                          restart_step_));
  }
  if (domain_.ended()) {
    return fail(ErrorKind::kGuestFailed,
                "Sandbox:GuestEnded",
                "the image's system switched its machine off, and what was running in it is lost")
        .quoting(console_tail())
        .cure("remove what shuts the system down; Kiln does that after the last step");
  }
  return std::move(error).quoting(console_tail());
}

Result<GuestAgent*> BootedAgent::connected_session() const {
  if (session_) return session_.get();
  return fail(ErrorKind::kGuestFailed,
              "Sandbox:NotConnected",
              "the image's system was to restart, and its agent has not come back");
}

template <class T>
Result<T> BootedAgent::explained(Result<T> result) {
  if (result) return result;
  return explain(std::move(result).error());
}

Result<GuestExit> BootedAgent::run(const GuestCommand& command,
                                   const GuestOutput& output,
                                   const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto* session, connected_session());
  return explained(session->run(command, output, cancel));
}

Result<void> BootedAgent::put(std::string_view contents,
                              const std::string& guest_path,
                              unsigned mode,
                              const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto* session, connected_session());
  return explained(session->put(contents, guest_path, mode, cancel));
}

Result<void> BootedAgent::put_file(const std::filesystem::path& host_path,
                                   const std::string& guest_path,
                                   unsigned mode,
                                   const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto* session, connected_session());
  return explained(session->put_file(host_path, guest_path, mode, cancel));
}

Result<std::string> BootedAgent::get(const std::string& guest_path,
                                     std::uint64_t limit,
                                     const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto* session, connected_session());
  return explained(session->get(guest_path, limit, cancel));
}

Result<std::vector<std::string>> BootedAgent::remove(const std::string& pattern,
                                                     const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto* session, connected_session());
  return explained(session->remove(pattern, cancel));
}

Result<void> BootedAgent::set_clock(std::chrono::system_clock::time_point now,
                                    const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto* session, connected_session());
  return explained(session->set_clock(now, cancel));
}

Result<void> BootedAgent::freeze(const std::vector<std::string>& mount_points,
                                 std::chrono::milliseconds limit,
                                 const std::function<Result<void>()>& work,
                                 const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto* session, connected_session());
  return explained(session->freeze(mount_points, limit, work, cancel));
}

Result<void> BootedAgent::forward(const std::vector<Destination>& destinations,
                                  const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto* session, connected_session());
  return explained(session->forward(destinations, cancel));
}

Result<void> BootedAgent::quit(const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto* session, connected_session());
  return explained(session->quit(cancel));
}

}  // namespace kiln
