// Kiln's answers, read by programs that are not ours: debconf, YAML with cloud-init's schema, XML,
// a shell.
#include <array>
#include <regex>

#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "engine/core/text.h"
#include "engine/installers/installer.h"
#include "tests/disk/support/disc_tools.h"

namespace kiln::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::array kFirmwares = {Firmware::kBios, Firmware::kUefi};

class AnswersTest : public DiscTest {
 protected:
  InstallOrder order(const std::filesystem::path& image, Firmware firmware) {
    InstallOrder order;
    auto media = inspect_media(image);
    EXPECT_OK(media);
    if (media) order.media = *std::move(media);
    order.firmware = firmware;
    return order;
  }

  /// A recipe whose answers have nothing left to be filled in.
  InstallRecipe recipe(const InstallOrder& order) {
    auto made = make_install_recipe(order);
    EXPECT_OK(made);
    if (!made) return {{{"", ""}}, {}, {}};
    for (const auto& file : made->answers) {
      EXPECT_THAT(file.text, Not(testing::ContainsRegex("@[A-Z_]+@"))) << file.name;
      EXPECT_OK(write_file_atomic(path(file.name.substr(file.name.rfind('/') + 1)), file.text));
    }
    return *std::move(made);
  }

  std::filesystem::path debian() { return iso("debian.iso", "Debian", debian_disc()); }
  std::filesystem::path ubuntu() { return iso("ubuntu.iso", "Ubuntu", ubuntu_disc()); }
  std::filesystem::path rocky() { return iso("rocky.iso", "Rocky-9-3-x86_64-dvd", red_hat_disc()); }
  std::filesystem::path sles() { return iso("sles.iso", "SLE-15-SP5", suse_disc()); }
  std::filesystem::path windows() {
    return udf("windows.iso", "SSS", {{"sources/install.wim", wim(server_editions())}});
  }
};

/// The values of a preseed file: the last one of each question.
std::map<std::string, std::string> preseeded(const std::string& text) {
  std::map<std::string, std::string> values;
  for (const auto& line : split_lines(text)) {
    const auto words = split(line, ' ');
    if (words.size() < 3 || words[0].starts_with("#")) continue;
    const auto start = words[0].size() + words[1].size() + words[2].size() + 3;
    values[words[1]] = line.size() > start ? line.substr(start) : "";
  }
  return values;
}

TEST_F(AnswersTest, DebianIsReadByDebconf) {
  const auto image = debian();
  for (const auto firmware : kFirmwares) {
    const auto made = recipe(order(image, firmware));
    EXPECT_EQ(made.answers.front().name, "preseed.cfg");
    EXPECT_EQ(made.answer_label, "") << "in the initramfs";
    run({"debconf-set-selections", "--checkonly", path("preseed.cfg").string()});
    for (const auto* script : {"early.sh", "late.sh"}) {
      run({"shellcheck", "--shell=dash", path(script).string()});
    }
    const auto values = preseeded(made.answers.front().text);
    EXPECT_EQ(values.at("pkgsel/include"), "openssh-server sudo cloud-init");
    EXPECT_EQ(values.at("passwd/root-password-crypted"), "*");
    EXPECT_EQ(values.at("clock-setup/utc"), "true");
    EXPECT_EQ(values.at("partman-basicfilesystems/no_swap"), "false");
    const bool uefi = firmware == Firmware::kUefi;
    EXPECT_EQ(values.at("partman-partitioning/default_label"), uefi ? "gpt" : "msdos");
    const auto& disk = values.at("partman-auto/expert_recipe");
    EXPECT_EQ(disk.find("method{ efi }") != std::string::npos, uefi) << disk;
    EXPECT_THAT(disk, testing::EndsWith("mountpoint{ / } .")) << "the root is the last one";
    EXPECT_THAT(disk, Not(HasSubstr("swap")));
  }
}

