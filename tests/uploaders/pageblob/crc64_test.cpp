#include "uploaders/pageblob/crc64.h"

#include <span>
#include <string_view>
#include <vector>

#include "tests/support/matchers.h"

namespace kiln::test {
namespace {

Bytes bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(Crc64Test, KnownAnswers) {
  EXPECT_EQ(crc64({}), 0U);
  // The check value of CRC-64/NVME in the catalogue of parametrised CRC algorithms.
  EXPECT_EQ(crc64(bytes("123456789")), 0xAE8B14860A799888U);
  // As the Azure SDK and Azurite compute it.
  std::vector<std::byte> counting(4096);
  for (std::size_t i = 0; i < counting.size(); ++i) counting[i] = static_cast<std::byte>(i & 255U);
  EXPECT_EQ(crc64_header(crc64(counting)), "nERQZ1+fcj4=");
  const std::vector<std::byte> zeros(512);
  EXPECT_EQ(crc64_header(crc64(zeros)), "6YKnaCgO5h0=");
  EXPECT_EQ(crc64_header(0x0807060504030201), "AQIDBAUGBwg=");
}

TEST(Crc64Test, PiecesMakeTheWhole) {
  std::vector<std::byte> data(1536);
  for (std::size_t i = 0; i < data.size(); ++i)
    data[i] = static_cast<std::byte>((i * 7 + 3) & 255U);
  const auto whole = crc64(data);
  EXPECT_EQ(crc64_header(whole), "KgPlqkRIqAo=");
  for (std::size_t cut = 0; cut < data.size(); cut += 13) {
    EXPECT_EQ(crc64(Bytes(data).subspan(cut), crc64(Bytes(data).first(cut))), whole) << cut;
  }
}

/// The definition, bit by bit.
std::uint64_t slow_crc64(Bytes data) {
  std::uint64_t crc = ~0ULL;
  for (const auto byte : data) {
    crc ^= std::to_integer<std::uint64_t>(byte);
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x9A6C9329AC4BC9B5 : 0);
  }
  return ~crc;
}

TEST(Crc64Test, EveryLengthAndAlignment) {
  std::vector<std::byte> data(400);
  for (std::size_t i = 0; i < data.size(); ++i)
    data[i] = static_cast<std::byte>((i * i * 31 + i * 7) >> 3U & 255U);
  for (std::size_t length = 0; length <= 300; ++length) {
    const auto piece = Bytes(data).subspan(length % 17, length);
    EXPECT_EQ(crc64(piece), slow_crc64(piece)) << length;
  }
}

}  // namespace
}  // namespace kiln::test
