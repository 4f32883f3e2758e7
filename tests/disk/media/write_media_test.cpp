#include "disk/media/write_media.h"

#include "disk/media/media_reader.h"
#include "tests/disk/support/disc_tools.h"

namespace kiln::test {
namespace {

using testing::HasSubstr;

class WriteMediaTest : public DiscTest {};

TEST_F(WriteMediaTest, ADiscHasWhatTheFolderHas) {
  const std::string large(3'000'000, 'x');
  const auto folder =
      tree("repo", {{"Packages", "Package: a\n"}, {"pool/a_1.0~rc1+b2_all.deb", large}});
  std::filesystem::create_symlink("Packages", folder / "link");
  ASSERT_OK(write_media(folder, "my*packages", path("repo.iso"), {}));
  EXPECT_EQ(media_label(path("repo.iso")).value(), "MY_PACKAGES")
      << "ECMA-119 has no small letters";
  const auto media = open_media(path("repo.iso"));
  ASSERT_OK(media);
  EXPECT_EQ((*media)->files().size(), 2U);
  EXPECT_EQ(read_media_file(**media, "Packages").value(), "Package: a\n");
  EXPECT_EQ(read_media_file(**media, "pool/a_1.0~rc1+b2_all.deb", 4 * kMiB).value(), large);
  // By somebody else's reading.
  const auto listed =
      run({"xorriso", "-indev", path("repo.iso").string(), "-find", "/", "-exec", "lsdl"});
  EXPECT_THAT(listed, HasSubstr("'/link' -> 'Packages'"));
  EXPECT_THAT(listed, HasSubstr("'/pool/a_1.0~rc1+b2_all.deb'"));
}

TEST_F(WriteMediaTest, TellsWhatCannotBeReadOrWritten) {
  EXPECT_THAT(write_media(path("missing"), "x", path("x.iso"), {}), FailsWith("Media:Write"));
  const auto folder = tree("repo", {{"file", "x"}});
  EXPECT_THAT(write_media(folder, "x", path("no/x.iso"), {}), FailsWith("Media:Write"));
  CancelSource cancel;
  cancel.request();
  EXPECT_THAT(write_media(folder, "x", path("x.iso"), cancel.token()), FailsWith("Run:Cancelled"));
}

}  // namespace
}  // namespace kiln::test
