#include "engine/sandbox/guest/domain_xml.h"

#include <initializer_list>
#include <sstream>

#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "engine/core/json.h"
#include "engine/sandbox/agent_port.h"

namespace kiln {
namespace {

/// Of a node as files and command lines of other tools want it.
constexpr std::string_view kJsonPrefix = "json:";

using Attributes = std::initializer_list<std::pair<const char*, std::string>>;

pugi::xml_node add(pugi::xml_node parent,
                   const char* name,
                   const Attributes& attributes,
                   const std::string& text = {}) {
  auto node = parent.append_child(name);
  for (const auto& [key, value] : attributes) {
    node.append_attribute(key).set_value(value.c_str());
  }
  if (!text.empty()) node.text().set(text.c_str());
  return node;
}

void add_smbios(pugi::xml_node domain) {
  // facts of Azure's machines: cloud-init's ds-identify and waagent look for exactly these.
  constexpr const char* kAssetTag = "7783-7084-3265-9085-8269-3286-77";
  auto info = add(domain, "sysinfo", {{"type", "smbios"}});
  auto system = info.append_child("system");
  add(system, "entry", {{"name", "manufacturer"}}, "Microsoft Corporation");
  add(system, "entry", {{"name", "product"}}, "Virtual Machine");
  auto chassis = info.append_child("chassis");
  add(chassis, "entry", {{"name", "manufacturer"}}, "Microsoft Corporation");
  add(chassis, "entry", {{"name", "asset"}}, kAssetTag);
}

bool is_for_windows(const DomainSpec& spec) {
  return spec.drivers == DeviceDrivers::kWindows;
}

/// Those that Microsoft's own hypervisor has shown since Windows Server 2012, and libvirt's
/// documentation names for Windows guests.
void add_enlightenments(pugi::xml_node features) {
  auto hyperv = add(features, "hyperv", {{"mode", "custom"}});
  for (const char* name : {"relaxed", "vapic", "vpindex", "runtime", "synic", "stimer", "reset"}) {
    add(hyperv, name, {{"state", "on"}});
  }
  add(hyperv, "spinlocks", {{"state", "on"}, {"retries", "8191"}});
}

/// Windows takes the clock chip's time for its own zone's, counts its ticks, and must not find a
/// HPET, which it would poll.
void add_clock(pugi::xml_node domain, const DomainSpec& spec) {
  if (!is_for_windows(spec)) {
    add(domain, "clock", {{"offset", "utc"}});
    return;
  }
  auto clock = add(domain, "clock", {{"offset", "localtime"}});
  add(clock, "timer", {{"name", "rtc"}, {"tickpolicy", "catchup"}});
  add(clock, "timer", {{"name", "pit"}, {"tickpolicy", "delay"}});
  add(clock, "timer", {{"name", "hpet"}, {"present", "no"}});
  if (spec.accelerator == Accelerator::kKvm) {
    add(clock, "timer", {{"name", "hypervclock"}, {"present", "yes"}});
  }
}

void add_system(pugi::xml_node domain, const DomainSpec& spec) {
  auto os = domain.append_child("os");
  add(os, "type", {{"arch", "x86_64"}, {"machine", "q35"}}, "hvm");
  if (spec.uefi) {
    add(os,
        "loader",
        {{"readonly", "yes"}, {"type", "pflash"}, {"secure", spec.uefi->secure ? "yes" : "no"}},
        spec.uefi->code.string());
    add(os, "nvram", {}, spec.uefi->variables.string());
  }
  if (spec.installer && !spec.installer->kernel.empty()) {
    add(os, "kernel", {}, spec.installer->kernel.string());
    add(os, "initrd", {}, spec.installer->initrd.string());
    add(os, "cmdline", {}, spec.installer->arguments);
  }
  add(os, "smbios", {{"mode", "sysinfo"}});
  auto features = domain.append_child("features");
  features.append_child("acpi");
  features.append_child("apic");
  const bool kvm = spec.accelerator == Accelerator::kKvm;
  if (is_for_windows(spec) && kvm) add_enlightenments(features);
  // Or else the system could write to the firmware's variables past the firmware.
  if (spec.uefi && spec.uefi->secure) add(features, "smm", {{"state", "on"}});
  auto cpu = add(domain, "cpu", {{"mode", kvm ? "host-passthrough" : "maximum"}});
  // What costs an emulated processor much: a fifth level of page tables, and copies byte by byte,
  // which these flags recommend to the kernel and to libc.
  std::vector<const char*> hidden;
  if (!kvm) hidden = {"la57", "erms", "fsrm"};
  if (!kvm && spec.without_cx16) hidden.push_back("cx16");
  for (const char* name : hidden) add(cpu, "feature", {{"policy", "disable"}, {"name", name}});
  add_clock(domain, spec);
  // A guest that restarts comes up again, and we are told.
  const bool ends = spec.installer && spec.installer->end_on_restart;
  add(domain, "on_poweroff", {}, "destroy");
  add(domain, "on_reboot", {}, ends ? "destroy" : "restart");
  add(domain, "on_crash", {}, "destroy");
}

void add_serial_port(pugi::xml_node devices, const char* port, const std::filesystem::path& log) {
  auto serial = add(devices, "serial", {{"type", "file"}});
  add(serial, "source", {{"path", log.string()}, {"append", "on"}});
  add(serial, "target", {{"type", "isa-serial"}, {"port", port}});
}

void add_agent_port(pugi::xml_node devices, const DomainSpec& spec) {
  const bool serial = is_for_windows(spec);
  auto port = add(devices, serial ? "serial" : "channel", {{"type", "unix"}});
  add(port, "source", {{"mode", "bind"}, {"path", spec.agent_socket.string()}});
  if (serial) {
    add(port, "target", {{"type", "isa-serial"}, {"port", "1"}});
  } else {
    add(port, "target", {{"type", "virtio"}, {"name", kAgentPortName}});
  }
}

void add_devices(pugi::xml_node domain, const DomainSpec& spec) {
  const bool windows = is_for_windows(spec);
  auto devices = domain.append_child("devices");
  add(devices, "emulator", {}, spec.emulator.string());
  add(devices, "controller", {{"type", "usb"}, {"model", "none"}});
  if (!windows) {
    add(devices, "controller", {{"type", "scsi"}, {"index", "0"}, {"model", "virtio-scsi"}});
  }
  add_serial_port(devices, "0", spec.console_log);
  if (!spec.agent_socket.empty()) add_agent_port(devices, spec);
  if (windows) {
    add(devices.append_child("video"), "model", {{"type", "vga"}});
  } else {
    auto random = add(devices, "rng", {{"model", "virtio"}});
    add(random, "backend", {{"model", "random"}}, "/dev/urandom");
  }
  add(devices, "memballoon", {{"model", "none"}});
  if (!spec.tpm_socket.empty()) {
    auto tpm = add(devices, "tpm", {{"model", "tpm-crb"}});
    auto backend = add(tpm, "backend", {{"type", "external"}});
    add(backend,
        "source",
        {{"type", "unix"}, {"mode", "connect"}, {"path", spec.tpm_socket.string()}});
  }
  if (!spec.network) return;
  auto card = add(devices, "interface", {{"type", "user"}});
  add(card, "model", {{"type", windows ? "e1000e" : "virtio"}});
}

/// The overlay is thrown away when anything goes wrong, so nothing waits for the host's disk. Its
/// base is opened as the overlay's own header says, which WorkDisk wrote: `-blockdev` refuses an
/// option that dynamic VHDs need (force_size_calc).
std::string block_device(const std::string& node) {
  const nlohmann::json cache = {{"direct", false}, {"no-flush", true}};
  auto json = nlohmann::json::parse(node.substr(kJsonPrefix.size()));
  json.erase("backing");
  json["node-name"] = kDiskNode;
  json["cache"] = cache;
  json["file"]["cache"] = cache;
  return dump_json(json);
}

/// As JSON too: qemu makes devices in the older form first, before the controllers of libvirt's.
/// q35 itself has the SATA ports `ide.0` to `ide.5`, for one drive each.
std::string disk_device(const DomainSpec& spec) {
  const bool sata = is_for_windows(spec);
  return dump_json({{"driver", sata ? "ide-hd" : "scsi-hd"},
                    {"bus", sata ? "ide.0" : "scsi0.0"},
                    {"drive", kDiskNode},
                    {"bootindex", 1}});
}

/// On SATA the drive's model is longer than SCSI's product, and serves the same.
nlohmann::json disc_device(const DomainSpec& spec, std::size_t number) {
  if (!is_for_windows(spec)) {
    return {{"driver", "scsi-cd"}, {"bus", "scsi0.0"}, {"product", drive_of_medium(number)}};
  }
  return {{"driver", "ide-cd"},
          {"bus", fmt::format("ide.{}", number)},
          {"model", drive_of_medium(number)}};
}

std::vector<std::string> disc_arguments(const DomainSpec& spec, std::size_t number) {
  const auto& medium = spec.media[number - 1];
  const auto node = fmt::format("medium-{}", number);
  auto device = disc_device(spec, number);
  device["drive"] = node;
  return {
      "-blockdev",
      dump_json(
          {{"driver", "raw"},
           {"node-name", node},
           {"read-only", true},
           {"file", {{"driver", "file"}, {"filename", medium.iso.string()}, {"read-only", true}}}}),
      "-device",
      dump_json(device)};
}

/// @param unit counts the drives; SATA's ports are those of q35 itself
pugi::xml_node add_drive(pugi::xml_node devices,
                         const char* kind,
                         const char* bus,
                         const std::filesystem::path& file,
                         std::size_t unit) {
  auto drive = add(devices, "disk", {{"type", "file"}, {"device", kind}});
  add(drive, "source", {{"file", file.string()}});
  const auto name = std::string("sd") + static_cast<char>('a' + unit);
  add(drive, "target", {{"dev", name}, {"bus", bus}});
  add(drive, "boot", {{"order", std::to_string(unit + 1)}});
  return drive;
}

/// An empty disk starts nothing, so the firmware takes the first CD, and after a restart the disk.
void add_installer(pugi::xml_node devices, const InstallerDevices& installer) {
  add_serial_port(devices, "1", installer.log_port);
  // What has no word for a serial console wants to draw.
  if (installer.kernel.empty()) add(devices.append_child("video"), "model", {{"type", "vga"}});
  std::size_t unit = 0;
  auto disk =
      add_drive(devices, "disk", installer.sata_disk ? "sata" : "scsi", installer.disk, unit++);
  // Thrown away when anything goes wrong, so nothing waits for the host's disk.
  add(disk, "driver", {{"name", "qemu"}, {"type", "qcow2"}, {"cache", "unsafe"}});
  for (const auto& cd : installer.cds) {
    auto drive = add_drive(devices, "cdrom", "sata", cd, unit++);
    add(drive, "driver", {{"name", "qemu"}, {"type", "raw"}});
    drive.append_child("readonly");
  }
}

void add_command_line(pugi::xml_node domain, const DomainSpec& spec) {
  auto line = domain.append_child("qemu:commandline");
  if (!spec.installer) {
    for (const auto& text : {std::string("-blockdev"),
                             block_device(spec.disk_node),
                             std::string("-device"),
                             disk_device(spec)}) {
      add(line, "qemu:arg", {{"value", text}});
    }
  }
  for (std::size_t i = 0; i < spec.media.size(); ++i) {
    for (const auto& text : disc_arguments(spec, i + 1)) {
      add(line, "qemu:arg", {{"value", text}});
    }
  }
  if (spec.incoming) {
    for (const char* text : {"-incoming", "defer"}) add(line, "qemu:arg", {{"value", text}});
  }
  if (spec.owner > 0) {
    add(line, "qemu:env", {{"name", "KILN_OWNER"}, {"value", std::to_string(spec.owner)}});
  }
}

/// libvirt asks qemu for some 400 properties of the processor, one after the other, which takes
/// half a second; of a qemu that cannot list what its processor lacks, it asks two. Nothing here
/// needs the answers.
void spare_questions(pugi::xml_node domain) {
  add(domain.append_child("qemu:capabilities"),
      "qemu:del",
      {{"capability", "cpu-unavailable-features"}});
}

}  // namespace

bool runs_without_cx16(std::string_view os_id) {
  return os_id == "debian" || os_id == "ubuntu";
}

std::string domain_xml(const DomainSpec& spec) {
  pugi::xml_document document;
  auto domain = add(document,
                    "domain",
                    {{"type", spec.accelerator == Accelerator::kKvm ? "kvm" : "qemu"},
                     {"xmlns:qemu", "http://libvirt.org/schemas/domain/qemu/1.0"}});
  add(domain, "name", {}, spec.name);
  add(domain, "memory", {{"unit", "MiB"}}, std::to_string(spec.memory_mib));
  add(domain, "vcpu", {}, std::to_string(spec.vcpus));
  add_smbios(domain);
  add_system(domain, spec);
  add_devices(domain, spec);
  if (spec.installer) add_installer(domain.child("devices"), *spec.installer);
  add_command_line(domain, spec);
  spare_questions(domain);
  std::ostringstream text;
  document.save(text, "  ", pugi::format_indent | pugi::format_no_declaration);
  return text.str();
}

}  // namespace kiln
