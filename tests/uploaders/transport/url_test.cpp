#include "uploaders/transport/url.h"

#include "tests/support/matchers.h"

namespace kiln::test {
namespace {

TEST(UrlTest, TakesApartWithoutDecoding) {
  const auto url = parse_url("HTTPS://Acc.Blob.Core.Windows.Net:8443/c/a%20b.vhd?sv=1&sig=a%2Bb");
  ASSERT_OK(url);
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "acc.blob.core.windows.net");
  EXPECT_EQ(url->port, "8443");
  EXPECT_EQ(url->path, "/c/a%20b.vhd");
  EXPECT_EQ(url->query, "sv=1&sig=a%2Bb");
  EXPECT_EQ(url->text(), "https://acc.blob.core.windows.net:8443/c/a%20b.vhd?sv=1&sig=a%2Bb");
}

TEST(UrlTest, KnowsIpv6AndEmptyPaths) {
  const auto url = parse_url("http://[::1]:10000?x=1");
  ASSERT_OK(url);
  EXPECT_EQ(url->host, "[::1]");
  EXPECT_EQ(url->port, "10000");
  EXPECT_EQ(url->path, "/");
  EXPECT_TRUE(is_loopback(*url));
}

TEST(UrlTest, RefusesWhatCannotBeSent) {
  for (const auto* text : {"",
                           "ftp://host/x",
                           "host/x",
                           "https://",
                           "https:///path",
                           "https://user:pass@host/x",
                           "https://host:port/x",
                           "https://host:123456/x",
                           "https://host/a b",
                           "https://host/a\r\nX: y",
                           "https://host/x#part"}) {
    EXPECT_THAT(parse_url(text), FailsWith("Url:Invalid")) << text;
  }
}

TEST(UrlTest, ErrorsHideSignatures) {
  const auto url = parse_url("https://host/x y?sig=verysecretvalue");
  ASSERT_FALSE(url.has_value());
  EXPECT_EQ(url.error().describe().find("verysecretvalue"), std::string::npos);
}

TEST(UrlTest, PercentCoding) {
  EXPECT_EQ(percent_decode("a%20b%2fc%"), "a b/c%");
  EXPECT_EQ(percent_decode("%zz%4"), "%zz%4");
  EXPECT_EQ(percent_encode("a b/ü", true), "a%20b/%C3%BC");
  EXPECT_EQ(percent_encode("a/b", false), "a%2Fb");
}

TEST(UrlTest, QueryParameters) {
  EXPECT_EQ(query_parameter("sv=1&sig=a%2Bb%3D", "SIG"), "a+b=");
  EXPECT_EQ(query_parameter("sv=1", "sig"), std::nullopt);
  EXPECT_EQ(append_query("sv=1&sig=a%2B", "comp=page"), "sv=1&sig=a%2B&comp=page");
  EXPECT_EQ(append_query("", "comp=page"), "comp=page");
}

}  // namespace
}  // namespace kiln::test
