#include "disk/sources/source.h"

#include <fstream>

#include "disk/sources/catalog.h"
#include "engine/core/digest.h"
#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;
using test::FailsWith;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kManagedImage =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/base";
constexpr const char* kDefinition =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/main/images/rocky9";

Result<std::unique_ptr<Source>> parse(const std::string& body) {
  KILN_TRY_ASSIGN(const auto reader, JsonReader::parse(body, "t.json"));
  return parse_source(reader);
}

std::string platform_image(const std::string& version, const std::string& more = "") {
  return R"({"type": "PlatformImage", "publisher": "Debian", "offer": "debian-12", "sku": "12-gen2",
             "version": ")" +
         version + "\"" + more + "}";
}

class SourceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::create();
    ASSERT_OK(dir);
    dir_ = std::make_unique<TempDir>(*std::move(dir));
    std::ofstream(disk(), std::ios::binary) << std::string(1U << 20U, '\0');
    context_ = {dir_->path() / "catalog.json", dir_->path()};
  }
  [[nodiscard]] fs::path disk() const { return dir_->path() / "disk.raw"; }
  void add(const std::string& key) const {
    CatalogRequest request;
    const auto parsed = parse_image_key(key);
    ASSERT_OK(parsed);
    request.key = *parsed;
    request.path = disk();
    request.os_type = OsType::kLinux;
    request.hyper_v_generation = HyperVGeneration::kV2;
    request.security_type = SecurityType::kTrustedLaunch;
    ASSERT_OK(Catalog(context_.catalog).add(request, {}));
  }
  [[nodiscard]] Result<ResolvedSource> resolve(const std::string& body) const {
    KILN_TRY_ASSIGN(const auto source, parse(body));
    return source->resolve(context_);
  }

  std::unique_ptr<TempDir> dir_;
  SourceContext context_;
};

TEST_F(SourceTest, EveryEntryOfTheRegistryIsComplete) {
  for (const auto& entry : source_registry()) {
    EXPECT_FALSE(entry.type->help.empty()) << entry.type->name;
    const auto body = JsonReader::of({{"type", entry.type->name}}, "t.json");
    // None of them can do without any field; each says so instead of making something up.
    EXPECT_FALSE(parse_source(body).has_value()) << entry.type->name;
  }
}

TEST_F(SourceTest, ResolvesAPlatformImage) {
  add("Debian:debian-12:12-gen2:12.9.0");
  add("Debian:debian-12:12-gen2:12.10.0");
  const auto source = parse(platform_image("latest"));
  ASSERT_OK(source);
  EXPECT_EQ((*source)->type(), "PlatformImage");
  EXPECT_EQ((*source)->describe(), "PlatformImage Debian:debian-12:12-gen2:latest");
  const auto resolved = (*source)->resolve(context_);
  ASSERT_OK(resolved);
  EXPECT_EQ(resolved->path, disk());
  EXPECT_EQ(resolved->identity, "Debian:debian-12:12-gen2:12.10.0");
  EXPECT_EQ(resolved->expected_sha256, *sha256_file(disk()));
  EXPECT_EQ(resolved->os_type, OsType::kLinux);
  EXPECT_EQ(resolved->hyper_v_generation, HyperVGeneration::kV2);
  EXPECT_EQ(resolved->security_type, SecurityType::kTrustedLaunch);
  EXPECT_EQ(resolve(platform_image("12.9.0"))->identity, "Debian:debian-12:12-gen2:12.9.0");
}

TEST_F(SourceTest, AMissingImageSaysWhereItIsWantedAndHowToGetIt) {
  const auto missing = resolve(platform_image("12.9.0"));
  ASSERT_THAT(missing, FailsWith("Source:NotInCatalog"));
  EXPECT_EQ(missing.error().where(), "t.json:1:1");
  EXPECT_THAT(missing.error().cure(),
              HasSubstr("kiln catalog add Debian:debian-12:12-gen2:12.9.0 "));
}

TEST_F(SourceTest, ACataloguedFileThatWentAwayIsNamed) {
  add("Debian:debian-12:12-gen2:12.9.0");
  fs::remove(disk());
  const auto missing = resolve(platform_image("latest"));
  ASSERT_THAT(missing, FailsWith("Source:FileMissing"));
  EXPECT_THAT(missing.error().message(), HasSubstr(disk().string()));
  EXPECT_FALSE(missing.error().cure().empty());
}

TEST_F(SourceTest, PlansAndReadOnlyFieldsAreNoticed) {
  const auto body = JsonReader::parse(
      platform_image(
          "latest",
          R"(, "exactVersion": "1", "planInfo": {"planName": "a", "planProduct": "b", "planPublisher": "c"})"),
      "t.json");
  ASSERT_OK(body);
  Diagnostics found;
  EXPECT_NE(parse_source(*body, {kNewestVersion, found}).item, nullptr);
  EXPECT_THAT(found.lines(Severity::kNotice),
              testing::UnorderedElementsAre(HasSubstr("planInfo"), HasSubstr("exactVersion")));
  EXPECT_EQ(found.all().size(), 2U);
  EXPECT_THAT(parse(platform_image("latest", R"(, "planInfo": {"planName": "a"})")),
              FailsWith("Template:MissingField"));
}

