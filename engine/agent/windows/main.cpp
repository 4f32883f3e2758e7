// The program that runs inside a Windows VM, as LocalSystem: one static file that does what the
// host asks over a serial port.
#include <cstdio>
#include <cwchar>
#include <string_view>

#include "engine/agent/windows/handle.h"
#include "engine/agent/windows/serve.h"

namespace kiln::agent {
namespace {

constexpr const char* kUsage =
    "usage: kiln-agent --port COMn [--wait-for-port SECONDS]\n"
    "       kiln-agent --version\n";
constexpr int kUsageError = 2;

bool parse(int argc, wchar_t** argv, ServeOptions& options) {
  for (int i = 1; i < argc; ++i) {
    const std::wstring_view argument = argv[i];
    if (++i == argc) return false;
    if (argument == L"--port") {
      options.port = argv[i];
    } else if (argument == L"--wait-for-port") {
      wchar_t* end = nullptr;
      options.wait_seconds = std::wcstoul(argv[i], &end, 10);
      if (*end != 0 || end == argv[i]) return false;
    } else {
      return false;
    }
  }
  return !options.port.empty();
}

int agent_main(int argc, wchar_t** argv) {
  if (argc == 2 && std::wstring_view(argv[1]) == L"--version") {
    std::puts("kiln-agent " KILN_VERSION);
    return 0;
  }
  ServeOptions options;
  if (!parse(argc, argv, options)) {
    std::fputs(kUsage, stderr);
    return kUsageError;
  }
  const UniqueHandle never(::CreateEventW(nullptr, TRUE, FALSE, nullptr));
  return serve(options, never.get());
}

}  // namespace
}  // namespace kiln::agent

int wmain(int argc, wchar_t** argv) {
  return kiln::agent::agent_main(argc, argv);
}
