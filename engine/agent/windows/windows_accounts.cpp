#define _CRT_RAND_S  // NOLINT: the C runtime's name for its source of secrets
#include "engine/agent/windows/windows_accounts.h"

#include <cstdlib>
#include <vector>
// These need the types of windows.h.
// clang-format off
#include <windows.h>
#include <lm.h>
#include <sddl.h>
#include <userenv.h>
// clang-format on

#include "engine/agent/windows/handle.h"
#include "engine/agent/windows/text.h"

namespace kiln::agent {
namespace {

// By this an account is known as ours.
constexpr const wchar_t* kComment = L"Made by Kiln for a build, which removes it in the end";

std::string reason(std::string_view what, const std::wstring& name, DWORD error) {
  return error == ERROR_SUCCESS ? std::string() : failure(what, "account " + narrow(name), error);
}

class Session final : public LogOn {
 public:
  Session(UniqueHandle token, HANDLE profile) : token_(std::move(token)), profile_(profile) {}
  ~Session() override { ::UnloadUserProfile(token_.get(), profile_); }
  [[nodiscard]] void* token() const override { return token_.get(); }

 private:
  UniqueHandle token_;
  HANDLE profile_;
};

UniqueHandle primary(HANDLE token) {
  HANDLE copy = nullptr;
  constexpr auto kLevel = SecurityImpersonation;  // of no meaning for a primary token
  ::DuplicateTokenEx(token, MAXIMUM_ALLOWED, nullptr, kLevel, TokenPrimary, &copy);
  return UniqueHandle(copy);
}

/// With UAC a log-on gives a filtered token, which is linked with the full one. Without UAC there
/// is only the full one.
UniqueHandle with_elevation(UniqueHandle token, bool elevated) {
  DWORD size = 0;
  TOKEN_ELEVATION_TYPE type{};
  if (::GetTokenInformation(token.get(), TokenElevationType, &type, sizeof type, &size) == FALSE) {
    return {};
  }
  const bool limited = type == TokenElevationTypeLimited;
  if (elevated != limited) return token;
  if (elevated) {
    TOKEN_LINKED_TOKEN full{};
    if (::GetTokenInformation(token.get(), TokenLinkedToken, &full, sizeof full, &size) == FALSE) {
      return {};
    }
    const UniqueHandle linked(full.LinkedToken);
    return primary(linked.get());
  }
  HANDLE filtered = nullptr;
  ::CreateRestrictedToken(token.get(), LUA_TOKEN, 0, nullptr, 0, nullptr, 0, nullptr, &filtered);
  return UniqueHandle(filtered);
}

/// The group's name is another in each language.
std::wstring administrators() {
  std::vector<BYTE> sid(SECURITY_MAX_SID_SIZE);
  auto size = static_cast<DWORD>(sid.size());
  wchar_t name[UNLEN + 1];
  wchar_t domain[UNLEN + 1];
  DWORD name_size = UNLEN + 1;
  DWORD domain_size = UNLEN + 1;
  SID_NAME_USE use{};
  if (::CreateWellKnownSid(WinBuiltinAdministratorsSid, nullptr, sid.data(), &size) == FALSE ||
      ::LookupAccountSidW(nullptr, sid.data(), name, &name_size, domain, &domain_size, &use) ==
          FALSE) {
    return {};
  }
  return name;
}

/// Where nobody has logged on yet there is no profile.
DWORD remove_profile(const std::wstring& name) {
  std::vector<BYTE> sid(SECURITY_MAX_SID_SIZE);
  auto size = static_cast<DWORD>(sid.size());
  wchar_t domain[UNLEN + 1];
  DWORD domain_size = UNLEN + 1;
  SID_NAME_USE use{};
  wchar_t* text = nullptr;
  if (::LookupAccountNameW(nullptr, name.c_str(), sid.data(), &size, domain, &domain_size, &use) ==
          FALSE ||
      ::ConvertSidToStringSidW(sid.data(), &text) == FALSE) {
    return ::GetLastError();
  }
  const auto gone = ::DeleteProfileW(text, nullptr, nullptr);
  const auto error = gone == FALSE ? ::GetLastError() : ERROR_SUCCESS;
  ::LocalFree(text);
  return error == ERROR_FILE_NOT_FOUND ? ERROR_SUCCESS : error;
}

}  // namespace

AccountSystem::Found WindowsAccounts::find(const std::wstring& name) {
  BYTE* buffer = nullptr;
  if (::NetUserGetInfo(nullptr, name.c_str(), 1, &buffer) != NERR_Success) return Found::kNone;
  const auto* info = reinterpret_cast<const USER_INFO_1*>(buffer);
  const bool ours =
      info->usri1_comment != nullptr && std::wstring_view(info->usri1_comment) == kComment;
  ::NetApiBufferFree(buffer);
  return ours ? Found::kOurs : Found::kForeign;
}

/// Of all four kinds of characters, as policies of passwords ask.
std::wstring WindowsAccounts::make_password() {
  constexpr std::wstring_view kLetters =
      L"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789-+";
  constexpr std::size_t kLength = 40;
  std::wstring password = L"aA1-";
  while (password.size() < kLength) {
    unsigned random = 0;
    if (::rand_s(&random) != 0) std::abort();
    password += kLetters[random % kLetters.size()];
  }
  return password;
}

std::string WindowsAccounts::create(const std::wstring& name, const std::wstring& password) {
  auto own_name = name;
  auto own_password = password;
  std::wstring comment = kComment;
  USER_INFO_1 info{};
  info.usri1_name = own_name.data();
  info.usri1_password = own_password.data();
  info.usri1_priv = USER_PRIV_USER;
  info.usri1_comment = comment.data();
  info.usri1_flags = UF_SCRIPT | UF_NORMAL_ACCOUNT | UF_DONT_EXPIRE_PASSWD;
  return reason(
      "make the", name, ::NetUserAdd(nullptr, 1, reinterpret_cast<BYTE*>(&info), nullptr));
}

std::string WindowsAccounts::set_password(const std::wstring& name, const std::wstring& password) {
  auto own_password = password;
  USER_INFO_1003 info{own_password.data()};
  return reason(
      "set the password of the",
      name,
      ::NetUserSetInfo(nullptr, name.c_str(), 1003, reinterpret_cast<BYTE*>(&info), nullptr));
}

std::string WindowsAccounts::join_administrators(const std::wstring& name) {
  const auto group = administrators();
  if (group.empty()) return reason("find the administrators for the", name, ::GetLastError());
  auto own_name = name;
  LOCALGROUP_MEMBERS_INFO_3 member{own_name.data()};
  const auto error =
      ::NetLocalGroupAddMembers(nullptr, group.c_str(), 3, reinterpret_cast<BYTE*>(&member), 1);
  return reason(
      "make an administrator of the", name, error == ERROR_MEMBER_IN_ALIAS ? ERROR_SUCCESS : error);
}

std::string WindowsAccounts::log_on(const std::wstring& name,
                                    const std::wstring& password,
                                    bool elevated,
                                    std::unique_ptr<LogOn>& log_on) {
  HANDLE logged_on = nullptr;
  if (::LogonUserW(name.c_str(),
                   L".",
                   password.c_str(),
                   LOGON32_LOGON_INTERACTIVE,
                   LOGON32_PROVIDER_DEFAULT,
                   &logged_on) == FALSE) {
    return reason("log on with the", name, ::GetLastError());
  }
  auto token = with_elevation(UniqueHandle(logged_on), elevated);
  if (!token) return reason("get the token of the", name, ::GetLastError());
  auto own_name = name;
  PROFILEINFOW profile{};
  profile.dwSize = sizeof profile;
  profile.dwFlags = PI_NOUI;
  profile.lpUserName = own_name.data();
  if (::LoadUserProfileW(token.get(), &profile) == FALSE) {
    return reason("load the profile of the", name, ::GetLastError());
  }
  log_on = std::make_unique<Session>(std::move(token), profile.hProfile);
  return {};
}

std::string WindowsAccounts::remove(const std::wstring& name) {
  auto error = reason("remove the profile of the", name, remove_profile(name));
  const auto gone = ::NetUserDel(nullptr, name.c_str());
  if (gone != NERR_Success && gone != NERR_UserNotFound) return reason("remove the", name, gone);
  return error;
}

}  // namespace kiln::agent
