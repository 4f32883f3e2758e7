#include "engine/sandbox/keeper/vm_keeper.h"

#include <sys/stat.h>

#include "engine/core/digest.h"
#include "engine/core/file.h"
#include "engine/core/process_runner.h"

// Laid around the program by embedded_keeper.S.
extern "C" {
extern const char kiln_embedded_vm_keeper_begin[];  // NOLINT(readability-identifier-naming)
extern const char kiln_embedded_vm_keeper_end[];    // NOLINT(readability-identifier-naming)
}

namespace kiln {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEmulator = "qemu-system-x86_64";
/// Not named after Kiln: `pkill -9 kiln` must not take what ends the virtual machine then.
constexpr const char* kProgram = "vm-keeper";
constexpr std::size_t kNameLength = 16;

std::string_view embedded_keeper() {
  const auto size = kiln_embedded_vm_keeper_end - kiln_embedded_vm_keeper_begin;
  return {kiln_embedded_vm_keeper_begin, static_cast<std::size_t>(size)};
}

/// Changes with the emulator's package and with the keeper.
Result<std::string> folder_name(const fs::path& emulator) {
  struct stat info {};
  if (::stat(emulator.c_str(), &info) != 0) {
    return fail(
        ErrorKind::kHostNotReady, "Sandbox:NoEmulator", "cannot look at {}", emulator.string());
  }
  return sha256_hex(fmt::format("{}\n{}\n{}\n{}\n{}",
                                emulator.string(),
                                info.st_size,
                                info.st_mtim.tv_sec,
                                info.st_ino,
                                sha256_hex(embedded_keeper())))
      .substr(0, kNameLength);
}

}  // namespace

Result<VmKeeper> install_vm_keeper(const fs::path& cache_folder) {
  const auto emulator = find_program(kEmulator);
  if (emulator.empty()) {
    return fail(ErrorKind::kHostNotReady, "Sandbox:NoEmulator", "{} is not installed", kEmulator)
        .cure("apt-get install qemu-system-x86");
  }
  KILN_TRY_ASSIGN(const auto name, folder_name(emulator));
  std::error_code error;
  const auto folder = fs::absolute(cache_folder, error) / "emulators" / name;
  VmKeeper keeper{folder / kProgram, folder / "capabilities"};
  KILN_TRY(make_directories(keeper.capabilities));
  // A link is replaced by none: the name says where it leads.
  fs::create_symlink(emulator, folder / "qemu", error);
  const auto present = read_file(keeper.program);
  if (!present || *present != embedded_keeper()) {
    KILN_TRY_WHILE(write_file_atomic(keeper.program, embedded_keeper(), 0755),
                   "installing what ends a virtual machine with Kiln");
  }
  return keeper;
}

}  // namespace kiln
