#!/usr/bin/env python3
"""FRR's bgpd as a BMP router: what our decoder makes of its stream is what the lab said.

    tests/integration/test_bmp_frr.py ALTIMETER-LAB HEAR-BMP SCENARIO [RECORDING]

The lab's rr1 and rr2 are FRR's neighbours, IPv4 and IPv6. FRR keeps an Adj-RIB-In of rr1 only, so that of rr2 it says
nothing true before policy (docs/spec/bgp-ls.md L-136). With RECORDING the octets of the station that came late are
written there, as in tests/data/bmp.
"""
import contextlib
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading

import frr
import namespace
from chain import Failure, run, wait_until

LAB = {"rr1": "10.99.0.1", "rr2": "10.99.0.2"}
FRR = "10.99.0.9"
PORTS = {"early": 11019, "late": 11020, "pre": 11021}
LAB_PORT = 1179
ORIGINS = {"igp": 0, "egp": 1, "incomplete": 2}


class Station:
    """Takes one connection after another at a port, and keeps the octets of the last."""

    def __init__(self, port):
        self.server = socket.create_server(("127.0.0.1", port))
        self.octets, self.connections = b"", 0
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            stream, _ = self.server.accept()
            self.octets, self.connections = b"", self.connections + 1
            with stream, contextlib.suppress(OSError):
                while part := stream.recv(65536):
                    self.octets += part


class Heard:
    """What hear_bmp says of a stream: events in order, and each peer's routes as they stand at its end."""

    def __init__(self, program, octets):
        done = subprocess.run([program], input=octets, capture_output=True, check=False)
        self.lines = done.stdout.decode().splitlines()
        self.peers, self.routes, self.ends, self.downs = {}, {}, {}, []
        self.counts = {}
        for line in self.lines:
            number, _, rest = line.partition(" ")
            if number == "counts":
                self.counts = {key: int(value) for key, value in re.findall(r"(\S+)=(\d+)", rest)}
            elif number == "fault" or "fault" in rest.split(" ")[:1] or done.returncode:
                raise Failure(f"a fault: {line} {done.stderr}")
            elif rest.startswith("peer up"):
                address = re.search(r"address=(\S+)", rest)[1]
                self.peers[number] = address
                self.routes[address], self.ends[address] = {}, set()
            elif rest.startswith("peer down kind=session"):
                self.downs.append((self.peers[number], rest.partition("reason=")[2]))
                self.routes[self.peers[number]] = {}
            elif rest.startswith(("route ", "gone ")):
                kind, prefix, *more = rest.split(" ", 2)
                table = self.routes[self.peers[number]]
                if kind == "route":
                    table[prefix] = more[0]
                else:
                    table.pop(prefix, None)
            elif rest.startswith("end-of-rib"):
                self.ends[self.peers[number]].add(rest)


