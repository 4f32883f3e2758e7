// A phony Windows, for tests: the first process of a Linux that mounts a volume of Windows and
// stands in for its service manager, its agent and its programs. Of what Kiln has put on the disk
// and says to the agent it believes nothing: the entry and the program of the service must be
// there.
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <vector>

#include "engine/agent/linux/micro_init.h"
#include "engine/agent/linux/posix.h"
#include "engine/agent/linux/serve.h"
#include "tests/simulator/files.h"
#include "tests/simulator/programs.h"
#include "tests/simulator/service.h"
#include "tests/simulator/setup.h"

namespace kiln::simulator {
namespace {

constexpr const char* kPort = "/dev/ttyS1";
constexpr const char* kSelf = "/init";

/// As the agent for Windows, but that programs are run by this one.
class WindowsPlatform final : public agent::Platform {
 public:
  [[nodiscard]] std::uint32_t capabilities() const override { return agent::kCapabilityAccounts; }
  std::unique_ptr<agent::Job> run(std::uint32_t request, const agent::RunRequest& run) override {
    std::string line = "run as " + std::to_string(static_cast<int>(run.account));
    for (const auto& word : run.argv) line += " " + word;
    note(line);
    auto here = run;
    here.argv.insert(here.argv.begin(),
                     {kSelf, "--program", std::to_string(static_cast<int>(run.account))});
    return agent::make_run_job(request, here, settings_);
  }
  std::unique_ptr<agent::Job> put(std::uint32_t request, const agent::PutRequest& put) override {
    note("put " + put.path);
    return agent::make_put_job(request, put);
  }
  std::unique_ptr<agent::Job> get(std::uint32_t request, const agent::GetRequest& get) override {
    return agent::make_get_job(request, get);
  }
  std::unique_ptr<agent::Job> remove(std::uint32_t request,
                                     const agent::RemoveRequest& remove) override {
    return agent::make_remove_job(request, remove);
  }
  std::unique_ptr<agent::Job> set_clock(std::uint32_t request,
                                        const agent::ClockSetting& clock) override {
    return agent::make_clock_job(request, clock);
  }
  std::unique_ptr<agent::Job> freeze(std::uint32_t request,
                                     const agent::FreezeRequest& /*freeze*/) override {
    return refuse(request);
  }
  std::unique_ptr<agent::Job> forward(std::uint32_t request,
                                      const agent::ForwardRequest& /*forward*/) override {
    return refuse(request);
  }
  bool take_stream(const agent::Frame& /*frame*/) override { return false; }

