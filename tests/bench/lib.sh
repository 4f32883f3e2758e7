# shellcheck shell=bash
# What the benchmarks share. Source it; the first argument of the script that does is the number of rounds.
# shellcheck source=fixtures/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../fixtures/lib.sh"

rounds=${1:-3}
kiln=${KILN:-$kiln_root/build/release/engine/cli/kiln}
# shellcheck disable=SC2034 # used by the scripts that source this one
guest=$kiln_cache/debian12.vhd
work=

prepare_bench() {
  [[ -x $kiln ]] || die "$kiln is missing: cmake --preset release && cmake --build --preset release, or set KILN"
  "$kiln_root/fixtures/packages.sh" run fixtures bench
  "$kiln_root/fixtures/guests/make-guests.sh" debian12
  work=$(mktemp -d "${TMPDIR:-/var/tmp}/kiln-bench.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM HUP
  export_guestfs_settings
  export KILN_STATE_DIR=$work/state KILN_CATALOG=$work/catalog.json
}

# in_turn A B: runs both for every round and appends their seconds to $work/A.times and $work/B.times.
in_turn() {
  local round way from
  for ((round = 1; round <= rounds; round++)); do
    for way in "$@"; do
      "${way}_prepare"
      settle
      from=$EPOCHREALTIME
      "$way" >"$work/log" 2>&1 || { tail -n 50 "$work/log" >&2 && die "$way failed"; }
      seconds_since "$from" >>"$work/$way.times"
      echo >>"$work/$way.times"
      note "round $round: $way $(tail -n 1 "$work/$way.times") s"
    done
  done
}

# What one way leaves to be written must not slow the next; nor must it pay for memory that a hypervisor has taken back from
# this machine meanwhile, which costs seconds a GiB to get again.
settle() {
  sync
  head -c 2G /dev/zero >/dev/shm/kiln-bench.$$
  rm /dev/shm/kiln-bench.$$
}

median() { sort -n "$work/$1.times" | awk '{v[NR] = $1} END {print (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2}'; }

ratio_of() {
  note "median: $1 $(median "$1") s, $2 $(median "$2") s" >&2
  awk -v a="$(median "$1")" -v b="$(median "$2")" 'BEGIN {printf "%.2f", a / b}'
}

# judge "NAME VALUE LIMIT"...: prints a line `ratio NAME VALUE LIMIT` for each; false where a value is above its limit.
judge() {
  local name value limit failed=0
  echo
  while read -r name value limit; do
    echo "ratio $name $value $limit"
    if awk -v value="$value" -v limit="$limit" 'BEGIN {exit !(value > limit)}'; then failed=1; fi
  done < <(printf '%s\n' "$@")
  return $failed
}

# The job that is measured: the usual pipeline and Kiln do these same things to the guest: a file, and a step for each command.
job_commands=('echo measured > /etc/measured; dpkg-query -l > /root/packages.txt')
write_job() {
  local command steps=
  for command in "${job_commands[@]}"; do steps+=", {\"type\": \"Shell\", \"inline\": [\"$command\"]}"; done
  echo 'measured' >"$work/banner.txt"
  cat >"$work/template.json" <<END
{
  "type": "Microsoft.VirtualMachineImages/imageTemplates",
  "apiVersion": "2023-07-01",
  "location": "local",
  "properties": {
    "source": {"type": "KilnLocalImage", "path": "$guest"},
    "customize": [{"type": "File", "sourceUri": "file://$work/banner.txt", "destination": "/etc/motd"}$steps],
    "distribute": [{"type": "VHD", "runOutputName": "vhd"}]
  }
}
END
}

usual_pipeline_prepare() { overlay_over "$guest" "$work/overlay.qcow2"; }
usual_pipeline() {
  local command run=()
  for command in "${job_commands[@]}"; do run+=(--run-command "$command"); done
  virt-customize --quiet --no-network --format qcow2 -a "$work/overlay.qcow2" --upload "$work/banner.txt:/etc/motd" "${run[@]}" &&
    virt-sysprep --quiet --format qcow2 -a "$work/overlay.qcow2" &&
    qemu-img convert -f qcow2 -O vpc -o subformat=fixed,force_size "$work/overlay.qcow2" "$work/usual.vhd"
}
