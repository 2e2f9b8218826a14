#!/usr/bin/env bash
# Replays the seeds of a libFuzzer target, then lets it look further from them for a while.
#
#   tests/fuzz/explore.sh build-fuzz/tests/fuzz/fuzz_bmp [SECONDS]
#
# What it finds stays beside the target as crash-…; what it learns goes to a folder of its own, not to corpus/.
# The search begins from the same number each time, so that what fails here fails again by the same command.
set -euo pipefail
target=$(realpath "${1:?a target that -Dfuzz=true built is expected}")
seconds=${2:-60}
name=${target##*/fuzz_}
corpus=$(realpath "$(dirname "${BASH_SOURCE[0]}")/corpus/$name")
longest=65536

learned=$(mktemp -d)
trap 'rm -rf "$learned"' EXIT
cd "$(dirname "$target")"
[[ -n $(ls "$corpus") ]] || { echo "explore.sh: no seeds in $corpus" >&2; exit 1; }
if ! "$target" -runs=0 -max_len="$longest" "$corpus" >"$name.log" 2>&1 ||
  ! "$target" -seed=1 -max_total_time="$seconds" -max_len="$longest" -timeout=10 "$learned" "$corpus" >"$name.log" 2>&1; then
  cat "$name.log"
  exit 1
fi
tail -n 2 "$name.log" | grep -o 'Done .*' # "Done 12345 runs in 6 second(s)"
