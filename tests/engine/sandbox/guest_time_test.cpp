// What takes too long in a booted system and how it is cut short, its clock, its frozen disks, and
// the servers that it may reach.
// One guest without systemd, because that boots quickest.
#include <thread>

#include "engine/core/temp_dir.h"
#include "engine/core/text.h"
#include "engine/sandbox/guest/guest.h"
#include "tests/support/fixture_guests.h"
#include "tests/support/hanging_loader.h"
#include "tests/support/matchers.h"
#include "tests/support/processes.h"
#include "tests/support/recording_sink.h"
#include "tests/support/tcp_server.h"

namespace kiln::test {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;

/// The embedded driver has one folder in the life of a process, so all tests share it.
const std::filesystem::path& work_folder() {
  static const auto folder = TempDir::create().value();
  return folder.path();
}

class GuestTime : public ::testing::Test {
 protected:
  void SetUp() override {
    disk_folder_.emplace(TempDir::create().value());
    const auto disk = fixture_disk(*runner_, "sysvinit.qcow2", disk_folder_->path());
    ASSERT_OK(disk);
    SandboxOptions options;
    options.halt_time_limit = 15s;
    options.destinations = {{"127.0.0.1", server_.port()}};
    auto sandbox = start_guest(
        *disk, options, {*runner_, events_, {}, work_folder(), work_folder() / "cache"});
    ASSERT_OK(sandbox);
    sandbox_ = *std::move(sandbox);
  }

  Result<GuestExit> run(const std::string& script,
                        std::optional<std::chrono::milliseconds> limit = {},
                        const CancelToken& cancel = {}) {
    text_.clear();
    GuestCommand command;
    command.argv = {"sh", "-c", script};
    command.time_limit = limit;
    return sandbox_->agent().run(
        command, [this](GuestStream, std::string_view data) { text_.append(data); }, cancel);
  }
  std::string output_of(const std::string& script) {
    const auto exit = run(script);
    EXPECT_OK(exit);
    EXPECT_TRUE(exit && exit->ok()) << script << ": " << text_;
    return std::string(trim(text_));
  }

  void expect_steps_cut_short();
  void expect_the_server_and_no_card();
  void expect_frozen_disks();
  void expect_the_right_time_after_a_restart_with_a_wrong_clock();
  void expect_a_restart_that_hangs_to_be_cut_short();
  void expect_the_power_cut();

