#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "engine/agent/frame.h"
#include "engine/agent/messages.h"
#include "tests/engine/agent/real_agent.h"

namespace kiln {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Clock = std::chrono::steady_clock;

/// Steps run in a PID namespace where the kernel has them, and under a subreaper where it has not;
/// everything must hold for both.
class AgentRun : public test::AgentTest, public ::testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    AgentTest::SetUp();
    if (!GetParam()) start({"--no-pid-namespace"});
  }

  /// Starts a process that does all it can to stay behind, and returns what it keeps touching.
  static std::string escape_artist(const std::string& file) {
    return "(setsid sh -c 'trap \"\" HUP TERM INT; while :; do echo alive >> " + file +
           "; sleep 0.05; done' >/dev/null 2>&1 </dev/null &) & ";
  }
  static std::uintmax_t size_of(const std::string& file) {
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    return error ? 0 : size;
  }
  static void wait_until_not_empty(const std::string& file) {
    for (int i = 0; i < 500 && size_of(file) == 0; ++i) std::this_thread::sleep_for(10ms);
    ASSERT_GT(size_of(file), 0U) << "it never ran, so its end proves nothing";
  }
  static void expect_dead(const std::string& file) {
    const auto before = size_of(file);
    std::this_thread::sleep_for(300ms);
    EXPECT_EQ(size_of(file), before) << "something of the step is still running";
  }
};

INSTANTIATE_TEST_SUITE_P(Namespaces, AgentRun, ::testing::Bool(), [](const auto& tested) {
  return tested.param ? "PidNamespace" : "Subreaper";
});

TEST_P(AgentRun, RunsOneCommandAfterAnother) {
  for (int i = 0; i < 20; ++i) {
    const auto result = shell("echo " + std::to_string(i));
    ASSERT_OK(result);
    EXPECT_EQ(result->out, std::to_string(i) + "\n");
  }
}

TEST_P(AgentRun, GivesExactlyTheDocumentedEnvironment) {
  const auto result = run({{"env"}, {{"EXTRA", "a b"}, {"LANG", "de_DE.UTF-8"}}, "/root", {}});
  ASSERT_OK(result);
  std::vector<std::string> lines;
  std::istringstream text(result->out);
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  EXPECT_THAT(lines,
              ::testing::UnorderedElementsAre(
                  AllOf(StartsWith("PATH="),
                        ::testing::EndsWith("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
                                            "/sbin:/bin")),
                  "HOME=/root",
                  "USER=root",
                  "LOGNAME=root",
                  "SHELL=/bin/sh",
                  "TERM=dumb",
                  "LANG=de_DE.UTF-8",
                  "EXTRA=a b"));
}

TEST_P(AgentRun, StartsAsAfterAFreshBoot) {
  const auto result = run({{"/bin/sh",
                            "-c",
                            "umask; pwd; id -u; ls -l /proc/self/fd | grep -c -e '-> ';"
                            "readlink /proc/self/fd/0; grep -E 'Sig(Blk|Ign)' /proc/self/status"},
                           {},
                           "/usr",
                           {}});
  ASSERT_OK(result);
  // Four descriptors: 0 to 2, and the folder that ls itself reads.
  EXPECT_EQ(result->out,
            "0022\n/usr\n0\n4\n/dev/null\n"
            "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_P(AgentRun, HandsOverArgumentsUnchanged) {
  const auto result = run({{"printf", "%s|", "a b", "", "$HOME", "'\"", "\xff\xfe"}, {}, "/", {}});
  ASSERT_OK(result);
  EXPECT_EQ(result->out, "a b||$HOME|'\"|\xff\xfe|");
}

TEST_P(AgentRun, PassesBytesThatAreNoText) {
  const auto result = shell(R"(printf '\000\001\377\r\n\200')");
  ASSERT_OK(result);
  EXPECT_EQ(result->out, std::string("\0\1\377\r\n\200", 6));
}

TEST_P(AgentRun, SaysWhyAProgramCannotBeExecutedAsShellsDo) {
  std::ofstream(in_folder("plain")) << "no program";
  std::ofstream(in_folder("bad")) << "#!/no/such/interpreter\n";
  std::filesystem::permissions(in_folder("bad"), std::filesystem::perms::owner_all);
  struct Case {
    std::string program;
    int code;
    std::string message;
  };
  for (const auto& c : {Case{"no-such-program", 127, "no-such-program: command not found"},
                        Case{"/no/such/program", 127, "No such file or directory"},
                        Case{in_folder("plain"), 126, "Permission denied"},
                        Case{in_folder("bad"), 127, "interpreter"}}) {
    const auto result = run({{c.program}, {}, "/", {}});
    ASSERT_OK(result);
    EXPECT_EQ(result->exit.code, c.code) << c.program;
    EXPECT_THAT(result->err, HasSubstr(c.message));
  }
}

TEST_P(AgentRun, RunsAScriptWithoutFirstLineByTheShell) {
  ASSERT_OK(agent_->put("echo by shell", in_folder("script"), 0755, {}));
  const auto result = run({{in_folder("script")}, {}, "/", {}});
  ASSERT_OK(result);
  EXPECT_EQ(result->out, "by shell\n");
}

TEST_P(AgentRun, DoesNotWaitForWhatHoldsTheOutputOpen) {
  const auto start = Clock::now();
  const auto result = shell("(setsid sleep 60 &) & echo done");
  ASSERT_OK(result);
  EXPECT_EQ(result->out, "done\n");
  EXPECT_LT(Clock::now() - start, 5s);
}

std::uint64_t peak_memory_of(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::stoull(line.substr(6)) * 1024;
  }
  return 0;
}

