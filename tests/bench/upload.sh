#!/usr/bin/env bash
# tests/bench/upload.sh [ROUNDS]: a 30 GiB fixed VHD with 1 GiB of scattered data as a page blob, to one and the same server in turn:
# by `kiln upload`, by `az storage blob upload --type page`, and by Azure's SDK for JavaScript; and the bare 1 GiB by curl, in one
# request. The server is our strict fake, which is Python, and for all of them does without checking checksums.
# Ends with lines `ratio NAME VALUE LIMIT` and fails when a value is above its limit.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/bench/lib.sh
source "$here/lib.sh"

pieces=256
piece_mib=4

main() {
  prepare_bench
  sdk=$("$kiln_root/fixtures/azure/azure-sdk.sh" install)
  make_disk
  start_service
  say "The same 1 GiB by curl, by Kiln and by the JavaScript SDK ($rounds rounds), and by az (one round: it takes minutes)"
  in_turn curl_copy kiln_upload js_upload
  rounds=1 in_turn az_upload
  say 'Bytes and memory'
  judge "upload-bytes $(bytes_ratio) 1.02" \
    "upload-memory-mib $(peak_memory) 128" \
    "upload-plain $(ratio_of kiln_upload curl_copy) 1.3" \
    "upload-az $(ratio_of kiln_upload az_upload) 0.5" \
    "upload-js $(ratio_of kiln_upload js_upload) 0.5"
}

# Each piece begins at an odd 64 KiB, as files do, not where a request of 4 MiB does.
make_disk() {
  local piece
  dd if=/dev/urandom of="$work/data" bs=1M count=$((pieces * piece_mib)) status=none
  truncate -s 30G "$work/disk.raw"
  for ((piece = 0; piece < pieces; piece++)); do
    dd if="$work/data" of="$work/disk.raw" bs=64K count=$((piece_mib * 16)) skip=$((piece * piece_mib * 16)) \
      seek=$((piece * 1919 + 1)) conv=notrunc status=none
  done
  "$kiln" image convert "$work/disk.raw" "$work/disk.vhd" >/dev/null
  rm "$work/disk.raw"
}

start_service() {
  "$kiln_root/fixtures/azure/strict_page_blob.py" serve "$work/service" --container vhds --trust-checksums &
  trap 'kill '$!'; rm -rf "$work"' EXIT
  until [[ -s $work/service/endpoint ]]; do sleep 0.1; done
  endpoint=$(<"$work/service/endpoint")
  # The development account that every copy of the storage emulator has; its key protects nothing.
  AZURE_STORAGE_KEY=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==
  connection="DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=$AZURE_STORAGE_KEY;BlobEndpoint=$endpoint;"
  export AZURE_STORAGE_KEY AZURE_CONFIG_DIR=$work/az AZURE_CORE_COLLECT_TELEMETRY=no
}

control() { curl --silent --show-error --fail "${endpoint%/*}/__control/$1" "${@:2}"; }
forget() { control reset --request POST >/dev/null; }

curl_copy_prepare() { forget; }
curl_copy() { control sink --upload-file "$work/data"; }

kiln_upload_prepare() { forget; }
kiln_upload() { "$kiln" upload "$work/disk.vhd" "$endpoint/vhds/kiln.vhd"; }

az_upload_prepare() { forget; }
az_upload() {
  az storage blob upload --type page --file "$work/disk.vhd" --container-name vhds --name az.vhd \
    --connection-string "$connection" --no-progress
}

js_upload_prepare() { forget; }
js_upload() { NODE_PATH=$sdk node "$here/upload_pages.js" "$connection" vhds js.vhd "$work/disk.vhd"; }

# What Kiln's requests hold, heads and all, by the disk's 64 KiB blocks that are not zero.
bytes_ratio() {
  forget
  kiln_upload >/dev/null 2>&1
  control stats | python3 -c '
import json, sys
seen = json.load(sys.stdin)
print("%.4f" % ((seen["page_bytes"] + seen["header_bytes"]) / int(sys.argv[1])))' $((pieces * piece_mib << 20))
}

# In MiB, of the program itself.
peak_memory() {
  forget
  command time -f %M -o "$work/memory" "$kiln" upload "$work/disk.vhd" "$endpoint/vhds/kiln.vhd" >/dev/null 2>&1
  echo $((($(tail -n 1 "$work/memory") + 1023) / 1024))
}

main
