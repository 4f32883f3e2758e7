#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/bytes.h"
#include "engine/core/result.h"
#include "engine/core/unique_fd.h"

namespace kiln {

/// Bounded random access to an image's headers, in a file or, for fuzzing, in memory. Everything
/// it hands out is foreign bytes; errors name the image and the offset.
class HeaderReader {
 public:
  /// Takes an open file; `name` is how messages call it.
  static Result<HeaderReader> of_file(UniqueFd file, std::uint64_t size, std::string name);
  static HeaderReader of_bytes(Bytes bytes, std::string name);

  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// The first and the last bytes, for telling formats apart; shorter where the image is.
  [[nodiscard]] Bytes head() const { return head_; }
  [[nodiscard]] Bytes tail() const { return tail_; }
  [[nodiscard]] bool head_has(std::size_t offset, std::string_view magic) const;

  /// Exactly `length` bytes; kCorruptImage where the image ends before.
  /// @param what for the message: "the qcow2 header"
  [[nodiscard]] Result<std::vector<std::byte>> read(std::uint64_t offset,
                                                    std::uint64_t length,
                                                    std::string_view what) const;

  /// The image is damaged or lies about itself.
  [[nodiscard]] Error damaged(std::uint64_t offset, std::string code, std::string message) const;
  /// The image is well formed, but Kiln must not or cannot read it.
  [[nodiscard]] Error refused(std::string code, std::string message, std::string cure) const;

 private:
  HeaderReader(std::uint64_t size, std::string name) : name_(std::move(name)), size_(size) {}
  [[nodiscard]] Result<void> fill(MutableBytes buffer, std::uint64_t offset) const;
  Result<void> load_ends();

  std::string name_;
  std::uint64_t size_;
  UniqueFd file_;
  Bytes bytes_;
  std::vector<std::byte> head_;
  std::vector<std::byte> tail_;
};

/// A structure inside of an image file.
struct HeaderRegion {
  std::string_view what;  ///< "the block allocation table"
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// Every region lies inside of the file and none overlaps another.
Result<void> check_regions(const HeaderReader& reader,
                           std::string_view code,
                           std::vector<HeaderRegion> regions);

/// Not zero, whole sectors, at most 64 TiB, the largest disk that VHDX and Azure know.
Result<void> check_virtual_size(const HeaderReader& reader,
                                std::uint64_t size_bytes,
                                std::uint64_t field_offset);

}  // namespace kiln
