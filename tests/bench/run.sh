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

# shellcheck source=tests/bench/prepare.sh
source "$(dirname "${BASH_SOURCE[0]}")/prepare.sh" "$@"
[[ ${1:-} != --no-install ]] || shift
exec /usr/bin/python3 tests/bench/bench.py --build "$build" "$@"
