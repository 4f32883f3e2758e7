#pragma once

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/agent/guest_agent.h"
#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln::test {

/// The embedded agent as a file, written once per test program.
inline const std::filesystem::path& agent_program() {
  static auto* const folder = new TempDir(TempDir::create().value());
  static const auto* const path = [] {
    auto* file = new std::filesystem::path(folder->path() / "kiln-agent");
    if (!write_file_atomic(*file, embedded_linux_agent(), 0755)) std::abort();
    std::atexit([] { std::filesystem::remove_all(folder->path()); });
    return file;
  }();
  return *path;
}

/// A real agent, running natively at the other end of a socket.
class RealAgent {
 public:
  /// @param prepare called in the new process before the agent
  explicit RealAgent(const std::vector<std::string>& options = {},
                     const std::function<bool()>& prepare = {}) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    host_.reset(ends[0]);
    constexpr int kFd = 9;
    const auto program = agent_program().string();
    std::vector<std::string> words = {program, "--fd", std::to_string(kFd)};
    words.insert(words.end(), options.begin(), options.end());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      // Opened first: `prepare` may change the root.
      const int file = ::open(argv[0], O_RDONLY | O_CLOEXEC);
      ::dup2(ends[1], kFd);
      if (!prepare || prepare()) ::fexecve(file, argv.data(), environ);
      ::_exit(127);
    }
    ::close(ends[1]);
    tools_folder_ = "/run/kiln-" + std::to_string(pid_);
  }
  RealAgent(const RealAgent&) = delete;
  RealAgent& operator=(const RealAgent&) = delete;
  ~RealAgent() {
    host_.reset();
    // Its host is gone, so it cleans up and ends by itself.
    const bool ended = pid_ < 0 || wait_for_end() >= 0;
    if (!ended) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    std::error_code ignored;  // one that a test killed could not clean up
    std::filesystem::remove_all(tools_folder_, ignored);
  }

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Where its `sudo` for steps stands while it runs, if it needs one.
  [[nodiscard]] const std::string& tools_folder() const { return tools_folder_; }
  UniqueFd take_socket() { return std::move(host_); }
  /// Waits for it to end by itself; -1 after ten seconds.
  int wait_for_end() {
    for (int i = 0; i < 1000; ++i) {
      int status = 0;
      if (::waitpid(pid_, &status, WNOHANG) == pid_) {
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      }
      ::usleep(10'000);
    }
    return -1;
  }

 private:
  pid_t pid_ = -1;
  UniqueFd host_;
  std::string tools_folder_;
};

struct Captured {
  GuestExit exit;
  std::string out;
  std::string err;
};

/// A connected real agent and shorthands.
class AgentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "the agent runs as root";
    start();
  }
  void start(const std::vector<std::string>& options = {}) {
    agent_.reset();
    process_ = std::make_unique<RealAgent>(options);
    auto connected = connect_agent(process_->take_socket(), std::chrono::seconds(10), {});
    ASSERT_OK(connected);
    agent_ = *std::move(connected);
    folder_.emplace(TempDir::create().value());
  }

  Result<Captured> run(GuestCommand command, const CancelToken& cancel = {}) {
    Captured captured;
    const auto output = [&captured](GuestStream stream, std::string_view data) {
      (stream == GuestStream::kStdout ? captured.out : captured.err).append(data);
    };
    KILN_TRY_ASSIGN(captured.exit, agent_->run(command, output, cancel));
    return captured;
  }
  Result<Captured> shell(const std::string& script, const CancelToken& cancel = {}) {
    return run({{"/bin/sh", "-c", script}, {}, "/root", {}}, cancel);
  }
  [[nodiscard]] std::string in_folder(const std::string& name) const {
    return (folder_->path() / name).string();
  }

  std::unique_ptr<RealAgent> process_;
  std::unique_ptr<GuestAgent> agent_;
  std::optional<TempDir> folder_;
};

}  // namespace kiln::test
