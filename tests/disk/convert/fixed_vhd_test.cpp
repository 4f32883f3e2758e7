#include "disk/convert/fixed_vhd.h"

#include <fcntl.h>
#include <mutex>
#include <sys/resource.h>

#include "disk/convert/content_digest.h"
#include "disk/convert/write_verified.h"
#include "disk/extents/mapped_source.h"
#include "disk/formats/vhd_footer.h"
#include "disk/image/probe.h"
#include "engine/core/digest.h"
#include "engine/core/json.h"
#include "tests/disk/support/memory_source.h"
#include "tests/disk/support/qemu_tools.h"

namespace kiln {
namespace {

using test::FailsWith;
using test::MemorySource;

class FixedVhdTest : public test::QemuTest {
 protected:
  Result<FixedVhd> convert(const std::filesystem::path& image, const std::string& name) {
    KILN_TRY_ASSIGN(const auto info, probe_image(image));
    KILN_TRY_ASSIGN(
        auto source,
        open_mapped_source(*runner_, qemu_node(info, true), {info.path}, folder_.path(), {}));
    return write_fixed_vhd(*source, path(name), {}, {});
  }

  VhdFooter footer_of(const std::filesystem::path& vhd) {
    const auto file = open_read_only(vhd);
    VhdFooterBytes bytes{};
    EXPECT_OK(pread_exactly(file->get(), bytes, std::filesystem::file_size(vhd) - 512, vhd));
    return parse_vhd_footer(bytes).value();
  }

  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder_.path()), {}));
  }

  static std::vector<std::byte> pattern(std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
      if ((i >> 17U) % 3 == 0) bytes[i] = static_cast<std::byte>(i % 251);
    }
    return bytes;
  }
};

TEST_F(FixedVhdTest, EveryFormatGivesTheSameFileAndItIsQemus) {
  const auto raw = create("disk.raw", "raw", "", "64M");
  io(raw,
     "raw",
     {"write -q -P 1 0 512",
      "write -q -P 2 1000k 3M",
      "write -q -P 3 30M 64k",
      "write -q -P 4 65535k 1k"});
  const auto first = convert(raw, "raw.vhd");
  ASSERT_OK(first);
  EXPECT_EQ(first->virtual_size, 64 * kMiB);
  EXPECT_EQ(std::filesystem::file_size(path("raw.vhd")), 64 * kMiB + 512);
  EXPECT_LT(first->data_bytes, 4 * kMiB);
  const auto digest = sha256_file(path("raw.vhd"));
  ASSERT_OK(digest);

  struct Other {
    std::string format;
    std::string options;
  };
  for (const auto& [format, options] : {Other{"qcow2", "compat=1.1"},
                                        Other{"qcow2", "extended_l2=on,cluster_size=128k"},
                                        Other{"vhdx", "block_size=1M"},
                                        Other{"vpc", "subformat=dynamic,force_size=on"},
                                        Other{"vpc", "subformat=fixed,force_size=on"}}) {
    SCOPED_TRACE(format + " " + options);
    run({"qemu-img",
         "convert",
         "-f",
         "raw",
         "-O",
         format,
         "-o",
         options,
         raw.string(),
         path("other").string()});
    ASSERT_OK(convert(path("other"), "other.vhd"));
    EXPECT_EQ(sha256_file(path("other.vhd")).value(), *digest);
  }
  // What qemu-img itself makes of the same disk.
  run({"qemu-img",
       "convert",
       "-f",
       "raw",
       "-O",
       "vpc",
       "-o",
       "subformat=fixed,force_size=on",
       raw.string(),
       path("qemu.vhd").string()});
  run({"qemu-img",
       "compare",
       "-f",
       "vpc",
       "-F",
       "vpc",
       path("raw.vhd").string(),
       path("qemu.vhd").string()});
  run({"qemu-img", "compare", "-f", "raw", "-F", "vpc", raw.string(), path("raw.vhd").string()});
  const auto info = nlohmann::json::parse(
      run({"qemu-img", "info", "-f", "vpc", "--output=json", path("raw.vhd").string()}));
  EXPECT_EQ(info["virtual-size"], 64 * kMiB);
  const auto probed = probe_image(path("raw.vhd"));
  ASSERT_OK(probed);
  EXPECT_EQ(probed->format, DiskFormat::kFixedVhd);
  EXPECT_EQ(probed->virtual_size, 64 * kMiB);
  EXPECT_THAT(probed->warnings, testing::IsEmpty());
  EXPECT_LT(probed->allocated_size, 5 * kMiB);
}

