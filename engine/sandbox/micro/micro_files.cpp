#include "engine/sandbox/micro/micro_files.h"

#include <array>
#include <vector>

#include "engine/agent/guest_agent.h"
#include "engine/core/digest.h"
#include "engine/core/file.h"
#include "engine/core/text.h"
#include "engine/sandbox/initramfs.h"
#include "engine/sandbox/micro/host_programs.h"
#include "engine/sandbox/micro/kernel_image.h"
#include "engine/sandbox/micro/micro_cache.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLargestFile = 128 * kMiB;

/// Modules that the kernel or Kiln asks for by one name. All but `start` are loaded when something
/// needs them, because each takes a moment under emulation.
struct ModuleSet {
  const char* name;
  std::vector<std::string> modules;
};

const std::vector<ModuleSet>& module_sets() {
  static const std::vector<ModuleSet> kSets = {
      {"start", {"virtio_pci", "virtio_scsi", "sd_mod", "virtio_console"}},
      {"network", {"virtio_net"}},
      {"discs", {"sr_mod"}},
      {"lvm", {"dm_mod"}},
      {"steps", {"loop", "fuse"}},
      // The kernel's own names for what it looks for.
      {"fs-ext2", {"ext4"}},
      {"fs-ext3", {"ext4"}},
      {"fs-ext4", {"ext4"}},
      {"fs-xfs", {"xfs"}},
      {"fs-btrfs", {"btrfs"}},
      {"fs-vfat", {"vfat"}},
      {"fs-overlay", {"overlay"}},
      {"fs-iso9660", {"isofs"}},
      {"fs-squashfs", {"squashfs"}},
      {"nls_cp437", {"nls_cp437"}},
      {"nls_ascii", {"nls_ascii"}},
      {"nls_utf8", {"nls_utf8"}},
      {"nls_iso8859-1", {"nls_iso8859-1"}},
  };
  return kSets;
}

/// blkid there must be; what the others are for is refused where they are missing.
constexpr std::array kPrograms = {"blkid", "lvm", "btrfs"};

fs::path modules_folder(const fs::path& kernel) {
  const auto name = kernel.filename().string();
  return fs::path("/lib/modules") / name.substr(name.find('-') + 1);
}

std::string initrd_key(const fs::path& kernel) {
  auto text = file_identity(kernel) + file_identity(modules_folder(kernel) / "modules.dep") +
              sha256_hex(embedded_linux_agent());
  for (const char* program : kPrograms) {
    text += file_identity(find_system_program(program));
  }
  for (const auto& set : module_sets()) {
    text += fmt::format("{} {}\n", set.name, fmt::join(set.modules, " "));
  }
  return micro_key(text);
}

/// A path in the archive has no leading slash.
std::string inside(const fs::path& path) {
  return path.lexically_normal().relative_path().string();
}

Result<void> add_modules(ProcessRunner& runner,
                         const fs::path& kernel,
                         Initramfs& initramfs,
                         const CancelToken& cancel) {
  std::vector<fs::path> added;
  for (const auto& set : module_sets()) {
    KILN_TRY_ASSIGN(const auto files, module_files(runner, kernel, set.modules, cancel));
    std::string list;
    for (const auto& file : files) {
      const auto name = file.stem().extension() == ".ko" ? file.stem() : file.filename();
      list += name.string() + "\n";
      if (std::find(added.begin(), added.end(), file) != added.end()) continue;
      added.push_back(file);
      KILN_TRY_ASSIGN(const auto contents, read_file(file, kLargestFile));
      const bool compressed = name != file.filename();
      if (compressed) {
        KILN_TRY_ASSIGN(const auto module, decompress(contents, kLargestFile));
        KILN_TRY(initramfs.add_file("modules/" + name.string(), module, 0644));
      } else {
        KILN_TRY(initramfs.add_file("modules/" + name.string(), contents, 0644));
      }
    }
    KILN_TRY(initramfs.add_file(fmt::format("modules/{}.list", set.name), list, 0644));
  }
  return {};
}

Result<void> add_programs(ProcessRunner& runner, Initramfs& initramfs, const CancelToken& cancel) {
  std::vector<fs::path> added;
  for (const char* name : kPrograms) {
    const auto program = find_system_program(name);
    if (program.empty()) continue;
    KILN_TRY_ASSIGN(const auto files, program_files(runner, program, cancel));
    for (const auto& file : files) {
      if (std::find(added.begin(), added.end(), file) != added.end()) continue;
      added.push_back(file);
      KILN_TRY_ASSIGN(const auto contents, read_file(file, kLargestFile));
      KILN_TRY(initramfs.add_file(inside(file), contents, 0755));
    }
  }
  return {};
}

Result<void> make_initrd(ProcessRunner& runner,
                         const fs::path& kernel,
                         const fs::path& path,
                         const CancelToken& cancel) {
  if (find_system_program(kPrograms.front()).empty()) {
    return fail(ErrorKind::kHostNotReady, "Micro:NoBlkid", "blkid is not installed")
        .cure("apt-get install util-linux");
  }
  Initramfs initramfs;
  KILN_TRY(initramfs.add_file("init", embedded_linux_agent(), 0755));
  KILN_TRY(initramfs.add_link("sbin/modprobe", "/init"));
  KILN_TRY(add_modules(runner, kernel, initramfs, cancel));
  KILN_TRY(add_programs(runner, initramfs, cancel));
  KILN_TRY_ASSIGN(const auto image, initramfs.finish());
  return write_file_atomic(path, image);
}

Result<void> make_kernel(const fs::path& kernel, const fs::path& path) {
  KILN_TRY_ASSIGN(const auto image, read_file(kernel, kLargestFile));
  KILN_TRY_ASSIGN(const auto vmlinux, extract_vmlinux(image, kernel.string()));
  return write_file_atomic(path, vmlinux);
}

}  // namespace

Result<MicroFiles> prepare_micro_files(ProcessRunner& runner,
                                       const fs::path& kernel,
                                       const fs::path& cache_folder,
                                       const CancelToken& cancel) {
  KILN_TRY_ASSIGN(const auto folder, micro_cache(cache_folder));
  MicroFiles files{folder / ("vmlinux-" + micro_key(file_identity(kernel))),
                   folder / ("initrd-" + initrd_key(kernel))};
  if (!renew(files.kernel)) {
    remove_unused(folder);
    KILN_TRY(make_kernel(kernel, files.kernel));
  }
  if (!renew(files.initrd)) {
    remove_unused(folder);
    KILN_TRY(make_initrd(runner, kernel, files.initrd, cancel));
  }
  return files;
}

}  // namespace kiln