TEST_F(SourceTest, RefusesIncompleteAndMisspeltPlatformImages) {
  EXPECT_THAT(parse(R"({"type": "PlatformImage", "publisher": "a", "offer": "b", "sku": "c"})"),
              FailsWith("Template:MissingField"));
  const auto odd = parse(platform_image("newest"));
  ASSERT_THAT(odd, FailsWith("Source:BadImageName"));
  EXPECT_EQ(odd.error().where(), "t.json:2:25 /version");
  EXPECT_THAT(parse(platform_image("1.0.0", R"(, "Sku": "x")")), FailsWith("Template:WrongCase"));
}

TEST_F(SourceTest, ResolvesAManagedImage) {
  add(kManagedImage);
  const auto body = std::string(R"({"type": "ManagedImage", "imageId": ")") + kManagedImage + "\"}";
  const auto resolved = resolve(body);
  ASSERT_OK(resolved);
  EXPECT_EQ(resolved->identity, kManagedImage);
  const auto wrong = parse(std::string(R"({"type": "ManagedImage", "imageId": ")") + kDefinition +
                           "/versions/1.0.0\"}");
  ASSERT_THAT(wrong, FailsWith("Source:BadImageId"));
  EXPECT_THAT(wrong.error().where(), testing::EndsWith("/imageId"));
  EXPECT_THAT(parse(R"({"type": "ManagedImage", "ImageId": "x"})"),
              FailsWith("Template:WrongCase"));
}

TEST_F(SourceTest, ResolvesAGalleryVersionAndItsNewest) {
  add(std::string(kDefinition) + "/versions/1.2.0");
  add(std::string(kDefinition) + "/versions/1.10.0");
  const auto body = [](const std::string& tail) {
    return std::string(R"({"type": "SharedImageVersion", "imageVersionId": ")") + kDefinition +
           tail + "\"}";
  };
  EXPECT_EQ(resolve(body("/versions/latest"))->identity,
            std::string(kDefinition) + "/versions/1.10.0");
  EXPECT_EQ(resolve(body("/versions/1.2.0"))->identity,
            std::string(kDefinition) + "/versions/1.2.0");
  EXPECT_THAT(parse(body("")), FailsWith("Source:BadImageId"));
  EXPECT_THAT(parse(body("/versions/newest")), FailsWith("Source:BadImageId"));
  EXPECT_THAT(parse(R"({"type": "SharedImageVersion", "imageVersionID": "x"})"),
              FailsWith("Template:WrongCase"));
}

TEST_F(SourceTest, ResolvesALocalImageFromTheTemplatesFolder) {
  const auto plain = resolve(R"({"type": "KilnLocalImage", "path": "./disk.raw"})");
  ASSERT_OK(plain);
  EXPECT_EQ(plain->path, disk());
  EXPECT_EQ(plain->identity, disk().string());
  EXPECT_FALSE(plain->expected_sha256.has_value());
  EXPECT_EQ(plain->os_type, OsType::kUnknown);
  EXPECT_EQ(plain->security_type, SecurityType::kStandard);

  const auto sha256 = *sha256_file(disk());
  const auto full = resolve(
      R"({"type": "KilnLocalImage", "path": ")" + disk().string() + R"(", "sha256Checksum": ")" +
      sha256 +
      R"(", "osType": "linux", "hyperVGeneration": "v2", "securityType": "trustedlaunch"})");
  ASSERT_OK(full);
  EXPECT_EQ(full->identity, "sha256:" + sha256);
  EXPECT_EQ(full->os_type, OsType::kLinux);
  EXPECT_EQ(full->hyper_v_generation, HyperVGeneration::kV2);
  EXPECT_EQ(full->security_type, SecurityType::kTrustedLaunch);
}

TEST_F(SourceTest, RefusesBadLocalImages) {
  EXPECT_THAT(resolve(R"({"type": "KilnLocalImage", "path": "absent.raw"})"),
              FailsWith("Source:FileMissing"));
  EXPECT_THAT(resolve(R"({"type": "KilnLocalImage", "path": "."})"),
              FailsWith("Source:FileMissing"));
  EXPECT_THAT(parse(R"({"type": "KilnLocalImage", "path": ""})"), FailsWith("Source:BadPath"));
  EXPECT_THAT(parse(R"({"type": "KilnLocalImage", "path": "a\u0000b"})"),
              FailsWith("Source:BadPath"));
  EXPECT_THAT(parse(R"({"type": "KilnLocalImage", "path": "a", "sha256Checksum": "abc"})"),
              FailsWith("Source:BadChecksum"));
  EXPECT_THAT(parse(R"({"type": "KilnLocalImage", "path": "a", "securityType": "Confidential"})"),
              FailsWith("Source:BadSecurityType"));
  EXPECT_THAT(parse(R"({"type": "KilnLocalImage", "path": "a", "osType": "Mac"})"),
              FailsWith("Source:BadOsType"));
}

