#pragma once

#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "engine/agent/host_session.h"
#include "engine/core/bytes.h"
#include "engine/core/file.h"
#include "tests/support/matchers.h"

namespace kiln::test {

/// A real agent that runs in its own system, and a folder that it and the test both see.
///
/// Its step program does, by its first word: `say CODE` (a line to each stream), `early` (a word,
/// a second, a word), `arguments`, `variable NAME`, `folder`, `flood LINES` (numbered lines of 16
/// bytes to both streams), `copy` (input to output), `die` (is killed), `leave FILE` (ends with 3
/// while a descendant that cut all ties appends to the file and holds the streams) and `stay FILE`
/// (the same, but does not end).
class AgentSystem {
 public:
  AgentSystem() = default;
  AgentSystem(const AgentSystem&) = delete;
  AgentSystem& operator=(const AgentSystem&) = delete;
  virtual ~AgentSystem() = default;

  /// Starts the agent; the host's end.
  virtual UniqueFd start() = 0;
  /// Waits for it to end by itself; its exit code, -1 where it does not.
  virtual int wait_for_end() = 0;
  /// The folder as the test sees it; empty at first.
  [[nodiscard]] virtual std::filesystem::path folder() const = 0;
  /// A file in it as requests name it.
  [[nodiscard]] virtual std::string requested(const std::string& name) const = 0;
  /// The same as programs of that system name it.
  [[nodiscard]] virtual std::string local(const std::string& name) const = 0;
  /// The step program, which is not in the folder.
  [[nodiscard]] virtual std::string step() const = 0;
};

/// A kind of agent, and where systems differ.
struct AgentKind {
  std::string name;
  std::function<std::unique_ptr<AgentSystem>()> make;
  std::string line_end;
  std::string root;             ///< the folder of a step whose own does not exist
  std::vector<int> exit_codes;  ///< that programs can end with
  GuestExit killed;             ///< how the end of `die` is told
};

// GoogleTest finds it by this name.
inline void PrintTo(const AgentKind& kind, std::ostream* out) {  // NOLINT
  *out << kind.name;
}

inline std::string kind_name(const ::testing::TestParamInfo<AgentKind>& info) {
  return info.param.name;
}

/// What the agent of every system promises.
class AgentContract : public ::testing::TestWithParam<AgentKind> {
 protected:
  using Clock = std::chrono::steady_clock;

  struct Captured {
    GuestExit exit;
    std::string out;
    std::string err;
  };

  void SetUp() override {
    system_ = GetParam().make();
    if (IsSkipped()) return;
    ASSERT_NE(system_, nullptr);
    connect({std::chrono::seconds(20)});
  }
  void connect(const AgentPatience& patience) {
    auto connected = connect_agent(system_->start(), patience, CancelToken());
    ASSERT_OK(connected);
    agent_ = *std::move(connected);
  }

  [[nodiscard]] GuestCommand command(std::vector<std::string> words) const {
    words.insert(words.begin(), system_->step());
    return {words, {}, system_->requested(""), {}};
  }
  Result<Captured> run(const GuestCommand& command, const CancelToken& cancel = {}) {
    Captured captured;
    const auto output = [&captured](GuestStream stream, std::string_view data) {
      (stream == GuestStream::kStdout ? captured.out : captured.err).append(data);
    };
    KILN_TRY_ASSIGN(captured.exit, agent_->run(command, output, cancel));
    return captured;
  }
  Result<Captured> step(std::vector<std::string> words, const CancelToken& cancel = {}) {
    return run(command(std::move(words)), cancel);
  }

