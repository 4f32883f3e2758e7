#!/usr/bin/env bash
# powershell_grammar.sh PROGRAM: holds all PowerShell of Kiln, its files and what PROGRAM writes of its steps, against a grammar.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
modules=$("$root/fixtures/powershell/grammar.sh" install)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1" "$folder"
find "$root/customizers" "$root/engine" "$root/disk" "$root/tests" -name '*.ps1' -print0 |
  xargs -0 node "$root/tests/customizers/powershell_grammar.mjs" "$modules" "$folder"/*.ps1
