#include "engine/agent/windows/service_entry.h"

#include <cstdio>
#include <string>
#include <vector>

#include "engine/agent/windows/command_line.h"
#include "engine/agent/windows/own_path.h"
#include "engine/agent/windows/self_removal.h"
#include "engine/agent/windows/text.h"
#include "engine/agent/windows/windows_accounts.h"

namespace kiln::agent {
namespace {

class ServiceHandle {
 public:
  explicit ServiceHandle(SC_HANDLE handle) : handle_(handle) {}
  ServiceHandle(const ServiceHandle&) = delete;
  ServiceHandle& operator=(const ServiceHandle&) = delete;
  ~ServiceHandle() {
    if (handle_ != nullptr) ::CloseServiceHandle(handle_);
  }
  [[nodiscard]] SC_HANDLE get() const { return handle_; }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  SC_HANDLE handle_;
};

int complain(std::string_view what, DWORD error) {
  const auto text = "kiln-agent: " + failure(what, narrow(kServiceName), error) + "\n";
  std::fputs(text.c_str(), stderr);
  return 1;
}

std::wstring service_command(const ServeOptions& options) {
  std::vector<std::string> words = {
      narrow(own_path()), "--service", "--port", narrow(options.port)};
  if (!options.log.empty()) words.insert(words.end(), {"--log", narrow(options.log)});
  return wide(command_line(words));
}

}  // namespace

int install_service(const ServeOptions& options) {
  const ServiceHandle manager(
      ::OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE));
  if (!manager) return complain("install the service", ::GetLastError());
  const ServiceHandle service(::CreateServiceW(manager.get(),
                                               kServiceName,
                                               L"Kiln agent",
                                               SERVICE_CHANGE_CONFIG,
                                               SERVICE_WIN32_OWN_PROCESS,
                                               SERVICE_AUTO_START,
                                               SERVICE_ERROR_NORMAL,
                                               service_command(options).c_str(),
                                               nullptr,
                                               nullptr,
                                               nullptr,
                                               nullptr,  // LocalSystem
                                               nullptr));
  if (!service) return complain("install the service", ::GetLastError());
  return 0;
}

int remove_service() {
  WindowsAccounts accounts;
  if (const auto error = Administrator(accounts).remove(); !error.empty()) {
    std::fputs(("kiln-agent: " + error + "\n").c_str(), stderr);
    return 1;
  }
  const ServiceHandle manager(::OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT));
  if (!manager) return complain("remove the service", ::GetLastError());
  const ServiceHandle service(
      ::OpenServiceW(manager.get(), kServiceName, DELETE | SERVICE_USER_DEFINED_CONTROL));
  if (!service) {
    const auto error = ::GetLastError();
    if (error != ERROR_SERVICE_DOES_NOT_EXIST) return complain("remove the service", error);
  }
  SERVICE_STATUS status{};
  const bool runs =
      service && ::ControlService(service.get(), kControlRemoveFile, &status) != FALSE;
  if (service && ::DeleteService(service.get()) == FALSE) {
    const auto error = ::GetLastError();
    if (error != ERROR_SERVICE_MARKED_FOR_DELETE) return complain("remove the service", error);
  }
  if (!runs && !remove_own_file_later(false)) {
    return complain("remove the file of the service", ::GetLastError());
  }
  return 0;
}

}  // namespace kiln::agent
