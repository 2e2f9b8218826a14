#!/usr/bin/env python3
"""FRR's bgpd as route reflector for unicast, between the lab's two and our gobgpd.

    tests/integration/test_reflector_frr.py BUILD-DIRECTORY [TEST…]

    lab's rr1, rr2 ──IPv4, IPv6──▶ FRR ──IPv4, IPv6──▶ our gobgpd ──▶ collector ──▶ mapgen ──▶ server
    lab's rr3 ──────────────────────link state───────▶

FRR shows one path of a prefix, as RFC 4456 section 9 says which; of that one every attribute must come through.
"""
import contextlib
import ipaddress
import json
import pathlib
import re
import subprocess
import sys
import time

import frr
import namespace
from chain import TOP, Chain, Failure, run, wait_until

GEANT = "tests/lab/scenarios/geant.yaml"
LAB = {"rr1": "10.99.0.1", "rr2": "10.99.0.2", "rr3": "10.99.0.3"}
FRR, OURS = "10.99.0.9", "10.99.0.10"
LAB_PORT = 1179
ORIGINS = {"igp": 0, "egp": 1, "incomplete": 2}

SPEAKER = """speaker:
  asn: 64500
  router_id: {ours}
  listen_address: {ours}
  api: unix:{directory}/gobgpd.sock
  neighbours:
    - {{name: frr, address: {frr}, families: [ipv4-unicast, ipv6-unicast], passive: true, unicast: {door}}}
    - {{name: rr3, address: {rr3}, families: [link-state], passive: true}}
"""


class Reflected(Chain):
    """A chain whose unicast routes come through FRR. All sessions are made by the other side: gobgpd takes its time."""

    def __init__(self, build, door="bmp"):
        self.door = door
        super().__init__(build, GEANT, extra="collector:\n  assume_end_of_rib: 2s\n")
        text = self.scenario.read_text()
        for name in ("rr1", "rr2"):
            text, found = re.subn(rf'(name: {name}, )listen: "[^"]*"', rf'\1listen: "{LAB[name]}:{LAB_PORT}"', text)
            if found != 1:
                raise Failure(f"{self.scenario}: {name} with 'listen' expected")
        text = text.replace("reflectors:\n", f'reflectors:\n  - {{name: rr3, connect: "{OURS}:179", source: {LAB["rr3"]}, '
                            'router_id: 10.99.0.3, families: [ls]}\n', 1)
        self.scenario = self.directory / "scenario.yaml"
        self.scenario.write_text(text)
        self.set_bgpd()

    def write_configuration(self):
        super().write_configuration()
        speaker = SPEAKER.format(ours=OURS, frr=FRR, rr3=LAB["rr3"], directory=self.directory, door=self.door)
        text = re.sub(r"(?s)speaker:\n.*?(^bmp:\n)", lambda match: speaker + match[1], self.config.read_text(), flags=re.M)
        self.config.write_text(text)

    def command(self, name):
        if name == "frr":
            return frr.command(self.directory, FRR)
        if name == "lab":
            return [str(self.build / "tests/lab/altimeter-lab"), "--socket", f"{self.directory}/lab.sock", str(self.scenario)]
        return super().command(name)

    def start_all(self):
        super().start_all()
        self.start("frr")

    def set_bgpd(self, *more):
        """bgpd.conf, with more lines in the BGP instance."""
        (self.directory / "bgpd.conf").write_text(frr.configuration(
            "frr1", 64500, FRR, {LAB["rr1"]: LAB_PORT, LAB["rr2"]: LAB_PORT, OURS: 179}, more))

    def facts(self, without=None):
        """What the lab says now, without what FRR does not pass on, or cannot know."""
        self.lab(f"export {self.directory}/facts.json")
        facts = json.loads((self.directory / "facts.json").read_text())
        facts["routes"] = [route for route in facts["routes"] if route["reflector"] != without]
        facts["routes"] = chosen_by_frr(facts)
        return facts

    def expected(self, facts):
        """The rows of state.db that these facts give."""
        routers = {router["name"]: router for router in facts["routers"]}
        clusters = {reflector["name"]: reflector["cluster_id"] for reflector in facts["reflectors"]}
        return sorted((route["prefix"], 0, route["next_hop"], ORIGINS[route["origin"]],
                       " ".join(map(str, route["as_path"])), route["local_pref"], route.get("med"),
                       " ".join(route["communities"]) or None, routers[route["router"]]["ipv4"],
                       f"{FRR} {clusters[route['reflector']]}") for route in facts["routes"])

    def routes(self):
        """What state.db has from FRR."""
        return sorted(self.state(
            "SELECT prefix, path_id, next_hop, origin, as_path, local_pref, med, communities, originator_id, cluster_list"
            " FROM route JOIN attributes USING (attributes_id) JOIN peer USING (peer_id) WHERE name = 'frr'"))

    def heard(self):
        """BMP messages so far, of routes."""
        return int(self.state("SELECT coalesce(max(value), 0) FROM meter WHERE name = 'bmp.route-monitoring'")[0][0])

    def wait_for_routes(self, without=None, seconds=20.0):
        """Until state.db has exactly the facts' routes; without those of a reflector that FRR has lost."""
        expected = self.expected(self.facts(without))
        with contextlib.suppress(Failure):
            wait_until("the routes", lambda: self.routes() == expected, seconds)
        found = self.routes()
        if found != expected:
            raise Failure(f"{len(found)} routes, {len(expected)} expected; "
                          f"not expected: {sorted(set(found) - set(expected))[:3]}; "
                          f"missing: {sorted(set(expected) - set(found))[:3]}")

    def wait_for_the_facts_map(self, seconds=20.0):
        """Until the map is what networkx and ipaddress make of the facts."""
        path = self.directory / "expected.json"
        path.write_text(json.dumps(self.facts()))

        def fits():
            oracle = [sys.executable, str(TOP / "tests/oracle/oracle_costs.py"), str(path),
                      str((self.snapshots / "current").resolve())]
            with open(self.directory / "oracle.log", "w", encoding="utf-8") as log:
                return subprocess.run(oracle, stdout=log, check=False).returncode == 0
        wait_until("the facts' map (oracle.log)", fits, seconds)

    def wait_for_sessions(self, seconds=40.0):
        """Until every family is fresh and complete."""
        wait_until("all families fresh", lambda: self.state("SELECT count(*) FROM peer_family") == [(3,)] and self.state(
            "SELECT 1 FROM peer_family WHERE stale = 1 OR end_of_rib = 'no'") == [], seconds)


