// Plans of sources that are discs, found on this machine or not.
#include "engine/core/digest.h"
#include "engine/core/file.h"
#include "engine/plan/plan.h"
#include "engine/template/parse.h"
#include "tests/disk/support/disc_tools.h"

namespace kiln::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::Property;

class DiscPlanTest : public DiscTest {
 protected:
  /// @param source members of the source beside its type
  Plan plan(const std::string& source, PlanOptions options = {}, const std::string& more = "") {
    auto parsed = parse_template(
        R"({"type": "Microsoft.VirtualMachineImages/imageTemplates",
            "apiVersion": "2019-05-01-preview", "properties": {"source": {"type": "ISO", )" +
            source + "}" + more + R"(, "distribute": [{"type": "VHD", "runOutputName": "vhd"}]}})",
        "t.json");
    EXPECT_OK(parsed);
    auto checked = check_template(*std::move(parsed));
    EXPECT_OK(checked);
    options.template_folder = folder_.path();
    options.catalog = path("catalog.json");
    auto made = make_plan(*std::move(checked), std::move(options));
    EXPECT_OK(made);
    return *std::move(made);
  }

  static std::string at(const std::string& uri, const std::string& digest = std::string(64, 'a')) {
    return R"("sourceURI": ")" + uri + R"(", "sha256Checksum": ")" + digest + "\"";
  }

  /// Beside the one that says that nothing is installed yet.
  static std::vector<std::string> codes(const Plan& plan) {
    std::vector<std::string> codes;
    for (const auto& blocker : plan.blockers) codes.push_back(blocker.code());
    return codes;
  }
};

TEST_F(DiscPlanTest, SaysWhatIsInstalled) {
  iso("debian.iso", "Debian", debian_disc());
  const auto made = plan(at("debian.iso") + R"(, "hyperVGeneration": "V1")");
  ASSERT_TRUE(made.install.has_value());
  EXPECT_TRUE(made.install->fetch.empty());
  EXPECT_EQ(made.install->order.firmware, Firmware::kBios);
  EXPECT_EQ(made.install->order.disk_bytes, 30 * kGiB);
  EXPECT_EQ(made.source.os_type, OsType::kLinux);
  EXPECT_EQ(made.source.path, path("debian.iso"));
  EXPECT_EQ(made.disk_size(), 30 * kGiB);
  EXPECT_FALSE(made.grown_size().has_value());
  EXPECT_THAT(codes(made), testing::IsEmpty());
  EXPECT_THAT(describe_plan(made), HasSubstr("installs Debian GNU/Linux 12.5.0 from"));
  EXPECT_EQ(plan_to_json(made)["source"]["install"]["family"], "debian");
}

TEST_F(DiscPlanTest, TheDiskHasTheSizeThatTheTemplateWants) {
  iso("debian.iso", "Debian", debian_disc());
  const auto made = plan(at("debian.iso"), {}, R"(, "vmProfile": {"osDiskSizeGB": 8})");
  EXPECT_EQ(made.install->order.disk_bytes, 8 * kGiB);
  EXPECT_EQ(made.disk_size(), 8 * kGiB);
  EXPECT_FALSE(made.grown_size().has_value());
}

