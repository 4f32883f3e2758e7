#pragma once

#include <filesystem>
#include <optional>
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
  /// @param virtual_size bytes, at least the base's; the base's where absent
  static Result<WorkDisk> create(ProcessRunner& runner,
                                 const ImageInfo& base,
                                 const std::filesystem::path& overlay,
                                 const CancelToken& cancel,
                                 std::optional<std::uint64_t> virtual_size = std::nullopt);
  /// Another overlay, over this one, which is then read and never written.
  /// @param overlay created in the folder of this one's, so that both can be moved together
  Result<WorkDisk> create_over(ProcessRunner& runner,
                               const std::filesystem::path& overlay,
                               const CancelToken& cancel) const;

  /// A disk that was made by the two above.
  /// @param overlays the uppermost first, all in one folder
  /// @param virtual_size the overlays'; the base's where absent
  static WorkDisk reopen(const ImageInfo& base,
                         const std::vector<std::filesystem::path>& overlays,
                         std::optional<std::uint64_t> virtual_size = std::nullopt);

  [[nodiscard]] const std::filesystem::path& overlay() const { return files_.front(); }
  [[nodiscard]] std::uint64_t virtual_size() const { return virtual_size_; }
  /// Bytes of the base, where the disk is larger and what is on it does not use the rest yet.
  [[nodiscard]] const std::optional<std::uint64_t>& unfilled_from() const { return unfilled_from_; }
  void set_filled() { unfilled_from_.reset(); }
  /// The overlay and, explicitly, everything below it as a qemu block node.
  [[nodiscard]] std::string node(bool read_only) const;
  /// The node's files, from the overlay down to the base.
  [[nodiscard]] const std::vector<std::filesystem::path>& files() const { return files_; }

 private:
  WorkDisk(std::vector<std::filesystem::path> files,
           std::uint64_t virtual_size,
           std::string backing_node,
           std::optional<std::uint64_t> unfilled_from = std::nullopt)
      : files_(std::move(files)),
        virtual_size_(virtual_size),
        backing_node_(std::move(backing_node)),
        unfilled_from_(unfilled_from) {}
  std::vector<std::filesystem::path> files_;
  std::uint64_t virtual_size_;
  std::string backing_node_;
  std::optional<std::uint64_t> unfilled_from_;
};

}  // namespace kiln
