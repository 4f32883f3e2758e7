// The step program of the agent's contract for Windows; tests/contract/agent_contract.h says what
// each word does.
#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <windows.h>

namespace {

void write(DWORD stream, std::string_view data) {
  DWORD written = 0;
  ::WriteFile(
      ::GetStdHandle(stream), data.data(), static_cast<DWORD>(data.size()), &written, nullptr);
}

std::string narrow(std::wstring_view text) {
  std::string utf8(4 * text.size(), '\0');
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

/// The same numbered lines to both streams, in turn.
void flood(long long lines) {
  constexpr long long kAtOnce = 256;
  for (long long done = 0; done < lines;) {
    std::string piece;
    for (const auto end = std::min(lines, done + kAtOnce); done < end;) {
      char line[32];
      std::snprintf(line, sizeof line, "%015lld\n", ++done);
      piece += line;
    }
    write(STD_OUTPUT_HANDLE, piece);
    write(STD_ERROR_HANDLE, piece);
  }
}

long long size_of(const wchar_t* file) {
  WIN32_FILE_ATTRIBUTE_DATA info{};
  return ::GetFileAttributesExW(file, GetFileExInfoStandard, &info) != FALSE ? info.nFileSizeLow
                                                                             : 0;
}

/// Goes on for ever, and shows it.
[[noreturn]] void touch(const wchar_t* file) {
  for (;;) {
    if (FILE* const open = ::_wfopen(file, L"ab")) {
      std::fputs("alive\n", open);
      std::fclose(open);
    }
    ::Sleep(50);
  }
}

/// Starts `touch` twice removed, without any tie that could be cut.
void start_family(const wchar_t* file, const wchar_t* role) {
  wchar_t self[MAX_PATH];
  ::GetModuleFileNameW(nullptr, self, MAX_PATH);
  auto line = std::wstring(self) + L" " + role + L" " + file;
  STARTUPINFOW info{};
  info.cb = sizeof info;
  PROCESS_INFORMATION started{};
  ::CreateProcessW(self,
                   line.data(),
                   nullptr,
                   nullptr,
                   TRUE,  // it holds our streams open
                   DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP,
                   nullptr,
                   nullptr,
                   &info,
                   &started);
}

void copy_input() {
  char piece[4096];
  DWORD got = 0;
  while (::ReadFile(::GetStdHandle(STD_INPUT_HANDLE), piece, sizeof piece, &got, nullptr) !=
             FALSE &&
         got > 0) {
    write(STD_OUTPUT_HANDLE, {piece, got});
  }
}

}  // namespace

int wmain(int argc, wchar_t** argv) {
  constexpr DWORD kLong = 60'000;
  const std::wstring_view role = argc > 1 ? argv[1] : L"";
  if (role == L"say") {
    write(STD_OUTPUT_HANDLE, "to out\r\n");
    write(STD_ERROR_HANDLE, "to err\r\n");
    return std::stoi(argv[2]);
  }
  if (role == L"early") {
    write(STD_OUTPUT_HANDLE, "early");
    ::Sleep(1000);
    write(STD_OUTPUT_HANDLE, "late");
  }
  if (role == L"arguments") {
    for (int i = 2; i < argc; ++i) write(STD_OUTPUT_HANDLE, narrow(argv[i]) + "|");
  }
  if (role == L"variable") {
    wchar_t value[1024];
    const auto length = ::GetEnvironmentVariableW(argv[2], value, 1024);
    write(STD_OUTPUT_HANDLE, narrow({value, length}));
  }
  if (role == L"folder") {
    wchar_t folder[MAX_PATH];
    write(STD_OUTPUT_HANDLE, narrow({folder, ::GetCurrentDirectoryW(MAX_PATH, folder)}));
  }
  if (role == L"flood") flood(std::stoll(argv[2]));
  if (role == L"die") ::TerminateProcess(::GetCurrentProcess(), 1234);
  if (role == L"copy") copy_input();
  if (role == L"touch") touch(argv[2]);
  if (role == L"parent") start_family(argv[2], L"touch");
  if (role == L"leave" || role == L"stay") {
    start_family(argv[2], L"parent");
    while (size_of(argv[2]) == 0) ::Sleep(20);
    if (role == L"stay") ::Sleep(kLong);
    return 3;
  }
  return 0;
}
