#include "disk/guestfs/guestfs_session.h"

#include <csignal>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "disk/inspect/root_candidates.h"
#include "engine/core/process_runner.h"
#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"
#include "tests/support/processes.h"

namespace kiln::test {
namespace {

using Clock = std::chrono::steady_clock;

/// An appliance with an empty disk, on its way up.
class GuestfsLaunch : public ::testing::Test {
 protected:
  void SetUp() override {
    auto folder = TempDir::create();
    ASSERT_OK(folder);
    folder_ = std::make_unique<TempDir>(*std::move(folder));
    options_.disk = folder_->path() / "disk.qcow2";
    options_.console_log = folder_->path() / "console.log";
    options_.temp_folder = folder_->path();
    options_.port = GuestPort{folder_->path() / "port.sock", "org.kiln.0"};
    Command command;
    command.argv = {"qemu-img", "create", "-q", "-f", "qcow2", options_.disk.string(), "64M"};
    ASSERT_OK(run_checked(*make_process_runner(), command, {}));
  }
  /// Until qemu runs; the first launch on a host builds the appliance before.
  [[nodiscard]] bool wait_for_qemu() const {
    return wait_for([this] { return !qemus().empty(); }, std::chrono::seconds(100));
  }
  [[nodiscard]] std::vector<int> qemus() const {
    return processes_with(options_.port->socket.string());
  }
  std::unique_ptr<TempDir> folder_;
  GuestfsOptions options_;
};

TEST_F(GuestfsLaunch, EndsWithinASecondWhenCancelled) {
  CancelSource cancel;
  Clock::time_point requested;
  std::thread canceller([&] {
    EXPECT_TRUE(wait_for_qemu());
    requested = Clock::now();
    cancel.request();
  });
  const auto session = launch_guestfs(options_, cancel.token());
  const auto ended = Clock::now();
  canceller.join();
  EXPECT_THAT(session, FailsWith("Run:Cancelled"));
  EXPECT_LT(ended - requested, std::chrono::milliseconds(1500));
  EXPECT_TRUE(qemus().empty());
}

TEST_F(GuestfsLaunch, DoesNotBeginWhenCancelledBefore) {
  CancelSource cancel;
  cancel.request();
  EXPECT_THAT(launch_guestfs(options_, cancel.token()), FailsWith("Run:Cancelled"));
}

TEST_F(GuestfsLaunch, LeavesNoVirtualMachineWhenKilled) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto session = launch_guestfs(options_, {});
    ::_exit(session ? 0 : 1);
  }
  ASSERT_TRUE(wait_for_qemu());
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(wait_for([this] { return qemus().empty(); }, std::chrono::seconds(5)));
}

TEST_F(GuestfsLaunch, SaysWhatIsWrongWithTheDisk) {
  options_.disk = folder_->path() / "absent.qcow2";
  const auto session = launch_guestfs(options_, {});
  ASSERT_FALSE(session.has_value());
  EXPECT_THAT(session.error().describe(), ::testing::HasSubstr("absent.qcow2"));
}

/// One launch: an empty disk has no root; what was up dies with its owner.
TEST_F(GuestfsLaunch, FindsNothingOnAnEmptyDiskAndDiesWithItsOwner) {
  {
    auto session = launch_guestfs(options_, {});
    ASSERT_OK(session);
    const auto file_systems = (*session)->file_systems();
    ASSERT_OK(file_systems);
    EXPECT_THAT(*file_systems, ::testing::IsEmpty());
    EXPECT_THAT(find_root_candidates(**session, *file_systems).value(), ::testing::IsEmpty());
    EXPECT_FALSE((*session)->mount({"/dev/sda", "/", "ext4"}, true).has_value());
    EXPECT_EQ(qemus().size(), 1U);
    const auto start = Clock::now();
    session->reset();
    EXPECT_LT(Clock::now() - start, std::chrono::seconds(2));
  }
  EXPECT_TRUE(qemus().empty());
  EXPECT_TRUE(std::filesystem::exists(options_.console_log));
}

}  // namespace
}  // namespace kiln::test
