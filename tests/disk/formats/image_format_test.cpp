#include "disk/formats/image_format.h"

#include <random>

#include "disk/formats/crc32c.h"
#include "disk/formats/vhd_footer.h"
#include "engine/core/file.h"
#include "tests/support/matchers.h"
#include "tests/support/vhdx_pieces.h"

namespace kiln {
namespace {

using test::FailsWith;

/// A seed of the fuzzers: the smallest valid image of its kind.
std::vector<std::byte> seed(const std::string& name) {
  const auto text = read_file(std::string(KILN_SOURCE_DIR "/fixtures/corpora/") + name);
  KILN_CHECK(text.has_value());
  const auto bytes = std::as_bytes(std::span(*text));
  return {bytes.begin(), bytes.end()};
}

Result<IdentifiedImage> identify(Bytes bytes) {
  return identify_image(HeaderReader::of_bytes(bytes, "test.img"));
}

struct Patch {
  std::size_t at;
  std::vector<int> bytes;
};

struct Case {
  std::string what;
  std::string seed;
  std::vector<Patch> patches;
  std::string code;  ///< empty where the image stays good
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.seed << ": " << c.what;
}

class HeaderCaseTest : public testing::TestWithParam<Case> {};

TEST_P(HeaderCaseTest, IsJudgedByItsCode) {
  const auto& c = GetParam();
  auto bytes = seed(c.seed);
  for (const auto& patch : c.patches) {
    for (std::size_t i = 0; i < patch.bytes.size(); ++i) {
      ASSERT_LT(patch.at + i, bytes.size());
      bytes[patch.at + i] = static_cast<std::byte>(patch.bytes[i]);
    }
  }
  if (c.seed.starts_with("vhdx")) bytes = test::vhdx_from_pieces(bytes);
  const auto found = identify(bytes);
  if (c.code.empty()) {
    EXPECT_OK(found);
  } else {
    ASSERT_THAT(found, FailsWith(c.code));
    EXPECT_THAT(found.error().where(), testing::HasSubstr("test.img"));
  }
}

constexpr int kFF = 0xFF;

INSTANTIATE_TEST_SUITE_P(
    Qcow2,
    HeaderCaseTest,
    testing::Values(
        Case{"valid", "qcow2_header/version2", {}, ""},
        Case{"valid", "qcow2_header/version3", {}, ""},
        Case{"version 1", "qcow2_header/version2", {{4, {0, 0, 0, 1}}}, "Disk:UnsupportedQcow2"},
        Case{"backing file",
             "qcow2_header/version2",
             {{8, {0, 0, 0, 0, 0, 0, 1, 0}}},
             "Disk:BackingFile"},
        Case{"backing file",
             "qcow2_header/version3",
             {{8, {0, 0, 0, 0, 0, 0, 1, 0}}},
             "Disk:BackingFile"},
        Case{"tiny cluster", "qcow2_header/version3", {{20, {0, 0, 0, 8}}}, "Disk:CorruptQcow2"},
        Case{"huge cluster", "qcow2_header/version3", {{20, {0, 0, 0, 22}}}, "Disk:CorruptQcow2"},
        Case{"size 0",
             "qcow2_header/version3",
             {{24, {0, 0, 0, 0, 0, 0, 0, 0}}},
             "Disk:ImpossibleSize"},
        Case{"size of odd bytes", "qcow2_header/version3", {{31, {1}}}, "Disk:ImpossibleSize"},
        Case{"size past 64 TiB",
             "qcow2_header/version3",
             {{24, {0, 0, 0x40, 0, 0, 0, 2, 0}}},
             "Disk:ImpossibleSize"},
        Case{"size past the L1 table", "qcow2_header/version3", {{29, {1}}}, "Disk:CorruptQcow2"},
        Case{"AES", "qcow2_header/version2", {{32, {0, 0, 0, 1}}}, "Disk:Encrypted"},
        Case{"LUKS", "qcow2_header/version3", {{32, {0, 0, 0, 2}}}, "Disk:Encrypted"},
        Case{"huge L1", "qcow2_header/version3", {{36, {kFF, kFF, kFF, kFF}}}, "Disk:CorruptQcow2"},
        Case{"L1 outside", "qcow2_header/version3", {{40, {0, 1}}}, "Disk:CorruptQcow2"},
        Case{"L1 in the header", "qcow2_header/version3", {{46, {0}}}, "Disk:CorruptQcow2"},
        Case{"L1 between clusters", "qcow2_header/version3", {{47, {8}}}, "Disk:CorruptQcow2"},
        Case{"refcounts over L1", "qcow2_header/version3", {{54, {2}}}, "Disk:CorruptQcow2"},
        Case{"no refcounts", "qcow2_header/version3", {{59, {0}}}, "Disk:CorruptQcow2"},
        Case{"snapshots outside",
             "qcow2_header/version3",
             {{63, {1}}, {64, {1}}},
             "Disk:CorruptQcow2"},
        Case{"snapshots", "qcow2_header/version3", {{63, {1}}, {70, {8}}}, ""},
        Case{"dirty", "qcow2_header/version3", {{79, {1}}}, "Disk:DirtyQcow2"},
        Case{"marked corrupt", "qcow2_header/version3", {{79, {2}}}, "Disk:CorruptQcow2"},
        Case{"data file", "qcow2_header/version3", {{79, {4}}}, "Disk:ExternalDataFile"},
        Case{"unknown feature", "qcow2_header/version3", {{72, {0x80}}}, "Disk:UnsupportedQcow2"},
        Case{"compression in a short header",
             "qcow2_header/version3",
             {{79, {8}}},
             "Disk:UnsupportedQcow2"},
        Case{"odd header length", "qcow2_header/version3", {{103, {105}}}, "Disk:CorruptQcow2"},
        Case{"wide refcounts", "qcow2_header/version3", {{99, {7}}}, "Disk:CorruptQcow2"},
        Case{"data file extension",
             "qcow2_header/version3",
             {{104, {0x44, 0x41, 0x54, 0x41}}},
             "Disk:ExternalDataFile"},
        Case{"LUKS extension",
             "qcow2_header/version3",
             {{104, {0x05, 0x37, 0xbe, 0x77}}},
             "Disk:Encrypted"},
        Case{"long extension", "qcow2_header/version3", {{108, {0, 0, 2, 0}}}, "Disk:CorruptQcow2"},
        Case{"L2 outside", "qcow2_header/version3", {{513, {1}}}, "Disk:CorruptQcow2"}));

constexpr std::size_t kDynamicFooterAt = 2048 + 2 * 4608;

INSTANTIATE_TEST_SUITE_P(
    Vhd,
    HeaderCaseTest,
    testing::Values(
        Case{"valid", "vhd_header/fixed", {}, ""},
        Case{"size other than the file's",
             "vhd_header/fixed",
             {{1024 + 54, {2}}},
             "Disk:VhdSizeMismatch"},
        Case{"unknown type", "vhd_header/fixed", {{1024 + 63, {7}}}, "Disk:BadVhdFooter"},
        Case{"unknown version", "vhd_header/fixed", {{1024 + 13, {9}}}, "Disk:BadVhdFooter"},
        Case{"bad checksum", "vhd_header/fixed", {{1024 + 500, {1}}}, ""},
        Case{"contents that look like qcow2",
             "vhd_header/fixed",
             {{0, {'Q', 'F', 'I', 0xfb}}},
             "Disk:AmbiguousFormat"},
        Case{"contents that look like VHDX",
             "vhd_header/fixed",
             {{0, {'v', 'h', 'd', 'x', 'f', 'i', 'l', 'e'}}},
             "Disk:AmbiguousFormat"},
        Case{"valid", "vhd_header/dynamic", {}, ""},
        Case{"differencing", "vhd_header/differencing", {}, "Disk:DifferencingVhd"},
        Case{"differencing by its copy alone",
             "vhd_header/dynamic",
             {{63, {4}}},
             "Disk:DifferencingVhd"},
        Case{"no footer", "vhd_header/dynamic", {{kDynamicFooterAt, {'x'}}}, "Disk:TruncatedImage"},
        Case{"no copy", "vhd_header/dynamic", {{0, {'x'}}}, "Disk:BadVhdFooter"},
        Case{"footers that differ", "vhd_header/dynamic", {{54, {4}}}, "Disk:CorruptVhd"},
        Case{"size 0",
             "vhd_header/dynamic",
             {{54, {0}}, {kDynamicFooterAt + 54, {0}}},
             "Disk:ImpossibleSize"},
        Case{"bad checksum", "vhd_header/dynamic", {{500, {1}}}, "Disk:CorruptVhd"},
        Case{"header outside",
             "vhd_header/dynamic",
             {{17, {1}}, {kDynamicFooterAt + 17, {1}}},
             "Disk:TruncatedImage"},
        Case{"header over the footer",
             "vhd_header/dynamic",
             {{22, {0}}, {kDynamicFooterAt + 22, {0}}},
             "Disk:CorruptVhd"},
        Case{"no cxsparse", "vhd_header/dynamic", {{512, {'C'}}}, "Disk:CorruptVhd"},
        Case{"odd block size", "vhd_header/dynamic", {{512 + 35, {7}}}, "Disk:CorruptVhd"},
        Case{"block size 0", "vhd_header/dynamic", {{512 + 34, {0}}}, "Disk:CorruptVhd"},
        Case{"short table", "vhd_header/dynamic", {{512 + 31, {3}}}, "Disk:CorruptVhd"},
        Case{"table outside", "vhd_header/dynamic", {{512 + 17, {1}}}, "Disk:CorruptVhd"},
        Case{"table over the header", "vhd_header/dynamic", {{512 + 22, {4}}}, "Disk:CorruptVhd"},
        Case{"block outside", "vhd_header/dynamic", {{1536 + 5, {1}}}, "Disk:CorruptVhd"},
        Case{"blocks that overlap", "vhd_header/dynamic", {{1536 + 15, {12}}}, "Disk:CorruptVhd"},
        Case{"one block twice", "vhd_header/dynamic", {{1536 + 15, {4}}}, "Disk:CorruptVhd"},
        Case{"block over the table", "vhd_header/dynamic", {{1536 + 7, {2}}}, "Disk:CorruptVhd"}));

// Offsets in the compact form: header 0, regions 128, metadata table 384, items 896, BAT 960.
INSTANTIATE_TEST_SUITE_P(
    Vhdx,
    HeaderCaseTest,
    testing::Values(
        Case{"valid", "vhdx_header/pieces", {}, ""},
        Case{"no header", "vhdx_header/pieces", {{0, {'x'}}}, "Disk:CorruptVhdx"},
        Case{"unknown version", "vhdx_header/pieces", {{66, {2}}}, "Disk:UnsupportedVhdx"},
        Case{"dirty log", "vhdx_header/pieces", {{48, {1}}}, "Disk:DirtyVhdx"},
        Case{"log outside", "vhdx_header/pieces", {{77, {1}}}, "Disk:CorruptVhdx"},
        Case{"no region table", "vhdx_header/pieces", {{128, {'x'}}}, "Disk:CorruptVhdx"},
        Case{"many regions", "vhdx_header/pieces", {{128 + 10, {1}}}, "Disk:CorruptVhdx"},
        Case{"one region missing", "vhdx_header/pieces", {{128 + 8, {1}}}, "Disk:CorruptVhdx"},
        Case{"unknown required region",
             "vhdx_header/pieces",
             {{128 + 48, {1}}},
             "Disk:UnsupportedVhdx"},
        Case{
            "region outside", "vhdx_header/pieces", {{128 + 16 + 16 + 4, {1}}}, "Disk:CorruptVhdx"},
        Case{"region not at a MiB",
             "vhdx_header/pieces",
             {{128 + 16 + 16, {1}}},
             "Disk:CorruptVhdx"},
        Case{"regions that overlap",
             "vhdx_header/pieces",
             {{128 + 48 + 18, {0x20}}},
             "Disk:CorruptVhdx"},
        Case{"no metadata", "vhdx_header/pieces", {{384, {'x'}}}, "Disk:CorruptVhdx"},
        Case{"many items", "vhdx_header/pieces", {{384 + 11, {kFF}}}, "Disk:CorruptVhdx"},
        Case{"no sector size", "vhdx_header/pieces", {{384 + 10, {2}}}, "Disk:CorruptVhdx"},
        Case{"unknown required item",
             "vhdx_header/pieces",
             {{384 + 32, {1}}},
             "Disk:UnsupportedVhdx"},
        Case{"item outside", "vhdx_header/pieces", {{384 + 32 + 19, {1}}}, "Disk:CorruptVhdx"},
        Case{"item in the table", "vhdx_header/pieces", {{384 + 32 + 18, {0}}}, "Disk:CorruptVhdx"},
        Case{"parent", "vhdx_header/pieces", {{896 + 4, {2}}}, "Disk:DifferencingVhdx"},
        Case{"parent locator",
             "vhdx_header/pieces",
             {{384 + 32,
               {0x2d,
                0x5f,
                0xd3,
                0xa8,
                0x0b,
                0xb3,
                0x4d,
                0x45,
                0xab,
                0xf7,
                0xd3,
                0xd8,
                0x48,
                0x34,
                0xab,
                0x0c}}},
             "Disk:DifferencingVhdx"},
        Case{"odd block size", "vhdx_header/pieces", {{896, {1}}}, "Disk:CorruptVhdx"},
        Case{"size 0", "vhdx_header/pieces", {{896 + 10, {0}}}, "Disk:ImpossibleSize"},
        Case{"size past the table", "vhdx_header/pieces", {{896 + 13, {1}}}, "Disk:CorruptVhdx"},
        Case{
            "sectors of 4 KiB", "vhdx_header/pieces", {{896 + 17, {0x10}}}, "Disk:UnsupportedVhdx"},
        Case{"block outside", "vhdx_header/pieces", {{960 + 3, {1}}}, "Disk:CorruptVhdx"},
        Case{"block in the headers", "vhdx_header/pieces", {{960 + 2, {0}}}, "Disk:CorruptVhdx"},
        Case{"one block twice", "vhdx_header/pieces", {{960 + 18, {0x40}}}, "Disk:CorruptVhdx"},
        Case{"block of a parent", "vhdx_header/pieces", {{960, {7}}}, "Disk:DifferencingVhdx"}));

class SeedTest : public testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] static bool is_compact() { return GetParam().starts_with("vhdx"); }
  [[nodiscard]] static std::vector<std::byte> image(Bytes bytes) {
    return is_compact() ? test::vhdx_from_pieces(bytes)
                        : std::vector<std::byte>(bytes.begin(), bytes.end());
  }
};

