// What discs of each family are taken for, by their own metadata.
#include "disk/media/installer_media.h"

#include "tests/disk/support/disc_tools.h"

namespace kiln::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class InstallerMediaTest : public DiscTest {
 protected:
  InstallerMedia inspect(const std::filesystem::path& image) {
    auto found = inspect_media(image);
    EXPECT_OK(found);
    return found ? *std::move(found) : InstallerMedia();
  }
};

TEST_F(InstallerMediaTest, Debian) {
  const auto found = inspect(iso("debian.iso", "Debian 12.5.0 amd64 1", debian_disc()));
  EXPECT_EQ(found.family, InstallerFamily::kDebian);
  EXPECT_EQ(found.title(), "Debian GNU/Linux 12.5.0");
  EXPECT_EQ(found.codename, "bookworm");
  EXPECT_EQ(found.architecture, "x86_64");
  EXPECT_EQ(found.label, "Debian 12.5.0 amd64 1");
  EXPECT_EQ(found.kernel, "install.amd/vmlinuz");
  EXPECT_EQ(found.initrd, "install.amd/initrd.gz");
  EXPECT_TRUE(found.complete);
  EXPECT_THAT(found.packages, ElementsAre("cloud-init", "openssh-server", "sudo"));
}

TEST_F(InstallerMediaTest, DebianForTheNetworkHasNothingToInstall) {
  auto files = debian_disc();
  files.erase(".disk/base_installable");
  EXPECT_FALSE(inspect(iso("mini.iso", "Debian", files)).complete);
}

TEST_F(InstallerMediaTest, Ubuntu) {
  const auto found = inspect(iso("ubuntu.iso", "Ubuntu-Server 22.04.4 LTS amd64", ubuntu_disc()));
  EXPECT_EQ(found.family, InstallerFamily::kUbuntu);
  EXPECT_EQ(found.title(), "Ubuntu-Server 22.04.4");
  EXPECT_EQ(found.codename, "jammy");
  EXPECT_EQ(found.kernel, "casper/vmlinuz");
  EXPECT_EQ(found.initrd, "casper/initrd");
  EXPECT_TRUE(found.complete);
}

TEST_F(InstallerMediaTest, RedHatByTreeinfo) {
  const auto found = inspect(iso("rocky.iso", "Rocky-9-3-x86_64-dvd", red_hat_disc()));
  EXPECT_EQ(found.family, InstallerFamily::kRedHat);
  EXPECT_EQ(found.title(), "Rocky Linux 9.3");
  EXPECT_EQ(found.architecture, "x86_64");
  EXPECT_EQ(found.kernel, "images/pxeboot/vmlinuz");
  EXPECT_TRUE(found.complete);
  EXPECT_THAT(found.packages, ElementsAre("WALinuxAgent", "cloud-init", "openssh-server"));
  EXPECT_THAT(found.repositories, ElementsAre("AppStream", "BaseOS"));
}

TEST_F(InstallerMediaTest, RedHatByDiscinfo) {
  auto files = red_hat_disc();
  files.erase(".treeinfo");
  files[".discinfo"] = "1446216863.790260\nRed Hat Enterprise Linux 7.5\nx86_64\n";
  const auto found = inspect(iso("rhel.iso", "RHEL-7.5 Server.x86_64", files));
  EXPECT_EQ(found.family, InstallerFamily::kRedHat);
  EXPECT_EQ(found.title(), "Red Hat Enterprise Linux 7.5");
  EXPECT_EQ(found.architecture, "x86_64");
  EXPECT_EQ(found.initrd, "images/pxeboot/initrd.img");
}

TEST_F(InstallerMediaTest, TreeinfoMayNotNameWhatIsNotThere) {
  auto files = red_hat_disc();
  files.erase("images/pxeboot/vmlinuz");
  EXPECT_EQ(inspect(iso("rocky.iso", "R", files)).kernel, "");
}

TEST_F(InstallerMediaTest, SuseByItsMediaFiles) {
  const auto found = inspect(iso("sles.iso", "SLE-15-SP5-Full-x86_64", suse_disc()));
  EXPECT_EQ(found.family, InstallerFamily::kSuse);
  EXPECT_EQ(found.product, "SLES15-SP5");
  EXPECT_EQ(found.version, "15.5");
  EXPECT_EQ(found.architecture, "x86_64");
  EXPECT_EQ(found.kernel, "boot/x86_64/loader/linux");
  EXPECT_TRUE(found.has_repository("Module-Public-Cloud"));
}

