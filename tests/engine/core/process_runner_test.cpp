#include "engine/core/process_runner.h"

#include <csignal>
#include <fstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "engine/core/temp_dir.h"
#include "engine/core/text.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using namespace std::chrono_literals;
using test::FailsWith;
using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

/// Shells are what is tested with, not how Kiln runs things.
Command shell(std::string script) {
  Command command;
  command.argv = {"sh", "-c", std::move(script)};
  return command;
}

Result<ProcessOutput> run(const Command& command, const CancelToken& cancel = {}) {
  return make_process_runner()->run(command, cancel);
}

/// A zombie whose parent does not reap it is as dead as one that is gone.
bool is_dead(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  std::getline(file, stat);
  const auto paren = stat.rfind(')');
  return paren == std::string::npos || stat.substr(paren + 2, 1) == "Z";
}

bool dies_within(pid_t pid, std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  while (Clock::now() < deadline) {
    if (is_dead(pid)) return true;
    std::this_thread::sleep_for(10ms);
  }
  return is_dead(pid);
}

/// Waits for a first line, which is collected in a thread of its own.
std::string error_output_of(ChildProcess& child) {
  const auto deadline = Clock::now() + 10s;
  while (Clock::now() < deadline && !child.error_output().ends_with('\n')) {
    std::this_thread::sleep_for(1ms);
  }
  return child.error_output();
}

/// Waits until a script has written a process id into a file.
pid_t read_pid(const std::filesystem::path& path) {
  for (int i = 0; i < 1000; ++i) {
    std::ifstream file(path);
    std::string line;
    if (std::getline(file, line) && !file.eof()) return static_cast<pid_t>(std::stol(line));
    std::this_thread::sleep_for(10ms);
  }
  ADD_FAILURE() << "no process id in " << path;
  return 1;
}

class ProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::create();
    ASSERT_OK(dir);
    dir_ = std::make_unique<TempDir>(*std::move(dir));
  }
  [[nodiscard]] std::string at(const std::string& name) const {
    return (dir_->path() / name).string();
  }
  std::unique_ptr<TempDir> dir_;
};

TEST_F(ProcessTest, CapturesBothStreamsAndTheExitCode) {
  const auto output = run(shell("echo out; echo err >&2; exit 3"));
  ASSERT_OK(output);
  EXPECT_EQ(output->out, "out\n");
  EXPECT_EQ(output->err, "err\n");
  EXPECT_EQ(output->exit_code, 3);
}

TEST_F(ProcessTest, OutputOfAnySizeGoesIntoAFile) {
  auto command = shell("head -c 10000000 /dev/zero; echo err >&2");
  command.output_file = at("out");
  const auto output = run(command);
  ASSERT_OK(output);
  EXPECT_EQ(output->out, "");
  EXPECT_EQ(output->err, "err\n");
  EXPECT_EQ(std::filesystem::file_size(at("out")), 10'000'000U);
  command.output_file = at("no/such/folder/out");
  EXPECT_THAT(run(command), FailsWith("Process:OutputFile"));
}

TEST_F(ProcessTest, ASignalCountsFrom128) {
  EXPECT_EQ(run(shell("kill -TERM $$"))->exit_code, 128 + SIGTERM);
}

TEST_F(ProcessTest, ArgumentsAreNotInterpreted) {
  Command command;
  command.argv = {"printf", "%s|", "a b", "$HOME", "`id`", "", "*"};
  EXPECT_EQ(run(command)->out, "a b|$HOME|`id`||*|");
}

TEST_F(ProcessTest, TheEnvironmentIsMinimal) {
  ::setenv("KILN_TEST_LEAK", "leaked", 1);
  Command command;
  command.argv = {"env"};
  command.environment = {{"EXTRA", "given"}};
  const auto output = run(command);
  ::unsetenv("KILN_TEST_LEAK");
  ASSERT_OK(output);
  EXPECT_THAT(output->out, HasSubstr("LC_ALL=C.UTF-8\n"));
  EXPECT_THAT(output->out, HasSubstr("EXTRA=given\n"));
  EXPECT_THAT(output->out, HasSubstr("PATH="));
  EXPECT_THAT(output->out, testing::Not(HasSubstr("leaked")));
}

TEST_F(ProcessTest, StandardInputIsAtItsEnd) {
  Command command;
  command.argv = {"cat"};
  command.time_limit = 10s;
  const auto output = run(command);
  ASSERT_OK(output);
  EXPECT_EQ(output->out, "");
}

TEST_F(ProcessTest, RunsInTheFolderGiven) {
  auto command = shell("pwd");
  command.directory = dir_->path();
  EXPECT_EQ(run(command)->out, std::filesystem::canonical(dir_->path()).string() + "\n");
  command.directory = "/nonexistent";
  EXPECT_THAT(run(command), FailsWith("Process:Exec"));
}

