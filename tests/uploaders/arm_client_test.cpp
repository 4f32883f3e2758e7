// The client of Azure Resource Manager against the strict fake, in all three styles of operations.
#include "uploaders/arm/arm_client.h"

#include <thread>

#include "tests/support/matchers.h"
#include "tests/uploaders/support/arm_service.h"
#include "uploaders/auth/service_principal.h"

namespace kiln {
namespace {

using nlohmann::json;
using test::ArmService;
using test::FailsWith;

class ArmClientTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { start({"--style", GetParam()}); }

  void start(std::vector<std::string> options) {
    auto service = ArmService::start(std::move(options));
    ASSERT_OK(service);
    service_ = *std::move(service);
    auto cloud = service_->cloud();
    ASSERT_OK(cloud);
    cloud_ = *cloud;
    const test::MapEnvironment environment(service_->principal());
    auto source = make_client_secret_source(cloud_, environment, {service_->http(), {}}, redactor_);
    ASSERT_OK(source);
    source_ = *std::move(source);
    tokens_ = std::make_shared<BearerTokens>(*source_, cloud_.audience, redactor_);
    options_.http = service_->http();
    options_.retry.first_delay = std::chrono::milliseconds(10);
    options_.poll_interval = std::chrono::milliseconds(10);
  }

  ArmClient client() {
    auto client = ArmClient::open(cloud_.resource_manager, tokens_, options_);
    KILN_CHECK(client.has_value());
    return *std::move(client);
  }
  [[nodiscard]] ArmResource disk(const std::string& name = "d") const {
    return {ArmService::kCompute + "/disks/" + name, cloud_.disks_version};
  }
  static json body() {
    return {{"location", "westeurope"},
            {"sku", {{"name", "Standard_LRS"}}},
            {"properties",
             {{"osType", "Linux"},
              {"hyperVGeneration", "V2"},
              {"creationData", {{"createOption", "Upload"}, {"uploadSizeBytes", 31457792}}}}}};
  }
  json state() { return service_->state().value_or(json()); }

