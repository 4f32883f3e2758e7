// Files of discs, by both file systems, and of discs that are damaged.
#include "disk/media/media_reader.h"

#include <unistd.h>

#include "tests/disk/support/disc_tools.h"

namespace kiln::test {
namespace {

using testing::AnyOf;
using testing::Key;

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
  return text;
}

class MediaReaderTest : public DiscTest {};

TEST_F(MediaReaderTest, ReadsIso9660) {
  const auto large = pattern(3'000'000);
  const auto image =
      iso("linux.iso", "A Label 1", {{"Deep/er/Name With Blank.txt", "text"}, {"large", large}});
  ASSERT_TRUE(is_media(image));
  const auto label = media_label(image);
  ASSERT_OK(label);
  EXPECT_EQ(*label, "A Label 1");
  const auto media = open_media(image);
  ASSERT_OK(media);
  EXPECT_EQ((*media)->file_system(), "ISO 9660");
  EXPECT_EQ((*media)->files().size(), 2U);
  const auto text = read_media_file(**media, "deep/ER/name with blank.txt");
  ASSERT_OK(text);
  EXPECT_EQ(*text, "text");
  ASSERT_OK(copy_media_file(**media, "large", path("copy"), {}));
  EXPECT_EQ(read_file(path("copy")).value(), large);
}

TEST_F(MediaReaderTest, ReadsUdfWhereIso9660HasANoteOnly) {
  const auto large = pattern(3'000'000);
  const auto image = udf("windows.iso", "SSS_X64FRE_EN-US_DV9", {{"sources/large.bin", large}});
  const auto media = open_media(image);
  ASSERT_OK(media);
  EXPECT_EQ((*media)->file_system(), "UDF");
  EXPECT_THAT((*media)->files(), testing::Contains(Key("sources/large.bin")));
  ASSERT_OK(copy_media_file(**media, "SOURCES/LARGE.BIN", path("copy"), {}));
  EXPECT_EQ(read_file(path("copy")).value(), large);
}

TEST_F(MediaReaderTest, ReadsAPartOfAFile) {
  const auto contents = pattern(1'000'000);
  for (const auto& image :
       {iso("a.iso", "A", {{"file", contents}}), udf("b.iso", "B", {{"file", contents}})}) {
    const auto media = open_media(image);
    ASSERT_OK(media);
    const auto& file = (*media)->files().at("file");
    for (const auto& [offset, size] : {std::pair<std::size_t, std::size_t>{0, 10},
                                       {999'990, 100},
                                       {300'001, 400'003},
                                       {1'000'000, 5}}) {
      std::string part;
      ASSERT_OK((*media)->read(file, offset, size, [&](Bytes data) -> Result<void> {
        part.append(reinterpret_cast<const char*>(data.data()), data.size());
        return {};
      }));
      EXPECT_EQ(part, contents.substr(offset, size)) << offset;
    }
  }
}

TEST_F(MediaReaderTest, FindsAFileUnderBothOfItsNames) {
  const auto root = tree("links", {{"images/pxeboot/vmlinuz", "kernel"}});
  std::filesystem::create_directories(root / "isolinux");
  std::filesystem::create_hard_link(root / "images/pxeboot/vmlinuz", root / "isolinux/vmlinuz");
  run({"xorriso", "-as", "mkisofs", "-quiet", "-r", "-J", "-o", path("links.iso"), root.string()});
  const auto media = open_media(path("links.iso"));
  ASSERT_OK(media);
  for (const auto* name : {"images/pxeboot/vmlinuz", "isolinux/vmlinuz"}) {
    const auto text = read_media_file(**media, name);
    ASSERT_OK(text);
    EXPECT_EQ(*text, "kernel");
  }
}

TEST_F(MediaReaderTest, RefusesWhatIsNoDisc) {
  ASSERT_OK(write_file_atomic(path("raw"), pattern(100'000)));
  EXPECT_FALSE(is_media(path("raw")));
  EXPECT_THAT(open_media(path("raw")), FailsWith("Media:NoDisc"));
  EXPECT_THAT(open_media(path("missing")), FailsWith("Media:Open"));
  EXPECT_THAT(open_media(folder_.path()), FailsWith("Media:NotAFile"));
}

TEST_F(MediaReaderTest, RefusesFilesThatAreMissingOrTooLarge) {
  const auto media = open_media(iso("a.iso", "A", {{"file", "0123456789"}}));
  ASSERT_OK(media);
  EXPECT_THAT(read_media_file(**media, "other"), FailsWith("Media:NoSuchFile"));
  EXPECT_THAT(read_media_file(**media, "file", 9), FailsWith("Media:FileTooLarge"));
  EXPECT_OK(read_media_file(**media, "file", 10));
}

/// Whatever of the disc is cut off or overwritten, the reader ends with contents or an error.
TEST_F(MediaReaderTest, EndsOnDamagedDiscs) {
  const auto contents = pattern(200'000);
  for (const auto& image :
       {iso("a.iso", "A", {{"x/file", contents}}), udf("b.iso", "B", {{"x/file", contents}})}) {
    const auto whole = read_file(image).value();
    for (std::size_t place = 32768; place < whole.size(); place += 10240) {
      for (const bool cut : {true, false}) {
        auto damaged = whole;
        if (cut) {
          damaged.resize(place);
        } else {
          damaged.replace(place, 2048, std::string(2048, '\xff'));
        }
        ASSERT_OK(write_file_atomic(path("damaged"), damaged));
        const auto media = open_media(path("damaged"));
        if (!media) continue;
        const auto text = read_media_file(**media, "x/file");
        if (!text) {
          EXPECT_FALSE(text.error().message().empty());
        }
      }
    }
  }
}

TEST_F(MediaReaderTest, TellsATruncatedDisc) {
  const auto image = iso("a.iso", "A", {{"file", pattern(2'000'000)}});
  std::filesystem::resize_file(image, 1'500'000);
  const auto media = open_media(image);
  ASSERT_OK(media);
  const auto copied = copy_media_file(**media, "file", path("copy"), {});
  ASSERT_FALSE(copied.has_value());
  EXPECT_THAT(copied.error().code(), AnyOf("Media:Truncated", "Media:Damaged"));
}

}  // namespace
}  // namespace kiln::test