TEST_F(ProcessTest, AMissingProgramIsTheHostsFault) {
  Command command;
  command.argv = {"no-such-program-anywhere"};
  const auto output = run(command);
  ASSERT_THAT(output, FailsWith("Process:NotInstalled"));
  EXPECT_EQ(output.error().kind(), ErrorKind::kHostNotReady);
  EXPECT_FALSE(output.error().cure().empty());
  command.argv = {"/"};
  EXPECT_THAT(run(command), FailsWith("Process:NotInstalled"));
}

TEST_F(ProcessTest, AFileThatIsNoProgramIsRefusedByTheKernel) {
  std::ofstream(at("junk")) << "\x7f\x45LF junk";
  std::filesystem::permissions(at("junk"), std::filesystem::perms::owner_all);
  Command command;
  command.argv = {at("junk")};
  EXPECT_THAT(run(command), FailsWith("Process:Exec"));
}

TEST_F(ProcessTest, RunCheckedKeepsTheEndOfStandardError) {
  const auto runner = make_process_runner();
  const auto output =
      run_checked(*runner, shell("for i in $(seq 1 50); do echo line $i >&2; done; exit 9"), {});
  ASSERT_THAT(output, FailsWith("Process:Failed"));
  EXPECT_THAT(output.error().message(), HasSubstr("exit code 9"));
  ASSERT_EQ(output.error().quoted().size(), 20U);
  EXPECT_EQ(output.error().quoted().front(), "line 31");
  EXPECT_EQ(output.error().quoted().back(), "line 50");
  EXPECT_OK(run_checked(*runner, shell("exit 0"), {}));
}

TEST_F(ProcessTest, LargeOutputIsBoundedInMemory) {
  auto command = shell(
      "head -c 20000000 /dev/zero | tr '\\0' a; echo first >&2;"
      " head -c 20000000 /dev/zero | tr '\\0' b >&2; echo last >&2");
  command.time_limit = 60s;
  const auto output = run(command);
  ASSERT_OK(output);
  EXPECT_EQ(output->exit_code, 0);
  EXPECT_EQ(output->out.size(), kCaptureLimit);
  EXPECT_EQ(output->err.size(), kCaptureLimit);
  EXPECT_THAT(output->err,
              testing::EndsWith("b"
                                "last\n"));
}

TEST_F(ProcessTest, ATimeLimitEndsTheWholeGroup) {
  auto command = shell("sleep 300 & echo $! >" + at("pid") + "; wait");
  command.time_limit = 300ms;
  const auto start = Clock::now();
  const auto output = run(command);
  ASSERT_THAT(output, FailsWith("Process:Timeout"));
  EXPECT_EQ(output.error().kind(), ErrorKind::kTimeout);
  EXPECT_LT(Clock::now() - start, 3s);
  EXPECT_TRUE(dies_within(read_pid(at("pid")), 2s));
}

TEST_F(ProcessTest, AGroupThatIgnoresTermIsKilled) {
  auto command = shell("trap '' TERM; (trap '' TERM; sleep 300) & echo $! >" + at("pid") +
                       "; while true; do sleep 1; done");
  command.time_limit = 300ms;
  EXPECT_THAT(run(command), FailsWith("Process:Timeout"));
  EXPECT_TRUE(dies_within(read_pid(at("pid")), 2s));
}

TEST_F(ProcessTest, AMemberThatIgnoresTermDiesWithItsLeader) {
  auto command = shell("(trap '' TERM; sleep 300) & echo $! >" + at("pid") + "; wait");
  command.time_limit = 300ms;
  EXPECT_THAT(run(command), FailsWith("Process:Timeout"));
  EXPECT_TRUE(dies_within(read_pid(at("pid")), 2s));
}

TEST_F(ProcessTest, WhatALeaderLeavesBehindIsNotWaitedFor) {
  const auto start = Clock::now();
  const auto output = run(shell("sleep 300 & echo $! >" + at("pid") + "; echo done"));
  ASSERT_OK(output);
  EXPECT_EQ(output->out, "done\n");
  EXPECT_EQ(output->exit_code, 0);
  EXPECT_LT(Clock::now() - start, 10s);
  EXPECT_TRUE(dies_within(read_pid(at("pid")), 2s));
}

TEST_F(ProcessTest, SomebodyElsesHoldOnOurPipesDoesNotBlock) {
  const auto start = Clock::now();
  const auto output = run(shell("setsid sleep 20 & echo done"));
  ASSERT_OK(output);
  EXPECT_EQ(output->out, "done\n");
  EXPECT_LT(Clock::now() - start, 15s);
}

TEST_F(ProcessTest, CancelEndsARunningProgram) {
  CancelSource source;
  const std::jthread canceller([&] {
    read_pid(at("pid"));
    source.request();
  });
  const auto output = run(shell("echo $$ >" + at("pid") + "; exec sleep 300"), source.token());
  EXPECT_THAT(output, FailsWith("Run:Cancelled"));
  EXPECT_TRUE(is_dead(read_pid(at("pid"))));
}

TEST_F(ProcessTest, NothingStartsAfterCancel) {
  CancelSource source;
  source.request();
  EXPECT_THAT(run(shell("touch " + at("started")), source.token()), FailsWith("Run:Cancelled"));
  EXPECT_FALSE(std::filesystem::exists(at("started")));
}

