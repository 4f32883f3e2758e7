// ManagedImage and SharedImage targets: read, checked and described in full.
#include "tests/support/matchers.h"
#include "uploaders/distributor.h"
#include "uploaders/resource_id.h"

namespace kiln {
namespace {

using test::FailsWith;

const std::string kCompute = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute";

Result<std::unique_ptr<Distributor>> parse(const std::string& text,
                                           ApiVersion version = kNewestVersion) {
  KILN_TRY_ASSIGN(const auto body, JsonReader::parse(text, "t.json"));
  Diagnostics found;
  auto parsed = parse_distributor(body, {version, found});
  if (found.has_errors()) return found.first_error();
  return std::move(parsed.item);
}

std::string gallery(const std::string& members, const std::string& version = "") {
  return R"({"type": "SharedImage", "runOutputName": "o", "galleryImageId": ")" + kCompute +
         "/galleries/x/images/y" + version + "\"" + members + "}";
}

TEST(ResourceIds, AreTakenInAnyCase) {
  EXPECT_TRUE(is_managed_image_id(kCompute + "/images/i"));
  EXPECT_TRUE(is_managed_image_id(
      "/SUBSCRIPTIONS/s/resourcegroups/g/Providers/microsoft.compute/Images/i"));
  EXPECT_FALSE(is_managed_image_id(kCompute + "/images/"));
  EXPECT_FALSE(is_managed_image_id(kCompute + "/images/i/j"));
  EXPECT_FALSE(is_managed_image_id(""));
  EXPECT_FALSE(parse_gallery_target(kCompute + "/images/i").has_value());
  EXPECT_FALSE(parse_gallery_target(kCompute + "/galleries/x/images/y/versions/1.2").has_value());
  EXPECT_FALSE(
      parse_gallery_target(kCompute + "/galleries/x/images/y/versions/latest").has_value());
  const auto target = parse_gallery_target(kCompute + "/galleries/x/images/y/versions/1.2.3");
  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(target->definition, kCompute + "/galleries/x/images/y");
  EXPECT_EQ(target->version, "1.2.3");
}

TEST(ResourceIds, TellTheirGroup) {
  EXPECT_EQ(resource_group_of(kCompute + "/images/i"), "/subscriptions/s/resourceGroups/g");
}

TEST(ManagedImageTarget, IsDescribed) {
  const auto target = parse(R"({"type": "ManagedImage", "runOutputName": "o", "location": "west",
                                "imageId": ")" +
                            kCompute + "/images/I\"}");
  ASSERT_OK(target);
  EXPECT_EQ((*target)->describe(), kCompute + "/images/I in west");
  EXPECT_EQ((*target)->target_key().substr((*target)->target_key().rfind('/')), "/i");
  EXPECT_THAT(parse(R"({"type": "ManagedImage", "runOutputName": "o", "location": "x",
                        "imageId": "y"})"),
              FailsWith("Distribute:BadResourceId"));
  EXPECT_THAT(parse(R"({"type": "ManagedImage", "runOutputName": "o", "imageId": ")" + kCompute +
                    "/images/i\"}"),
              FailsWith("Template:MissingField"));
}

TEST(SharedImageTarget, DescribesRegionsAndVersioning) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {gallery(R"(, "replicationRegions": ["a", "b"])"),
       ", version next after the latest, to a, b"},
      {gallery(R"(, "replicationRegions": ["a"], "storageAccountType": "Standard_ZRS")"),
       ", version next after the latest, to a Standard_ZRS"},
      {gallery(R"(, "targetRegions": [{"name": "a", "replicaCount": 2,
                                       "storageAccountType": "Premium_LRS"}])"),
       ", version next after the latest, to a x2 Premium_LRS"},
      {gallery(R"(, "versioning": {"scheme": "Latest", "major": 1})"),
       ", version next after the latest 1.x"},
      {gallery(R"(, "versioning": {"scheme": "Source"}, "excludeFromLatest": true)"),
       ", version as the source's, not latest"},
      {gallery(R"(, "endOfLifeDate": "2096-02-29")"),
       ", version next after the latest, until 2096-02-29"},
      {gallery(R"(, "replicationMode": "Shallow")", "/versions/1.2.3"),
       ", version 1.2.3, replicated Shallow"},
  };
  for (const auto& [text, tail] : cases) {
    const auto target = parse(text);
    ASSERT_OK(target);
    EXPECT_EQ((*target)->describe(), kCompute + "/galleries/x/images/y" + tail);
  }
}

TEST(SharedImageTarget, RefusesWhatContradictsItself) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {gallery(R"(, "replicationRegions": ["a"], "targetRegions": [{"name": "b"}])"),
       "SharedImage:BothRegions"},
      {gallery(R"(, "targetRegions": [{"name": "b"}], "storageAccountType": "Standard_LRS")"),
       "SharedImage:StorageAccountType"},
      {gallery(R"(, "targetRegions": [{"name": "a", "replicaCount": 0}])"), "Json:OutOfRange"},
      {gallery(R"(, "targetRegions": [{"replicaCount": 1}])"), "Template:MissingField"},
      {gallery(R"(, "versioning": {"scheme": "Source", "major": 1})"), "SharedImage:MajorOfSource"},
      {gallery(R"(, "versioning": {"scheme": "newest"})"), "Template:BadValue"},
      {gallery(R"(, "versioning": {"scheme": "Latest", "major": -2})"), "Json:OutOfRange"},
      {gallery("", "/versions/1.2"), "Distribute:BadResourceId"},
      {gallery(R"(, "endOfLifeDate": "2020-01-31")"), "SharedImage:EndOfLife"},
      {gallery(R"(, "endOfLifeDate": "2095-02-29")"), "SharedImage:EndOfLife"},
      {gallery(R"(, "endOfLifeDate": "2096-2-029")"), "SharedImage:EndOfLife"},
      {gallery(R"(, "endOfLifeDate": "2096-02-29T00:00:00Z")"), "SharedImage:EndOfLife"},
      {gallery(R"(, "endOfLifeDate": "")"), "SharedImage:EndOfLife"},
  };
  for (const auto& [text, code] : cases) EXPECT_THAT(parse(text), FailsWith(code)) << text;
}

TEST(SharedImageTarget, RegionsWereRequiredOnce) {
  EXPECT_OK(parse(gallery("")));
  EXPECT_THAT(parse(gallery(""), ApiVersion::k2022February), FailsWith("Template:MissingField"));
}

}  // namespace
}  // namespace kiln
