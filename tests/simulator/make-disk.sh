#!/usr/bin/env bash
# make-disk.sh mbr|gpt|signed SIMULATOR DISK [LINE...]: makes a phony disk of Windows Server 2022 that starts, as qcow2: by BIOS
# (mbr), by UEFI (gpt), or by UEFI also with Secure Boot (signed, by loaders of make-guests.sh), and in it a Linux with
# SIMULATOR as its first process. Each LINE goes into C:\simulator\scenario:
#
#   updates NUMBER|endless   what Windows Update offers
#   restart never            shutdown /r has no effect
#   sysprep app              sysprep fails at an app of one user
#   sysprep late             the system is off before it has answered the shutdown that Kiln asks for
#   agent silent             the service starts and never answers
#   answers theirs           there is an answer file, which does not answer everything
#   setup NUMBER             Windows is generalized, and restarts so often while it sets itself up
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
guests=$here/../../fixtures/guests
# shellcheck source=fixtures/lib.sh
source "$here/../../fixtures/lib.sh"
# shellcheck source=fixtures/guests/windows-volumes.sh
source "$guests/windows-volumes.sh"

esp=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
basic=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7
options='console=ttyS0 quiet panic=-1 mitigations=off cryptomgr.notests lpj=4000000'
loader_mib=40
windows_mib=48
work=

main() {
  local table=$1 simulator disk
  simulator=$(realpath "$2") disk=$(realpath "$3")
  shift 3
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cd "$work"
  mkdir loader
  make_initrd "$simulator"
  make_windows "$@"
  "make_${table}_disk"
  qemu-img convert -f raw -O qcow2 disk.raw "$disk"
}

# The cloud flavour has no driver for SATA.
kernel_version() {
  local driver
  for driver in /lib/modules/*/kernel/drivers/ata/ahci.ko*; do
    driver=${driver#/lib/modules/}
    if [[ -r /boot/vmlinuz-${driver%%/*} ]]; then
      echo "${driver%%/*}"
      return
    fi
  done
  die 'no kernel with a driver for SATA: run fixtures/packages.sh test'
}

make_initrd() {
  local version file
  version=$(kernel_version)
  cp "/boot/vmlinuz-$version" kernel
  mkdir -p initrd/modules
  cp "$1" initrd/init
  while read -r _ file _; do
    cp "$file" initrd/modules/
    echo "${file##*/}" >>initrd/modules/start.list
  done < <(/sbin/modprobe --set-version "$version" --show-depends --all ahci sd_mod sr_mod isofs fuse efivarfs | grep ^insmod | uniq_files)
  # The kernel of Debian 12 cannot write NTFS. hivex lets the C library convert names, by modules.
  while read -r file; do
    mkdir -p "initrd/${file%/*}"
    cp -L "$file" "initrd/$file"
  done < <(
    command -v ntfs-3g
    ldd "$1" "$(command -v ntfs-3g)" | grep -o '/[^ ]* (' | tr -d ' ('
    find /usr/lib/x86_64-linux-gnu/gconv -name UTF-16.so -o -name ISO8859-1.so -o -name 'gconv-modules*' -type f
  )
  (cd initrd && find . | cpio --quiet -o -H newc) >initrd.img
}

uniq_files() { awk '!seen[$2]++'; }

make_windows() {
  "$guests/windows_hives.py" windows 'product=Windows Server 2022 Datacenter' edition=ServerDatacenter installation=Server \
    build=20348 release=21H2 computer=SIMULATED
  mkdir -p windows/simulator windows/Windows/Temp windows/Windows/Panther
  printf '%s\n' "$@" >windows/simulator/scenario
  if grep -q '^setup ' windows/simulator/scenario; then generalize; fi
  if grep -q '^answers theirs' windows/simulator/scenario; then
    echo '<unattend xmlns="urn:schemas-microsoft-com:unattend" />' >windows/Windows/Panther/unattend.xml
  fi
}

generalize() {
  hivexsh -w windows/Windows/System32/config/SOFTWARE <<'END'
cd Microsoft\Windows\CurrentVersion\Setup\State
setval 1
ImageState
string:IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE
commit
END
}

# GRUB stands between the table and the first partition, and reads the kernel from what is System Reserved in Windows.
make_mbr_disk() {
  truncate -s $((2 + loader_mib + windows_mib))M disk.raw
  sfdisk --quiet disk.raw <<END
label: dos
start=$mib, size=$((loader_mib * mib)), type=7, bootable
start=$(((1 + loader_mib) * mib)), size=$((windows_mib * mib)), type=7
END
  mkdir loader/Boot
  mv windows/BCD loader/Boot/BCD
  echo 'a stand-in' >loader/bootmgr
  mv kernel initrd.img loader/
  make_ntfs disk.raw 1 $loader_mib 'System Reserved' loader
  make_ntfs disk.raw $((1 + loader_mib)) $windows_mib Windows windows
  cat >grub.cfg <<END
linux (hd0,msdos1)/kernel $options
initrd (hd0,msdos1)/initrd.img
boot
END
  grub-mkimage -O i386-pc -p '(hd0,msdos1)/' -c grub.cfg -o core.img biosdisk part_msdos ntfs linux
  dd if=/usr/lib/grub/i386-pc/boot.img of=disk.raw bs=440 count=1 conv=notrunc status=none
  dd if=core.img of=disk.raw bs=512 seek=1 conv=notrunc status=none
}

# Kernel, initrd and options are one EFI program, in the place of Windows's own.
make_gpt_disk() {
  local stub=/usr/lib/systemd/boot/efi/linuxx64.efi.stub
  printf '%s' "$options" >options
  objcopy --add-section .cmdline=options --change-section-vma .cmdline=0x30000 \
    --add-section .linux=kernel --change-section-vma .linux=0x2000000 \
    --add-section .initrd=initrd.img --change-section-vma .initrd=0x3000000 \
    "$stub" loader.efi
  make_uefi_disk loader.efi
}

# Microsoft has signed shim, Debian its GRUB, which looks into /EFI/debian, and its kernel and modules.
make_signed_disk() {
  mkdir -p loader/EFI/{Microsoft/Boot,BOOT,debian}
  cp "$kiln_cache/grubx64.efi" loader/EFI/BOOT/
  cp "$kiln_cache/grubx64.efi" loader/EFI/Microsoft/Boot/
  mv kernel initrd.img loader/
  cat >loader/EFI/debian/grub.cfg <<END
linux /kernel $options
initrd /initrd.img
boot
END
  make_uefi_disk "$kiln_cache/shimx64.efi"
}

# make_uefi_disk LOADER: what starts in the place of Windows's own.
make_uefi_disk() {
  truncate -s $((3 + loader_mib + windows_mib))M disk.raw
  sfdisk --quiet disk.raw <<END
label: gpt
start=$mib, size=$((loader_mib * mib)), type=$esp, name="EFI system partition"
start=$(((1 + loader_mib) * mib)), size=$((windows_mib * mib)), type=$basic, name="Basic data partition"
END
  mkdir -p loader/EFI/{Microsoft/Boot,BOOT}
  mv windows/BCD loader/EFI/Microsoft/Boot/BCD
  cp "$1" loader/EFI/BOOT/BOOTX64.EFI
  cp "$1" loader/EFI/Microsoft/Boot/bootmgfw.efi
  make_fat disk.raw 1 $loader_mib SYSTEM loader
  make_ntfs disk.raw $((1 + loader_mib)) $windows_mib Windows windows
}

main "$@"
