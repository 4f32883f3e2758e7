#!/usr/bin/env bash
# tests/bench/boot.sh [ROUNDS]: the same work in the guest's own booted system by Packer's qemu builder and by `kiln build --mode boot`,
# in turn: two commands, deprovision, a fixed VHD. Packer's guest has been prepared with a root password, because Packer comes in
# by SSH, and gets a network card; Kiln's is as it is and has none. Overlays are made outside of the timing.
# Then Kiln once more, after a change of the last step only.
# Ends with lines `ratio NAME VALUE LIMIT` and fails when a value is above its limit.
set -euo pipefail
# shellcheck source=tests/bench/lib.sh
source "$(dirname "$0")/lib.sh"

main() {
  prepare_bench
  export PACKER_CACHE_DIR=$work/packer-cache CHECKPOINT_DISABLE=1
  write_inputs
  write_packer_inputs
  make_packer_guest
  say "Packer's qemu builder against kiln build --mode boot ($(accelerator), $rounds rounds)"
  in_turn packer_build kiln_build kiln_last_step
  judge "boot $(ratio_of kiln_build packer_build) 0.9" \
    "boot-last-step $(ratio_of kiln_last_step packer_build) 0.15"
}

changes=0

write_inputs() {
  cat >"$work/template.json" <<END
{
  "type": "Microsoft.VirtualMachineImages/imageTemplates",
  "apiVersion": "2023-07-01",
  "location": "local",
  "properties": {
    "source": {"type": "KilnLocalImage", "path": "$guest", "osType": "Linux", "hyperVGeneration": "V1"},
    "customize": [
      {"type": "Shell", "inline": ["echo measured > /etc/measured"]},
      {"type": "Shell", "inline": ["systemctl is-active ssh > /etc/measured-ssh # $changes"]}
    ],
    "distribute": [{"type": "VHD", "runOutputName": "vhd"}]
  }
}
END
}

write_packer_inputs() {
  cat >"$work/packer.json" <<END
{
  "builders": [{
    "type": "qemu",
    "iso_url": "$work/packer-guest.qcow2", "iso_checksum": "none", "disk_image": true,
    "skip_resize_disk": true, "skip_compaction": true, "format": "qcow2", "disk_interface": "virtio", "net_device": "virtio-net",
    "accelerator": "$(accelerator)", "machine_type": "q35", "memory": 1024, "cpus": 1, "headless": true,
    "ssh_username": "root", "ssh_password": "kiln", "ssh_timeout": "10m", "boot_wait": "1s",
    "output_directory": "$work/packer", "vm_name": "disk.qcow2", "shutdown_command": "poweroff"
  }],
  "provisioners": [
    {"type": "shell", "inline": ["echo measured > /etc/measured"]},
    {"type": "shell", "inline": ["systemctl is-active ssh > /etc/measured-ssh"]},
    {"type": "shell", "inline": ["waagent -force -deprovision+user && export HISTSIZE=0 && sync"]}
  ]
}
END
}

# As whoever uses Packer prepares a guest, once.
make_packer_guest() {
  overlay_over "$guest" "$work/packer-guest.qcow2"
  timed "Packer's guest" virt-customize --quiet --no-network --format qcow2 -a "$work/packer-guest.qcow2" --root-password password:kiln \
    --run-command 'echo PermitRootLogin yes >/etc/ssh/sshd_config.d/packer.conf; touch /etc/cloud/cloud-init.disabled'
}

packer_build_prepare() { rm -rf "$work/packer" "$work/packer.vhd"; }
packer_build() {
  packer build "$work/packer.json" &&
    qemu-img convert -f qcow2 -O vpc -o subformat=fixed,force_size "$work/packer/disk.qcow2" "$work/packer.vhd"
}

build() { "$kiln" build --mode boot "$work/template.json" --output-dir "$work/output" --overwrite; }

# The digest of the source is known, as after any earlier build.
kiln_build_prepare() {
  "$kiln" cache gc --all >/dev/null
  rm -rf "$work/output" && mkdir "$work/output"
}
kiln_build() { build; }

kiln_last_step_prepare() {
  changes=$((changes + 1))
  write_inputs
}
kiln_last_step() { build; }

main
