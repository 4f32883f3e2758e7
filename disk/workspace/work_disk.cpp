#include "disk/workspace/work_disk.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "disk/image/probe.h"
#include "engine/core/json.h"
#include "engine/core/unique_fd.h"

namespace kiln {
namespace {

constexpr std::string_view kJsonPrefix = "json:";

/// qemu-img would overwrite silently.
Result<std::filesystem::path> claim(const std::filesystem::path& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  const UniqueFd file(::open(absolute.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
  if (file) return absolute;
  return fail(ErrorKind::kIo,
              "Disk:CreateOverlay",
              "cannot create the work disk {}: {}",
              absolute.string(),
              strerror(errno));
}

/// @param backing as it stands in the overlay's header, with its format beside it
Result<std::filesystem::path> create_overlay(ProcessRunner& runner,
                                             const std::filesystem::path& overlay,
                                             const std::string& backing,
                                             std::string_view backing_format,
                                             std::uint64_t virtual_size,
                                             const CancelToken& cancel) {
  KILN_TRY_ASSIGN(auto absolute, claim(overlay));
  Command command;
  command.argv = {"qemu-img",
                  "create",
                  "-q",
                  "-f",
                  "qcow2",
                  "-F",
                  std::string(backing_format),
                  "-b",
                  backing,
                  "-o",
                  "compat=1.1,lazy_refcounts=off",
                  absolute.string(),
                  std::to_string(virtual_size)};
  auto created = run_checked(runner, command, cancel);
  if (!created) {
    ::unlink(absolute.c_str());
    return std::move(created).error().while_doing(
        fmt::format("creating the work disk {}", absolute.string()));
  }
  return absolute;
}

}  // namespace

Result<WorkDisk> WorkDisk::create(ProcessRunner& runner,
                                  const ImageInfo& base,
                                  const std::filesystem::path& overlay,
                                  const CancelToken& cancel,
                                  std::optional<std::uint64_t> virtual_size) {
  const auto size = virtual_size.value_or(base.virtual_size);
  KILN_CHECK(size >= base.virtual_size);
  auto base_node = qemu_node(base, true);
  // The qcow2 format's own limit for the name of a backing file.
  constexpr std::size_t kLongestBackingName = 1023;
  if (base_node.size() > kLongestBackingName) {
    return fail(ErrorKind::kUnsupported,
                "Disk:PathTooLong",
                "the path of the image is too long for a qcow2 overlay: {}",
                base.path.string())
        .cure("move the image to a folder with a shorter path");
  }
  KILN_TRY_ASSIGN(
      auto file,
      create_overlay(runner, overlay, base_node, qemu_driver(base.format), size, cancel));
  const auto unfilled_from =
      size > base.virtual_size ? std::optional(base.virtual_size) : std::nullopt;
  return WorkDisk({std::move(file), base.path}, size, std::move(base_node), unfilled_from);
}

Result<WorkDisk> WorkDisk::create_over(ProcessRunner& runner,
                                       const std::filesystem::path& overlay_file,
                                       const CancelToken& cancel) const {
  KILN_CHECK(overlay_file.parent_path() == overlay().parent_path());
  // A plain name is taken relative to the folder of the overlay that it stands in.
  KILN_TRY_ASSIGN(
      auto file,
      create_overlay(
          runner, overlay_file, overlay().filename().string(), "qcow2", virtual_size_, cancel));
  auto files = files_;
  files.insert(files.begin(), std::move(file));
  return WorkDisk(std::move(files), virtual_size_, node(/*read_only=*/true));
}

WorkDisk WorkDisk::reopen(const ImageInfo& base,
                          const std::vector<std::filesystem::path>& overlays,
                          std::optional<std::uint64_t> virtual_size) {
  KILN_CHECK(!overlays.empty());
  const auto size = virtual_size.value_or(base.virtual_size);
  WorkDisk disk({overlays.back(), base.path}, size, qemu_node(base, true));
  for (auto overlay = std::next(overlays.rbegin()); overlay != overlays.rend(); ++overlay) {
    auto files = disk.files_;
    files.insert(files.begin(), *overlay);
    disk = WorkDisk(std::move(files), size, disk.node(/*read_only=*/true));
  }
  return disk;
}

std::string WorkDisk::node(bool read_only) const {
  nlohmann::json node = {
      {"driver", "qcow2"},
      {"file", {{"driver", "file"}, {"filename", overlay().string()}}},
      {"backing", nlohmann::json::parse(backing_node_.substr(kJsonPrefix.size()))},
      {"read-only", read_only},
      {"auto-read-only", false},
  };
  if (!read_only) node["discard"] = "unmap";
  return std::string(kJsonPrefix) + dump_json(node);
}

}  // namespace kiln
