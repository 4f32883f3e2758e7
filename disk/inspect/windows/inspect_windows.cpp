#include <algorithm>
#include <array>

#include "disk/inspect/windows/hive_header.h"
#include "disk/inspect/windows/hives.h"
#include "disk/inspect/windows/ntfs_volume.h"
#include "disk/inspect/windows/registry_facts.h"
#include "disk/inspect/windows/windows_facts.h"
#include "disk/inspect/windows/windows_path.h"
#include "engine/core/text.h"

namespace kiln {
namespace {

constexpr std::string_view kConfig = "/Windows/System32/config";

/// A BCD store and the loader that reads it, as Windows lays them out.
struct Loader {
  std::string_view store;
  std::string_view program;
  bool uefi;
};
constexpr std::array<Loader, 2> kLoaders = {
    {{"/EFI/Microsoft/Boot/BCD", "/EFI/Microsoft/Boot/bootmgfw.efi", true},
     {"/Boot/BCD", "/bootmgr", false}}};

class Inspection {
 public:
  Inspection(ImageSession& session, Hives& hives) : session_(session), hives_(hives) {}

  Result<void> look_into(const FileSystem& file_system) {
    KILN_TRY(session_.mount({file_system.device, "/", file_system.type}, true));
    auto looked = look_at(file_system);
    const auto unmounted = session_.unmount_all();
    KILN_TRY(std::move(looked));
    KILN_TRY(unmounted);
    return found_ && found_->device == file_system.device ? check_log() : Result<void>();
  }

  Result<std::optional<WindowsFacts>> finish() {
    if (!found_) return std::optional<WindowsFacts>();
    found_->boot_stores = stores_;
    found_->uefi = uefi_;
    found_->bios = bios_;
    check_boot();
    check_system();
    return std::move(found_);
  }

 private:
  Result<void> look_at(const FileSystem& file_system) {
    auto& files = session_.files();
    for (const auto& loader : kLoaders) {
      KILN_TRY_ASSIGN(const auto store, windows_path(files, loader.store));
      KILN_TRY_ASSIGN(const auto program, windows_path(files, loader.program));
      if (!store || !program) continue;
      stores_.push_back(file_system.device + ":" + *store);
      (loader.uefi ? uefi_ : bios_) = true;
    }
    if (file_system.type != "ntfs") return {};
    KILN_TRY_ASSIGN(const auto config, windows_path(files, kConfig));
    if (!config) return {};
    KILN_TRY_ASSIGN(const auto system, windows_path(files, *config + "/SYSTEM"));
    KILN_TRY_ASSIGN(const auto software, windows_path(files, *config + "/SOFTWARE"));
    if (!system || !software) return {};
    if (found_) {
      return fail(ErrorKind::kUnsupported,
                  "Windows:SeveralSystems",
                  "Windows is on {} and on {}",
                  found_->device,
                  file_system.device)
          .cure("remove the one that is not to be customized from the disk");
    }
    found_ = WindowsFacts();
    found_->device = file_system.device;
    found_->root = config->substr(0, config->find('/', 1));
    KILN_TRY(check_hive(*system));
    KILN_TRY(check_hive(*software));
    KILN_TRY_WHILE(read_registry(hives_, *system, *software, *found_),
                   "reading the registry on {}",
                   file_system.device);
    KILN_TRY(check_hibernation(files));
    return check_volume();
  }

  void refuse(std::string code, std::string message, std::string where, std::string cure) {
    found_->refusals.push_back(Error(ErrorKind::kUnsupported, std::move(code), std::move(message))
                                   .at(found_->device + ":" + std::move(where))
                                   .cure(std::move(cure)));
  }

  /// What is in the logs of a dirty hive would be lost, as hivex knows nothing of them.
  Result<void> check_hive(const std::string& path) {
    KILN_TRY_ASSIGN(const auto header, hives_.head(path, kHiveHeader));
    const auto state = hive_state(header);
    if (state == HiveState::kDamaged) {
      return fail(ErrorKind::kCorruptImage,
                  "Windows:DamagedHive",
                  "a part of the registry is damaged: its header is none, or has a wrong checksum")
          .at(found_->device + ":" + path)
          .cure("take the image again, or repair the system with its installation medium");
    }
    if (state == HiveState::kDirty) {
      refuse("Windows:DirtyHive",
             "a part of the registry was not written to the end: the rest is in its logs",
             path,
             "start the image once and shut it down with `shutdown /s /t 0`");
    }
    return {};
  }

