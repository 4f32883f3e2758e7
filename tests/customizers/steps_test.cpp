// Shell and File on the real agent, which runs natively here.
#include <algorithm>
#include <filesystem>
#include <thread>

#include "customizers/customizer.h"
#include "customizers/step_command.h"
#include "tests/engine/agent/real_agent.h"
#include "tests/support/recording_sink.h"

namespace kiln {
namespace {

using test::FailsWith;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Steps : public test::AgentTest {
 protected:
  void SetUp() override {
    AgentTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    scripts_before_ = scripts();
  }
  void TearDown() override {
    if (!agent_) return;
    EXPECT_EQ(scripts(), scripts_before_) << "a script was left in /tmp";
  }

  static std::vector<std::string> scripts() {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator("/tmp")) {
      if (entry.path().filename().string().starts_with("script_")) found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  StepContext context(const CancelToken& cancel = {}) {
    return {*agent_, sink_, "customize", "customize-01", inputs_, time_limit_, cancel};
  }

  static nlohmann::json shell_body(const std::vector<std::string>& lines) {
    return {{"type", "Shell"}, {"inline", lines}};
  }
  Result<void> run_step(nlohmann::json body, const CancelToken& cancel = {}) {
    KILN_TRY_ASSIGN(const auto step,
                    parse_customizer(JsonReader::of(std::move(body), "template.json")));
    return step->run(context(cancel));
  }
  Result<void> run_inline(const std::vector<std::string>& lines, const CancelToken& cancel = {}) {
    return run_step(shell_body(lines), cancel);
  }
  /// A Shell step whose script is fetched.
  Result<void> run_script(const std::string& text) {
    inputs_["a.sh"] = in_folder("a.sh");
    KILN_TRY(write_file_atomic(inputs_["a.sh"], text));
    return run_step({{"type", "Shell"}, {"scriptUri", "a.sh"}});
  }
  Result<void> run_file(const std::string& contents, const std::string& destination) {
    inputs_["a"] = in_folder("source");
    KILN_TRY(write_file_atomic(inputs_["a"], contents, 0600));
    return run_step({{"type", "File"}, {"sourceUri", "a"}, {"destination", destination}});
  }
  [[nodiscard]] std::vector<std::string> lines_of(const std::string& stream) const {
    std::vector<std::string> lines;
    for (const auto& event : sink_.events()) {
      if (event.type != EventType::kStepOutput || event.fields.at("stream") != stream) continue;
      EXPECT_EQ(event.phase, "customize");
      EXPECT_EQ(event.step_id, "customize-01");
      lines.push_back(event.message);
    }
    return lines;
  }

  test::RecordingSink sink_;
  std::map<std::string, std::filesystem::path> inputs_;
  std::optional<std::chrono::milliseconds> time_limit_;

 private:
  std::vector<std::string> scripts_before_;
};

using ShellStep = Steps;
using FileStep = Steps;

TEST_F(ShellStep, GivesEachLineWithItsStream) {
  ASSERT_OK(run_inline({"echo one", "echo two >&2", "printf three"}));
  EXPECT_THAT(lines_of("stdout"), ElementsAre("one", "three"));
  EXPECT_THAT(lines_of("stderr"), ElementsAre("two"));
}

TEST_F(ShellStep, RunsAsRootFromItsOwnPlaceWithPackersVariables) {
  ASSERT_OK(run_inline({"id -u",
                        "echo $PACKER_BUILD_NAME $PACKER_BUILDER_TYPE",
                        "echo $0",
                        "stat -c %a $0",
                        "sudo id -u",
                        "pwd"}));
  EXPECT_THAT(lines_of("stdout"),
              ElementsAre("0",
                          "azure-arm azure-arm",
                          ::testing::MatchesRegex("/tmp/script_[0-9]+\\.sh"),
                          "755",
                          "0",
                          "/root"));
}

TEST_F(ShellStep, EachStepIsItsOwnSession) {
  ASSERT_OK(run_inline({"export LEFT=over", "cd /"}));
  ASSERT_OK(run_inline({"echo ${LEFT:-nothing}", "pwd"}));
  EXPECT_THAT(lines_of("stdout"), ElementsAre("nothing", "/root"));
}

TEST_F(ShellStep, StopsAtTheFirstFailingLine) {
  const auto failed = run_inline({"echo before", "false", "echo after"});
  ASSERT_THAT(failed, FailsWith("Shell:ExitCode"));
  EXPECT_EQ(failed.error().kind(), ErrorKind::kGuestFailed);
  EXPECT_THAT(failed.error().message(), HasSubstr("exit code 1"));
  EXPECT_THAT(failed.error().where(), HasSubstr("template.json"));
  EXPECT_THAT(failed.error().quoted(), ElementsAre("before"));
  EXPECT_THAT(lines_of("stdout"), ElementsAre("before"));
}

TEST_F(ShellStep, QuotesTheEndOfALongOutput) {
  const auto failed = run_inline({"seq 1 1000", "exit 3"});
  ASSERT_THAT(failed, FailsWith("Shell:ExitCode"));
  EXPECT_THAT(failed.error().message(), HasSubstr("exit code 3"));
  EXPECT_EQ(failed.error().quoted().size(), 20U);
  EXPECT_EQ(failed.error().quoted().back(), "1000");
  EXPECT_EQ(lines_of("stdout").size(), 1000U);
}

TEST_F(ShellStep, ShowsOutputWhileItRuns) {
  const auto fifo = in_folder("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  Result<void> outcome;
  std::thread step([&] { outcome = run_inline({"echo first", "cat " + fifo, "echo last"}); });
  for (int i = 0; i < 1000 && lines_of("stdout").empty(); ++i) ::usleep(10'000);
  EXPECT_THAT(lines_of("stdout"), ElementsAre("first"));  // it cannot have ended
  EXPECT_OK(write_file_atomic(in_folder("go"), "go on\n"));
  std::system(("cat " + in_folder("go") + " > " + fifo).c_str());  // NOLINT(cert-env33-c)
  step.join();
  ASSERT_OK(outcome);
  EXPECT_THAT(lines_of("stdout"), ElementsAre("first", "go on", "last"));
}

TEST_F(ShellStep, KeepsAWrongInterpreterApartFromAWrongCommand) {
  const auto interpreter = run_inline({"#!/no/such/interpreter", "echo a"});
  ASSERT_THAT(interpreter, FailsWith("Shell:ExitCode"));
  EXPECT_THAT(interpreter.error().message(), HasSubstr("127"));
  EXPECT_THAT(interpreter.error().cure(), HasSubstr("interpreter"));
  const auto command = run_inline({"no-such-command"});
  ASSERT_THAT(command, FailsWith("Shell:ExitCode"));
  EXPECT_THAT(command.error().quoted(), Contains(HasSubstr("no-such-command")));
  const auto folder = run_inline({"/tmp"});
  ASSERT_THAT(folder, FailsWith("Shell:ExitCode"));
  EXPECT_THAT(folder.error().cure(), HasSubstr("126"));
}

TEST_F(ShellStep, SaysWhichSignalEndedIt) {
  const auto killed = run_inline({"kill -SEGV $$"});
  ASSERT_FALSE(killed.has_value());
  EXPECT_THAT(killed.error().code(), ::testing::AnyOf("Shell:Signal", "Shell:ExitCode"));
  EXPECT_THAT(killed.error().message(), ::testing::AnyOf(HasSubstr("11"), HasSubstr("139")));
}

TEST_F(ShellStep, IsKilledAtItsTimeLimitWithAllItStarted) {
  time_limit_ = std::chrono::milliseconds(500);
  const auto marker = in_folder("marker");
  const auto late = run_inline({"(sleep 2; touch " + marker + ") &", "echo waiting", "sleep 60"});
  ASSERT_THAT(late, FailsWith("Shell:Timeout"));
  EXPECT_THAT(late.error().message(), HasSubstr("0.5 s"));
  EXPECT_THAT(late.error().quoted(), ElementsAre("waiting"));
  ::usleep(2'500'000);
  EXPECT_FALSE(std::filesystem::exists(marker)) << "a child outlived the step";
}

TEST_F(ShellStep, CanBeCancelled) {
  CancelSource source;
  std::thread canceller([&] {
    for (int i = 0; i < 1000 && lines_of("stdout").empty(); ++i) ::usleep(10'000);
    source.request();
  });
  const auto outcome = run_inline({"echo started", "sleep 60"}, source.token());
  canceller.join();
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().kind(), ErrorKind::kCancelled) << outcome.error().describe();
}

TEST_F(ShellStep, RunsAFetchedScriptByItsOwnFirstLine) {
  ASSERT_OK(run_script("#!/bin/cat\nfirst\r\nsecond"));
  EXPECT_THAT(lines_of("stdout"), ElementsAre("#!/bin/cat", "first", "second"));
}

TEST_F(ShellStep, RunsAScriptWithoutAFirstLineUnderSh) {
  ASSERT_OK(run_script("false\necho goes on, there is no -e\n"));
  EXPECT_THAT(lines_of("stdout"), ElementsAre("goes on, there is no -e"));
}

TEST_F(ShellStep, PutsUpWithAScriptThatRemovesItself) {
  EXPECT_OK(run_inline({"rm $0"}));
}

TEST_F(FileStep, WritesTheFileWithAModeOfItsOwn) {
  const auto target = in_folder("target");
  ASSERT_OK(run_file("old and longer", target));
  ASSERT_OK(run_file("new\r\n", target));
  const auto text = read_file(target);
  ASSERT_OK(text);
  EXPECT_EQ(*text, "new\r\n");
  EXPECT_EQ(std::filesystem::status(target).permissions(), std::filesystem::perms(0644));
  EXPECT_THAT(lines_of("stdout"), Contains(HasSubstr("wrote " + target)));
}

TEST_F(FileStep, NamesAMissingParent) {
  const auto outcome = run_file("a", in_folder("no/such/target"));
  ASSERT_THAT(outcome, FailsWith("File:NoParent"));
  EXPECT_THAT(outcome.error().message(), HasSubstr(in_folder("no/such")));
  EXPECT_THAT(outcome.error().cure(), HasSubstr("mkdir -p"));
  EXPECT_THAT(outcome.error().where(), HasSubstr("template.json"));
}

TEST_F(FileStep, RefusesToReplaceAFolder) {
  EXPECT_THAT(run_file("a", folder_->path().string()), FailsWith("File:IsFolder"));
}

TEST_F(FileStep, WantsItsInputFetched) {
  EXPECT_THAT(run_step({{"type", "File"}, {"sourceUri", "b"}, {"destination", "/tmp/b"}}),
              FailsWith("Input:NotFetched"));
}

TEST_F(Steps, AskGuestKeepsBoundedOutputAndBothStreamsOfAFailure) {
  const auto answer = ask_guest(*agent_, "echo \"$1-$2\"; exit 4", {"a b", "c"}, {});
  ASSERT_OK(answer);
  EXPECT_EQ(answer->code, 4);
  EXPECT_EQ(answer->out, "a b-c\n");
  const auto large = ask_guest(*agent_, "yes | head -c 1000000", {}, {});
  ASSERT_OK(large);
  EXPECT_EQ(large->out.size(), 64U * 1024);
}

}  // namespace
}  // namespace kiln
