#include "engine/agent/windows/self_removal.h"

#include <string>

#include "engine/agent/windows/handle.h"
#include "engine/agent/windows/own_path.h"

namespace kiln::agent {
namespace {

// The path is a variable, so that nothing in it means anything to cmd. ping is the pause that needs
// no console.
constexpr const wchar_t* kVariable = L"KILN_AGENT_FILE";
constexpr const wchar_t* kRemover =
    L" /d /s /c \"for /l %i in (1,1,120) do @del /f /q \"%KILN_AGENT_FILE%\" >nul 2>nul"
    L" & if not exist \"%KILN_AGENT_FILE%\" (exit 0) else ping -n 2 127.0.0.1 >nul\"";

std::wstring system_folder() {
  wchar_t folder[MAX_PATH];
  return {folder, ::GetSystemDirectoryW(folder, MAX_PATH)};
}

bool start_remover(const std::wstring& file) {
  const auto folder = system_folder();
  const auto cmd = folder + L"\\cmd.exe";
  auto line = L"\"" + cmd + L"\"" + kRemover;
  ::SetEnvironmentVariableW(kVariable, file.c_str());
  STARTUPINFOW info{};
  info.cb = sizeof info;
  PROCESS_INFORMATION started{};
  // In a folder that may be in use for ever.
  if (::CreateProcessW(cmd.c_str(),
                       line.data(),
                       nullptr,
                       nullptr,
                       FALSE,
                       CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP,
                       nullptr,
                       folder.c_str(),
                       &info,
                       &started) == FALSE) {
    return false;
  }
  const UniqueHandle process(started.hProcess);
  const UniqueHandle thread(started.hThread);
  return true;
}

}  // namespace

bool remove_own_file_later(bool system_stops) {
  const auto file = own_path();
  if (!system_stops && start_remover(file)) return true;
  return ::MoveFileExW(file.c_str(), nullptr, MOVEFILE_DELAY_UNTIL_REBOOT) != FALSE;
}

}  // namespace kiln::agent
