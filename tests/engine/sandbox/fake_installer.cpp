// The init of an installer that does one thing, by its argument, in a second: what Kiln has to
// notice of real ones in hours. Static, because its initramfs holds nothing else but modules.
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

void say(const char* words) {
  [[maybe_unused]] const auto ignored = ::write(1, words, std::strlen(words));
}

void say_on_log_port(const char* words) {
  const int port = ::open("/dev/ttyS1", O_WRONLY | O_NOCTTY);
  [[maybe_unused]] const auto ignored = ::write(port, words, std::strlen(words));
  ::close(port);
}

/// By a list of names, one a line, in the order of loading.
void load_modules(const char* names) {
  std::FILE* list = std::fopen(names, "r");
  if (list == nullptr) return;
  char name[256];
  while (std::fscanf(list, "%255s", name) == 1) {
    const int module = ::open(name, O_RDONLY | O_CLOEXEC);
    ::syscall(SYS_finit_module, module, "", 0);
    ::close(module);
  }
  std::fclose(list);
}

/// Opened for as long as it may take to appear.
int open_device(const char* device, int how) {
  for (int patience = 0; patience < 100; ++patience) {
    const int opened = ::open(device, how | O_CLOEXEC);
    if (opened >= 0) return opened;
    ::usleep(100'000);
  }
  return -1;
}

/// The volume identifiers (ECMA-119, 8.4.7) of the discs in the first two drives.
void read_labels() {
  load_modules("/drives.list");
  for (const char* device : {"/dev/sr0", "/dev/sr1"}) {
    constexpr int kLength = 32;
    constexpr off_t kPlace = 16 * 2048 + 40;
    char label[kLength + 1] = "no disc";
    const int drive = open_device(device, O_RDONLY);
    [[maybe_unused]] const auto got = ::pread(drive, label, kLength, kPlace);
    char line[80];
    std::snprintf(line, sizeof line, "fake installer: %s has %s\n", device, label);
    say(line);
  }
}

/// Copies the file system that the initramfs has to the disk.
bool install() {
  const int disk = open_device("/dev/sda", O_WRONLY);
  const int source = ::open("/installed.img", O_RDONLY | O_CLOEXEC);
  if (disk < 0 || source < 0) return false;
  static char piece[1 << 20];
  for (ssize_t got = 0; (got = ::read(source, piece, sizeof piece)) > 0;) {
    if (::write(disk, piece, static_cast<std::size_t>(got)) != got) return false;
  }
  return ::fsync(disk) == 0;
}

[[noreturn]] void wait_forever() {
  while (true) ::pause();
}

/// As newt draws it: a cleared screen, a frame by the line-drawing set, and text at its place.
void draw_dialog() {
  say("\x1b[2J\x1b[37;44m\x1b[8;20H\x1b(0lqqqqqqqqqqqqqqqqqqqqqqk\x1b(B");
  say("\x1b[9;20H\x1b(0x\x1b(B Which disk is to be   \x1b(0x\x1b(B");
  say("\x1b[10;20H\x1b(0x\x1b(B erased? [sda] [sdb]   \x1b(0x\x1b(B");
  say("\x1b[11;20H\x1b(0mqqqqqqqqqqqqqqqqqqqqqqj\x1b(B\x1b[m");
}

void act(std::string_view what) {
  say("fake installer: started\n");
  if (what == "dialog" || what == "prompt") {
    if (what == "dialog") draw_dialog();
    if (what == "prompt") say("Prompt: '?' for help> ");
    wait_forever();
  }
  if (what == "stop") wait_forever();
  if (what == "spin") {
    while (true) asm volatile("");
  }
  if (what == "panic") ::_exit(1);
  if (what == "loop") {
    for (int attempt = 1;; ++attempt) {
      char line[80];
      std::snprintf(line, sizeof line, "mirror not found, attempt %d\n", attempt);
      say(line);
      ::usleep(300'000);
    }
  }
  if (what == "labels") read_labels();
  say("fake installer: step 1 of 2\n");
  const bool installed = install();
  if (what == "early") return;
  if (!installed || what == "fail" || what == "fail-with-port") {
    if (what == "fail-with-port") say_on_log_port("grub-installer: no space left on device\n");
    say("fake installer: step failed: boot loader\n");
    wait_forever();
  }
  say("fake installer: step 2 of 2\n");
  say("fake installer: done\n");
}

}  // namespace

int main(int argc, char** argv) {
  ::mkdir("/dev", 0755);
  ::mount("devtmpfs", "/dev", "devtmpfs", 0, nullptr);
  load_modules("/modules.list");
  const std::string_view what = argc > 1 ? argv[1] : "";
  act(what);
  ::sync();
  ::reboot(what == "restart" ? RB_AUTOBOOT : RB_POWER_OFF);
  wait_forever();
}
