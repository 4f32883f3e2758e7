// Tokens from every kind of issuer, over TLS with an authority that only --ca-file knows.
#include <fstream>
#include <utility>

#include "engine/core/file.h"
#include "tests/support/matchers.h"
#include "tests/uploaders/support/arm_service.h"
#include "uploaders/auth/token_chain.h"

namespace kiln {
namespace {

using test::ArmService;
using test::FailsWith;
using test::MapEnvironment;
using Variables = std::map<std::string, std::string>;

class TokensTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    make_certificate();
    auto service = ArmService::start({"--certificate-of-client", *certificate_});
    ASSERT_OK(service);
    service_ = service->release();
  }
  static void TearDownTestSuite() {
    delete service_;
    delete certificate_;
    delete folder_;
  }

  static void make_certificate() {
    folder_ = new TempDir(std::move(TempDir::create()).value());
    certificate_ = new std::string(folder_->path() / "client.pem");
    const auto runner = make_process_runner();
    const auto openssl = [&](std::vector<std::string> arguments) {
      arguments.insert(arguments.begin(), "openssl");
      ASSERT_OK(run_checked(*runner, {std::move(arguments), {}, {}, {}, {}}, {}));
    };
    openssl({"req",
             "-x509",
             "-newkey",
             "rsa:2048",
             "-nodes",
             "-days",
             "2",
             "-subj",
             "/CN=client",
             "-keyout",
             *certificate_ + ".key",
             "-out",
             *certificate_ + ".cert"});
    std::ofstream(*certificate_) << *read_file(*certificate_ + ".key")
                                 << *read_file(*certificate_ + ".cert");
    openssl({"pkcs12",
             "-export",
             "-in",
             *certificate_,
             "-passout",
             "pass:planted-password",
             "-out",
             *certificate_ + ".pfx"});
  }

  Result<AccessToken> request(AuthMethod method,
                              Variables variables,
                              const Cloud* other = nullptr) {
    KILN_TRY_ASSIGN(const auto found, service_->cloud());
    const auto& cloud = other == nullptr ? found : *other;
    const MapEnvironment environment(std::move(variables));
    TokenContext context{environment, *runner_, redactor_};
    context.transport.http = service_->http();
    context.transport.retry.attempts = 1;
    context.places.arc_tokens = service_->folder() / "arc-tokens";
    context.places.chassis_tag = "/nonexistent";
    KILN_TRY_ASSIGN(const auto source, choose_token_source(method, cloud, context));
    origin_ = source->origin();
    return source->request(cloud.audience, {});
  }

  int issued(const std::string& kind) {
    const auto state = service_->state();
    return state ? (*state)["tokens"].value(kind, 0) : -1;
  }

  static ArmService* service_;
  static TempDir* folder_;
  static std::string* certificate_;
  std::unique_ptr<ProcessRunner> runner_ = make_process_runner();
  Redactor redactor_;
  std::string origin_;
};

ArmService* TokensTest::service_ = nullptr;
TempDir* TokensTest::folder_ = nullptr;
std::string* TokensTest::certificate_ = nullptr;

TEST_F(TokensTest, OfASecret) {
  const auto token = request(AuthMethod::kAuto, service_->principal());
  ASSERT_OK(token);
  EXPECT_TRUE(token->value.reveal().starts_with("planted-token-"));
  EXPECT_GT(token->expires, std::chrono::system_clock::now() + std::chrono::minutes(50));
  EXPECT_EQ(origin_, "the secret in AZURE_CLIENT_SECRET");
  EXPECT_EQ(redactor_.redact(ArmService::kSecret), "***");
}

TEST_F(TokensTest, OfACertificateAsPemAndAsPkcs12) {
  Variables variables = service_->principal();
  variables.erase("AZURE_CLIENT_SECRET");
  variables["AZURE_CLIENT_CERTIFICATE_PATH"] = *certificate_;
  EXPECT_OK(request(AuthMethod::kAuto, variables));
  EXPECT_EQ(origin_, "the certificate in AZURE_CLIENT_CERTIFICATE_PATH");
  variables["AZURE_CLIENT_CERTIFICATE_PATH"] = *certificate_ + ".pfx";
  EXPECT_THAT(request(AuthMethod::kAuto, variables), FailsWith("Auth:Certificate"));
  variables["AZURE_CLIENT_CERTIFICATE_PASSWORD"] = "planted-password";
  EXPECT_OK(request(AuthMethod::kAuto, variables));
  variables["AZURE_CLIENT_CERTIFICATE_PATH"] = *certificate_ + ".key";
  EXPECT_THAT(request(AuthMethod::kAuto, variables), FailsWith("Auth:Certificate"));
}

