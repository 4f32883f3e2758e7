#include "engine/agent/linux/micro_init.h"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <memory>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/agent/linux/image_tool.h"
#include "engine/agent/linux/posix.h"

namespace kiln::agent {
namespace {

constexpr const char* kModules = "/modules/";
constexpr const char* kPorts = "/sys/class/virtio-ports";
constexpr const char* kToolsPort = "org.kiln.tools";
constexpr const char* kUsualSets[] = {"steps", "fs-ext4", "fs-vfat", "nls_cp437", "nls_ascii"};

void mount_kernel_file_systems() {
  for (const char* folder : {"/dev", "/proc", "/sys", "/run", "/tmp", "/sysroot"}) {
    ::mkdir(folder, 0755);
  }
  ::mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, nullptr);
  ::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  ::mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
}

/// Our standard streams are the console, where the kernel had one for us.
void say(const std::string& text) {
  write_all(STDERR_FILENO, "kiln-micro: " + text + "\n");
}

bool load_module(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return false;
  return ::syscall(SYS_finit_module, file.get(), "", 0) == 0 || errno == EEXIST;
}

/// Gives ports the names that udev would give them; true once the host's is among them.
bool name_ports() {
  struct CloseDir {
    void operator()(DIR* folder) const { ::closedir(folder); }
  };
  const std::unique_ptr<DIR, CloseDir> folder(::opendir(kPorts));
  bool found = false;
  while (folder) {
    const auto* entry = ::readdir(folder.get());
    if (entry == nullptr) break;
    const std::string device = entry->d_name;
    auto name = read_small_file((std::string(kPorts) + "/" + device + "/name").c_str());
    if (!name.empty() && name.back() == '\n') name.pop_back();
    if (name.empty() || name.find('/') != std::string::npos) continue;
    const auto link = "/dev/virtio-ports/" + name;
    if (::symlink(("../" + device).c_str(), link.c_str()) != 0 && errno != EEXIST) continue;
    found = found || name == kToolsPort;
  }
  return found;
}

/// Ports come one after the other, and the host's tools' is the last that it gave the machine.
bool await_ports() {
  constexpr int kLooks = 2000;
  constexpr useconds_t kPause = 10'000;
  ::mkdir("/dev/virtio-ports", 0755);
  for (int look = 0; look < kLooks; ++look) {
    if (name_ports()) return true;
    ::usleep(kPause);
  }
  return false;
}

/// Its partitions have been looked for when this comes back.
void await_disk() {
  constexpr useconds_t kPause = 5'000;
  for (;;) {
    const UniqueFd disk(::open("/dev/sda", O_RDONLY | O_CLOEXEC));
    if (disk && ::ioctl(disk.get(), BLKRRPART) == 0) return;
    ::usleep(kPause);
  }
}

}  // namespace

bool load_modules(const char* set) {
  const auto list = read_small_file((std::string(kModules) + set + ".list").c_str());
  bool all = !list.empty();
  for (std::string_view rest = list; !rest.empty();) {
    const auto end = rest.find('\n');
    const std::string name(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (name.empty() || load_module(kModules + name)) continue;
    // Drivers for processors that this is not refuse to load; another of the list serves instead.
    if (errno == ENODEV) continue;
    write_all(STDERR_FILENO, failure("load", name) + "\n");
    all = false;
  }
  return all;
}

void micro_init(int (*serve)(const char* port)) {
  mount_kernel_file_systems();
  load_modules("start");
  bring_up_loopback();
  if (!await_ports()) say("the host's port does not appear");
  // What nearly every image needs: it is there before the disk, and saved with the rest.
  for (const char* set : kUsualSets) load_modules(set);
  say("waits for the disk");
  await_disk();
  const auto server = ::fork();
  if (server == 0) ::_exit(serve((std::string("/dev/virtio-ports/") + kToolsPort).c_str()));
  if (server < 0) say(failure("start", "the session"));
  for (pid_t ended = 0; ended != server;) {
    ended = ::wait(nullptr);
    if (ended < 0 && errno != EINTR) break;
  }
  ::sync();
  ::reboot(RB_POWER_OFF);
  for (;;) ::pause();
}

}  // namespace kiln::agent
