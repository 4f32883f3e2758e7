#include "engine/sandbox/acceleration.h"

#include <fstream>

#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "tests/support/fake_runner.h"
#include "tests/support/matchers.h"
#include "tests/support/recording_sink.h"

namespace kiln {
namespace {

using test::FailsWith;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A host made of files, on which everything is in place.
class Acceleration : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TempDir::create();
    ASSERT_OK(made);
    folder_ = std::make_unique<TempDir>(*std::move(made));
    host_.boot_folder = folder_->path() / "boot";
    host_.modules_folder = folder_->path() / "modules";
    host_.kvm_device = folder_->path() / "kvm";
    host_.boot_id = folder_->path() / "boot_id";
    std::filesystem::create_directories(host_.boot_folder);
    std::filesystem::create_directories(host_.modules_folder / "6.1");
    kernel_ = host_.boot_folder / "vmlinuz-6.1";
    write(kernel_, "kernel");
    write(host_.kvm_device, "");
    write(host_.boot_id, "boot one\n");
  }
  static void write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream(path) << text;
  }
  [[nodiscard]] std::filesystem::path cache() const { return folder_->path() / "cache"; }
  [[nodiscard]] std::vector<std::string> probe_argv() const {
    return {"qemu-system-x86_64",
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-no-reboot",
            "-machine",
            "pc,graphics=off",
            "-accel",
            "kvm",
            "-cpu",
            "host",
            "-smp",
            "1",
            "-m",
            "256",
            "-serial",
            "stdio",
            "-kernel",
            kernel_.string(),
            "-initrd",
            (cache() / "acceleration-probe.cpio").string(),
            "-append",
            "console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable"};
  }
  static ProcessOutput works() { return {0, "SeaBIOS\r\nkiln-acceleration-probe: ok\r\n", ""}; }
  Result<AccelerationReport> prove(ProcessRunner& runner) {
    return prove_acceleration(runner, cache(), {}, host_);
  }
  Result<AccelerationReport> choose(AcceleratorChoice choice, ProcessRunner& runner) {
    return choose_accelerator(choice, runner, cache(), events_, {}, host_);
  }
  void forget() { std::filesystem::remove_all(cache()); }

  std::unique_ptr<TempDir> folder_;
  HostPaths host_;
  std::filesystem::path kernel_;
  test::RecordingSink events_;
};

TEST_F(Acceleration, IsProvedByTheGuestsOwnWords) {
  test::FakeRunner runner;
  runner.expect(probe_argv(), works());
  const auto report = prove(runner);
  ASSERT_OK(report);
  EXPECT_EQ(report->accelerator, Accelerator::kKvm);
  EXPECT_FALSE(report->from_cache);
  EXPECT_EQ(report->kernel, kernel_);
}

TEST_F(Acceleration, IsRememberedForThisBootQemuAndKernel) {
  test::FakeRunner runner;
  runner.expect(probe_argv(), works());
  ASSERT_OK(prove(runner));
  const auto again = prove(runner);
  ASSERT_OK(again);
  EXPECT_EQ(again->accelerator, Accelerator::kKvm);
  EXPECT_TRUE(again->from_cache);
  EXPECT_EQ(again->kernel, kernel_);

  write(host_.boot_id, "boot two\n");
  runner.expect(probe_argv(), ProcessOutput{1, "", "qemu: no\n"});
  EXPECT_EQ(prove(runner).value().accelerator, Accelerator::kTcg);
  EXPECT_EQ(prove(runner).value().accelerator, Accelerator::kTcg);

  write(kernel_, "another kernel");
  runner.expect(probe_argv(), works());
  EXPECT_EQ(prove(runner).value().accelerator, Accelerator::kKvm);
}

TEST_F(Acceleration, ForgetsWhatItCannotRead) {
  test::FakeRunner runner;
  for (const char* text : {"", "{", "[]", R"({"key": 1})", R"({"key":{},"accelerator":"kvm"})"}) {
    std::filesystem::create_directories(cache());
    write(cache() / "acceleration.json", text);
    runner.expect(probe_argv(), works());
    const auto report = prove(runner);
    ASSERT_OK(report);
    EXPECT_FALSE(report->from_cache) << text;
  }
}