TEST_F(SourceTest, AnIsoIsADiscWithADigest) {
  const auto body = [](const std::string& name, const std::string& digest) {
    return R"({"type": "ISO", ")" + name + R"(": "https://x/y.iso", "sha256Checksum": ")" + digest +
           "\"}";
  };
  const auto iso = parse(body("sourceUri", std::string(64, 'a')));
  ASSERT_OK(iso);
  EXPECT_EQ((*iso)->describe(), "ISO https://x/y.iso");
  const auto resolved = (*iso)->resolve(context_);
  ASSERT_OK(resolved);
  EXPECT_TRUE(resolved->path.empty()) << "the catalog does not know it";
  EXPECT_EQ(resolved->expected_sha256, std::string(64, 'a'));
  EXPECT_EQ(resolved->identity, "sha256:" + std::string(64, 'a'));
  EXPECT_EQ(resolved->hyper_v_generation, HyperVGeneration::kV2);
  ASSERT_TRUE(resolved->disc.has_value());
  EXPECT_EQ(resolved->disc->uri, "https://x/y.iso");
  EXPECT_THAT(parse(body("sourceUri", "z")), FailsWith("Template:BadChecksum"));
  Diagnostics found;
  const auto old = JsonReader::parse(body("sourceURI", std::string(64, 'a')), "t.json");
  ASSERT_OK(old);
  EXPECT_NE(parse_source(*old, {ApiVersion::k2018Preview, found}).item, nullptr);
  EXPECT_THAT(found.all(), IsEmpty());
}

TEST_F(SourceTest, AnIsoSaysHowItIsInstalled) {
  const auto body = [](const std::string& more) {
    return R"({"type": "ISO", "sourceUri": "x.iso", "sha256Checksum": ")" + std::string(64, 'A') +
           "\", " + more + "}";
  };
  const auto iso = parse(body(R"("hyperVGeneration": "v1", "answers": "my/preseed.cfg",
      "additionalAnswers": "/more.cfg", "edition": "2")"));
  ASSERT_OK(iso);
  const auto resolved = (*iso)->resolve(context_);
  ASSERT_OK(resolved);
  EXPECT_EQ(resolved->expected_sha256, std::string(64, 'a')) << "in small letters";
  EXPECT_EQ(resolved->hyper_v_generation, HyperVGeneration::kV1);
  EXPECT_EQ(resolved->disc->answers, context_.template_folder / "my/preseed.cfg");
  EXPECT_EQ(resolved->disc->additional_answers, "/more.cfg");
  EXPECT_EQ(resolved->disc->edition, "2");
  EXPECT_THAT(parse(body(R"("answers": "https://x/y")")), FailsWith("Source:BadPath"));
  EXPECT_THAT(parse(body(R"("answers": "")")), FailsWith("Source:BadPath"));
  EXPECT_FALSE(parse(body(R"("hyperVGeneration": "V3")")).has_value());
}

TEST_F(SourceTest, AnIsoMayBeInTheCatalog) {
  std::string disc(20U * 2048U, '\0');
  disc.replace(16U * 2048U,
               6,
               "\x01"
               "CD001");
  const auto file = context_.template_folder / "linux.iso";
  std::ofstream(file, std::ios::binary) << disc;
  CatalogRequest wanted;
  wanted.key = *parse_image_key("https://host/linux.iso");
  wanted.path = file;
  ASSERT_OK(Catalog(context_.catalog).add(wanted, {}));
  const auto body = [](const std::string& digest) {
    return R"({"type": "ISO", "sourceUri": "https://host/linux.iso", "sha256Checksum": ")" +
           digest + "\"}";
  };
  const auto good = parse(body(sha256_hex(disc)));
  ASSERT_OK(good);
  const auto resolved = (*good)->resolve(context_);
  ASSERT_OK(resolved);
  EXPECT_EQ(resolved->path, file);
  const auto other = parse(body(std::string(64, 'b')));
  ASSERT_OK(other);
  EXPECT_THAT((*other)->resolve(context_), FailsWith("Source:OtherDisc"));
}

TEST_F(SourceTest, TypesAreCaseSensitive) {
  const auto wrong = parse(R"({"type": "platformImage"})");
  ASSERT_THAT(wrong, FailsWith("Template:UnknownType"));
  EXPECT_EQ(wrong.error().cure(), "did you mean \"PlatformImage\"?");
  EXPECT_THAT(parse("{}"), FailsWith("Template:MissingField"));
}

}  // namespace
}  // namespace kiln