  std::unique_ptr<ArmService> service_;
  Cloud cloud_;
  Redactor redactor_;
  std::unique_ptr<TokenSource> source_;
  std::shared_ptr<BearerTokens> tokens_;
  ArmOptions options_;
};

TEST_P(ArmClientTest, MakesActsOnAndDeletesADisk) {
  auto arm = client();
  ASSERT_OK(arm.get(disk(), {}));
  EXPECT_FALSE(arm.get(disk(), {})->has_value());
  const auto made = arm.put(disk(), body(), {});
  ASSERT_OK(made);
  EXPECT_EQ((*made)["properties"]["provisioningState"], "Succeeded");
  EXPECT_EQ((*made)["properties"]["diskState"], "ReadyToUpload");
  const auto access =
      arm.post(disk(), "beginGetAccess", {{"access", "Write"}, {"durationInSeconds", 3600}}, {});
  ASSERT_OK(access);
  EXPECT_TRUE(access->value("accessSAS", "").starts_with(service_->blob_endpoint()));
  EXPECT_THAT(arm.remove(disk(), {}), FailsWith("Arm:OperationNotAllowed"));
  // Nothing was uploaded, so there is no footer.
  const auto ended = arm.post(disk(), "endGetAccess", {}, {});
  ASSERT_THAT(ended, FailsWith("Arm:InvalidParameter"));
  EXPECT_NE(ended.error().describe().find("conectix"), std::string::npos);
  EXPECT_OK(arm.remove(disk(), {}));
  EXPECT_FALSE(arm.get(disk(), {})->has_value());
  EXPECT_OK(arm.remove(disk(), {}));
}

TEST_P(ArmClientTest, SpeaksAsAzureDescribesItself) {
  if (!test::has_openapi()) GTEST_SKIP() << "KILN_SHARED_DIR has no azure-specs";
  auto arm = client();
  ASSERT_OK(arm.put(disk(), body(), {}));
  ASSERT_OK(arm.remove(disk(), {}));
  EXPECT_GE(state()["checked"], 4);
  EXPECT_EQ(state()["violations"], json::array());
  auto wrong = body();
  wrong["properties"]["hyperVGenerations"] = "V2";
  EXPECT_THAT(arm.put(disk(), wrong, {}), FailsWith("Arm:OpenApiViolation"));
}

TEST_P(ArmClientTest, IsPatientWithThrottlingAndConflicts) {
  ASSERT_OK(service_->inject(
      {{{"kind", "status"}, {"method", "PUT"}, {"status", 429}, {"retry_after", 1}},
       {{"kind", "status"}, {"method", "PUT"}, {"status", 503}, {"times", 2}, {"after", 1}},
       {{"kind", "status"},
        {"method", "PUT"},
        {"status", 409},
        {"code", "AnotherOperationInProgress"},
        {"after", 3}},
       {{"kind", "status"}, {"method", "GET"}, {"status", 500}}}));
  auto arm = client();
  const auto from = std::chrono::steady_clock::now();
  EXPECT_OK(arm.put(disk(), body(), {}));
  EXPECT_GE(std::chrono::steady_clock::now() - from, std::chrono::seconds(1)) << "Retry-After";
}

TEST_P(ArmClientTest, FinishesWhenAnAcknowledgementIsLost) {
  ASSERT_OK(service_->inject(
      {{{"kind", "drop"}, {"method", "PUT"}}, {{"kind", "drop"}, {"method", "DELETE"}}}));
  auto arm = client();
  const auto made = arm.put(disk(), body(), {});
  ASSERT_OK(made);
  EXPECT_OK(arm.settle(disk(), {}));
  EXPECT_OK(arm.remove(disk(), {}));
}

TEST_P(ArmClientTest, TellsTheFailureOfAnOperation) {
  ASSERT_OK(
      service_->inject({{{"kind", "operation"}, {"method", "PUT"}, {"code", "QuotaExceeded"}}}));
  auto arm = client();
  const auto failed = arm.put(disk(), body(), {});
  // By the resource's own state nothing more is told than that it failed.
  EXPECT_THAT(failed,
              FailsWith(std::string(GetParam()) == "resource" ? "Arm:OperationFailed"
                                                              : "Arm:QuotaExceeded"));
}

TEST_P(ArmClientTest, RenewsATokenThatEndsMeanwhile) {
  auto arm = client();
  ASSERT_OK(arm.put(disk(), body(), {}));
  ASSERT_OK(service_->expire_tokens());
  EXPECT_OK(arm.get(disk(), {}));
  EXPECT_EQ(state()["tokens"]["entra"], 2);
}

TEST_P(ArmClientTest, TellsWhereItLooked) {
  auto arm = client();
  auto wrong = disk();
  wrong.id =
      "/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/other/providers/"
      "Microsoft.Compute/disks/d";
  const auto refused = arm.get(wrong, {});
  ASSERT_THAT(refused, FailsWith("Arm:ResourceGroupNotFound"));
  EXPECT_NE(refused.error().describe().find("x-ms-correlation-request-id: "), std::string::npos);
  auto old = disk();
  old.api_version = "2015-01-01";
  EXPECT_THAT(arm.get(old, {}), FailsWith("Arm:NoRegisteredProviderFound"));
}

TEST_P(ArmClientTest, SendsItsTokenToNobodyElse) {
  if (std::string(GetParam()) == "resource") return;  // nothing is named there
  ASSERT_OK(service_->inject({{{"kind", "foreign"}, {"method", "PUT"}}}));
  auto arm = client();
  EXPECT_THAT(arm.put(disk(), body(), {}), FailsWith("Arm:ForeignUrl"));
}

TEST_P(ArmClientTest, StopsWaitingWhenCancelledOrTooLate) {
  start({"--style", GetParam(), "--polls", "1000000"});
  options_.longest_operation = std::chrono::seconds(1);
  auto arm = client();
  EXPECT_THAT(arm.put(disk(), body(), {}), FailsWith("Arm:TimedOut"));
  CancelSource cancel;
  options_.longest_operation = std::chrono::hours(1);
  auto patient = client();
  std::jthread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    cancel.request();
  });
  EXPECT_THAT(patient.put(disk("e"), body(), cancel.token()), FailsWith("Run:Cancelled"));
}

INSTANTIATE_TEST_SUITE_P(Styles,
                         ArmClientTest,
                         ::testing::Values("async", "location", "resource"),
                         [](const auto& style) { return std::string(style.param); });

}  // namespace
}  // namespace kiln
