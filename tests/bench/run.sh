#!/usr/bin/env bash
# Installs what is missing, builds with -O3, and measures what docs/benchmarks.md lists.
#
#   tests/bench/run.sh [NAME…]    all rows, or those named: spf.2t, or all below spf
#   tests/bench/run.sh --quick    own side only, one round, a tenth of the size
#   tests/bench/run.sh --list     the rows, and those whose part is not there yet
#
# One JSON object a line on stdout and nothing else, progress on stderr. ALTIMETER_BENCH_BUILD names another
# build directory than build-bench, --no-install (first) leaves the packages as they are.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top"
if [[ ${1:-} == --no-install ]]; then
  shift
else
  deploy/packages.sh build run test bench >&2
fi

build=${ALTIMETER_BENCH_BUILD:-build-bench}
if [[ ! -f $build/build.ninja ]]; then
  meson setup "$build" -Dbuildtype=release >&2
fi
ninja -C "$build" --quiet bench >&2
exec /usr/bin/python3 tests/bench/bench.py --build "$build" "$@"
