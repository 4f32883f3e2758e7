#include "engine/core/redact.h"

#include "tests/support/matchers.h"

namespace kiln {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Redactor, HidesEveryOccurrence) {
  Redactor redactor;
  redactor.add(Secret("hunter22"));
  EXPECT_EQ(redactor.redact("a hunter22 b hunter22hunter22"), "a *** b ******");
  EXPECT_EQ(redactor.redact("nothing here"), "nothing here");
}

TEST(Redactor, ALongerSecretLeavesNoTail) {
  Redactor redactor;
  redactor.add(Secret("secret"));
  redactor.add(Secret("secret-and-more"));
  EXPECT_EQ(redactor.redact("secret-and-more"), "***");
}

TEST(Redactor, HidesTheFormThatAUrlCarries) {
  Redactor redactor;
  redactor.add(Secret("abc+/def=="));
  EXPECT_THAT(redactor.redact("?sig=abc%2B%2Fdef%3D%3D&x=1"), Not(HasSubstr("def")));
}

TEST(Redactor, HidesBase64WhereverItBegins) {
  Redactor redactor;
  redactor.add(Secret("tiger?>lily~~99"));
  // base64 of the secret, of "u:" and of "usr:" before it, and of one more byte behind it.
  EXPECT_EQ(redactor.redact("a dGlnZXI/PmxpbHl+fjk5 b"), "a *** b");
  EXPECT_EQ(redactor.redact("dGlnZXI_PmxpbHl-fjk5"), "***");
  EXPECT_EQ(redactor.redact("dGlnZXI%2FPmxpbHl%2Bfjk5"), "***");
  EXPECT_THAT(redactor.redact("dTp0aWdlcj8+bGlseX5+OTk="), Not(HasSubstr("aWdlcj8")));
  EXPECT_THAT(redactor.redact("dXNyOnRpZ2VyPz5saWx5fn45OQ=="), Not(HasSubstr("pZ2VyPz")));
  EXPECT_THAT(redactor.redact("dGlnZXI/PmxpbHl+fjk5IQ=="), Not(HasSubstr("dGlnZXI")));
  EXPECT_EQ(redactor.redact("dGlnZXM="), "dGlnZXM=");
}

TEST(Redactor, HidesWhatJsonMakesOfIt) {
  Redactor redactor;
  redactor.add(Secret("sec\"ret\\value"));
  EXPECT_EQ(redactor.redact(R"({"a": "sec\"ret\\value"})"), R"({"a": "***"})");
}

TEST(Redactor, HidesTheBeginningOfWhatWasCut) {
  Redactor redactor;
  redactor.add(Secret("correct-horse-battery-staple"));
  EXPECT_EQ(redactor.redact("value: \"x correct-horse-b…"), "value: \"x ***…");
  EXPECT_EQ(redactor.redact("correct… and corr…"), "***… and corr…");
  EXPECT_EQ(redactor.redact("a plain text…"), "a plain text…");
}

TEST(Redactor, HidesEachLineOfAKeyFile) {
  Redactor redactor;
  redactor.add(
      Secret("-----BEGIN KEY-----\r\nMIIEvQIBADANBgkqhkiG9w0\r\nAQ==\r\n-----END KEY-----\n"));
  EXPECT_EQ(redactor.redact("log: MIIEvQIBADANBgkqhkiG9w0"), "log: ***");
}

TEST(Redactor, LeavesShortValuesAlone) {
  Redactor redactor;
  redactor.add(Secret("root"));
  redactor.add(Secret(""));
  EXPECT_EQ(redactor.redact("root"), "root");
}

TEST(RedactUrl, HidesCredentialsAndKeepsWhatHelps) {
  EXPECT_EQ(redact_url("https://user:p@ss@host:1/c/b.vhd?comp=page&sig=SECRET&sv=2020"),
            "https://host:1/c/b.vhd?comp=page&sig=***&sv=2020");
  EXPECT_EQ(redact_url("https://host/path@v1/x"), "https://host/path@v1/x");
  EXPECT_EQ(redact_url("https://host/?BARETOKEN"), "https://host/?***");
  EXPECT_EQ(redact_url("https://host/?comp"), "https://host/?comp");
  EXPECT_EQ(redact_url("https://host/#access_token=SECRET"), "https://host/");
  EXPECT_EQ(redact_url("https://host/?comp=x#SECRET"), "https://host/?comp=x");
  EXPECT_EQ(redact_url("https://u:SECRET@host?x"), "https://host?***");
  EXPECT_EQ(redact_url("/a/local/path"), "/a/local/path");
  EXPECT_EQ(redact_url(""), "");
}

TEST(RedactUrl, NeverShowsAnUnlistedValue) {
  for (const std::string name : {"sig", "SIG", "st", "se", "skoid", "code", "x", ""}) {
    EXPECT_THAT(redact_url("https://h/p?comp=a&" + name + "=S3CRETVALUE&b"),
                Not(HasSubstr("S3CRETVALUE")));
  }
}

}  // namespace
}  // namespace kiln
