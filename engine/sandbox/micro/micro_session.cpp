#include "engine/sandbox/micro/micro_session.h"

#include <algorithm>
#include <array>
#include <map>

#include "disk/inspect/blkid.h"
#include "engine/core/bytes.h"
#include "engine/core/text.h"
#include "engine/sandbox/micro/micro_tools.h"

namespace kiln {
namespace {

constexpr const char* kDisk = "/dev/sda";
constexpr const char* kImageRoot = "/sysroot";
constexpr const char* kBootCode = "440";
// slirp's places in libguestfs's network.
constexpr const char* kAddress = "169.254.2.15";
constexpr const char* kNetmask = "255.255.0.0";
constexpr const char* kGateway = "169.254.2.2";

/// What else a partition may hold without needing libguestfs: nothing of it is ever mounted.
bool is_known(const std::string& type) {
  constexpr std::array kKnown = {
      "", "ext2", "ext3", "ext4", "xfs", "btrfs", "vfat", "swap", "crypto_LUKS", "LVM2_member"};
  return std::find(kKnown.begin(), kKnown.end(), type) != kKnown.end();
}

class MicroSession : public ImageSession {
 public:
  MicroSession(MicroVm machine, CancelToken cancel)
      : machine_(std::move(machine)), tools_(machine_.tools(), std::move(cancel)), files_(tools_) {}

  Result<void> set_up(const MicroOptions& options);

  Result<std::vector<FileSystem>> file_systems() override;
  Result<std::string> boot_code() override {
    return tools_.tool({"head", kDisk, kBootCode}, "reading the boot code");
  }
  Result<void> mount(const PlannedMount& mount, bool read_only) override;
  Result<void> unmount_all() override { return done({"unmount-all"}, "unmounting the image"); }
  Result<void> trim(const std::string& mount_point) override {
    return done({"trim", mount_point}, "trimming " + mount_point);
  }
  Result<void> write(std::string_view contents, const std::string& path, unsigned mode) override {
    return done({"write", path, fmt::format("{:o}", mode)}, "writing " + path, contents);
  }
  Result<void> make_folder(const std::string& path, unsigned mode) override {
    return done({"mkdir", path, fmt::format("{:o}", mode)}, "making the folder " + path);
  }
  Result<void> link(const std::string& target, const std::string& path) override {
    return done({"link", target, path}, "linking " + path);
  }
  Result<void> remove_all(const std::string& path) override {
    return done({"remove", path}, "removing " + path);
  }
  Result<void> copy_label(const std::string& from, const std::string& to) override {
    return done({"copy-label", from, to}, "labelling " + to);
  }
  Result<void> start_agent(const std::vector<std::string>& arguments) override;
  Result<ChangedFiles> changed_since(std::chrono::system_clock::time_point since,
                                     std::size_t limit) override;
  Result<void> begin_layer(const std::filesystem::path& overlay) override {
    return machine_.begin_layer(overlay, tools_.cancel());
  }
  FileTree& files() override { return files_; }
  Volumes* volumes() override { return nullptr; }
  Hives* hives() override { return nullptr; }
  Result<void> finish() override {
    KILN_TRY(unmount_all());
    return machine_.power_off(tools_.cancel());
  }

 private:
  Result<void> done(std::vector<std::string> arguments,
                    const std::string& doing,
                    std::string_view input = {}) {
    KILN_TRY(tools_.tool(std::move(arguments), doing, input));
    return {};
  }
  Result<std::vector<std::string>> partitions();
  Result<std::vector<FileSystem>> identify(const std::vector<std::string>& devices);
  Result<std::vector<std::string>> logical_volumes();
  Result<void> add_subvolumes(std::vector<FileSystem>& found);

