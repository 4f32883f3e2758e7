#include "engine/sandbox/guest/virt_root.h"

#include <cstdlib>

#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "engine/sandbox/agent_port.h"
#include "engine/sandbox/keeper/vm_keeper.h"

namespace kiln {

namespace {

/// Removed when the process ends.
Result<std::filesystem::path> temporary_root() {
  static auto folder = TempDir::create(short_folder());
  if (!folder) return folder.error();
  return folder->path();
}

}  // namespace

Result<std::unique_ptr<VirtRoot>> VirtRoot::open(const std::filesystem::path& work_folder,
                                                 const std::filesystem::path& cache_folder,
                                                 const std::string& uri) {
  KILN_TRY_ASSIGN(const auto keeper, install_vm_keeper(cache_folder));
  if (!uri.empty()) {
    KILN_TRY_ASSIGN(auto connection, open_virt(uri));
    return std::unique_ptr<VirtRoot>(new VirtRoot({}, std::move(connection), keeper.program));
  }
  std::error_code error;
  auto root = std::filesystem::absolute(work_folder, error) / "virt";
  if (error || root.string().size() > kLongestVirtRoot) {
    KILN_TRY_ASSIGN(root, temporary_root());
  }
  KILN_TRY_ASSIGN(auto connection, open_embedded_virt(root, keeper.capabilities));
  return std::unique_ptr<VirtRoot>(
      new VirtRoot(root / "run/qemu", std::move(connection), keeper.program));
}

std::optional<int> VirtRoot::process_of(const std::string& machine) const {
  if (process_ids_.empty()) return std::nullopt;
  const auto text = read_file(process_ids_ / (machine + ".pid"));
  const int process = text ? std::atoi(text->c_str()) : 0;
  return process > 0 ? std::optional(process) : std::nullopt;
}

}  // namespace kiln