TEST_P(SeedTest, NoTruncationIsTakenForAWholeImage) {
  const auto whole = image(seed(GetParam()));
  const auto format = identify(whole);
  ASSERT_OK(format);
  const std::size_t step = is_compact() ? 64 * kKiB : 1;
  // Behind the last structure that the headers point to, a qcow2 image may end anywhere.
  const auto needed = GetParam().starts_with("qcow2") ? std::size_t{1536} : whole.size();
  for (std::size_t length = 0; length < needed; length += step) {
    const auto found = identify(Bytes(whole).first(length));
    EXPECT_FALSE(found.has_value() && found->format == format->format)
        << "cut to " << length << " bytes";
  }
}

TEST_P(SeedTest, NoFlippedBitsCrash) {
  const auto good = seed(GetParam());
  std::mt19937_64 random(7);
  auto bytes = good;
  const int rounds = is_compact() ? 300 : 3000;
  int refused = 0;
  for (int i = 0; i < rounds; ++i) {
    const auto at = random() % good.size();
    bytes[at] ^= static_cast<std::byte>(1U << (random() % 8));
    const auto flipped = image(bytes);
    const auto found = identify(flipped);
    EXPECT_TRUE(!found || found->header.virtual_size > 0);
    refused += found ? 0 : 1;
    if (i % 8 == 7) bytes = good;
  }
  EXPECT_GT(refused, 0);
}