def chosen_by_frr(facts):
    """One path a prefix: LOCAL_PREF, AS path length, origin, MED of one neighbour AS, ORIGINATOR_ID, neighbour's address."""
    routers = {router["name"]: router for router in facts["routers"]}
    best = {}
    for route in facts["routes"]:
        best.setdefault(route["prefix"], []).append(route)
    for prefix, paths in best.items():
        for worth in (lambda r: -r["local_pref"], lambda r: len(r["as_path"]), lambda r: ORIGINS[r["origin"]]):
            paths = [path for path in paths if worth(path) == min(map(worth, paths))]
        meds = [path.get("med", 0) for path in paths]
        if len({tuple(path["as_path"][:1]) for path in paths}) == 1:
            paths = [path for path in paths if path.get("med", 0) == min(meds)]
        best[prefix] = min(paths, key=lambda r: (ipaddress.ip_address(routers[r["router"]]["ipv4"]),
                                                 ipaddress.ip_address(LAB[r["reflector"]])))
    return list(best.values())


def ready(build, **options):
    """A chain that has heard FRR out and shows the facts."""
    chain = Reflected(build, **options)
    chain.start_all()
    return chain


def every_attribute_comes_through(build):
    """By gRPC here, by BMP in the others: the routes are what the lab said, the map what networkx makes of it."""
    with ready(build, door="grpc") as chain:
        chain.wait_for_sessions()
        chain.wait_for_routes()
        chain.wait_for_the_facts_map()


