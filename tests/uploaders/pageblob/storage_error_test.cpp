#include "uploaders/pageblob/storage_error.h"

#include "tests/support/matchers.h"

namespace kiln::test {
namespace {

constexpr const char* kBody =
    "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>AuthenticationFailed</Code>"
    "<Message>Server failed to authenticate the request.\nRequestId:1\nTime:2</Message>"
    "<AuthenticationErrorDetail>The MAC signature found 'abc' is not</AuthenticationErrorDetail>"
    "</Error>";

TEST(StorageErrorTest, SaysWhatWhereWhyAndTheCure) {
  const auto error = storage_error(
      HttpResponse{403, {{"x-ms-request-id", "id-7"}}, kBody}, "create the page blob X", "the URL");
  EXPECT_EQ(error.code(), "Storage:AuthenticationFailed");
  EXPECT_EQ(
      error.message(),
      "cannot create the page blob X: HTTP 403 AuthenticationFailed, with the credential from "
      "the URL");
  EXPECT_NE(error.cure().find("clock"), std::string::npos);
  EXPECT_EQ(error.quoted(),
            (std::vector<std::string>{"Server failed to authenticate the request.",
                                      "x-ms-request-id: id-7"}));
}

TEST(StorageErrorTest, TheHeaderIsEnough) {
  const HttpResponse response{409, {{"x-ms-error-code", "BlobAlreadyExists"}}, ""};
  EXPECT_EQ(storage_error_code(response), "BlobAlreadyExists");
  EXPECT_NE(storage_error(response, "x", "y").cure(), "");
}

TEST(StorageErrorTest, AnswersOfSomethingElse) {
  const auto error = storage_error(HttpResponse{502, {}, "<html>Bad gateway"}, "x", "y");
  EXPECT_EQ(error.code(), "Storage:Http502");
  EXPECT_EQ(error.kind(), ErrorKind::kRemote);
}

}  // namespace
}  // namespace kiln::test
