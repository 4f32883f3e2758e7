#include "uploaders/auth/blob_signer.h"

#include <gtest/gtest.h>

#include "tests/support/matchers.h"
#include "tests/uploaders/support/map_environment.h"

namespace kiln {
namespace {

using test::kEmulatorKey;
using test::MapEnvironment;
using Values = std::map<std::string, std::string>;

/// The request as it would go out; nothing where it goes out without a credential.
std::optional<HttpRequest> signed_request(const std::string& url,
                                          const MapEnvironment& environment) {
  Redactor redactor;
  HttpRequest request{"GET", url, {}, {}};
  const auto did = make_blob_signer(environment, redactor)(request);
  EXPECT_OK(did);
  return did && *did ? std::optional(request) : std::nullopt;
}

TEST(BlobSigner, SignsWithTheKeyOnBlobHostsOnly) {
  const MapEnvironment environment(Values{{"AZURE_STORAGE_KEY", kEmulatorKey}});
  const auto request = signed_request("https://acc.blob.core.windows.net/c/a.sh", environment);
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->headers.get("authorization")->starts_with("SharedKey acc:"));
  EXPECT_TRUE(signed_request("https://acc.blob.region.stack.example/c/a.sh", environment));
  EXPECT_FALSE(signed_request("https://raw.example.com/c/a.sh", environment));
  EXPECT_FALSE(signed_request("https://10.1.2.3/acc/c/a.sh", environment));
  EXPECT_FALSE(signed_request("https://acc.blob.core.windows.net/c/a.sh?sig=own", environment));
}

TEST(BlobSigner, KeepsASasFromForeignHosts) {
  const MapEnvironment environment(Values{{"AZURE_STORAGE_SAS_TOKEN", "sv=2020&sig=abcdef"}});
  const auto request = signed_request("https://acc.blob.core.windows.net/c/a.sh", environment);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->url, "https://acc.blob.core.windows.net/c/a.sh?sv=2020&sig=abcdef");
  EXPECT_FALSE(signed_request("https://acc.blob.core.windows.net.example/c/a.sh", environment));
  EXPECT_FALSE(signed_request("https://acc.blob.example/c/a.sh", environment));
}

TEST(BlobSigner, SaysWhatIsWrongWithACredential) {
  const MapEnvironment environment(Values{{"KILN_STORAGE_KEY_FILE", "/nonexistent"}});
  Redactor redactor;
  HttpRequest request{"GET", "https://acc.blob.core.windows.net/c/a.sh", {}, {}};
  EXPECT_THAT(make_blob_signer(environment, redactor)(request), test::FailsWith("File:Open"));
}

TEST(BlobSigner, HasNothingForOtherAccounts) {
  const MapEnvironment other(
      Values{{"AZURE_STORAGE_KEY", kEmulatorKey}, {"AZURE_STORAGE_ACCOUNT", "other"}});
  EXPECT_FALSE(signed_request("https://acc.blob.core.windows.net/c/a.sh", other));
  EXPECT_FALSE(signed_request("https://acc.blob.core.windows.net/c/a.sh", MapEnvironment()));
}

}  // namespace
}  // namespace kiln
