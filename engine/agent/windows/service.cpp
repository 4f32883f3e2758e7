#include "engine/agent/windows/service.h"

#include <atomic>
#include <cstdio>

#include "engine/agent/windows/handle.h"
#include "engine/agent/windows/self_removal.h"
#include "engine/agent/windows/service_entry.h"
#include "engine/agent/windows/text.h"

namespace kiln::agent {
namespace {

/// One process is one service.
class Service {
 public:
  explicit Service(const ServeOptions& options)
      : options_(options), stop_(::CreateEventW(nullptr, TRUE, FALSE, nullptr)) {}

  void main() {
    handle_ = ::RegisterServiceCtrlHandlerExW(kServiceName, on_control, this);
    if (handle_ == nullptr) return;
    tell(SERVICE_RUNNING);
    const int code = serve(options_, stop_.get());
    if (remove_file_) remove_own_file_later(system_stops_);
    tell(SERVICE_STOPPED, code == 0 ? NO_ERROR : ERROR_SERVICE_SPECIFIC_ERROR);
  }

 private:
  static DWORD WINAPI on_control(DWORD control, DWORD /*type*/, void* /*data*/, void* context) {
    return static_cast<Service*>(context)->control(control);
  }

  DWORD control(DWORD control) {
    switch (control) {
      case SERVICE_CONTROL_SHUTDOWN:
        system_stops_ = true;
        [[fallthrough]];
      case SERVICE_CONTROL_STOP:
        tell(SERVICE_STOP_PENDING);
        ::SetEvent(stop_.get());
        return NO_ERROR;
      case kControlRemoveFile:
        remove_file_ = true;
        return NO_ERROR;
      case SERVICE_CONTROL_INTERROGATE:
        return NO_ERROR;
      default:
        return ERROR_CALL_NOT_IMPLEMENTED;
    }
  }

  void tell(DWORD state, DWORD code = NO_ERROR) const {
    constexpr DWORD kForStop = 10'000;  // milliseconds; the step's processes are ended first
    SERVICE_STATUS status{};
    status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    status.dwCurrentState = state;
    if (state == SERVICE_RUNNING) {
      status.dwControlsAccepted = SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN;
    }
    if (state == SERVICE_STOP_PENDING) status.dwWaitHint = kForStop;
    status.dwWin32ExitCode = code;
    status.dwServiceSpecificExitCode = code == NO_ERROR ? 0 : 1;
    ::SetServiceStatus(handle_, &status);
  }

  ServeOptions options_;
  UniqueHandle stop_;
  SERVICE_STATUS_HANDLE handle_ = nullptr;
  std::atomic<bool> remove_file_ = false;
  std::atomic<bool> system_stops_ = false;
};

// The manager hands nothing of ours to the service's entry.
Service* the_service = nullptr;

void WINAPI service_main(DWORD /*argc*/, wchar_t** /*argv*/) {
  the_service->main();
}

}  // namespace

int run_service(const ServeOptions& options) {
  Service service(options);
  the_service = &service;
  wchar_t name[] = L"";  // of a process with one service it is not looked at
  const SERVICE_TABLE_ENTRYW table[] = {{name, service_main}, {nullptr, nullptr}};
  if (::StartServiceCtrlDispatcherW(table) != FALSE) return 0;
  const auto text = "kiln-agent: " + failure("serve", "as a service", ::GetLastError()) + "\n";
  std::fputs(text.c_str(), stderr);
  return 1;
}

}  // namespace kiln::agent
