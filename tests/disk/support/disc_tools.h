#pragma once

#include <map>
#include <string>

#include "engine/core/file.h"
#include "tests/disk/support/qemu_tools.h"

namespace kiln::test {

/// Contents by path.
using DiscFiles = std::map<std::string, std::string>;

/// A test that makes discs with the real tools.
class DiscTest : public QemuTest {
 protected:
  std::filesystem::path tree(const std::string& name, const DiscFiles& files) {
    const auto root = path(name + ".d");
    EXPECT_OK(make_directories(root));
    for (const auto& [file, contents] : files) {
      EXPECT_OK(make_directories((root / file).parent_path()));
      EXPECT_OK(write_file_atomic(root / file, contents));
    }
    return root;
  }

  /// ISO 9660 with Rock Ridge and Joliet, as Linux distributions make theirs.
  std::filesystem::path iso(const std::string& name,
                            const std::string& label,
                            const DiscFiles& files) {
    const auto image = path(name);
    run({"xorriso",
         "-as",
         "mkisofs",
         "-quiet",
         "-r",
         "-J",
         "-joliet-long",
         "-V",
         label,
         "-o",
         image.string(),
         tree(name, files).string()});
    return image;
  }

  /// UDF with a note in ISO 9660, as Microsoft makes its discs.
  std::filesystem::path udf(const std::string& name, const std::string& label, DiscFiles files) {
    files.emplace("README.TXT", "This disc contains a \"UDF\" file system.\n");
    const auto image = path(name);
    std::vector<std::string> argv = {"genisoimage", "-quiet", "-udf", "-V", label};
    for (const auto& [file, contents] : files) {
      const auto top = file.substr(0, file.find('/'));
      if (top != "README.TXT") argv.insert(argv.end(), {"-hide", top});
    }
    argv.insert(argv.end(), {"-o", image.string(), tree(name, files).string()});
    run(argv);
    return image;
  }

