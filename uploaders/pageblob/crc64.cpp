#include "uploaders/pageblob/crc64.h"

#include <array>

#include "uploaders/auth/base64.h"

namespace kiln {
namespace {

constexpr std::uint64_t kPolynomial = 0x9A6C9329AC4BC9B5;  // reflected
constexpr std::size_t kSlices = 8;
using Table = std::array<std::uint64_t, 256>;

/// Slicing-by-8: table k holds the effect of a byte that is followed by k zero bytes.
constexpr std::array<Table, kSlices> make_tables() {
  std::array<Table, kSlices> tables{};
  for (std::uint64_t byte = 0; byte < 256; ++byte) {
    std::uint64_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const auto crc = tables[slice - 1][byte];
      tables[slice][byte] = (crc >> 8U) ^ tables[0][crc & 0xFFU];
    }
  }
  return tables;
}

constexpr auto kTables = make_tables();

}  // namespace

std::uint64_t crc64(Bytes data, std::uint64_t previous) {
  std::uint64_t crc = ~previous;
  while (data.size() >= kSlices) {
    crc ^= read_le<std::uint64_t>(data, 0);
    std::uint64_t next = 0;
    for (std::size_t i = 0; i < kSlices; ++i) {
      next ^= kTables[kSlices - 1 - i][(crc >> (8U * i)) & 0xFFU];
    }
    crc = next;
    data = data.subspan(kSlices);
  }
  for (const auto byte : data) {
    crc = (crc >> 8U) ^ kTables[0][(crc ^ std::to_integer<std::uint64_t>(byte)) & 0xFFU];
  }
  return ~crc;
}

std::string crc64_header(std::uint64_t crc) {
  std::array<std::byte, sizeof(crc)> bytes{};
  write_le(MutableBytes(bytes), 0, crc);
  return base64(bytes);
}

}  // namespace kiln
