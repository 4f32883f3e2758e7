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

}  // namespace

Result<WorkDisk> WorkDisk::create(ProcessRunner& runner,
                                  const ImageInfo& base,
                                  const std::filesystem::path& overlay,
                                  const CancelToken& cancel) {
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
  KILN_TRY_ASSIGN(auto absolute, claim(overlay));
  Command command;
  command.argv = {"qemu-img",
                  "create",
                  "-q",
                  "-f",
                  "qcow2",
                  "-F",
                  std::string(qemu_driver(base.format)),
                  "-b",
                  base_node,
                  "-o",
                  "compat=1.1,lazy_refcounts=off",
                  absolute.string(),
                  std::to_string(base.virtual_size)};
  auto created = run_checked(runner, command, cancel);
  if (!created) {
    ::unlink(absolute.c_str());
    return std::move(created).error().while_doing(
        fmt::format("creating the work disk {}", absolute.string()));
  }
  return WorkDisk(std::move(absolute), base.path, base.virtual_size, std::move(base_node));
}

std::string WorkDisk::node(bool read_only) const {
  nlohmann::json node = {
      {"driver", "qcow2"},
      {"file", {{"driver", "file"}, {"filename", overlay_.string()}}},
      {"backing", nlohmann::json::parse(base_node_.substr(kJsonPrefix.size()))},
      {"read-only", read_only},
      {"auto-read-only", false},
  };
  if (!read_only) node["discard"] = "unmap";
  return std::string(kJsonPrefix) + dump_json(node);
}

}  // namespace kiln
