#!/usr/bin/env bash
# Debian 12 packages by purpose, and one way to install what is missing of them.
#
#   deploy/packages.sh build run        what the programs need to be built and to run
#   deploy/packages.sh build run test   and what the tests need
#   deploy/packages.sh … bench          and the peers that the benchmark measures against, none of them started
#
# Asks apt only for what dpkg does not know as installed, so a machine that has everything needs no network.
set -euo pipefail

declare -A packages=(
  [build]="gcc meson ninja-build pkg-config python3 libgrpc-dev libprotobuf-dev libprotobuf-c-dev
    protobuf-c-compiler protobuf-compiler libevent-dev libssl-dev libjansson-dev libsqlite3-dev libyaml-dev
    libyajl-dev libdeflate-dev libzstd-dev libsystemd-dev libsmartcols-dev scdoc"
  [run]="gobgpd sqlite3 curl"
  [test]="check libsubunit-dev openssl tshark bgpdump python3-networkx python3-jsonschema python3-protobuf
    golang-github-osrg-gobgp-dev git zstd gcovr frr iproute2"
  [bench]="nginx-light exabgp bgpdump python3-igraph python3-networkx python3-flask gunicorn"
  [analysis]="clang clang-format clang-tidy cppcheck shellcheck libclang-rt-14-dev"
)
# What a package would start on installing. Peers of the benchmark run from its own scripts only.
declare -A masked=([nginx-light]=nginx.service [exabgp]=exabgp.service)

missing=()
for purpose in "$@"; do
  [[ -v packages[$purpose] ]] || {
    echo "packages.sh: '$purpose' is no purpose; one or more of ${!packages[*]} expected" >&2
    exit 2
  }
  for package in ${packages[$purpose]}; do
    # shellcheck disable=SC2016  # ${Status} is dpkg's
    [[ $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) == *" installed" ]] || missing+=("$package")
  done
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

as_root=()
if [[ $EUID -ne 0 ]]; then
  command -v sudo >/dev/null || {
    echo "packages.sh: not root, and no sudo; install these as root: ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi
echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get -qq update
# A unit that is there already belongs to somebody: only those that come with the packages are masked.
for package in "${missing[@]}"; do
  unit=${masked[$package]:-}
  [[ -z $unit || -e /lib/systemd/system/$unit || -L /etc/systemd/system/$unit ]] && continue
  "${as_root[@]}" mkdir -p /etc/systemd/system
  "${as_root[@]}" ln -s /dev/null "/etc/systemd/system/$unit"
done
# sent to a log: apt's talk is of use only when it fails
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! "${as_root[@]}" apt-get -qq -y --no-install-recommends install "${missing[@]}" >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "packages.sh: apt-get could not install: ${missing[*]}" >&2
  exit 1
fi
# Debian starts gobgpd as a service of its own, on the BGP port and an open API port; ours is another one. FRR is
# for tests, which start its bgpd themselves: its zebra must not touch this machine's routes.
for package in gobgpd frr; do
  [[ " ${missing[*]} " == *" $package "* ]] || continue
  if [[ -d /run/systemd/system ]]; then
    "${as_root[@]}" systemctl disable --now "$package.service" >/dev/null 2>&1 || true
  elif [[ -x /etc/init.d/$package ]]; then
    "${as_root[@]}" "/etc/init.d/$package" stop >/dev/null 2>&1 || true
  fi
done
