#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/contract/agent_contract.h"
#include "tests/engine/agent/wine.h"

namespace kiln::test {

/// The one Wine of this program, with the agent and the step program in `C:\kiln`; null where it
/// did not start.
inline Wine* wine() {
  static const auto made = [] {
    ::signal(SIGPIPE, SIG_IGN);  // of the bridge
    auto wine = std::make_unique<Wine>();
    if (!wine->ready()) return std::unique_ptr<Wine>();
    std::filesystem::copy_file(KILN_WINDOWS_AGENT, wine->folder() / "kiln-agent.exe");
    std::filesystem::copy_file(KILN_WINDOWS_STEP, wine->folder() / "step.exe");
    return wine;
  }();
  return made.get();
}

/// The agent for Windows, run by hand at Wine's COM2.
class WineSystem final : public AgentSystem {
 public:
  WineSystem() {
    std::filesystem::remove_all(folder());
    std::filesystem::create_directories(folder());
  }
  ~WineSystem() override {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    bridge_.reset();
    wine()->flush_port();
  }

  UniqueFd start() override {
    pid_ = wine()->start({"wine", "C:\\kiln\\kiln-agent.exe", "--port", "COM2"});
    bridge_ = std::make_unique<PortBridge>(wine()->port());
    return bridge_->take_socket();
  }
  int wait_for_end() override { return Wine::wait_for(std::exchange(pid_, -1)); }
  [[nodiscard]] std::filesystem::path folder() const override { return wine()->folder() / "work"; }
  [[nodiscard]] std::string requested(const std::string& name) const override {
    return name.empty() ? "/C:/kiln/work" : "/C:/kiln/work/" + name;
  }
  [[nodiscard]] std::string local(const std::string& name) const override {
    return name.empty() ? "C:\\kiln\\work" : "C:\\kiln\\work\\" + name;
  }
  [[nodiscard]] std::string step() const override { return "C:\\kiln\\step.exe"; }

 private:
  pid_t pid_ = -1;
  std::unique_ptr<PortBridge> bridge_;
};

}  // namespace kiln::test
