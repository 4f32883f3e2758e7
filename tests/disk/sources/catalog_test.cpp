#include "disk/sources/catalog.h"

#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <thread>

#include "engine/core/digest.h"
#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;
using test::FailsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kUrn = "Debian:debian-12:12-gen2:12.1.0";

class CatalogTest : public testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::create();
    ASSERT_OK(dir);
    dir_ = std::make_unique<TempDir>(*std::move(dir));
  }

  [[nodiscard]] fs::path at(const std::string& name) const { return dir_->path() / name; }

  /// A raw disk of 1 MiB whose first byte tells it from others.
  [[nodiscard]] fs::path make_disk(const std::string& name, char first = 'a') const {
    std::string contents(1U << 20U, '\0');
    contents[0] = first;
    std::ofstream(at(name), std::ios::binary) << contents;
    return at(name);
  }

  [[nodiscard]] CatalogRequest request(const std::string& key, const fs::path& path) const {
    CatalogRequest wanted;
    const auto parsed = parse_image_key(key);
    EXPECT_OK(parsed);
    if (parsed) wanted.key = *parsed;
    wanted.path = path;
    return wanted;
  }

  [[nodiscard]] Result<CatalogEntry> add(const std::string& key, const fs::path& path) const {
    return catalog().add(request(key, path), {});
  }

  [[nodiscard]] Catalog catalog() const { return Catalog(at("config/catalog.json")); }

  std::unique_ptr<TempDir> dir_;
};

TEST_F(CatalogTest, IsEmptyWhereThereIsNoFile) {
  const auto entries = catalog().list();
  ASSERT_OK(entries);
  EXPECT_THAT(*entries, IsEmpty());
  EXPECT_FALSE(fs::exists(at("config"))) << "listing wrote something";
}

/// ECMA-119: a volume descriptor in the sector 16.
TEST_F(CatalogTest, KnowsDiscsByTheirUri) {
  const std::string uri = "https://host/linux.iso";
  EXPECT_THAT(add(uri, make_disk("disk.raw")), FailsWith("Catalog:NoDisc"));
  std::string disc(20U * 2048U, '\0');
  disc.replace(16U * 2048U,
               6,
               "\x01"
               "CD001");
  std::ofstream(at("linux.iso"), std::ios::binary) << disc;
  ASSERT_OK(add(uri, at("linux.iso")));
  const auto found = catalog().find_disc(uri + "?sig=x");
  ASSERT_OK(found);
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->path, at("linux.iso"));
  EXPECT_EQ((*found)->sha256, sha256_hex(disc));
  for (const auto* other : {"https://host/other.iso", "linux.iso", "file:///linux.iso"}) {
    const auto none = catalog().find_disc(other);
    ASSERT_OK(none);
    EXPECT_FALSE(none->has_value()) << other;
  }
}

TEST_F(CatalogTest, RegistersWhatItFoundInTheFile) {
  auto wanted = request(kUrn, make_disk("disk.raw"));
  wanted.os_type = OsType::kLinux;
  wanted.hyper_v_generation = HyperVGeneration::kV2;
  const auto added = catalog().add(wanted, {});
  ASSERT_OK(added);
  EXPECT_EQ(added->format, DiskFormat::kRaw);
  EXPECT_EQ(added->sha256, *sha256_file(at("disk.raw")));
  const auto entries = catalog().list();
  ASSERT_OK(entries);
  ASSERT_THAT(*entries, SizeIs(1));
  const auto& entry = entries->front();
  EXPECT_EQ(entry.key.text(), kUrn);
  EXPECT_EQ(entry.path, at("disk.raw"));
  EXPECT_EQ(entry.sha256, added->sha256);
  EXPECT_EQ(entry.os_type, OsType::kLinux);
  EXPECT_EQ(entry.hyper_v_generation, HyperVGeneration::kV2);
  EXPECT_THAT(entry.added, testing::MatchesRegex("20..-..-..T..:..:..\\....Z"));
}

