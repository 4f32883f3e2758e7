#include "disk/image/probe.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>

#include "disk/formats/image_format.h"
#include "engine/core/file.h"
#include "engine/core/json.h"

namespace kiln {
namespace {

/// qemu is given names as JSON, which is UTF-8.
bool is_utf8(const std::string& text) {
  return nlohmann::json::parse(dump_json(text)) == text;
}

Result<std::filesystem::path> absolute_path(const std::filesystem::path& path) {
  std::error_code error;
  auto absolute = std::filesystem::absolute(path, error);
  if (error) {
    return fail(
        ErrorKind::kIo, "Disk:Path", "cannot resolve {}: {}", path.string(), error.message());
  }
  if (!is_utf8(absolute.string())) {
    return fail(ErrorKind::kUnsupported,
                "Disk:PathNotUtf8",
                "the image's path is not valid UTF-8: {}",
                dump_json(absolute.string()))
        .cure("rename the file or its folder");
  }
  return absolute;
}

}  // namespace

Result<ImageInfo> probe_image(const std::filesystem::path& path) {
  ImageInfo info;
  KILN_TRY_ASSIGN(info.path, absolute_path(path));
  // Not blocking: a FIFO in the place of an image must not hang the build.
  UniqueFd file(::open(info.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) {
    const int reason = errno;
    return fail(reason == ENOENT ? ErrorKind::kNotFound : ErrorKind::kIo,
                "Disk:Open",
                "cannot open the image {}: {}",
                info.path.string(),
                strerror(reason));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorKind::kUnsupported,
                "Disk:NotAFile",
                "{} is not a regular file",
                info.path.string())
        .cure("name an image file; copy a device into a file first");
  }
  info.file_size = static_cast<std::uint64_t>(status.st_size);
  info.allocated_size = static_cast<std::uint64_t>(status.st_blocks) * 512;
  KILN_TRY_ASSIGN(const auto reader,
                  HeaderReader::of_file(std::move(file), info.file_size, info.path.string()));
  KILN_TRY_ASSIGN(auto identified, identify_image(reader));
  info.format = identified.format->format;
  info.virtual_size = identified.header.virtual_size;
  info.warnings = std::move(identified.header.warnings);
  return info;
}

std::string_view qemu_driver(DiskFormat format) {
  return image_format(format).driver;
}

std::string qemu_node(const ImageInfo& image, bool read_only) {
  const auto& format = image_format(image.format);
  auto node = format.options(image.virtual_size);
  node["driver"] = format.driver;
  node["file"] = {{"driver", "file"}, {"filename", image.path.string()}};
  node["read-only"] = read_only;
  // The default for images is to fall back to read-only in silence.
  node["auto-read-only"] = false;
  return "json:" + dump_json(node);
}

}  // namespace kiln