  /// NTFS has a log of its own beside the mark that check_volume looks at: a power cut leaves what
  /// is in it to be played back, which ntfs-3g cannot; it would clear the log at the first mount.
  Result<void> check_log() {
    KILN_TRY_ASSIGN(const bool clean, hives_.ntfs_log_is_clean(found_->device));
    if (clean) return {};
    refuse("Windows:UncleanLog",
           "the file system was not closed in order: its log holds what is not in it yet",
           "$LogFile",
           "start the image once and shut it down with `shutdown /s /t 0`");
    return {};
  }

  void check_boot() {
    if (found_->bios || found_->uefi) return;
    refuse("Windows:NoBootLoader",
           "Windows has no boot loader with a boot configuration on this disk",
           found_->root,
           "take the image of the whole disk, with the partition that Windows starts from");
  }

  /// What the agent is compiled for, and was written for.
  void check_system() {
    if (!found_->version.starts_with("10.")) {
      refuse("Windows:TooOld",
             fmt::format("{} ({}) is older than Windows 10 and Windows Server 2016",
                         printable(found_->product),
                         printable(found_->version)),
             found_->root,
             "use an image of Windows 10, 11, Server 2016 or later");
    }
    if (!equal_ignoring_case(found_->architecture, "AMD64")) {
      refuse("Windows:Architecture",
             fmt::format("Windows is for {}, and Kiln's agent for x64 (AMD64)",
                         found_->architecture.empty() ? "an unknown processor"
                                                      : printable(found_->architecture)),
             found_->root,
             "use an image for x64");
    }
  }

  /// The signature is that of a system which waits to be resumed; one that was resumed has another.
  Result<void> check_hibernation(FileTree& files) {
    KILN_TRY_ASSIGN(const auto path, windows_path(files, "/hiberfil.sys"));
    if (!path) return {};
    constexpr std::size_t kSignature = 4;
    KILN_TRY_ASSIGN(const auto head, hives_.head(*path, kSignature));
    if (to_lower(head) != "hibr" && to_lower(head) != "rstr") return {};
    refuse("Windows:Hibernated",
           "Windows is hibernated, or was shut down with fast start-up, and holds changes of its "
           "file systems in memory",
           *path,
           "start the image, run `powercfg /h off` in it and shut it down with `shutdown /s /t 0`");
    return {};
  }

  Result<void> check_volume() {
    KILN_TRY_ASSIGN(const auto dirty, ntfs_is_dirty(hives_, found_->device));
    if (!dirty) return {};
    refuse("Windows:DirtyFileSystem",
           "the file system is marked dirty: Windows was not shut down, or found it damaged",
           "$Volume",
           "start the image, run `chkdsk C: /f` in it, let it restart and shut it down");
    return {};
  }

  ImageSession& session_;
  Hives& hives_;
  std::optional<WindowsFacts> found_;
  std::vector<std::string> stores_;
  bool uefi_ = false;
  bool bios_ = false;
};

}  // namespace

bool may_be_windows(const FileSystem& file_system) {
  return file_system.type == "ntfs" || file_system.type == "vfat" ||
         file_system.type == "BitLocker";
}

Result<std::optional<WindowsFacts>> inspect_windows(ImageSession& session,
                                                    const std::vector<FileSystem>& file_systems) {
  for (const auto& each : file_systems) {
    if (each.type != "BitLocker") continue;
    return fail(
               ErrorKind::kUnsupported, "Windows:BitLocker", "the volume is encrypted by BitLocker")
        .at(each.device)
        .cure(
            "start the image, run `manage-bde -off C:` in it, wait until `manage-bde -status` "
            "says that it is decrypted, and shut it down");
  }
  auto* const hives = session.hives();
  if (hives == nullptr) {
    return fail(ErrorKind::kUnsupported,
                "Windows:NoHives",
                "this kind of appliance cannot read the registry of Windows");
  }
  Inspection inspection(session, *hives);
  for (const auto& each : file_systems) {
    if (may_be_windows(each)) KILN_TRY(inspection.look_into(each));
  }
  return inspection.finish();
}

Result<void> check_serviceable(const WindowsFacts& facts) {
  if (facts.refusals.empty()) return {};
  return facts.refusals.front();
}

}  // namespace kiln
