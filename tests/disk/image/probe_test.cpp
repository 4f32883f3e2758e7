#include "disk/image/probe.h"

#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>

#include "disk/formats/crc32c.h"
#include "disk/formats/vhd_footer.h"
#include "engine/core/json.h"
#include "tests/disk/support/qemu_tools.h"

namespace kiln {
namespace {

using test::FailsWith;

class ProbeTest : public test::QemuTest {
 protected:
  /// What qemu makes of our node.
  std::uint64_t size_for_qemu(const ImageInfo& info) {
    const auto text = run({"qemu-img", "info", "--output=json", qemu_node(info, true)});
    const auto value = nlohmann::json::parse(text, nullptr, false);
    return value.is_object() ? value.value("virtual-size", std::uint64_t{0}) : 0;
  }
};

struct Made {
  std::string format;
  std::string options;
  std::string size;
  DiskFormat expected;
};

void PrintTo(const Made& made, std::ostream* out) {
  *out << made.format << " " << made.options << " " << made.size;
}

class ProbeMadeTest : public ProbeTest, public testing::WithParamInterface<Made> {};

TEST_P(ProbeMadeTest, AgreesWithQemu) {
  const auto& made = GetParam();
  const auto image = create("disk image", made.format, made.options, made.size);
  const auto info = probe_image(image);
  ASSERT_OK(info);
  EXPECT_EQ(info->format, made.expected);
  const auto unit = made.size.back() == 'M' ? kMiB : kGiB;
  EXPECT_EQ(info->virtual_size, std::stoull(made.size) * unit);
  EXPECT_EQ(info->file_size, std::filesystem::file_size(image));
  EXPECT_LE(info->allocated_size, 64 * kMiB);
  EXPECT_THAT(info->warnings, testing::IsEmpty());
  EXPECT_EQ(size_for_qemu(*info), info->virtual_size);
}

const std::string kForced = "force_size=on,subformat=";

INSTANTIATE_TEST_SUITE_P(
    Real,
    ProbeMadeTest,
    testing::Values(
        Made{"raw", "", "1M", DiskFormat::kRaw},
        Made{"raw", "", "4096G", DiskFormat::kRaw},
        Made{"qcow2", "", "1M", DiskFormat::kQcow2},
        Made{"qcow2", "", "4096G", DiskFormat::kQcow2},
        Made{"qcow2", "compat=0.10", "8G", DiskFormat::kQcow2},
        Made{"qcow2", "cluster_size=512", "1G", DiskFormat::kQcow2},
        Made{"qcow2", "cluster_size=2M,compression_type=zstd", "127M", DiskFormat::kQcow2},
        Made{"qcow2", "extended_l2=on,cluster_size=128k", "8G", DiskFormat::kQcow2},
        Made{"qcow2", "preallocation=metadata", "8G", DiskFormat::kQcow2},
        Made{"qcow2", "refcount_bits=1,lazy_refcounts=off", "8G", DiskFormat::kQcow2},
        Made{"vhdx", "", "4M", DiskFormat::kVhdx},
        Made{"vhdx", "block_size=1M", "127M", DiskFormat::kVhdx},
        Made{"vhdx", "", "4096G", DiskFormat::kVhdx},
        Made{"vhdx", "subformat=fixed", "8M", DiskFormat::kVhdx},
        Made{"vpc", kForced + "dynamic", "1M", DiskFormat::kDynamicVhd},
        Made{"vpc", kForced + "dynamic", "127M", DiskFormat::kDynamicVhd},
        Made{"vpc", kForced + "dynamic", "2040G", DiskFormat::kDynamicVhd},
        Made{"vpc", kForced + "fixed", "1M", DiskFormat::kFixedVhd},
        Made{"vpc", kForced + "fixed", "127M", DiskFormat::kFixedVhd},
        Made{"vpc", kForced + "fixed", "2040G", DiskFormat::kFixedVhd}));

TEST_F(ProbeTest, TakesAzuresDynamicVhdByItsSizeField) {
  // An export of Azure: creator `wa\0\0`, for which qemu 7.2 by itself believes the geometry.
  const auto image = create("azure.vhd", "vpc", kForced + "dynamic", "30M");
  const auto text = read_file(image);
  ASSERT_OK(text);
  for (const std::uint64_t at : {std::uint64_t{0}, text->size() - kVhdFooterSize}) {
    auto footer = parse_vhd_footer(std::as_bytes(std::span(*text)).subspan(at, kVhdFooterSize));
    ASSERT_OK(footer);
    footer->creator_application = {'w', 'a', '\0', '\0'};
    footer->geometry = vhd_geometry(30 * kMiB);
    const auto bytes = serialize_vhd_footer(*footer);
    patch(image, at, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  const auto info = probe_image(image);
  ASSERT_OK(info);
  EXPECT_EQ(info->virtual_size, 30 * kMiB);
  EXPECT_EQ(size_for_qemu(*info), 30 * kMiB);
}

TEST_F(ProbeTest, WarnsOfVhdsRoundedUpByQemu) {
  const auto image = create("chs.vhd", "vpc", "subformat=fixed", "1G");
  const auto info = probe_image(image);
  ASSERT_OK(info);
  EXPECT_EQ(info->virtual_size, 1073995776U);
  EXPECT_THAT(info->warnings, testing::ElementsAre(testing::HasSubstr("not whole MiB")));
}

TEST_F(ProbeTest, NodesCarryAnyFileName) {
  for (const std::string name : {"plain.vhd",
                                 "with space.vhd",
                                 "json:{\"driver\":\"raw\"}.vhd",
                                 "nbd:localhost:1.vhd",
                                 "comma,opt=on.vhd",
                                 "quote\"back\\slash.vhd",
                                 "new\nline\ttab.vhd",
                                 "\xc3\xbcml\xc3\xa4ut \xe2\x82\xac.vhd"}) {
    SCOPED_TRACE(name);
    std::filesystem::rename(create("x", "vpc", kForced + "fixed", "1M"), path(name));
    const auto info = probe_image(path(name));
    ASSERT_OK(info);
    EXPECT_EQ(size_for_qemu(*info), kMiB);
  }
  const auto odd = path("latin1-\xfc.img");
  std::filesystem::rename(create("x", "raw", "", "1M"), odd);
  EXPECT_THAT(probe_image(odd), FailsWith("Disk:PathNotUtf8"));
}

TEST_F(ProbeTest, NodesAreExplicit) {
  const auto qcow2 = probe_image(create("a.qcow2", "qcow2", "", "1M"));
  ASSERT_OK(qcow2);
  const auto parse = [](const std::string& node) {
    EXPECT_TRUE(node.starts_with("json:"));
    return nlohmann::json::parse(node.substr(5));
  };
  auto node = parse(qemu_node(*qcow2, true));
  EXPECT_EQ(node["driver"], "qcow2");
  EXPECT_TRUE(node.contains("backing") && node["backing"].is_null());
  EXPECT_EQ(node["file"]["driver"], "file");
  EXPECT_EQ(node["read-only"], true);
  EXPECT_EQ(parse(qemu_node(*qcow2, false))["read-only"], false);
  const auto fixed = probe_image(create("a.vhd", "vpc", kForced + "fixed", "1M"));
  ASSERT_OK(fixed);
  node = parse(qemu_node(*fixed, true));
  EXPECT_EQ(node["driver"], "raw");
  EXPECT_EQ(node["offset"], 0);
  EXPECT_EQ(node["size"], kMiB);
  EXPECT_EQ(qemu_driver(DiskFormat::kFixedVhd), "raw");
  EXPECT_EQ(qemu_driver(DiskFormat::kDynamicVhd), "vpc");
  EXPECT_EQ(to_string(DiskFormat::kFixedVhd), "vhd-fixed");
}

TEST_F(ProbeTest, RefusesReferencesToOtherFiles) {
  const auto secret = create("secret", "raw", "", "1M");
  create("backing.qcow2", "qcow2", "backing_file=" + secret.string() + ",backing_fmt=raw", "1M");
  EXPECT_THAT(probe_image(path("backing.qcow2")), FailsWith("Disk:BackingFile"));
  create("data.qcow2", "qcow2", "data_file=" + path("data.raw").string(), "1M");
  EXPECT_THAT(probe_image(path("data.qcow2")), FailsWith("Disk:ExternalDataFile"));
  run({"qemu-img",
       "create",
       "-q",
       "-f",
       "qcow2",
       "--object",
       "secret,id=key,data=x",
       "-o",
       "encrypt.format=aes,encrypt.key-secret=key",
       path("encrypted.qcow2").string(),
       "1M"});
  EXPECT_THAT(probe_image(path("encrypted.qcow2")), FailsWith("Disk:Encrypted"));
  // LUKS is method 2. qemu measures its own speed to make one, and fails at that on a busy host.
  patch(path("encrypted.qcow2"), 32, std::string("\0\0\0\x02", 4));
  EXPECT_THAT(probe_image(path("encrypted.qcow2")), FailsWith("Disk:Encrypted"));
  EXPECT_THAT(probe_image(create("a.vmdk", "vmdk", "", "1M")), FailsWith("Disk:ForeignFormat"));
  EXPECT_THAT(probe_image(create("b.vmdk", "vmdk", "subformat=monolithicFlat", "1M")),
              FailsWith("Disk:ForeignFormat"));
  EXPECT_THAT(probe_image(create("a.vdi", "vdi", "", "1M")), FailsWith("Disk:ForeignFormat"));
  EXPECT_THAT(probe_image(create("a.qed", "qed", "", "1M")), FailsWith("Disk:ForeignFormat"));
}

TEST_F(ProbeTest, RefusesADirtyVhdx) {
  const auto image = create("dirty.vhdx", "vhdx", "", "64M");
  ASSERT_OK(probe_image(image));
  for (const std::uint64_t at : {64 * kKiB, 128 * kKiB}) {
    const auto text = read_file(image);
    ASSERT_OK(text);
    std::string header = text->substr(at, 4 * kKiB);
    header.replace(48, 16, 16, '\x42');  // the log's GUID
    const auto bytes = std::as_writable_bytes(std::span(header));
    write_le(bytes, 4, std::uint32_t{0});
    write_le(bytes, 4, crc32c(bytes));
    patch(image, at, header);
  }
  const auto refused = probe_image(image);
  ASSERT_THAT(refused, FailsWith("Disk:DirtyVhdx"));
  EXPECT_EQ(refused.error().kind(), ErrorKind::kUnsupported);
}

TEST_F(ProbeTest, TakesVhdxBlocksPastTheFirstSectorBitmap) {
  // With blocks of 1 MiB every 4097th entry of the table is a bitmap's, not a block's.
  const auto image = create("big.vhdx", "vhdx", "block_size=1M", "10G");
  io(image, "vhdx", {"write -q 0 1M", "write -q 4095M 2M", "write -q 10239M 1M"});
  EXPECT_OK(probe_image(image));
}

TEST_F(ProbeTest, ToleratesSnapshotsAndRefusesDirtyImages) {
  const auto image = create("a.qcow2", "qcow2", "", "16M");
  io(image, "qcow2", {"write -q 0 1M"});
  run({"qemu-img", "snapshot", "-c", "before", image.string()});
  const auto info = probe_image(image);
  ASSERT_OK(info);
  EXPECT_THAT(info->warnings, testing::ElementsAre(testing::HasSubstr("snapshot")));
  patch(image, 79, "\x01");
  EXPECT_THAT(probe_image(image), FailsWith("Disk:DirtyQcow2"));
}

TEST_F(ProbeTest, NoticesEveryTruncation) {
  const std::vector<std::pair<std::string, std::string>> formats = {{"vpc", kForced + "fixed"},
                                                                    {"vpc", kForced + "dynamic"},
                                                                    {"vhdx", "block_size=1M"},
                                                                    {"qcow2", ""}};
  for (const auto& [format, options] : formats) {
    const auto image = create("cut." + format, format, options, "16M");
    io(image, format, {"write -q -P 1 0 3M"});
    const auto whole = probe_image(image);
    ASSERT_OK(whole);
    // Past the L1 table a qcow2 image may be cut without its headers showing it.
    auto size = format == "qcow2" ? 256 * kKiB : whole->file_size - 512;
    for (; size > 0; size = size * 3 / 5 / 512 * 512) {
      std::filesystem::resize_file(image, size);
      const auto cut = probe_image(image);
      EXPECT_FALSE(cut.has_value() && cut->format == whole->format)
          << format << " " << options << " cut to " << size;
    }
  }
}

TEST_F(ProbeTest, TakesRegularFilesOnly) {
  EXPECT_THAT(probe_image(path("missing")), FailsWith("Disk:Open"));
  EXPECT_EQ(probe_image(path("missing")).error().kind(), ErrorKind::kNotFound);
  EXPECT_THAT(probe_image(folder_.path()), FailsWith("Disk:NotAFile"));
  EXPECT_THAT(probe_image("/dev/zero"), FailsWith("Disk:NotAFile"));
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_THAT(probe_image(path("fifo")), FailsWith("Disk:NotAFile"));
}

}  // namespace
}  // namespace kiln
