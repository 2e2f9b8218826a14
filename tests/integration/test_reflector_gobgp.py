#!/usr/bin/env python3
"""A second gobgpd in the route reflector's role: what GoBGP 3.10 makes of link state, and what the map says of it.

    tests/integration/test_reflector_gobgp.py BUILD-DIRECTORY

    lab's rr1 ──▶ gobgpd, a route reflector ("resender") ──▶ our gobgpd ──▶ collector ──▶ mapgen ──▶ server
    lab's rr2 ─────────────────────────────────────────────▶ our gobgpd (later)

GoBGP 3.10 makes each attribute anew from what it understood (docs/spec/bgp-ls.md section 14): delays, losses,
bandwidths (1114 to 1120) and the metric of prefixes (1155) are gone behind it, and it sends no End-of-RIB.
"""
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys

from chain import PROGRAMS, TOP, Chain, Failure, free_port, run, wait_until

SKIP = 77
GEANT = "tests/lab/scenarios/geant.yaml"
RESENDER = "127.0.2.1"

CONFIGURATION = """
[global.config]
  as = 64500
  router-id = "10.0.0.200"
  port = {port}
  local-address-list = ["{address}"]
"""

CLIENT = """
[[neighbors]]
  [neighbors.config]
    neighbor-address = "{address}"
    peer-as = 64500
  [neighbors.transport.config]
    passive-mode = true
    local-address = "{local}"
  [neighbors.route-reflector.config]
    route-reflector-client = true
    route-reflector-cluster-id = "10.0.0.200"
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ls"
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv4-unicast"
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv6-unicast"
"""


class Reflected(Chain):
    """A chain that hears the lab's rr1 through the resender."""

    def __init__(self, build):
        self.resender_port, self.api_port = free_port(), free_port()
        super().__init__(build, GEANT, extra="collector:\n  assume_end_of_rib: 3s\n")
        resender = CONFIGURATION.format(port=self.resender_port, address=RESENDER)
        for client in ("127.0.1.1", "127.0.0.1"):
            resender += CLIENT.format(address=client, local=RESENDER)
        (self.directory / "resender.toml").write_text(resender)
        text, found = re.subn(r'(name: rr1, )listen: "[^"]*"',
                              rf'\1connect: "{RESENDER}:{self.resender_port}", source: 127.0.1.1',
                              self.scenario.read_text())
        if found != 1:
            raise Failure(f"{self.scenario}: rr1 with 'listen' expected")
        self.scenario = self.directory / "scenario.yaml"
        self.scenario.write_text(text)

    def write_configuration(self):
        super().write_configuration()
        self.configure("resender")

    def configure(self, *names):
        """altimeter.yaml with these neighbours, in this order."""
        known = {"resender": (RESENDER, self.resender_port), "rr2": ("127.0.1.2", self.bgp_port)}
        neighbours = "".join(f"    - {{name: {name}, address: {known[name][0]}, port: {known[name][1]}}}\n"
                             for name in names)
        text, _ = re.subn(r"(?s)(  neighbours:\n).*?(^bmp:\n)", rf"\g<1>{neighbours}\g<2>",
                          self.config.read_text(), flags=re.M)
        self.config.write_text(text)

    def command(self, name):
        if name == "resender":
            return ["gobgpd", "-f", str(self.directory / "resender.toml"), "-p", "--pprof-disable", "--log-plain",
                    f"--api-hosts=127.0.0.1:{self.api_port}"]
        if name == "lab":
            return [str(self.build / "tests/lab/altimeter-lab"), "--socket", f"{self.directory}/lab.sock",
                    "--listen", f"rr2=127.0.1.2:{self.bgp_port}", str(self.scenario)]
        return super().command(name)

    def start_all(self):
        self.start("resender")
        super().start_all()


    def check_map(self, facts):
        """The current snapshot is what these facts give, by networkx and ipaddress."""
        path = self.directory / "expected.json"
        path.write_text(json.dumps(facts))
        oracle = subprocess.run([sys.executable, str(TOP / "tests/oracle/oracle_costs.py"), str(path),
                                 str((self.snapshots / "current").resolve())],
                                capture_output=True, text=True, check=False)
        if oracle.returncode != 0:
            raise Failure(oracle.stdout[-2000:] + oracle.stderr[-2000:])

    def facts(self):
        """What the lab says now."""
        self.lab(f"export {self.directory}/facts.json")
        return json.loads((self.directory / "facts.json").read_text())

    def status(self):
        """`altimeter status`."""
        return subprocess.run([str(self.build / PROGRAMS["ctl"]), "status", "--config", str(self.config)],
                              capture_output=True, text=True, check=False).stdout


