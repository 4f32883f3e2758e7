#include "disk/formats/crc32c.h"

#include <array>

namespace kiln {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
  constexpr std::uint32_t kReflectedPolynomial = 0x82F63B78;
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value >> 1U) ^ ((value & 1U) != 0 ? kReflectedPolynomial : 0);
    }
    table[i] = value;
  }
  return table;
}

}  // namespace

std::uint32_t crc32c(Bytes bytes) {
  static constexpr auto kTable = make_table();
  std::uint32_t crc = ~std::uint32_t{0};
  for (const auto byte : bytes) {
    crc = kTable[(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xFFU] ^ (crc >> 8U);
  }
  return ~crc;
}

}  // namespace kiln
