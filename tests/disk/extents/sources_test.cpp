#include <csignal>
#include <random>

#include "disk/extents/nbd_source.h"
#include "disk/image/probe.h"
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
    const auto ticket = source.start_read(at, buffer);
    EXPECT_OK(ticket);
    EXPECT_OK(source.wait(*ticket));
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

TEST_F(SourcesTest, NbdReadsOutOfOrderAndInPieces) {
  const auto image = create("disk.raw", "raw", "", "8M");
  std::vector<std::byte> contents(8 * kMiB);
  std::mt19937_64 random(1);
  for (auto& byte : contents) byte = static_cast<std::byte>(random());
  const std::string_view text(reinterpret_cast<const char*>(contents.data()), contents.size());
  patch(image, 0, text);
  const auto source = open(image);
  ASSERT_OK(source);
  struct Read {
    std::uint64_t offset;
    std::vector<std::byte> buffer;
    std::uint64_t ticket;
  };
  std::vector<Read> reads(20);
  for (auto& read : reads) {
    read.buffer.resize(512 * (1 + random() % 4096));
    read.offset = random() % (contents.size() - read.buffer.size()) / 512 * 512;
    const auto ticket = (*source)->start_read(read.offset, read.buffer);
    ASSERT_OK(ticket);
    read.ticket = *ticket;
  }
  std::ranges::shuffle(reads, random);
  for (const auto& read : reads) {
    ASSERT_OK((*source)->wait(read.ticket));
    EXPECT_TRUE(
        std::ranges::equal(read.buffer, Bytes(contents).subspan(read.offset, read.buffer.size())));
  }
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
  const auto read_all = [&]() -> Result<void> {
    KILN_TRY_ASSIGN(const auto ticket, (*source)->start_read(0, buffer));
    return (*source)->wait(ticket);
  };
  EXPECT_THAT(read_all(), FailsWith("Disk:Nbd"));
  EXPECT_THAT(read_all(), FailsWith("Disk:Nbd"));
  EXPECT_FALSE((*source)->extents().has_value());
}

TEST_F(SourcesTest, NbdStopsWhenCancelled) {
  const auto source = open(make("disk.raw", "raw"));
  ASSERT_OK(source);
  std::vector<std::byte> buffer(kMiB);
  const auto ticket = (*source)->start_read(0, buffer);
  ASSERT_OK(ticket);
  cancel_.request();
  const auto waited = (*source)->wait(*ticket);
  ASSERT_FALSE(waited.has_value());
  EXPECT_EQ(waited.error().kind(), ErrorKind::kCancelled);
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
