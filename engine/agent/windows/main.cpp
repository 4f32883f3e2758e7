// The program that runs inside a Windows VM, as LocalSystem: one static file that does what the
// host asks over a serial port.
#include <cstdio>
#include <cwchar>
#include <string_view>

#include "engine/agent/windows/handle.h"
#include "engine/agent/windows/serve.h"
#include "engine/agent/windows/service.h"
#include "engine/agent/windows/service_entry.h"

namespace kiln::agent {
namespace {

constexpr const char* kUsage =
    "usage: kiln-agent --port COMn [--wait-for-port SECONDS] [--log FILE]\n"
    "       kiln-agent --install --port COMn [--log FILE]   a service that starts with the system\n"
    "       kiln-agent --service --port COMn [--log FILE]   what the service's entry calls\n"
    "       kiln-agent --remove                             the service, its entry and this file\n"
    "       kiln-agent --version\n";
constexpr int kUsageError = 2;

bool parse(int argc, wchar_t** argv, int first, ServeOptions& options) {
  for (int i = first; i < argc; ++i) {
    const std::wstring_view argument = argv[i];
    if (++i == argc) return false;
    if (argument == L"--port") {
      options.port = argv[i];
    } else if (argument == L"--log") {
      options.log = argv[i];
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
  const std::wstring_view first = argc > 1 ? argv[1] : L"";
  if (argc == 2 && first == L"--version") {
    std::puts("kiln-agent " KILN_VERSION);
    return 0;
  }
  if (argc == 2 && first == L"--remove") return remove_service();
  const bool as_service = first == L"--service";
  const bool install = first == L"--install";
  ServeOptions options;
  options.serve_again = as_service;
  if (!parse(argc, argv, as_service || install ? 2 : 1, options)) {
    std::fputs(kUsage, stderr);
    return kUsageError;
  }
  if (install) return install_service(options);
  if (as_service) return run_service(options);
  const UniqueHandle never(::CreateEventW(nullptr, TRUE, FALSE, nullptr));
  return serve(options, never.get());
}

}  // namespace
}  // namespace kiln::agent

int wmain(int argc, wchar_t** argv) {
  return kiln::agent::agent_main(argc, argv);
}
