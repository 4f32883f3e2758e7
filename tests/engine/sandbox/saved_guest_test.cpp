#include "engine/sandbox/guest/saved_guest.h"

#include <fcntl.h>
#include <fstream>
#include <unistd.h>

#include "engine/core/bytes.h"
#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using test::FailsWith;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

/// A machine of which only the monitor answers, and whose stream is a word.
class FakeDomain : public RunningDomain {
 public:
  [[nodiscard]] int restarts() const override { return 0; }
  [[nodiscard]] bool ended() const override { return ended_; }
  Result<bool> wait_for_end(std::chrono::milliseconds /*patience*/,
                            const CancelToken& /*cancel*/) override {
    return ended_;
  }
  Result<DomainActivity> activity() override { return DomainActivity{}; }
  void press_return() override {}
  void cut_power() override { ended_ = true; }
  Result<void> pause() override {
    asked.emplace_back("pause");
    return {};
  }
  Result<void> resume() override {
    asked.emplace_back("resume");
    return {};
  }
  Result<nlohmann::json> monitor(const std::string& command,
                                 const nlohmann::json& arguments,
                                 int file) override {
    asked.push_back(command);
    if (command == refused)
      return fail(ErrorKind::kUnsupported, "Sandbox:Monitor", "no {}", command);
    if (command == "getfd") {
      std::string read(16, '\0');
      const auto got = ::read(file, read.data(), read.size());
      loaded = read.substr(0, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      if (got < 0) {  // it is open for writing
        EXPECT_EQ(::write(file, "stream", 6), 6);
      }
    }
    if (command == "blockdev-snapshot-sync") layer = arguments;
    if (command == "query-migrate") return migration;
    if (command == "query-status") return nlohmann::json{{"status", "paused"}};
    return nlohmann::json::object();
  }
  void on_restart(std::function<void()> /*call*/) override {}

  std::vector<std::string> asked;
  std::string refused;
  nlohmann::json migration = {{"status", "completed"}};
  nlohmann::json layer;
  std::string loaded;  ///< what could be read of the last file

 private:
  bool ended_ = false;
};

DomainSpec sample() {
  DomainSpec spec;
  spec.name = "kiln";
  spec.emulator = "/cache/emulators/0123abcd/vm-keeper";
  spec.disk_node = R"(json:{"driver":"qcow2","file":{"driver":"file","filename":"/w/a.qcow2"}})";
  spec.console_log = "/w/console.log";
  spec.agent_socket = "/w/agent.sock";
  return spec;
}

class SavedGuestTest : public ::testing::Test {
 protected:
  Result<void> save() {
    return save_guest(domain_, facts_, variables_, {"/w/next.qcow2", "work", "work-1"}, file_, {});
  }

