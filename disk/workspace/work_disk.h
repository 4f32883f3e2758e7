#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "disk/image/image_info.h"
#include "engine/core/cancel.h"
#include "engine/core/process_runner.h"

namespace kiln {

/// A qcow2 overlay over a read-only base. The base's format, offset and size are written into the
/// overlay as an explicit block node; the base is never copied and never written.
class WorkDisk {
 public:
  /// @param overlay created; must not exist
  static Result<WorkDisk> create(ProcessRunner& runner,
                                 const ImageInfo& base,
                                 const std::filesystem::path& overlay,
                                 const CancelToken& cancel);

  [[nodiscard]] const std::filesystem::path& overlay() const { return overlay_; }
  [[nodiscard]] std::uint64_t virtual_size() const { return virtual_size_; }
  /// The overlay and, explicitly, its base as a qemu block node.
  [[nodiscard]] std::string node(bool read_only) const;
  /// The node's files: the overlay, the base.
  [[nodiscard]] std::vector<std::filesystem::path> files() const { return {overlay_, base_}; }

 private:
  WorkDisk(std::filesystem::path overlay,
           std::filesystem::path base,
           std::uint64_t virtual_size,
           std::string base_node)
      : overlay_(std::move(overlay)),
        base_(std::move(base)),
        virtual_size_(virtual_size),
        base_node_(std::move(base_node)) {}
  std::filesystem::path overlay_;
  std::filesystem::path base_;
  std::uint64_t virtual_size_;
  std::string base_node_;
};

}  // namespace kiln
