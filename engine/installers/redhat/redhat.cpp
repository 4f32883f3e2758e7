// Anaconda, told by a kickstart file in its initramfs: Red Hat, CentOS, Rocky, Alma, Oracle,
// Fedora.
#include "engine/installers/redhat/redhat.h"

#include <algorithm>
#include <cctype>

#include "engine/core/text.h"
#include "engine/installers/answer_text.h"

namespace kiln {
namespace {

constexpr std::string_view kKickstart = R"(
# Kiln's answers to Anaconda.
cmdline
cdrom
lang en_US.UTF-8
keyboard --vckeymap=us --xlayouts=us
timezone Etc/UTC @UTC@
network --hostname=localhost.localdomain
firewall --enabled --service=ssh
selinux --enforcing
services --enabled=sshd
firstboot --disable
skipx

# Nobody knows a password; the platform's agent makes the first account.
rootpw --lock

# One disk, the root last so that it can grow, and no swap.
ignoredisk --only-use=sda
zerombr
clearpart --all --initlabel --drives=sda@DISKLABEL@
@ESP@part /boot --fstype=xfs --size=1024
part / --fstype=xfs --size=4096 --grow
bootloader --location=mbr --boot-drive=sda --timeout=1 --append="@ARGUMENTS@ net.ifnames=0"

poweroff

%packages
@core
@PACKAGES@%end

%pre
# The installer's logs go to the second serial port, where Kiln reads them.
tail -F /tmp/anaconda.log /tmp/packaging.log </dev/null >/dev/ttyS1 2>/dev/null &
%end

%post --erroronfail
# Drivers of Hyper-V, which this machine has not got.
echo 'add_drivers+=" hv_vmbus hv_netvsc hv_storvsc "' >/etc/dracut.conf.d/azure.conf
for kernel in /lib/modules/*; do
  dracut --force --kver "${kernel##*/}"
done
for word in rhgb quiet crashkernel; do
  sed -i -E "/^GRUB_CMDLINE_LINUX=/s/\b$word(=[^ \"]*)? ?//" /etc/default/grub
done
grubby --update-kernel=ALL --remove-args='rhgb quiet crashkernel'

# Accelerated networking: the other half of a card is its master's to configure.
cat >/etc/udev/rules.d/68-azure-sriov-nm-unmanaged.rules <<'END'
SUBSYSTEM=="net", DRIVERS=="hv_pci", ACTION!="remove", ENV{NM_UNMANAGED}="1"
END
rm -f /etc/udev/rules.d/7?-persistent-net*.rules
%end
)";

constexpr std::string_view kEsp = "part /boot/efi --fstype=efi --size=256\n";

bool is_fedora(const InstallerMedia& media) {
  return media.product.starts_with("Fedora");
}

/// Of Red Hat's numbering; Fedora has had for long what came with 8.
bool is_before(const InstallerMedia& media, unsigned version) {
  return !is_fedora(media) && major_version(media.version) < version;
}

/// The label comes from the disc and goes into the kernel's arguments.
std::string installer_source(const std::string& label) {
  std::string quoted;
  for (const char c : label) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                       std::string_view("._-").find(c) != std::string_view::npos;
    if (!plain && c != ' ') return "inst.repo=cdrom";
    quoted += plain ? std::string(1, c) : "\\x20";
  }
  return label.empty() ? "inst.repo=cdrom" : "inst.stage2=hd:LABEL=" + quoted;
}

std::vector<ConsoleMark> marks() {
  using Kind = ConsoleMark::Kind;
  return linux_marks({
      {Kind::kFailure, R"(Non interactive installation failed: (.*))", "the installer failed: $1"},
      {Kind::kFailure, R"(Traceback \(most recent call last\))", "the installer crashed"},
      {Kind::kFailure, R"(dracut-initqueue.*timeout)", "the installer does not find its disc"},
      {Kind::kFailure, R"(Pane is dead)", "the installer ended"},
      {Kind::kQuestion, R"(Please make (?:a|your) (?:selection|choice))", "the installer asks"},
      {Kind::kProgress, R"(((?:Installing|Configuring) \S+ \(\d+/\d+\)))", "$1"},
      {Kind::kProgress,
       R"((Installing boot loader|Performing post-installation setup tasks))",
       "$1"},
      {Kind::kProgress, R"((Creating \S+ on /dev/\S+|Generating initramfs))", "$1"},
  });
}

Result<InstallRecipe> recipe(const InstallOrder& order) {
  const auto& media = order.media;
  const bool uefi = order.firmware == Firmware::kUefi;
  const bool old = is_before(media, 8);
  std::string packages;
  for (const auto& name : packages_on(media,
                                      {"openssh-server",
                                       "sudo",
                                       "cloud-init",
                                       "cloud-utils-growpart",
                                       "WALinuxAgent",
                                       "hyperv-daemons",
                                       "gdisk",
                                       "chrony"})) {
    packages += name + "\n";
  }
  // Release 7 has no such option, and makes an MBR where the firmware is a BIOS.
  const auto* disklabel = uefi ? " --disklabel=gpt" : " --disklabel=msdos";
  InstallRecipe recipe;
  recipe.answers = {{"ks.cfg",
                     fill_answers(kKickstart,
                                  {{"UTC", is_before(media, 9) ? "--isUtc" : "--utc"},
                                   {"DISKLABEL", old ? "" : disklabel},
                                   {"ESP", uefi ? kEsp : ""},
                                   {"ARGUMENTS", kDracutKernelArguments},
                                   {"PACKAGES", packages}})}};
  auto& installation = recipe.installation;
  installation.arguments =
      fmt::format("{} inst.ks=file:/ks.cfg inst.text inst.notmux console=ttyS0,115200",
                  installer_source(media.label));
  installation.memory_mib = 3072;
  installation.marks = marks();
  installation.logs = {"/var/log/anaconda/anaconda.log",
                       "/var/log/anaconda/packaging.log",
                       "/var/log/anaconda/program.log"};
  return recipe;
}

/// A command that is given twice counts the later time, but for partitions and packages, which add
/// up.
Result<std::string> add_answers(const std::string& answers, const std::string& added) {
  return answers + "\n" + added;
}

std::optional<Error> refusal(const InstallerMedia& media) {
  if (!is_before(media, 7)) return std::nullopt;
  return fail(ErrorKind::kUnsupported,
              "Installer:TooOld",
              "{} ({}) is older than release 7",
              media.image.string(),
              media.title())
      .cure("use a disc of release 7 or later");
}

}  // namespace

constexpr InstallerEntry kRedHatInstaller{
    InstallerFamily::kRedHat, "kickstart", recipe, add_answers, refusal};

}  // namespace kiln
