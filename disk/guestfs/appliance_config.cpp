#include "disk/guestfs/appliance_config.h"

#include <array>
#include <cerrno>
#include <unistd.h>

namespace kiln {
namespace {

extern "C" void append_to_console(guestfs_h* /*handle*/,
                                  void* opaque,
                                  std::uint64_t /*event*/,
                                  int /*event_handle*/,
                                  int /*flags*/,
                                  const char* text,
                                  std::size_t length,
                                  const std::uint64_t* /*array*/,
                                  std::size_t /*array_length*/) {
  const int file = *static_cast<int*>(opaque);
  // A log that cannot be written is no reason to end a build.
  [[maybe_unused]] const auto written = ::write(file, text, length);
}

Result<void> check(guestfs_h* g, int status, std::string doing) {
  if (status == 0) return {};
  return guestfs_error(g, std::move(doing));
}

Result<void> add_disk(guestfs_h* g, const std::filesystem::path& disk) {
  // The disk is scratch until `finish`, and the host's page cache outlives the appliance: flushing
  // to the host's disk on every sync in the guest would only cost time, so the cache is unsafe.
  return check(g,
               guestfs_add_drive_opts(g,
                                      disk.c_str(),
                                      GUESTFS_ADD_DRIVE_OPTS_FORMAT,
                                      "qcow2",
                                      GUESTFS_ADD_DRIVE_OPTS_CACHEMODE,
                                      "unsafe",
                                      GUESTFS_ADD_DRIVE_OPTS_DISCARD,
                                      "enable",
                                      -1),
               fmt::format("adding the disk {}", disk.string()));
}

/// A comma inside of a value is doubled (qemu-options: QemuOpts).
std::string escaped(const std::filesystem::path& path) {
  std::string text;
  for (const char c : path.string()) text.append(c == ',' ? 2 : 1, c);
  return text;
}

/// Behind libguestfs's back, because it would search them for a system and gives drives no name.
Result<void> add_discs(guestfs_h* g, const GuestfsOptions& options) {
  for (std::size_t i = 0; i < options.discs.size(); ++i) {
    const auto& disc = options.discs[i];
    const auto drive =
        fmt::format("if=none,id=kilndisc{},format=raw,readonly=on,file={}", i, escaped(disc.iso));
    const auto device = fmt::format("scsi-cd,drive=kilndisc{},product={}", i, disc.drive);
    KILN_TRY(check(g, guestfs_config(g, "-drive", drive.c_str()), "adding a disc"));
    KILN_TRY(check(g, guestfs_config(g, "-device", device.c_str()), "adding a disc"));
  }
  return {};
}

Result<void> add_port(guestfs_h* g, const GuestfsOptions& options) {
  if (!options.port) return {};
  const auto& [socket, name] = *options.port;
  KILN_CHECK(socket.string().size() <= kLongestSocketPath);
  const auto chardev =
      fmt::format("socket,id=kilnport,path={},server=on,wait=off", escaped(socket));
  const auto device = fmt::format("virtserialport,chardev=kilnport,name={}", name);
  KILN_TRY(check(g, guestfs_config(g, "-chardev", chardev.c_str()), "adding a port"));
  return check(g, guestfs_config(g, "-device", device.c_str()), "adding a port");
}

}  // namespace

Result<void> configure_appliance(guestfs_h* g, const GuestfsOptions& options, int& console) {
  guestfs_set_error_handler(g, nullptr, nullptr);
  KILN_TRY(check(g, guestfs_set_backend(g, "direct"), "choosing the direct backend"));
  std::array<char*, 1> no_settings = {nullptr};
  KILN_TRY(check(g, guestfs_set_backend_settings(g, no_settings.data()), "clearing the settings"));
  if (options.emulate) {
    KILN_TRY(check(g, guestfs_set_backend_setting(g, "force_tcg", "1"), "choosing TCG"));
  }
  // Whatever LIBGUESTFS_DEBUG and LIBGUESTFS_TRACE say: a verbose boot is several times slower.
  KILN_TRY(check(g, guestfs_set_verbose(g, 0), "configuring"));
  KILN_TRY(check(g, guestfs_set_trace(g, 0), "configuring"));
  // Ctrl-C in a terminal goes to the whole foreground group; qemu is ended by us, in order.
  KILN_TRY(check(g, guestfs_set_pgroup(g, 1), "configuring"));
  // The recovery process ends qemu within seconds where we were killed.
  KILN_TRY(check(g, guestfs_set_recovery_proc(g, 1), "configuring"));
  // Going out of scope means to kill, not to wait for a guest to flush; `finish` turns it on.
  KILN_TRY(check(g, guestfs_set_autosync(g, 0), "configuring"));
  KILN_TRY(check(g, guestfs_set_network(g, options.network ? 1 : 0), "configuring"));
  KILN_TRY(
      check(g, guestfs_set_memsize(g, static_cast<int>(options.memory_mib)), "setting memory"));
  KILN_TRY(check(g, guestfs_set_smp(g, static_cast<int>(options.vcpus)), "setting CPUs"));
  if (!options.temp_folder.empty()) {
    KILN_TRY(check(g, guestfs_set_tmpdir(g, options.temp_folder.c_str()), "setting the folder"));
  }
  if (guestfs_set_event_callback(g, append_to_console, GUESTFS_EVENT_APPLIANCE, 0, &console) < 0) {
    return guestfs_error(g, "asking for the console");
  }
  KILN_TRY(add_port(g, options));
  KILN_TRY(add_discs(g, options));
  KILN_TRY(add_disk(g, options.disk));
  for (const auto& disk : options.further_disks) KILN_TRY(add_disk(g, disk));
  return {};
}

Error guestfs_error(guestfs_h* g, std::string doing) {
  const int reason = guestfs_last_errno(g);
  const char* text = guestfs_last_error(g);
  auto result = fail(reason == ENOENT ? ErrorKind::kNotFound : ErrorKind::kIo,
                     reason == ENOSPC ? "Guestfs:DiskFull" : "Guestfs:Call",
                     "{}",
                     text != nullptr ? text : "libguestfs gave no reason")
                    .while_doing(std::move(doing));
  if (reason != ENOSPC) return result;
  return std::move(result).cure("make the image larger, or free space in it");
}

}  // namespace kiln
