// The agent for Linux keeps the contract of every agent, with a PID namespace and without.
#include "tests/contract/agent_files_contract.h"
#include "tests/engine/agent/real_agent.h"

namespace kiln::test {
namespace {

class NativeSystem final : public AgentSystem {
 public:
  explicit NativeSystem(std::vector<std::string> options) : options_(std::move(options)) {}

  UniqueFd start() override {
    process_.emplace(options_);
    return process_->take_socket();
  }
  int wait_for_end() override { return process_->wait_for_end(); }
  [[nodiscard]] std::filesystem::path folder() const override { return folder_.path(); }
  [[nodiscard]] std::string requested(const std::string& name) const override {
    return local(name);
  }
  [[nodiscard]] std::string local(const std::string& name) const override {
    return name.empty() ? folder_.path().string() : (folder_.path() / name).string();
  }
  [[nodiscard]] std::string step() const override {
    return KILN_SOURCE_DIR "/tests/engine/agent/step.sh";
  }

 private:
  std::vector<std::string> options_;
  TempDir folder_ = TempDir::create().value();
  std::optional<RealAgent> process_;
};

AgentKind linux_kind(std::string name, std::vector<std::string> options) {
  const auto make = [options = std::move(options)]() -> std::unique_ptr<AgentSystem> {
    if (::geteuid() == 0) return std::make_unique<NativeSystem>(options);
    [] { GTEST_SKIP() << "the agent runs as root"; }();
    return nullptr;
  };
  return {std::move(name), make, "\n", "/", {0, 7, 255}, {GuestExit::Kind::kSignalled, SIGKILL}};
}

INSTANTIATE_TEST_SUITE_P(Linux,
                         AgentContract,
                         ::testing::Values(linux_kind("PidNamespace", {}),
                                           linux_kind("Subreaper", {"--no-pid-namespace"})),
                         kind_name);

}  // namespace
}  // namespace kiln::test