  MicroVm machine_;
  MicroTools tools_;
  MicroFileTree files_;
  /// A btrfs subvolume's device and path, by its name in FileSystem.
  std::map<std::string, std::pair<std::string, std::string>> subvolumes_;
};

Result<void> MicroSession::set_up(const MicroOptions& options) {
  if (!options.discs.empty()) KILN_TRY(done({"modules", "discs"}, "loading the drives' driver"));
  if (!options.network) return {};
  KILN_TRY(done({"modules", "network"}, "loading the network card's driver"));
  return done({"network", kAddress, kNetmask, kGateway}, "setting up the network card");
}

/// The disk itself where it has none.
Result<std::vector<std::string>> MicroSession::partitions() {
  KILN_TRY_ASSIGN(const auto table, tools_.agent().get("/proc/partitions", kMiB, tools_.cancel()));
  std::vector<std::string> devices;
  for (const auto& line : split_lines(table)) {  // major minor blocks name
    const auto name = line.substr(line.rfind(' ') + 1);
    if (name.rfind("sda", 0) == 0 && name != "sda") devices.push_back("/dev/" + name);
  }
  if (devices.empty()) devices = {kDisk};
  return devices;
}

/// Asks once for all, because every program's start takes a moment.
Result<std::vector<FileSystem>> MicroSession::identify(const std::vector<std::string>& devices) {
  constexpr int kKnowsNothing = 2;  // of the last device
  std::vector<std::string> argv = {"blkid", "-p", "-o", "export"};
  argv.insert(argv.end(), devices.begin(), devices.end());
  KILN_TRY_ASSIGN(const auto text,
                  tools_.run(argv, "identifying what is on the disk", {}, {0, kKnowsNothing}));
  auto found = read_blkid_export(text);
  for (const auto& each : found) {
    if (is_known(each.type)) continue;
    return fail(ErrorKind::kUnsupported,
                "Micro:UnknownStorage",
                "{} holds {}, which the micro-appliance does not know",
                each.device,
                printable(each.type));
  }
  return found;
}

Result<std::vector<std::string>> MicroSession::logical_volumes() {
  // Without udev, which would make the names of devices.
  constexpr const char* kConfig =
      "activation { udev_sync=0 udev_rules=0 } devices { obtain_device_list_from_udev=0 } "
      "global { locking_type=1 }";
  KILN_TRY(done({"modules", "lvm"}, "loading LVM's driver"));
  KILN_TRY(tools_.run({"lvm", "vgchange", "--config", kConfig, "--sysinit", "-ay"},
                      "activating the logical volumes"));
  KILN_TRY_ASSIGN(const auto text,
                  tools_.run({"lvm",
                              "lvs",
                              "--config",
                              kConfig,
                              "--noheadings",
                              "-o",
                              "vg_name,lv_name",
                              "--separator",
                              "/"},
                             "listing the logical volumes"));
  std::vector<std::string> devices;
  for (const auto& line : split_lines(text)) {
    if (const auto name = kiln::trim(line); !name.empty()) {
      devices.push_back(fmt::format("/dev/{}", name));
    }
  }
  return devices;
}

/// Only a mounted btrfs tells its subvolumes.
Result<void> MicroSession::add_subvolumes(std::vector<FileSystem>& found) {
  const auto whole = found;
  for (const auto& each : whole) {
    if (each.type != "btrfs") continue;
    KILN_TRY(mount({each.device, "/", each.type}, true));
    const auto doing = "listing the subvolumes of " + each.device;
    KILN_TRY_ASSIGN(const auto chosen,
                    tools_.run({"btrfs", "subvolume", "get-default", kImageRoot}, doing));
    KILN_TRY_ASSIGN(const auto volumes,
                    tools_.run({"btrfs", "subvolume", "list", kImageRoot}, doing));
    KILN_TRY(unmount_all());
    // `ID 256 gen 30 top level 5 path @home`; the default is told in the same form, or as `ID 5`.
    for (const auto& line : split_lines(volumes)) {
      constexpr std::string_view kPath = " path ";
      const auto at = line.find(kPath);
      // The default subvolume goes by the device's own name.
      if (at == std::string::npos || kiln::trim(chosen) == kiln::trim(line)) continue;
      const auto path = line.substr(at + kPath.size());
      auto entry = each;
      entry.device = fmt::format("{}{}/{}", kBtrfsVolume, each.device, path);
      subvolumes_[entry.device] = {each.device, path};
      found.push_back(std::move(entry));
    }
  }
  return {};
}

Result<std::vector<FileSystem>> MicroSession::file_systems() {
  KILN_TRY_ASSIGN(const auto devices, partitions());
  KILN_TRY_ASSIGN(auto found, identify(devices));
  const bool lvm = std::any_of(
      found.begin(), found.end(), [](const auto& each) { return each.type == kLvmMember; });
  if (lvm) {
    KILN_TRY_ASSIGN(const auto volumes, logical_volumes());
    KILN_TRY_ASSIGN(auto on_volumes, identify(volumes));
    std::move(on_volumes.begin(), on_volumes.end(), std::back_inserter(found));
  }
  KILN_TRY(add_subvolumes(found));
  return found;
}

Result<void> MicroSession::mount(const PlannedMount& mount, bool read_only) {
  // Access times would be the only change in most files that a build merely reads.
  std::string options = read_only ? "ro" : "noatime";
  auto device = mount.device;
  if (const auto volume = subvolumes_.find(device); volume != subvolumes_.end()) {
    device = volume->second.first;
    options += ",subvol=" + volume->second.second;
  }
  return done({"mount", device, mount.mount_point, mount.type, options},
              fmt::format("mounting {} on {}", mount.device, mount.mount_point));
}

Result<ChangedFiles> MicroSession::changed_since(std::chrono::system_clock::time_point since,
                                                 std::size_t limit) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since.time_since_epoch());
  KILN_TRY_ASSIGN(
      const auto items,
      tools_.tool_list({"changed", std::to_string(seconds.count()), std::to_string(limit)},
                       "looking for what was changed"));
  ChangedFiles changed;
  if (items.empty()) return changed;
  changed.more = std::strtoul(items.front().c_str(), nullptr, 10);
  for (auto item = std::next(items.begin()); item != items.end(); ++item) {
    char* rest = nullptr;
    const std::chrono::milliseconds when(std::strtoll(item->c_str(), &rest, 10));
    const auto size = std::strtoull(rest, &rest, 10);
    if (*rest != ' ') continue;  // cut off
    changed.files.push_back({rest + 1, size, std::chrono::system_clock::time_point(when)});
  }
  return changed;
}

Result<void> MicroSession::start_agent(const std::vector<std::string>& arguments) {
  // In libguestfs's appliance, too, steps find what these make in /dev.
  KILN_TRY(done({"modules", "steps"}, "loading the drivers that steps may use"));
  std::vector<std::string> argv = {"/init", "--root", kImageRoot};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  KILN_TRY(tools_.run(argv, "starting the agent"));
  return {};
}

}  // namespace

Result<std::unique_ptr<ImageSession>> open_micro(MicroVm machine,
                                                 const MicroOptions& options,
                                                 const CancelToken& cancel) {
  KILN_TRY(machine.give_disk(options, cancel));
  auto session = std::make_unique<MicroSession>(std::move(machine), cancel);
  KILN_TRY(session->set_up(options));
  return std::unique_ptr<ImageSession>(std::move(session));
}

}  // namespace kiln
