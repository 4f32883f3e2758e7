#include "engine/agent/windows/log.h"

#include <cstdio>

namespace kiln::agent {

// Others may read it, and may remove it with the rest of the agent, while it is written.
Log::Log(const std::wstring& file)
    : file_(file.empty() ? nullptr
                         : ::CreateFileW(file.c_str(),
                                         FILE_APPEND_DATA,
                                         FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                         nullptr,
                                         OPEN_ALWAYS,
                                         FILE_ATTRIBUTE_NORMAL,
                                         nullptr)) {}

void Log::write(std::string_view text) const {
  if (!file_) return;
  SYSTEMTIME now{};
  ::GetSystemTime(&now);
  char time[32];
  std::snprintf(time,
                sizeof time,
                "%04u-%02u-%02uT%02u:%02u:%02uZ ",
                now.wYear,
                now.wMonth,
                now.wDay,
                now.wHour,
                now.wMinute,
                now.wSecond);
  const auto line = std::string(time).append(text).append("\r\n");
  DWORD written = 0;
  ::WriteFile(file_.get(), line.data(), static_cast<DWORD>(line.size()), &written, nullptr);
}

}  // namespace kiln::agent