  TempDir folder_ = *TempDir::create();
  fs::path file_ = folder_.path() / "id.system";
  fs::path variables_;
  FakeDomain domain_;
  GuestFacts facts_{"digest",
                    {"debian", "Debian 12", "/dev/sda3", "ext4", {"/dev/sda3 on / (ext4)"}},
                    {InitSystem::kSysvinit, {"/.kiln-1", "/etc/x"}},
                    false,
                    2};
};

TEST_F(SavedGuestTest, StandsStillWhileItIsSavedAndIsThereAgain) {
  variables_ = folder_.path() / "variables.fd";
  std::ofstream(variables_) << "boot\norder";
  facts_.uefi = true;
  ASSERT_OK(save());
  EXPECT_THAT(domain_.asked,
              ElementsAre("query-migrate",
                          "pause",
                          "blockdev-snapshot-sync",
                          "migrate-set-parameters",
                          "getfd",
                          "migrate",
                          "query-migrate",
                          "resume"));
  EXPECT_EQ(domain_.layer["snapshot-file"], "/w/next.qcow2");
  EXPECT_EQ(fs::status(file_).permissions(), fs::perms::owner_read | fs::perms::owner_write);

  const auto saved = open_saved_guest(file_);
  ASSERT_OK(saved);
  EXPECT_EQ(saved->variables, "boot\norder");
  EXPECT_EQ(saved->facts.machine, "digest");
  EXPECT_EQ(saved->facts.system.pretty_name, "Debian 12");
  EXPECT_EQ(saved->facts.system.mounts, facts_.system.mounts);
  EXPECT_EQ(saved->facts.placement.init, InitSystem::kSysvinit);
  EXPECT_EQ(saved->facts.placement.paths, facts_.placement.paths);
  EXPECT_TRUE(saved->facts.uefi);
  EXPECT_EQ(saved->facts.resumed, 2U);

  domain_.asked.clear();
  ASSERT_OK(load_guest(domain_, *saved, {}));
  EXPECT_EQ(domain_.loaded, "stream");
  EXPECT_THAT(domain_.asked, ElementsAre("getfd", "migrate-incoming", "query-status", "resume"));
}

TEST_F(SavedGuestTest, NothingIsBegunWhereQemuForbidsIt) {
  domain_.migration = {
      {"blocked-reasons", {"The vhdx format used by node 'x' does not support it"}}};
  const auto saved = save();
  ASSERT_THAT(saved, FailsWith("Sandbox:Unsavable"));
  EXPECT_EQ(saved.error().kind(), ErrorKind::kUnsupported);
  EXPECT_THAT(saved.error().message(), HasSubstr("vhdx"));
  EXPECT_THAT(domain_.asked, ElementsAre("query-migrate"));
}

TEST_F(SavedGuestTest, ALayerThatCannotBeginIsNoneAndTheSystemGoesOn) {
  domain_.refused = "blockdev-snapshot-sync";
  EXPECT_THAT(save(), FailsWith("Sandbox:Monitor"));
  EXPECT_EQ(domain_.asked.back(), "resume");
  EXPECT_FALSE(fs::exists(file_));
}

TEST_F(SavedGuestTest, WhatIsSavedHalfIsNotKept) {
  domain_.refused = "migrate";
  EXPECT_THAT(save(), FailsWith(kLayerNotWhole));
  EXPECT_EQ(domain_.asked.back(), "resume");
  EXPECT_FALSE(fs::exists(file_));
}

TEST_F(SavedGuestTest, ADamagedFileIsToldAsOne) {
  ASSERT_OK(save());
  const auto whole = *read_file(file_);
  const auto line = whole.substr(0, whole.find('\n') + 1);
  auto without = nlohmann::json::parse(line);
  without.erase("variables");
  for (const auto& text : {std::string(),
                           line.substr(0, 40),
                           std::string("{}\n"),
                           std::string("[]\n"),
                           std::string(R"({"formatVersion":2})") + "\n",
                           without.dump() + "\n"}) {
    std::ofstream(file_, std::ios::trunc) << text;
    EXPECT_THAT(open_saved_guest(file_), FailsWith(kNotResumed)) << text;
  }
}

TEST_F(SavedGuestTest, WhatQemuDoesNotTakeDoesNotGoOn) {
  ASSERT_OK(save());
  const auto saved = open_saved_guest(file_);
  ASSERT_OK(saved);
  domain_.refused = "migrate-incoming";
  EXPECT_THAT(load_guest(domain_, *saved, {}), FailsWith(kNotResumed));
  domain_.refused.clear();
  domain_.cut_power();
  EXPECT_THAT(load_guest(domain_, *saved, {}), FailsWith(kNotResumed));
}

TEST(MachineIdentity, IsTheMachinesAndNotTheRuns) {
  const auto known = machine_identity(sample(), 9'000'000);
  auto spec = sample();
  spec.name = "other";
  spec.owner = 7;
  spec.incoming = true;
  spec.console_log = "/elsewhere/console.log";
  spec.agent_socket = "/elsewhere/agent.sock";
  spec.disk_node = R"(json:{"driver":"qcow2","file":{"driver":"file","filename":"/w/b.qcow2"}})";
  EXPECT_EQ(machine_identity(spec, 9'000'000), known);
  EXPECT_NE(machine_identity(spec, 9'000'001), known);
  spec.emulator = "/other-cache/emulators/0123abcd/vm-keeper";
  EXPECT_EQ(machine_identity(spec, 9'000'000), known);
  auto updated = spec;
  updated.emulator = "/cache/emulators/4567cdef/vm-keeper";
  EXPECT_NE(machine_identity(updated, 9'000'000), known);
  spec.memory_mib *= 2;
  EXPECT_NE(machine_identity(spec, 9'000'000), known);
}

}  // namespace
}  // namespace kiln
