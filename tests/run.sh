#!/usr/bin/env bash
# tests/run.sh [OPTION]...: installs what is missing, makes the guests, builds, and runs every test but the slow ones.
#
#   --labels REGEX    only tests whose label matches (unit, tool, appliance, guest, azure, e2e, slow)
#   --asan            unit and tool tests under the address, undefined and leak sanitizers
#   --fuzz SECONDS    every fuzzer for so many seconds, starting from its corpus; KILN_FUZZ_SEED repeats a series
#   --coverage        unit and tool tests, then a summary of the lines that they reach
#   --tidy            clang-tidy on all sources
#   --format          checks the layout of C++ sources, and shellcheck on scripts
#
# KILN_ALL_TEMPLATES=1 builds every published template of Windows, in an hour, in place of a few; `--labels guest` has them.
#
# A test that is skipped fails the run, unless tests/allowed-skips.txt names it.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=fixtures/lib.sh
source fixtures/lib.sh
export KILN_FIXTURES_CACHE=$kiln_cache

main() {
  case ${1:-} in
    '') run_tests '' ;;
    --labels) run_tests "${2:?--labels needs a regular expression}" ;;
    --asan) run_asan ;;
    --fuzz) run_fuzzers "${2:?--fuzz needs a number of seconds}" ;;
    --coverage) run_coverage ;;
    --tidy) run_tidy ;;
    --format) check_format ;;
    *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" && exit 2 ;;
  esac
}

run_tests() {
  local labels=$1 select=(--label-exclude '^slow$')
  if [[ -n $labels ]]; then select=(--label-regex "$labels"); fi
  fixtures/packages.sh build run fixtures test
  if printf '%s\n' appliance guest e2e slow | grep -qE -- "$labels"; then
    say 'Guests'
    fixtures/guests/make-guests.sh
    fixtures/guests/make-windows-disks.sh
  fi
  # Half an hour each under emulation, so nothing is made or run of it unless it is named.
  if [[ -n $labels ]] && grep -qE -- "$labels" <<<slow; then fixtures/guests/make-guests.sh installer; fi
  fixtures/azure/azurite.sh install
  fixtures/azure/azure-sdk.sh install >/dev/null
  fixtures/powershell/grammar.sh install >/dev/null
  build dev
  run_ctest dev "${select[@]}"
}

run_asan() {
  fixtures/packages.sh build run test
  build asan
  run_ctest asan --label-regex '^(unit|tool)$'
}

run_coverage() {
  fixtures/packages.sh build run test coverage
  build coverage
  run_ctest coverage --label-regex '^(unit|tool)$'
  gcovr --root . --object-directory build/coverage --filter '(engine|disk|customizers|uploaders)/' --sort-percentage --print-summary |
    tee build/coverage/summary.txt
}

run_tidy() {
  fixtures/packages.sh build run lint
  build tidy
}

check_format() {
  local sources scripts
  fixtures/packages.sh lint test
  mapfile -t sources < <(git ls-files '*.h' '*.cpp')
  mapfile -t scripts < <(git ls-files '*.sh' .ci/run)
  say "clang-format on ${#sources[@]} files, shellcheck on ${#scripts[@]}"
  clang-format --dry-run --Werror "${sources[@]}"
  shellcheck --external-sources --source-path=SCRIPTDIR --source-path=. "${scripts[@]}"
  note 'clean'
}

# Each fuzzer's corpus is the one that its replay test names. New inputs stay in build/fuzz/corpus; a crash fails the run.
run_fuzzers() {
  local seconds=$1 name corpus log fuzzers=()
  fixtures/packages.sh build run test fuzz
  configure fuzz
  mapfile -t fuzzers < <(fuzzers_and_corpora)
  ((${#fuzzers[@]} > 0)) || die 'the tree has no fuzzers'
  build fuzz --target "${fuzzers[@]%% *}"
  say "Fuzzing, $seconds s each"
  while read -r name corpus; do
    mkdir -p "build/fuzz/corpus/$name"
    log=build/fuzz/$name.log
    "$(find build/fuzz -type f -name "$name" -executable)" -max_total_time="$seconds" -seed="${KILN_FUZZ_SEED:-0}" \
      -rss_limit_mb=1024 \
      -print_final_stats=1 -artifact_prefix="build/fuzz/finding-$name-" "build/fuzz/corpus/$name" "$corpus" >"$log" 2>&1 ||
      { tail -n 60 "$log" >&2 && die "$name failed; its input is build/fuzz/finding-$name-*"; }
    note "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, no finding"
  done < <(printf '%s\n' "${fuzzers[@]}")
}

# Lines of "NAME CORPUS". From CMake's own files, because ctest keeps back the commands of programs not yet built.
fuzzers_and_corpora() {
  find build/fuzz -name CTestTestfile.cmake -exec \
    sed -n 's/^add_test(\[=\[fuzz\.replay\.\([^]]*\)\]=\] "[^"]*" "\([^"]*\)".*/\1 \2/p' {} +
}

configure() {
  local launcher=()
  if command -v ccache >/dev/null; then launcher=(-D CMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  cmake --preset "$1" "${launcher[@]}" --log-level=WARNING
}

# build PRESET [OPTION]...
build() {
  local preset=$1 from=$EPOCHREALTIME
  shift
  say "Building, preset $preset"
  configure "$preset"
  cmake --build --preset "$preset" "$@"
  note "built in $(seconds_since "$from") s"
}

# run_ctest PRESET SELECTION...: ends with ctest's own summary.
run_ctest() {
  local preset=$1 status=0 log="build/$1/Testing/Temporary/LastTest.log" skips
  shift
  if [[ -z ${KILN_SHARED_DIR:-} && -d ../shared ]]; then
    KILN_SHARED_DIR=$(realpath ../shared)
    export KILN_SHARED_DIR
  fi
  say 'Running the tests'
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --parallel 2 "$@" || status=$?
  skips=$(unexpected_skips "$log")
  if [[ -n $skips ]]; then
    printf '%s\n' "$skips" >&2
    die 'tests were skipped that tests/allowed-skips.txt does not name'
  fi
  return $status
}

# Programs with many tests are one entry to ctest, so skips are read from what the tests print.
unexpected_skips() {
  { sed -n -e 's/^\[  SKIPPED \] \([^ ,]*\) (.*/\1/p' -e '/ \.\.\. skipped /p' "$1" | sort -u; } |
    { grep -vxE -f <(grep -v '^\(#\|$\)' tests/allowed-skips.txt) || true; }
}

main "$@"
