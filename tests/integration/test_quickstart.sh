#!/usr/bin/env bash
# deploy/quickstart.sh as a new user calls it, on ports and in a directory of its own.
#
#   tests/integration/test_quickstart.sh BUILD-DIRECTORY
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$(cd "${1:?build directory expected}" && pwd)
run=$(mktemp -d)/run
port_base=$((20000 + RANDOM % 10000)) # below the range from which Linux takes ports for outgoing connections
passed=0 failed=0

quickstart() {
  "$top/deploy/quickstart.sh" --no-install --build-dir "$build" --run-dir "$run" --port-base "$port_base" "$@" 2>&1
}

# expect NAME STATUS PATTERN COMMAND…: the exit status and a line that matches.
expect() {
  local name=$1 status=$2 pattern=$3 output seen
  shift 3
  output=$("$@")
  seen=$?
  if [[ $seen -eq $status ]] && grep -qE "$pattern" <<<"$output"; then
    passed=$((passed + 1))
    echo "ok: $name"
  else
    failed=$((failed + 1))
    echo "FAILED: $name: status $seen, $status expected; a line like '$pattern' expected in:"
    tail -n 30 <<<"$output"
  fi
}

cleanup() {
  quickstart --stop >/dev/null
  rm -rf "$(dirname "$run")"
}
trap cleanup EXIT

expect once_shows_the_change_and_stops 0 'served after [0-9]+ ms: routingcost' quickstart --once
# [c]: the shell that asks must not find itself
expect nothing_is_left_running 1 '^none$' bash -c "pgrep -af -- '[c]onfig $run|[s]ocket $run|[/]$run/gobgpd' || { echo none; exit 1; }"
expect start_leaves_it_running 0 'Stop: +deploy/quickstart.sh --stop' quickstart
expect second_start_is_refused 1 'already running in .*--stop' quickstart
expect stop_stops 0 'stopped' quickstart --stop
expect unknown_option_is_named 1 "unknown option '--onec'" quickstart --onec
expect bad_port_is_named 1 'port-base 70000: a number' quickstart --port-base 70000

taken=$(dirname "$run")/taken
python3 - "$port_base" >"$taken" <<'EOF' &
import socket, sys, time
with socket.socket() as taken:
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taken.bind(("127.0.0.1", int(sys.argv[1]) + 2))
    taken.listen()
    print("listening", flush=True)
    time.sleep(60)
EOF
listener=$!
for _ in $(seq 100); do
  [[ -s $taken ]] && break
  sleep 0.1
done
expect port_in_use_is_named 1 "port $((port_base + 2)) is in use.*--port-base" quickstart --once
kill "$listener"

echo "$passed passed, $failed failed"
[[ $failed -eq 0 ]]
