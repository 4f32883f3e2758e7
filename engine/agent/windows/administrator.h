#pragma once

#include <memory>
#include <string>

namespace kiln::agent {

/// Somebody logged on, with the profile loaded, until it is destroyed.
class LogOn {
 public:
  LogOn() = default;
  LogOn(const LogOn&) = delete;
  LogOn& operator=(const LogOn&) = delete;
  virtual ~LogOn() = default;
  /// A primary token (a HANDLE), borrowed.
  [[nodiscard]] virtual void* token() const = 0;
};

/// What Windows does with accounts. Each text says why it did not work, and is empty where it did.
class AccountSystem {
 public:
  enum class Found { kNone, kOurs, kForeign };

  AccountSystem() = default;
  AccountSystem(const AccountSystem&) = delete;
  AccountSystem& operator=(const AccountSystem&) = delete;
  virtual ~AccountSystem() = default;
  virtual Found find(const std::wstring& name) = 0;
  virtual std::wstring make_password() = 0;
  virtual std::string create(const std::wstring& name, const std::wstring& password) = 0;
  virtual std::string set_password(const std::wstring& name, const std::wstring& password) = 0;
  virtual std::string join_administrators(const std::wstring& name) = 0;
  /// @param elevated with the full token; else as without a confirmation of the user
  virtual std::string log_on(const std::wstring& name,
                             const std::wstring& password,
                             bool elevated,
                             std::unique_ptr<LogOn>& log_on) = 0;
  /// The account and its profile.
  virtual std::string remove(const std::wstring& name) = 0;
};

/// The build's own administrator. It outlives sessions, so that what steps leave in its profile is
/// there after a restart; no password does, so each session sets another.
class Administrator {
 public:
  static constexpr const wchar_t* kName = L"kiln-build";

  /// @param system borrowed
  explicit Administrator(AccountSystem& system) : system_(system) {}

  /// Makes the account where it is not there yet. An account of that name that is not Kiln's is
  /// left alone, and is an error.
  std::string log_on(bool elevated, std::unique_ptr<LogOn>& log_on);
  /// Where it is there and is Kiln's.
  std::string remove();

 private:
  std::string prepare();

  AccountSystem& system_;
  std::wstring password_;  ///< empty until the account has it
};

}  // namespace kiln::agent
