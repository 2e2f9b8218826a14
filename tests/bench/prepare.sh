# shellcheck shell=bash
# Sourced by run.sh and growth.sh with their arguments: installs what is missing (not with --no-install, first), builds
# the benchmark with -O3, and leaves the build directory in $build. Progress on stderr.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
if [[ ${1:-} != --no-install ]]; then
  deploy/packages.sh build run test bench >&2
fi

build=${ALTIMETER_BENCH_BUILD:-build-bench}
if [[ ! -f $build/build.ninja ]]; then
  meson setup "$build" -Dbuildtype=release >&2
fi
ninja -C "$build" --quiet bench >&2
