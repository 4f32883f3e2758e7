// The life of the build's administrator, on accounts that only remember. Those of Windows itself
// Wine has not.
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/agent/windows/administrator.h"

namespace kiln::agent {
namespace {

using ::testing::ElementsAre;

struct Account {
  std::wstring password;
  bool ours = false;
  bool administrator = false;
};

class FakeLogOn final : public LogOn {
 public:
  [[nodiscard]] void* token() const override { return nullptr; }
};

class FakeAccounts final : public AccountSystem {
 public:
  Found find(const std::wstring& name) override {
    const auto account = accounts.find(name);
    if (account == accounts.end()) return Found::kNone;
    return account->second.ours ? Found::kOurs : Found::kForeign;
  }
  std::wstring make_password() override { return L"secret " + std::to_wstring(++passwords); }
  std::string create(const std::wstring& name, const std::wstring& password) override {
    accounts[name] = {password, true, false};
    return {};
  }
  std::string set_password(const std::wstring& name, const std::wstring& password) override {
    accounts.at(name).password = password;
    return {};
  }
  std::string join_administrators(const std::wstring& name) override {
    if (!refusal.empty()) return refusal;
    accounts.at(name).administrator = true;
    return {};
  }
  std::string log_on(const std::wstring& name,
                     const std::wstring& password,
                     bool elevated,
                     std::unique_ptr<LogOn>& log_on) override {
    const auto& account = accounts.at(name);
    if (account.password != password || !account.administrator) return "logon failure";
    elevations.push_back(elevated);
    log_on = std::make_unique<FakeLogOn>();
    return {};
  }
  std::string remove(const std::wstring& name) override {
    accounts.erase(name);
    return {};
  }

  std::map<std::wstring, Account> accounts;
  int passwords = 0;
  std::vector<bool> elevations;
  std::string refusal;
};

TEST(WindowsAdministrator, IsMadeAtTheFirstLogOnAndThenKept) {
  FakeAccounts system;
  Administrator administrator(system);
  EXPECT_TRUE(system.accounts.empty());
  for (const bool elevated : {true, false}) {
    std::unique_ptr<LogOn> log_on;
    EXPECT_EQ(administrator.log_on(elevated, log_on), "");
    EXPECT_NE(log_on, nullptr);
  }
  EXPECT_EQ(system.accounts.size(), 1U);
  EXPECT_EQ(system.passwords, 1);
  EXPECT_THAT(system.elevations, ElementsAre(true, false));
  EXPECT_EQ(administrator.remove(), "");
  EXPECT_TRUE(system.accounts.empty());
}

TEST(WindowsAdministrator, IsTheSameInTheNextSessionWithAnotherPassword) {
  FakeAccounts system;
  std::unique_ptr<LogOn> log_on;
  EXPECT_EQ(Administrator(system).log_on(true, log_on), "");
  system.accounts.at(Administrator::kName).administrator = false;  // by a step
  EXPECT_EQ(Administrator(system).log_on(true, log_on), "");
  EXPECT_EQ(system.accounts.at(Administrator::kName).password, L"secret 2");
  EXPECT_EQ(Administrator(system).remove(), "");
  EXPECT_TRUE(system.accounts.empty());
}

TEST(WindowsAdministrator, LeavesSomebodyElsesAccountAlone) {
  FakeAccounts system;
  system.accounts[Administrator::kName] = {L"theirs", false, false};
  Administrator administrator(system);
  std::unique_ptr<LogOn> log_on;
  EXPECT_THAT(administrator.log_on(true, log_on), ::testing::HasSubstr("not of Kiln's making"));
  EXPECT_EQ(log_on, nullptr);
  EXPECT_EQ(administrator.remove(), "");
  EXPECT_EQ(system.accounts.at(Administrator::kName).password, L"theirs");
  EXPECT_FALSE(system.accounts.at(Administrator::kName).administrator);
}

TEST(WindowsAdministrator, LeavesNothingWhereItCannotBecomeAnAdministrator) {
  FakeAccounts system;
  system.refusal = "no such group";
  Administrator administrator(system);
  std::unique_ptr<LogOn> log_on;
  EXPECT_EQ(administrator.log_on(true, log_on), "no such group");
  EXPECT_TRUE(system.accounts.empty());
}

}  // namespace
}  // namespace kiln::agent
