#!/usr/bin/env bash
# tests/bench/pipeline.sh [ROUNDS [PART...]]: the same work by the usual pipeline (virt-customize, virt-sysprep, qemu-img convert) and by
# one `kiln build`, in turn; then converting alone; then Kiln's own memory. Overlays are made outside of the timing.
# PARTs are pipeline, convert and memory; all of them where none is named.
# Ends with lines `ratio NAME VALUE LIMIT` and fails when a value is above its limit.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/bench/lib.sh
source "$here/lib.sh"

parts=("${@:2}")

main() {
  prepare_bench
  write_job
  local verdicts=()
  if wants pipeline; then
    say "Pipeline against kiln build ($(accelerator), $rounds rounds)"
    in_turn usual_pipeline kiln_build
    verdicts+=("pipeline $(ratio_of kiln_build usual_pipeline) 0.15")
  fi
  if wants convert; then
    # Half a second each, so a few more rounds are cheap, and the machine's own noise is large.
    rounds=$((3 * rounds))
    say "Converting a 30 GiB qcow2 with 1 GiB of data ($rounds rounds)"
    make_data_disk "$work/data.qcow2"
    in_turn usual_convert kiln_convert
    verdicts+=("convert $(ratio_of kiln_convert usual_convert) 1.0")
  fi
  if wants memory; then
    say 'Peak memory of the kiln process on 30 GiB disks'
    [[ -f $work/data.qcow2 ]] || make_data_disk "$work/data.qcow2"
    verdicts+=("memory-mib $(peak_memory) 64")
  fi
  judge "${verdicts[@]}"
}

wants() { ((${#parts[@]} == 0)) || [[ " ${parts[*]} " == *" $1 "* ]]; }

kiln_build_prepare() { rm -rf "$work/output" && mkdir "$work/output"; }
kiln_build() { "$kiln" build "$work/template.json" --no-cache --output-dir "$work/output" --overwrite; }

# Data in 64 pieces across the disk, as a filled guest would have it, and holes between.
make_data_disk() {
  local piece
  truncate -s 30G "$work/data.raw"
  for piece in {0..63}; do
    dd if=/dev/urandom of="$work/data.raw" bs=1M count=16 seek=$((piece * 480)) conv=notrunc status=none
  done
  qemu-img convert -f raw -O qcow2 "$work/data.raw" "$1"
  rm "$work/data.raw"
}

usual_convert_prepare() { rm -f "$work/usual.vhd"; }
usual_convert() { qemu-img convert -f qcow2 -O vpc -o subformat=fixed,force_size "$work/data.qcow2" "$work/usual.vhd"; }

kiln_convert_prepare() { rm -f "$work/kiln.vhd"; }
kiln_convert() { "$kiln" image convert "$work/data.qcow2" "$work/kiln.vhd"; }

# The greatest resident size of the program itself, without its helpers, while it converts and while it builds, in MiB.
peak_memory() {
  local kib highest=0 what
  overlay_over "$guest" "$work/large.qcow2"
  qemu-img resize -q "$work/large.qcow2" 30G
  qemu-img convert -f qcow2 -O raw "$work/large.qcow2" "$work/large.raw"
  sed -i "s|$guest|$work/large.raw|" "$work/template.json"
  for what in kiln_convert kiln_build; do
    "${what}_prepare"
    kib=$(watch_memory "$what")
    note "$what: $((kib / 1024)) MiB" >&2
    ((kib <= highest)) || highest=$kib
  done
  echo $(((highest + 1023) / 1024))
}

# VmHWM never falls, so the last value read before the end is the peak, but for the last twentieth of a second.
watch_memory() {
  local pid value peak=0
  ("$1" >"$work/log" 2>&1) &
  local shell=$!
  while kill -0 "$shell" 2>/dev/null; do
    pid=$(pgrep -P "$shell" -x kiln || true)
    value=$(awk '/^VmHWM/ {print $2}' "/proc/${pid:-none}/status" 2>/dev/null || true)
    if [[ -n $value ]]; then peak=$value; fi
    sleep 0.05
  done
  wait "$shell" || { tail -n 50 "$work/log" >&2 && die "$1 failed"; }
  echo "$peak"
}

main