TEST_F(TokensTest, OfAWorkloadReadTheFileEachTime) {
  const auto file = folder_->path() / "federated";
  std::ofstream(file) << "not-yet-there\n";
  Variables variables = service_->principal();
  variables.erase("AZURE_CLIENT_SECRET");
  variables["AZURE_FEDERATED_TOKEN_FILE"] = file;
  EXPECT_THAT(request(AuthMethod::kAuto, variables), FailsWith("Auth:TokenRefused"));
  std::ofstream(file) << ArmService::kFederatedToken << "\n";
  EXPECT_OK(request(AuthMethod::kAuto, variables));
  EXPECT_EQ(redactor_.redact(ArmService::kFederatedToken), "***");
}

TEST_F(TokensTest, OfAMachine) {
  const auto before = issued("imds");
  const Variables variables = {{"AZURE_POD_IDENTITY_AUTHORITY_HOST", service_->endpoint()}};
  EXPECT_OK(request(AuthMethod::kManagedIdentity, variables));
  EXPECT_EQ(issued("imds"), before + 1);
  auto other = variables;
  other["AZURE_CLIENT_ID"] = "99999999-9999-9999-9999-999999999999";
  EXPECT_THAT(request(AuthMethod::kAuto, other), FailsWith("Auth:TokenRefused"));
}

TEST_F(TokensTest, OfAnAppService) {
  EXPECT_OK(request(AuthMethod::kAuto,
                    {{"IDENTITY_ENDPOINT", service_->endpoint() + "/msi/token"},
                     {"IDENTITY_HEADER", ArmService::kIdentityHeader}}));
  EXPECT_EQ(issued("app-service"), 1);
}

TEST_F(TokensTest, OfAzureArcByTheFileOfItsChallenge) {
  const Variables variables = {{"IDENTITY_ENDPOINT", service_->endpoint() + "/arc/token"},
                               {"IMDS_ENDPOINT", service_->endpoint()}};
  EXPECT_OK(request(AuthMethod::kAuto, variables));
  EXPECT_EQ(issued("arc"), 1);
  EXPECT_EQ(redactor_.redact(ArmService::kArcAnswer), "***");
}

TEST_F(TokensTest, OfAzureArcFromItsFolderOnly) {
  const MapEnvironment environment({{"IDENTITY_ENDPOINT", service_->endpoint() + "/arc/token"},
                                    {"IMDS_ENDPOINT", service_->endpoint()}});
  TokenTransport transport;
  transport.http = service_->http();
  ManagedIdentityPlaces places;
  places.arc_tokens = service_->folder() / "another";
  const auto source = make_managed_identity_source(environment, transport, redactor_, places);
  EXPECT_THAT(source->request("https://a", {}), FailsWith("Auth:ArcChallenge"));
}

TEST_F(TokensTest, TellWhatTheIssuerSays) {
  auto variables = service_->principal();
  variables["AZURE_CLIENT_SECRET"] = "wrong-secret-but-planted";
  const auto refused = request(AuthMethod::kAuto, variables);
  ASSERT_THAT(refused, FailsWith("Auth:TokenRefused"));
  EXPECT_EQ(refused.error().cure(), "give the secret's value, not its id");
  EXPECT_EQ(refused.error().describe().find("wrong-secret"), std::string::npos);
  variables.erase("AZURE_TENANT_ID");
  EXPECT_THAT(request(AuthMethod::kAuto, variables), FailsWith("Auth:Incomplete"));
}

TEST_F(TokensTest, NeedAnAuthorityThatIsTrusted) {
  EXPECT_THAT(discover_cloud(service_->endpoint(), {}, impatient({}), {}), FailsWith("Http:Tls"));
}

TEST_F(TokensTest, OfAdfsAreForAResource) {
  auto adfs =
      ArmService::start({"--adfs", "--stack-hub", "--certificate-of-client", *certificate_});
  ASSERT_OK(adfs);
  auto* const shared = std::exchange(service_, adfs->get());
  auto cloud = service_->cloud();
  ASSERT_OK(cloud);
  EXPECT_TRUE(cloud->adfs);
  auto variables = service_->principal();
  variables.erase("AZURE_TENANT_ID");
  EXPECT_OK(request(AuthMethod::kAuto, variables));
  EXPECT_EQ(issued("adfs"), 1);
  EXPECT_THAT(request(AuthMethod::kManagedIdentity, variables),
              FailsWith("Auth:NoManagedIdentity"));
  service_ = shared;
}

}  // namespace
}  // namespace kiln
