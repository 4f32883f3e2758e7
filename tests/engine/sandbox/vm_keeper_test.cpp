// The keeper with a shell script for an emulator.
#include "engine/sandbox/keeper/vm_keeper.h"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"
#include "tests/support/processes.h"

namespace kiln::test {
namespace {

constexpr auto kSoon = std::chrono::seconds(5);

class VmKeeperTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* path = std::getenv("PATH");
    path_ = path != nullptr ? path : "";
    ::setenv("PATH", (folder_.path().string() + ":" + path_).c_str(), 1);
  }
  void TearDown() override {
    ::setenv("PATH", path_.c_str(), 1);
    for (const int pid : processes_with(marker())) ::kill(pid, SIGKILL);
    if (owner_ > 0) end_owner();
    if (keeper_ > 0) ::waitpid(keeper_, nullptr, 0);
  }

  /// @param text of the script; `$1` is the marker
  void emulate(const std::string& text) {
    const auto file = folder_.path() / "qemu-system-x86_64";
    std::ofstream(file) << "#!/bin/sh\n" << text << "\n";
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  }
  [[nodiscard]] std::string marker() const { return folder_.path() / "marker"; }

  void start_keeper() {
    const auto keeper = install_vm_keeper(folder_.path() / "cache");
    ASSERT_OK(keeper);
    owner_ = ::fork();
    if (owner_ == 0) {
      ::pause();
      ::_exit(0);
    }
    keeper_ = ::fork();
    if (keeper_ == 0) {
      ::setenv("KILN_OWNER", std::to_string(owner_).c_str(), 1);
      ::execl(keeper->program.c_str(), keeper->program.c_str(), marker().c_str(), nullptr);
      ::_exit(127);
    }
  }
  void end_owner() {
    ::kill(owner_, SIGKILL);
    ::waitpid(owner_, nullptr, 0);
    owner_ = 0;
  }
  [[nodiscard]] bool running(std::size_t count) const {
    return wait_for([&] { return processes_with(marker()).size() == count; }, kSoon);
  }

  TempDir folder_ = *TempDir::create();
  std::string path_;
  pid_t owner_ = 0;
  pid_t keeper_ = 0;
};

TEST_F(VmKeeperTest, EndsTheEmulatorWithItsOwner) {
  emulate(R"(exec sh -c 'sleep 1000; :' "$1")");
  start_keeper();
  // The emulator in the keeper's process, and the watcher.
  ASSERT_TRUE(running(2));
  end_owner();
  EXPECT_TRUE(running(0));
  int status = 0;
  EXPECT_EQ(::waitpid(keeper_, &status, 0), keeper_);
  keeper_ = 0;
  EXPECT_TRUE(WIFSIGNALED(status)) << "the emulator has the keeper's process id";
}

TEST_F(VmKeeperTest, ReachesAnEmulatorThatHasDetachedItself) {
  emulate(R"(setsid sh -c 'sleep 1000; :' "$1" & exit 0)");
  start_keeper();
  ASSERT_EQ(::waitpid(keeper_, nullptr, 0), keeper_);
  keeper_ = 0;
  ASSERT_TRUE(running(2));
  end_owner();
  EXPECT_TRUE(running(0));
}

TEST_F(VmKeeperTest, GoesWhenTheEmulatorHasEnded) {
  emulate("exit 0");
  start_keeper();
  ASSERT_EQ(::waitpid(keeper_, nullptr, 0), keeper_);
  keeper_ = 0;
  EXPECT_TRUE(running(0)) << "a watcher with nothing to watch over";
}

TEST_F(VmKeeperTest, AnotherEmulatorGetsAnotherFolder) {
  emulate("exit 0");
  const auto first = install_vm_keeper(folder_.path() / "cache");
  ASSERT_OK(first);
  EXPECT_EQ(install_vm_keeper(folder_.path() / "cache")->program, first->program);
  emulate("exit 0 # of another size");
  EXPECT_NE(install_vm_keeper(folder_.path() / "cache")->program, first->program);
}

TEST_F(VmKeeperTest, AMissingEmulatorIsTheHostsFault) {
  ::setenv("PATH", folder_.path().c_str(), 1);
  EXPECT_THAT(install_vm_keeper(folder_.path() / "cache"), FailsWith("Sandbox:NoEmulator"));
}

}  // namespace
}  // namespace kiln::test
