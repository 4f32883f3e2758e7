#include "disk/inspect/mount_plan.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>

#include "disk/inspect/fstab.h"
#include "disk/inspect/os_release.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

/// The subvolume that `device` names on the btrfs of `container`, if it does: both a partition's
/// and a logical volume's name, and a subvolume's, may hold slashes, so only a known container
/// tells.
std::optional<std::string> subvolume_on(std::string_view device, std::string_view container) {
  if (!starts_with(device, kBtrfsVolume)) return std::nullopt;
  device.remove_prefix(kBtrfsVolume.size());
  if (!starts_with(device, container)) return std::nullopt;
  device.remove_prefix(container.size());
  if (device.empty() || device.front() != '/') return std::nullopt;
  while (!device.empty() && device.front() == '/') device.remove_prefix(1);
  return std::string(device);
}

/// Undoes `\x20` in names under /dev/disk/by-*.
std::string unescape_udev(std::string_view name) {
  std::string text;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name.substr(i, 2) == "\\x" && i + 3 < name.size() &&
        std::isxdigit(static_cast<unsigned char>(name[i + 2])) != 0 &&
        std::isxdigit(static_cast<unsigned char>(name[i + 3])) != 0) {
      text += static_cast<char>(std::stoi(std::string(name.substr(i + 2, 2)), nullptr, 16));
      i += 3;
    } else {
      text += name[i];
    }
  }
  return text;
}

/// `vg-lv` of /dev/mapper as `/dev/vg/lv`; device-mapper doubles a dash that belongs to a name.
std::string logical_volume(std::string_view mapper_name) {
  std::string path = "/dev/";
  bool split_seen = false;
  for (std::size_t i = 0; i < mapper_name.size(); ++i) {
    if (mapper_name[i] != '-') {
      path += mapper_name[i];
    } else if (i + 1 < mapper_name.size() && mapper_name[i + 1] == '-') {
      path += '-';
      ++i;
    } else if (!split_seen) {
      path += '/';
      split_seen = true;
    } else {
      return {};
    }
  }
  return split_seen ? path : std::string();
}

/// `/dev/sdaN` for the Nth partition of a first disk under whatever driver; empty otherwise.
std::string first_disk_partition(std::string_view device) {
  for (const std::string_view disk :
       {"/dev/sda", "/dev/vda", "/dev/xvda", "/dev/hda", "/dev/nvme0n1p", "/dev/mmcblk0p"}) {
    if (!starts_with(device, disk)) continue;
    const auto number = device.substr(disk.size());
    const bool digits = !number.empty() && std::all_of(number.begin(), number.end(), [](char c) {
      return std::isdigit(static_cast<unsigned char>(c)) != 0;
    });
    if (digits) return "/dev/sda" + std::string(number);
  }
  return {};
}

struct Reference {
  std::string FileSystem::*field;
  std::string value;
};

std::string unquoted(std::string_view text) {
  if (text.size() >= 2 && text.front() == text.back() &&
      (text.front() == '"' || text.front() == '\'')) {
    text = text.substr(1, text.size() - 2);
  }
  return std::string(text);
}

/// What in a FileSystem an fstab spec refers to; nothing where it names no block device.
std::optional<Reference> reference_of(const std::string& spec) {
  struct Prefix {
    std::string_view tag;
    std::string_view link;
    std::string FileSystem::*field;
  };
  static constexpr std::array<Prefix, 4> kPrefixes = {
      {{"UUID=", "/dev/disk/by-uuid/", &FileSystem::uuid},
       {"LABEL=", "/dev/disk/by-label/", &FileSystem::label},
       {"PARTUUID=", "/dev/disk/by-partuuid/", &FileSystem::part_uuid},
       {"PARTLABEL=", "/dev/disk/by-partlabel/", &FileSystem::part_label}}};
  for (const auto& prefix : kPrefixes) {
    if (starts_with(spec, prefix.tag)) {
      return Reference{prefix.field, unquoted(spec.substr(prefix.tag.size()))};
    }
    if (starts_with(spec, prefix.link)) {
      return Reference{prefix.field, unescape_udev(spec.substr(prefix.link.size()))};
    }
  }
  constexpr std::string_view kMapper = "/dev/mapper/";
  if (starts_with(spec, kMapper)) {
    return Reference{&FileSystem::device, logical_volume(spec.substr(kMapper.size()))};
  }
  if (!starts_with(spec, "/dev/")) return std::nullopt;
  const auto partition = first_disk_partition(spec);
  return Reference{&FileSystem::device, partition.empty() ? spec : partition};
}

