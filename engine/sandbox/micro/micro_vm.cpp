#include "engine/sandbox/micro/micro_vm.h"

#include <chrono>
#include <thread>

#include "engine/core/file.h"
#include "engine/core/text.h"
#include "engine/sandbox/host_kernel.h"

namespace kiln {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kSocketName = "tools.sock";
constexpr const char* kMonitorName = "qmp.sock";
constexpr const char* kDrive = "disk";
constexpr const char* kToolsPort = "org.kiln.tools";
/// It is up after four seconds under emulation; a busy host needs more.
constexpr auto kBootPatience = std::chrono::minutes(2);
constexpr auto kSocketPatience = std::chrono::seconds(30);
constexpr auto kPowerOffPatience = std::chrono::minutes(2);
constexpr auto kLookEvery = std::chrono::milliseconds(5);
constexpr std::size_t kQuotedLines = 12;

/// All that can be emulated, but for what costs much: a fifth level of page tables, and copies byte
/// by byte, which the last two recommend.
constexpr const char* kEmulatedProcessor = "max,la57=off,erms=off,fsrm=off";

/// A comma inside of a value is doubled (qemu-options: QemuOpts).
std::string escaped(const std::filesystem::path& path) {
  std::string text;
  for (const char c : path.string()) text.append(c == ',' ? 2 : 1, c);
  return text;
}

/// What takes time under emulation and serves nothing here: self tests, measuring the clock and the
/// processor, hiding the kernel's place and what one process sees of another's caches.
std::string kernel_arguments(bool emulate) {
  std::string text = "console=ttyS0 quiet panic=-1 cryptomgr.notests mitigations=off selinux=0";
  if (emulate) text += fmt::format(" nokaslr lpj=4000000 {}", kEmulatedKernelArguments);
  return text + " rdinit=/init -- --micro";
}

std::filesystem::path monitor_of(const std::filesystem::path& socket) {
  return socket.parent_path() / kMonitorName;
}

void add_port(std::vector<std::string>& argv, const char* id, const GuestPort& port) {
  argv.insert(argv.end(),
              {"-chardev",
               fmt::format("socket,id={},path={},server=on,wait=off", id, escaped(port.socket)),
               "-device",
               fmt::format("virtserialport,chardev={},name={}", id, port.name)});
}

}  // namespace

Command micro_command(const MicroOptions& options,
                      const MicroFiles& files,
                      const std::filesystem::path& socket) {
  Command command;
  auto& argv = command.argv;
  argv = {"qemu-system-x86_64",
          "-nodefaults",
          "-no-user-config",
          "-display",
          "none",
          "-no-reboot",
          "-sandbox",
          "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
          "-machine",
          "q35,graphics=off,usb=off",
          "-accel",
          options.emulate ? "tcg,thread=multi" : "kvm",
          "-cpu",
          options.emulate ? kEmulatedProcessor : "host",
          "-smp",
          std::to_string(options.vcpus),
          "-m",
          std::to_string(options.memory_mib),
          "-kernel",
          files.kernel.string(),
          "-initrd",
          files.initrd.string(),
          "-append",
          kernel_arguments(options.emulate),
          "-chardev",
          fmt::format("file,id=console,append=on,path={}", escaped(options.console_log)),
          "-serial",
          "chardev:console",
          // The disk is scratch until the machine is off, and the host's page cache outlives it.
          "-drive",
          fmt::format("if=none,id={},format=qcow2,cache=unsafe,discard=unmap,file={}",
                      kDrive,
                      escaped(options.disk)),
          "-device",
          "virtio-scsi-pci",
          "-device",
          fmt::format("scsi-hd,drive={}", kDrive),
          "-device",
          "virtio-rng-pci",
          "-device",
          "virtio-serial-pci",
          "-chardev",
          fmt::format("socket,id=monitor,path={},server=on,wait=off", escaped(monitor_of(socket))),
          "-mon",
          "chardev=monitor,mode=control"};
  if (options.network) {
    // As libguestfs has it, so that the agent's name server is in the same place.
    argv.insert(argv.end(),
                {"-netdev",
                 "user,id=net,net=169.254.0.0/16",
                 "-device",
                 "virtio-net-pci,netdev=net,romfile="});
  }
  for (std::size_t i = 0; i < options.discs.size(); ++i) {
    const auto& disc = options.discs[i];
    argv.insert(
        argv.end(),
        {"-drive",
         fmt::format("if=none,id=disc{},format=raw,readonly=on,file={}", i, escaped(disc.iso)),
         "-device",
         fmt::format("scsi-cd,drive=disc{},product={}", i, disc.drive)});
  }
  if (options.port) add_port(argv, "agent", *options.port);
  add_port(argv, "tools", {socket, kToolsPort});  // the last, by which the others are there
  return command;
}

