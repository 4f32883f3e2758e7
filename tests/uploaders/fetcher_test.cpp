// The fetcher against a real HTTP server: the strict page blob fake, whose blobs are files here.
#include "uploaders/transport/fetcher.h"

#include <filesystem>
#include <thread>

#include "engine/core/digest.h"
#include "engine/core/file.h"
#include "tests/uploaders/support/upload_fixture.h"

namespace kiln::test {
namespace {

using nlohmann::json;

class FetcherTest : public UploadTest {
 protected:
  static void SetUpTestSuite() {
    auto started = AzureService::start_strict();
    ASSERT_OK(started);
    service_ = *std::move(started);
  }
  static void TearDownTestSuite() { service_.reset(); }

  void SetUp() override {
    ASSERT_NE(service_, nullptr);
    ASSERT_OK(service_->reset());
    const auto container = service_->make_container();
    ASSERT_OK(container);
    const auto blob = *container + "/file";
    PatternDisk contents(3 * kMiB, {{0, 3 * kMiB}});
    ASSERT_OK(upload(contents, with_key(blob)));
    const auto sas = service_->sas(blob, {"--permissions", "r"});
    ASSERT_OK(sas);
    signature_ = sas->substr(sas->find("sig=") + 4);
    url_ = blob + "?" + *sas;
    const auto whole = service_->download(blob);
    ASSERT_OK(whole);
    expected_ = *whole;
    auto made = TempDir::create();
    ASSERT_OK(made);
    folder_.emplace(*std::move(made));
    target_ = folder_->path() / "fetched";
    RetryPolicy policy;
    policy.first_delay = std::chrono::milliseconds(10);
    policy.attempts = 4;
    fetcher_ = make_fetcher(folder_->path(), policy);
  }

  void expect_fetched() {
    const auto digest = fetcher_->fetch(url_, target_, {});
    ASSERT_OK(digest);
    const auto contents = read_file(target_);
    ASSERT_OK(contents);
    EXPECT_TRUE(*contents == expected_);
    EXPECT_EQ(*digest, sha256_hex(expected_)) << "of one attempt, not of all";
  }
  void expect_nothing_left() const { EXPECT_TRUE(std::filesystem::is_empty(folder_->path())); }

  static std::unique_ptr<AzureService> service_;
  std::optional<TempDir> folder_;
  std::filesystem::path target_;
  std::unique_ptr<Fetcher> fetcher_;
  std::string url_;
  std::string signature_;
  std::string expected_;
};
std::unique_ptr<AzureService> FetcherTest::service_;

TEST_F(FetcherTest, Fetches) {
  EXPECT_OK(fetcher_->check(url_, {}));
  expect_nothing_left();
  expect_fetched();
  const std::filesystem::directory_iterator all(folder_->path());
  EXPECT_EQ(std::distance(begin(all), end(all)), 1);
}

TEST_F(FetcherTest, SurvivesBusyServersAndCutConnections) {
  ASSERT_OK(
      service_->inject({{{"kind", "status"}, {"method", "GET"}, {"status", 503}, {"times", 1}}}));
  expect_fetched();
  ASSERT_OK(service_->inject({{{"kind", "cut"}, {"method", "GET"}, {"times", 2}}}));
  expect_fetched();
}

TEST_F(FetcherTest, FollowsRedirects) {
  ASSERT_OK(service_->inject({{{"kind", "redirect"}, {"method", "GET"}, {"location", url_}}}));
  expect_fetched();
}

TEST_F(FetcherTest, ChecksWithoutHead) {
  ASSERT_OK(service_->inject({{{"kind", "status"}, {"method", "HEAD"}, {"status", 403}}}));
  EXPECT_OK(fetcher_->check(url_, {}));
}

TEST_F(FetcherTest, RefusalsHideTheSignatureAndLeaveNothing) {
  const auto broken = url_.substr(0, url_.size() - 8) + "AAAAAA%3D";
  const auto expect_refused = [&](const auto& result) {
    ASSERT_THAT(result, FailsWith("Fetch:Status"));
    EXPECT_NE(result.error().cure(), "");
    EXPECT_EQ(result.error().describe().find(signature_.substr(0, 20)), std::string::npos);
  };
  expect_refused(fetcher_->fetch(broken, target_, {}));
  expect_refused(fetcher_->check(broken, {}));
  expect_nothing_left();
  ASSERT_OK(service_->inject({{{"kind", "cut"}, {"method", "GET"}, {"times", 0}}}));
  const auto cut = fetcher_->fetch(url_, target_, {});
  ASSERT_THAT(cut, FailsWith("Http:Interrupted"));
  EXPECT_EQ(cut.error().describe().find(signature_.substr(0, 20)), std::string::npos);
  expect_nothing_left();
}

TEST_F(FetcherTest, MissingFiles) {
  const auto missing = service_->endpoint() + "/container1/nothing" + url_.substr(url_.find('?'));
  EXPECT_THAT(fetcher_->check(missing, {}), FailsWith("Fetch:Status"));
}

TEST_F(FetcherTest, CancellationLeavesNothing) {
  ASSERT_OK(service_->inject({{{"kind", "slow"}, {"method", "GET"}, {"seconds", 20}}}));
  CancelSource cancel;
  std::jthread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    cancel.request();
  });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(fetcher_->fetch(url_, target_, cancel.token()), FailsWith("Run:Cancelled"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4));
  expect_nothing_left();
}

}  // namespace
}  // namespace kiln::test