def behind_the_resender(facts):
    """What is left of the facts: rr1's routes, no IGP prefix, no delay."""
    facts["routes"] = [route for route in facts["routes"] if route["reflector"] == "rr1"]
    facts["prefixes"] = []
    for link in facts["links"]:
        for direction in ("ab", "ba"):
            link[direction] = {name: value for name, value in link[direction].items() if "delay" not in name}
    return facts


def expect_words(chain, *words):
    """Each of them is in the snapshot's table, in `altimeter status` and in mapgen's log."""
    places = {"the snapshot": "\n".join(text for text, in chain.snapshot("SELECT text FROM warning")),
              "altimeter status": chain.status(), "mapgen's log": chain.log_of("mapgen")}
    for word in words:
        for place, text in places.items():
            if word not in text:
                raise Failure(f"{place} does not say {word!r}: {text[-3000:]}")


def l151_what_the_resender_drops_is_told(build):
    """Alone it costs delays and IGP prefixes; beside a good reflector nothing, also while that one is away."""
    with Reflected(build) as chain:
        chain.start_all()
        chain.wait_for_map()
        chain.check_map(behind_the_resender(chain.facts()))
        links = chain.state("SELECT count(*) FROM ls_link")[0][0]
        prefixes = chain.state("SELECT count(*) FROM ls_prefix")[0][0]
        assert {name for name, in chain.snapshot("SELECT name FROM metric")} == {"routingcost", "hopcount"}
        expect_words(
            chain, f"resender leaves the metric (TLV 1155) out of all its {prefixes} IGP prefixes: {prefixes} of them are attached nowhere",
            f"delay-ow is not in the map: none of {links} links has a delay (TLV 1114)")
        assert chain.state("SELECT DISTINCT end_of_rib FROM peer_family") == [("assumed",)], "an End-of-RIB came"

        chain.configure("resender", "rr2")
        for name in ("mapgen", "collector"):
            chain.processes[name].send_signal(signal.SIGHUP)
        wait_until("the other reflector's load", lambda: chain.state(
            "SELECT count(*) FROM peer_family WHERE end_of_rib = 'received'") == [(3,)], 40)
        wait_until("delays", lambda: chain.snapshot("SELECT 1 FROM metric WHERE name = 'delay-ow'"))
        chain.check_map(chain.facts())
        expect_words(
            chain, f"resender leaves the delay, loss and bandwidth (TLV 1114 to 1120) out of {links} of its {links} links",
            f"resender leaves the metric (TLV 1155) out of {prefixes} of its {prefixes} IGP prefixes")

        tags = chain.tag(), chain.tag("/costmap/delay-ow")
        chain.lab("session rr2 down")
        wait_until("rr2 to be stale", lambda: chain.state(
            "SELECT count(*) FROM peer_family WHERE stale = 1") == [(3,)])
        source, destination, metric = chain.snapshot(
            "SELECT s.name, d.name, l.metric FROM link l JOIN router s ON s.router_id = source_id"
            " JOIN router d ON d.router_id = destination_id ORDER BY l.metric DESC LIMIT 1")[0]
        assert (chain.tag(), chain.tag("/costmap/delay-ow")) == tags, "a lost session changed the map"
        chain.lab(f"metric {source} {destination} {metric + 1}")  # the resender's news go before what is stale
        wait_until("the new metric", lambda: chain.snapshot(
            f"SELECT 1 FROM link WHERE metric = {metric + 1} AND delay_us IS NOT NULL"))
        facts = chain.facts()
        chain.check_map(facts)


if __name__ == "__main__":
    if not shutil.which("gobgpd"):
        print("gobgpd is not installed: skipped")
        sys.exit(SKIP)
    sys.exit(run([l151_what_the_resender_drops_is_told], pathlib.Path(sys.argv[1])))
