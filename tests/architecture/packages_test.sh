#!/usr/bin/env bash
# packages_test.sh BUILD_FOLDER: every Debian package that this build took a header from is one that fixtures/packages.sh installs; else
# the tree builds only where somebody has installed it by hand.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)

# What g++ itself brings.
brought='^(libc6-dev|linux-libc-dev|libgcc-[0-9]+-dev|libstdc\+\+-[0-9]+-dev|libclang-common-[0-9]+-dev)$'

listed=$("$root/fixtures/packages.sh" --list build test fuzz)
taken=$(ninja -C "$1" -t deps | grep -oE '/usr/(include|lib)/[^ ]+\.(h|hh|hpp|ipp)$' | sort -u | xargs -r dpkg -S | sed 's/[:,].*//' | sort -u)
[[ -n $taken ]] || { echo 'the build knows of no header' >&2 && exit 1; }
missing=$(comm -23 <(grep -vE "$brought" <<<"$taken") <(sort -u <<<"$listed"))
[[ -z $missing ]] || { printf 'add to fixtures/packages.sh, group build or test: %s\n' "$missing" >&2 && exit 1; }
