#!/usr/bin/env bash
# tests/bench/parallel.sh [ROUNDS]: four builds at once, each of another template and without layers, beside one alone.
# Ends with a line `ratio NAME VALUE LIMIT` and fails when the value is above its limit.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/bench/lib.sh
source "$here/lib.sh"

main() {
  prepare_bench
  write_job
  local number
  for number in 1 2 3 4; do cp "$work/template.json" "$work/template$number.json"; done
  say "Four builds at once ($(accelerator), $(nproc) processors, $rounds rounds)"
  in_turn one_build four_builds
  judge "parallel-4 $(ratio_of four_builds one_build) 2.2"
}

build() { "$kiln" build "$work/template$1.json" --no-cache --output-dir "$work/output" --overwrite; }

one_build_prepare() { rm -rf "$work/output" && mkdir "$work/output"; }
one_build() { build 1; }

four_builds_prepare() { one_build_prepare; }
four_builds() {
  local number pid pids=() failed=0
  for number in 1 2 3 4; do
    build "$number" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  return $failed
}

main