def changes_come_through(build):
    """Withdrawals, new ones, another router; a reflector that FRR loses; a refresh changes nothing. Nor does FRR's own
    BMP, whose peers are nobody's configured neighbours: the collector says so."""
    with Reflected(build) as chain:
        chain.set_bgpd(*frr.bmp_target("ours", chain.bmp_port))
        chain.start_all()
        chain.wait_for_sessions()
        chain.wait_for_routes()
        tag = chain.tag()
        for command in ("prefix 198.18.0.0/24 withdraw", "prefix 2001:db8:9000::/44 withdraw"):
            chain.lab(command)
        chain.wait_for_routes()
        wait_until("a map without them", lambda: chain.snapshot(
            "SELECT 1 FROM prefix WHERE prefix IN ('198.18.0.0/24', '2001:db8:9000::/44')") == [])
        for command in ("prefix 198.18.0.0/24 announce", "prefix 2001:db8:9000::/44 announce"):
            chain.lab(command)
        chain.wait_for_routes()
        wait_until("the former tag", lambda: chain.tag() == tag)
        chain.lab("prefix 100.64.0.0/22 move lon-uk-cr1")
        chain.wait_for_routes()
        wait_until("the prefix at its new router", lambda: chain.snapshot(
            "SELECT router.name FROM prefix JOIN pid ON pid.name = prefix.pid JOIN attachment USING (pid_id)"
            " JOIN router USING (router_id) WHERE prefix = '100.64.0.0/22'") == [("lon-uk-cr1",)])

        chain.lab("session rr1 down")
        chain.wait_for_routes(without="rr1")
        chain.lab("session rr1 up")
        chain.wait_for_routes()

        newest = "SELECT max(sequence) FROM route"
        before, heard = chain.state(newest), chain.heard()
        frr.show(chain.directory, f"clear bgp ipv4 unicast {OURS} soft out")
        wait_until("the refreshed table by BMP", lambda: chain.heard() >= heard + 100)
        time.sleep(0.5)  # for what of it might be written
        assert chain.state(newest) == before, "a refresh changed routes"
        wait_until("a word of what is not used", lambda: re.search(
            r"warning: peers that BMP tells of are not used: count=\d router=127.0.0.1 port=\d+ name=frr1 "
            r'peer=10.99.0.\d+ asn=64500 reason="no configured neighbour has this address"', chain.log_of("collector")))


def kill_frr(chain):
    """Until the collector knows."""
    chain.kill("frr")
    wait_until("stale families", lambda: chain.state("SELECT count(*) FROM peer_family WHERE stale = 1") == [(2,)])


def lose_and_find_again(chain):
    """FRR dies and comes back: stale meanwhile, then what it has by then, and the map never moves without need."""
    tags = chain.tag(), chain.tag("/costmap/routingcost")
    count = chain.state("SELECT count(*) FROM route")
    kill_frr(chain)
    chain.lab("prefix 198.18.1.0/24 withdraw")
    time.sleep(1.5)  # longer than the settle time
    assert chain.state("SELECT count(*) FROM route") == count, "a lost session deleted routes"
    assert (chain.tag(), chain.tag("/costmap/routingcost")) == tags, "a lost session changed the map"
    chain.start("frr")
    chain.wait_for_sessions()
    chain.wait_for_routes()
    chain.lab("prefix 198.18.1.0/24 announce")
    chain.wait_for_routes()
    wait_until("the former map", lambda: (chain.tag(), chain.tag("/costmap/routingcost")) == tags)


def d005_a_lost_reflector_keeps_the_map(build):
    """Killed; killed with graceful restart offered; and a session that FRR closes."""
    with ready(build) as chain:
        chain.wait_for_sessions()
        chain.wait_for_routes()
        lose_and_find_again(chain)
        chain.set_bgpd("bgp graceful-restart", "bgp graceful-restart preserve-fw-state")
        kill_frr(chain)
        chain.start("frr")
        chain.wait_for_sessions()
        chain.wait_for_routes()
        lose_and_find_again(chain)
        since = chain.state("SELECT since_us FROM peer WHERE name = 'frr'")
        frr.show(chain.directory, f"clear bgp {OURS}")
        wait_until("a session of its own", lambda: chain.state(
            "SELECT since_us FROM peer WHERE name = 'frr' AND state = 'up'") not in ([], since))
        chain.wait_for_sessions()
        chain.wait_for_routes()


TESTS = [
    every_attribute_comes_through,
    changes_come_through,
    d005_a_lost_reflector_keeps_the_map,
]

if __name__ == "__main__":
    reason = frr.missing()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(namespace.SKIP)
    namespace.enter(*(f"{address}/32" for address in (*LAB.values(), FRR, OURS)))
    chosen = [test for test in TESTS if len(sys.argv) < 3 or test.__name__ in sys.argv[2:]]
    sys.exit(run(chosen, pathlib.Path(sys.argv[1])))