INSTANTIATE_TEST_SUITE_P(All,
                         SeedTest,
                         testing::Values("vhd_header/fixed",
                                         "vhd_header/dynamic",
                                         "qcow2_header/version2",
                                         "qcow2_header/version3",
                                         "vhdx_header/pieces"));

TEST(RawTest, TakesWholeSectorsOnly) {
  EXPECT_THAT(identify({}), FailsWith("Disk:UnalignedRaw"));
  const std::vector<std::byte> bytes(4096);
  EXPECT_THAT(identify(Bytes(bytes).first(511)), FailsWith("Disk:UnalignedRaw"));
  EXPECT_THAT(identify(Bytes(bytes).first(513)), FailsWith("Disk:UnalignedRaw"));
  const auto found = identify(Bytes(bytes).first(512));
  ASSERT_OK(found);
  EXPECT_EQ(found->format->format, DiskFormat::kRaw);
  EXPECT_EQ(found->header.virtual_size, 512U);
}

TEST(RawTest, RefusesOtherFormatsByName) {
  const auto with = [](std::size_t offset, std::string_view magic) {
    std::vector<std::byte> bytes(64 * kKiB);
    for (std::size_t i = 0; i < magic.size(); ++i) {
      bytes[offset + i] = static_cast<std::byte>(magic[i]);
    }
    return identify(bytes);
  };
  const auto refusal = [&](std::size_t offset, std::string_view magic) {
    const auto found = with(offset, magic);
    return found ? std::string("accepted") : found.error().code() + " " + found.error().message();
  };
  using testing::AllOf;
  using testing::HasSubstr;
  using testing::StartsWith;
  const auto names = [](std::string_view name) {
    return AllOf(StartsWith("Disk:ForeignFormat"), HasSubstr(std::string(name)));
  };
  EXPECT_THAT(refusal(0, "KDMV"), names("VMDK"));
  EXPECT_THAT(refusal(0, "# Disk DescriptorFile\n"), names("VMDK"));
  EXPECT_THAT(refusal(0x40, "\x7f\x10\xda\xbe"), names("VDI"));
  EXPECT_THAT(refusal(0, "\x1f\x8b\x08"), names("gzip"));
  EXPECT_THAT(refusal(0,
                      std::string_view("\xfd"
                                       "7zXZ\0",
                                       6)),
              names("xz"));
  EXPECT_THAT(refusal(0, "PK\x03\x04"), names("zip"));
  EXPECT_THAT(refusal(0x8001, "CD001"), names("ISO 9660"));
  EXPECT_THAT(refusal(257, "ustar"), names("tar"));
  EXPECT_THAT(refusal(0, "conectix"), StartsWith("Disk:TruncatedImage"));
}