  /// A Windows image with one edition for each of `editions`, as `wimlib-imagex info` sets them.
  std::string wim(const std::vector<std::map<std::string, std::string>>& editions) {
    const auto image = path("made.wim");
    const auto contents = tree("wim", {{"Windows/System32/ntdll.dll", "not read\n"}});
    for (std::size_t i = 0; i < editions.size(); ++i) {
      const auto& name = editions[i].at("NAME");
      run({"wimlib-imagex",
           i == 0 ? "capture" : "append",
           contents.string(),
           image.string(),
           name,
           "--quiet"});
      for (const auto& [property, value] : editions[i]) {
        if (property == "NAME") continue;
        run({"wimlib-imagex",
             "info",
             image.string(),
             std::to_string(i + 1),
             "--image-property",
             property + "=" + value});
      }
    }
    auto bytes = read_file(image);
    EXPECT_OK(bytes);
    std::filesystem::remove(image);
    return bytes ? *bytes : "";
  }
};

/// The layouts that distributions use, with the files that Kiln looks at and empty packages.
inline DiscFiles debian_disc() {
  return {{".disk/info",
           "Debian GNU/Linux 12.5.0 \"Bookworm\" - Official amd64 DVD Binary-1 with firmware "
           "20240210-11:28\n"},
          {".disk/base_installable", ""},
          {"install.amd/vmlinuz", "debian kernel"},
          {"install.amd/initrd.gz", "debian initrd"},
          {"dists/bookworm/Release", "Codename: bookworm\n"},
          {"pool/main/c/cloud-init/cloud-init_22.4.2-1+deb12u2_all.deb", ""},
          {"pool/main/o/openssh/openssh-server_9.2p1-2+deb12u2_amd64.deb", ""},
          {"pool/main/s/sudo/sudo_1.9.13p3-1+deb12u1_amd64.deb", ""}};
}

inline DiscFiles ubuntu_disc() {
  return {
      {".disk/info", "Ubuntu-Server 22.04.4 LTS \"Jammy Jellyfish\" - Release amd64 (20240216.1)"},
      {"casper/vmlinuz", "ubuntu kernel"},
      {"casper/initrd", "ubuntu initrd"},
      {"casper/ubuntu-server-minimal.squashfs", ""},
      {"pool/main/o/openssh/openssh-server_8.9p1-3ubuntu0.6_amd64.deb", ""}};
}

inline DiscFiles red_hat_disc() {
  return {{".treeinfo",
           "[general]\n; WARNING.0 = for older readers\narch = x86_64\nfamily = Rocky Linux\n"
           "name = Rocky Linux 9.3\nplatforms = x86_64,xen\nversion = 9.3\n\n"
           "[images-x86_64]\nefiboot.img = images/efiboot.img\ninitrd = images/pxeboot/initrd.img\n"
           "kernel = images/pxeboot/vmlinuz\n\n[release]\nname = Rocky Linux\nshort = Rocky\n"
           "version = 9.3\n\n[stage2]\nmainimage = images/install.img\n\n"
           "[tree]\narch = x86_64\nvariants = AppStream,BaseOS\n"},
          {".discinfo", "1699649186.651926\nRocky Linux 9.3\nx86_64\n"},
          {"images/pxeboot/vmlinuz", "rocky kernel"},
          {"images/pxeboot/initrd.img", "rocky initrd"},
          {"images/install.img", ""},
          {"BaseOS/repodata/repomd.xml", "<repomd/>"},
          {"BaseOS/Packages/o/openssh-server-8.7p1-34.el9.x86_64.rpm", ""},
          {"AppStream/repodata/repomd.xml", "<repomd/>"},
          {"AppStream/Packages/c/cloud-init-23.1.1-11.el9.noarch.rpm", ""},
          {"AppStream/Packages/w/WALinuxAgent-2.7.0.6-9.el9.noarch.rpm", ""}};
}

inline DiscFiles suse_disc() {
  return {{"media.1/media",
           "SUSE - SLE-15-SP5-Full-x86_64-Build85.1-Media\nSLE-15-SP5-Full-x86_64-Build85.1\n1\n"},
          {"media.1/products", "/ SLES15-SP5 15.5-0\n"},
          {"boot/x86_64/loader/linux", "suse kernel"},
          {"boot/x86_64/loader/initrd", "suse initrd"},
          {"Product-SLES/repodata/repomd.xml", "<repomd/>"},
          {"Module-Basesystem/repodata/repomd.xml", "<repomd/>"},
          {"Module-Basesystem/x86_64/sudo-1.9.12p1-150500.5.1.x86_64.rpm", ""},
          {"Module-Public-Cloud/repodata/repomd.xml", "<repomd/>"},
          {"Module-Public-Cloud/noarch/cloud-init-23.1-150100.8.63.5.noarch.rpm", ""}};
}

inline std::vector<std::map<std::string, std::string>> server_editions() {
  const std::map<std::string, std::string> common = {{"WINDOWS/ARCH", "9"},
                                                     {"WINDOWS/VERSION/MAJOR", "10"},
                                                     {"WINDOWS/VERSION/MINOR", "0"},
                                                     {"WINDOWS/VERSION/BUILD", "20348"},
                                                     {"WINDOWS/LANGUAGES/LANGUAGE", "en-US"},
                                                     {"WINDOWS/LANGUAGES/DEFAULT", "en-US"}};
  auto core = common;
  core.insert({{"NAME", "Windows Server 2022 SERVERSTANDARDCORE"},
               {"WINDOWS/EDITIONID", "ServerStandard"},
               {"WINDOWS/INSTALLATIONTYPE", "Server Core"}});
  auto desktop = common;
  desktop.insert({{"NAME", "Windows Server 2022 SERVERDATACENTER"},
                  {"WINDOWS/EDITIONID", "ServerDatacenter"},
                  {"WINDOWS/INSTALLATIONTYPE", "Server"}});
  return {core, desktop};
}

}  // namespace kiln::test
