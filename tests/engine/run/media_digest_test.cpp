#include "engine/run/media_digest.h"

#include <filesystem>

#include "engine/core/file.h"
#include "engine/core/temp_dir.h"
#include "tests/support/matchers.h"

namespace kiln {
namespace {

namespace fs = std::filesystem;

class MediaDigest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder() / "pool");
    ASSERT_OK(write_file_atomic(folder() / "Packages", "Package: a\n"));
    ASSERT_OK(write_file_atomic(folder() / "pool/a.deb", "deb"));
    fs::create_symlink("Packages", folder() / "link");
    ASSERT_OK(write_file_atomic(iso(), "an iso"));
  }
  [[nodiscard]] fs::path folder() const { return temp_.path() / "packages"; }
  [[nodiscard]] fs::path iso() const { return temp_.path() / "tools.iso"; }
  [[nodiscard]] fs::path cache() const { return temp_.path() / "cache"; }
  [[nodiscard]] std::string digest(const std::vector<OfflineMedium>& media) const {
    const auto contents = media_contents(media, cache(), {});
    EXPECT_TRUE(contents.has_value());
    return contents.value_or("");
  }
  [[nodiscard]] std::string of_folder() const { return digest({{"packages", folder()}}); }

  TempDir temp_ = *TempDir::create();
};

TEST_F(MediaDigest, NoMediaHaveNone) {
  EXPECT_EQ(digest({}), "");
  EXPECT_EQ(known_media_contents({}, cache()), "");
}

TEST_F(MediaDigest, ChangesWithWhatStepsCanSee) {
  const auto before = of_folder();
  EXPECT_EQ(of_folder(), before);
  EXPECT_EQ(known_media_contents({{"packages", folder()}}, cache()), before);
  EXPECT_NE(digest({{"other", folder()}}), before) << "its name in the guest";

  ASSERT_OK(write_file_atomic(folder() / "pool/a.deb", "DEB"));
  const auto other_file = of_folder();
  EXPECT_NE(other_file, before);
  ASSERT_OK(write_file_atomic(folder() / "pool/a.deb", "deb"));
  EXPECT_EQ(of_folder(), before) << "not its time of change";
  fs::remove(folder() / "link");
  fs::create_symlink("pool", folder() / "link");
  EXPECT_NE(of_folder(), before);
  fs::remove(folder() / "link");
  EXPECT_NE(of_folder(), before);
}

TEST_F(MediaDigest, AnIsoIsReadOnce) {
  const std::vector<OfflineMedium> media = {{"tools", iso()}};
  EXPECT_EQ(known_media_contents(media, cache()), std::nullopt);
  const auto contents = digest(media);
  EXPECT_EQ(known_media_contents(media, cache()), contents);
  ASSERT_OK(write_file_atomic(iso(), "another iso"));
  EXPECT_EQ(known_media_contents(media, cache()), std::nullopt);
  EXPECT_NE(digest(media), contents);
}

TEST_F(MediaDigest, AnUnreadableMediumIsAnError) {
  EXPECT_FALSE(media_contents({{"gone", temp_.path() / "gone.iso"}}, cache(), {}).has_value());
}

}  // namespace
}  // namespace kiln
