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

}  // namespace
}  // namespace kiln::test