TEST_F(FixedVhdTest, CompressedClustersAndOverlaysAreRead) {
  const auto raw = create("disk.raw", "raw", "", "32M");
  io(raw, "raw", {"write -q -P 1 3M 5M"});
  run({"qemu-img",
       "convert",
       "-c",
       "-f",
       "raw",
       "-O",
       "qcow2",
       raw.string(),
       path("compressed.qcow2").string()});
  const auto a = convert(raw, "a.vhd");
  const auto b = convert(path("compressed.qcow2"), "b.vhd");
  ASSERT_OK(a);
  ASSERT_OK(b);
  EXPECT_EQ(a->content, b->content);
}

TEST_F(FixedVhdTest, RoundsUpToWholeMebibytes) {
  EXPECT_EQ(azure_virtual_size(0), kMiB);
  EXPECT_EQ(azure_virtual_size(512), kMiB);
  EXPECT_EQ(azure_virtual_size(kMiB), kMiB);
  EXPECT_EQ(azure_virtual_size(kMiB + 1), 2 * kMiB);
  EXPECT_EQ(azure_virtual_size(30 * kGiB + 512), 30 * kGiB + kMiB);
  MemorySource odd(pattern(3 * kMiB + 512));
  const auto vhd = write_fixed_vhd(odd, path("odd.vhd"), {}, {});
  ASSERT_OK(vhd);
  EXPECT_EQ(vhd->virtual_size, 4 * kMiB);
  EXPECT_EQ(footer_of(path("odd.vhd")).current_size, 4 * kMiB);
  // The same contents on a disk that is whole already.
  auto contents = pattern(3 * kMiB + 512);
  contents.resize(4 * kMiB);
  MemorySource whole(contents);
  const auto same = write_fixed_vhd(whole, path("whole.vhd"), {}, {});
  ASSERT_OK(same);
  EXPECT_EQ(same->content, vhd->content);
}

TEST_F(FixedVhdTest, OtherContentsOrSizesGiveAnotherIdentity) {
  auto contents = pattern(4 * kMiB);
  MemorySource first(contents);
  ASSERT_OK(write_fixed_vhd(first, path("1.vhd"), {}, {}));
  contents[2 * kMiB + 77] ^= std::byte{1};
  MemorySource second(contents);
  ASSERT_OK(write_fixed_vhd(second, path("2.vhd"), {}, {}));
  contents.resize(5 * kMiB);
  MemorySource third(contents);
  ASSERT_OK(write_fixed_vhd(third, path("3.vhd"), {}, {}));
  const auto id = [&](const char* name) { return footer_of(path(name)).unique_id; };
  EXPECT_NE(id("1.vhd"), id("2.vhd"));
  EXPECT_NE(id("2.vhd"), id("3.vhd"));
}

/// Asks for the cancel when half of it is read, whichever worker comes there.
class CancellingSource : public MemorySource {
 public:
  using MemorySource::MemorySource;
  Result<void> read(std::uint64_t offset, MutableBytes buffer) override {
    if (offset > size() / 2) cancel.request();
    return MemorySource::read(offset, buffer);
  }
  CancelSource cancel;
};

TEST_F(FixedVhdTest, ACancelLeavesNothing) {
  CancellingSource source(pattern(32 * kMiB));
  const auto vhd = write_fixed_vhd(source, path("out.vhd"), source.cancel.token(), {});
  ASSERT_FALSE(vhd.has_value());
  EXPECT_EQ(vhd.error().kind(), ErrorKind::kCancelled);
  EXPECT_EQ(files(), 0U);
}

TEST_F(FixedVhdTest, AFailureLeavesNothingNewAndKeepsTheOld) {
  patch(create("out.vhd", "raw", "", "1M"), 0, "old");
  MemorySource source(pattern(32 * kMiB));
  source.fail_from = 20 * kMiB;
  EXPECT_THAT(write_fixed_vhd(source, path("out.vhd"), {}, {}), FailsWith("Test:BadSector"));
  EXPECT_EQ(files(), 1U);
  EXPECT_EQ(std::filesystem::file_size(path("out.vhd")), kMiB);
  EXPECT_THAT(write_fixed_vhd(source, path("no/such/folder/out.vhd"), {}, {}),
              FailsWith("File:Create"));
  // A partial file of a killed run is in nobody's way.
  create("out.vhd.partial", "raw", "", "64M");
  source.fail_from.reset();
  ASSERT_OK(write_fixed_vhd(source, path("out.vhd"), {}, {}));
  EXPECT_EQ(files(), 1U);
  EXPECT_EQ(std::filesystem::file_size(path("out.vhd")), 32 * kMiB + 512);
}