TEST_F(AnswersTest, DebianHasAddressesAndSourcesOfPackages) {
  const auto made = recipe(order(debian(), Firmware::kUefi));
  const auto& late = made.answers.back().text;
  EXPECT_THAT(late, HasSubstr("debian-security bookworm-security main"));
  EXPECT_THAT(late, HasSubstr("iface eth0 inet dhcp"));
  EXPECT_THAT(late, HasSubstr("console=ttyS0,115200n8"));
  EXPECT_THAT(late, Not(HasSubstr("rootdelay")));  // its initramfs sleeps for all of it
}

TEST_F(AnswersTest, AStrangeCodenameReachesNoScript) {
  auto strange = order(debian(), Firmware::kUefi);
  strange.media.codename = "x;reboot";
  EXPECT_THAT(recipe(strange).answers.back().text, Not(HasSubstr("reboot")));
}

TEST_F(AnswersTest, UbuntuIsReadByYamlAndCloudInitsSchema) {
  const auto schema = std::string(trim(run({KILN_SOURCE_DIR "/fixtures/cloud-init/schema.sh"})));
  const auto image = ubuntu();
  for (const auto firmware : kFirmwares) {
    const auto made = recipe(order(image, firmware));
    EXPECT_EQ(made.answer_label, "CIDATA");
    EXPECT_EQ(made.answers[1].name, "meta-data");
    const auto json = run({"python3",
                           KILN_SOURCE_DIR "/tests/engine/installers/check_user_data.py",
                           schema,
                           path("user-data").string()});
    const auto data = nlohmann::json::parse(json, nullptr, false);
    ASSERT_TRUE(data.is_object()) << json;
    EXPECT_EQ(data["version"], 1);
    EXPECT_EQ(data["shutdown"], "poweroff");
    EXPECT_EQ(data["storage"]["swap"]["size"], 0);
    EXPECT_EQ(data["user-data"].dump(), R"({"disable_root":true})");
    const auto& disk = data["storage"]["config"];
    std::vector<std::string> partitions;
    for (const auto& item : disk) {
      if (item["type"] == "partition") partitions.push_back(item["id"]);
    }
    const bool uefi = firmware == Firmware::kUefi;
    EXPECT_THAT(partitions, ElementsAre(uefi ? "esp" : "loader", "root"));
    const std::string late = data["late-commands"][0];
    ASSERT_OK(write_file_atomic(path("late.sh"), late));
    run({"shellcheck", "--shell=dash", path("late.sh").string()});
    EXPECT_THAT(late, HasSubstr("\nEND\n")) << "the text for the loader ends at the line's begin";
  }
}

/// There is no package of Anaconda's own parser: sections, commands and scripts are looked at here.
TEST_F(AnswersTest, RedHatsKickstart) {
  const auto image = rocky();
  for (const auto firmware : kFirmwares) {
    const auto made = recipe(order(image, firmware));
    const auto lines = split_lines(made.answers.front().text);
    const bool uefi = firmware == Firmware::kUefi;
    EXPECT_THAT(lines, Contains("cmdline"));
    EXPECT_THAT(lines, Contains("rootpw --lock"));
    EXPECT_THAT(lines, Contains("timezone Etc/UTC --utc"));
    EXPECT_THAT(lines, Contains("WALinuxAgent"));
    EXPECT_THAT(lines, Contains("part / --fstype=xfs --size=4096 --grow"));
    EXPECT_THAT(lines,
                Contains(uefi ? "clearpart --all --initlabel --drives=sda --disklabel=gpt"
                              : "clearpart --all --initlabel --drives=sda --disklabel=msdos"));
    EXPECT_EQ(made.answers.front().text.find("part /boot/efi") != std::string::npos, uefi);
    std::string section;
    std::string script;
    for (const auto& line : lines) {
      if (line == "%end") {
        EXPECT_FALSE(section.empty());
        if (section != "%packages") {
          ASSERT_OK(write_file_atomic(path("section.sh"), script));
          run({"shellcheck", "--shell=bash", path("section.sh").string()});
        }
        section.clear();
        script.clear();
      } else if (line.starts_with('%')) {
        EXPECT_THAT(section, IsEmpty()) << line;
        section = line.substr(0, line.find(' '));
      } else {
        script += line + "\n";
      }
    }
    EXPECT_THAT(section, IsEmpty());
    EXPECT_THAT(made.installation.arguments,
                HasSubstr("inst.stage2=hd:LABEL=Rocky-9-3-x86_64-dvd inst.ks=file:/ks.cfg"));
  }
}

