#include "disk/guestfs/guestfs_session.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <optional>

#include <guestfs.h>

#include "disk/guestfs/appliance_config.h"
#include "disk/guestfs/appliance_killer.h"
#include "disk/guestfs/guestfs_files.h"
#include "disk/guestfs/guestfs_hives.h"
#include "disk/guestfs/guestfs_memory.h"
#include "disk/guestfs/guestfs_volumes.h"
#include "disk/inspect/blkid.h"
#include "disk/inspect/private_folder.h"
#include "engine/core/file.h"
#include "engine/core/text.h"
#include "engine/core/unique_fd.h"

namespace kiln {
namespace {

/// Far more than a launch takes under emulation on a busy machine, first building of the appliance
/// included; less than what a person would wait for a hung one.
constexpr auto kLaunchLimit = std::chrono::minutes(5);

class ApplianceSession : public ImageSession {
 public:
  ApplianceSession(CHandle<guestfs_h, guestfs_close> handle,
                   GuestfsOptions options,
                   CancelToken cancel,
                   UniqueFd console)
      : options_(std::move(options)),
        cancel_(std::move(cancel)),
        console_(std::move(console)),
        console_file_(console_.get()),
        handle_(std::move(handle)),
        killer_(options_.port ? options_.port->socket.string() : options_.disk.string(),
                cancel_,
                std::chrono::steady_clock::now() + kLaunchLimit),
        files_(handle_.get(), killer_, explain()),
        volumes_(handle_.get(), killer_, explain()),
        hives_(handle_.get(), killer_, explain()) {}

  ApplianceSession(const ApplianceSession&) = delete;
  ApplianceSession& operator=(const ApplianceSession&) = delete;
  ~ApplianceSession() override {
    // guestfs_close would ask qemu to end and wait until it does.
    if (!finished_) killer_.kill_now();
  }

  Result<void> launch() {
    const ApplianceKiller::Call call(killer_);
    KILN_TRY(cancel_.check());
    KILN_TRY(configure_appliance(handle_.get(), options_, console_file_));
    if (guestfs_launch(handle_.get()) != 0) return launch_error();
    killer_.lift_deadline();
    if (options_.discs.empty()) return {};
    return check(guestfs_modprobe(handle_.get(), "sr_mod"), "loading the drives' driver");
  }

  Result<std::vector<FileSystem>> file_systems() override;

  Result<std::string> boot_code() override {
    const ApplianceKiller::Call call(killer_);
    constexpr int kBootCode = 440;
    std::size_t length = 0;
    const CHandle<char, std::free> code(
        guestfs_pread_device(handle_.get(), "/dev/sda", kBootCode, 0, &length));
    if (!code) return error("reading the boot code");
    return std::string(code.get(), length);
  }

  Result<void> mount(const PlannedMount& mount, bool read_only) override {
    const ApplianceKiller::Call call(killer_);
    if (mount.mount_point != "/" && !read_only) {
      KILN_TRY(check(guestfs_mkdir_p(handle_.get(), mount.mount_point.c_str()),
                     "making the mount point " + mount.mount_point));
    }
    // Access times would be the only change in most files that a build merely reads.
    return check(guestfs_mount_options(handle_.get(),
                                       read_only ? "ro" : "noatime",
                                       mount.device.c_str(),
                                       mount.mount_point.c_str()),
                 fmt::format("mounting {} on {}", mount.device, mount.mount_point));
  }

  Result<void> unmount_all() override {
    const ApplianceKiller::Call call(killer_);
    return check(guestfs_umount_all(handle_.get()), "unmounting the image");
  }

  Result<void> trim(const std::string& mount_point) override {
    const ApplianceKiller::Call call(killer_);
    return check(guestfs_fstrim(handle_.get(), mount_point.c_str(), -1), "trimming " + mount_point);
  }

  Result<void> write(std::string_view contents, const std::string& path, unsigned mode) override {
    const ApplianceKiller::Call call(killer_);
    KILN_TRY(check(guestfs_write(handle_.get(), path.c_str(), contents.data(), contents.size()),
                   "writing " + path));
    return check(guestfs_chmod(handle_.get(), static_cast<int>(mode), path.c_str()),
                 "setting the mode of " + path);
  }

  Result<void> make_folder(const std::string& path, unsigned mode) override {
    const ApplianceKiller::Call call(killer_);
    return check(guestfs_mkdir_mode(handle_.get(), path.c_str(), static_cast<int>(mode)),
                 "making the folder " + path);
  }

