#include "disk/sources/image_key.h"

#include "tests/support/matchers.h"

namespace kiln {
namespace {

using test::FailsWith;

constexpr const char* kImage =
    "/subscriptions/s-1/resourceGroups/my_rg/providers/Microsoft.Compute/images/base.1";
constexpr const char* kGallery =
    "/subscriptions/s-1/resourceGroups/g/providers/Microsoft.Compute/galleries/main/images/rocky9";

TEST(ImageKey, ReadsEveryForm) {
  const auto urn =
      parse_image_key("Canonical:0001-com-ubuntu-server-jammy:22_04-lts:22.04.20240101");
  ASSERT_OK(urn);
  EXPECT_EQ(urn->kind, ImageKind::kPlatformImage);
  EXPECT_EQ(urn->family, "Canonical:0001-com-ubuntu-server-jammy:22_04-lts");
  EXPECT_EQ(urn->version, "22.04.20240101");

  const auto image = parse_image_key(kImage);
  ASSERT_OK(image);
  EXPECT_EQ(image->kind, ImageKind::kManagedImage);
  EXPECT_EQ(image->text(), kImage);

  for (const std::string& id :
       {std::string(kGallery) + "/versions/1.2.3",
        std::string("/sharedGalleries/u-n-i-q/images/rocky9/versions/1.2.3")}) {
    const auto version = parse_image_key(id);
    ASSERT_OK(version);
    EXPECT_EQ(version->kind, ImageKind::kSharedImageVersion);
    EXPECT_EQ(version->version, "1.2.3");
    EXPECT_EQ(version->text(), id);
  }
}

TEST(ImageKey, ADiscIsItsUriWithoutASignature) {
  const auto disc = parse_image_key("https://Host/Rocky-9.iso?sv=2023&sig=secret");
  ASSERT_OK(disc);
  EXPECT_EQ(disc->kind, ImageKind::kIso);
  EXPECT_EQ(disc->text(), "https://Host/Rocky-9.iso");
  EXPECT_TRUE(disc->same_image(*parse_image_key("https://Host/Rocky-9.iso?sv=2024")));
  EXPECT_FALSE(disc->same_image(*parse_image_key("https://Host/rocky-9.iso")));
  EXPECT_THAT(parse_image_key("https://x/a'b"), FailsWith("Source:BadImageName"));
  EXPECT_THAT(parse_image_key("https://x/a b"), FailsWith("Source:BadImageName"));
  EXPECT_THAT(parse_image_key("http:x"), FailsWith("Source:BadImageName"));
}

TEST(ImageKey, CaseDoesNotTellImagesApart) {
  EXPECT_TRUE(parse_image_key("A:b:c:1.0.0")->same_image(*parse_image_key("a:B:C:1.0.0")));
  EXPECT_FALSE(parse_image_key("A:b:c:1.0.0")->same_image(*parse_image_key("a:b:c:1.0.1")));
  const auto upper = parse_image_key(
      "/SUBSCRIPTIONS/S-1/RESOURCEGROUPS/MY_RG/PROVIDERS/MICROSOFT.COMPUTE/IMAGES/BASE.1");
  ASSERT_OK(upper);
  EXPECT_TRUE(upper->same_image(*parse_image_key(kImage)));
}

TEST(ImageKey, KnowsLatestInAnyCase) {
  EXPECT_TRUE(parse_image_key("a:b:c:Latest")->is_latest());
  EXPECT_TRUE(parse_image_key(std::string(kGallery) + "/Versions/LATEST")->is_latest());
  EXPECT_FALSE(parse_image_key("a:b:c:1")->is_latest());
}

TEST(ImageKey, RefusesWhatIsNone) {
  for (const std::string& text :
       {std::string(),
        std::string("a:b:c"),
        std::string("a:b:c:d:1.0.0"),
        std::string("a::c:1.0"),
        std::string("a:b:c:newest"),
        std::string("a:b:c:1..2"),
        std::string("a:b:c:1.0.0;reboot"),
        std::string("a b:b:c:1"),
        std::string("a'b:b:c:1"),
        std::string("/"),
        std::string("//"),
        std::string(kGallery),
        std::string(kGallery) + "/versions/",
        std::string(kGallery) + "/versions/x",
        std::string(kGallery) + "/images/1.0.0",
        std::string(kImage) + "/x",
        std::string("/subscriptions//resourceGroups/g/providers/Microsoft.Compute/images/i"),
        std::string("/versions/1.0.0"),
        std::string("a:b:c:1\0", 8)}) {
    EXPECT_THAT(parse_image_key(text), FailsWith("Source:BadImageName")) << text;
  }
}

TEST(ImageKey, OrdersVersionsByNumber) {
  EXPECT_TRUE(older_version("1.9.9", "1.10.0"));
  EXPECT_FALSE(older_version("1.10.0", "1.9.9"));
  EXPECT_TRUE(older_version("22.04", "22.04.1"));
  EXPECT_FALSE(older_version("1.02.0", "1.2.0"));
  EXPECT_FALSE(older_version("1.2.0", "1.02.0"));
  EXPECT_TRUE(older_version("0.0.9", "0.0.99999999999999999999999999"));
  EXPECT_FALSE(older_version("1.0.0", "1.0.0"));
}

}  // namespace
}  // namespace kiln
