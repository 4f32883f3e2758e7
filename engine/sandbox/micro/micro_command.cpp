#include "engine/sandbox/micro/micro_command.h"

#include "engine/core/text.h"
#include "engine/sandbox/agent_port.h"
#include "engine/sandbox/host_kernel.h"

namespace kiln {
namespace {

constexpr const char* kMonitorName = "qmp.sock";
constexpr const char* kToolsPort = "org.kiln.tools";
constexpr const char* kMemory = "ram";

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

class Arguments {
 public:
  void add(std::initializer_list<std::string> more) { argv_.insert(argv_.end(), more); }
  void add_machine(const MicroOptions& options, const std::optional<FileMemory>& memory);
  void add_kernel(const MicroOptions& options, const MicroFiles& files);
  void add_devices(const MicroOptions& options, const std::filesystem::path& socket);
  std::vector<std::string> take() { return std::move(argv_); }

 private:
  void add_port(const char* id, const GuestPort& port);

  std::vector<std::string> argv_;
};

void Arguments::add_machine(const MicroOptions& options, const std::optional<FileMemory>& memory) {
  add({"qemu-system-x86_64",
       "-nodefaults",
       "-no-user-config",
       "-display",
       "none",
       "-no-reboot",
       "-sandbox",
       "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
       "-machine",
       std::string("q35,graphics=off,usb=off") +
           (memory ? std::string(",memory-backend=") + kMemory : ""),
       "-accel",
       options.emulate ? "tcg,thread=multi" : "kvm",
       "-cpu",
       options.emulate ? kEmulatedProcessor : "host",
       "-smp",
       std::to_string(options.vcpus),
       "-m",
       std::to_string(options.memory_mib)});
  if (!memory) return;
  add({"-object",
       fmt::format("memory-backend-file,id={},size={}M,share={},mem-path={}",
                   kMemory,
                   options.memory_mib,
                   memory->resume ? "off" : "on",
                   escaped(memory->file))});
  if (memory->resume) add({"-incoming", "defer"});
}

void Arguments::add_kernel(const MicroOptions& options, const MicroFiles& files) {
  add({"-kernel",
       files.kernel.string(),
       "-initrd",
       files.initrd.string(),
       "-append",
       kernel_arguments(options.emulate),
       "-chardev",
       fmt::format("file,id=console,append=on,path={}", escaped(options.console_log)),
       "-serial",
       "chardev:console"});
}

void Arguments::add_devices(const MicroOptions& options, const std::filesystem::path& socket) {
  add({"-device",
       "virtio-rng-pci",
       "-device",
       "virtio-serial-pci",
       "-chardev",
       fmt::format("socket,id=monitor,path={},server=on,wait=off", escaped(micro_monitor(socket))),
       "-mon",
       "chardev=monitor,mode=control"});
  if (options.network) {
    // As libguestfs has it, so that the agent's name server is in the same place.
    add({"-netdev",
         "user,id=net,net=169.254.0.0/16",
         "-device",
         "virtio-net-pci,netdev=net,romfile="});
  }
  // There always, with nobody behind it where no steps run, so that all are one kind of machine.
  add_port("agent", options.port.value_or(GuestPort{{}, kAgentPortName}));
  add_port("tools", {socket, kToolsPort});  // the last, by which the others are there
}

void Arguments::add_port(const char* id, const GuestPort& port) {
  add({"-chardev",
       port.socket.empty()
           ? fmt::format("null,id={}", id)
           : fmt::format("socket,id={},path={},server=on,wait=off", id, escaped(port.socket)),
       "-device",
       fmt::format("virtserialport,chardev={},name={}", id, port.name)});
}

}  // namespace

std::filesystem::path micro_monitor(const std::filesystem::path& socket) {
  return socket.parent_path() / kMonitorName;
}

Command micro_command(const MicroOptions& options,
                      const MicroFiles& files,
                      const std::filesystem::path& socket,
                      const std::optional<FileMemory>& memory) {
  Arguments arguments;
  arguments.add_machine(options, memory);
  arguments.add_kernel(options, files);
  arguments.add({"-device", "virtio-scsi-pci,id=scsi"});
  arguments.add_devices(options, socket);
  Command command;
  command.argv = arguments.take();
  return command;
}

nlohmann::json micro_disk_node(const std::filesystem::path& file, const std::string& name) {
  return {{"node-name", name},
          {"driver", "qcow2"},
          {"discard", "unmap"},
          {"cache", {{"no-flush", true}}},
          {"file", {{"driver", "file"}, {"filename", file.string()}}}};
}

nlohmann::json micro_disc_node(const std::filesystem::path& file, const std::string& name) {
  return {{"node-name", name},
          {"driver", "raw"},
          {"read-only", true},
          {"file", {{"driver", "file"}, {"filename", file.string()}}}};
}

}  // namespace kiln