TEST_F(CatalogTest, KeepsRelativePathsAsAbsoluteOnes) {
  const auto disk = make_disk("disk.raw");
  const auto folder = fs::current_path();
  fs::create_directory(at("sub"));
  fs::current_path(at("sub"));
  const auto added = add(kUrn, "../disk.raw");
  fs::current_path(folder);
  ASSERT_OK(added);
  EXPECT_EQ(added->path, disk);
}

TEST_F(CatalogTest, RefusesOtherContentsUnderATakenName) {
  ASSERT_OK(add(kUrn, make_disk("one.raw", '1')));
  auto other = request("debian:DEBIAN-12:12-gen2:12.1.0", make_disk("two.raw", '2'));
  const auto refused = catalog().add(other, {});
  ASSERT_THAT(refused, FailsWith("Catalog:NameTaken"));
  EXPECT_THAT(refused.error().cure(), HasSubstr("--replace"));
  EXPECT_EQ(catalog().list()->front().path, at("one.raw"));
  other.replace = true;
  ASSERT_OK(catalog().add(other, {}));
  ASSERT_THAT(*catalog().list(), SizeIs(1));
  EXPECT_EQ(catalog().list()->front().path, at("two.raw"));
}

TEST_F(CatalogTest, TheSameContentsMayMove) {
  ASSERT_OK(add(kUrn, make_disk("one.raw")));
  ASSERT_OK(add(kUrn, make_disk("moved.raw")));
  ASSERT_THAT(*catalog().list(), SizeIs(1));
  EXPECT_EQ(catalog().list()->front().path, at("moved.raw"));
}

TEST_F(CatalogTest, RefusesWhatIsNoImageOrNoExactName) {
  EXPECT_FALSE(add(kUrn, at("absent.raw")).has_value());
  const auto latest = add("Debian:debian-12:12-gen2:latest", make_disk("disk.raw"));
  ASSERT_THAT(latest, FailsWith("Catalog:InexactVersion"));
  EXPECT_FALSE(fs::exists(at("config/catalog.json")));
}

TEST_F(CatalogTest, RemovesTheEntryAndKeepsTheFile) {
  ASSERT_OK(add(kUrn, make_disk("disk.raw")));
  const auto key = *parse_image_key("DEBIAN:debian-12:12-gen2:12.1.0");
  ASSERT_OK(catalog().remove(key));
  EXPECT_THAT(*catalog().list(), IsEmpty());
  EXPECT_TRUE(fs::exists(at("disk.raw")));
  EXPECT_THAT(catalog().remove(key), FailsWith("Catalog:NotRegistered"));
}

TEST_F(CatalogTest, VerifySeesChangedMissingAndUnreadableFiles) {
  ASSERT_OK(add("a:b:c:1.0.0", make_disk("ok.raw")));
  ASSERT_OK(add("a:b:c:2.0.0", make_disk("changed.raw")));
  ASSERT_OK(add("a:b:c:3.0.0", make_disk("missing.raw")));
  ASSERT_OK(add("a:b:c:4.0.0", make_disk("unreadable.raw")));
  (void)make_disk("changed.raw", 'z');
  fs::remove(at("missing.raw"));
  fs::remove(at("unreadable.raw"));
  fs::create_directory(at("unreadable.raw"));  // unreadable even for root
  const auto findings = catalog().verify({});
  ASSERT_OK(findings);
  ASSERT_THAT(*findings, SizeIs(4));
  EXPECT_EQ(findings->at(0).status, CatalogStatus::kOk);
  EXPECT_EQ(findings->at(1).status, CatalogStatus::kChanged);
  EXPECT_THAT(findings->at(1).detail, HasSubstr("SHA-256"));
  EXPECT_EQ(findings->at(2).status, CatalogStatus::kMissing);
  EXPECT_EQ(findings->at(3).status, CatalogStatus::kUnreadable);
}

