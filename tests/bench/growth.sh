#!/usr/bin/env bash
# Measures every stage from state.db to the served cost map over four sizes of network, and draws the curves:
# docs/growth.svg, docs/growth.md. Takes some minutes, and some GB below the build directory while it runs.
#
#   tests/bench/growth.sh [--out DIRECTORY] [--sizes N]
#
# ALTIMETER_BENCH_BUILD and --no-install (first) as for run.sh.
set -euo pipefail

# shellcheck source=tests/bench/prepare.sh
source "$(dirname "${BASH_SOURCE[0]}")/prepare.sh" "$@"
[[ ${1:-} != --no-install ]] || shift
exec /usr/bin/python3 tests/bench/growth.py --build "$build" "$@"
