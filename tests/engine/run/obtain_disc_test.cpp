// Discs that a build installs from: checked, or fetched and checked.
#include "engine/run/install/obtain_disc.h"

#include "engine/core/digest.h"
#include "tests/disk/support/disc_tools.h"
#include "tests/support/recording_sink.h"
#include "uploaders/transport/fetcher.h"

namespace kiln::test {
namespace {

class ObtainDiscTest : public DiscTest {
 protected:
  /// A plan that is to fetch a disc from `file`.
  Plan plan(const std::filesystem::path& file, const std::string& digest) {
    Plan plan;
    plan.source.disc = DiscSource{file.string(), "t.json:1:1", {}, {}, {}};
    plan.source.expected_sha256 = digest;
    plan.install = PlannedInstall{};
    plan.install->fetch = file.string();
    return plan;
  }

  Result<InstallOrder> obtain(const Plan& plan) {
    return obtain_disc(plan, *fetcher_, work_.path(), path("cache"), events_, {});
  }

  TempDir work_ = TempDir::create().value();
  std::unique_ptr<Fetcher> fetcher_ = make_fetcher("/");
  RecordingSink events_;
};

TEST_F(ObtainDiscTest, FetchesAndLooksAtIt) {
  const auto disc = iso("debian.iso", "Debian", debian_disc());
  const auto order = obtain(plan(disc, *sha256_file(disc)));
  ASSERT_OK(order);
  EXPECT_EQ(order->media.image, work_.path() / "disc.iso");
  EXPECT_EQ(order->media.family, InstallerFamily::kDebian);
  EXPECT_EQ(*sha256_file(work_.path() / "disc.iso"), *sha256_file(disc));
}

TEST_F(ObtainDiscTest, RefusesAnotherDisc) {
  const auto disc = iso("debian.iso", "Debian", debian_disc());
  EXPECT_THAT(obtain(plan(disc, std::string(64, 'a'))), FailsWith("Source:WrongDigest"));
  EXPECT_TRUE(std::filesystem::is_empty(work_.path()));
}

TEST_F(ObtainDiscTest, RefusesADiscThatNothingIsInstalledFrom) {
  const auto data = iso("data.iso", "DATA", {{"x", ""}});
  EXPECT_THAT(obtain(plan(data, *sha256_file(data))), FailsWith("Installer:UnknownMedia"));
  const auto windows = udf("w.iso", "SSS", {{"sources/install.wim", wim(server_editions())}});
  EXPECT_THAT(obtain(plan(windows, *sha256_file(windows))), FailsWith("Template:NotYetSupported"));
  EXPECT_THAT(obtain(plan(path("missing.iso"), std::string(64, 'a'))),
              FailsWith("Fetch:LocalFile"));
}

TEST_F(ObtainDiscTest, ChecksADiscThatIsAtHand) {
  const auto disc = iso("debian.iso", "Debian", debian_disc());
  auto at_hand = plan(disc, *sha256_file(disc));
  at_hand.install->fetch.clear();
  at_hand.source.path = disc;
  at_hand.install->order.media = *inspect_media(disc);
  const auto order = obtain(at_hand);
  ASSERT_OK(order);
  EXPECT_EQ(order->media.image, disc);
  EXPECT_TRUE(std::filesystem::is_empty(work_.path())) << "it is not copied";
  at_hand.source.expected_sha256 = std::string(64, 'a');
  EXPECT_THAT(obtain(at_hand), FailsWith("Source:WrongDigest"));
}

}  // namespace
}  // namespace kiln::test
