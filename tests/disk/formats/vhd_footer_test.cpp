#include "disk/formats/vhd_footer.h"

#include <random>

#include "engine/core/digest.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

using test::FailsWith;

struct GoldenGeometry {
  std::uint64_t size;
  VhdGeometry geometry;
};

class VhdGeometryTest : public testing::TestWithParam<GoldenGeometry> {};

TEST_P(VhdGeometryTest, IsTheSpecifications) {
  EXPECT_EQ(vhd_geometry(GetParam().size), GetParam().geometry) << GetParam().size;
}

// Made with qemu-img 7.2, which implements the same appendix.
INSTANTIATE_TEST_SUITE_P(Golden,
                         VhdGeometryTest,
                         testing::Values(GoldenGeometry{1 * kMiB, {30, 4, 17}},
                                         GoldenGeometry{20 * kMiB, {602, 4, 17}},
                                         GoldenGeometry{64 * kMiB, {963, 8, 17}},
                                         GoldenGeometry{127 * kMiB, {1019, 15, 17}},
                                         GoldenGeometry{1 * kGiB, {2080, 16, 63}},
                                         GoldenGeometry{8 * kGiB, {16644, 16, 63}},
                                         GoldenGeometry{30 * kGiB, {62415, 16, 63}},
                                         GoldenGeometry{32 * kGiB, {16448, 16, 255}},
                                         GoldenGeometry{127 * kGiB, {65278, 16, 255}},
                                         GoldenGeometry{128 * kGiB, {65535, 16, 255}},
                                         GoldenGeometry{4 * kTiB, {65535, 16, 255}}));

VhdFooter golden_footer() {
  VhdFooter footer;
  footer.current_size = footer.original_size = 30 * kGiB;
  footer.data_offset = ~std::uint64_t{0};
  footer.creator_application = {'w', 'i', 'n', ' '};
  footer.creator_version = 0x000A0000;
  footer.creator_host_os = {'W', 'i', '2', 'k'};
  footer.geometry = vhd_geometry(30 * kGiB);
  for (std::size_t i = 0; i < footer.unique_id.size(); ++i) {
    footer.unique_id[i] = static_cast<std::byte>(i);
  }
  return footer;
}

std::string sha256(Bytes bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.hex();
}

TEST(VhdFooterTest, SerializesTheGoldenFooter) {
  const auto bytes = serialize_vhd_footer(golden_footer());
  EXPECT_EQ(read_be<std::uint32_t>(bytes, 64), 0xffffee39U);
  // Computed by an independent implementation of the specification.
  EXPECT_EQ(sha256(bytes), "0ad53fdcc3a337c68e28d8ee3ee361bffb60c037e0f611132e5d37c3cf76090b");
}

TEST(VhdFooterTest, ParsesWhatItSerializes) {
  std::mt19937_64 random(20240601);
  for (int i = 0; i < 500; ++i) {
    VhdFooter footer = golden_footer();
    footer.current_size = random();
    footer.original_size = random();
    footer.data_offset = random();
    footer.timestamp = static_cast<std::uint32_t>(random());
    footer.creator_version = static_cast<std::uint32_t>(random());
    for (auto& c : footer.creator_application) c = static_cast<char>(random());
    for (auto& byte : footer.unique_id) byte = static_cast<std::byte>(random());
    footer.geometry = vhd_geometry(random() % (8 * kTiB));
    footer.type = static_cast<VhdType>(2 + random() % 3);
    const auto bytes = serialize_vhd_footer(footer);
    const auto parsed = parse_vhd_footer(bytes);
    ASSERT_OK(parsed);
    EXPECT_TRUE(parsed->checksum_valid);
    EXPECT_EQ(serialize_vhd_footer(*parsed), bytes);
    EXPECT_EQ(parsed->current_size, footer.current_size);
    EXPECT_EQ(parsed->unique_id, footer.unique_id);
    EXPECT_EQ(parsed->type, footer.type);
  }
}

TEST(VhdFooterTest, NotesAnyFlippedBit) {
  const auto good = serialize_vhd_footer(golden_footer());
  for (std::size_t bit = 0; bit < kVhdFooterSize * 8; ++bit) {
    auto bytes = good;
    bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    const auto parsed = parse_vhd_footer(bytes);
    EXPECT_FALSE(parsed.has_value() && parsed->checksum_valid) << "bit " << bit;
  }
}

TEST(VhdFooterTest, RefusesWhatIsNoFooter) {
  const auto good = serialize_vhd_footer(golden_footer());
  for (std::size_t length = 0; length < kVhdFooterSize; ++length) {
    EXPECT_THAT(parse_vhd_footer(Bytes(good).first(length)), FailsWith("Disk:BadVhdFooter"));
  }
  for (const std::size_t at : {0U, 12U, 60U}) {  // cookie, version, type
    auto bytes = good;
    bytes[at] ^= std::byte{0x40};
    EXPECT_THAT(parse_vhd_footer(bytes), FailsWith("Disk:BadVhdFooter")) << at;
  }
}

TEST(AzureFooterTest, ComesFromTheContentsAlone) {
  std::array<std::byte, 16> content{};
  content.fill(std::byte{0xFF});
  const auto footer = azure_fixed_footer(64 * kMiB, content);
  EXPECT_EQ(footer.current_size, 64 * kMiB);
  EXPECT_EQ(footer.type, VhdType::kFixed);
  EXPECT_EQ(footer.data_offset, ~std::uint64_t{0});
  EXPECT_EQ(std::string(footer.creator_application.data(), 4), "win ");
  EXPECT_LT(footer.timestamp, 7305U * 86400U);  // a date before 2020
  EXPECT_EQ(footer.unique_id[6], std::byte{0x8F});
  EXPECT_EQ(footer.unique_id[8], std::byte{0xBF});
  EXPECT_EQ(serialize_vhd_footer(footer),
            serialize_vhd_footer(azure_fixed_footer(64 * kMiB, content)));
  content[0] = std::byte{1};
  EXPECT_NE(footer.unique_id, azure_fixed_footer(64 * kMiB, content).unique_id);
}

}  // namespace
}  // namespace kiln
