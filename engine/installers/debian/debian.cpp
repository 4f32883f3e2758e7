// debian-installer, told by a preseed file in its initramfs.
#include "engine/installers/debian/debian.h"

#include <algorithm>
#include <cctype>

#include "engine/installers/answer_text.h"

namespace kiln {
namespace {

// Of a value that is given twice the later one counts.
constexpr std::string_view kPreseed = R"(
# Kiln's answers to debian-installer.
d-i preseed/early_command string sh /kiln/early.sh
d-i preseed/late_command string sh /kiln/late.sh

d-i debian-installer/locale string en_US.UTF-8
d-i keyboard-configuration/xkb-keymap select us
d-i clock-setup/utc boolean true
d-i clock-setup/ntp boolean false
d-i time/zone string Etc/UTC

# There is no network. What is on the disc is all there is; the disc's own digest has been checked.
d-i netcfg/enable boolean false
d-i netcfg/get_hostname string localhost
d-i netcfg/get_domain string
d-i hw-detect/load_firmware boolean false
d-i hw-detect/firmware-lookup string never
d-i anna/no_kernel_modules boolean true
d-i cdrom-detect/eject boolean false
d-i debian-installer/allow_unauthenticated boolean true
d-i apt-setup/cdrom/set-first boolean false
d-i apt-setup/cdrom/set-next boolean false
d-i apt-setup/cdrom/set-failed boolean false
d-i apt-setup/use_mirror boolean false
d-i apt-setup/no_mirror boolean true
d-i apt-setup/services-select multiselect
d-i apt-setup/disable-cdrom-entries boolean true

# Nobody knows a password; the platform's agent makes the first account.
d-i passwd/root-login boolean true
d-i passwd/root-password-crypted password *
d-i passwd/make-user boolean false

# One disk, the root last so that it can grow, and no swap.
d-i partman-auto/disk string /dev/sda
d-i partman-auto/method string regular
d-i partman-lvm/device_remove_lvm boolean true
d-i partman-md/device_remove_md boolean true
d-i partman-partitioning/default_label string @LABEL@
d-i partman-partitioning/confirm_write_new_label boolean true
d-i partman-auto/choose_recipe select azure
d-i partman-auto/expert_recipe string azure :: @RECIPE@
d-i partman-basicfilesystems/no_swap boolean false
d-i partman-efi/non_efi_system boolean true
d-i partman/mount_style select uuid
d-i partman/choose_partition select finish
d-i partman/confirm boolean true
d-i partman/confirm_nooverwrite boolean true

# Drivers for machines other than this one: Hyper-V's.
d-i base-installer/initramfs-tools/driver-policy select most
d-i base-installer/install-recommends boolean false
d-i base-installer/kernel/image select @KERNEL@

tasksel tasksel/first multiselect
d-i pkgsel/run_tasksel boolean false
d-i pkgsel/include string @PACKAGES@
d-i pkgsel/upgrade select none
d-i pkgsel/update-policy select none
popularity-contest popularity-contest/participate boolean false

# The loader's path of removable disks, because no firmware will know this disk.
d-i grub-installer/only_debian boolean true
d-i grub-installer/with_other_os boolean true
d-i grub-installer/bootdev string /dev/sda
d-i grub-installer/force-efi-extra-removable boolean true
d-i grub-installer/update-nvram boolean false
grub-efi-amd64 grub2/force_efi_extra_removable boolean true
grub-efi-amd64 grub2/update_nvram boolean false
d-i debian-installer/quiet boolean false
d-i debian-installer/splash boolean false
d-i debian-installer/add-kernel-opts string @ARGUMENTS@

d-i finish-install/reboot_in_progress note
d-i debian-installer/exit/poweroff boolean true
)";

constexpr std::string_view kRootBios =
    "1500 10000 -1 ext4 $primary{ } $bootable{ } method{ format } format{ } use_filesystem{ } "
    "filesystem{ ext4 } mountpoint{ / } .";
constexpr std::string_view kRootUefi =
    "128 128 128 fat32 $iflabel{ gpt } $reusemethod{ } method{ efi } format{ } . "
    "1500 10000 -1 ext4 method{ format } format{ } use_filesystem{ } filesystem{ ext4 } "
    "mountpoint{ / } .";

// A child that holds the installer's pipes would make it wait for ever.
constexpr std::string_view kEarly = R"(
# The installer's log goes to the second serial port, where Kiln reads it.
tail -F /var/log/syslog </dev/null >/dev/ttyS1 2>/dev/null 3>&- 4>&- 5>&- 6>&- &
)";

