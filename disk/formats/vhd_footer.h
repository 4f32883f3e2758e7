#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "engine/core/bytes.h"
#include "engine/core/result.h"

namespace kiln {

inline constexpr std::size_t kVhdFooterSize = 512;  ///< bytes
using VhdFooterBytes = std::array<std::byte, kVhdFooterSize>;

/// Disk type field, VHD specification "Hard Disk Footer Format".
enum class VhdType : std::uint32_t { kFixed = 2, kDynamic = 3, kDifferencing = 4 };

struct VhdGeometry {
  std::uint16_t cylinders = 0;
  std::uint8_t heads = 0;
  std::uint8_t sectors_per_track = 0;
  bool operator==(const VhdGeometry&) const = default;
};

/// The specification's appendix "CHS Calculation". Azure and Hyper-V ignore the result.
VhdGeometry vhd_geometry(std::uint64_t size_bytes);

struct VhdFooter {
  std::uint64_t current_size = 0;  ///< bytes; the only size Azure and Hyper-V look at
  std::uint64_t original_size = 0;
  std::uint64_t data_offset = 0;  ///< bytes; all ones for fixed disks
  std::uint32_t timestamp = 0;    ///< seconds since 2000-01-01T00:00:00Z
  std::array<char, 4> creator_application{};
  std::uint32_t creator_version = 0;
  std::array<char, 4> creator_host_os{};
  VhdGeometry geometry;
  VhdType type = VhdType::kFixed;
  std::array<std::byte, 16> unique_id{};
  bool checksum_valid = true;
};

/// Parses 512 bytes; kCorruptImage if the cookie, version or type is not a VHD's. A wrong checksum
/// is only noted: it does not matter for a fixed disk, and other readers let it pass.
Result<VhdFooter> parse_vhd_footer(Bytes bytes);

/// Serializes with a fresh checksum.
VhdFooterBytes serialize_vhd_footer(const VhdFooter& footer);

/// The checksum of a VHD footer or dynamic header: the complement of the sum of all other bytes.
std::uint32_t vhd_checksum(Bytes bytes, std::size_t checksum_offset);

/// The footer of an Azure-ready fixed VHD: creator `win ` (the one that every qemu and Hyper-V
/// reads by current size), UUID and time stamp taken from the content digest so that equal contents
/// give equal files.
/// @param size_bytes a multiple of 1 MiB
VhdFooter azure_fixed_footer(std::uint64_t size_bytes, const std::array<std::byte, 16>& content);

}  // namespace kiln
