// YaST, told by an AutoYaST profile in its initramfs: SUSE Linux Enterprise and openSUSE.
#include "engine/installers/suse/suse.h"

#include "engine/core/text.h"
#include "engine/installers/answer_text.h"

namespace kiln {
namespace {

constexpr std::string_view kProfile = R"(
<?xml version="1.0"?>
<!DOCTYPE profile>
<!-- Kiln's answers to YaST. -->
<profile xmlns="http://www.suse.com/1.0/yast2ns" xmlns:config="http://www.suse.com/1.0/configns">
  <general>
    <mode>
      <confirm config:type="boolean">false</confirm>
      <second_stage config:type="boolean">false</second_stage>
      <halt config:type="boolean">true</halt>
    </mode>
    <signature-handling>
      <!-- The disc's own digest has been checked. -->
      <accept_unsigned_file config:type="boolean">true</accept_unsigned_file>
      <accept_file_without_checksum config:type="boolean">true</accept_file_without_checksum>
      <import_gpg_key config:type="boolean">true</import_gpg_key>
    </signature-handling>
  </general>
  <language>
    <language>en_US</language>
  </language>
  <keyboard>
    <keymap>english-us</keymap>
  </keyboard>
  <timezone>
    <hwclock>UTC</hwclock>
    <timezone>Etc/UTC</timezone>
  </timezone>
@ADD_ONS@  <!-- One disk, the root last so that it can grow, and no swap. -->
  <partitioning config:type="list">
    <drive>
      <device>/dev/sda</device>
      <disklabel>@LABEL@</disklabel>
      <initialize config:type="boolean">true</initialize>
      <use>all</use>
      <enable_snapshots config:type="boolean">false</enable_snapshots>
      <partitions config:type="list">
@ESP@        <partition>
          <create config:type="boolean">true</create>
          <format config:type="boolean">true</format>
          <filesystem config:type="symbol">ext4</filesystem>
          <mount>/</mount>
          <mountby config:type="symbol">uuid</mountby>
          <size>max</size>
        </partition>
      </partitions>
    </drive>
  </partitioning>
  <bootloader>
    <loader_type>@LOADER@</loader_type>
    <global>
      <append>@ARGUMENTS@</append>
      <terminal>serial console</terminal>
      <serial>serial --speed=115200 --unit=0</serial>
      <timeout config:type="integer">1</timeout>
    </global>
  </bootloader>
  <software>
@PRODUCT@    <install_recommended config:type="boolean">false</install_recommended>
    <patterns config:type="list">
      <pattern>@PATTERN@</pattern>
    </patterns>
    <packages config:type="list">
@PACKAGES@    </packages>
  </software>
  <networking>
    <keep_install_network config:type="boolean">false</keep_install_network>
    <interfaces config:type="list">
      <interface>
        <name>eth0</name>
        <bootproto>dhcp</bootproto>
        <startmode>auto</startmode>
      </interface>
    </interfaces>
  </networking>
  <services-manager>
    <default_target>multi-user</default_target>
    <services>
      <enable config:type="list">
        <service>sshd</service>
      </enable>
    </services>
  </services-manager>
  <!-- Nobody knows a password; the platform's agent makes the first account. -->
  <users config:type="list">
    <user>
      <username>root</username>
      <user_password>!</user_password>
      <encrypted config:type="boolean">true</encrypted>
    </user>
  </users>
  <scripts>
    <pre-scripts config:type="list">
      <script>
        <filename>log.sh</filename>
        <source><![CDATA[
# The installer's log goes to the second serial port, where Kiln reads it.
tail -F /var/log/YaST2/y2log </dev/null >/dev/ttyS1 2>/dev/null &
]]></source>
      </script>
    </pre-scripts>
    <chroot-scripts config:type="list">
      <script>
        <filename>azure.sh</filename>
        <chrooted config:type="boolean">true</chrooted>
        <source><![CDATA[
# Drivers of Hyper-V, which this machine has not got.
echo 'add_drivers+=" hv_vmbus hv_netvsc hv_storvsc "' >/etc/dracut.conf.d/azure.conf
dracut --force --regenerate-all
sed -i -E 's/^(Defaults targetpw|ALL +ALL=\(ALL\) ALL)/# \1/' /etc/sudoers
sed -i 's/^DHCLIENT_SET_HOSTNAME=.*/DHCLIENT_SET_HOSTNAME="no"/' /etc/sysconfig/network/dhcp
# The loader's path of removable disks, because no firmware will know this disk.
cd /boot/efi/EFI 2>/dev/null || exit 0
for name in sles sled opensuse; do
  [ -d "$name" ] || continue
  mkdir -p BOOT
  cp "$name"/* BOOT/
  [ -e BOOT/BOOTX64.EFI ] || cp "$name/shim.efi" BOOT/BOOTX64.EFI || cp "$name/grubx64.efi" BOOT/BOOTX64.EFI
done
]]></source>
      </script>
    </chroot-scripts>
  </scripts>
</profile>
)";

constexpr std::string_view kEsp = R"(
        <partition>
          <create config:type="boolean">true</create>
          <format config:type="boolean">true</format>
          <filesystem config:type="symbol">vfat</filesystem>
          <mount>/boot/efi</mount>
          <mountby config:type="symbol">uuid</mountby>
          <partition_id config:type="integer">259</partition_id>
          <size>256M</size>
        </partition>
)";

constexpr std::string_view kAddOn = R"(
      <listentry>
        <media_url>relurl://@FOLDER@</media_url>
        <product_dir>/@FOLDER@</product_dir>
        <product>@PRODUCT@</product>
      </listentry>
)";

/// The full disc of SUSE Linux Enterprise 15 has its product and each module in a folder.
std::string add_ons(const InstallerMedia& media) {
  struct Module {
    const char* folder;
    const char* product;
  };
  constexpr Module kModules[] = {{"Product-SLES", "SLES"},
                                 {"Module-Basesystem", "sle-module-basesystem"},
                                 {"Module-Server-Applications", "sle-module-server-applications"},
                                 {"Module-Public-Cloud", "sle-module-public-cloud"}};
  std::string entries;
  for (const auto& module : kModules) {
    if (!media.has_repository(module.folder)) continue;
    entries += fill_answers(kAddOn, {{"FOLDER", module.folder}, {"PRODUCT", module.product}});
  }
  if (entries.empty()) return {};
  return "  <add-on>\n    <add_on_products config:type=\"list\">\n" + entries +
         "    </add_on_products>\n  </add-on>\n";
}

/// As YaST names what is installed; empty where the disc has but one.
std::string product(const InstallerMedia& media) {
  const auto name = to_lower(media.product);
  std::string_view product;
  if (name.find("tumbleweed") != std::string::npos) {
    product = "openSUSE";
  } else if (name.find("leap") != std::string::npos) {
    product = "Leap";
  } else if (name.find("sle") != std::string::npos ||
             name.find("enterprise") != std::string::npos) {
    product = "SLES";
  } else {
    return {};
  }
  return fmt::format(
      "    <products config:type=\"list\">\n      <product>{}</product>\n"
      "    </products>\n",
      product);
}

std::vector<ConsoleMark> marks() {
  using Kind = ConsoleMark::Kind;
  return linux_marks({
      {Kind::kFailure,
       R"(No repository found|Installation repository not found)",
       "the installer does not find its disc"},
      {Kind::kFailure,
       R"(Could not find the .* Repository)",
       "the installer does not find its disc"},
      {Kind::kFailure, R"(YaST got signal (\d+))", "the installer crashed with signal $1"},
      {Kind::kQuestion,
       R"(Make sure that CD number \d+ is in your drive)",
       "the installer wants another disc"},
      {Kind::kQuestion, R"(\*\*\* .* \*\*\*\s*$)", "the installer asks"},
      {Kind::kProgress, R"((Installing \S+\.rpm.*|Preparing disks|Installing Packages))", "$1"},
      {Kind::kProgress, R"(Calling YaST module (\S+))", "$1"},
  });
}

Result<InstallRecipe> recipe(const InstallOrder& order) {
  const auto& media = order.media;
  const bool uefi = order.firmware == Firmware::kUefi;
  std::string packages;
  for (const auto& name : packages_on(media,
                                      {"openssh",
                                       "sudo",
                                       "cloud-init",
                                       "growpart",
                                       "python-azure-agent",
                                       "hyper-v",
                                       "gptfdisk",
                                       "chrony"})) {
    packages += fmt::format("      <package>{}</package>\n", name);
  }
  const bool enterprise_12 =
      major_version(media.version) == 12 && product(media).find("SLES") != std::string::npos;
  InstallRecipe recipe;
  recipe.answers = {{"autoinst.xml",
                     fill_answers(kProfile,
                                  {{"ADD_ONS", add_ons(media)},
                                   {"LABEL", uefi ? "gpt" : "msdos"},
                                   {"ESP", uefi ? fill_answers(kEsp, {}) : ""},
                                   {"LOADER", uefi ? "grub2-efi" : "grub2"},
                                   {"ARGUMENTS", kDracutKernelArguments},
                                   {"PRODUCT", product(media)},
                                   {"PATTERN", enterprise_12 ? "Minimal" : "base"},
                                   {"PACKAGES", packages}})}};
  auto& installation = recipe.installation;
  installation.arguments =
      "install=cd:/ autoyast=file:///autoinst.xml textmode=1 console=ttyS0,115200";
  installation.memory_mib = 3072;
  installation.marks = marks();
  installation.logs = {"/var/log/YaST2/y2log"};
  return recipe;
}

std::optional<Error> refusal(const InstallerMedia& media) {
  const auto version = major_version(media.version);
  if (version < 16 || version > 1000) return std::nullopt;  // Tumbleweed's are dates
  return fail(ErrorKind::kUnsupported,
              "Installer:Agama",
              "{} ({}) is installed by Agama, to which Kiln has no answers yet",
              media.image.string(),
              media.title())
      .cure("use a disc of release 15, or install once and use the disk as a KilnLocalImage");
}

}  // namespace

constexpr InstallerEntry kSuseInstaller{
    InstallerFamily::kSuse, "AutoYaST", recipe, nullptr, refusal};

}  // namespace kiln
