// What happens when the service, the network or the account misbehave; only our strict fake can be
// told to. It also counts what Azurite lets pass.
#include <set>
#include <thread>

#include "engine/core/file.h"
#include "tests/uploaders/support/strict_fixture.h"

namespace kiln::test {
namespace {

using nlohmann::json;

class UploadFaultsTest : public StrictTest {
 protected:
  /// Uploads through the fault and expects it to have struck and left no trace.
  void survives(const json& fault, bool counts_as_retry = true) {
    ASSERT_OK(service_->inject(json::array({fault})));
    auto disk = sparse_disk();
    const auto report = upload(disk, with_key(blob_));
    ASSERT_OK(report);
    if (counts_as_retry) {
      EXPECT_GE(report->retries, 1U);
      EXPECT_TRUE(was_told("attempt 2 follows"));
    }
    expect_uploaded(disk);
  }
};

TEST_F(UploadFaultsTest, SendsDataOnlyAndEachPageOnce) {
  auto disk = sparse_disk();
  const auto report = upload(disk, with_key(blob_));
  ASSERT_OK(report);
  const auto seen = statistics();
  EXPECT_EQ(seen["zero_granules"], 0);
  EXPECT_EQ(seen["page_bytes"], report->sent_bytes);
  EXPECT_EQ(seen["errors"], json({{"BlobNotFound", 1}})) << "the look before the upload";
  EXPECT_EQ(seen["checksums"], json({{"crc64", seen["page_requests"]}}));
  EXPECT_EQ(seen["user_agents"], json::array({"kiln/" KILN_VERSION}));
  std::uint64_t sum = 0;
  std::set<std::uint64_t> offsets;
  for (const auto& range : seen["ranges"]) {
    EXPECT_LE(range[1].get<std::uint64_t>(), 4 * kMiB);
    offsets.insert(range[0].get<std::uint64_t>());
    sum += range[1].get<std::uint64_t>();
  }
  EXPECT_EQ(sum, report->sent_bytes);
  EXPECT_EQ(offsets.size(), seen["ranges"].size());
  const auto last = seen["ranges"].back();
  EXPECT_EQ(last[0], 41 * kMiB) << "the footer comes last";
  EXPECT_EQ(last[1], 512);
}

TEST_F(UploadFaultsTest, FollowsTheOpenApi) {
  if (std::getenv("KILN_SHARED_DIR") == nullptr) GTEST_SKIP() << "KILN_SHARED_DIR is not set";
  auto disk = sparse_disk();
  ASSERT_OK(upload(disk, with_key(blob_)));
  options_.existing = true;
  ASSERT_OK(upload(disk, with_key(blob_)));
  EXPECT_GE(statistics()["held_against_openapi"], 40) << "requests and answers";
}

TEST_F(UploadFaultsTest, WorksInParallelWithinBounds) {
  PatternDisk disk(64 * kMiB, {{0, 64 * kMiB}});
  ASSERT_OK(
      service_->inject({{{"kind", "slow"}, {"comp", "page"}, {"seconds", 0.2}, {"times", 0}}}));
  options_.workers = 4;
  ASSERT_OK(upload(disk, with_key(blob_)));
  const auto seen = statistics();
  EXPECT_GE(seen["max_concurrent"], 3);
  EXPECT_LE(seen["max_concurrent"], 4);
  expect_uploaded(disk);
}

TEST_F(UploadFaultsTest, ServerBusyWithRetryAfter) {
  const auto start = std::chrono::steady_clock::now();
  survives({{"kind", "status"},
            {"comp", "page"},
            {"status", 503},
            {"code", "ServerBusy"},
            {"retry_after", 1},
            {"after", 2},
            {"times", 3}});
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST_F(UploadFaultsTest, OperationTimedOut) {
  survives({{"kind", "status"},
            {"comp", "page"},
            {"status", 500},
            {"code", "OperationTimedOut"},
            {"times", 4}});
}

TEST_F(UploadFaultsTest, ConnectionResetInTheBody) {
  survives({{"kind", "reset"}, {"comp", "page"}, {"after", 1}, {"times", 3}});
}

TEST_F(UploadFaultsTest, AnswerOfAPageLost) {
  survives({{"kind", "drop"}, {"comp", "page"}, {"after", 1}, {"times", 2}});
}

TEST_F(UploadFaultsTest, AnswerOfTheCreationLost) {
  // The second attempt is told that the blob exists: it is our own. Who makes that attempt, Kiln or
  // libcurl, depends on whether the connection was used before.
  survives({{"kind", "drop"}, {"method", "PUT"}, {"comp", ""}}, false);
}

TEST_F(UploadFaultsTest, SlowAnswers) {
  survives({{"kind", "slow"}, {"comp", "page"}, {"seconds", 1.5}, {"times", 2}}, false);
}

TEST_F(UploadFaultsTest, StallsAreCutShort) {
  options_.blob.http.stall_timeout = std::chrono::seconds(2);
  survives({{"kind", "slow"}, {"comp", "page"}, {"seconds", 20}, {"times", 1}});
}

TEST_F(UploadFaultsTest, OneWrongChecksumIsRepaired) {
  survives({{"kind", "crc"}, {"comp", "page"}});
}

TEST_F(UploadFaultsTest, WrongChecksumsForeverFail) {
  ASSERT_OK(service_->inject({{{"kind", "crc"}, {"comp", "page"}, {"times", 0}}}));
  auto disk = sparse_disk();
  const auto report = upload(disk, with_key(blob_));
  ASSERT_THAT(report, FailsWith("Storage:ChecksumMismatch"));
  EXPECT_NE(report.error().cure(), "");
  expect_absent();
}

TEST_F(UploadFaultsTest, ThrottlingWithoutEndFails) {
  options_.blob.retry.attempts = 3;
  ASSERT_OK(service_->inject({{{"kind", "status"},
                               {"comp", "page"},
                               {"status", 503},
                               {"code", "ServerBusy"},
                               {"times", 0}}}));
  auto disk = sparse_disk();
  const auto report = upload(disk, with_key(blob_));
  ASSERT_THAT(report, FailsWith("Storage:ServerBusy"));
  EXPECT_NE(report.error().describe().find("trying 3 times"), std::string::npos);
  expect_absent();
}

TEST_F(UploadFaultsTest, TheFirstRefusalEndsTheUpload) {
  PatternDisk disk(256 * kMiB, {{0, 256 * kMiB}});
  ASSERT_OK(service_->inject({{{"kind", "status"},
                               {"comp", "page"},
                               {"status", 403},
                               {"code", "AuthenticationFailed"},
                               {"after", 3},
                               {"times", 0}}}));
  const auto report = upload(disk, with_key(blob_));
  ASSERT_THAT(report, FailsWith("Storage:AuthenticationFailed"));
  EXPECT_NE(report.error().message().find("credential from the test"), std::string::npos);
  const auto seen = statistics();
  EXPECT_LT(seen["operations"]["PUT page"].get<int>(), 3 + 2 * 8) << "64 would be the whole disk";
  expect_absent();
}

TEST_F(UploadFaultsTest, PagesThatWereNotStoredAreNoticed) {
  ASSERT_OK(service_->inject({{{"kind", "lose"}, {"comp", "page"}, {"after", 2}}}));
  auto disk = sparse_disk();
  EXPECT_THAT(upload(disk, with_key(blob_)), FailsWith("Storage:VerifyFailed"));
  expect_absent();
}

TEST_F(UploadFaultsTest, ForeignBlobsAreNeverDeleted) {
  // Somebody else creates the blob between our look and our creation.
  auto first = sparse_disk();
  ASSERT_OK(upload(first, with_key(blob_)));
  ASSERT_OK(service_->inject(
      {{{"kind", "status"}, {"method", "HEAD"}, {"status", 404}, {"code", "BlobNotFound"}}}));
  auto second = sparse_disk(2);
  EXPECT_THAT(upload(second, with_key(blob_)), FailsWith("Storage:BlobAlreadyExists"));
  expect_uploaded(first);
}

TEST_F(UploadFaultsTest, ACleanUpThatFailsIsReportedAfterTheCause) {
  ASSERT_OK(service_->inject(
      {{{"kind", "status"}, {"comp", "page"}, {"status", 403}, {"code", "AuthorizationFailure"}},
       {{"kind", "status"}, {"method", "DELETE"}, {"status", 403}, {"code", "Nope"}}}));
  auto disk = sparse_disk();
  const auto report = upload(disk, with_key(blob_));
  ASSERT_THAT(report, FailsWith("Storage:AuthorizationFailure"));
  ASSERT_EQ(report.error().also().size(), 1U);
  EXPECT_NE(report.error().also().front().find("Nope"), std::string::npos);
}

// As after a cancellation: the service may still write pages whose requests were given up.
TEST_F(UploadFaultsTest, APageWrittenDuringTheCleanUpDoesNotKeepTheBlob) {
  ASSERT_OK(service_->inject(
      {{{"kind", "status"}, {"comp", "page"}, {"status", 403}, {"code", "AuthorizationFailure"}},
       {{"kind", "status"},
        {"method", "DELETE"},
        {"status", 412},
        {"code", "ConditionNotMet"},
        {"times", 3}}}));
  auto disk = sparse_disk();
  const auto report = upload(disk, with_key(blob_));
  ASSERT_THAT(report, FailsWith("Storage:AuthorizationFailure"));
  EXPECT_TRUE(report.error().also().empty());
  expect_absent();
}

TEST_F(UploadFaultsTest, LeasedBlobs) {
  auto disk = sparse_disk();
  ASSERT_OK(upload(disk, with_key(blob_)));
  const auto leased =
      service_->status_of("PUT",
                          blob_,
                          {{"x-ms-lease-action", "acquire"}, {"x-ms-lease-duration", "-1"}},
                          "comp=lease");
  ASSERT_OK(leased);
  ASSERT_EQ(*leased, 201);
  options_.overwrite = true;
  const auto checked = check(with_key(blob_));
  ASSERT_THAT(checked, FailsWith("Storage:Leased"));
  EXPECT_NE(checked.error().cure(), "");
  EXPECT_THAT(upload(disk, with_key(blob_)), FailsWith("Storage:LeaseIdMissing"));
  expect_uploaded(disk);
}

TEST_F(UploadFaultsTest, SasWithoutPermissions) {
  const auto readable = service_->sas(blob_, {"--permissions", "r"});
  ASSERT_OK(readable);
  EXPECT_THAT(check(with_sas(blob_, *readable)), FailsWith("Auth:Sas"));
  const auto expired = service_->sas(blob_, {"--expiry", "2020-01-01T00:00:00Z"});
  ASSERT_OK(expired);
  EXPECT_THAT(check(with_sas(blob_, *expired)), FailsWith("Auth:Sas"));
  const auto blind = service_->sas(blob_, {"--permissions", "w"});
  ASSERT_OK(blind);
  const auto checked = check(with_sas(blob_, *blind));
  ASSERT_THAT(checked, FailsWith("Storage:AuthorizationPermissionMismatch"));
  EXPECT_NE(checked.error().cure(), "");
}

TEST_F(UploadFaultsTest, CancellationInterruptsARequest) {
  ASSERT_OK(
      service_->inject({{{"kind", "slow"}, {"comp", "page"}, {"seconds", 30}, {"times", 0}}}));
  std::jthread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    cancel_.request();
  });
  auto disk = sparse_disk();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(upload(disk, with_key(blob_)), FailsWith("Run:Cancelled"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  expect_absent();
}

TEST_F(UploadFaultsTest, DisksThatNoPageBlobHolds) {
  EXPECT_THAT(check(with_key(blob_), 8 * kTiB), FailsWith("Storage:TooLarge"));
  EXPECT_OK(check(with_key(blob_), 8 * kTiB - kMiB));
}

struct VersionCase {
  std::string newest;
  std::string used;
  std::string checksum;
};

TEST_F(UploadFaultsTest, StepsDownToTheVersionTheServiceKnows) {
  for (const auto& test : {VersionCase{"2020-01-01", "2019-12-12", "crc64"},
                           VersionCase{"2019-07-07", "2019-07-07", "crc64"},
                           VersionCase{"2017-11-09", "2017-11-09", "md5"}}) {
    auto old =
        AzureService::start_strict({"--newest-version", test.newest, "--container", "images"});
    ASSERT_OK(old);
    blob_ = (*old)->endpoint() + "/images/image.vhd";
    auto disk = sparse_disk();
    const auto report = upload(disk, with_key(blob_));
    ASSERT_OK(report);
    EXPECT_EQ(report->service_version, test.used);
    const auto seen = (*old)->statistics();
    ASSERT_OK(seen);
    EXPECT_EQ((*seen)["checksums"], json({{test.checksum, (*seen)["page_requests"]}}));
  }
}

TEST_F(UploadFaultsTest, UntrustedCertificatesAreRefused) {
  const auto folder = TempDir::create();
  ASSERT_OK(folder);
  const auto pem = (folder->path() / "server.pem").string();
  const auto runner = make_process_runner();
  Command command;
  command.argv = {"openssl",
                  "req",
                  "-x509",
                  "-newkey",
                  "rsa:2048",
                  "-nodes",
                  "-days",
                  "2",
                  "-subj",
                  "/CN=127.0.0.1",
                  "-addext",
                  "subjectAltName=IP:127.0.0.1",
                  "-keyout",
                  pem,
                  "-out",
                  pem + ".crt"};
  ASSERT_OK(run_checked(*runner, command, {}));
  const auto key = read_file(pem);
  const auto certificate = read_file(pem + ".crt");
  ASSERT_OK(key);
  ASSERT_OK(certificate);
  ASSERT_OK(write_file_atomic(pem, *key + *certificate, 0600));
  const auto tls = AzureService::start_strict({"--certificate", pem});
  ASSERT_OK(tls);
  const auto checked = check(with_key((*tls)->endpoint() + "/images/image.vhd"));
  ASSERT_THAT(checked, FailsWith("Http:Tls"));
  EXPECT_NE(checked.error().cure().find("trust store"), std::string::npos);
}

TEST_F(UploadFaultsTest, NobodyThere) {
  options_.blob.retry.attempts = 2;
  const auto checked = check(with_key("http://127.0.0.1:9/devstoreaccount1/c/b.vhd"));
  ASSERT_THAT(checked, FailsWith("Http:Connect"));
  EXPECT_NE(checked.error().cure(), "");
}

}  // namespace
}  // namespace kiln::test
