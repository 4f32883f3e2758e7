// What none of the guests has: an extended partition, with an ext2 that has no place kept to grow.
#include "disk/grow/fill_disk.h"
#include "disk/guestfs/guestfs_session.h"
#include "engine/core/json.h"
#include "tests/disk/support/qemu_tools.h"

namespace kiln {
namespace {

constexpr std::uint64_t kSector = 512;

class GrowMbr : public test::QemuTest {
 protected:
  /// sda1, sda2 (extended), sda5, sda6, and 2 GiB that nothing uses.
  void make_disk() {
    const auto raw = create("disk.raw", "raw", "", "300M");
    const auto script = path("table");
    ASSERT_OK(write_file_atomic(script,
                                "label: dos\nstart=2048,size=100M,type=83,bootable\n"
                                "start=206848,type=5\nstart=208896,size=100M,type=82\n"
                                "start=415744,type=83\n"));
    run({"sh", "-c", fmt::format("sfdisk --quiet {} < {}", raw.string(), script.string())});
    run({"mkfs.ext2",
         "-q",
         "-O",
         "^resize_inode",
         "-E",
         fmt::format("offset={}", 415744 * kSector),
         raw.string(),
         "90M"});
    run({"qemu-img", "convert", "-O", "qcow2", raw.string(), disk().string()});
    run({"qemu-img", "resize", "-q", disk().string(), "2G"});
  }
  std::filesystem::path disk() const { return path("disk.qcow2"); }

  Result<std::unique_ptr<ImageSession>> launch() {
    GuestfsOptions options;
    options.disk = disk();
    options.console_log = path("console.log");
    options.temp_folder = folder_.path();
    return launch_guestfs(options, {});
  }
};

TEST_F(GrowMbr, TheLastLogicalPartitionTakesTheRoom) {
  make_disk();
  const auto session = launch();
  ASSERT_OK(session);
  auto& volumes = *(*session)->volumes();
  const auto before = (*session)->file_systems();
  ASSERT_OK(before);
  const auto filled = fill_disk(volumes, *before, "/dev/sda6", 2 * kGiB);
  ASSERT_OK(filled);
  EXPECT_EQ(filled->grown, "/dev/sda6 (ext2)");

  const auto after = (*session)->file_systems();
  ASSERT_OK(after);
  const auto again = fill_disk(volumes, *after, "/dev/sda6", 2 * kGiB);
  ASSERT_OK(again);
  EXPECT_EQ(again->grown + again->warning, "");
  ASSERT_OK((*session)->finish());

  run({"qemu-img", "convert", "-O", "raw", disk().string(), path("after.raw").string()});
  const auto table = nlohmann::json::parse(run({"sfdisk", "--json", path("after.raw").string()}));
  const auto& partitions = table.at("partitiontable").at("partitions");
  ASSERT_EQ(partitions.size(), 4U);
  const auto end = [&](std::size_t index) {
    return (partitions[index].at("start").get<std::uint64_t>() +
            partitions[index].at("size").get<std::uint64_t>()) *
           kSector;
  };
  EXPECT_EQ(partitions[0].at("size"), 204800U);
  EXPECT_EQ(partitions[0].at("bootable"), true);
  EXPECT_EQ(partitions[2].at("size"), 204800U);
  EXPECT_EQ(partitions[2].at("type"), "82");
  EXPECT_EQ(end(1), 2 * kGiB);
  EXPECT_EQ(end(3), 2 * kGiB);
  // Every block of the partition belongs to the file system, which is sound.
  const auto place = fmt::format("{}?offset={}", path("after.raw").string(), 415744 * kSector);
  run({"e2fsck", "-fn", place});
  EXPECT_THAT(run({"dumpe2fs", "-h", place}),
              ::testing::ContainsRegex(
                  fmt::format("Block count: +{}\n", (2 * kGiB - 415744 * kSector) / kKiB)));
}

}  // namespace
}  // namespace kiln
