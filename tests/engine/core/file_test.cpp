#include "engine/core/file.h"

#include <array>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "engine/core/digest.h"
#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;
using test::FailsWith;

class FileTest : public testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::create();
    ASSERT_OK(dir);
    dir_ = std::make_unique<TempDir>(*std::move(dir));
  }
  [[nodiscard]] fs::path at(std::string_view name) const { return dir_->path() / name; }
  [[nodiscard]] std::size_t count() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(dir_->path()), fs::directory_iterator()));
  }

  std::unique_ptr<TempDir> dir_;
};

TEST_F(FileTest, WritesAndReadsBack) {
  const std::string bytes("a\0b\n", 4);
  ASSERT_OK(write_file_atomic(at("f"), bytes, 0600));
  EXPECT_EQ(*read_file(at("f")), bytes);
  struct stat info {};
  ASSERT_EQ(::stat(at("f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  ASSERT_OK(write_file_atomic(at("f"), "new"));
  EXPECT_EQ(*read_file(at("f")), "new");
  EXPECT_EQ(count(), 1U) << "a temporary file was left";
}

TEST_F(FileTest, AFailedWriteLeavesNothingAndTheOldContents) {
  fs::create_directory(at("folder"));
  EXPECT_THAT(write_file_atomic(at("folder"), "x"), FailsWith("File:Rename"));
  EXPECT_EQ(count(), 1U);
  EXPECT_THAT(write_file_atomic(at("absent/f"), "x"), FailsWith("File:Create"));
}

TEST_F(FileTest, ReadersNeverSeeAMixture) {
  const std::string a(1U << 20U, 'a');
  const std::string b(1U << 20U, 'b');
  ASSERT_OK(write_file_atomic(at("f"), a));
  std::jthread writer([&](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i) {
      EXPECT_OK(write_file_atomic(at("f"), i % 2 == 0 ? b : a));
    }
  });
  for (int i = 0; i < 50; ++i) {
    const auto seen = read_file(at("f"));
    ASSERT_OK(seen);
    ASSERT_TRUE(*seen == a || *seen == b);
  }
}

TEST_F(FileTest, RefusesLargeAndMissingFiles) {
  ASSERT_OK(write_file_atomic(at("f"), "12345"));
  EXPECT_EQ(*read_file(at("f"), 5), "12345");
  EXPECT_THAT(read_file(at("f"), 4), FailsWith("File:TooLarge"));
  const auto missing = read_file(at("absent"));
  ASSERT_THAT(missing, FailsWith("File:Open"));
  EXPECT_EQ(missing.error().kind(), ErrorKind::kNotFound);
  EXPECT_THAT(read_file(dir_->path()), FailsWith("File:Read"));
}

TEST_F(FileTest, ExactReadsAndWritesSayWhereTheFileEnds) {
  ASSERT_OK(write_file_atomic(at("f"), "0123456789"));
  const UniqueFd fd(::open(at("f").c_str(), O_RDWR | O_CLOEXEC));
  std::array<std::byte, 4> buffer{};
  ASSERT_OK(pread_exactly(fd.get(), buffer, 3, at("f")));
  EXPECT_EQ(std::to_integer<char>(buffer[0]), '3');
  const auto end = pread_exactly(fd.get(), buffer, 8, at("f"));
  ASSERT_THAT(end, FailsWith("File:ShortRead"));
  EXPECT_THAT(end.error().message(), testing::HasSubstr("ends at byte 10, 2 bytes"));
  ASSERT_OK(pwrite_all(fd.get(), buffer, 100, at("f")));
  EXPECT_EQ(fs::file_size(at("f")), 104U);
  const UniqueFd read_only = *open_read_only(at("f"));
  EXPECT_THAT(pwrite_all(read_only.get(), buffer, 0, at("f")), FailsWith("File:Write"));
}

TEST_F(FileTest, MakesDirectories) {
  EXPECT_OK(make_directories(at("a/b/c")));
  EXPECT_OK(make_directories(at("a/b/c")));
  ASSERT_OK(write_file_atomic(at("f"), ""));
  EXPECT_THAT(make_directories(at("f/x")), FailsWith("File:MakeDirectory"));
}

TEST_F(FileTest, DigestsHolesAsZeros) {
  std::string text(9'000'001, '\0');
  text.replace(5'000'000, 4, "data");
  const UniqueFd file(::open(at("sparse").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_EQ(::ftruncate(file.get(), static_cast<off_t>(text.size())), 0);
  ASSERT_EQ(::pwrite(file.get(), "data", 4, 5'000'000), 4);
  EXPECT_EQ(*sha256_file(at("sparse")), sha256_hex(text));
  EXPECT_THAT(sha256_file(at("")), FailsWith("File:NotAFile"));
}

TEST_F(FileTest, DigestsFiles) {
  const std::string text(3'000'000, 'x');
  ASSERT_OK(write_file_atomic(at("f"), text));
  EXPECT_EQ(*sha256_file(at("f")), sha256_hex(text));
  EXPECT_EQ(sha256_file(at("absent")).error().kind(), ErrorKind::kNotFound);
  CancelSource source;
  source.request();
  EXPECT_THAT(sha256_file(at("f"), source.token()), FailsWith("Run:Cancelled"));
}

TEST(Sha256, KnownValues) {
  // FIPS 180-2, appendix B.
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 digest;
  digest.update("a");
  digest.update("bc");
  EXPECT_EQ(digest.hex(), sha256_hex("abc"));
}

TEST(Sha256, KnowsADigestWhenItSeesOne) {
  EXPECT_TRUE(is_sha256(sha256_hex("")));
  EXPECT_TRUE(is_sha256(std::string(64, 'F')));
  EXPECT_FALSE(is_sha256(std::string(63, 'f')));
  EXPECT_FALSE(is_sha256(std::string(64, 'g')));
}

TEST(TempDir, IsPrivateAndGoesWithItsContents) {
  fs::path path;
  {
    const auto dir = TempDir::create();
    ASSERT_OK(dir);
    path = dir->path();
    EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all);
    std::ofstream(path / "f") << "x";
    fs::create_directory(path / "sub");
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(TempDir, MovesAndKeeps) {
  fs::path kept;
  {
    auto first = TempDir::create();
    auto second = TempDir::create();
    ASSERT_OK(first);
    ASSERT_OK(second);
    const auto moved_path = second->path();
    TempDir target = *std::move(first);
    target = *std::move(second);
    EXPECT_EQ(target.path(), moved_path);
    kept = target.keep();
  }
  EXPECT_TRUE(fs::exists(kept));
  fs::remove_all(kept);
}

TEST(TempDir, DoesNotFallBackToTheCurrentFolder) {
  const char* before = ::getenv("TMPDIR");
  const std::string saved = before != nullptr ? before : "";
  ::setenv("TMPDIR", "/nonexistent/folder", 1);
  const auto dir = TempDir::create();
  EXPECT_THAT(dir, FailsWith("File:NoTempDir"));
  before != nullptr ? ::setenv("TMPDIR", saved.c_str(), 1) : ::unsetenv("TMPDIR");
  EXPECT_THAT(TempDir::create("/nonexistent/folder"), FailsWith("File:MakeTempDir"));
}

}  // namespace
}  // namespace kiln