/// The file system that an fstab line mounts, or null where this disk has none such.
const FileSystem* resolve(const FstabEntry& entry, const std::vector<FileSystem>& file_systems) {
  const auto reference = reference_of(entry.spec);
  if (!reference || reference->value.empty()) return nullptr;
  const auto found = std::find_if(file_systems.begin(), file_systems.end(), [&](const auto& each) {
    // UUIDs are hexadecimal and written in either case; labels and names are exact.
    const auto& value = each.*reference->field;
    const bool hexadecimal =
        reference->field == &FileSystem::uuid || reference->field == &FileSystem::part_uuid;
    const bool same =
        hexadecimal ? equal_ignoring_case(value, reference->value) : value == reference->value;
    return same && !starts_with(each.device, kBtrfsVolume);
  });
  if (found == file_systems.end()) return nullptr;
  auto subvolume = entry.option_value("subvol");
  while (!subvolume.empty() && subvolume.front() == '/') subvolume.erase(0, 1);
  if (subvolume.empty()) return &*found;
  const auto volume = std::find_if(file_systems.begin(), file_systems.end(), [&](const auto& each) {
    return subvolume_on(each.device, found->device) == subvolume;
  });
  return volume == file_systems.end() ? nullptr : &*volume;
}

bool is_type(const std::vector<FileSystem>& file_systems, std::string_view type) {
  return std::any_of(file_systems.begin(), file_systems.end(), [&](const auto& each) {
    return equal_ignoring_case(each.type, type);
  });
}

std::string list_devices(const std::vector<FileSystem>& file_systems) {
  std::vector<std::string> found;
  found.reserve(file_systems.size());
  for (const auto& each : file_systems) {
    found.push_back(fmt::format("{} ({})", each.device, each.type.empty() ? "unknown" : each.type));
  }
  return found.empty() ? "nothing" : fmt::format("{}", fmt::join(found, ", "));
}

Error no_root(const std::vector<FileSystem>& file_systems) {
  if (is_type(file_systems, "crypto_LUKS")) {
    return fail(ErrorKind::kUnsupported,
                "Inspect:Encrypted",
                "the disk is encrypted with LUKS and no root is readable without its key")
        .cure("decrypt the image first; Azure encrypts disks on its own side");
  }
  if (is_type(file_systems, "BitLocker")) {
    return fail(
               ErrorKind::kUnsupported, "Inspect:Encrypted", "the disk is encrypted with BitLocker")
        .cure("turn BitLocker off in the guest, wait until it has decrypted, then shut it down");
  }
  if (is_type(file_systems, "ntfs")) {
    return fail(ErrorKind::kUnsupported,
                "Inspect:WindowsRoot",
                "the disk holds no Linux root, but NTFS: it looks like Windows")
        .cure("use a Linux image; this version cannot customize Windows");
  }
  return fail(ErrorKind::kCorruptImage,
              "Inspect:NoRoot",
              "no file system of this disk holds an os-release file, so there is no root; found {}",
              list_devices(file_systems))
      .cure("check that the image is a system disk with an installed Linux");
}

/// Whether the candidate's own fstab says that it is the root.
bool claims_root(const RootCandidate& candidate, const std::vector<FileSystem>& file_systems) {
  for (const auto& entry : parse_fstab(candidate.fstab)) {
    if (entry.mount_point != "/") continue;
    const auto* file_system = resolve(entry, file_systems);
    return file_system != nullptr && file_system->device == candidate.device;
  }
  return false;
}

/// One candidate is the root. Among several (snapshots, a second installation) it is the one whose
/// own fstab mounts it at `/`, or, where all are on one btrfs, the default subvolume.
Result<const RootCandidate*> choose_root(const std::vector<FileSystem>& file_systems,
                                         const std::vector<RootCandidate>& candidates) {
  if (candidates.empty()) return no_root(file_systems);
  if (candidates.size() == 1) return &candidates.front();
  std::vector<const RootCandidate*> claiming;
  std::vector<std::string> names;
  for (const auto& candidate : candidates) {
    if (claims_root(candidate, file_systems)) claiming.push_back(&candidate);
    names.push_back(candidate.device);
  }
  if (claiming.size() == 1) return claiming.front();
  // The default subvolume is listed under the device's own name.
  const auto& first = candidates.front().device;
  const bool others_inside =
      std::all_of(candidates.begin() + 1, candidates.end(), [&](const auto& each) {
        return subvolume_on(each.device, first).has_value();
      });
  if (claiming.empty() && others_inside) return &candidates.front();
  return fail(ErrorKind::kUnsupported,
              "Inspect:SeveralRoots",
              "the disk holds several systems: {}",
              fmt::join(names, ", "))
      .cure("leave one system on the disk, or make /etc/fstab of exactly one name itself as /");
}

/// Folders that packages write to: a step that ran without them would change the wrong files.
bool is_system_folder(std::string_view mount_point) {
  constexpr std::array<std::string_view, 8> kSystemFolders = {
      "/boot", "/usr", "/var", "/etc", "/home", "/opt", "/root", "/srv"};
  return std::any_of(kSystemFolders.begin(), kSystemFolders.end(), [&](std::string_view folder) {
    return mount_point == folder || starts_with(mount_point, std::string(folder) + "/");
  });
}

