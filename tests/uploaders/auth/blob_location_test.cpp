#include "uploaders/auth/blob_location.h"

#include "tests/support/matchers.h"

namespace kiln::test {
namespace {

TEST(BlobLocationTest, AccountInTheHost) {
  const auto location = parse_blob_location(
      "https://acc.blob.local.azurestack.external/vhds/dir/a%20b.vhd?sv=1&sr=b&sig=a%2Bb%3D");
  ASSERT_OK(location);
  EXPECT_EQ(location->account, "acc");
  EXPECT_EQ(location->container, "vhds");
  EXPECT_EQ(location->blob, "dir/a b.vhd");
  EXPECT_FALSE(location->path_style);
  EXPECT_EQ(location->sas.reveal(), "sv=1&sr=b&sig=a%2Bb%3D") << "verbatim";
  EXPECT_EQ(location->plain(), "https://acc.blob.local.azurestack.external/vhds/dir/a%20b.vhd");
}

TEST(BlobLocationTest, AccountInThePath) {
  for (const auto* host : {"127.0.0.1:10000", "localhost:10000", "[::1]:10000", "azurite"}) {
    const auto location =
        parse_blob_location(std::string("http://") + host + "/devstoreaccount1/c/b.vhd");
    ASSERT_OK(location);
    EXPECT_TRUE(location->path_style);
    EXPECT_EQ(location->account, "devstoreaccount1");
    EXPECT_EQ(location->container, "c");
    EXPECT_EQ(location->blob, "b.vhd");
  }
}

TEST(BlobLocationTest, ContainersGetTheBlobAppended) {
  for (const auto* text : {"https://a.blob.example/c", "https://a.blob.example/c/"}) {
    const auto location = parse_blob_location(text);
    ASSERT_OK(location);
    EXPECT_EQ(location->blob, "");
    const auto blob = location->with_blob("my image.vhd");
    EXPECT_EQ(blob.plain(), "https://a.blob.example/c/my%20image.vhd");
    EXPECT_EQ(blob.blob, "my image.vhd");
  }
}

TEST(BlobLocationTest, Refusals) {
  for (const auto* text : {"https://a.blob.example",
                           "https://a.blob.example/",
                           "http://127.0.0.1:10000/account",
                           "https://a.blob.example/c/dir/",
                           "https://a.blob.example/c/b%00",
                           "https://a.blob.example/c/b?comp=page"}) {
    EXPECT_THAT(parse_blob_location(text), FailsWith("Blob:Url")) << text;
  }
}

}  // namespace
}  // namespace kiln::test
