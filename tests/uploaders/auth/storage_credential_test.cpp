#include "uploaders/auth/storage_credential.h"

#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"
#include "tests/uploaders/support/map_environment.h"
#include "tests/uploaders/support/numbered_secret.h"

namespace kiln::test {
namespace {

using std::chrono::system_clock;

BlobLocation location(const std::string& text) {
  auto parsed = parse_blob_location(text);
  KILN_CHECK(parsed.has_value());
  return *parsed;
}

const std::string kUrl = "https://acc.blob.example/c/b.vhd";
const std::string kKeyText = "c2VjcmV0IGtleSBvZiBhY2M=";
const std::string kSas = "sv=2021-08-06&sp=rw&sig=c2lnbmF0dXJl%2Bof%3D";

Result<StorageCredential> find(const std::map<std::string, std::string>& variables,
                               const std::string& url = kUrl) {
  Redactor redactor;
  return find_storage_credential(location(url), MapEnvironment(variables), redactor);
}

TEST(StorageCredentialTest, TheFirstOfTheChainDecides) {
  const auto folder = TempDir::create();
  ASSERT_OK(folder);
  const auto key_file = (folder->path() / "key").string();
  ASSERT_OK(write_file_atomic(key_file, "  a2V5IG9mIHRoZSBmaWxl\n"));
  std::map<std::string, std::string> variables = {
      {"KILN_STORAGE_KEY_FILE", key_file},
      {"AZURE_STORAGE_SAS_TOKEN", "?" + kSas},
      {"AZURE_STORAGE_KEY", kKeyText},
      {"AZURE_STORAGE_CONNECTION_STRING", "AccountName=acc;AccountKey=Y29ubmVjdGlvbg=="},
  };
  auto found = find(variables, kUrl + "?" + kSas);
  ASSERT_OK(found);
  EXPECT_EQ(found->origin, "the URL");
  EXPECT_EQ(std::get<SasToken>(found->value).query.reveal(), kSas);

  found = find(variables);
  ASSERT_OK(found);
  EXPECT_EQ(found->origin, "KILN_STORAGE_KEY_FILE");
  EXPECT_EQ(std::get<SharedKey>(found->value).key.reveal(), "a2V5IG9mIHRoZSBmaWxl");

  variables.erase("KILN_STORAGE_KEY_FILE");
  found = find(variables);
  ASSERT_OK(found);
  EXPECT_EQ(found->origin, "AZURE_STORAGE_SAS_TOKEN");
  EXPECT_EQ(std::get<SasToken>(found->value).query.reveal(), kSas) << "without the question mark";

  variables.erase("AZURE_STORAGE_SAS_TOKEN");
  found = find(variables);
  ASSERT_OK(found);
  EXPECT_EQ(found->origin, "AZURE_STORAGE_KEY");
  EXPECT_EQ(std::get<SharedKey>(found->value).account, "acc");

  variables.erase("AZURE_STORAGE_KEY");
  found = find(variables);
  ASSERT_OK(found);
  EXPECT_EQ(found->origin, "AZURE_STORAGE_CONNECTION_STRING");
  EXPECT_EQ(std::get<SharedKey>(found->value).key.reveal(), "Y29ubmVjdGlvbg==");

  variables.clear();
  found = find(variables);
  ASSERT_THAT(found, FailsWith("Auth:NoCredential"));
  EXPECT_EQ(found.error().kind(), ErrorKind::kHostNotReady);
  EXPECT_NE(found.error().cure().find("AZURE_STORAGE_KEY"), std::string::npos);
}

TEST(StorageCredentialTest, CredentialsOfOtherAccountsAreRefused) {
  EXPECT_THAT(find({{"AZURE_STORAGE_KEY", kKeyText}, {"AZURE_STORAGE_ACCOUNT", "other"}}),
              FailsWith("Auth:OtherAccount"));
  EXPECT_OK(find({{"AZURE_STORAGE_KEY", kKeyText}, {"AZURE_STORAGE_ACCOUNT", "acc"}}));
  EXPECT_THAT(find({{"AZURE_STORAGE_CONNECTION_STRING", "AccountName=other;AccountKey=AAAA"}}),
              FailsWith("Auth:OtherAccount"));
  EXPECT_THAT(find({{"AZURE_STORAGE_CONNECTION_STRING",
                     "BlobEndpoint=https://acc.blob.elsewhere/;AccountKey=AAAA"}}),
              FailsWith("Auth:OtherAccount"));
}

TEST(StorageCredentialTest, ConnectionStrings) {
  const auto sas = find({{"AZURE_STORAGE_CONNECTION_STRING",
                          "BlobEndpoint=https://acc.blob.example/;SharedAccessSignature=" + kSas}});
  ASSERT_OK(sas);
  EXPECT_EQ(std::get<SasToken>(sas->value).query.reveal(), kSas);
  const auto emulator = find({{"AZURE_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true"}},
                             "http://127.0.0.1:10000/devstoreaccount1/c/b.vhd");
  ASSERT_OK(emulator);
  EXPECT_EQ(std::get<SharedKey>(emulator->value).key.reveal(), kEmulatorKey);
  EXPECT_THAT(find({{"AZURE_STORAGE_CONNECTION_STRING", "AccountName=acc"}}),
              FailsWith("Auth:ConnectionString"));
}

TEST(StorageCredentialTest, DamagedCredentials) {
  EXPECT_THAT(find({{"AZURE_STORAGE_KEY", "not base64!"}}), FailsWith("Auth:BadKey"));
  EXPECT_THAT(find({{"AZURE_STORAGE_SAS_TOKEN", "sv=2021-08-06&sp=rw"}}), FailsWith("Auth:BadSas"));
  EXPECT_THAT(find({{"KILN_STORAGE_KEY_FILE", "/nonexistent/key"}}), FailsWith("File:Open"));
}

TEST(StorageCredentialTest, TheRedactorLearnsEveryForm) {
  Redactor redactor;
  const auto target = location(kUrl + "?" + kSas);
  ASSERT_OK(find_storage_credential(target, MapEnvironment(), redactor));
  const MapEnvironment environment({{"AZURE_STORAGE_KEY", kKeyText}});
  ASSERT_OK(find_storage_credential(location(kUrl), environment, redactor));
  const auto clean =
      redactor.redact("1 " + kSas + " 2 c2lnbmF0dXJl%2Bof%3D 3 c2lnbmF0dXJl+of= 4 " + kKeyText);
  EXPECT_EQ(clean.find("c2lnbmF0dXJl"), std::string::npos) << clean;
  EXPECT_EQ(clean.find(kKeyText), std::string::npos) << clean;
}

TEST(StorageCredentialTest, SasIsAppendedVerbatim) {
  const StorageCredential credential{SasToken{Secret(kSas)}, "test"};
  HttpRequest request{"PUT", kUrl + "?comp=page", {}, {}};
  ASSERT_OK(authorize(credential, system_clock::now(), request));
  EXPECT_EQ(request.url, kUrl + "?comp=page&" + kSas);
  EXPECT_TRUE(request.headers.items().empty());
  request = {"HEAD", kUrl, {}, {}};
  ASSERT_OK(authorize(credential, system_clock::now(), request));
  EXPECT_EQ(request.url, kUrl + "?" + kSas);
}

TEST(StorageCredentialTest, ABearerTokenNeedsPrivacy) {
  const auto token = std::make_shared<NumberedSecret>(std::vector<std::string>{"first", "second"});
  const StorageCredential credential{BearerToken{token}, "test"};
  HttpRequest request{"GET", "http://acc.blob.example/c/b.vhd", {}, {}};
  ASSERT_THAT(authorize(credential, system_clock::now(), request), FailsWith("Auth:NotEncrypted"));
  EXPECT_TRUE(request.headers.items().empty());
  for (const auto* url :
       {"https://acc.blob.example/c/b.vhd", "http://127.0.0.1:10000/acc/c/b.vhd"}) {
    request = {"GET", url, {}, {}};
    const auto used = authorize(credential, system_clock::now(), request);
    ASSERT_OK(used);
    EXPECT_EQ(used->reveal(), "first");
    EXPECT_EQ(request.headers.value("Authorization"), "Bearer first");
    EXPECT_EQ(request.url, url);
  }
}

TEST(StorageCredentialTest, OnlyWhatEndsIsRenewed) {
  const auto query = std::make_shared<NumberedSecret>(std::vector<std::string>{"sig=1", "sig=2"});
  const StorageCredential credential{RenewableSas{query}, "test"};
  EXPECT_TRUE(renew(credential, Secret("sig=1"), {}).value());
  EXPECT_TRUE(renew(credential, Secret("sig=1"), {}).value());
  EXPECT_EQ(query->renewals(), 1U);
  HttpRequest request{"HEAD", kUrl, {}, {}};
  ASSERT_OK(authorize(credential, system_clock::now(), request));
  EXPECT_EQ(request.url, kUrl + "?sig=2");
  EXPECT_FALSE(renew({SasToken{Secret(kSas)}, "test"}, Secret(), {}).value());
}

TEST(StorageCredentialTest, ASasThatCannotWorkIsRefusedAtOnce) {
  const auto now = system_clock::from_time_t(1'700'000'000);  // 2023-11-14T22:13:20Z
  const auto check = [&](const std::string& query) {
    return check_sas(SasToken{Secret(query + "&sig=secretsecret")}, now);
  };
  for (const auto* good : {"sp=racwd&se=2023-11-14T22:13:21Z",
                           "sp=w&st=2023-11-14&se=2023-11-14",
                           "si=policy",
                           "sp=cw&st=2023-11-14T22%3A13Z&se=2023-11-14T22%3A14Z"}) {
    EXPECT_OK(check(good));
  }
  for (const auto* bad : {"sp=racwd&se=2023-11-14T22:13:19Z",
                          "sp=racwd&se=2023-11-13",
                          "sp=racwd&st=2023-11-14T22%3A14Z",
                          "sp=r&se=2030-01-01"}) {
    const auto checked = check(bad);
    ASSERT_THAT(checked, FailsWith("Auth:Sas")) << bad;
    EXPECT_NE(checked.error().cure(), "");
    EXPECT_EQ(checked.error().describe().find("secretsecret"), std::string::npos);
  }
}

}  // namespace
}  // namespace kiln::test