TEST_F(FixedVhdTest, OfTwoWritersOfOneFileTheSecondIsRefused) {
  MemorySource source(pattern(8 * kMiB));
  Result<FixedVhd> second = fail(ErrorKind::kInternal, "Test:NotCalled", "");
  const auto write_another = [&](std::uint64_t, std::uint64_t) {
    MemorySource other(pattern(2 * kMiB));
    second = write_fixed_vhd(other, path("out.vhd"), {}, {});
  };
  ASSERT_OK(write_fixed_vhd(source, path("out.vhd"), {}, write_another));
  EXPECT_THAT(second, FailsWith("File:Busy"));
  EXPECT_EQ(std::filesystem::file_size(path("out.vhd")), 8 * kMiB + 512);
}

TEST_F(FixedVhdTest, DamageIsNoticedWhenReadingBack) {
  const auto good = create("good", "raw", "", "1M");
  const auto bad = create("bad", "raw", "", "1M");
  const UniqueFd to(::open(good.c_str(), O_RDWR | O_CLOEXEC));
  const UniqueFd from(::open(bad.c_str(), O_RDWR | O_CLOEXEC));
  auto data = pattern(300 * kKiB);
  ASSERT_OK(pwrite_all(from.get(), data, 4096, bad));
  std::mutex turn;
  ASSERT_OK(write_verified(to.get(), to.get(), turn, data, 4096, good));
  ASSERT_OK(write_verified(to.get(), from.get(), turn, data, 4096, good));
  data[200 * kKiB] ^= std::byte{1};
  EXPECT_THAT(write_verified(to.get(), from.get(), turn, data, 4096, good),
              FailsWith("Disk:VerifyFailed"));
}

TEST_F(FixedVhdTest, FourTebibytesOfHolesAreQuickAndSmall) {
  const auto huge = create("huge.qcow2", "qcow2", "", "4096G");
  io(huge, "qcow2", {"write -q -P 5 1G 1M", "write -q -P 6 4095G 1M"});
  const auto start = std::chrono::steady_clock::now();
  const auto vhd = convert(huge, "huge.vhd");
  ASSERT_OK(vhd);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
  EXPECT_EQ(vhd->virtual_size, 4 * kTiB);
  EXPECT_EQ(vhd->data_bytes, 2 * kMiB);
  const auto probed = probe_image(path("huge.vhd"));
  ASSERT_OK(probed);
  EXPECT_EQ(probed->virtual_size, 4 * kTiB);
  EXPECT_LT(probed->allocated_size, 4 * kMiB);
  rusage usage{};
  ASSERT_EQ(::getrusage(RUSAGE_SELF, &usage), 0);
  EXPECT_LT(usage.ru_maxrss, 512 * 1024) << "KiB";
}

TEST(ContentDigestTest, DependsOnContentsAndPlaceButNotOnHoles) {
  std::vector<std::byte> data(4 * ContentDigest::kGranule, std::byte{1});
  std::fill_n(data.begin() + ContentDigest::kGranule, ContentDigest::kGranule, std::byte{0});
  const auto digest = [](const std::vector<std::pair<std::uint64_t, Bytes>>& chunks,
                         std::uint64_t size) {
    ContentDigest state;
    for (const auto& [offset, bytes] : chunks) state.add(offset, bytes);
    return state.finish(size);
  };
  const Bytes all(data);
  constexpr auto kGranule = ContentDigest::kGranule;
  const auto whole = digest({{0, all}}, kMiB);
  EXPECT_EQ(whole,
            digest({{0, all.first(kGranule)}, {2 * kGranule, all.subspan(2 * kGranule)}}, kMiB));
  EXPECT_NE(whole, digest({{kGranule, all}}, kMiB));
  EXPECT_NE(whole, digest({{0, all}}, 2 * kMiB));
  EXPECT_NE(whole, digest({}, kMiB));
  // Several threads' parts, whichever comes first.
  ContentDigest first;
  ContentDigest second;
  first.add(2 * kGranule, all.subspan(2 * kGranule));
  second.add(0, all.first(kGranule));
  first.merge(second);
  EXPECT_EQ(whole, first.finish(kMiB));
}

}  // namespace
}  // namespace kiln
