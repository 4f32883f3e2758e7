#!/usr/bin/env bash
# tests/bench/convert.sh [ROUNDS [GIB]]: a fixed VHD of the real guest, and of a 30 GiB disk with GIB (8) GiB of data, by `kiln image convert`,
# by `qemu-img convert -m 16 -W`, and the same bytes by `cp --sparse=always`.
# Ends with lines `ratio NAME VALUE LIMIT` and fails when a value is above its limit.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/bench/lib.sh
source "$here/lib.sh"

gib=${2:-8}
source_disk=
verdicts=()

main() {
  prepare_bench
  say "Converting the guest ($rounds rounds)"
  qemu-img convert -O qcow2 "$guest" "$work/guest.qcow2"
  compare guest "$work/guest.qcow2"
  say "Converting a 30 GiB disk with $gib GiB of data ($rounds rounds)"
  make_data_disk
  compare data "$work/data.qcow2"
  judge "${verdicts[@]}"
}

# compare NAME DISK
compare() {
  source_disk=$2
  rm -f "$work"/*.times
  usual
  in_turn kiln usual copy
  verdicts+=("convert-$1 $(ratio_of kiln usual) 1.0" "convert-$1-copy $(ratio_of kiln copy) 1.2")
}

# 64 pieces across the disk, as a filled guest would have it, and holes between.
make_data_disk() {
  local piece mib=$((gib * 1024 / 64))
  truncate -s 30G "$work/data.raw"
  for piece in {0..63}; do
    dd if=/dev/urandom of="$work/data.raw" bs=1M count="$mib" seek=$((piece * 480)) conv=notrunc status=none
  done
  qemu-img convert -f raw -O qcow2 "$work/data.raw" "$work/data.qcow2"
  rm "$work/data.raw"
}

kiln_prepare() { rm -f "$work/kiln.vhd" && only_in_memory "$source_disk"; }
kiln() { "$kiln" image convert "$source_disk" "$work/kiln.vhd"; }

usual_prepare() { rm -f "$work/usual.vhd" && only_in_memory "$source_disk"; }
usual() { qemu-img convert -m 16 -W -f qcow2 -O vpc -o subformat=fixed,force_size "$source_disk" "$work/usual.vhd"; }

# What the other two read and write, raw to raw.
copy_prepare() { rm -f "$work/copy.vhd" && only_in_memory "$work/usual.vhd"; }
copy() { cp --sparse=always "$work/usual.vhd" "$work/copy.vhd"; }

# Each finds what it reads in memory, and room for what it writes: three such disks are more than a machine of 24 GiB holds.
only_in_memory() {
  local disk
  sync
  for disk in "$work"/*.vhd "$work"/*.qcow2; do
    [[ $disk == "$1" || ! -f $disk ]] || dd if="$disk" iflag=nocache count=0 status=none
  done
  cat "$1" >/dev/null
}

main