TEST_F(InstallerMediaTest, OpenSuseByTreeinfo) {
  DiscFiles files = {{".treeinfo",
                      "[general]\narch = x86_64\nfamily = openSUSE Leap\nversion = 15.6\n"
                      "[images-x86_64]\nkernel = boot/x86_64/loader/linux\n"
                      "initrd = boot/x86_64/loader/initrd\n"},
                     {"boot/x86_64/loader/linux", "kernel"},
                     {"boot/x86_64/loader/initrd", "initrd"},
                     {"repodata/repomd.xml", "<repomd/>"},
                     {"x86_64/sudo-1.9.15p5-150600.1.1.x86_64.rpm", ""}};
  const auto found = inspect(iso("leap.iso", "openSUSE-Leap-15.6-DVD", files));
  EXPECT_EQ(found.family, InstallerFamily::kSuse);
  EXPECT_EQ(found.title(), "openSUSE Leap 15.6");
  EXPECT_TRUE(found.complete);
  EXPECT_THAT(found.repositories, ElementsAre(""));
}

TEST_F(InstallerMediaTest, WindowsByTheXmlOfItsImages) {
  const auto found = inspect(udf(
      "windows.iso", "SSS_X64FRE_EN-US_DV9", {{"sources/install.wim", wim(server_editions())}}));
  EXPECT_EQ(found.family, InstallerFamily::kWindows);
  EXPECT_EQ(found.file_system, "UDF");
  EXPECT_EQ(found.product, "Windows Server 2022");
  EXPECT_EQ(found.version, "10.0.20348");
  EXPECT_EQ(found.architecture, "x86_64");
  ASSERT_EQ(found.editions.size(), 2U);
  EXPECT_EQ(found.editions[0].name, "Windows Server 2022 SERVERSTANDARDCORE");
  EXPECT_EQ(found.editions[0].kind, "Server Core");
  EXPECT_EQ(found.editions[1].index, 2U);
  EXPECT_EQ(found.editions[1].edition, "ServerDatacenter");
  EXPECT_EQ(found.editions[1].language, "en-US");
}

TEST_F(InstallerMediaTest, WindowsClientOnIso9660) {
  auto editions = server_editions();
  editions.resize(1);
  editions[0]["NAME"] = "Windows 11 Pro";
  editions[0]["WINDOWS/INSTALLATIONTYPE"] = "Client";
  editions[0]["WINDOWS/VERSION/BUILD"] = "26100";
  const auto found = inspect(iso("w11.iso", "W11", {{"SOURCES/INSTALL.ESD", wim(editions)}}));
  EXPECT_EQ(found.title(), "Windows 11 10.0.26100");
}

TEST_F(InstallerMediaTest, DamagedWindowsImagesAreRefused) {
  const auto good = wim(server_editions());
  const auto refused = [&](const std::string& name, const std::string& bytes) {
    const auto found = inspect_media(iso(name, "W", {{"sources/install.wim", bytes}}));
    EXPECT_THAT(found, FailsWith("Media:DamagedWim")) << name;
  };
  refused("short.iso", good.substr(0, 100));
  auto bytes = good;
  bytes[0] = 'X';
  refused("magic.iso", bytes);
  bytes = good;
  bytes.replace(80, 8, "\xff\xff\xff\xff\xff\xff\xff\x7f");
  refused("offset.iso", bytes);
  bytes = good;
  bytes.replace(72, 7, std::string(7, '\xff'));
  refused("size.iso", bytes);
  bytes = good;
  bytes.replace(72, 7, std::string("\x02\0\0\0\0\0\0", 7));
  refused("empty.iso", bytes);
}

TEST_F(InstallerMediaTest, AnUnknownDiscIsToldAsItIs) {
  const auto found = inspect(iso("data.iso", "DATA", {{"file", "x"}}));
  EXPECT_EQ(found.family, InstallerFamily::kUnknown);
  EXPECT_EQ(found.title(), "DATA");
  EXPECT_THAT(found.packages, IsEmpty());
}

TEST_F(InstallerMediaTest, TextFromADiscIsPrintable) {
  const auto found = inspect(
      iso("evil.iso", "E", {{".disk/info", "Debian \x1b[2J" + std::string(5000, 'x') + "\n"}}));
  EXPECT_EQ(found.product.find('\x1b'), std::string::npos);
  EXPECT_LT(found.product.size(), 300U);
}

}  // namespace
}  // namespace kiln::test
