#include <csignal>
#include <random>
#include <thread>

#include "disk/extents/mapped_source.h"
#include "disk/extents/nbd_source.h"
#include "disk/extents/raw_source.h"
#include "disk/image/probe.h"
#include "disk/workspace/work_disk.h"
#include "engine/core/text.h"
#include "tests/disk/support/qemu_tools.h"

namespace kiln {
namespace {

using test::FailsWith;

/// The real runner, which also remembers the last server it started.
class WatchedRunner : public ProcessRunner {
 public:
  Result<ProcessOutput> run(const Command& command, const CancelToken& cancel) override {
    return real_->run(command, cancel);
  }
  Result<std::unique_ptr<ChildProcess>> start(const Command& command) override {
    KILN_TRY_ASSIGN(auto child, real_->start(command));
    server = child->pid();
    return child;
  }
  [[nodiscard]] bool server_runs() const { return ::kill(server, 0) == 0; }

  pid_t server = -1;

 private:
  std::unique_ptr<ProcessRunner> real_ = make_process_runner();
};

/// Data of pattern 0xAA at 1 MiB (192 KiB), explicit zeros at 3 MiB, the rest never written.
class SourcesTest : public test::QemuTest {
 protected:
  std::filesystem::path make(const std::string& name,
                             const std::string& format,
                             const std::string& options = {}) {
    const auto image = create(name, format, options, "16M");
    io(image, format, {"write -q -P 0xaa 1M 192k", "write -q -P 0x55 3M 1M", "write -q -z 3M 1M"});
    return image;
  }

  Result<std::unique_ptr<BlockSource>> open(const std::filesystem::path& image) {
    KILN_TRY_ASSIGN(const auto info, probe_image(image));
    return open_nbd_source(watched_, qemu_node(info, true), folder_.path(), cancel_.token());
  }

  static std::vector<std::byte> read(BlockSource& source, std::uint64_t at, std::size_t length) {
    std::vector<std::byte> buffer(length, std::byte{0x11});
    EXPECT_OK(source.read(at, buffer));
    return buffer;
  }

  static void expect_contents(BlockSource& source, std::uint64_t most_data) {
    EXPECT_EQ(source.size(), 16 * kMiB);
    EXPECT_EQ(read(source, kMiB, 192 * kKiB), std::vector(192 * kKiB, std::byte{0xAA}));
    EXPECT_EQ(read(source, 3 * kMiB, kMiB), std::vector<std::byte>(kMiB));
    const auto extents = source.extents();
    ASSERT_OK(extents);
    std::uint64_t end = 0;
    std::uint64_t data = 0;
    for (const auto& extent : *extents) {
      EXPECT_EQ(extent.offset, end);
      end += extent.length;
      if (extent.zero) {
        EXPECT_FALSE(extent.offset < kMiB + 192 * kKiB && end > kMiB) << "data taken for a hole";
      } else {
        data += extent.length;
      }
    }
    EXPECT_EQ(end, 16 * kMiB);
    EXPECT_LE(data, most_data);
  }

