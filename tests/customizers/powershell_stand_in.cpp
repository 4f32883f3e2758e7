// What Wine has in place of powershell.exe in the tests of steps: keeps in `C:\kiln\run-N` what it
// was given, as UTF-8: each argument, the variables of Packer, and the bytes of the file that the
// last argument calls by `& '…'`. Prints the last argument; ends with the number after `exit ` in
// that file.
#include <cstdlib>
#include <string>
#include <string_view>
#include <windows.h>

namespace {

std::string narrow(std::wstring_view text) {
  std::string utf8(4 * text.size() + 1, '\0');
  utf8.resize(static_cast<std::size_t>(::WideCharToMultiByte(CP_UTF8,
                                                             0,
                                                             text.data(),
                                                             static_cast<int>(text.size()),
                                                             utf8.data(),
                                                             static_cast<int>(utf8.size()),
                                                             nullptr,
                                                             nullptr)));
  return utf8;
}

void keep(const std::wstring& path, std::string_view contents) {
  const HANDLE file =
      ::CreateFileW(path.c_str(), GENERIC_WRITE, 0, nullptr, CREATE_NEW, 0, nullptr);
  DWORD written = 0;
  ::WriteFile(file, contents.data(), static_cast<DWORD>(contents.size()), &written, nullptr);
  ::CloseHandle(file);
}

std::string contents_of(const std::wstring& path) {
  const HANDLE file = ::CreateFileW(
      path.c_str(), GENERIC_READ, FILE_SHARE_READ, nullptr, OPEN_EXISTING, 0, nullptr);
  std::string text(std::size_t{64} * 1024, '\0');
  DWORD got = 0;
  if (::ReadFile(file, text.data(), static_cast<DWORD>(text.size()), &got, nullptr) == FALSE) {
    got = 0;
  }
  ::CloseHandle(file);
  text.resize(got);
  return text;
}

std::string variable(const wchar_t* name) {
  wchar_t value[256];
  const auto length = ::GetEnvironmentVariableW(name, value, 256);
  return narrow({value, length}) + "\n";
}

/// A folder that no run has yet.
std::wstring next_folder() {
  for (int number = 1;; ++number) {
    auto folder = L"C:\\kiln\\run-" + std::to_wstring(number);
    if (::CreateDirectoryW(folder.c_str(), nullptr) != FALSE) return folder;
    if (::GetLastError() != ERROR_ALREADY_EXISTS) std::abort();
  }
}

}  // namespace

int wmain(int argc, wchar_t** argv) {
  const auto folder = next_folder();
  std::string arguments;
  for (int i = 1; i < argc; ++i) arguments += narrow(argv[i]) + "\n";
  keep(folder + L"\\arguments", arguments);
  keep(folder + L"\\environment",
       variable(L"PACKER_BUILDER_TYPE") + variable(L"PACKER_BUILD_NAME"));
  const std::wstring last = argc > 1 ? argv[argc - 1] : L"";
  const auto output = narrow(last) + "\r\n";
  DWORD written = 0;
  ::WriteFile(::GetStdHandle(STD_OUTPUT_HANDLE),
              output.data(),
              static_cast<DWORD>(output.size()),
              &written,
              nullptr);
  const auto call = last.find(L"& '");
  if (call == std::wstring::npos) return 0;
  const auto script = contents_of(last.substr(call + 3, last.find(L'\'', call + 3) - call - 3));
  keep(folder + L"\\script", script);
  const auto code = script.find("exit ");
  return code == std::string::npos ? 0 : std::atoi(script.c_str() + code + 5);
}
