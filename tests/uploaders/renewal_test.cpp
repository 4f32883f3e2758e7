// Credentials that end in the middle of an upload.
#include "tests/uploaders/support/numbered_secret.h"
#include "tests/uploaders/support/strict_fixture.h"

namespace kiln::test {
namespace {

class RenewalTest : public StrictTest {
 protected:
  /// The credential ends while the eighth page is on its way, and again some pages later.
  void expire_twice() {
    ASSERT_OK(
        service_->inject({{{"kind", "revoke"}, {"comp", "page"}, {"after", 7}, {"times", 1}},
                          {{"kind", "revoke"}, {"comp", "page"}, {"after", 30}, {"times", 1}}}));
  }
  [[nodiscard]] PageBlobTarget target(decltype(StorageCredential::value) value) const {
    return {parse_blob_location(blob_).value(), {std::move(value), "the test"}};
  }
};

/// Sixty pieces, each a request.
PatternDisk many_pieces() {
  std::vector<PatternDisk::Range> pieces;
  for (std::uint64_t i = 0; i < 60; ++i) pieces.emplace_back(i * kMiB, 64 * kKiB);
  return PatternDisk(60 * kMiB, std::move(pieces));
}

TEST_F(RenewalTest, ABearerTokenIsRenewedOnceForAllWorkers) {
  ASSERT_OK(service_->accept_tokens({"token-1", "token-2", "token-3"}));
  expire_twice();
  const auto token = std::make_shared<NumberedSecret>(
      std::vector<std::string>{"token-1", "token-2", "token-3", "token-4"});
  auto disk = many_pieces();
  ASSERT_OK(check(target(BearerToken{token}), disk.size()));
  ASSERT_OK(upload(disk, target(BearerToken{token})));
  expect_uploaded(disk);
  EXPECT_EQ(token->renewals(), 2U) << "one for each end, though eight workers were refused";
}

TEST_F(RenewalTest, ASasIsRenewed) {
  std::vector<std::string> queries;
  for (const auto* expiry :
       {"2098-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "2099-01-02T00:00:00Z"}) {
    auto sas = service_->sas(blob_, {"--expiry", expiry});
    ASSERT_OK(sas);
    queries.push_back(*std::move(sas));
  }
  expire_twice();
  const auto query = std::make_shared<NumberedSecret>(queries);
  auto disk = many_pieces();
  ASSERT_OK(upload(disk, target(RenewableSas{query})));
  expect_uploaded(disk);
  EXPECT_EQ(query->renewals(), 2U);
}

TEST_F(RenewalTest, ARenewalThatDoesNotHelpEndsTheUpload) {
  ASSERT_OK(service_->accept_tokens({"token-1"}));
  expire_twice();
  const auto token =
      std::make_shared<NumberedSecret>(std::vector<std::string>{"token-1", "token-2"});
  auto disk = many_pieces();
  const auto report = upload(disk, target(BearerToken{token}));
  ASSERT_THAT(report, FailsWith("Storage:InvalidAuthenticationInfo"));
  expect_no_secret(report.error(), "token-");
}

}  // namespace
}  // namespace kiln::test