  [[nodiscard]] std::filesystem::path file(const std::string& name) const {
    return system_->folder() / name;
  }
  void make_file(const std::string& name) const {
    std::filesystem::create_directories(file(name).parent_path());
    std::ofstream(file(name)) << name;
  }
  [[nodiscard]] bool exists(const std::string& name) const {
    return std::filesystem::exists(std::filesystem::symlink_status(file(name)));
  }
  [[nodiscard]] std::size_t entries() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(system_->folder()), {}));
  }
  [[nodiscard]] std::uintmax_t alive() const {
    std::error_code error;
    const auto size = std::filesystem::file_size(file("alive"), error);
    return error ? 0 : size;
  }
  void wait_until_alive() const {
    for (int i = 0; i < 1000 && alive() == 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ASSERT_GT(alive(), 0U) << "it never ran, so its end proves nothing";
  }
  void expect_dead() const {
    const auto before = alive();
    EXPECT_GT(before, 0U);
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    EXPECT_EQ(alive(), before) << "something of the step is still running";
  }
  static std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + (i >> 8));
    return text;
  }

  std::unique_ptr<AgentSystem> system_;
  std::unique_ptr<GuestAgent> agent_;
};

TEST_P(AgentContract, SeparatesOutputAndGivesTheExitCode) {
  const auto& end = GetParam().line_end;
  for (const int code : GetParam().exit_codes) {
    const auto result = step({"say", std::to_string(code)});
    ASSERT_OK(result);
    EXPECT_EQ(result->exit.kind, GuestExit::Kind::kExited);
    EXPECT_EQ(result->exit.code, code);
    EXPECT_EQ(result->out, "to out" + end);
    EXPECT_EQ(result->err, "to err" + end);
  }
}

TEST_P(AgentContract, TellsHowAKilledProgramEnded) {
  const auto result = step({"die"});
  ASSERT_OK(result);
  EXPECT_EQ(result->exit.kind, GetParam().killed.kind);
  EXPECT_EQ(result->exit.code, GetParam().killed.code);
  EXPECT_OK(step({"say", "0"}));
}

TEST_P(AgentContract, HandsOverArgumentsUnchanged) {
  const auto words = step({"arguments",
                           "a b",
                           "",
                           "%PATH%",
                           "$HOME",
                           "\"",
                           "'",
                           "\\",
                           "a\\ b\\",
                           "\\\"",
                           "*",
                           "Grüße ☃",
                           "日本語"});
  ASSERT_OK(words);
  EXPECT_EQ(words->out, "a b||%PATH%|$HOME|\"|'|\\|a\\ b\\|\\\"|*|Grüße ☃|日本語|");
}

TEST_P(AgentContract, GivesTheStepItsVariablesBesideTheSystems) {
  auto extra = command({"variable", "EXTRA"});
  extra.environment = {{"EXTRA", "a ü"}};
  const auto variable = run(extra);
  ASSERT_OK(variable);
  EXPECT_EQ(variable->out, "a ü");
  const auto inherited = step({"variable", "PATH"});
  ASSERT_OK(inherited);
  EXPECT_NE(inherited->out, "");
}

TEST_P(AgentContract, RunsInTheWantedFolderOrTheRoot) {
  const auto here = step({"folder"});
  ASSERT_OK(here);
  EXPECT_EQ(here->out, system_->local(""));
  auto elsewhere = command({"folder"});
  elsewhere.directory = system_->requested("none");
  const auto root = run(elsewhere);
  ASSERT_OK(root);
  EXPECT_EQ(root->out, GetParam().root);
}

TEST_P(AgentContract, SaysWhyAProgramCannotBeRunAsShellsDo) {
  const auto result = run({{system_->local("none.exe")}, {}, system_->requested(""), {}});
  ASSERT_OK(result);
  EXPECT_EQ(result->exit.code, 127);
  EXPECT_THAT(result->err, ::testing::HasSubstr(system_->local("none.exe") + ": "));
  EXPECT_OK(step({"say", "0"}));
}

