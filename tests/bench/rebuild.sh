#!/usr/bin/env bash
# tests/bench/rebuild.sh [ROUNDS]: the usual pipeline, which does all its work each time, beside builds by `kiln build` after only the last
# step has changed, and after nothing has changed. Each round begins with a build that makes the layers, whose time is only told.
# Ends with lines `ratio NAME VALUE LIMIT` and fails when a value is above its limit.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/bench/lib.sh
source "$here/lib.sh"

changes=0

main() {
  prepare_bench
  job_commands+=(update-grub true)
  write_job
  say "Rebuilding ($(accelerator), $rounds rounds)"
  in_turn usual_pipeline kiln_cold kiln_last_step kiln_nothing
  judge "rebuild-last-step $(ratio_of kiln_last_step usual_pipeline) 0.10" \
    "rebuild-nothing $(ratio_of kiln_nothing usual_pipeline) 0.02"
}

build() { "$kiln" build "$work/template.json" --output-dir "$work/output" --overwrite; }

# The digest of the source is known, as after any earlier build.
kiln_cold_prepare() {
  "$kiln" cache gc --all >/dev/null
  rm -rf "$work/output" && mkdir "$work/output"
}
kiln_cold() { build; }

kiln_last_step_prepare() {
  job_commands[-1]="true $((++changes))"
  write_job
}
kiln_last_step() { build; }

kiln_nothing_prepare() { :; }
kiln_nothing() { build; }

main