TEST(WarningTest, NamesWhatIsOdd) {
  const auto warnings = [](Bytes bytes) {
    const auto found = identify(bytes);
    return found ? found->header.warnings : std::vector<std::string>{found.error().code()};
  };
  using testing::Contains;
  using testing::HasSubstr;
  auto fixed = seed("vhd_header/fixed");
  EXPECT_THAT(warnings(fixed), Contains(HasSubstr("not whole MiB")));
  EXPECT_THAT(warnings(fixed), testing::Not(Contains(HasSubstr("checksum"))));
  fixed[1024 + 500] = std::byte{1};
  EXPECT_THAT(warnings(fixed), Contains(HasSubstr("checksum")));
  for (std::size_t i = 0; i < 4; ++i) fixed[1024 + 28 + i] = static_cast<std::byte>("vpc "[i]);
  EXPECT_THAT(warnings(fixed), Contains(HasSubstr("geometry")));
  auto qcow2 = seed("qcow2_header/version3");
  qcow2[63] = std::byte{2};
  qcow2[70] = std::byte{8};
  EXPECT_THAT(warnings(qcow2), Contains(HasSubstr("2 internal snapshots")));
  std::vector<std::byte> whole(kMiB);
  EXPECT_THAT(warnings(whole), testing::IsEmpty());
}

TEST(Crc32cTest, IsCastagnolis) {
  // The check value of the CRC catalogue for CRC-32/ISCSI.
  EXPECT_EQ(crc32c(std::as_bytes(std::span("123456789", 9))), 0xE3069283U);
}

}  // namespace
}  // namespace kiln
