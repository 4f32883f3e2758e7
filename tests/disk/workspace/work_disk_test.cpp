#include "disk/workspace/work_disk.h"

#include "disk/extents/nbd_source.h"
#include "disk/image/probe.h"
#include "engine/core/digest.h"
#include "engine/core/json.h"
#include "tests/disk/support/qemu_tools.h"

namespace kiln {
namespace {

using test::FailsWith;

class WorkDiskTest : public test::QemuTest {
 protected:
  Result<WorkDisk> attach(const std::filesystem::path& base, const std::string& overlay) {
    KILN_TRY_ASSIGN(const auto info, probe_image(base));
    return WorkDisk::create(*runner_, info, path(overlay), {});
  }

  void node_io(const std::string& node, const std::vector<std::string>& commands) {
    std::vector<std::string> argv = {"qemu-io"};
    for (const auto& command : commands) argv.insert(argv.end(), {"-c", command});
    argv.push_back(node);
    run(argv);
  }
};

struct Base {
  std::string format;
  std::string options;
};

void PrintTo(const Base& base, std::ostream* out) {
  *out << base.format << " " << base.options;
}

class WorkDiskBaseTest : public WorkDiskTest, public testing::WithParamInterface<Base> {};

TEST_P(WorkDiskBaseTest, TakesWritesAndLeavesTheBaseAlone) {
  const auto& [format, options] = GetParam();
  const auto base = create("base, \"quoted\" json:x", format, options, "16M");
  io(base, format, {"write -q -P 1 0 1M", "write -q -P 2 8M 1M"});
  const auto before = sha256_file(base);
  ASSERT_OK(before);
  const auto disk = attach(base, "work disk.qcow2");
  ASSERT_OK(disk);
  EXPECT_EQ(disk->virtual_size(), 16 * kMiB);

  node_io(disk->node(false), {"read -q -P 1 0 1M", "write -q -P 9 512k 1M", "discard -q 8M 1M"});
  // As libguestfs opens it: by name, format qcow2, the base from the overlay's own header.
  run({"qemu-io",
       "-f",
       "qcow2",
       "-r",
       "-c",
       "read -q -P 1 0 512k",
       "-c",
       "read -q -P 9 512k 1M",
       "-c",
       "read -q -P 0 8M 1M",
       disk->overlay().string()});
  const auto info =
      nlohmann::json::parse(run({"qemu-img", "info", "--output=json", disk->overlay().string()}));
  EXPECT_EQ(info["virtual-size"], 16 * kMiB);
  EXPECT_EQ(info["format"], "qcow2");

  const auto source = open_nbd_source(*runner_, disk->node(true), folder_.path(), {});
  ASSERT_OK(source);
  EXPECT_EQ((*source)->size(), 16 * kMiB);
  const auto extents = (*source)->extents();
  ASSERT_OK(extents);
  for (const auto& extent : *extents) {
    const bool discarded = extent.offset < 9 * kMiB && extent.offset + extent.length > 8 * kMiB;
    EXPECT_TRUE(extent.zero || !discarded || format == "vhdx")
        << "discarded bytes are data at " << extent.offset;
  }
  const auto after = sha256_file(base);
  ASSERT_OK(after);
  EXPECT_EQ(*after, *before);
}

INSTANTIATE_TEST_SUITE_P(Formats,
                         WorkDiskBaseTest,
                         testing::Values(Base{"raw", ""},
                                         Base{"qcow2", ""},
                                         Base{"vhdx", ""},
                                         Base{"vpc", "subformat=dynamic,force_size=on"},
                                         Base{"vpc", "subformat=fixed,force_size=on"}));

TEST_F(WorkDiskTest, AnOverlayOverAnOverlayLeavesItAloneAndMovesWithIt) {
  const auto base = create("base", "raw", "", "4M");
  ASSERT_OK(make_directories(path("work")));
  const auto lower = attach(base, "work/lower.qcow2");
  ASSERT_OK(lower);
  node_io(lower->node(false), {"write -q -P 1 0 1M"});
  const auto before = sha256_file(lower->overlay());
  ASSERT_OK(before);
  const auto upper = lower->create_over(*runner_, path("work/upper.qcow2"), {});
  ASSERT_OK(upper);
  EXPECT_EQ(upper->files(), (std::vector{path("work/upper.qcow2"), lower->overlay(), base}));
  node_io(upper->node(false), {"read -q -P 1 0 1M", "write -q -P 2 1M 1M"});
  EXPECT_EQ(*sha256_file(lower->overlay()), *before);

  std::filesystem::rename(path("work"), path("kept"));
  const auto info = probe_image(base);
  ASSERT_OK(info);
  const auto kept = WorkDisk::reopen(*info, {path("kept/upper.qcow2"), path("kept/lower.qcow2")});
  EXPECT_EQ(kept.virtual_size(), 4 * kMiB);
  const std::vector<std::string> reads = {
      "read -q -P 1 0 1M", "read -q -P 2 1M 1M", "read -q -P 0 2M 2M"};
  node_io(kept.node(false), reads);
  // By the headers alone, as libguestfs opens it.
  std::vector<std::string> argv = {"qemu-io", "-r", "-f", "qcow2"};
  for (const auto& read : reads) argv.insert(argv.end(), {"-c", read});
  argv.push_back(path("kept/upper.qcow2"));
  run(argv);
}

TEST_F(WorkDiskTest, MayBeLargerThanItsBase) {
  const auto base = create("base", "vpc", "subformat=dynamic,force_size=on", "1M");
  io(base, "vpc", {"write -q -P 1 0 1M"});
  const auto info = probe_image(base);
  ASSERT_OK(info);
  auto disk = WorkDisk::create(*runner_, *info, path("overlay"), {}, 3 * kMiB);
  ASSERT_OK(disk);
  EXPECT_EQ(disk->virtual_size(), 3 * kMiB);
  EXPECT_EQ(disk->unfilled_from(), 1 * kMiB);
  node_io(disk->node(false), {"read -q -P 1 0 1M", "read -q -P 0 1M 2M", "write -q -P 2 2M 1M"});
  EXPECT_EQ((*open_nbd_source(*runner_, disk->node(true), folder_.path(), {}))->size(), 3 * kMiB);
  disk->set_filled();
  EXPECT_EQ(disk->unfilled_from(), std::nullopt);

  // A layer of it: what is on it is filled, and what lies over it as large.
  const auto layer = WorkDisk::reopen(*info, {path("overlay")}, 3 * kMiB);
  EXPECT_EQ(layer.unfilled_from(), std::nullopt);
  const auto upper = layer.create_over(*runner_, path("upper"), {});
  ASSERT_OK(upper);
  EXPECT_EQ(upper->virtual_size(), 3 * kMiB);
  node_io(upper->node(false), {"read -q -P 2 2M 1M", "write -q -P 3 1M 1M"});
}

TEST_F(WorkDiskTest, RefusesToReplaceAFile) {
  const auto base = create("base", "raw", "", "1M");
  ASSERT_OK(attach(base, "overlay"));
  EXPECT_THAT(attach(base, "overlay"), FailsWith("Disk:CreateOverlay"));
  EXPECT_TRUE(std::filesystem::exists(path("overlay")));
}

TEST_F(WorkDiskTest, LeavesNothingWhenItFails) {
  const auto base = create("base", "raw", "", "1M");
  const auto info = probe_image(base);
  ASSERT_OK(info);
  CancelSource cancel;
  cancel.request();
  const auto disk = WorkDisk::create(*runner_, *info, path("overlay"), cancel.token());
  ASSERT_FALSE(disk.has_value());
  EXPECT_EQ(disk.error().kind(), ErrorKind::kCancelled);
  EXPECT_FALSE(std::filesystem::exists(path("overlay")));
  std::filesystem::remove(base);
  EXPECT_THAT(WorkDisk::create(*runner_, *info, path("overlay"), {}), FailsWith("Process:Failed"));
  EXPECT_FALSE(std::filesystem::exists(path("overlay")));
}

TEST_F(WorkDiskTest, NamesAPathTooLongForQcow2) {
  auto deep = folder_.path();
  for (int i = 0; i < 5; ++i) deep /= std::string(200, 'd');
  ASSERT_OK(make_directories(deep));
  const auto base = create("base", "raw", "", "1M");
  std::filesystem::rename(base, deep / "base");
  EXPECT_THAT(attach(deep / "base", "overlay"), FailsWith("Disk:PathTooLong"));
}

}  // namespace
}  // namespace kiln
