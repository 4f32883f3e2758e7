#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/agent/guest_agent.h"
#include "engine/sandbox/guest/running_domain.h"

namespace kiln {

/// The agent in a system that may go away under it: an error that comes from a restart or from the
/// end of the machine says so. The session behind it can be replaced, after a restart that was
/// meant; references to this stay good.
class BootedAgent : public GuestAgent {
 public:
  /// @param restart_step the type of a template's step that restarts such a system
  BootedAgent(RunningDomain& domain,
              std::filesystem::path console_log,
              PortUse use,
              std::string_view restart_step)
      : domain_(domain),
        console_log_(std::move(console_log)),
        use_(use),
        restart_step_(restart_step) {}
  BootedAgent(const BootedAgent&) = delete;
  BootedAgent& operator=(const BootedAgent&) = delete;
  ~BootedAgent() override { domain_.on_restart({}); }

  /// Waits for the agent of a system that has been started, and sets that system's clock: an
  /// image's own may be wrong after a restart.
  /// @param too_late the error where it does not report within `patience`
  Result<void> connect(const std::filesystem::path& socket,
                       std::chrono::milliseconds patience,
                       Error too_late,
                       const CancelToken& cancel);
  /// Takes the session of a system that was saved up again, on a port that was connected before the
  /// system goes on.
  /// @param times see resume_agent
  void resume(UniqueFd port, std::uint32_t times);
  /// Lets the session go, without a word to the agent.
  void disconnect();
  [[nodiscard]] bool connected() const { return session_ != nullptr; }
  /// How often the system had restarted when its agent was connected last.
  [[nodiscard]] int restarts_seen() const { return restarts_seen_; }

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

  /// The end of what the guest wrote to its serial console.
  [[nodiscard]] std::vector<std::string> console_tail() const;

 private:
  /// An error after a restart that did not end.
  [[nodiscard]] Result<GuestAgent*> connected_session() const;
  template <class T>
  Result<T> explained(Result<T> result);
  Error explain(Error error);
  /// Ends the session when the guest restarts.
  void watch_restarts(std::shared_ptr<UniqueFd> port);
  /// Ends the wait on `port` when the machine says that it does not start.
  std::jthread watch_console(std::shared_ptr<UniqueFd> port, std::optional<Error>& refusal) const;

  RunningDomain& domain_;
  std::filesystem::path console_log_;
  PortUse use_;
  std::string_view restart_step_;
  std::unique_ptr<GuestAgent> session_;
  int restarts_seen_ = 0;
};

}  // namespace kiln
