// The program that runs inside the VM, as root: one static file that does what the host asks over a
// port. It is also the `sudo` of images without one, the first process of the kernel that proves
// acceleration, and all programs of Kiln's own in the micro-appliance.
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/agent/linux/guest_root.h"
#include "engine/agent/linux/image_tool.h"
#include "engine/agent/linux/micro_init.h"
#include "engine/agent/linux/posix.h"
#include "engine/agent/linux/probe_init.h"
#include "engine/agent/linux/serve.h"
#include "engine/agent/linux/step.h"
#include "engine/agent/linux/step_tools.h"
#include "engine/agent/linux/sudo.h"

namespace kiln::agent {
namespace {

constexpr const char* kUsage =
    "usage: kiln-agent --port DEVICE | --fd NUMBER\n"
    "                  [--daemon] [--mount-mode [--root FOLDER] [--network NAME_SERVER]]\n"
    "                  [--no-pid-namespace] [--wait-for-port SECONDS] [--power-off-when-alone]\n"
    "       kiln-agent image-tool NAME [ARGUMENT...]\n"
    "       kiln-agent --version\n";
constexpr int kUsageError = 2;

struct Options {
  std::string port;
  int fd = -1;
  int wait_for_port = 0;  // seconds
  bool daemon = false;
  bool mount_mode = false;
  bool pid_namespaces = true;
  bool power_off_when_alone = false;
  bool may_leave_daemons = false;
  std::string root;
  std::string name_server;
};

bool parse_value(std::string_view option, std::string_view value, Options& options) {
  if (option == "--port") {
    options.port = value;
    return true;
  }
  if (option == "--root") {
    options.root = value;
    return true;
  }
  if (option == "--network") {
    options.name_server = value;
    return true;
  }
  if (option != "--fd" && option != "--wait-for-port") return false;
  int& number = option == "--fd" ? options.fd : options.wait_for_port;
  const auto* end = value.data() + value.size();
  const auto parsed = std::from_chars(value.data(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end && number >= 0;
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--daemon") {
      options.daemon = true;
    } else if (argument == "--mount-mode") {
      options.mount_mode = true;
    } else if (argument == "--no-pid-namespace") {
      options.pid_namespaces = false;
    } else if (argument == "--power-off-when-alone") {
      options.power_off_when_alone = true;
    } else {
      ++i;
      if (i == argc || !parse_value(argument, argv[i], options)) return false;
    }
  }
  return options.port.empty() != (options.fd < 0) &&
         ((options.name_server.empty() && options.root.empty()) || options.mount_mode);
}

int complain(const std::string& text) {
  write_all(STDERR_FILENO, "kiln-agent: " + text + "\n");
  return 1;
}

/// Goes on from a copy of ourselves in memory, so that we hold no file of the image's file systems
/// open: the program's file can be removed and the file systems unmounted while we still run.
/// Where that cannot be done we simply go on as we are.
void move_to_memory(char** argv) {
  const UniqueFd from(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  struct stat info {};
  // A file in memory has no link.
  if (!from || ::fstat(from.get(), &info) != 0 || info.st_nlink == 0) return;
  const UniqueFd to(::memfd_create("kiln-agent", MFD_CLOEXEC));
  if (!to) return;
  for (off_t copied = 0; copied < info.st_size;) {
    if (::sendfile(to.get(), from.get(), &copied, static_cast<std::size_t>(info.st_size)) <= 0) {
      return;
    }
  }
  ::fexecve(to.get(), argv, environ);
}

/// Stands on its own: no terminal, no stream of whoever started us, no folder of the image.
bool become_daemon() {
  const auto child = ::fork();
  if (child < 0) return false;
  if (child > 0) ::_exit(0);
  ::setsid();
  const int null = ::open("/dev/null", O_RDWR);
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (null >= 0) {
      ::dup2(null, fd);
    } else {
      ::close(fd);
    }
  }
  if (null > STDERR_FILENO) ::close(null);
  return ::chdir("/") == 0;
}

/// In a system that is starting, the port's name appears when its driver has been loaded.
int open_port(const Options& options) {
  constexpr useconds_t kPause = 100'000;
  constexpr int kPausesPerSecond = 10;
  if (options.fd >= 0) return options.fd;
  for (int left = options.wait_for_port * kPausesPerSecond;; --left) {
    const int port = ::open(options.port.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (port >= 0 || errno != ENOENT || left <= 0) return port;
    ::usleep(kPause);
  }
}

int run(const Options& options) {
  ::signal(SIGPIPE, SIG_IGN);
  ::umask(022);
  write_small_file("/proc/self/oom_score_adj", "-1000", 0644);  // a hungry step dies, not we
  GuestRoot root;
  if (options.mount_mode) {
    if (const auto error = root.enter(options.root, options.name_server); !error.empty()) {
      return complain(error);
    }
  }
  UniqueFd port(open_port(options));
  if (!port) return complain(failure("open", options.port));
  if (::fcntl(port.get(), F_SETFD, FD_CLOEXEC) != 0) return complain("the port is not open");
  // Only now, so that whoever started us is told when it did not work.
  if (options.daemon && !become_daemon()) return complain(failure("start", "in the background"));

  StepTools tools;
  StepSettings settings;
  settings.mount_mode = options.mount_mode;
  settings.may_leave_daemons = options.may_leave_daemons;
  settings.pid_namespaces = options.pid_namespaces && pid_namespaces_work();
  const auto around_steps = [&](bool begins) {
    if (begins) settings.tools_folder = tools.provide();
    if (!options.mount_mode) return;
    if (begins) {
      GuestRoot::forbid_services();
    } else {
      GuestRoot::allow_services();
    }
  };
  const auto on_end = [&] {
    tools.remove();
    if (options.mount_mode) root.leave();
  };
  const int code = serve(port.get(), settings, around_steps, on_end);
  // A host that went without a word was killed, and nobody else may be left to end this machine.
  if (code != 0 && options.power_off_when_alone) ::reboot(RB_POWER_OFF);
  return code;
}

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// The session that services an image from outside: what it mounts must stay mounted.
int serve_tools(const char* port) {
  Options options;
  options.port = port;
  options.pid_namespaces = false;
  options.may_leave_daemons = true;
  options.power_off_when_alone = true;
  return run(options);
}

int agent_main(int argc, char** argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (::getpid() == 1 && first == "--micro") micro_init(serve_tools);
  if (::getpid() == 1) probe_init();
  if (first == "image-tool") return image_tool({argv + 2, argv + argc});
  if (argc > 0 && base_name(argv[0]) == "sudo") return sudo_main(argc, argv);
  // As the kernel calls it for what it has no driver for yet: `modprobe -q -- fs-ext4`.
  if (argc > 0 && base_name(argv[0]) == "modprobe") return load_modules(argv[argc - 1]) ? 0 : 1;
  if (argc == 2 && std::string_view(argv[1]) == "--version") {
    std::puts("kiln-agent " KILN_VERSION);
    return 0;
  }
  Options options;
  if (!parse(argc, argv, options)) {
    write_all(STDERR_FILENO, kUsage);
    return kUsageError;
  }
  if (options.mount_mode && options.root.empty()) move_to_memory(argv);
  return run(options);
}

}  // namespace
}  // namespace kiln::agent

int main(int argc, char** argv) {
  return kiln::agent::agent_main(argc, argv);
}
