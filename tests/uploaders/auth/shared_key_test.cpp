#include "uploaders/auth/shared_key.h"

#include <array>

#include "tests/support/matchers.h"
#include "tests/uploaders/support/map_environment.h"

namespace kiln::test {
namespace {

// The expected texts follow Microsoft's "Authorize with Shared Key"; the signatures were computed
// with Python's hmac module, not with Kiln.
const SharedKey kKey{"devstoreaccount1", Secret(kEmulatorKey)};

TEST(SharedKeyTest, PutPageWithPathStyleAccount) {
  const std::array<std::byte, 512> body{};
  const HttpRequest request{
      "PUT",
      "http://127.0.0.1:10000/devstoreaccount1/images/a%20b.vhd?comp=page&timeout=30",
      {{"x-ms-version", "2021-08-06"},
       {"x-ms-range", "bytes=0-511"},
       {"x-ms-page-write", "update"},
       {"x-ms-content-crc64", "AAAAAAAAAAA="},
       {"x-ms-date", "Sun, 06 Nov 1994 08:49:37 GMT"}},
      body};
  const auto text = shared_key_string_to_sign("devstoreaccount1", request);
  ASSERT_OK(text);
  EXPECT_EQ(*text,
            "PUT\n\n\n512\n\n\n\n\n\n\n\n\n"
            "x-ms-content-crc64:AAAAAAAAAAA=\n"
            "x-ms-date:Sun, 06 Nov 1994 08:49:37 GMT\n"
            "x-ms-page-write:update\n"
            "x-ms-range:bytes=0-511\n"
            "x-ms-version:2021-08-06\n"
            "/devstoreaccount1/devstoreaccount1/images/a%20b.vhd\n"
            "comp:page\n"
            "timeout:30");
  const auto header = shared_key_authorization(kKey, request);
  ASSERT_OK(header);
  EXPECT_EQ(*header, "SharedKey devstoreaccount1:t0nQ9ko+UnMQLHJkHRiY8ISz5EoC5XuU2gW8hTE1W6Y=");
}

TEST(SharedKeyTest, EmptyBodySignsNoLength) {
  const HttpRequest request{"PUT",
                            "https://devstoreaccount1.blob.core.windows.net/images/b.vhd",
                            {{"X-MS-Version", " 2021-08-06 "},
                             {"x-ms-blob-type", "PageBlob"},
                             {"x-ms-blob-content-length", "1024"},
                             {"If-None-Match", "*"},
                             {"x-ms-date", "Sun, 06 Nov 1994 08:49:37 GMT"}},
                            {}};
  const auto text = shared_key_string_to_sign("devstoreaccount1", request);
  ASSERT_OK(text);
  EXPECT_EQ(*text,
            "PUT\n\n\n\n\n\n\n\n\n*\n\n\n"
            "x-ms-blob-content-length:1024\n"
            "x-ms-blob-type:PageBlob\n"
            "x-ms-date:Sun, 06 Nov 1994 08:49:37 GMT\n"
            "x-ms-version:2021-08-06\n"
            "/devstoreaccount1/images/b.vhd");
  const auto header = shared_key_authorization(kKey, request);
  ASSERT_OK(header);
  EXPECT_EQ(*header, "SharedKey devstoreaccount1:lGgRs1U94FigxBWFUJxmeo85FgAS4f+rpnXSlWubfvs=");
}

TEST(SharedKeyTest, StandardHeadersHaveTheirLines) {
  const HttpRequest request{"GET",
                            "https://a.blob.example/c/b?Comp=x&comp=b&prefix=%2Fp",
                            {{"Content-Encoding", "1"},
                             {"Content-Language", "2"},
                             {"Content-MD5", "3"},
                             {"Content-Type", "4"},
                             {"If-Modified-Since", "5"},
                             {"If-Match", "6"},
                             {"If-None-Match", "7"},
                             {"If-Unmodified-Since", "8"},
                             {"Range", "9"}},
                            {}};
  const auto text = shared_key_string_to_sign("a", request);
  ASSERT_OK(text);
  EXPECT_EQ(*text, "GET\n1\n2\n\n3\n4\n\n5\n6\n7\n8\n9\n/a/c/b\ncomp:b,x\nprefix:/p");
}

TEST(SharedKeyTest, KeysThatAreNotBase64AreRefusedWithoutBeingRepeated) {
  for (const auto* bad : {"", "====", "abc", "not base64 at all!!!", "AAAA=AAA"}) {
    const auto checked = check_shared_key({"a", Secret(bad)});
    ASSERT_THAT(checked, FailsWith("Auth:BadKey")) << bad;
    EXPECT_NE(checked.error().cure(), "");
    if (*bad != '\0') {
      EXPECT_EQ(checked.error().describe().find(bad), std::string::npos) << bad;
    }
  }
  EXPECT_OK(check_shared_key(kKey));
}

TEST(SharedKeyTest, Dates) {
  EXPECT_EQ(http_date(std::chrono::system_clock::from_time_t(784111777)),
            "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(SharedKeyTest, MetadataNames) {
  for (const auto* good : {"a", "Owner", "costcenter42"}) EXPECT_TRUE(valid_metadata_name(good));
  for (const auto* bad : {"", "4a", "cost-center", "cost_center", "a b", "ü", "a:b"}) {
    EXPECT_FALSE(valid_metadata_name(bad)) << bad;
  }
}

}  // namespace
}  // namespace kiln::test
