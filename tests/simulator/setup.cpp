#include "tests/simulator/setup.h"

#include <cstdlib>
#include <filesystem>
#include <unistd.h>

#include "tests/simulator/files.h"
#include "tests/simulator/programs.h"
#include "tests/simulator/registry.h"

namespace kiln::simulator {
namespace {

constexpr const char* kState = R"(Microsoft\Windows\CurrentVersion\Setup\State)";
constexpr const char* kRestarts = R"(C:\simulator\restarts)";
/// The agent is up meanwhile, and is asked.
constexpr unsigned kSeconds = 7;

/// The first that is there of the places where Windows looks.
std::string answers() {
  for (const char* place :
       {R"(C:\Windows\Panther\Unattend\Unattend.xml)", R"(C:\Windows\Panther\Unattend.xml)"}) {
    auto text = read_text(path_here(place));
    if (!text.empty()) return text;
  }
  return {};
}

bool set_progress(std::uint32_t progress) {
  Registry system("SYSTEM", Registry::Access::kWrite);
  return system.set_number("Setup", "SystemSetupInProgress", progress) && system.commit();
}

void finish_setup() {
  Registry software("SOFTWARE", Registry::Access::kWrite);
  const bool done = software.set_text(kState, "ImageState", "IMAGE_STATE_COMPLETE") &&
                    software.commit() && set_progress(0);
  write_text(path_here(kRestarts), "");
  note(done ? "setup: done" : "setup: the registry cannot be written");
}

[[noreturn]] void set_up() {
  const auto text = answers();
  if (text.find("<SkipMachineOOBE>true") == std::string::npos ||
      text.find("<AdministratorPassword>") == std::string::npos) {
    note("setup: waits for a person");
    ::_exit(0);
  }
  ::sleep(kSeconds);
  const int before = std::atoi(read_text(path_here(kRestarts)).c_str());
  if (before < std::atoi(scenario("setup").c_str())) {
    write_text(path_here(kRestarts), std::to_string(before + 1));
    note("setup: restarts");
    ask_for(Power::kRestart);
  } else {
    finish_setup();
  }
  ::_exit(0);
}

}  // namespace

void begin_setup() {
  if (scenario("setup").empty() || image_state() != "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE") return;
  if (!set_progress(1)) note("setup: the registry cannot be written");
  if (::fork() == 0) set_up();
}

}  // namespace kiln::simulator