  Result<void> link(const std::string& target, const std::string& path) override {
    const ApplianceKiller::Call call(killer_);
    return check(guestfs_ln_s(handle_.get(), target.c_str(), path.c_str()), "linking " + path);
  }

  Result<void> remove_all(const std::string& path) override {
    const ApplianceKiller::Call call(killer_);
    return check(guestfs_rm_rf(handle_.get(), path.c_str()), "removing " + path);
  }

  Result<void> copy_label(const std::string& from, const std::string& to) override;

  Result<void> start_agent(const std::vector<std::string>& arguments) override;

  Result<ChangedFiles> changed_since(std::chrono::system_clock::time_point /*since*/,
                                     std::size_t /*limit*/) override {
    return fail(ErrorKind::kUnsupported,
                "Guestfs:Changes",
                "libguestfs's appliance does not tell what was changed");
  }
  Result<void> begin_layer(const std::filesystem::path& /*overlay*/) override {
    return fail(ErrorKind::kUnsupported,
                "Guestfs:Layer",
                "libguestfs's appliance cannot go on in another layer");
  }

  FileTree& files() override { return files_; }
  Volumes* volumes() override { return &volumes_; }
  Hives* hives() override { return &hives_; }

  Result<void> finish() override {
    const ApplianceKiller::Call call(killer_);
    // Autosync here means: unmount everything and flush the disks, with errors reported.
    KILN_TRY(check(guestfs_set_autosync(handle_.get(), 1), "configuring"));
    finished_ = true;
    return check(guestfs_shutdown(handle_.get()), "unmounting and ending the appliance");
  }

 private:
  Result<std::optional<FileSystem>> identify(const std::string& device);
  Result<void> add_subvolumes(std::vector<FileSystem>& found);

  [[nodiscard]] Result<void> check(int status, std::string doing) const {
    if (status == 0) return {};
    return error(std::move(doing));
  }

  /// The error of the call that has just failed.
  [[nodiscard]] Error error(std::string doing) const {
    if (killer_.reason() == ApplianceKiller::Reason::kCancelled || cancel_.requested()) {
      return cancelled().while_doing(std::move(doing));
    }
    return guestfs_error(handle_.get(), std::move(doing));
  }

  std::function<Error(std::string)> explain() {
    return [this](std::string doing) { return error(std::move(doing)); };
  }

  [[nodiscard]] Error launch_error() const;
  /// Runs a program, chrooted into what is mounted.
  Result<void> run(std::vector<std::string> argv);