constexpr std::string_view kLate = R"(
set -e
mkdir -p /target/etc/default/grub.d
cat >/target/etc/default/grub.d/50-azure.cfg <<'END'
GRUB_CMDLINE_LINUX="@ARGUMENTS@"
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_TERMINAL="console serial"
GRUB_SERIAL_COMMAND="serial --speed=115200 --unit=0"
GRUB_TIMEOUT=1
END
in-target update-grub

# Addresses come by DHCP, whoever asks for them.
interfaces=/target/etc/network/interfaces
mkdir -p $interfaces.d
grep -qs 'interfaces\.d' $interfaces || echo 'source /etc/network/interfaces.d/*' >>$interfaces
if [ ! -e /target/usr/bin/cloud-init ]; then
  printf 'allow-hotplug eth0\niface eth0 inet dhcp\n' >$interfaces.d/eth0
fi

rm -f /target/etc/apt/apt.conf.d/00AllowUnauthenticated
@SOURCES@)";

constexpr std::string_view kSources = R"(
cat >/target/etc/apt/sources.list <<'END'
deb http://deb.debian.org/debian @CODENAME@ main
deb http://deb.debian.org/debian @CODENAME@-updates main
deb http://security.debian.org/debian-security @CODENAME@-security main
END
)";

/// The codename comes from the disc and goes into a script.
bool is_codename(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return std::islower(static_cast<unsigned char>(c)) != 0;
  });
}

std::vector<ConsoleMark> marks() {
  using Kind = ConsoleMark::Kind;
  return linux_marks({
      {Kind::kFailure, R"(!! ERROR: (.*))", "the installer says: $1"},
      {Kind::kFailure,
       R"(WARNING \*\*: Configuring '(\S+)' failed with error code (\d+))",
       "the installer's part $1 failed with code $2"},
      {Kind::kQuestion, R"(Prompt: '\?' for help)", "the installer asks a question"},
      {Kind::kQuestion, R"(\[Press enter to continue\])", "the installer wants a key"},
      {Kind::kQuestion, R"(Please press Enter to activate this console)", "the installer gave up"},
      {Kind::kProgress, R"(INFO: Menu item '([^']+)' selected)", "$1"},
      {Kind::kProgress, R"(debootstrap: (?:I: )?((?:Extracting|Configuring) \S+))", "$1"},
      {Kind::kProgress, R"(in-target: ((?:Unpacking|Setting up) \S+))", "$1"},
      {Kind::kProgress, R"(finish-install: info: Running \S*/(\S+))", "$1"},
  });
}

Result<InstallRecipe> recipe(const InstallOrder& order) {
  const auto& media = order.media;
  const bool uefi = order.firmware == Firmware::kUefi;
  const auto packages = packages_on(media,
                                    {"openssh-server",
                                     "sudo",
                                     "cloud-init",
                                     "cloud-guest-utils",
                                     "waagent",
                                     "hyperv-daemons",
                                     "gdisk",
                                     "chrony"});
  const auto kernel = media.has_package("linux-image-cloud-amd64") ? "linux-image-cloud-amd64"
                                                                   : "linux-image-amd64";
  const auto sources =
      is_codename(media.codename) ? fill_answers(kSources, {{"CODENAME", media.codename}}) : "";
  InstallRecipe recipe;
  recipe.answers = {
      {"preseed.cfg",
       fill_answers(kPreseed,
                    {{"LABEL", uefi ? "gpt" : "msdos"},
                     {"RECIPE", uefi ? kRootUefi : kRootBios},
                     {"KERNEL", kernel},
                     {"PACKAGES", fmt::format("{}", fmt::join(packages, " "))},
                     {"ARGUMENTS", kAzureKernelArguments}})},
      {"kiln/early.sh", fill_answers(kEarly, {})},
      {"kiln/late.sh",
       fill_answers(kLate, {{"ARGUMENTS", kAzureKernelArguments}, {"SOURCES", sources}})}};
  auto& installation = recipe.installation;
  installation.arguments =
      "auto=true priority=critical DEBIAN_FRONTEND=text console=ttyS0,115200 --- "
      "console=ttyS0,115200";
  installation.memory_mib = 1536;
  installation.marks = marks();
  installation.logs = {"/var/log/installer/syslog"};
  return recipe;
}

Result<std::string> add_answers(const std::string& answers, const std::string& added) {
  return answers + "\n" + added;
}

}  // namespace

constexpr InstallerEntry kDebianInstaller{
    InstallerFamily::kDebian, "preseed", recipe, add_answers, nullptr};

}  // namespace kiln