Error MicroVm::failure(Error cause) const {
  std::vector<std::string> lines;
  if (const auto console = read_file(console_log_)) lines = split_lines(*console);
  if (qemu_) {
    for (auto& line : split_lines(qemu_->error_output())) lines.push_back(std::move(line));
  }
  if (lines.size() > kQuotedLines) lines.erase(lines.begin(), lines.end() - kQuotedLines);
  return std::move(cause).quoting(std::move(lines));
}

Result<void> MicroVm::connect(const CancelToken& cancel) {
  const auto deadline = Clock::now() + kSocketPatience;
  auto connected = port_.connect();
  while (!connected) {
    KILN_TRY(cancel.check());
    if (const auto code = qemu_->poll()) {
      return fail(ErrorKind::kHostNotReady, "Micro:Qemu", "qemu ended with exit code {}", *code);
    }
    if (Clock::now() > deadline) return std::move(connected).error();
    std::this_thread::sleep_for(kLookEvery);
    connected = port_.connect();
  }
  KILN_TRY_ASSIGN(tools_, connect_agent(*std::move(connected), kBootPatience, cancel));
  return {};
}

Result<MicroVm> MicroVm::start(ProcessRunner& runner,
                               const MicroOptions& options,
                               const MicroFiles& files,
                               const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto port, PortFolder::create(options.work_folder, kSocketName));
  MicroVm machine(options.console_log, std::move(port));
  KILN_TRY_ASSIGN(machine.qemu_,
                  runner.start(micro_command(options, files, machine.port_.socket())));
  auto connected = machine.connect(cancel);
  if (connected) return machine;
  if (connected.error().kind() == ErrorKind::kCancelled) return std::move(connected).error();
  // Whatever the reason: libguestfs may start where this does not.
  return machine.failure(fail(ErrorKind::kHostNotReady,
                              "Micro:NotStarted",
                              "the micro-appliance did not start: {}",
                              connected.error().summary())
                             .cure("build with --sandbox appliance, which is libguestfs's"));
}

Result<void> MicroVm::begin_layer(const std::filesystem::path& overlay, const CancelToken& cancel) {
  if (!monitor_) {
    KILN_TRY_ASSIGN(monitor_, Qmp::connect(monitor_of(port_.socket()), cancel));
  }
  KILN_TRY(monitor_->execute("blockdev-snapshot-sync",
                             {{"device", kDrive},
                              {"snapshot-file", overlay.string()},
                              {"format", "qcow2"},
                              {"mode", "existing"}},
                             cancel));
  return {};
}

Result<void> MicroVm::power_off(const CancelToken& cancel) {
  KILN_TRY(tools_->quit(cancel));
  const auto deadline = Clock::now() + kPowerOffPatience;
  for (;;) {
    if (const auto code = qemu_->poll()) {
      if (*code == 0) return {};
      return failure(fail(ErrorKind::kIo, "Micro:Qemu", "qemu ended with exit code {}", *code)
                         .cure("look whether the disk of the work folder is full"));
    }
    KILN_TRY(cancel.check());
    if (Clock::now() > deadline) {
      return failure(fail(
          ErrorKind::kTimeout, "Micro:PowerOff", "the micro-appliance did not switch itself off"));
    }
    std::this_thread::sleep_for(kLookEvery);
  }
}

}  // namespace kiln
