#!/usr/bin/env bash
# sdk_peer.sh STYLE: Azure's SDK for JavaScript against the strict fake, whose operations are of this style.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
modules=$("$root/fixtures/azure/azure-sdk.sh" install)
folder=$(mktemp -d)
python3 -B "$root/fixtures/azure/strict_arm.py" serve "$folder" --style "$1" &
fake=$!
trap 'kill $fake; wait $fake || true; rm -rf "$folder"' EXIT
for _ in $(seq 600); do
  [[ -s $folder/endpoint ]] && break
  kill -0 $fake
  sleep 0.1
done
endpoint=$(<"$folder/endpoint")
definition=/subscriptions/33333333-3333-3333-3333-333333333333/resourceGroups/images/providers/Microsoft.Compute
control() {
  curl --silent --show-error --fail --cacert "$folder/ca.pem" "$endpoint/__control/$1" "${@:2}"
}
control definition --output /dev/null \
  --data "{\"id\": \"$definition/galleries/g/images/d\", \"location\": \"westeurope\", \"generation\": \"V2\"}"
NODE_EXTRA_CA_CERTS=$folder/ca.pem node "$root/tests/uploaders/sdk_peer.mjs" "$endpoint" "$modules"
control state | python3 -c '
import json, sys
state = json.load(sys.stdin)
if state["violations"]:
    sys.exit("\n".join(state["violations"]))
print("%d requests and answers held against the OpenAPI" % state["checked"])'
