// Uploads that end in the middle and are gone on with by another process.
#include <thread>

#include "engine/core/file.h"
#include "tests/uploaders/support/strict_fixture.h"

namespace kiln::test {
namespace {

constexpr std::uint64_t kSize = 96 * kPiece + 512;

class ResumeTest : public StrictTest {
 protected:
  void SetUp() override {
    StrictTest::SetUp();
    auto folder = TempDir::create();
    ASSERT_OK(folder);
    folder_.emplace(*std::move(folder));
    options_.journal = folder_->path() / "one.journal";
    options_.workers = 4;
  }
  /// The service refuses for good after so many pages.
  void break_after(int pages, PatternDisk disk = pieces()) {
    ASSERT_OK(service_->inject({{{"kind", "status"},
                                 {"comp", "page"},
                                 {"status", 403},
                                 {"code", "AuthorizationPermissionMismatch"},
                                 {"after", pages},
                                 {"times", 0}}}));
    ASSERT_THAT(upload(disk, with_key(blob_)),
                FailsWith("Storage:AuthorizationPermissionMismatch"));
    ASSERT_OK(service_->inject(nlohmann::json::array()));
  }
  /// Puts pages in the upload's place, as its own or not.
  void put(std::uint64_t offset, std::size_t length) {
    auto blob = PageBlob::open(with_key(blob_), options_.blob);
    ASSERT_OK(blob);
    ASSERT_OK(blob->put_pages(offset, std::vector<std::byte>(length, std::byte{9}), {}));
  }

  std::optional<TempDir> folder_;
};

TEST_F(ResumeTest, GoesOnWithWhatWasAcknowledged) {
  break_after(20);
  auto disk = pieces();
  ASSERT_OK(check(with_key(blob_), disk.size()));  // its own half blob is in nobody's way
  const auto before = statistics()["page_requests"].get<std::uint64_t>();
  const auto report = upload(disk, with_key(blob_));
  ASSERT_OK(report);
  expect_uploaded(disk);
  // What the others were about when the first was refused may be sent twice, and nothing else.
  EXPECT_LE(report->kept_bytes, 20 * kPiece);
  EXPECT_GT(report->kept_bytes, (20 - options_.workers) * kPiece);
  EXPECT_EQ(report->sent_bytes + report->kept_bytes, 48 * kPiece + 512);
  EXPECT_EQ((statistics()["page_requests"].get<std::uint64_t>() - before) * kPiece,
            report->sent_bytes - 512 + kPiece);
  EXPECT_FALSE(std::filesystem::exists(options_.journal));
  EXPECT_TRUE(was_told("had been sent before"));
}

TEST_F(ResumeTest, AnUploadWithoutAFooterIsNoImage) {
  break_after(20);
  auto blob = PageBlob::open(with_key(blob_), options_.blob);
  ASSERT_OK(blob);
  const auto footer = blob->page_ranges(kSize - 512, kSize, {});
  ASSERT_OK(footer);
  EXPECT_TRUE(footer->ranges().empty());
}

TEST_F(ResumeTest, AnotherDiskIsSentAnew) {
  break_after(20);
  PatternDisk other(96 * kPiece, {{kPiece, kPiece}, {90 * kPiece, kPiece}}, 7);
  const auto report = upload(other, with_key(blob_));
  ASSERT_OK(report);
  EXPECT_EQ(report->kept_bytes, 0U);
  expect_uploaded(other);
  EXPECT_FALSE(statistics()["clears"].empty()) << "what the first disk left has to go";
}

TEST_F(ResumeTest, PagesThatAreGoneAreSentAgain) {
  break_after(20);
  const auto status = service_->status_of(
      "PUT",
      blob_,
      {{"x-ms-page-write", "clear"}, {"x-ms-range", "bytes=0-511"}, {"Content-Length", "0"}},
      "comp=page");
  ASSERT_OK(status);
  ASSERT_EQ(*status, 201);
  auto disk = pieces();
  const auto report = upload(disk, with_key(blob_));
  ASSERT_OK(report);
  EXPECT_LE(report->kept_bytes, 19 * kPiece);
  EXPECT_GT(report->kept_bytes, 0U);
  expect_uploaded(disk);
}

TEST_F(ResumeTest, PagesThatAreTooManyAreCleared) {
  break_after(20);
  put(95 * kPiece, 4096);
  put(kSize - 512, 512);
  auto disk = pieces();
  ASSERT_OK(upload(disk, with_key(blob_)));
  expect_uploaded(disk);
}

TEST_F(ResumeTest, SomebodyElsesBlobIsNotGoneOnWith) {
  break_after(20);
  auto blob = PageBlob::open(with_key(blob_), options_.blob);
  ASSERT_OK(blob);
  ASSERT_OK(blob->create(kSize, {{"owner", "somebody"}}, true, {}));
  auto disk = pieces();
  EXPECT_THAT(check(with_key(blob_), disk.size()), FailsWith("Storage:BlobAlreadyExists"));
  EXPECT_THAT(upload(disk, with_key(blob_)), FailsWith("Storage:BlobAlreadyExists"));
  EXPECT_EQ(blob->properties({}).value()->metadata.at("owner"), "somebody");
}

TEST_F(ResumeTest, AVanishedBlobIsMadeAgain) {
  break_after(20);
  ASSERT_EQ(service_->status_of("DELETE", blob_).value(), 202);
  auto disk = pieces();
  const auto report = upload(disk, with_key(blob_));
  ASSERT_OK(report);
  EXPECT_EQ(report->kept_bytes, 0U);
  EXPECT_TRUE(was_told("starting over"));
  expect_uploaded(disk);
}

TEST_F(ResumeTest, AnExistingBlobIsGoneOnWith) {
  auto blob = PageBlob::open(with_key(blob_), options_.blob);
  ASSERT_OK(blob);
  ASSERT_OK(blob->create(kSize, {}, false, {}));
  put(95 * kPiece, 4096);
  put(kSize - 512, 512);
  options_.existing = true;
  break_after(20 + 3);
  auto disk = pieces();
  const auto report = upload(disk, with_key(blob_));
  ASSERT_OK(report);
  EXPECT_GT(report->kept_bytes, (20 - options_.workers) * kPiece);
  expect_uploaded(disk);
}

TEST_F(ResumeTest, TwoUploadsNeverMix) {
  // The second one replaces the blob while the first is sending.
  ASSERT_OK(
      service_->inject({{{"kind", "slow"}, {"comp", "page"}, {"seconds", 0.1}, {"times", 0}}}));
  auto first = pieces(1);
  auto second = pieces(2);
  Result<UploadReport> lost = UploadReport{};
  std::jthread other([&] { lost = upload(first, with_key(blob_)); });
  while (statistics()["page_requests"] < 4)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  UploadOptions options = quick_options();
  options.overwrite = true;
  RecordingSink events;
  const auto won = upload_page_blob(second, with_key(blob_), options, {events, "two", {}});
  other.join();
  ASSERT_OK(won);
  EXPECT_THAT(lost, FailsWith("Storage:SequenceNumberConditionNotMet"));
  expect_uploaded(second);
}

}  // namespace
}  // namespace kiln::test
