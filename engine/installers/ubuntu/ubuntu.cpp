// Ubuntu Server's installer (subiquity), told by autoinstall on a disk labelled CIDATA.
#include "engine/installers/ubuntu/ubuntu.h"

#include "engine/installers/answer_text.h"

namespace kiln {
namespace {

constexpr std::string_view kUserData = R"(
#cloud-config
# Kiln's answers to Ubuntu's installer.
autoinstall:
  version: 1
  locale: C.UTF-8
  keyboard:
    layout: us
  timezone: Etc/UTC
  refresh-installer:
    update: false
  # There is no network, in the installer or in what it leaves.
  network:
    version: 2
    ethernets: {}
  apt:
    geoip: false
    fallback: offline-install
  ssh:
    install-server: true
    allow-pw: false
  # No account; the platform's agent makes the first one.
  user-data:
    disable_root: true
  # One disk, the root last so that it can grow, and no swap.
  storage:
    swap:
      size: 0
    config:
@STORAGE@
  early-commands:
    - "tail -F /var/log/installer/subiquity-server-debug.log </dev/null >/dev/ttyS1 2>/dev/null &"
  late-commands:
@LATE@
  shutdown: poweroff
)";

constexpr std::string_view kStorageBios = R"(
      - {type: disk, id: disk, path: /dev/sda, ptable: gpt, wipe: superblock, grub_device: true}
      - {type: partition, id: loader, device: disk, number: 1, size: 1M, flag: bios_grub}
      - {type: partition, id: root, device: disk, number: 2, size: -1}
      - {type: format, id: root-fs, volume: root, fstype: ext4}
      - {type: mount, id: root-mount, device: root-fs, path: /})";
constexpr std::string_view kStorageUefi = R"(
      - {type: disk, id: disk, path: /dev/sda, ptable: gpt, wipe: superblock}
      - {type: partition, id: esp, device: disk, number: 1, size: 256M, flag: boot, grub_device: true}
      - {type: format, id: esp-fs, volume: esp, fstype: fat32}
      - {type: partition, id: root, device: disk, number: 2, size: -1}
      - {type: format, id: root-fs, volume: root, fstype: ext4}
      - {type: mount, id: root-mount, device: root-fs, path: /}
      - {type: mount, id: esp-mount, device: esp-fs, path: /boot/efi})";

// What the installer leaves for the machine that it ran on would be in the way of the platform.
constexpr std::string_view kLate = R"(
    - |
      set -e
      mkdir -p /target/etc/default/grub.d
      cat >/target/etc/default/grub.d/90-azure.cfg <<'END'
      GRUB_CMDLINE_LINUX="@ARGUMENTS@"
      GRUB_CMDLINE_LINUX_DEFAULT=""
      GRUB_TERMINAL="console serial"
      GRUB_SERIAL_COMMAND="serial --speed=115200 --unit=0"
      GRUB_TIMEOUT=1
      END
      curtin in-target --target=/target -- update-grub
      cd /target/etc/cloud
      rm -f cloud.cfg.d/*-installer*.cfg cloud.cfg.d/curtin-preserve-sources.cfg \
        cloud.cfg.d/50-curtin-networking.cfg cloud.cfg.d/subiquity-disable-cloudinit-networking.cfg \
        ds-identify.cfg /target/etc/netplan/*.yaml
      # The loader's path of removable disks, because no firmware will know this disk.
      efi=/target/boot/efi/EFI
      if [ -d $efi/ubuntu ] && [ ! -e $efi/BOOT/BOOTX64.EFI ]; then
        mkdir -p $efi/BOOT
        cp $efi/ubuntu/* $efi/BOOT/
        cp $efi/ubuntu/shimx64.efi $efi/BOOT/BOOTX64.EFI
      fi)";

std::string first_line_dropped(std::string_view text) {
  return fill_answers(text, {});
}

std::vector<ConsoleMark> marks() {
  using Kind = ConsoleMark::Kind;
  return linux_marks({
      {Kind::kFailure, R"(finish: (subiquity/\S+): FAIL: (.*))", "the installer failed: $1: $2"},
      {Kind::kFailure,
       R"(An error occurred\. Press enter to start a shell)",
       "the installer failed"},
      {Kind::kFailure,
       R"(Unable to find a medium containing a live file system)",
       "the installer does not find its disc"},
      {Kind::kQuestion, R"(Continue with autoinstall\?)", "the installer asks whether to begin"},
      {Kind::kQuestion, R"(Please remove the installation medium)", "the installer wants a key"},
      {Kind::kProgress, R"(start: subiquity/Install/install/(\S+?):)", "$1"},
  });
}

Result<InstallRecipe> recipe(const InstallOrder& order) {
  const bool uefi = order.firmware == Firmware::kUefi;
  const auto late = fill_answers(kLate, {{"ARGUMENTS", kAzureKernelArguments}});
  const auto storage = first_line_dropped(uefi ? kStorageUefi : kStorageBios);
  InstallRecipe recipe;
  recipe.answer_label = "CIDATA";
  recipe.answers = {{"user-data", fill_answers(kUserData, {{"STORAGE", storage}, {"LATE", late}})},
                    {"meta-data", "instance-id: kiln\n"}};
  auto& installation = recipe.installation;
  installation.arguments = "autoinstall noprompt console=ttyS0,115200 ---";
  installation.memory_mib = 4096;
  installation.marks = marks();
  installation.logs = {"/var/log/installer/subiquity-server-debug.log",
                       "/var/log/installer/curtin-install.log"};
  return recipe;
}

std::optional<Error> refusal(const InstallerMedia& media) {
  constexpr unsigned kFirst = 20;
  if (major_version(media.version) >= kFirst) return std::nullopt;
  return fail(ErrorKind::kUnsupported,
              "Installer:TooOld",
              "{} ({}) has an installer without autoinstall, which came with Ubuntu 20.04",
              media.image.string(),
              media.title())
      .cure("use the live server disc of Ubuntu 20.04 or later");
}

}  // namespace

constexpr InstallerEntry kUbuntuInstaller{
    InstallerFamily::kUbuntu, "autoinstall", recipe, nullptr, refusal};

}  // namespace kiln
