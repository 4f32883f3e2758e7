#include "engine/sandbox/guest/install_watch.h"

#include <gmock/gmock.h>

#include "engine/core/bytes.h"

namespace kiln {
namespace {

using namespace std::chrono_literals;
using Kind = ConsoleMark::Kind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Installation sample() {
  Installation installation;
  installation.marks = {{Kind::kProgress, "Installing (\\S+)", "installing $1"},
                        {Kind::kQuestion, "^Prompt:", "a prompt"},
                        {Kind::kFailure, "step failed: (.*)", "$1"},
                        {Kind::kDone, "Finished", ""}};
  installation.time_limit = 2h;
  installation.idle_limit = 3min;
  installation.silence_limit = 10min;
  installation.loop_limit = 6min;
  return installation;
}

/// An installation's hours, in steps of a second.
class InstallWatchTest : public ::testing::Test {
 protected:
  enum class Processor { kIdle, kBusy };

  /// One second passes. Returns the error's code.
  std::string pass(std::string_view console = {}, std::string_view log_port = {}) {
    now_ += 1s;
    activity_.processor += processor_ == Processor::kBusy ? 900ms : 30ms;
    const auto error = watch_.look(now_, {console, log_port, activity_});
    if (error) last_ = error->describe();
    return error ? error->code() : "";
  }
  /// Seconds until the watch gives up, at most `patience`.
  int seconds_until_given_up(int patience, const std::function<std::string()>& second) {
    for (int seconds = 1; seconds <= patience; ++seconds) {
      code_ = second();
      if (!code_.empty()) return seconds;
    }
    return patience + 1;
  }

