#include "engine/agent/windows/handle.h"
#include "engine/agent/windows/jobs.h"
#include "engine/agent/windows/text.h"

namespace kiln::agent {
namespace {

/// LocalSystem has the right to set the clock, but not switched on.
void enable_right() {
  HANDLE token = nullptr;
  constexpr DWORD kAccess = TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY;
  if (::OpenProcessToken(::GetCurrentProcess(), kAccess, &token) == FALSE) return;
  const UniqueHandle owned(token);
  TOKEN_PRIVILEGES rights{};
  rights.PrivilegeCount = 1;
  rights.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
  if (::LookupPrivilegeValueW(nullptr, L"SeSystemtimePrivilege", &rights.Privileges[0].Luid) !=
      FALSE) {
    ::AdjustTokenPrivileges(token, FALSE, &rights, 0, nullptr, nullptr);
  }
}

/// Windows counts tenths of microseconds since 1601.
SYSTEMTIME system_time(std::uint64_t microseconds_since_1970) {
  constexpr std::uint64_t kFrom1601To1970 = 116'444'736'000'000'000;
  const auto ticks = microseconds_since_1970 * 10 + kFrom1601To1970;
  FILETIME file_time{static_cast<DWORD>(ticks), static_cast<DWORD>(ticks >> 32U)};
  SYSTEMTIME time{};
  ::FileTimeToSystemTime(&file_time, &time);
  return time;
}

}  // namespace

std::unique_ptr<Job> make_clock_job(std::uint32_t request, const ClockSetting& setting) {
  enable_right();
  const auto time = system_time(setting.microseconds);
  const bool set = ::SetSystemTime(&time) != FALSE;
  const auto error = set ? ERROR_SUCCESS : ::GetLastError();
  return make_finished_job(
      request, error_code(error), set ? "" : failure("set", "the clock", error));
}

}  // namespace kiln::agent