TEST_F(AnswersTest, RedHatsReleasesDiffer) {
  auto old = order(rocky(), Firmware::kBios);
  old.media.version = "7.9";
  const auto lines = split_lines(recipe(old).answers.front().text);
  EXPECT_THAT(lines, Contains("timezone Etc/UTC --isUtc"));
  EXPECT_THAT(lines, Contains("clearpart --all --initlabel --drives=sda"));
  old.media.version = "6.10";
  EXPECT_THAT(make_install_recipe(old), FailsWith("Installer:TooOld"));
  old.media.product = "Fedora Linux";
  old.media.version = "39";
  EXPECT_THAT(split_lines(recipe(old).answers.front().text), Contains("timezone Etc/UTC --utc"));
}

TEST_F(AnswersTest, ALabelCannotAddArguments) {
  auto strange = order(rocky(), Firmware::kUefi);
  strange.media.label = "Rocky 9";
  EXPECT_THAT(recipe(strange).installation.arguments, HasSubstr("LABEL=Rocky\\x209 inst.ks"));
  strange.media.label = "x\tinit=/bin/sh";
  EXPECT_THAT(recipe(strange).installation.arguments, testing::StartsWith("inst.repo=cdrom "));
}

std::vector<std::string> texts(const pugi::xml_node& node, const char* query) {
  std::vector<std::string> found;
  for (const auto& match : node.select_nodes(query)) found.emplace_back(match.node().text().get());
  return found;
}

TEST_F(AnswersTest, SusesProfileIsXml) {
  const auto image = sles();
  for (const auto firmware : kFirmwares) {
    const auto made = recipe(order(image, firmware));
    run({"xmllint", "--noout", path("autoinst.xml").string()});
    pugi::xml_document document;
    ASSERT_TRUE(document.load_string(made.answers.front().text.c_str()));
    const auto profile = document.child("profile");
    const bool uefi = firmware == Firmware::kUefi;
    EXPECT_EQ(texts(profile, "//disklabel"), std::vector<std::string>{uefi ? "gpt" : "msdos"});
    const auto mounts = texts(profile, "//partition/mount");
    EXPECT_EQ(mounts.back(), "/");
    EXPECT_EQ(mounts.size(), uefi ? 2U : 1U);
    EXPECT_THAT(texts(profile, "//product"),
                ElementsAre("SLES", "sle-module-basesystem", "sle-module-public-cloud", "SLES"));
    EXPECT_THAT(texts(profile, "//package"), ElementsAre("sudo", "cloud-init"));
    EXPECT_THAT(texts(profile, "//halt"), ElementsAre("true"));
    EXPECT_THAT(texts(profile, "//user_password"), ElementsAre("!"));
    for (const auto& script : texts(profile, "//source")) {
      ASSERT_OK(write_file_atomic(path("script.sh"), script));
      run({"shellcheck", "--shell=bash", path("script.sh").string()});
    }
  }
}

TEST_F(AnswersTest, SusesNewInstallerIsRefused) {
  auto agama = order(sles(), Firmware::kUefi);
  agama.media.version = "16.0";
  EXPECT_THAT(make_install_recipe(agama), FailsWith("Installer:Agama"));
  agama.media.version = "20260101";
  EXPECT_OK(make_install_recipe(agama));
}