  Installation installation_ = sample();
  InstallWatch::Clock::time_point now_;
  InstallWatch watch_{installation_, now_};
  DomainActivity activity_;
  Processor processor_ = Processor::kBusy;
  std::string code_;
  std::string last_;
};

TEST_F(InstallWatchTest, TellsProgressOnceEach) {
  EXPECT_EQ(pass("Installing the-base\r\n"), "");
  EXPECT_EQ(pass("Installing the-base again\r\nInstalling grub\r\n"), "");
  EXPECT_THAT(watch_.take_progress(), ElementsAre("installing the-base", "installing grub"));
  EXPECT_THAT(watch_.take_progress(), IsEmpty());
}

TEST_F(InstallWatchTest, FindsMarksOnTheLogPortToo) {
  EXPECT_EQ(pass("", "main: Installing kernel\nmain: half a li"), "");
  EXPECT_THAT(watch_.take_progress(), ElementsAre("installing kernel"));
}

TEST_F(InstallWatchTest, GivesUpAQuestionThatNobodyAnswers) {
  EXPECT_EQ(pass("Which disk?\r\nPrompt: '?' for help> "), "");
  EXPECT_LE(seconds_until_given_up(100, [this] { return pass(); }), 30);
  EXPECT_EQ(code_, "Installer:Question");
  EXPECT_THAT(last_, HasSubstr("Which disk?"));
}

TEST_F(InstallWatchTest, LetsAQuestionPassThatIsAnswered) {
  EXPECT_EQ(pass("Prompt: '?' for help> "), "");
  EXPECT_EQ(pass("1\r\nInstalling grub\r\n"), "");
  EXPECT_EQ(seconds_until_given_up(60, [this] { return pass(); }), 61);
}

TEST_F(InstallWatchTest, GivesUpAtAFailureWithItsLastWords) {
  EXPECT_EQ(pass("step failed: boot loader\r\n"), "");
  EXPECT_EQ(pass("no space left\r\n"), "");
  EXPECT_LE(seconds_until_given_up(100, [this] { return pass(); }), 5);
  EXPECT_EQ(code_, "Installer:Failed");
  EXPECT_THAT(last_, HasSubstr("the installation failed: boot loader"));
  EXPECT_THAT(last_, HasSubstr("no space left"));
}

TEST_F(InstallWatchTest, KnowsAPanic) {
  pass("[    3.1] Kernel panic - not syncing: VFS: Unable to mount root fs\r\n");
  EXPECT_LE(seconds_until_given_up(100, [this] { return pass(); }), 5);
  EXPECT_THAT(last_, HasSubstr("panicked: VFS: Unable to mount root fs"));
}

TEST_F(InstallWatchTest, GivesUpAMachineThatWaits) {
  pass("Installing grub\r\n");
  processor_ = Processor::kIdle;
  const auto seconds = seconds_until_given_up(1000, [this] { return pass(); });
  EXPECT_GE(seconds, 170);
  EXPECT_LE(seconds, 190);
  EXPECT_EQ(code_, "Installer:Idle");
}

TEST_F(InstallWatchTest, TakesAClockOnTheScreenForNoWork) {
  pass("Installing grub\r\n");
  processor_ = Processor::kIdle;
  int minute = 0;
  const auto seconds = seconds_until_given_up(1000, [&] {
    ++minute;
    return pass(minute % 60 == 0 ? fmt::format("\x1b[25;1H[ Nov 22 20:{} ]", minute / 60) : "");
  });
  EXPECT_LE(seconds, 250);
  EXPECT_EQ(code_, "Installer:Idle");
}

TEST_F(InstallWatchTest, TakesAClockOverHardWorkForNoLoop) {
  int minute = 0;
  const auto seconds = seconds_until_given_up(900, [&] {
    ++minute;
    return pass(minute % 60 == 0 ? fmt::format("\x1b[25;1H[ Nov 22 20:{} ]", minute / 60) : "");
  });
  EXPECT_EQ(seconds, 901);
}

TEST_F(InstallWatchTest, GivesUpSilence) {
  pass("Installing grub\r\n");
  const auto seconds = seconds_until_given_up(1000, [this] { return pass(); });
  EXPECT_EQ(code_, "Installer:Silent");
  EXPECT_LE(seconds, 601);
}

TEST_F(InstallWatchTest, GivesUpALoop) {
  int attempt = 0;
  const auto seconds = seconds_until_given_up(1000, [&] {
    activity_.bytes_read += 4 * kMiB;
    ++attempt;
    return pass(fmt::format("[{}] no mirror, attempt {}\r\n", attempt * 7, attempt));
  });
  EXPECT_EQ(code_, "Installer:Loop");
  EXPECT_GE(seconds, 360);
  EXPECT_LE(seconds, 363);
  EXPECT_THAT(last_, HasSubstr("no mirror, attempt 350"));
}

TEST_F(InstallWatchTest, TakesPercentagesWithWritesForProgress) {
  int percent = 0;
  EXPECT_EQ(seconds_until_given_up(1000,
                                   [&] {
                                     activity_.bytes_written += 64 * 1024;
                                     return pass(fmt::format("\rcopying {} %", ++percent));
                                   }),
            1001);
}

TEST_F(InstallWatchTest, TakesDiskActivityForASignOfLife) {
  EXPECT_EQ(seconds_until_given_up(3600,
                                   [&] {
                                     activity_.bytes_read += 4096;
                                     return pass();
                                   }),
            3601);
}

TEST_F(InstallWatchTest, HasALimitForTheWhole) {
  installation_.time_limit = 20min;
  int number = 0;
  const auto seconds = seconds_until_given_up(2000, [&] {
    ++number;
    return pass(std::string(static_cast<std::size_t>(number % 200), 'x') + "\r\n" +
                std::string(static_cast<std::size_t>(number / 200), 'y') + "\r\n");
  });
  EXPECT_EQ(seconds, 1200);
  EXPECT_EQ(code_, "Installer:Timeout");
}

TEST_F(InstallWatchTest, TakesAnEndWithoutTheMarkOfSuccessForAFailure) {
  pass("Installing grub\r\n");
  const auto error = watch_.judge_end();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), "Installer:EndedEarly");
  EXPECT_THAT(error->describe(), HasSubstr("Installing grub"));
  pass("Finished.\r\n");
  EXPECT_FALSE(watch_.judge_end());
}

TEST_F(InstallWatchTest, TakesAnyEndWhereThereIsNoSuchMark) {
  installation_.marks.pop_back();
  EXPECT_FALSE(InstallWatch(installation_, now_).judge_end());
}

}  // namespace
}  // namespace kiln