TEST_F(CatalogTest, HashingCanBeCancelled) {
  ASSERT_OK(add(kUrn, make_disk("disk.raw")));
  CancelSource source;
  source.request();
  EXPECT_THAT(catalog().verify(source.token()), FailsWith("Run:Cancelled"));
  EXPECT_THAT(catalog().add(request("a:b:c:1", at("disk.raw")), source.token()),
              FailsWith("Run:Cancelled"));
  EXPECT_THAT(*catalog().list(), SizeIs(1));
}

TEST_F(CatalogTest, ManyWritersLoseNoEntry) {
  constexpr int kWriters = 8;
  constexpr int kEach = 5;
  const auto disk = make_disk("disk.raw");
  {
    std::vector<std::jthread> writers;
    for (int writer = 0; writer < kWriters; ++writer) {
      writers.emplace_back([&, writer] {
        for (int i = 0; i < kEach; ++i) {
          EXPECT_OK(add(fmt::format("a:b:c{}:{}.0.0", writer, i), disk));
        }
      });
    }
  }
  EXPECT_THAT(*catalog().list(), SizeIs(kWriters * kEach));
}

TEST_F(CatalogTest, WaitsForTheLock) {
  ASSERT_OK(add("a:b:c:1.0.0", make_disk("disk.raw")));
  const UniqueFd other(::open(at("config/catalog.json.lock").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
  std::atomic<bool> done = false;
  std::jthread writer([&] {
    EXPECT_OK(add("a:b:c:2.0.0", at("disk.raw")));
    done = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_FALSE(done);
  ::flock(other.get(), LOCK_UN);
  writer.join();
  EXPECT_THAT(*catalog().list(), SizeIs(2));
}

TEST_F(CatalogTest, ResolvesExactLatestAndAnyCase) {
  for (const std::string version : {"1.9.9", "1.10.0", "1.2.30"}) {
    ASSERT_OK(add("Pub:offer:sku:" + version, make_disk("disk.raw")));
  }
  const auto resolve = [&](const std::string& key) {
    return catalog().resolve(*parse_image_key(key));
  };
  EXPECT_EQ(resolve("pub:OFFER:sku:1.9.9")->key.version, "1.9.9");
  EXPECT_EQ(resolve("Pub:offer:sku:latest")->key.version, "1.10.0");
  EXPECT_EQ(resolve("Pub:offer:sku:LATEST")->key.version, "1.10.0");
}

TEST_F(CatalogTest, AMissGivesNeighboursAndTheCommand) {
  ASSERT_OK(add("Debian:debian-12:12-gen2:12.1.0", make_disk("disk.raw")));
  const auto resolve = [&](const std::string& key) {
    return catalog().resolve(*parse_image_key(key));
  };
  const auto version = resolve("Debian:debian-12:12-gen2:12.2.0");
  ASSERT_THAT(version, FailsWith("Source:NotInCatalog"));
  EXPECT_EQ(version.error().kind(), ErrorKind::kNotFound);
  EXPECT_THAT(version.error().message(), HasSubstr("it has Debian:debian-12:12-gen2:12.1.0"));
  EXPECT_THAT(version.error().cure(),
              HasSubstr("kiln catalog add Debian:debian-12:12-gen2:12.2.0 "));
  const auto misspelt = resolve("Debain:debian-12:12-gen2:12.1.0");
  ASSERT_FALSE(misspelt.has_value());
  EXPECT_THAT(misspelt.error().message(),
              HasSubstr("nearest name in it is Debian:debian-12:12-gen2:12.1.0"));
  const auto other_kind =
      resolve("/subscriptions/s/resourceGroups/(g)/providers/Microsoft.Compute/images/i");
  ASSERT_FALSE(other_kind.has_value());
  EXPECT_THAT(other_kind.error().message(), HasSubstr("it has 0 of type ManagedImage"));
  EXPECT_THAT(other_kind.error().cure(), HasSubstr("add '/subscriptions/s/resourceGroups/(g)/"));
  EXPECT_THAT(resolve("x:y:z:latest").error().cure(), HasSubstr("kiln catalog add x:y:z:1.0.0 "));
}

TEST_F(CatalogTest, ADamagedCatalogIsAnErrorAndStaysAsItIs) {
  ASSERT_OK(add(kUrn, make_disk("disk.raw")));
  ASSERT_OK(write_file_atomic(at("config/catalog.json"), "{\"kilnCatalog\": 1,"));
  const auto refused = add("a:b:c:1", at("disk.raw"));
  ASSERT_THAT(refused, FailsWith("Json:Syntax"));
  EXPECT_THAT(refused.error().context(), testing::Contains("reading the catalog"));
  EXPECT_EQ(*read_file(at("config/catalog.json")), "{\"kilnCatalog\": 1,");
}

std::string catalog_text(const std::string& change_from = "", const std::string& to = "") {
  std::string text = R"({"kilnCatalog": 1, "images": [{
    "image": "a:b:c:1.2.3", "path": "/disks/a.vhd", "format": "vhd-fixed",
    "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "osType": "Linux", "hyperVGeneration": "V1", "added": "2024-01-01T00:00:00.000Z"}]})";
  if (!change_from.empty()) {
    const auto found = text.find(change_from);
    EXPECT_NE(found, std::string::npos) << change_from;
    text.replace(found, change_from.size(), to);
  }
  return text;
}

TEST(CatalogFormat, RoundTrips) {
  const auto entries = parse_catalog(catalog_text(), "c.json");
  ASSERT_OK(entries);
  const auto again = parse_catalog(write_catalog(*entries), "again");
  ASSERT_OK(again);
  EXPECT_EQ(write_catalog(*again), write_catalog(*entries));
  EXPECT_EQ(again->front().format, DiskFormat::kFixedVhd);
  EXPECT_EQ(again->front().hyper_v_generation, HyperVGeneration::kV1);
}

TEST(CatalogFormat, RefusesWhatItDoesNotUnderstand) {
  const auto changed = [](const std::string& from, const std::string& to) {
    return parse_catalog(catalog_text(from, to), "c.json");
  };
  EXPECT_THAT(changed("\"kilnCatalog\": 1", "\"kilnCatalog\": 2"),
              FailsWith("Catalog:NewerFormat"));
  EXPECT_THAT(changed("vhd-fixed", "vmdk"), FailsWith("Catalog:UnknownFormat"));
  EXPECT_THAT(changed("1.2.3", "latest"), FailsWith("Catalog:InexactVersion"));
  EXPECT_THAT(changed("a:b:c", "a:b"), FailsWith("Source:BadImageName"));
  EXPECT_THAT(changed("/disks/a.vhd", "a.vhd"), FailsWith("Catalog:BadPath"));
  EXPECT_THAT(changed("/disks/a.vhd", "/a\\u0000b"), FailsWith("Catalog:BadPath"));
  EXPECT_THAT(changed("e3b0", "zzzz"), FailsWith("Source:BadChecksum"));
  EXPECT_THAT(changed("Linux", "Plan9"), FailsWith("Source:BadOsType"));
  EXPECT_THAT(changed("V1", "V3"), FailsWith("Source:BadGeneration"));
  EXPECT_THAT(changed("\"added\"", "\"addedAt\""), FailsWith("Json:UnknownField"));
  EXPECT_THAT(changed("\"images\"", "\"entries\""), FailsWith("Json:UnknownField"));
  EXPECT_THAT(parse_catalog("{}", "c"), FailsWith("Json:MissingField"));
  const auto twice = catalog_text();
  const auto entry = twice.substr(twice.find("{", 1), twice.find("}]") - twice.find("{", 1) + 1);
  EXPECT_THAT(changed("}]", "}," + entry + "]"), FailsWith("Catalog:DuplicateEntry"));
}

}  // namespace
}  // namespace kiln