TEST_F(DiscPlanTest, TakesFilesForRemoteDiscs) {
  iso("debian.iso", "Debian", debian_disc());
  ASSERT_OK(write_file_atomic(path("map.json"), R"({"https://host/": "."})"));
  PlanOptions options;
  options.offline = true;
  options.uri_map = *UriMap::load(path("map.json"));
  const auto made = plan(at("https://host/debian.iso"), std::move(options));
  EXPECT_EQ(made.install->order.media.family, InstallerFamily::kDebian);
  EXPECT_TRUE(made.install->fetch.empty());
}

TEST_F(DiscPlanTest, ARemoteDiscIsFetchedWhenItIsBuilt) {
  const auto made = plan(at("https://host/debian.iso"));
  EXPECT_EQ(made.install->fetch, "https://host/debian.iso");
  EXPECT_FALSE(made.source_found());
  EXPECT_EQ(made.disk_size(), 30 * kGiB);
  EXPECT_THAT(codes(made), testing::IsEmpty());
  EXPECT_THAT(describe_plan(made), HasSubstr("fetched, then installed"));
}

TEST_F(DiscPlanTest, WhatCannotBeHadOrInstalledBlocks) {
  PlanOptions offline;
  offline.offline = true;
  EXPECT_THAT(codes(plan(at("https://host/debian.iso"), offline)), Contains("Fetch:Offline"));
  EXPECT_THAT(codes(plan(at("missing.iso"))), Contains("Source:DiscMissing"));
  iso("data.iso", "DATA", {{"x", ""}});
  EXPECT_THAT(codes(plan(at("data.iso"))), Contains("Installer:UnknownMedia"));
  ASSERT_OK(write_file_atomic(path("raw.iso"), "no disc"));
  EXPECT_THAT(codes(plan(at("raw.iso"))), Contains("Media:NoDisc"));
  iso("debian.iso", "Debian", debian_disc());
  EXPECT_THAT(codes(plan(at("debian.iso") + R"(, "answers": "none.cfg")")), Contains("File:Open"));
}

TEST_F(DiscPlanTest, ReadsTheUsersAnswers) {
  iso("debian.iso", "Debian", debian_disc());
  ASSERT_OK(write_file_atomic(path("my.cfg"), "d-i a/b string c\n"));
  const auto made = plan(at("debian.iso") + R"(, "additionalAnswers": "my.cfg")");
  EXPECT_EQ(made.install->order.additional_answers, "d-i a/b string c\n");
}

TEST_F(DiscPlanTest, WindowsIsPlanned) {
  udf("w.iso", "SSS", {{"sources/install.wim", wim(server_editions())}});
  const auto made = plan(at("w.iso") + R"(, "edition": "ServerDatacenter")");
  EXPECT_EQ(made.source.os_type, OsType::kWindows);
  EXPECT_EQ(made.disk_size(), 127 * kGiB);
  EXPECT_THAT(codes(made), Contains("Template:NotYetSupported"));
  EXPECT_THAT(codes(plan(at("w.iso") + R"(, "edition": "Home")")),
              Contains("Installer:UnknownEdition"));
}

TEST_F(DiscPlanTest, TheInstallerHasFurtherMedia) {
  iso("debian.iso", "Debian", debian_disc());
  EXPECT_OK(make_directories(path("drivers")));
  const auto made = plan(at("debian.iso") + R"(, "media": ["drivers", "debian.iso"])");
  EXPECT_THAT(codes(made), testing::IsEmpty());
  ASSERT_EQ(made.install->media.size(), 2U);
  EXPECT_EQ(made.install->media[0].iso, path("drivers"));
  EXPECT_TRUE(made.options.sandbox.media.empty()) << "steps have media of their own";
  EXPECT_THAT(describe_plan(made),
              HasSubstr("Medium      of the installer is " + path("drivers").string()));
  EXPECT_EQ(plan_to_json(made)["source"]["install"]["media"][1]["name"], "debian");
  EXPECT_THAT(codes(plan(at("debian.iso") + R"(, "media": ["missing.iso"])")),
              Contains("Media:Open"));
  std::string four;
  for (const char* name : {"a", "b", "c", "d"}) {
    EXPECT_OK(make_directories(path(name)));
    four += (four.empty() ? "\"" : ", \"") + std::string(name) + "\"";
  }
  EXPECT_THAT(codes(plan(at("debian.iso") + R"(, "media": [)" + four + "]")),
              Contains("Media:TooMany"));
}

class MediaPlanTest : public DiscPlanTest {
 protected:
  void SetUp() override {
    DiscPlanTest::SetUp();
    iso("debian.iso", "Debian", debian_disc());
    for (const char* name : {"packages", "more/packages", "odd name"}) folder(name);
  }
  void folder(const std::string& name) { EXPECT_OK(make_directories(path(name))); }
  Plan with_media(const std::string& media, PlanOptions options = {}) {
    return plan(at("debian.iso"), std::move(options), R"(, "media": )" + media);
  }
};

TEST_F(MediaPlanTest, AreThoseOfTheCommandLineAndThenTheTemplates) {
  PlanOptions options;
  options.sandbox.media = {{"first", "/first.iso"}};
  const auto made = with_media(R"(["packages/", "debian.iso"])", std::move(options));
  EXPECT_THAT(codes(made), testing::IsEmpty());
  const auto& media = made.options.sandbox.media;
  ASSERT_EQ(media.size(), 3U);
  EXPECT_EQ(media[1].name, "packages");
  EXPECT_EQ(media[2].iso, path("debian.iso")) << "relative paths start at the template's folder";
  EXPECT_THAT(describe_plan(made), HasSubstr("Medium      /run/kiln/media/debian is "));
  EXPECT_EQ(plan_to_json(made)["sandbox"]["media"][2]["name"], "debian");
  EXPECT_TRUE(made.checked.canonical["properties"]["media"].is_array());
}

TEST_F(MediaPlanTest, WhatCannotBeAttachedBlocksTheBuild) {
  const auto made = with_media(R"(["missing.iso", "packages", "more/packages", "odd name"])");
  EXPECT_THAT(codes(made), testing::ElementsAre("Media:Open", "Media:SameName", "Media:Name"));
  EXPECT_THAT(made.blockers[1].where(), HasSubstr("/properties/media/2"));
}

TEST_F(MediaPlanTest, OnlySoManyHaveDrives) {
  std::string many = "\"many/0\"";
  for (int i = 0; i <= 20; ++i) {
    const auto name = fmt::format("many/{}", i);
    folder(name);
    if (i > 0) many += fmt::format(", \"{}\"", name);
  }
  EXPECT_THAT(codes(with_media("[" + many + "]")), testing::ElementsAre("Media:TooMany"));
}

}  // namespace
}  // namespace kiln::test