TEST_P(AgentContract, StreamsOutputBeforeTheCommandEnds) {
  std::vector<Clock::time_point> arrivals;
  const auto result =
      agent_->run(command({"early"}),
                  [&](GuestStream, std::string_view) { arrivals.push_back(Clock::now()); },
                  {});
  const auto end = Clock::now();
  ASSERT_OK(result);
  ASSERT_GE(arrivals.size(), 2U);
  EXPECT_GE(end - arrivals.front(), std::chrono::milliseconds(800));
}

TEST_P(AgentContract, Passes50MegabytesOfOutput) {
  constexpr std::size_t kLine = 16;
  constexpr std::size_t kLines = 25 * kMiB / kLine;
  const auto result = step({"flood", std::to_string(kLines)});
  ASSERT_OK(result);
  EXPECT_TRUE(result->exit.ok());
  std::string expected;
  char line[kLine + 1];
  for (std::size_t i = 1; i <= kLines; ++i) {
    std::snprintf(line, sizeof line, "%015zu\n", i);
    expected += line;
  }
  EXPECT_TRUE(result->out == expected);
  EXPECT_TRUE(result->err == expected);
}

TEST_P(AgentContract, CancelsInTheMiddleOfAFloodOfOutput) {
  CancelSource source;
  std::uint64_t received = 0;
  const auto result = agent_->run(
      command({"flood", "1000000000"}),
      [&](GuestStream, std::string_view data) {
        received += data.size();
        if (received > 5 * kMiB) source.request();
      },
      source.token());
  EXPECT_THAT(result, FailsWith("Run:Cancelled"));
  EXPECT_OK(step({"say", "0"}));
}

TEST_P(AgentContract, LeavesNothingRunningWhenTheCommandEnds) {
  const auto begin = Clock::now();
  const auto result = step({"leave", system_->local("alive")});
  ASSERT_OK(result);
  EXPECT_EQ(result->exit.code, 3);
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(15));
  expect_dead();
}

TEST_P(AgentContract, EnforcesTheTimeLimitOnEverythingStarted) {
  auto stay = command({"stay", system_->local("alive")});
  stay.time_limit = std::chrono::milliseconds(2500);
  const auto begin = Clock::now();
  const auto result = run(stay);
  ASSERT_OK(result);
  EXPECT_EQ(result->exit.kind, GuestExit::Kind::kTimedOut);
  EXPECT_FALSE(result->exit.ok());
  EXPECT_GE(Clock::now() - begin, *stay.time_limit);
  expect_dead();
}

TEST_P(AgentContract, CancelsEverythingStartedAndGoesOn) {
  CancelSource source;
  std::thread canceller([&] {
    wait_until_alive();
    source.request();
  });
  const auto result = step({"stay", system_->local("alive")}, source.token());
  canceller.join();
  EXPECT_THAT(result, FailsWith("Run:Cancelled"));
  expect_dead();
  EXPECT_OK(step({"say", "0"}));
}

TEST_P(AgentContract, FeedsTheCommandAnyBytes) {
  const auto sent = pattern(300'000);
  ASSERT_OK(write_file_atomic(file("input"), sent, 0600));
  const auto input = open_read_only(file("input"));
  ASSERT_OK(input);
  auto copy = command({"copy"});
  copy.input = GuestInput{input->get(), {}};
  const auto result = run(copy);
  ASSERT_OK(result);
  EXPECT_TRUE(result->out == sent);
}

TEST_P(AgentContract, GivesASignOfLifeWhileAStepIsSilent) {
  AgentPatience patience{std::chrono::seconds(20)};
  patience.before_ping = std::chrono::milliseconds(200);
  patience.for_pong = std::chrono::milliseconds(700);
  agent_.reset();
  system_.reset();
  system_ = GetParam().make();
  connect(patience);
  EXPECT_OK(step({"early"}));
}

TEST_P(AgentContract, QuitsAndSaysSo) {
  ASSERT_OK(agent_->quit({}));
  EXPECT_EQ(system_->wait_for_end(), 0);
}

}  // namespace kiln::test