TEST_F(AnswersTest, WindowsReadsXml) {
  const auto image = windows();
  for (const auto firmware : kFirmwares) {
    auto asked = order(image, firmware);
    asked.edition = "serverdatacenter";
    const auto made = recipe(asked);
    EXPECT_FALSE(made.answer_label.empty());
    run({"xmllint", "--noout", path("autounattend.xml").string()});
    pugi::xml_document document;
    ASSERT_TRUE(document.load_string(made.answers.front().text.c_str()));
    const auto answers = document.child("unattend");
    EXPECT_THAT(texts(answers, "//MetaData/Value"), ElementsAre("2"));
    EXPECT_THAT(texts(answers, "//Reseal/Mode"), ElementsAre("Audit"));
    EXPECT_THAT(texts(answers, "//TimeZone"), ElementsAre("UTC"));
    const bool uefi = firmware == Firmware::kUefi;
    EXPECT_EQ(texts(answers, "//CreatePartition/Type").size(), uefi ? 3U : 2U);
    EXPECT_THAT(texts(answers, "//CreatePartition[last()]/Extend"), ElementsAre("true"));
    EXPECT_THAT(texts(answers, "//InstallTo/PartitionID"), ElementsAre(uefi ? "3" : "2"));
    for (const auto& component : answers.select_nodes("//component")) {
      EXPECT_STREQ(component.node().attribute("processorArchitecture").value(), "amd64");
    }
  }
}

TEST_F(AnswersTest, AnUnknownEditionIsRefused) {
  auto asked = order(windows(), Firmware::kUefi);
  asked.edition = "ServerTurbo";
  const auto made = make_install_recipe(asked);
  ASSERT_THAT(made, FailsWith("Installer:UnknownEdition"));
  EXPECT_THAT(made.error().expected(), HasSubstr("2 Windows Server 2022 SERVERDATACENTER"));
}

TEST_F(AnswersTest, TheUsersAnswersReplaceKilns) {
  auto asked = order(debian(), Firmware::kUefi);
  asked.answers = "d-i debian-installer/locale string de_DE.UTF-8\n";
  asked.additional_answers = "d-i time/zone string Europe/Berlin\n";
  const auto values = preseeded(recipe(asked).answers.front().text);
  EXPECT_EQ(values.size(), 2U);
  EXPECT_EQ(values.at("time/zone"), "Europe/Berlin");
}

TEST_F(AnswersTest, AddedAnswersAreStrongerWhereTheLanguageHasThat) {
  auto asked = order(debian(), Firmware::kUefi);
  asked.additional_answers = "d-i time/zone string Europe/Berlin\n";
  const auto values = preseeded(recipe(asked).answers.front().text);
  EXPECT_EQ(values.at("time/zone"), "Europe/Berlin");
  EXPECT_EQ(values.at("clock-setup/utc"), "true");
  asked.media = order(sles(), Firmware::kUefi).media;
  EXPECT_THAT(make_install_recipe(asked), FailsWith("Installer:CannotAddAnswers"));
}

TEST_F(AnswersTest, DiscsThatCannotBeInstalledAreRefused) {
  EXPECT_THAT(make_install_recipe(order(iso("data.iso", "DATA", {{"x", ""}}), Firmware::kUefi)),
              FailsWith("Installer:UnknownMedia"));
  auto asked = order(debian(), Firmware::kUefi);
  asked.media.architecture = "aarch64";
  EXPECT_THAT(make_install_recipe(asked), FailsWith("Installer:Architecture"));
  asked = order(debian(), Firmware::kUefi);
  asked.media.complete = false;
  EXPECT_THAT(make_install_recipe(asked), FailsWith("Installer:Incomplete"));
  asked.media.complete = true;
  asked.media.kernel.clear();
  EXPECT_THAT(make_install_recipe(asked), FailsWith("Installer:NoKernel"));
  asked = order(ubuntu(), Firmware::kUefi);
  asked.media.version = "18.04.6";
  EXPECT_THAT(make_install_recipe(asked), FailsWith("Installer:TooOld"));
}

TEST(Installers, MarksAreRegularExpressions) {
  for (const auto& entry : installer_registry()) {
    InstallOrder order;
    order.media.editions.push_back({1, "Windows", "Server", "Server", "10.0.1", "en-US", "x86_64"});
    const auto made = entry.recipe(order);
    ASSERT_OK(made);
    for (const auto& mark : made->installation.marks) {
      EXPECT_NO_THROW(std::regex{mark.pattern}) << mark.pattern;
      EXPECT_FALSE(mark.words.empty());
    }
  }
}

}  // namespace
}  // namespace kiln::test