  GuestfsOptions options_;
  CancelToken cancel_;
  UniqueFd console_;
  int console_file_;
  CHandle<guestfs_h, guestfs_close> handle_;
  ApplianceKiller killer_;
  GuestfsFiles files_;
  GuestfsVolumes volumes_;
  GuestfsHives hives_;
  bool finished_ = false;
};

Error ApplianceSession::launch_error() const {
  if (killer_.reason() == ApplianceKiller::Reason::kCancelled || cancel_.requested()) {
    return cancelled().while_doing("launching the appliance");
  }
  std::vector<std::string> console;
  constexpr std::size_t kQuotedLines = 12;
  if (const auto text = read_file(options_.console_log)) {
    console = split_lines(*text);
    if (console.size() > kQuotedLines) {
      console.erase(console.begin(), console.end() - kQuotedLines);
    }
  }
  const char* text = guestfs_last_error(handle_.get());
  const bool late = killer_.reason() == ApplianceKiller::Reason::kTooLate;
  return fail(late ? ErrorKind::kTimeout : ErrorKind::kHostNotReady,
              late ? "Guestfs:LaunchTimeout" : "Guestfs:Launch",
              "the libguestfs appliance did not start: {}",
              late              ? "it took longer than 5 minutes"
              : text != nullptr ? text
                                : "no reason given")
      .quoting(std::move(console))
      .cure("run `libguestfs-test-tool`, which shows how far the appliance comes on this host");
}

Result<void> ApplianceSession::run(std::vector<std::string> argv) {
  std::vector<char*> pointers;
  pointers.reserve(argv.size() + 1);
  for (auto& argument : argv) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const CHandle<char, std::free> output(guestfs_command(handle_.get(), pointers.data()));
  if (!output) return error("running " + argv.front());
  return {};
}

Result<void> ApplianceSession::copy_label(const std::string& from, const std::string& to) {
  const ApplianceKiller::Call call(killer_);
  constexpr const char* kLabel = "security.selinux";
  std::size_t length = 0;
  const CHandle<char, std::free> label(
      guestfs_lgetxattr(handle_.get(), from.c_str(), kLabel, &length));
  if (!label) {
    const int why = guestfs_last_errno(handle_.get());
    if (why == ENODATA || why == ENOTSUP || why == ENOENT) return {};
    return error("reading the label of " + from);
  }
  const auto size = static_cast<int>(length);
  return check(guestfs_lsetxattr(handle_.get(), kLabel, label.get(), size, to.c_str()),
               "labelling " + to);
}

Result<void> ApplianceSession::start_agent(const std::vector<std::string>& arguments) {
  const ApplianceKiller::Call call(killer_);
  const auto folder = private_folder_name();
  KILN_TRY(make_folder(folder, 0700));
  KILN_TRY(write(options_.agent, folder + "/kiln-agent", 0755));
  std::vector<std::string> argv = {folder + "/kiln-agent"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  KILN_TRY(run(std::move(argv)));
  // It runs from memory by now, so the image need not carry it any longer.
  return remove_all(folder);
}

/// A device's identity as blkid(8) finds it; nothing where it has none.
Result<std::optional<FileSystem>> ApplianceSession::identify(const std::string& device) {
  char** tags = guestfs_blkid(handle_.get(), device.c_str());
  if (tags == nullptr) return error("identifying " + device);
  return read_blkid(device, take_strings(tags));
}

/// Only a mounted btrfs tells its subvolumes.
Result<void> ApplianceSession::add_subvolumes(std::vector<FileSystem>& found) {
  const auto whole = found;
  for (const auto& each : whole) {
    if (each.type != "btrfs") continue;
    KILN_TRY(mount({each.device, "/", each.type}, true));
    const CHandle<struct guestfs_btrfssubvolume_list, guestfs_free_btrfssubvolume_list> volumes(
        guestfs_btrfs_subvolume_list(handle_.get(), each.device.c_str()));
    if (!volumes) return error("listing the subvolumes of " + each.device);
    const auto default_id = guestfs_btrfs_subvolume_get_default(handle_.get(), each.device.c_str());
    if (default_id < 0) return error("asking the default subvolume of " + each.device);
    KILN_TRY(unmount_all());
    for (std::uint32_t i = 0; i < volumes->len; ++i) {
      const auto& volume = volumes->val[i];
      // The default subvolume goes by the device's own name.
      if (volume.btrfssubvolume_id == static_cast<std::uint64_t>(default_id)) continue;
      auto entry = each;
      entry.device = fmt::format("btrfsvol:{}/{}", each.device, volume.btrfssubvolume_path);
      found.push_back(std::move(entry));
    }
  }
  return {};
}

Result<std::vector<FileSystem>> ApplianceSession::file_systems() {
  const ApplianceKiller::Call call(killer_);
  // guestfs_list_filesystems would ask blkid for the type alone, several times for each device,
  // which takes seconds under emulation; this asks once for everything.
  char** partitions = guestfs_list_partitions(handle_.get());
  if (partitions == nullptr) return error("listing the partitions");
  auto devices = take_strings(partitions);
  if (devices.empty()) devices = {"/dev/sda"};
  std::vector<FileSystem> found;
  bool lvm = false;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    KILN_TRY_ASSIGN(const auto identity, identify(devices[i]));
    if (!identity) continue;
    if (identity->type == kLvmMember && !lvm) {
      lvm = true;
      char** volumes = guestfs_lvs(handle_.get());
      if (volumes == nullptr) return error("listing the logical volumes");
      for (auto& volume : take_strings(volumes)) devices.push_back(std::move(volume));
    }
    found.push_back(*identity);
  }
  KILN_TRY(add_subvolumes(found));
  return found;
}

}  // namespace

Result<std::unique_ptr<ImageSession>> launch_guestfs(const GuestfsOptions& options,
                                                     const CancelToken& cancel) {
  UniqueFd console(::open(
      options.console_log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!console) {
    return fail(ErrorKind::kIo,
                "File:Open",
                "cannot write {}: {}",
                options.console_log.string(),
                strerror(errno));
  }
  CHandle<guestfs_h, guestfs_close> handle(guestfs_create());
  if (!handle) {
    return fail(ErrorKind::kInternal, "Guestfs:Create", "libguestfs gives no handle");
  }
  auto session =
      std::make_unique<ApplianceSession>(std::move(handle), options, cancel, std::move(console));
  KILN_TRY(session->launch());
  return std::unique_ptr<ImageSession>(std::move(session));
}

}  // namespace kiln
