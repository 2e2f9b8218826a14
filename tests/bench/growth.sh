#!/usr/bin/env bash
# Measures every stage from state.db to the served cost map over four sizes of network, and draws the curves:
# docs/growth.svg, docs/growth.md. Takes some minutes, and some GB below the build directory while it runs.
#
#   tests/bench/growth.sh [--out DIRECTORY] [--sizes N]
#
# ALTIMETER_BENCH_BUILD and --no-install (first) as for run.sh.
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
exec /usr/bin/python3 tests/bench/growth.py --build "$build" "$@"
