#include <filesystem>

#include "engine/core/text.h"
#include "tests/simulator/files.h"
#include "tests/simulator/programs.h"
#include "tests/simulator/registry.h"

namespace kiln::simulator {
namespace {

constexpr const char* kState = R"(Microsoft\Windows\CurrentVersion\Setup\State)";
constexpr const char* kLogs = R"(C:\Windows\System32\Sysprep\Panther)";
constexpr const char* kApp =
    "2026-01-02 03:04:05, Error                 SYSPRP Package "
    "Microsoft.Sample_1.0.0.0_x64__8wekyb3d8bbwe was installed for a user, but not provisioned for "
    "all users. This package will not function properly in the sysprep image.\r\n";

void write_logs(const std::string& errors) {
  const auto folder = path_here(kLogs);
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  write_text(folder + "/setuperr.log", errors);
  write_text(folder + "/setupact.log",
             "2026-01-02 03:04:04, Info                  SYSPRP Sysprep begins\r\n" + errors);
}

}  // namespace

std::string image_state() {
  return Registry("SOFTWARE").text(kState, "ImageState").value_or("");
}

int run_sysprep(const std::string& arguments) {
  note("sysprep " + arguments);
  if (scenario("sysprep") == "app") {
    write_logs(kApp);
    return 1;
  }
  write_logs("");
  if (arguments.find("/generalize") == std::string::npos) return 1;
  Registry software("SOFTWARE", Registry::Access::kWrite);
  if (!software.set_text(kState, "ImageState", "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE") ||
      !software.commit()) {
    return 1;
  }
  const bool late = scenario("sysprep") == "late";
  if (!late && arguments.find("/shutdown") != std::string::npos) ask_for(Power::kOff);
  return 0;
}

}  // namespace kiln::simulator