 private:
  static std::unique_ptr<agent::Job> refuse(std::uint32_t request) {
    return agent::make_finished_job(
        request, agent::ErrorCode::kIo, "the agent for Windows does not do this");
  }
  agent::StepSettings settings_ = {};
};

void say(const std::string& text) {
  agent::write_all(STDERR_FILENO, "simulated Windows: " + text + "\n");
}

/// The driver of NTFS, which must outlive all others: it writes out what they wrote.
pid_t driver = 0;

bool mount_disk(const char* disk) {
  constexpr useconds_t kPause = 20'000;
  driver = ::fork();
  if (driver == 0) {
    ::execlp("ntfs-3g", "ntfs-3g", "-o", "no_detach,noatime", disk, kVolume, nullptr);
    ::_exit(1);
  }
  struct stat info {};
  while (::waitpid(driver, nullptr, WNOHANG) == 0) {
    if (::stat("/C:/Windows/System32/config/SYSTEM", &info) == 0) return true;
    ::usleep(kPause);
  }
  return false;
}

/// Windows is in the last partition.
bool mount_volume() {
  constexpr int kLooks = 1000;
  constexpr useconds_t kPause = 10'000;
  ::mkdir(kVolume, 0755);
  ::symlink(kVolume, "/c:");
  ::setenv("PATH", "/usr/bin:/bin:/usr/sbin:/sbin", 1);
  struct stat info {};
  for (int look = 0; look < kLooks; ++look, ::usleep(kPause)) {
    if (::stat("/dev/sda2", &info) == 0) return mount_disk("/dev/sda2");
  }
  return false;
}

/// What protects the start, as the system itself sees it.
void note_protection() {
  const std::string variables = "/sys/firmware/efi/efivars";
  ::mount("efivarfs", variables.c_str(), "efivarfs", MS_RDONLY, nullptr);
  // Four bytes of attributes stand before the value.
  const auto secure_boot =
      read_text(variables + "/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c");
  const bool enforced = secure_boot.size() == 5 && secure_boot.back() == 1;
  const auto tpm = read_text("/sys/class/tpm/tpm0/tpm_version_major");
  note(std::string("secure boot ") + (enforced ? "on" : "off") + ", TPM " +
       (tpm.empty() ? "none" : tpm.substr(0, tpm.find('\n'))));
}

void end_processes() {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto process = std::atoi(entry.path().filename().c_str());
    if (process > 1 && process != driver) ::kill(process, SIGKILL);
  }
}

int open_port() {
  const int port = ::open(kPort, O_RDWR | O_CLOEXEC | O_NOCTTY);
  termios settings{};
  if (port < 0 || ::tcgetattr(port, &settings) != 0) return -1;
  ::cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL | CREAD;
  ::cfsetspeed(&settings, B115200);
  return ::tcsetattr(port, TCSANOW, &settings) == 0 ? port : -1;
}

/// The service: serves again after a session that was lost, and ends after one that was quit.
[[noreturn]] void serve_host() {
  ::signal(SIGPIPE, SIG_IGN);
  for (;;) {
    const int port = open_port();
    if (port < 0) {
      say(agent::failure("open", kPort));
      ::_exit(1);
    }
    agent::Outbox outbox;
    agent::Forwarder forwarder(outbox);
    WindowsPlatform platform;
    if (agent::serve(port, {platform, outbox, forwarder}, [] {}) == 0) ::_exit(0);
    ::close(port);
  }
}

/// Long enough for the last answer to reach the host.
[[noreturn]] void end(Power power) {
  constexpr unsigned kSeconds = 1;
  ::sleep(kSeconds);
  for (int tries = 0; tries < 100; ++tries) {
    end_processes();
    ::usleep(10'000);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    if (::umount(kVolume) == 0) break;
  }
  ::waitpid(driver, nullptr, 0);
  ::sync();
  say(power == Power::kRestart ? "restarts" : "is off");
  ::reboot(power == Power::kRestart ? RB_AUTOBOOT : RB_POWER_OFF);
  for (;;) ::pause();
}

[[noreturn]] void run_system() {
  constexpr useconds_t kLookEvery = 50'000;
  for (const char* folder : {"/dev", "/proc", "/sys", "/run", "/tmp"}) ::mkdir(folder, 0755);
  ::mount("devtmpfs", "/dev", "devtmpfs", 0, nullptr);
  ::mount("proc", "/proc", "proc", 0, nullptr);
  ::mount("sysfs", "/sys", "sysfs", 0, nullptr);
  agent::load_modules("start");
  if (!mount_volume()) {
    say("finds no volume of Windows");
    for (;;) ::pause();
  }
  ::mkdir("/C:/simulator", 0755);
  note("start");
  note_protection();
  begin_setup();
  if (const auto fault = service_fault(); !fault.empty()) {
    say("the service does not start: " + fault);
    note("no service: " + fault);
    ::sync();
  } else if (scenario("agent") != "silent") {
    say("the service starts");
    if (::fork() == 0) serve_host();
  }
  for (;;) {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    if (const auto power = asked_power(); power != Power::kStay) end(power);
    ::usleep(kLookEvery);
  }
}

}  // namespace
}  // namespace kiln::simulator

int main(int argc, char** argv) {
  using namespace kiln::simulator;
  if (::getpid() == 1) run_system();
  if (argc < 4 || std::string(argv[1]) != "--program") return 2;
  const auto account = static_cast<kiln::Account>(std::atoi(argv[2]));
  if (account != kiln::Account::kSystem) {
    if (const auto error = make_account(); !error.empty()) {
      std::fprintf(stderr, "%s\n", error.c_str());
      return 1;
    }
  }
  return run_program({argv + 3, argv + argc}, account);
}
