#include "uploaders/cloud/cloud.h"

#include "tests/support/matchers.h"
#include "uploaders/cloud/cloud_metadata.h"

namespace kiln {
namespace {

using test::FailsWith;

const std::string kOther = "https://management.sovereign.example";
const std::string kHub = "https://management.local.azurestack.external";

std::string list_of(const std::string& members) {
  return R"([{"name": "AzureCloud", "resourceManager": "https://management.azure.com/",
              "authentication": {"loginEndpoint": "https://login.microsoftonline.com",
                                 "audiences": ["https://management.azure.com/"]},
              "suffixes": {"storage": "core.windows.net"}},
             {"name": "Sovereign", "resourceManager": "https://Management.sovereign.example/",
              "authentication": {"loginEndpoint": "https://login.sovereign.example/",
                                 "audiences": ["https://management.core.sovereign.example/",
                                               "https://management.sovereign.example/"]}, )" +
         members + "}]";
}

std::string hub(const std::string& login) {
  return R"({"galleryEndpoint": "https://g.example", "authentication": {"loginEndpoint": ")" +
         login + R"(", "audiences": ["https://management.contoso.example/1234"]}})";
}

TEST(Clouds, AreFoundByEveryName) {
  const std::vector<std::tuple<std::string, std::string, std::string>> cases = {
      {"public", "https://management.azure.com", "core.windows.net"},
      {"AzureCloud", "https://management.azure.com", "core.windows.net"},
      {"azurechinacloud", "https://management.chinacloudapi.cn", "core.chinacloudapi.cn"},
      {"USGovernment", "https://management.usgovcloudapi.net", "core.usgovcloudapi.net"},
  };
  for (const auto& [name, resource_manager, suffix] : cases) {
    const auto cloud = find_cloud(name);
    ASSERT_TRUE(cloud.has_value()) << name;
    EXPECT_EQ(cloud->resource_manager, resource_manager);
    EXPECT_EQ(cloud->storage_suffix, suffix);
    EXPECT_FALSE(cloud->galleries_version.empty());
    EXPECT_TRUE(cloud->generation2);
  }
  EXPECT_FALSE(find_cloud("germany").has_value());
  EXPECT_THAT(choose_cloud("germany", {}, {}, {}), FailsWith("Cloud:Unknown"));
  EXPECT_THAT(choose_cloud("http://management.example", {}, {}, {}),
              FailsWith("Cloud:NotEncrypted"));
}

TEST(Clouds, AreReadFromTheListThatNamesThem) {
  const auto cloud =
      parse_cloud_list(list_of(R"("suffixes": {"storage": "core.sovereign.example"})"), kOther);
  ASSERT_OK(cloud);
  EXPECT_EQ(cloud->name, "Sovereign");
  EXPECT_EQ(cloud->resource_manager, kOther);
  EXPECT_EQ(cloud->login, "https://login.sovereign.example");
  EXPECT_EQ(cloud->audience, "https://management.core.sovereign.example/");
  EXPECT_EQ(cloud->storage_suffix, "core.sovereign.example");
  EXPECT_FALSE(cloud->stack_hub);
  EXPECT_FALSE(cloud->adfs);
}

TEST(Clouds, RefuseAListThatSaysTooLittle) {
  EXPECT_THAT(parse_cloud_list(list_of(R"("portal": "")"), kOther), FailsWith("Json:MissingField"));
  EXPECT_THAT(parse_cloud_list(list_of(R"("suffixes": {"storage": "s"})"), "https://other.example"),
              FailsWith("Cloud:OtherCloud"));
  EXPECT_THAT(parse_cloud_list("[", kOther), FailsWith("Json:Syntax"));
  const auto wrong = parse_cloud_list("[7]", kOther);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().kind(), ErrorKind::kRemote) << "the template is not to blame";
}

TEST(StackHub, HasItsOwnVersionsAndLimits) {
  const auto cloud = parse_stack_hub(hub("https://login.microsoftonline.com/"), kHub);
  ASSERT_OK(cloud);
  EXPECT_TRUE(cloud->stack_hub);
  EXPECT_FALSE(cloud->adfs);
  EXPECT_EQ(cloud->audience, "https://management.contoso.example/1234");
  EXPECT_EQ(cloud->storage_suffix, "local.azurestack.external");
  EXPECT_EQ(cloud->galleries_version, "");
  EXPECT_EQ(cloud->storage_audience, "");
  EXPECT_FALSE(cloud->generation2);
  EXPECT_FALSE(cloud->managed_identity);
  EXPECT_EQ(cloud->page_alignment, 4096U);
}

TEST(StackHub, KnowsAdfsByItsPath) {
  const auto cloud = parse_stack_hub(hub("https://adfs.local.azurestack.external/adfs/"), kHub);
  ASSERT_OK(cloud);
  EXPECT_TRUE(cloud->adfs);
  EXPECT_EQ(cloud->login, "https://adfs.local.azurestack.external");
}

TEST(StackHub, SendsNoCredentialsUnencrypted) {
  EXPECT_THAT(parse_stack_hub(hub("http://adfs.local.azurestack.external/adfs"), kHub),
              FailsWith("Cloud:NotEncrypted"));
  EXPECT_OK(parse_stack_hub(hub("http://127.0.0.1:1234/adfs"), kHub));
}

}  // namespace
}  // namespace kiln