TEST_F(Acceleration, IsAbsentWhereTheGuestHangs) {
  test::FakeRunner runner;
  runner.expect(probe_argv(), fail(ErrorKind::kTimeout, "Process:Timeout", "late"));
  const auto report = prove(runner);
  ASSERT_OK(report);
  EXPECT_EQ(report->accelerator, Accelerator::kTcg);
  EXPECT_THAT(report->why, HasSubstr("hung"));
}

TEST_F(Acceleration, IsAbsentWhereQemuFails) {
  test::FakeRunner runner;
  runner.expect(probe_argv(), ProcessOutput{134, "SeaBIOS", "first\nerror: failed to set MSR\n"});
  const auto report = prove(runner);
  ASSERT_OK(report);
  EXPECT_EQ(report->accelerator, Accelerator::kTcg);
  EXPECT_THAT(report->why, HasSubstr("exit code 134: error: failed to set MSR"));
}

TEST_F(Acceleration, IsAbsentWhereTheGuestSaysNothing) {
  test::FakeRunner runner;
  runner.expect(probe_argv(), ProcessOutput{0, "Kernel panic", ""});
  EXPECT_EQ(prove(runner).value().accelerator, Accelerator::kTcg);
}

TEST_F(Acceleration, NeedsNoProbeWithoutTheDevice) {
  std::filesystem::remove(host_.kvm_device);
  test::FakeRunner runner;
  const auto report = prove(runner);
  ASSERT_OK(report);
  EXPECT_EQ(report->accelerator, Accelerator::kTcg);
  EXPECT_THAT(report->why, HasSubstr(host_.kvm_device.string()));
}

TEST_F(Acceleration, ErrorsOtherThanTheLimitAreErrorsAndNotRemembered) {
  test::FakeRunner runner;
  runner.expect(probe_argv(), fail(ErrorKind::kHostNotReady, "Process:NotInstalled", "no qemu"));
  EXPECT_THAT(prove(runner), FailsWith("Process:NotInstalled"));
  runner.expect(probe_argv(), cancelled());
  EXPECT_THAT(prove(runner), FailsWith("Run:Cancelled"));
  runner.expect(probe_argv(), works());
  EXPECT_EQ(prove(runner).value().accelerator, Accelerator::kKvm);
}

TEST_F(Acceleration, WithoutAKernelNothingCanRun) {
  std::filesystem::remove(kernel_);
  test::FakeRunner runner;
  EXPECT_THAT(prove(runner), FailsWith("Host:NoKernel"));
  EXPECT_THAT(choose(AcceleratorChoice::kTcg, runner), FailsWith("Host:NoKernel"));
}

TEST_F(Acceleration, AutoFallsBackWithOneWarningThatNamesTheFactor) {
  test::FakeRunner runner;
  runner.expect(probe_argv(), ProcessOutput{1, "", "no\n"});
  const auto report = choose(AcceleratorChoice::kAuto, runner);
  ASSERT_OK(report);
  EXPECT_EQ(report->accelerator, Accelerator::kTcg);
  EXPECT_THAT(events_.messages(EventType::kWarning), ElementsAre(HasSubstr("10 to 20 times")));
}

TEST_F(Acceleration, AutoIsSilentWhereKvmWorks) {
  test::FakeRunner runner;
  runner.expect(probe_argv(), works());
  EXPECT_EQ(choose(AcceleratorChoice::kAuto, runner).value().accelerator, Accelerator::kKvm);
  EXPECT_THAT(events_.events(), IsEmpty());
}

TEST_F(Acceleration, KvmAskedForIsNeverReplaced) {
  test::FakeRunner runner;
  runner.expect(probe_argv(), ProcessOutput{1, "", "no\n"});
  const auto report = choose(AcceleratorChoice::kKvm, runner);
  ASSERT_THAT(report, FailsWith("Sandbox:NoKvm"));
  EXPECT_EQ(report.error().kind(), ErrorKind::kHostNotReady);
  EXPECT_THAT(report.error().cure(), HasSubstr("--accel auto"));
}

TEST_F(Acceleration, TcgAskedForNeverProbes) {
  test::FakeRunner runner;
  const auto report = choose(AcceleratorChoice::kTcg, runner);
  ASSERT_OK(report);
  EXPECT_EQ(report->accelerator, Accelerator::kTcg);
  EXPECT_THAT(events_.events(), IsEmpty());
}

}  // namespace
}  // namespace kiln