TEST_F(ProcessTest, IgnoredSignalsAndOpenFilesAreNotInherited) {
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  const int leak = ::dup(1);  // no O_CLOEXEC, as a careless library would
  const auto output = run(shell("grep SigIgn /proc/self/status; ls /proc/self/fd"));
  ::close(leak);
  ::signal(SIGPIPE, before);
  ASSERT_OK(output);
  const auto lines = split_lines(output->out);
  const auto ignored = std::stoull(lines[0].substr(7), nullptr, 16);
  EXPECT_EQ(ignored & (1ULL << (SIGPIPE - 1)), 0U);
  // 0, 1, 2 and the one that ls reads the folder with
  EXPECT_EQ(lines.size(), 5U) << output->out;
}

TEST_F(ProcessTest, AServerIsStartedPolledAndTerminated) {
  const auto runner = make_process_runner();
  const auto child =
      runner->start(shell("echo ready >&2; sleep 300 & echo $! >" + at("pid") + "; wait"));
  ASSERT_OK(child);
  const auto member = read_pid(at("pid"));
  EXPECT_FALSE((*child)->poll().has_value());
  EXPECT_EQ(error_output_of(**child), "ready\n");
  (*child)->terminate();
  EXPECT_EQ((*child)->poll(), 128 + SIGTERM);
  EXPECT_TRUE(dies_within(member, 2s));
}

TEST_F(ProcessTest, AServerDiesWithItsObject) {
  const auto runner = make_process_runner();
  pid_t pid = 0;
  {
    const auto child = runner->start(shell("sleep 300"));
    ASSERT_OK(child);
    pid = (*child)->pid();
    EXPECT_FALSE(is_dead(pid));
  }
  EXPECT_TRUE(is_dead(pid));
}

TEST_F(ProcessTest, AServersExitIsSeenAndItsGroupIsCleared) {
  const auto runner = make_process_runner();
  const auto child = runner->start(shell("sleep 300 & echo $! >" + at("pid") + "; exit 4"));
  ASSERT_OK(child);
  const auto member = read_pid(at("pid"));
  std::optional<int> code;
  for (int i = 0; i < 500 && !code; ++i) {
    code = (*child)->poll();
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(code, 4);
  EXPECT_TRUE(dies_within(member, 2s));
}

TEST_F(ProcessTest, AServerThatNobodyReadsIsNotBlocked) {
  const auto runner = make_process_runner();
  const auto child = runner->start(
      shell("head -c 1000000 /dev/zero; head -c 9000000 /dev/zero | tr '\\0' e >&2; echo end >&2;"
            " touch " +
            at("done") + "; sleep 300"));
  ASSERT_OK(child);
  for (int i = 0; i < 1000 && !std::filesystem::exists(at("done")); ++i) {
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_TRUE(std::filesystem::exists(at("done")));
  (*child)->terminate();
  const auto errors = error_output_of(**child);
  EXPECT_LE(errors.size(), kCaptureLimit);
  EXPECT_THAT(errors, testing::EndsWith("end\n"));
}

/// Kiln dies by kill -9 in the middle of things; what it started must go with it.
TEST_F(ProcessTest, ChildrenDieWithAKilledParent) {
  const pid_t kiln = ::fork();
  ASSERT_GE(kiln, 0);
  if (kiln == 0) {
    const auto child =
        make_process_runner()->start(shell("echo $$ >" + at("pid") + "; exec sleep 300"));
    ::pause();
    ::_exit(child.has_value() ? 0 : 1);
  }
  const auto server = read_pid(at("pid"));
  EXPECT_FALSE(is_dead(server));
  ::kill(kiln, SIGKILL);
  ::waitpid(kiln, nullptr, 0);
  EXPECT_TRUE(dies_within(server, 5s));
}

TEST(FindProgram, SearchesThePathOnly) {
  EXPECT_EQ(find_program("sh").filename(), "sh");
  EXPECT_TRUE(find_program("sh").is_absolute());
  EXPECT_EQ(find_program("no-such-program-anywhere"), "");
  EXPECT_EQ(find_program("/nonexistent/sh"), "");
  EXPECT_EQ(find_program("/bin"), "");  // a folder
  EXPECT_EQ(find_program(""), "");
}

TEST(FindProgram, AnEmptyPathElementIsNotTheCurrentFolder) {
  const auto dir = TempDir::create();
  ASSERT_OK(dir);
  std::ofstream(dir->path() / "planted-program") << "#!/bin/sh\n";
  std::filesystem::permissions(dir->path() / "planted-program", std::filesystem::perms::owner_all);
  const std::string saved = ::getenv("PATH");
  const auto folder = std::filesystem::current_path();
  std::filesystem::current_path(dir->path());
  ::setenv("PATH", ":.:/usr/bin", 1);
  const auto found = find_program("planted-program");
  ::setenv("PATH", saved.c_str(), 1);
  std::filesystem::current_path(folder);
  EXPECT_EQ(found, "");
}

}  // namespace
}  // namespace kiln
