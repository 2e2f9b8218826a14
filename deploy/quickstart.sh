#!/usr/bin/env bash
# The whole line on one machine: a lab backbone's two route reflectors, a real gobgpd, and Altimeter behind it.
#
#   deploy/quickstart.sh            builds, starts everything, waits for the first map, leaves it running
#   deploy/quickstart.sh --once     the same, then changes a link's metric in the lab, waits until the served
#                                   cost map shows it, says how long that took, and stops everything
#   deploy/quickstart.sh --stop     stops what an earlier call left running
#
# Everything is on loopback and in one run directory; nothing outside of it is touched but Debian packages.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
run=${TMPDIR:-/tmp}/altimeter-quickstart-$EUID
build=$top/build-quickstart
port_base=16670
scenario=$top/tests/lab/scenarios/geant.yaml
mode=start
install=true
started=() # process ids, in the order of starting

usage() {
  sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  cat <<EOF
  --run-dir DIR      where sockets, databases, logs and the configuration go (default $run)
  --build-dir DIR    an existing or new build directory (default $build)
  --port-base N      first of the ports in use: N map, N+1 health, N+2 BMP, N+3 BGP of the lab (default $port_base)
  --scenario FILE    what the lab plays (default tests/lab/scenarios/geant.yaml)
  --no-install       do not look for missing Debian packages
EOF
}

fail() {
  echo "quickstart: $*" >&2
  exit 1
}

need_value() {
  [[ $# -ge 2 && -n $2 ]] || fail "$1 needs a value; see --help"
}

while [[ $# -gt 0 ]]; do
  case $1 in
  --once) mode=once ;;
  --stop) mode=stop ;;
  --no-install) install=false ;;
  --run-dir) need_value "$@"; run=$2; shift ;;
  --build-dir) need_value "$@"; build=$2; shift ;;
  --port-base) need_value "$@"; port_base=$2; shift ;;
  --scenario) need_value "$@"; scenario=$2; shift ;;
  --help | -h) usage; exit 0 ;;
  *) fail "unknown option '$1'; see --help" ;;
  esac
  shift
done
[[ $port_base =~ ^[1-9][0-9]{3,4}$ && $port_base -ge 1024 && $port_base -le 65500 ]] ||
  fail "--port-base $port_base: a number from 1024 to 65500 expected"