  TcpServer server_{[](int connection) { send_all(connection, "here\n"); }};
  std::unique_ptr<ProcessRunner> runner_ = make_process_runner();
  std::optional<TempDir> disk_folder_;
  RecordingSink events_;
  std::string text_;
  std::unique_ptr<Sandbox> sandbox_;
};

void GuestTime::expect_steps_cut_short() {
  const auto late = run("sleep 601", 1s);
  ASSERT_OK(late);
  EXPECT_EQ(late->kind, GuestExit::Kind::kTimedOut);
  CancelSource source;
  const std::jthread user([&] {
    std::this_thread::sleep_for(1s);
    source.request();
  });
  EXPECT_THAT(run("setsid sleep 602", {}, source.token()), FailsWith("Run:Cancelled"));
  EXPECT_EQ(output_of("pgrep -f 'sleep 60[12]' || echo none"), "none");
}

void GuestTime::expect_the_server_and_no_card() {
  EXPECT_EQ(output_of("ls /sys/class/net"), "lo");
  EXPECT_EQ(output_of(fmt::format("bash -c 'cat </dev/tcp/127.0.0.1/{}'", server_.port())), "here");
}

/// A writer that init runs, because what a step leaves behind dies with it.
void GuestTime::expect_frozen_disks() {
  output_of(
      "echo 'w:2345:respawn:/bin/sh -c \"while sleep 0.1; do date +%s.%N; done "
      ">>/var/tmp/stamps\"' >>/etc/inittab && telinit q && sleep 2 && [ -s /var/tmp/stamps ]");
  const auto longest_pause = [this] {
    constexpr const char* kLongest =
        "sleep 1; awk 'NR > 1 && $1 - p > m {m = $1 - p} {p = $1} END {print m}' /var/tmp/stamps; "
        ": >/var/tmp/stamps";
    return std::stod(output_of(kLongest));
  };
  const auto freeze = [this](std::chrono::milliseconds limit) {
    return sandbox_->agent().freeze({"/"},
                                    limit,
                                    []() -> Result<void> {
                                      std::this_thread::sleep_for(6s);
                                      return {};
                                    },
                                    {});
  };
  EXPECT_LT(longest_pause(), 3);
  EXPECT_OK(freeze(30s));
  EXPECT_GT(longest_pause(), 5);
  EXPECT_THAT(freeze(1s), FailsWith("Agent:Thawed"));
  const auto pause = longest_pause();
  EXPECT_GT(pause, 0.9);
  EXPECT_LT(pause, 4);
  output_of("sed -i '/^w:/d' /etc/inittab && telinit q");
}

/// Writes the year into the machine's clock as its firmware would: register 9, in two digits.
void GuestTime::expect_the_right_time_after_a_restart_with_a_wrong_clock() {
  const auto seconds = [this] { return std::stoll(output_of("date +%s")); };
  ASSERT_OK(sandbox_->agent().set_clock(std::chrono::system_clock::from_time_t(1'000'000'000), {}));
  EXPECT_NEAR(static_cast<double>(seconds()), 1e9, 60);
  output_of(
      "printf '\\011' | dd bs=1 seek=112 of=/dev/port status=none && "
      "printf '\\001' | dd bs=1 seek=113 of=/dev/port status=none");
  ASSERT_OK(sandbox_->restart(5min));
  EXPECT_THAT(output_of("dmesg | grep 'setting system clock'"), HasSubstr("to 2001-"));
  EXPECT_NEAR(static_cast<double>(seconds()), static_cast<double>(std::time(nullptr)), 60);
}

void GuestTime::expect_a_restart_that_hangs_to_be_cut_short() {
  ASSERT_OK(sandbox_->agent().put(hanging_loader("KILN-HANGS\r\n"), "/run/loader", 0600, {}));
  output_of("dd if=/run/loader of=/dev/sda conv=notrunc,fsync status=none");
  const auto start = Clock::now();
  const auto restarted = sandbox_->restart(40s);
  EXPECT_LT(Clock::now() - start, 60s);
  ASSERT_THAT(restarted, FailsWith("Sandbox:RestartTimeout"));
  EXPECT_THAT(restarted.error().quoted(), Contains("KILN-HANGS"));
}

void GuestTime::expect_the_power_cut() {
  EXPECT_OK(sandbox_->halt());
  EXPECT_THAT(events_.messages(EventType::kWarning), Contains(HasSubstr("its power is cut")));
  sandbox_.reset();
  EXPECT_TRUE(wait_for([&] { return processes_with(disk_folder_->path().string()).empty(); }, 5s));
}

TEST_F(GuestTime, IsKept) {
  expect_steps_cut_short();
  expect_the_server_and_no_card();
  expect_frozen_disks();
  expect_the_right_time_after_a_restart_with_a_wrong_clock();
  if (HasFatalFailure()) return;
  expect_the_server_and_no_card();
  expect_a_restart_that_hangs_to_be_cut_short();
  expect_the_power_cut();
}

TEST_F(GuestTime, IsNotGivenToASystemThatNeverShutsDown) {
  output_of("printf '#!/bin/sh\\nsleep 1000\\n' >/etc/init.d/rc");
  const auto start = Clock::now();
  expect_the_power_cut();
  EXPECT_LT(Clock::now() - start, 90s) << "with a launch of the appliance";
}

}  // namespace
}  // namespace kiln::test