  WatchedRunner watched_;
  CancelSource cancel_;
};

TEST_F(SourcesTest, NbdReadsEveryFormat) {
  struct Format {
    std::string name;
    std::string options;
    std::uint64_t most_data;
  };
  const std::vector<Format> formats = {
      {"raw", "", 2 * kMiB},
      {"qcow2", "", 192 * kKiB},
      {"vpc", "subformat=dynamic,force_size=on", 4 * kMiB},  // zeros in a block are data
      {"vhdx", "", 16 * kMiB},                               // qemu does not tell
  };
  for (const auto& format : formats) {
    const auto source = open(make("disk." + format.name, format.name, format.options));
    ASSERT_OK(source);
    SCOPED_TRACE(format.name);
    expect_contents(**source, format.most_data);
  }
}

TEST_F(SourcesTest, RawKnowsItsHoles) {
  const auto image = make("disk.raw", "raw");
  const auto source = open_raw_source(image, 16 * kMiB);
  ASSERT_OK(source);
  expect_contents(**source, 2 * kMiB);
  EXPECT_THAT(open_raw_source(image, 16 * kMiB + 1), FailsWith("Disk:TruncatedImage"));
  const auto beginning = open_raw_source(image, kMiB + 512);
  ASSERT_OK(beginning);
  const auto extents = (*beginning)->extents();
  ASSERT_OK(extents);
  ASSERT_FALSE(extents->empty());
  EXPECT_EQ(extents->back().offset + extents->back().length, kMiB + 512);
}

TEST_F(SourcesTest, NbdServesSeveralThreads) {
  const auto image = create("disk.raw", "raw", "", "8M");
  std::vector<std::byte> contents(8 * kMiB);
  std::mt19937_64 random(1);
  for (auto& byte : contents) byte = static_cast<std::byte>(random());
  const std::string_view text(reinterpret_cast<const char*>(contents.data()), contents.size());
  patch(image, 0, text);
  const auto source = open(image);
  ASSERT_OK(source);
  const auto read_here_and_there = [&](unsigned seed) {
    std::mt19937_64 places(seed);
    for (int i = 0; i < 20; ++i) {
      std::vector<std::byte> buffer(512 * (1 + places() % 4096));
      const auto offset = places() % (contents.size() - buffer.size()) / 512 * 512;
      ASSERT_OK((*source)->read(offset, buffer));
      EXPECT_TRUE(std::ranges::equal(buffer, Bytes(contents).subspan(offset, buffer.size())));
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < 4; ++i) threads.emplace_back(read_here_and_there, i);
}

TEST_F(SourcesTest, MappedReadsEveryFormat) {
  struct Format {
    std::string name;
    std::string options;
    std::uint64_t most_data;
    bool mapped;
  };
  const std::vector<Format> formats = {
      {"raw", "", 2 * kMiB, true},
      {"qcow2", "", 192 * kKiB, true},
      {"qcow2", "extended_l2=on,cluster_size=128k", 192 * kKiB, true},
      {"vpc", "subformat=dynamic,force_size=on", 4 * kMiB, true},
      {"vhdx", "", 16 * kMiB, false},  // qemu does not tell
  };
  for (const auto& format : formats) {
    SCOPED_TRACE(format.name + format.options);
    const auto image = make("disk", format.name, format.options);
    const auto info = probe_image(image);
    ASSERT_OK(info);
    watched_.server = -1;
    const auto source =
        open_mapped_source(watched_, qemu_node(*info, true), {image}, folder_.path(), {});
    ASSERT_OK(source);
    expect_contents(**source, format.most_data);
    EXPECT_EQ(watched_.server == -1, format.mapped) << "whether qemu-nbd was needed";
    std::filesystem::remove(image);
  }
}

TEST_F(SourcesTest, MappedReadsLayersAndWhatIsCompressed) {
  const auto raw = make("disk.raw", "raw");
  run({"qemu-img",
       "convert",
       "-c",
       "-f",
       "raw",
       "-O",
       "qcow2",
       raw.string(),
       path("base.qcow2").string()});
  const auto base = probe_image(path("base.qcow2"));
  ASSERT_OK(base);
  const auto disk = WorkDisk::create(*runner_, *base, path("overlay.qcow2"), {});
  ASSERT_OK(disk);
  // In the middle of what is data and of what is zero below.
  run({"qemu-io",
       "-c",
       "write -q -P 0x77 1088k 64k",
       "-c",
       "write -q -P 0x78 8M 64k",
       disk->node(false)});
  const auto source =
      open_mapped_source(watched_, disk->node(true), disk->files(), folder_.path(), {});
  ASSERT_OK(source);
  std::vector<std::byte> expected(16 * kMiB);
  const auto fill = [&](std::uint64_t at, std::uint64_t length, unsigned char value) {
    std::fill_n(expected.begin() + static_cast<std::ptrdiff_t>(at), length, std::byte{value});
  };
  fill(kMiB, 192 * kKiB, 0xAA);
  fill(1088 * kKiB, 64 * kKiB, 0x77);
  fill(8 * kMiB, 64 * kKiB, 0x78);
  EXPECT_TRUE(read(**source, 0, expected.size()) == expected);
  EXPECT_TRUE(
      read(**source, kMiB + 512, 100 * kKiB) ==
      std::vector(expected.begin() + kMiB + 512, expected.begin() + kMiB + 512 + 100 * kKiB));
  EXPECT_NE(watched_.server, -1);
}

TEST_F(SourcesTest, MappedQuotesQemusRefusal) {
  const auto missing = open_mapped_source(
      *runner_,
      R"(json:{"driver":"raw","file":{"driver":"file","filename":"/nonexistent"}})",
      {"/nonexistent"},
      folder_.path(),
      {});
  ASSERT_THAT(missing, FailsWith("Process:Failed"));
  EXPECT_THAT(missing.error().describe(), testing::HasSubstr("/nonexistent"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(SourcesTest, NbdLeavesNoServerAndNoSocket) {
  const auto image = make("disk.qcow2", "qcow2");
  {
    const auto source = open(image);
    ASSERT_OK(source);
    EXPECT_TRUE(watched_.server_runs());
  }
  EXPECT_FALSE(watched_.server_runs());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

TEST_F(SourcesTest, NbdQuotesTheServersRefusal) {
  const auto missing =
      open_nbd_source(*runner_,
                      R"(json:{"driver":"raw","file":{"driver":"file","filename":"/nonexistent"}})",
                      folder_.path(),
                      {});
  ASSERT_THAT(missing, FailsWith("Disk:NbdServer"));
  EXPECT_THAT(missing.error().describe(), testing::HasSubstr("/nonexistent"));
}

TEST_F(SourcesTest, NbdNoticesADeadServer) {
  const auto image = make("disk.raw", "raw");
  const auto source = open(image);
  ASSERT_OK(source);
  ASSERT_EQ(::kill(watched_.server, SIGKILL), 0);
  std::vector<std::byte> buffer(kMiB);
  EXPECT_THAT((*source)->read(0, buffer), FailsWith("Disk:Nbd"));
  EXPECT_THAT((*source)->read(0, buffer), FailsWith("Disk:Nbd"));
  EXPECT_FALSE((*source)->extents().has_value());
}

TEST_F(SourcesTest, NbdStopsWhenCancelled) {
  const auto source = open(make("disk.raw", "raw"));
  ASSERT_OK(source);
  std::vector<std::byte> buffer(kMiB);
  ASSERT_OK((*source)->read(0, buffer));
  cancel_.request();
  const auto read = (*source)->read(0, buffer);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().kind(), ErrorKind::kCancelled);
  EXPECT_FALSE(open(path("disk.raw")).has_value());
}

TEST_F(SourcesTest, NbdWorksInADeepFolder) {
  const auto image = make("disk.raw", "raw");
  auto deep = folder_.path();
  for (int i = 0; i < 5; ++i) deep /= std::string(50, 'd');
  ASSERT_OK(make_directories(deep));
  const auto info = probe_image(image);
  ASSERT_OK(info);
  const auto source = open_nbd_source(*runner_, qemu_node(*info, true), deep, {});
  ASSERT_OK(source);
  expect_contents(**source, 2 * kMiB);
}

}  // namespace
}  // namespace kiln