TEST_P(AgentRun, PassesHugeOutputInLittleMemory) {
  constexpr std::uint64_t kSize = 200U << 20U;
  [[maybe_unused]] const auto host_before = peak_memory_of(::getpid());
  std::uint64_t out = 0;
  std::uint64_t err = 0;
  const auto result = agent_->run(
      {{"/bin/sh", "-c", "head -c 104857600 /dev/zero & head -c 104857600 /dev/zero >&2; wait"},
       {},
       "/",
       {}},
      [&](GuestStream stream, std::string_view data) {
        (stream == GuestStream::kStdout ? out : err) += data.size();
      },
      {});
  ASSERT_OK(result);
  EXPECT_EQ(out, kSize / 2);
  EXPECT_EQ(err, kSize / 2);
  const auto agent_peak = peak_memory_of(process_->pid());
  EXPECT_GT(agent_peak, 0U);
  EXPECT_LT(agent_peak, 8U << 20U);
#ifndef __SANITIZE_ADDRESS__  // which keeps freed memory for a while
  EXPECT_LT(peak_memory_of(::getpid()) - host_before, 32U << 20U);
#endif
}

TEST_P(AgentRun, TakesTheStepWithItWhenItIsKilled) {
  const auto file = in_folder("alive");
  std::thread killer([&] {
    wait_until_not_empty(file);
    ::kill(process_->pid(), SIGKILL);
  });
  EXPECT_THAT(shell(escape_artist(file) + "sleep 60"), test::FailsWith("Agent:Lost"));
  killer.join();
  std::this_thread::sleep_for(200ms);
  expect_dead(file);
}

TEST_P(AgentRun, EndsEverythingWhenTheHostIsGone) {
  const auto options =
      GetParam() ? std::vector<std::string>{} : std::vector<std::string>{"--no-pid-namespace"};
  test::RealAgent other(options);
  const auto file = in_folder("alive");
  const auto host = other.take_socket();
  // Spoken by hand, because the socket has to close in the middle of a step.
  const agent::RunRequest request{{"/bin/sh", "-c", escape_artist(file) + "sleep 60"}, {}, "/", 0};
  const auto frame = encode_frame(agent::FrameType::kRun, 1, encode(request));
  ASSERT_EQ(::write(host.get(), frame.data(), frame.size()), std::ssize(frame));
  wait_until_not_empty(file);
  ::shutdown(host.get(), SHUT_RDWR);
  EXPECT_EQ(other.wait_for_end(), 1);
  expect_dead(file);
}

TEST_P(AgentRun, RefusesWhatDoesNotFitInOneRequest) {
  const auto result = run({{"echo", std::string(100'000, 'x')}, {}, "/", {}});
  EXPECT_THAT(result, test::FailsWith("Agent:RequestTooLarge"));
  EXPECT_THAT(run({{}, {}, "/", {}}), test::FailsWith("Agent:UnusableCommand"));
  EXPECT_THAT(run({{"env"}, {{"A=B", "c"}}, "/", {}}), test::FailsWith("Agent:UnusableCommand"));
  EXPECT_THAT(run({{"pwd"}, {}, "relative", {}}), test::FailsWith("Agent:RelativePath"));
  EXPECT_OK(shell("true"));
}

// Only a namespace protects from this.
class AgentInNamespace : public test::AgentTest {};

TEST_F(AgentInNamespace, SurvivesAStepThatKillsAllItCan) {
  const auto result = shell("kill -TERM 1; kill -KILL 1; kill -TERM -1; sleep 0.2; echo on");
  ASSERT_OK(result);
  EXPECT_EQ(result->out, "on\n");
}

TEST_F(AgentInNamespace, ShowsAStepOnlyItsOwnProcesses) {
  const auto result = shell("set -- /proc/[0-9]*; echo $#; echo $$");
  ASSERT_OK(result);
  EXPECT_EQ(result->out, "2\n2\n");  // the supervisor and the shell
}

}  // namespace
}  // namespace kiln
