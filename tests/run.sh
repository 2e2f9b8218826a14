#!/usr/bin/env bash
# Installs what is missing, builds, and runs all tests.
#
#   tests/run.sh            every test under AddressSanitizer and UBSan, those with threads under ThreadSanitizer
#   tests/run.sh --all      the same, and clang-tidy, cppcheck, shellcheck and libFuzzer (what CI runs)
#   tests/run.sh --no-install …   without looking for Debian packages
#
# The last line is "N passed, N failed, N skipped"; the exit status is 1 when anything failed.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"
analysis=false
install=true
for option in "$@"; do
  case $option in
  --all) analysis=true ;;
  --no-install) install=false ;;
  --help | -h) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
  *) echo "run.sh: unknown option '$option'; see --help" >&2; exit 2 ;;
  esac
done

passed=0 failed=0 skipped=0
# The one line that counts is printed whatever happens, also when a build breaks.
finish() {
  local status=$?
  [[ $status -eq 0 || $failed -gt 0 ]] || failed=1
  echo "$passed passed, $failed failed, $skipped skipped"
  [[ $failed -eq 0 ]] || exit 1
}
trap finish EXIT

step() { printf '\n== %s (%d s)\n' "$*" "$SECONDS"; }

# Of each libFuzzer target: enough to find what a change has just broken, not to search for what is deep.
FUZZ_SECONDS=5

purposes=(build run test)
$analysis && purposes+=(analysis)
if $install; then
  step "packages"
  deploy/packages.sh "${purposes[@]}"
fi

# build DIRECTORY TARGET MESON-OPTION…
build() {
  local directory=$1 target=$2
  shift 2
  if [[ -f $directory/build.ninja ]]; then
    meson configure "$directory" "$@"
  else
    meson setup "$directory" -Dwerror=true "$@" >"/tmp/altimeter-setup-$$.log" 2>&1 || {
      cat "/tmp/altimeter-setup-$$.log"
      rm -f "/tmp/altimeter-setup-$$.log"
      return 1
    }
    rm -f "/tmp/altimeter-setup-$$.log"
  fi
  ninja -C "$directory" --quiet "$target"
}

# run_tests DIRECTORY MESON-TEST-OPTION…: adds to the counts.
run_tests() {
  local directory=$1 counts p f s
  shift
  meson test -C "$directory" --no-rebuild --print-errorlogs --num-processes 2 --timeout-multiplier 5 "$@" || true
  counts=$(python3 tests/count.py "$directory/meson-logs/testlog.json")
  read -r p f s <<<"$counts"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export LSAN_OPTIONS=suppressions=$top/tests/lsan.supp:print_suppressions=0
export TSAN_OPTIONS=suppressions=$top/tests/tsan.supp:halt_on_error=1:second_deadlock_stack=1

step "build with AddressSanitizer, UndefinedBehaviorSanitizer and coverage"
build build-asan all -Db_sanitize=address,undefined -Db_coverage=true
find build-asan -name '*.gcda' -delete # what an earlier run has reached
step "tests"
run_tests build-asan
step "what they have reached"
tests/coverage.py build-asan
step "build with ThreadSanitizer"
build build-tsan all -Db_sanitize=thread
step "tests of what has threads"
run_tests build-tsan --suite threads

if $analysis; then
  # check NAME COMMAND…: one test of the analysis
  check() {
    local name=$1
    shift
    if "$@"; then
      passed=$((passed + 1))
      echo "ok: $name"
    else
      failed=$((failed + 1))
      echo "FAILED: $name"
    fi
  }
  step "static analysis"
  check shellcheck bash -c 'git ls-files "*.sh" .ci/run | xargs shellcheck'
  check clang-format bash -c 'git ls-files "*.c" "*.h" | xargs clang-format --dry-run --Werror'
  check cppcheck tests/cppcheck.sh build-asan
  check clang-tidy tests/clang-tidy.sh build-asan

  step "build for libFuzzer"
  CC=clang build build-fuzz fuzzers -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
  step "fuzzing, a moment for each parser"
  for target in build-fuzz/tests/fuzz/fuzz_*; do
    [[ -x $target && -f $target ]] && check "${target##*/}" tests/fuzz/explore.sh "$target" "$FUZZ_SECONDS"
  done
fi
step "done"
