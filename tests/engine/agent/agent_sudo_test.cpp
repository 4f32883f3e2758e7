#include "tests/engine/agent/real_agent.h"

namespace kiln {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// The stand-in called directly, so that a real sudo on this machine does not get in the way.
class Sudo : public test::AgentTest {
 protected:
  void SetUp() override {
    AgentTest::SetUp();
    if (IsSkipped()) return;
    std::filesystem::permissions(folder_->path(), std::filesystem::perms(0755));
    ASSERT_OK(write_file_atomic(in_folder("sudo"), embedded_linux_agent(), 0755));
  }
  Result<test::Captured> sudo(const std::string& words, const std::string& before = {}) {
    return run({{"/bin/sh", "-c", before + "exec sudo " + words},
                {{"PATH", folder_->path().string() + ":/usr/bin:/bin"}},
                "/",
                {}});
  }
  void expect_output(const std::string& words, const std::string& output) {
    const auto result = sudo(words);
    ASSERT_OK(result);
    EXPECT_EQ(result->out, output) << words << "\n" << result->err;
    EXPECT_EQ(result->exit.code, 0) << words;
  }
};

TEST_F(Sudo, RunsACommandAsRootWithTheUsualOptions) {
  for (const auto* options : {"",
                              "-E",
                              "-H",
                              "-n",
                              "-EH",
                              "-nE -H",
                              "-S",
                              "--",
                              "-E --",
                              "-u root",
                              "-uroot",
                              "-Eu root",
                              "--user=root",
                              "--user root",
                              "-k",
                              "-p '' ",
                              "--non-interactive --preserve-env",
                              "-g root",
                              "-u '#0'"}) {
    expect_output(std::string(options) + " id -un", "root\n");
  }
}

TEST_F(Sudo, GivesTheExitCodeOfTheCommand) {
  const auto result = sudo("sh -c 'exit 42'");
  ASSERT_OK(result);
  EXPECT_EQ(result->exit.code, 42);
}

TEST_F(Sudo, ReallyBecomesAnotherUser) {
  expect_output("-u nobody id -un", "nobody\n");
  expect_output("-u nobody sh -c 'id -ru; id -Gn; echo $HOME $USER $LOGNAME $SUDO_USER'",
                "65534\nnogroup\n/nonexistent nobody nobody root\n");
  expect_output("-u nobody -g daemon id -gn", "daemon\n");
  const auto result = sudo("-u nobody touch /root/forbidden");
  ASSERT_OK(result);
  EXPECT_NE(result->exit.code, 0);
  EXPECT_THAT(result->err, HasSubstr("Permission denied"));
}

TEST_F(Sudo, SetsTheEnvironmentAsSudoDoes) {
  const std::string show = "sh -c 'echo $KEPT $HOME $LANG $ADDED'";
  const std::string before = "export KEPT=kept HOME=/old LANG=C; ";
  const auto plain = sudo("ADDED='a b' " + show, before);
  ASSERT_OK(plain);
  EXPECT_EQ(plain->out, "/root C a b\n");
  const auto preserved = sudo("-E " + show, before);
  ASSERT_OK(preserved);
  EXPECT_EQ(preserved->out, "kept /old C\n");
  const auto with_home = sudo("-EH " + show, before);
  ASSERT_OK(with_home);
  EXPECT_EQ(with_home->out, "kept /root C\n");
  const auto listed = sudo("--preserve-env=OTHER,KEPT " + show, before);
  ASSERT_OK(listed);
  EXPECT_EQ(listed->out, "kept /root C\n");
}

TEST_F(Sudo, WorksWithinItself) {
  expect_output("sudo -u nobody sh -c 'id -un'", "nobody\n");
}

TEST_F(Sudo, StartsShells) {
  expect_output("-i pwd", "/root\n");
  expect_output("-i echo 'a  b' '$HOME'", "a  b /root\n");  // as the real one: $ is not quoted
  expect_output("-s echo 'a; echo b'", "a; echo b\n");
  expect_output("-iu root id -un", "root\n");
  const auto result = sudo("-u daemon -i true");
  ASSERT_OK(result);
  EXPECT_NE(result->exit.code, 0);  // nologin
}

TEST_F(Sudo, ChangesTheFolder) {
  expect_output("-D /usr pwd", "/usr\n");
}

TEST_F(Sudo, AcceptsWhatOnlyConcernsPasswords) {
  for (const auto* words : {"-v", "-k", "-K", "-n -v", "--validate"}) expect_output(words, "");
}

TEST_F(Sudo, RefusesClearlyWhatItDoesNotKnow) {
  struct Case {
    std::string words;
    std::string message;
  };
  for (const auto& c : {Case{"-Z id", "option -Z is not known"},
                        Case{"--askpass id", "option --askpass is not known"},
                        Case{"--login=x id", "option --login=x is not known"},
                        Case{"-u", "option -u needs a value"},
                        Case{"-u no-such-user id", "unknown user no-such-user"},
                        Case{"-g no-such-group id", "unknown group no-such-group"},
                        Case{"", "no command given"},
                        Case{"-E", "no command given"},
                        Case{"no-such-program", "no-such-program: command not found"}}) {
    const auto result = sudo(c.words);
    ASSERT_OK(result);
    EXPECT_EQ(result->exit.code, 1) << c.words;
    EXPECT_THAT(result->err, StartsWith("sudo: ")) << c.words;
    EXPECT_THAT(result->err, HasSubstr(c.message)) << c.words;
  }
}

TEST_F(Sudo, RefusesOtherUsers) {
  const auto result = sudo("-u nobody sudo id");
  ASSERT_OK(result);
  EXPECT_EQ(result->exit.code, 1);
  EXPECT_THAT(result->err, HasSubstr("root only"));
}

}  // namespace
}  // namespace kiln
