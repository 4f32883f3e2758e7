// What an installation gets as files: the installer's own kernel, its initramfs with the answers, a
// disc with them.
#include <archive.h>
#include <archive_entry.h>

#include "engine/core/c_handle.h"
#include "engine/installers/installer.h"
#include "tests/disk/support/disc_tools.h"

namespace kiln::test {
namespace {

using testing::EndsWith;
using testing::StartsWith;

class PrepareInstallationTest : public DiscTest {
 protected:
  Result<Installation> prepare(const std::filesystem::path& image) {
    InstallOrder order;
    KILN_TRY_ASSIGN(order.media, inspect_media(image));
    order.firmware = Firmware::kBios;
    order.disk_bytes = 5 * kGiB;
    return prepare_installation(order, folder_.path(), {});
  }
};

/// Files of a cpio archive.
DiscFiles unpack(const std::string& bytes) {
  DiscFiles files;
  const CHandle<archive, archive_read_free> reader(archive_read_new());
  archive_read_support_format_cpio(reader.get());
  EXPECT_EQ(archive_read_open_memory(reader.get(), bytes.data(), bytes.size()), ARCHIVE_OK);
  archive_entry* entry = nullptr;
  while (archive_read_next_header(reader.get(), &entry) == ARCHIVE_OK) {
    if (archive_entry_filetype(entry) != AE_IFREG) continue;
    std::string text(static_cast<std::size_t>(archive_entry_size(entry)), '\0');
    EXPECT_EQ(archive_read_data(reader.get(), text.data(), text.size()),
              static_cast<la_ssize_t>(text.size()));
    files[archive_entry_pathname(entry)] = text;
  }
  return files;
}

TEST_F(PrepareInstallationTest, AnswersFollowTheInitramfs) {
  auto disc = debian_disc();
  disc["install.amd/initrd.gz"] = "13 bytes long";
  const auto made = prepare(iso("debian.iso", "Debian", disc));
  ASSERT_OK(made);
  EXPECT_EQ(made->system, "Debian GNU/Linux 12.5.0");
  EXPECT_EQ(made->firmware, Firmware::kBios);
  EXPECT_EQ(made->disk_bytes, 5 * kGiB);
  EXPECT_FALSE(made->answer_disk.has_value());
  EXPECT_EQ(read_file(made->kernel).value(), "debian kernel");
  const auto initrd = read_file(made->initrd).value();
  EXPECT_THAT(initrd,
              StartsWith(std::string("13 bytes long\0\0\0"
                                     "070701",
                                     22)));
  const auto files = unpack(initrd.substr(16));
  EXPECT_EQ(files.size(), 3U);
  EXPECT_THAT(files.at("preseed.cfg"), StartsWith("# Kiln's answers"));
  EXPECT_THAT(files.at("kiln/early.sh"), testing::HasSubstr("/dev/ttyS1"));
}

TEST_F(PrepareInstallationTest, AnswersStandOnADiscOfTheirOwn) {
  const auto made = prepare(iso("ubuntu.iso", "Ubuntu", ubuntu_disc()));
  ASSERT_OK(made);
  EXPECT_EQ(read_file(made->initrd).value(), "ubuntu initrd");
  ASSERT_TRUE(made->answer_disk.has_value());
  EXPECT_EQ(media_label(*made->answer_disk).value(), "CIDATA");
  const auto disc = open_media(*made->answer_disk);
  ASSERT_OK(disc);
  EXPECT_EQ((*disc)->files().size(), 2U);
  EXPECT_THAT(read_media_file(**disc, "user-data").value(), StartsWith("#cloud-config\n"));
  EXPECT_EQ(read_media_file(**disc, "meta-data").value(), "instance-id: kiln\n");
  // By somebody else's reading.
  const auto listed =
      run({"xorriso", "-indev", made->answer_disk->string(), "-find", "/", "-type", "f"});
  EXPECT_THAT(listed, testing::HasSubstr("'/user-data'"));
}

TEST_F(PrepareInstallationTest, WindowsIsBootedByFirmware) {
  const auto made =
      prepare(udf("windows.iso", "SSS", {{"sources/install.wim", wim(server_editions())}}));
  ASSERT_OK(made);
  EXPECT_TRUE(made->kernel.empty());
  EXPECT_TRUE(made->key_to_boot);
  EXPECT_TRUE(made->sata_disk);
  ASSERT_TRUE(made->answer_disk.has_value());
  const auto disc = open_media(*made->answer_disk);
  ASSERT_OK(disc);
  EXPECT_TRUE((*disc)->files().contains("autounattend.xml"));
}

}  // namespace
}  // namespace kiln::test
