#include "uploaders/arm/operation.h"

#include "tests/support/matchers.h"
#include "uploaders/arm/arm_error.h"

namespace kiln {
namespace {

using test::FailsWith;
using Style = Operation::Style;

HttpResponse answer(int status, std::string body = {}, HttpHeaders headers = {}) {
  return {status, std::move(headers), std::move(body)};
}

const std::string kCreating = R"({"properties": {"provisioningState": "Creating"}})";

TEST(Operations, AreFollowedByTheHeadersThatCount) {
  struct Case {
    std::string method;
    HttpResponse first;
    Style style;
    std::string url;
    std::string result;
  };
  const HttpHeaders both = {{"Azure-AsyncOperation", "https://s"}, {"Location", "https://l"}};
  const HttpHeaders location = {{"location", "https://l"}};
  const std::vector<Case> cases = {
      {"PUT", answer(200, "{}"), Style::kDone, "", ""},
      {"PUT", answer(201, kCreating), Style::kResource, "", ""},
      {"PUT", answer(202), Style::kResource, "", ""},
      {"PUT", answer(201, kCreating, both), Style::kState, "https://s", "https://l"},
      {"PUT", answer(201, kCreating, location), Style::kResult, "https://l", ""},
      {"PUT", answer(200, kCreating, location), Style::kResource, "", ""},
      {"PUT",
       answer(200, R"({"properties": {"provisioningState": "Succeeded"}})"),
       Style::kDone,
       "",
       ""},
      {"POST", answer(202, "", location), Style::kResult, "https://l", ""},
      {"POST", answer(202, "", both), Style::kState, "https://s", "https://l"},
      {"POST", answer(200, "{}"), Style::kDone, "", ""},
      {"DELETE", answer(202), Style::kResource, "", ""},
      {"DELETE", answer(204), Style::kDone, "", ""},
  };
  for (const auto& [method, first, style, url, result] : cases) {
    const auto operation = follow_up(method, first);
    EXPECT_EQ(operation.style, style) << method << first.status << first.body;
    EXPECT_EQ(operation.url, url);
    EXPECT_EQ(operation.result, result);
  }
}

Result<bool> finished(Style style, const HttpResponse& look, const std::string& method = "PUT") {
  return is_finished({style, "https://u", ""}, method, look, "create it");
}

TEST(Operations, EndByTheirState) {
  EXPECT_EQ(finished(Style::kState, answer(200, R"({"status": "InProgress"})")).value(), false);
  EXPECT_EQ(finished(Style::kState, answer(200, R"({"status": "Replicating"})")).value(), false);
  EXPECT_EQ(finished(Style::kState, answer(200, R"({"status": "Succeeded"})")).value(), true);
  EXPECT_THAT(finished(Style::kState, answer(200, "{}")), FailsWith("Arm:BadAnswer"));
  EXPECT_THAT(finished(Style::kState, answer(200, R"({"status": "Canceled"})")),
              FailsWith("Arm:OperationCanceled"));
  EXPECT_THAT(finished(Style::kState, answer(200, R"({"status": "Failed", "error":
                                 {"code": "QuotaExceeded", "message": "no room"}})")),
              FailsWith("Arm:QuotaExceeded"));
  EXPECT_THAT(finished(Style::kState, answer(403, R"({"error": {"code": "AuthorizationFailed"}})")),
              FailsWith("Arm:AuthorizationFailed"));
}

TEST(Operations, EndByTheirResult) {
  EXPECT_EQ(finished(Style::kResult, answer(202)).value(), false);
  EXPECT_EQ(finished(Style::kResult, answer(200, "{}")).value(), true);
  EXPECT_EQ(finished(Style::kResult, answer(204)).value(), true);
  EXPECT_THAT(finished(Style::kResult, answer(409, R"({"error": {"code": "Conflict"}})")),
              FailsWith("Arm:Conflict"));
}

TEST(Operations, EndByTheResourceItself) {
  EXPECT_EQ(finished(Style::kResource, answer(200, kCreating)).value(), false);
  EXPECT_EQ(finished(Style::kResource, answer(200, R"({"name": "x"})")).value(), true);
  EXPECT_THAT(
      finished(Style::kResource, answer(200, R"({"properties": {"provisioningState": "Failed"}})")),
      FailsWith("Arm:OperationFailed"));
  EXPECT_EQ(finished(Style::kResource, answer(200, "{}"), "DELETE").value(), false);
  EXPECT_EQ(finished(Style::kResource, answer(404), "DELETE").value(), true);
}

TEST(ArmErrors, TellCodeMessageDetailsAndIds) {
  const auto response =
      answer(400,
             R"({"error": {"code": "InvalidParameter", "message": "first\u0007line",
                           "details": [{"code": "X", "message": "second"}]}})",
             {{"x-ms-correlation-request-id", "c-1"}, {"x-ms-request-id", "r-1"}});
  EXPECT_EQ(arm_error_code(response), "InvalidParameter");
  const auto error = arm_error(response, "create /d");
  EXPECT_EQ(error.code(), "Arm:InvalidParameter");
  EXPECT_EQ(error.message(), "cannot create /d: HTTP 400 InvalidParameter");
  const std::vector<std::string> lines = {
      "first\\x07line", "second", "x-ms-correlation-request-id: c-1", "x-ms-request-id: r-1"};
  EXPECT_EQ(error.quoted(), lines);
}

TEST(ArmErrors, KnowTheCureOfCommonOnes) {
  const auto error =
      arm_error(answer(404, R"({"error": {"code": "ResourceGroupNotFound"}})"), "read /d");
  EXPECT_EQ(error.kind(), ErrorKind::kNotFound);
  EXPECT_FALSE(error.cure().empty());
  EXPECT_EQ(arm_error(answer(502, "<html>"), "read /d").code(), "Arm:Http502");
  EXPECT_EQ(arm_error(answer(404, R"({"code": "NotFound"})"), "read /d").code(), "Arm:NotFound");
  EXPECT_EQ(arm_error(answer(400, R"({"error": {"code": "a b\n"}})"), "x").code(), "Arm:Http400");
}

}  // namespace
}  // namespace kiln