class Bench:
    """Lab, FRR and stations in one directory."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.lab_program, self.hear_program, scenario = sys.argv[1:4]
        text = pathlib.Path(scenario).read_text()
        for name, address in LAB.items():
            text, found = re.subn(rf'(name: {name}, )listen: "[^"]*"', rf'\1listen: "{address}:{LAB_PORT}"', text)
            if found != 1:
                raise Failure(f"{scenario}: {name} with 'listen' expected")
        (self.folder / "scenario.yaml").write_text(text)
        self.stations = {"early": Station(PORTS["early"]), "pre": Station(PORTS["pre"])}
        (self.folder / "bgpd.conf").write_text(frr.configuration(
            "frr1", 64500, FRR, {address: LAB_PORT for address in LAB.values()}, keeps=(LAB["rr1"],),
            more=[*frr.bmp_target("early", PORTS["early"]), *frr.bmp_target("late", PORTS["late"]),
                  *frr.bmp_target("pre", PORTS["pre"], ["pre-policy"])]))
        self.processes = {}

    def start(self, name, command):
        with open(self.folder / f"{name}.log", "wb") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log)

    def start_all(self):
        self.start("lab", [self.lab_program, "--socket", str(self.folder / "lab.sock"), str(self.folder / "scenario.yaml")])
        self.start("frr", frr.command(self.folder, FRR))

    def stop(self):
        for process in self.processes.values():
            process.kill()
            process.wait()

    def restart_frr(self):
        process = self.processes.pop("frr")
        process.terminate()
        process.wait()
        self.start("frr", frr.command(self.folder, FRR))

    def lab(self, command):
        done = subprocess.run([self.lab_program, "--control", str(self.folder / "lab.sock"), command],
                              capture_output=True, text=True, timeout=20, check=False)
        if not done.stdout.startswith("ok"):
            raise Failure(f"lab: {command}: {done.stdout}{done.stderr}")

    def hear(self, station):
        return Heard(self.hear_program, self.stations[station].octets)

    def expected(self):
        """{neighbour: {prefix: the words of hear_bmp}}, from the lab's facts. What FRR sends is what it would pass on: its
        own cluster identifier stands in front."""
        self.lab(f"export {self.folder}/facts.json")
        facts = json.loads((self.folder / "facts.json").read_text())
        routers = {router["name"]: router for router in facts["routers"]}
        clusters = {reflector["name"]: reflector["cluster_id"] for reflector in facts["reflectors"]}
        tables = {address: {} for address in LAB.values()}
        for route in facts["routes"]:
            words = f'next-hop={route["next_hop"]} origin={ORIGINS[route["origin"]]}'
            words += f' as-path="{" ".join(map(str, route["as_path"]))}" local-pref={route["local_pref"]}'
            if "med" in route:
                words += f' med={route["med"]}'
            if route["communities"]:
                words += f' communities="{" ".join(route["communities"])}"'
            words += f' originator="{routers[route["router"]]["ipv4"]}" clusters="{FRR} {clusters[route["reflector"]]}"'
            tables[LAB[route["reflector"]]][route["prefix"]] = words
        return tables

    def wait_for_tables(self, station, neighbours=tuple(LAB.values())):
        """Until the station has heard the facts of these neighbours, and nothing of others."""
        expected = self.expected()
        for address in expected:
            if address not in neighbours:
                expected[address] = {}
        with contextlib.suppress(Failure):
            wait_until("the tables", lambda: self.hear(station).routes == expected, 15)
        found = self.hear(station).routes
        for address, table in expected.items():
            wrong = set(table.items()) ^ set(found.get(address, {}).items())
            if wrong:
                raise Failure(f"{station}: {address}: {len(found.get(address, {}))} routes, {len(table)} expected; "
                              f"{sorted(wrong)[:4]}")


def every_view_gives_the_facts(bench):
    """A station that is there before the sessions; pre-policy goes first where there is one."""
    bench.wait_for_tables("early")
    heard = bench.hear("early")
    if heard.lines[0] != "router up name=frr1 description=FRRouting 8.4.4":
        print(f"note: {heard.lines[0]}")
    wait_until("statistics", lambda: bench.hear("early").counts["statistics"] >= 4)


def l136_what_frr_does_not_keep_it_does_not_say(bench):
    """Pre-policy alone: of rr2 there are withdrawals only."""
    bench.wait_for_tables("pre", (LAB["rr1"],))


def a_station_that_comes_late_gets_all(bench):
    """The dump, with an end in each family of each peer."""
    bench.stations["late"] = Station(PORTS["late"])
    bench.wait_for_tables("late")
    both = {"end-of-rib family=0", "end-of-rib family=1"}
    wait_until("the ends", lambda: bench.hear("late").ends == {address: both for address in LAB.values()})


def changes_come_through(bench):
    """Withdrawn, announced, moved: early and late alike."""
    facts = json.loads((bench.folder / "facts.json").read_text())
    prefix, router = facts["routes"][0]["prefix"], facts["routers"][-1]["name"]
    for command in (f"prefix {prefix} withdraw", f"prefix {prefix} announce", f"prefix {prefix} move {router}"):
        bench.lab(command)
        for station in ("early", "late"):
            bench.wait_for_tables(station)


def l134_sessions_end_and_return(bench):
    """A NOTIFICATION of the neighbour, a connection that is cut, and both tables again."""
    bench.lab("session rr1 reset")
    wait_until("rr1's end", lambda: (LAB["rr1"], "remote NOTIFICATION 6/4") in bench.hear("early").downs)
    bench.lab("session rr2 drop")
    wait_until("rr2's end", lambda: any(address == LAB["rr2"] for address, _ in bench.hear("early").downs))
    for station in ("early", "late"):
        bench.wait_for_tables(station)


def the_router_restarts(bench):
    """A new connection tells everything anew."""
    bench.restart_frr()
    for station in bench.stations.values():
        wait_until("the new connection", lambda one=station: one.connections > 1)
    for station in ("early", "late"):
        bench.wait_for_tables(station)


def record(bench, path):
    """The late station's stream, a message each, as in tests/data/bmp."""
    octets, messages = bench.stations["late"].octets, []
    while len(octets) >= 6:
        length = int.from_bytes(octets[1:5], "big")
        if octets[5] != 1:  # statistics say the same twice a second
            messages.append(octets[:length].hex())
        octets = octets[length:]
    with open(path, "w", encoding="utf-8") as out:
        json.dump({"source": "FRRouting 8.4.4 (Debian 12) between the lab's two reflectors: tests/integration/test_bmp_frr.py",
                   "vendor": "FRRouting", "note": "pre- and post-policy; of 10.99.0.2 no Adj-RIB-In is kept",
                   "bytes": sum(len(message) // 2 for message in messages), "rest": "", "messages_hex": messages},
                  out, indent=0)


TESTS = [
    every_view_gives_the_facts,
    l136_what_frr_does_not_keep_it_does_not_say,
    a_station_that_comes_late_gets_all,
    changes_come_through,
    l134_sessions_end_and_return,
    the_router_restarts,
]


def main():
    with tempfile.TemporaryDirectory(prefix="bmp-frr-") as folder:
        bench = Bench(folder)
        try:
            bench.start_all()
            wait_until("the lab", (bench.folder / "lab.sock").exists)
            tests = TESTS[:-1] if len(sys.argv) > 4 else TESTS
            status = run(tests, bench)
            if len(sys.argv) > 4:
                record(bench, sys.argv[4])
            if status:
                for name in ("frr", "lab"):
                    print(f"---- {name}.log\n{(bench.folder / f'{name}.log').read_text(errors='replace')[-1500:]}")
        finally:
            bench.stop()
    return status


if __name__ == "__main__":
    reason = frr.missing()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(namespace.SKIP)
    namespace.enter(*(f"{address}/32" for address in (*LAB.values(), FRR)))
    sys.exit(main())
