#include "uploaders/pageblob/upload_journal.h"

#include <filesystem>

#include "engine/core/bytes.h"
#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln::test {
namespace {

const UploadIdentity kUpload{"https://acc.blob.example/c/my%20b.vhd", 41 * kMiB + 512};
constexpr std::uint64_t kMark = 0x1234567890ABC;

class UploadJournalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto folder = TempDir::create();
    ASSERT_OK(folder);
    folder_.emplace(*std::move(folder));
    path_ = folder_->path() / "uploads" / "one.journal";
  }
  [[nodiscard]] Result<UploadJournal> open(const UploadIdentity& upload = kUpload) const {
    return UploadJournal::open(path_, upload);
  }
  /// A journal of three requests, as a killed process leaves it.
  void write() const {
    auto journal = open();
    ASSERT_OK(journal);
    EXPECT_FALSE(journal->mark().has_value());
    ASSERT_OK(journal->begin(kMark));
    journal->add({0, 4 * kMiB}, 1);
    journal->add({8 * kMiB, 512}, 0xFFFFFFFFFFFFFFFF);
    journal->add({4 * kMiB, 64 * kKiB}, 3);
    EXPECT_EQ(journal->trouble(), "");
  }

  std::optional<TempDir> folder_;
  std::filesystem::path path_;
};

TEST_F(UploadJournalTest, TellsTheNextProcessWhatWasAcknowledged) {
  write();
  const auto journal = open();
  ASSERT_OK(journal);
  EXPECT_EQ(journal->mark(), kMark);
  EXPECT_TRUE(journal->has({0, 4 * kMiB}, 1));
  EXPECT_TRUE(journal->has({8 * kMiB, 512}, 0xFFFFFFFFFFFFFFFF));
  EXPECT_FALSE(journal->has({0, 4 * kMiB}, 2)) << "other contents";
  EXPECT_FALSE(journal->has({0, 2 * kMiB}, 1)) << "another length";
  EXPECT_FALSE(journal->has({512, 512}, 1));
}

TEST_F(UploadJournalTest, TellsWhetherTheUploadBecameWhole) {
  EXPECT_FALSE(UploadJournal::is_complete(path_, kUpload.size)) << "there is none";
  write();
  EXPECT_FALSE(UploadJournal::is_complete(path_, kUpload.size));
  const auto begun = read_file(path_).value();
  {
    auto journal = open();
    ASSERT_OK(journal);
    journal->complete();
  }
  EXPECT_TRUE(UploadJournal::is_complete(path_, kUpload.size));
  EXPECT_FALSE(UploadJournal::is_complete(path_, kUpload.size + 512)) << "another size";
  const auto whole = read_file(path_).value();
  for (const auto& text : {whole.substr(0, whole.size() - 1),
                           whole.substr(whole.find('\n') + 1),
                           whole.substr(begun.size())}) {
    ASSERT_OK(write_file_atomic(path_, text));
    EXPECT_FALSE(UploadJournal::is_complete(path_, kUpload.size)) << text;
  }
  ASSERT_OK(write_file_atomic(path_, whole));
  auto again = open();
  ASSERT_OK(again);
  EXPECT_TRUE(again->has({0, 4 * kMiB}, 1));
  ASSERT_OK(again->begin(kMark));
  EXPECT_FALSE(UploadJournal::is_complete(path_, kUpload.size));
}

TEST_F(UploadJournalTest, WhatIsNotInTheBlobIsForgotten) {
  write();
  auto journal = open();
  ASSERT_OK(journal);
  PageRangeSet there;
  there.add({0, 4 * kMiB + 512});
  journal->keep_only(there);
  EXPECT_TRUE(journal->has({0, 4 * kMiB}, 1));
  EXPECT_FALSE(journal->has({4 * kMiB, 64 * kKiB}, 3)) << "only its beginning is there";
  EXPECT_FALSE(journal->has({8 * kMiB, 512}, 0xFFFFFFFFFFFFFFFF));
}

TEST_F(UploadJournalTest, ReadingEndsAtTheFirstDamagedLine) {
  write();
  const auto whole = read_file(path_).value();
  for (const auto& [name, text] : std::vector<std::pair<std::string, std::string>>{
           {"torn", whole.substr(0, whole.size() - 5)},
           {"no end of line", whole.substr(0, whole.size() - 1)},
           {"a bit flipped", [&] {
              auto damaged = whole;
              damaged[whole.rfind("page") + 6] ^= 1;
              return damaged;
            }()}}) {
    SCOPED_TRACE(name);
    ASSERT_OK(write_file_atomic(path_, text));
    {
      auto journal = open();
      ASSERT_OK(journal);
      EXPECT_EQ(journal->mark(), kMark);
      EXPECT_TRUE(journal->has({8 * kMiB, 512}, 0xFFFFFFFFFFFFFFFF));
      EXPECT_FALSE(journal->has({4 * kMiB, 64 * kKiB}, 3));
      journal->add({4 * kMiB, 64 * kKiB}, 3);
    }
    EXPECT_EQ(read_file(path_).value(), whole) << "and goes on in its place";
  }
}

TEST_F(UploadJournalTest, AnotherUploadIsForgotten) {
  for (const auto& other : {UploadIdentity{"https://acc.blob.example/c/other.vhd", kUpload.size},
                            UploadIdentity{kUpload.blob, kUpload.size + kMiB}}) {
    write();
    {
      const auto journal = open(other);
      ASSERT_OK(journal);
      EXPECT_FALSE(journal->mark().has_value());
      EXPECT_FALSE(journal->has({0, 4 * kMiB}, 1));
    }
    EXPECT_EQ(std::filesystem::file_size(path_), 0U);
  }
}

TEST_F(UploadJournalTest, ANewUploadForgetsTheOld) {
  write();
  auto journal = open();
  ASSERT_OK(journal);
  ASSERT_OK(journal->begin(kMark + 1));
  EXPECT_FALSE(journal->has({0, 4 * kMiB}, 1));
  journal->remove();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UploadJournalTest, TwoProcessesNeverShareOne) {
  const auto first = open();
  ASSERT_OK(first);
  const auto second = open();
  ASSERT_THAT(second, FailsWith("Upload:Busy"));
  EXPECT_NE(second.error().cure(), "");
}

TEST_F(UploadJournalTest, WithoutAPathNothingIsKept) {
  auto journal = UploadJournal::open({}, kUpload);
  ASSERT_OK(journal);
  EXPECT_FALSE(journal->kept());
  ASSERT_OK(journal->begin(kMark));
  journal->add({0, 512}, 1);
  EXPECT_FALSE(journal->has({0, 512}, 1));
}

}  // namespace
}  // namespace kiln::test