[[ $run = /* ]] || run=$PWD/$run
[[ ${#run} -le 80 ]] || fail "--run-dir $run: too long for the sockets in it; at most 80 characters"

alto_port=$port_base
operator_port=$((port_base + 1))
bmp_port=$((port_base + 2))
bgp_port=$((port_base + 3))
base=http://127.0.0.1:$alto_port

# ---- starting and stopping ----

# Whether process $1 is the program $2 that we started, and not a later one with its number.
is_running() {
  [[ $({ tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null) == *"$2"* ]]
}

stop_all() {
  local file pid name
  # against the way of the data, so that nobody reports a neighbour that we stopped
  for name in altimeter-server altimeter-mapgen altimeter-collector gobgpd altimeter-lab; do
    file=$run/$name.pid
    [[ -s $file ]] || continue
    pid=$(<"$file")
    if is_running "$pid" "$name"; then
      kill "$pid" 2>/dev/null || true
      for _ in $(seq 100); do
        is_running "$pid" "$name" || break
        sleep 0.05
      done
      is_running "$pid" "$name" && kill -9 "$pid" 2>/dev/null
    fi
    rm -f "$file"
  done
  return 0
}

start() {
  local name=$1 pid
  shift
  "$@" >>"$run/log/$name.log" 2>&1 </dev/null &
  pid=$!
  echo "$pid" >"$run/$name.pid"
  started+=("$name:$pid")
  disown "$pid"
}

check_alive() {
  local entry name pid
  for entry in "${started[@]}"; do
    name=${entry%%:*} pid=${entry##*:}
    is_running "$pid" "$name" && continue
    tail -n 5 "$run/log/$name.log" >&2 || true
    fail "$name ended; its last lines are above, all of them in $run/log/$name.log"
  done
}

# ---- steps ----

check_free() {
  local name port taken
  for name in altimeter-server altimeter-mapgen altimeter-collector gobgpd altimeter-lab; do
    if [[ -s $run/$name.pid ]] && is_running "$(<"$run/$name.pid")" "$name"; then
      fail "already running in $run ($name, process $(<"$run/$name.pid")); stop it with: deploy/quickstart.sh --stop${run_option}"
    fi
  done
  # a listener, but an outgoing connection that the system gave the port is in the way just as well; 06 is TIME_WAIT
  taken=$(awk '$4 != "06" { split($2, a, ":"); print a[length(a)] }' /proc/net/tcp /proc/net/tcp6 2>/dev/null || true)
  for port in "$alto_port" "$operator_port" "$bmp_port" "$bgp_port"; do
    if grep -qix "$(printf '%04X' "$port")" <<<"$taken"; then
      fail "port $port is in use by another program; choose other ports with --port-base (four from there on)"
    fi
  done
}

build_programs() {
  local log=$run/log/build.log
  if [[ ! -f $build/build.ninja ]]; then
    meson setup --buildtype=release -Dtests=false "$build" "$top" >"$log" 2>&1 || { tail -n 20 "$log" >&2; fail "meson setup failed; all of it in $log"; }
  fi
  ninja -C "$build" >"$log" 2>&1 || { tail -n 30 "$log" >&2; fail "the build failed; all of it in $log"; }
}

write_configuration() {
  cat >"$run/altimeter.yaml" <<EOF
# Made by deploy/quickstart.sh: two reflectors of the lab, everything on loopback.
state:
  directory: $run/state
speaker:
  asn: 64500
  router_id: 10.255.255.1
  api: unix:$run/gobgpd.sock
  neighbours:
    - name: rr1
      address: 127.0.1.1
      port: $bgp_port
    - name: rr2
      address: 127.0.1.2
      port: $bgp_port
bmp:
  listen: 127.0.0.1:$bmp_port
server:
  listen: [127.0.0.1:$alto_port]
  operator_listen: 127.0.0.1:$operator_port
EOF
  "$build/ctl/altimeter" check-config "$run/altimeter.yaml" >/dev/null
}

start_programs() {
  local lab_options=(--socket "$run/lab.sock" --listen "rr1=127.0.1.1:$bgp_port" --listen "rr2=127.0.1.2:$bgp_port")
  start altimeter-lab "$build/tests/lab/altimeter-lab" "${lab_options[@]}" "$scenario"
  start gobgpd gobgpd --api-hosts "unix://$run/gobgpd.sock" --pprof-disable --log-plain --log-level info
  start altimeter-collector "$build/collector/altimeter-collector" --config "$run/altimeter.yaml"
  start altimeter-mapgen "$build/mapgen/altimeter-mapgen" --config "$run/altimeter.yaml"
  start altimeter-server "$build/server/altimeter-server" --config "$run/altimeter.yaml"
}

# What the files say of the way so far, for the line of progress.
progress() {
  local state=$run/state/state.db
  [[ -s $state ]] || { echo "waiting for gobgpd and the sessions"; return; }
  sqlite3 -readonly "$state" "SELECT format('%d of %d sessions up, %d routes, %d half-links; waiting for the first map',
    (SELECT count(*) FROM peer WHERE state = 'up'), (SELECT count(*) FROM peer),
    (SELECT count(*) FROM route), (SELECT count(*) FROM ls_link))" 2>/dev/null || echo "waiting for state.db"
}

wait_for_map() {
  local line last="" code deadline=$((SECONDS + 60))
  while :; do
    code=$(curl -s -o /dev/null -w '%{http_code}' "$base/costmap/routingcost" || true)
    [[ $code == 200 ]] && return 0
    check_alive
    [[ $SECONDS -lt $deadline ]] || { "$build/ctl/altimeter" status --config "$run/altimeter.yaml" >&2 || true; fail "no map after 60 s (HTTP status $code); logs are in $run/log"; }
    line=$(progress)
    if [[ $line != "$last" ]]; then
      echo "  $line"
      last=$line
    fi
    sleep 0.1
  done
}

# A link whose metric is the cost between the PIDs of its two routers: "source destination metric".
find_link() {
  sqlite3 -readonly -separator ' ' "$run/state/snapshots/default/current" "
    SELECT s.name, d.name, l.metric
      FROM link l
      JOIN router s ON s.router_id = l.source_id
      JOIN router d ON d.router_id = l.destination_id
      JOIN cost c ON c.metric = 'routingcost' AND c.source = s.name AND c.destination = d.name
     WHERE c.cost = l.metric AND l.metric > 1
     ORDER BY l.metric DESC, s.name, d.name LIMIT 1"
}

# show LINE: prints a line that a reader can paste, and what it answers.
show() {
  echo "  \$ $1"
  bash -c "$1" 2>&1 | cut -c 1-150 | head -n 6 | sed 's/^/    /' || true
}

tell() {
  local source destination metric
  read -r source destination metric < <(find_link) || true
  echo
  echo "The map is served. In a browser or with curl:"
  echo "  $base/            the directory of all resources"
  echo "  $base/networkmap  which prefix is in which PID"
  echo "  $base/costmap/routingcost, /costmap/hopcount, /costmap/delay-ow"
  echo
  show "curl -s $base/ | head -c 300; echo"
  show "curl -s $base/networkmap | head -c 300; echo"
  show "curl -si --compressed -o /dev/null -D - $base/costmap/hopcount | grep -iE '^(http|etag|content-)'"
  echo
  echo "The same from the files, with nothing but sqlite3 (metric $metric from $source to $destination):"
  show "sqlite3 -readonly $run/state/snapshots/default/current \"SELECT cost FROM cost WHERE metric='delay-ow' AND source='$source' AND destination='$destination'\""
  show "sqlite3 -readonly $run/state/snapshots/default/current \"SELECT pid, count(*) AS prefixes FROM prefix GROUP BY pid ORDER BY prefixes DESC LIMIT 3\""
  show "sqlite3 -readonly $run/state/state.db \"SELECT name, state, router_id FROM peer\""
  echo
  echo "Look:   $build/ctl/altimeter status --config $run/altimeter.yaml"
  echo "Change: $build/tests/lab/altimeter-lab --control $run/lab.sock 'metric $source $destination $((metric - 1))'"
  echo "Logs:   $run/log/"
  echo "Stop:   deploy/quickstart.sh --stop$run_option"
}

# Changes one metric and waits until the cost map shows it under another tag. Prints how long that took.
change_once() {
  local source destination metric tag_before tag_after answer cost begin_us end_us deadline
  read -r source destination metric < <(find_link) || fail "no link found to change"
  curl -s "$base/costmap/routingcost" >"$run/before.json"
  tag_before=$(json "$run/before.json" '$.meta.vtag.tag')
  sleep 1.2 # the first map's settle time: a change within it would wait for its end, and that is not what is shown
  echo "changing the metric of $source to $destination from $metric to $((metric - 1))"
  begin_us=$(date +%s%6N)
  answer=$("$build/tests/lab/altimeter-lab" --control "$run/lab.sock" "metric $source $destination $((metric - 1))")
  [[ $answer == ok* ]] || fail "the lab answered: $answer"
  deadline=$((SECONDS + 20))
  while :; do
    # an ETag of the old map makes the answers in between empty, and its tag is what must change
    if [[ $(curl -s -o "$run/after.json" -w '%{http_code}' -H "If-None-Match: \"$tag_before\"" "$base/costmap/routingcost") == 200 ]]; then
      end_us=$(date +%s%6N)
      tag_after=$(json "$run/after.json" '$.meta.vtag.tag')
      [[ $tag_after == "$tag_before" ]] || break
    fi
    check_alive
    [[ $SECONDS -lt $deadline ]] || fail "the cost map did not change within 20 s; logs are in $run/log"
  done
  cost=$(json "$run/after.json" "\$.\"cost-map\".\"$source\".\"$destination\"")
  [[ $cost == "$((metric - 1))" ]] || fail "the new map says $cost for $source to $destination; $((metric - 1)) expected"
  echo "served after $(((end_us - begin_us) / 1000)) ms: routingcost $source to $destination is $cost, tag $tag_before is now $tag_after"
}

# json FILE PATH: one value of a JSON document, by SQLite.
json() {
  sqlite3 :memory: "SELECT json_extract(readfile('$1'), '$2')"
}

run_option=
[[ $run == "${TMPDIR:-/tmp}/altimeter-quickstart-$EUID" ]] || run_option=" --run-dir $run"

if [[ $mode == stop ]]; then
  [[ -d $run ]] || fail "nothing runs in $run"
  stop_all
  echo "stopped; databases and logs stay in $run"
  exit 0
fi

mkdir -p "$run/log" "$run/state"
chmod 700 "$run"
check_free
begin=$SECONDS
if $install; then
  echo "1/4 packages"
  "$top/deploy/packages.sh" build run
fi
echo "2/4 building in $build"
build_programs
echo "3/4 starting in $run"
rm -rf "$run/state" "$run"/*.sock
rm -f "$run"/log/altimeter-*.log "$run/log/gobgpd.log"
mkdir -p "$run/state"
write_configuration
# from here on a failure stops what was started; success of a plain start leaves it running
trap stop_all EXIT
trap 'exit 130' INT TERM
start_programs
echo "4/4 waiting for the first map"
wait_for_map
echo "first map after $((SECONDS - begin)) s: $(curl -s "$base/networkmap" | wc -c) bytes of network map"
if [[ $mode == once ]]; then
  change_once
  exit 0
fi
tell
trap - EXIT
