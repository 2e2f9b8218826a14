#!/usr/bin/env bash
# cppcheck over our own sources, by the compile commands of a build directory. Silent when clean.
set -euo pipefail
build=${1:?build directory expected}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cppcheck --project="$build/compile_commands.json" --quiet --inline-suppr --error-exitcode=1 -j 2 \
  --enable=warning,performance,portability --library=posix -i"$build" \
  --suppressions-list=tests/cppcheck.supp
