#include "tests/simulator/service.h"

#include <filesystem>

#include "disk/servicing/windows_agent.h"
#include "engine/core/text.h"
#include "tests/simulator/files.h"
#include "tests/simulator/registry.h"

namespace kiln::simulator {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAccountKey = R"(SAM\Domains\Account\Users\Names\kiln-build)";
constexpr const char* kProfileKey =
    R"(Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1-2-3-1001)";
constexpr const char* kProfile = R"(C:\Users\kiln-build)";

std::string service_key() {
  return current_control_set() + "\\Services\\" + std::string(kWindowsAgentService);
}

}  // namespace

std::string service_fault() {
  const Registry system("SYSTEM");
  const auto key = service_key();
  if (!system.has(key)) return key + " is absent";
  constexpr std::uint32_t kOwnProcess = 0x10;
  constexpr std::uint32_t kAutomatic = 2;
  if (system.number(key, "Type") != kOwnProcess) return "Type is not that of a process of its own";
  if (system.number(key, "Start") != kAutomatic) return "Start is not automatic";
  if (!system.number(key, "ErrorControl")) return "ErrorControl is absent";
  if (system.text(key, "ObjectName") != "LocalSystem") return "ObjectName is not LocalSystem";
  const auto command = system.text(key, "ImagePath").value_or("");
  const auto expected = std::string(kWindowsAgentPath) + " --service --port COM2";
  if (command != expected) return "ImagePath is \"" + command + "\"";
  const auto program = read_text(path_here(kWindowsAgentPath));
  if (!program.starts_with("MZ")) return std::string(kWindowsAgentPath) + " is no program";
  return {};
}

std::string make_account() {
  Registry accounts("SAM", Registry::Access::kWrite);
  if (accounts.has(kAccountKey)) return {};
  Registry software("SOFTWARE", Registry::Access::kWrite);
  std::error_code error;
  fs::create_directories(path_here(kProfile), error);
  if (error || !accounts.add(kAccountKey) || !accounts.commit() ||
      !software.set_text(kProfileKey, "ProfileImagePath", kProfile) || !software.commit()) {
    return "cannot make the account";
  }
  return {};
}

std::string remove_service() {
  std::error_code error;
  Registry accounts("SAM", Registry::Access::kWrite);
  if (accounts.has(kAccountKey)) {
    Registry software("SOFTWARE", Registry::Access::kWrite);
    fs::remove_all(path_here(kProfile), error);
    if (error || !accounts.remove(kAccountKey) || !accounts.commit() ||
        !software.remove(kProfileKey) || !software.commit()) {
      return "cannot remove the account";
    }
  }
  Registry system("SYSTEM", Registry::Access::kWrite);
  if (!system.remove(service_key()) || !system.commit()) return "cannot remove the service";
  fs::remove_all(fs::path(path_here(kWindowsAgentPath)).parent_path(), error);
  return error ? "cannot remove the program" : "";
}

}  // namespace kiln::simulator
