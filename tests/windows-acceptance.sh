#!/usr/bin/env bash
# windows-acceptance.sh IMAGE [FOLDER]: what Kiln promises of Windows, tried on an image that you have: looked at, planned, built by
# one template with every kind of step, with a step that must fail, and with a validator in the result. IMAGE is a disk of Windows that was shut
# down (VHD, VHDX, qcow2, raw) and is only read. Needs an installed kiln, or KILN=PATH of one, and jq. FOLDER (windows-acceptance) gets
# the runs with their logs, and the VHD. Options for every build: KILN_FLAGS, such as '--memory 8192 --boot-timeout 60'.
# KILN_WINDOWS_UPDATES=FOLDER adds a WindowsUpdate step with the .msu and .cab files in it.
# Prints a line for each thing tried, and fails where one of them does.
set -uo pipefail

kiln=${KILN:-kiln}
failures=0
read -r -a flags <<<"${KILN_FLAGS:-}"

main() {
  [[ $# -ge 1 && -r $1 ]] || usage
  command -v "$kiln" jq >/dev/null || usage 'kiln or jq is not installed'
  image=$(realpath "$1")
  folder=$(realpath -m "${2:-windows-acceptance}")
  mkdir -p "$folder" || exit 2
  before=$(stat -c '%s %.Y' "$image")
  export KILN_STATE_DIR=$folder/state KILN_OUTPUT_DIR=$folder KILN_CATALOG=$folder/catalog.json
  printf 'accepted\r\n' >"$folder/file.txt"
  write_templates
  printf '%-44s %-7s %8s  %s\n' 'tried' 'result' 'seconds' 'log'
  try 'looking at the disk' inspect 0 image inspect --windows "$image"
  try 'planning the build' plan 0 plan "$folder/steps.json"
  try 'building: steps, restart, sysprep, VHD' steps 0 build --overwrite "${flags[@]}" "$folder/steps.json" && look_at_steps
  try 'a step that fails ends the build' fails 1 build "${flags[@]}" "$folder/fails.json"
  expect 'the image is not written' test "$before" = "$(stat -c '%s %.Y' "$image")"
  echo
  if ((failures > 0)); then
    echo "$failures of the things above failed; $folder holds the logs, and the runs with their consoles below state/runs"
    exit 1
  fi
  echo "everything above passed; $folder/steps.vhd is the image"
}

usage() {
  [[ $# -eq 0 ]] || echo "$1" >&2
  sed -n '2,/^# Prints/s/^# //p' "$0" >&2
  exit 2
}

# try WHAT LOG CODE ARGUMENT...: runs kiln, which is to end with the code, and prints how it went.
try() {
  local what=$1 log=$folder/$2.log wanted=$3 from=$SECONDS code
  shift 3
  "$kiln" "$@" >"$log" 2>&1 </dev/null
  code=$?
  report "$what" "$((code != wanted))" "$((SECONDS - from))" "$log"
}

# report WHAT FAILED SECONDS LOG
report() {
  local result=passed
  if (($2)); then
    result=FAILED
    failures=$((failures + 1))
  fi
  printf '%-44s %-7s %8s  %s\n' "$1" "$result" "$3" "$4"
  return "$2"
}

expect() {
  local what=$1 failed=0
  shift
  "$@" || failed=1
  report "$what" "$failed" '' ''
}

write_templates() {
  local updates=''
  if [[ -n ${KILN_WINDOWS_UPDATES:-} ]]; then
    updates='{"type": "WindowsUpdate"},'
    flags+=(--media "updates=$KILN_WINDOWS_UPDATES")
  fi
  write_template steps '{"type": "PowerShell", "inline": ["whoami"]},
    {"type": "PowerShell", "runElevated": true, "inline": ["whoami"]},
    {"type": "PowerShell", "runElevated": true, "runAsSystem": true, "inline": ["whoami"]},
    {"type": "PowerShell", "validExitCodes": [0, 3], "inline": ["exit 3"]},
    {"type": "File", "sourceUri": "file.txt", "destination": "C:\\accepted.txt"},
    '"$updates"'{"type": "WindowsRestart"},
    {"type": "PowerShell", "inline": ["Get-Content -Path C:\\accepted.txt"]}' \
    '"validate": {"inVMValidations": [{"type": "PowerShell", "inline": ["Get-Content -Path C:\\accepted.txt"]}]},'
  write_template fails '{"type": "PowerShell", "inline": ["exit 7"]}' ''
}

# write_template NAME STEPS MORE
write_template() {
  jq . >"$folder/$1.json" <<END
{
  "type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": "2023-07-01", "location": "local",
  "properties": {
    "source": {"type": "KilnLocalImage", "path": $(jq -n --arg path "$image" '$path'), "osType": "Windows"},
    "customize": [$2],
    $3
    "distribute": [{"type": "VHD", "runOutputName": "vhd"}]
  }
}
END
}

# What each step of the build that has just succeeded has said.
look_at_steps() {
  local steps last
  steps=$(sed -n 's/^run record *//p' "$folder/steps.log")/steps
  last=$(find "$steps" -name 'customize-*.log' | sort | tail -n 1)
  expect '  a step is not run as SYSTEM' not_as_system "$steps/customize-01.log"
  expect '  nor is an elevated one' not_as_system "$steps/customize-02.log"
  expect '  runAsSystem is' grep -qi 'nt authority.system' "$steps/customize-03.log"
  expect '  a file is there after a restart' grep -q accepted "$last"
  expect '  and in the finished image, which starts' grep -q accepted "$steps/validate-01.log"
}

not_as_system() { grep -q . "$1" && ! grep -qi 'nt authority.system' "$1"; }

main "$@"
