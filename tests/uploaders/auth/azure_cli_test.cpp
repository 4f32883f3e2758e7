#include "uploaders/auth/azure_cli.h"

#include <stdlib.h>
#include <time.h>

#include "tests/support/fake_runner.h"
#include "tests/support/matchers.h"
#include "tests/uploaders/support/map_environment.h"

namespace kiln {
namespace {

using test::FailsWith;

TEST(AzureCli, TokensHaveTheirEndInEitherForm) {
  const auto newer = parse_azure_cli_token(
      R"({"accessToken": "planted", "expires_on": 1800000000, "expiresOn": "2001-01-01 00:00:00"})");
  ASSERT_OK(newer);
  EXPECT_EQ(std::chrono::system_clock::to_time_t(newer->expires), 1'800'000'000);
  ::setenv("TZ", "UTC-2", 1);
  ::tzset();
  const auto older =
      parse_azure_cli_token(R"({"accessToken": "planted", "expiresOn": "2027-01-15 10:00:00.5"})");
  ::unsetenv("TZ");
  ::tzset();
  ASSERT_OK(older);
  EXPECT_EQ(std::chrono::system_clock::to_time_t(older->expires), 1'800'000'000);
  EXPECT_THAT(parse_azure_cli_token("Please run 'az login'"), FailsWith("Auth:AzureCli"));
}

TEST(AzureCli, IsAskedForTheAudienceAndTheTenant) {
  test::FakeRunner runner;
  const std::map<std::string, std::string> variables = {{"AZURE_TENANT_ID", "contoso.example"}};
  const test::MapEnvironment environment(variables);
  runner.expect({"az",
                 "account",
                 "get-access-token",
                 "--output",
                 "json",
                 "--resource",
                 "https://management.azure.com",
                 "--tenant",
                 "contoso.example"},
                ProcessOutput{0, R"({"accessToken": "planted", "expires_on": 1800000000})", ""});
  const auto source = make_azure_cli_source(environment, runner);
  const auto token = source->request("https://management.azure.com", {});
  ASSERT_OK(token);
  EXPECT_EQ(token->value.reveal(), "planted");
}

TEST(AzureCli, ThatIsNotLoggedInSaysSo) {
  test::FakeRunner runner;
  const test::MapEnvironment environment;
  runner.expect({"az", "account", "get-access-token", "--output", "json", "--resource", "a"},
                ProcessOutput{1, "", "ERROR: Please run 'az login' to setup account."});
  const auto refused = make_azure_cli_source(environment, runner)->request("a", {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().cure().find("az login"), std::string::npos);
}

}  // namespace
}  // namespace kiln
