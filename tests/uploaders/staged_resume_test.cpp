// Staged disks and blobs whose upload kill -9 ended, and how another attempt of the run goes on.
#include <csignal>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "tests/uploaders/support/azure_targets_fixture.h"
#include "uploaders/staging/disk_access.h"

namespace kiln::test {
namespace {

constexpr std::uint64_t kData = 48 * kPiece;
/// What eight workers have under way.
constexpr std::uint64_t kWindow = 8 * kPiece;
const std::string kStagedDisk = "/disks/kiln-run1-distribute-01";

class StagedResumeTest : public AzureTargetsTest {
 protected:
  void SetUp() override {
    AzureTargetsTest::SetUp();
    auto folder = TempDir::create();
    ASSERT_OK(folder);
    folder_.emplace(*std::move(folder));
  }

  DistributeContext journaled() {
    auto journaled = context();
    journaled.journal = folder_->path() / "one.journal";
    return journaled;
  }

  void stage_in_container() {
    auto variables = service_->principal();
    variables["AZURE_STORAGE_KEY"] = kEmulatorKey;
    environment_ = std::make_unique<MapEnvironment>(variables);
    connect(service_->blob_endpoint() + "/staging");
  }

  /// kill -9 of a process that distributes, once something has come about.
  template <class Condition>
  void kill_when(const Condition& condition) {
    const auto child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      (void)distribute(managed_image(), journaled(), pieces());
      ::_exit(1);  // it was to be killed before
    }
    for (int i = 0; i < 1000 && !condition(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the process had ended before the kill";
  }

  /// The same where the service keeps a request of the resource manager waiting.
  void kill_at(const std::string& method, const std::string& path) {
    ASSERT_OK(service_->inject({{{"kind", "status"},
                                 {"method", method},
                                 {"path", path},
                                 {"status", 503},
                                 {"retry_after", 60},
                                 {"times", 0}}}));
    kill_when([&] {
      const auto all = state();
      return std::ranges::any_of(all["requests"], [&](const json& one) {
        return one[0] == method && one[1].get<std::string>().find(path) != std::string::npos;
      });
    });
    ASSERT_OK(service_->inject(json::array()));
    sent_before_ = page_bytes();
  }

  /// kill -9 when about half of the disk is sent.
  void kill_in_the_middle() {
    ASSERT_OK(service_->inject_blob(
        {{{"kind", "slow"}, {"comp", "page"}, {"seconds", 0.1}, {"times", 0}}}));
    kill_when([&] { return page_bytes() >= kData / 2; });
    ASSERT_OK(service_->inject_blob(json::array()));
    // What was under way comes in.
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    sent_before_ = page_bytes();
    ASSERT_GE(sent_before_, kData / 2);
    ASSERT_LT(sent_before_, kData);
  }

  void expect_gone_on() {
    const auto made = distribute(managed_image(), journaled(), pieces());
    ASSERT_OK(made);
    EXPECT_EQ(resource("/images/i")["fake"]["content"], content_of_disk(pieces()));
    EXPECT_LE(page_bytes(), kData + 512 + kWindow) << "at most one window is sent twice";
    EXPECT_EQ(made->sent_bytes, page_bytes() - sent_before_);
    expect_nothing_left();
  }

  void expect_started_over() {
    ASSERT_OK(distribute(managed_image(), journaled(), pieces()));
    EXPECT_EQ(resource("/images/i")["fake"]["content"], content_of_disk(pieces()));
    EXPECT_EQ(page_bytes(), sent_before_ + kData + 512);
    expect_nothing_left();
  }

  void expect_nothing_left() {
    EXPECT_FALSE(std::filesystem::exists(journaled().journal));
    expect_clean();
  }

  /// The killed attempt's disk, replaced by one that differs.
  void replace_disk(std::uint64_t size, const std::string& run) {
    auto client = azure_->client();
    ASSERT_OK(client);
    const ArmResource disk{ArmService::kCompute + kStagedDisk, "2024-03-02"};
    (void)client->post(disk, "endGetAccess", json(), {});
    ASSERT_OK(client->remove(disk, {}));
    ASSERT_OK(
        client->put(disk,
                    {{"location", "westeurope"},
                     {"tags", {{"kiln-run", run}, {"kiln-step", "distribute-01"}}},
                     {"properties",
                      {{"osType", "Linux"},
                       {"hyperVGeneration", "V2"},
                       {"creationData", {{"createOption", "Upload"}, {"uploadSizeBytes", size}}}}}},
                    {}));
  }

  void complete_disk() {
    const ArmResource disk{ArmService::kCompute + kStagedDisk, "2024-03-02"};
    const auto access = DiskAccess::grant(*azure_, disk, {});
    ASSERT_OK(access);
    auto options = quick_options();
    options.existing = true;
    auto contents = pieces(2);
    ASSERT_OK(upload_page_blob(contents,
                               {(*access)->location(), {RenewableSas{*access}, "the test"}},
                               options,
                               {events_, "complete", {}}));
    auto client = azure_->client();
    ASSERT_OK(client);
    ASSERT_OK(client->post(disk, "endGetAccess", json(), {}));
    sent_before_ = page_bytes();
  }

  [[nodiscard]] bool disk_was_removed() const {
    const auto notices = events_.messages(EventType::kNotice);
    return std::any_of(notices.begin(), notices.end(), [](const std::string& message) {
      return message.ends_with("is left of an earlier attempt: removed");
    });
  }

  std::optional<TempDir> folder_;
  std::uint64_t sent_before_ = 0;
};

TEST_F(StagedResumeTest, GoesOnWithAKilledAttemptsDisk) {
  kill_in_the_middle();
  ASSERT_EQ(resource(kStagedDisk)["properties"]["diskState"], "ActiveUpload");
  expect_gone_on();
}

TEST_F(StagedResumeTest, GoesOnWithAKilledAttemptsBlob) {
  stage_in_container();
  kill_in_the_middle();
  expect_gone_on();
}

TEST_F(StagedResumeTest, SendsNothingTwiceThatWasWholeBeforeTheKill) {
  for (const std::string moment : {"endGetAccess", "Compute/images/"}) {
    SetUp();
    kill_at(moment == "endGetAccess" ? "POST" : "PUT", moment);
    ASSERT_EQ(sent_before_, kData + 512);
    ASSERT_OK(distribute(managed_image(), journaled(), pieces()));
    EXPECT_EQ(resource("/images/i")["fake"]["content"], content_of_disk(pieces()));
    // The footer is written again where the service has not looked at it yet.
    EXPECT_EQ(page_bytes() - sent_before_, moment == "endGetAccess" ? 512 : 0);
    expect_nothing_left();
  }
}

TEST_F(StagedResumeTest, SendsNothingTwiceThatWasAWholeBlobBeforeTheKill) {
  stage_in_container();
  kill_at("PUT", "Compute/images/");
  ASSERT_EQ(sent_before_, kData + 512);
  expect_gone_on();
}

TEST_F(StagedResumeTest, RemovesWhatAKillAfterTheImageHasLeft) {
  kill_at("DELETE", "Compute/disks/");
  ASSERT_FALSE(resource(kStagedDisk).is_null());
  ASSERT_OK(distribute(managed_image(), journaled(), pieces()));
  EXPECT_EQ(page_bytes(), sent_before_);
  expect_nothing_left();
}

TEST_F(StagedResumeTest, StartsOverWithoutAJournal) {
  kill_in_the_middle();
  ASSERT_TRUE(std::filesystem::remove(journaled().journal));
  expect_started_over();
  EXPECT_TRUE(disk_was_removed());
}

TEST_F(StagedResumeTest, StartsOverWithADiskOfAnotherSize) {
  kill_in_the_middle();
  replace_disk(30 * kMiB + 512, "run1");
  expect_started_over();
  EXPECT_TRUE(disk_was_removed());
}

TEST_F(StagedResumeTest, StartsOverWithADiskWithoutTheRunsMarks) {
  kill_in_the_middle();
  replace_disk(24 * kMiB + 512, "run2");
  expect_started_over();
  EXPECT_TRUE(disk_was_removed());
}

TEST_F(StagedResumeTest, StartsOverWithADiskThatWaitsForNothing) {
  kill_in_the_middle();
  replace_disk(24 * kMiB + 512, "run1");
  complete_disk();
  expect_started_over();
  EXPECT_TRUE(disk_was_removed());
}

TEST_F(StagedResumeTest, BelievesAJournalOfNoOtherDisk) {
  kill_in_the_middle();
  replace_disk(24 * kMiB + 512, "run1");
  expect_started_over();
}

TEST_F(StagedResumeTest, AFailureLeavesNothingToGoOnWith) {
  for (const bool container : {false, true}) {
    if (container) stage_in_container();
    ASSERT_OK(service_->inject_blob({{{"kind", "status"},
                                      {"comp", "page"},
                                      {"status", 400},
                                      {"code", "InvalidInput"},
                                      {"after", 20},
                                      {"times", 0}}}));
    EXPECT_THAT(distribute(managed_image(), journaled(), pieces()),
                FailsWith("Storage:InvalidInput"));
    ASSERT_OK(service_->inject_blob(json::array()));
    expect_nothing_left();
    sent_before_ = page_bytes();
  }
  expect_started_over();
}

}  // namespace
}  // namespace kiln::test