/// Lines that name no file system of a disk, or that the guest itself does not mount at boot.
bool is_passed_over(const FstabEntry& entry) {
  const bool on_demand = entry.has_option("x-systemd.automount");
  return entry.type == "swap" || entry.mount_point == "/" ||
         starts_with(entry.mount_point, "/proc") || starts_with(entry.mount_point, "/sys") ||
         starts_with(entry.mount_point, "/dev") || entry.mount_point.front() != '/' ||
         entry.has_option("bind") || entry.has_option("rbind") ||
         (entry.has_option("noauto") && !on_demand) || !reference_of(entry.spec);
}

std::string clean_mount_point(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

bool leaves_root(const std::string& mount_point) {
  const auto parts = split(mount_point, '/');
  return std::find(parts.begin(), parts.end(), "..") != parts.end();
}

Error missing_device(const FstabEntry& entry, const std::vector<FileSystem>& file_systems) {
  return fail(ErrorKind::kUnsupported,
              "Inspect:MissingDevice",
              "/etc/fstab mounts {} on {}, but this disk has no such file system; it has {}",
              entry.spec,
              entry.mount_point,
              list_devices(file_systems))
      .at(fmt::format("/etc/fstab:{}", entry.line))
      .cure("put everything that the system needs on one disk, or add `nofail` to that line");
}

Result<void> add_mounts(const std::string& fstab,
                        const std::vector<FileSystem>& file_systems,
                        MountPlan& plan) {
  for (auto& entry : parse_fstab(fstab)) {
    if (is_passed_over(entry)) continue;
    entry.mount_point = clean_mount_point(entry.mount_point);
    const auto* file_system = resolve(entry, file_systems);
    const bool taken = std::any_of(plan.mounts.begin(), plan.mounts.end(), [&](const auto& mount) {
      return mount.mount_point == entry.mount_point;
    });
    if (taken || leaves_root(entry.mount_point)) {
      plan.warnings.push_back(fmt::format("/etc/fstab:{}: {} is ignored",
                                          entry.line,
                                          taken ? "a second mount on one folder" : "`..`"));
    } else if (file_system != nullptr) {
      plan.mounts.push_back({file_system->device, entry.mount_point, file_system->type});
    } else if (is_system_folder(entry.mount_point) && !entry.has_option("nofail")) {
      return missing_device(entry, file_systems);
    } else if (!entry.has_option("nofail")) {
      plan.warnings.push_back(
          fmt::format("/etc/fstab:{}: {} for {} is not on this disk, so it is "
                      "not mounted",
                      entry.line,
                      entry.spec,
                      entry.mount_point));
    }
  }
  // A folder sorts before what is inside of it, and the root before all.
  std::stable_sort(plan.mounts.begin(), plan.mounts.end(), [](const auto& a, const auto& b) {
    const auto depth = [](const std::string& path) {
      return path == "/" ? 0 : std::count(path.begin(), path.end(), '/');
    };
    return depth(a.mount_point) < depth(b.mount_point);
  });
  return {};
}

}  // namespace

bool can_hold_root(const FileSystem& file_system) {
  constexpr std::array<std::string_view, 8> kRootTypes = {
      "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs", "reiserfs"};
  return std::find(kRootTypes.begin(), kRootTypes.end(), file_system.type) != kRootTypes.end();
}

Result<MountPlan> plan_mounts(const std::vector<FileSystem>& file_systems,
                              const std::vector<RootCandidate>& candidates) {
  if (is_type(file_systems, "swsuspend")) {
    return fail(ErrorKind::kUnsupported,
                "Inspect:Hibernated",
                "the guest is hibernated, so its file systems are in the middle of being used")
        .cure("resume the guest and shut it down, then take the image again");
  }
  KILN_TRY_ASSIGN(const auto* root, choose_root(file_systems, candidates));
  MountPlan plan;
  const auto root_system =
      std::find_if(file_systems.begin(), file_systems.end(), [&](const auto& each) {
        return each.device == root->device;
      });
  plan.mounts.push_back(
      {root->device, "/", root_system == file_systems.end() ? std::string() : root_system->type});
  const auto os_release = parse_os_release(root->os_release);
  const auto value = [&](const char* name, const char* otherwise) {
    const auto found = os_release.find(name);
    return found == os_release.end() ? std::string(otherwise) : found->second;
  };
  plan.os_id = value("ID", "linux");
  plan.pretty_name = value("PRETTY_NAME", "Linux");
  KILN_TRY(add_mounts(root->fstab, file_systems, plan));
  return plan;
}

}  // namespace kiln
