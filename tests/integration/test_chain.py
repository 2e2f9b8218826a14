#!/usr/bin/env python3
"""The whole line with a real gobgpd: what reaches the map, and what must not reach it when parts fail.

    tests/integration/test_chain.py BUILD-DIRECTORY
"""
import contextlib
import pathlib
import subprocess
import sys
import time

from chain import TOP, Chain, Failure, run, wait_until

sys.path.insert(0, str(TOP / "tests" / "oracle"))
import alto_schema  # noqa: E402

TRIANGLE = "tests/lab/scenarios/triangle.yaml"
GEANT = "tests/lab/scenarios/geant.yaml"

# A request for each kind of resource that wants one.
ASKED = {
    "application/alto-endpointpropparams+json":
        b'{"properties": ["default.pid"], "endpoints": ["ipv4:10.1.0.1", "ipv6:2001:db8::1"]}',
}


def direct_link(chain):
    """(source, destination, metric) of a link whose metric is the cost between its routers' PIDs."""
    rows = chain.snapshot(
        "SELECT s.name, d.name, l.metric FROM link l"
        " JOIN router s ON s.router_id = l.source_id JOIN router d ON d.router_id = l.destination_id"
        " JOIN cost c ON c.metric = 'routingcost' AND c.source = s.name AND c.destination = d.name"
        " WHERE c.cost = l.metric AND l.metric > 2 ORDER BY l.metric DESC, s.name, d.name LIMIT 1")
    if not rows:
        raise Failure("no link whose metric is the cost between its ends")
    return rows[0]


def wait_for_cost(chain, source, destination, expected, seconds=20.0):
    """Until the served cost of the pair is as expected."""
    wait_until(f"routingcost {source} to {destination} of {expected}",
               lambda: chain.cost(source, destination) == expected, seconds)


def change_metric(chain):
    """Lowers one metric in the lab and waits until the map shows it; what "the line works" means."""
    source, destination, metric = direct_link(chain)
    tag = chain.tag("/costmap/routingcost")
    chain.lab(f"metric {source} {destination} {metric - 1}")
    wait_for_cost(chain, source, destination, metric - 1)
    assert chain.tag("/costmap/routingcost") != tag, "the costs changed and the tag did not"


def ready(build, scenario=TRIANGLE, **options):
    """A chain that serves its first map."""
    chain = Chain(build, scenario, **options)
    chain.start_all()
    return chain


def costs_equal_the_oracles(build):
    """Every number of the demo backbone's maps, by networkx and ipaddress from the scenario's facts."""
    for scenario in (TRIANGLE, GEANT):
        with ready(build, scenario) as chain:
            chain.wait_for_map()
            facts = chain.directory / "facts.json"
            with open(facts, "wb") as out:
                subprocess.run([str(chain.build / "tests/lab/altimeter-lab"), "--export-json",
                                str(TOP / scenario)], stdout=out, check=True)
            oracle = subprocess.run(
                [sys.executable, str(TOP / "tests/oracle/oracle_costs.py"), str(facts),
                 str((chain.snapshots / "current").resolve())],
                capture_output=True, text=True, check=False)
            if oracle.returncode != 0:
                raise Failure(f"{scenario}: {oracle.stdout[-2000:]}{oracle.stderr[-2000:]}")


def every_resource_of_the_directory_is_valid(build):
    """What the demo backbone's directory lists answers with its media type and fits its JSON Schema."""
    with ready(build, GEANT) as chain:
        chain.wait_for_map()
        _, headers, body = chain.get("/")
        directory = alto_schema.load(body)
        alto_schema.check(headers["Content-Type"], directory)
        assert len(directory["resources"]) >= 4, f"only {list(directory['resources'])}"
        for name, entry in directory["resources"].items():
            status, headers, body = chain.get(entry["uri"], {"Content-Type": entry["accepts"]},
                                              ASKED[entry["accepts"]]) \
                if "accepts" in entry else chain.get(entry["uri"])
            assert (status, headers["Content-Type"]) == (200, entry["media-type"]), f"{name}: {status}"
            alto_schema.check(entry["media-type"], alto_schema.load(body))


def a_metric_change_is_served_under_a_new_tag(build):
    """The change arrives, the network map's tag stays: no prefix moved."""
    with ready(build, GEANT) as chain:
        chain.wait_for_map()
        map_tag = chain.tag()
        change_metric(chain)
        assert chain.tag() == map_tag, "a metric changed the network map's tag"


def a_link_goes_down_and_comes_back(build):
    """Costs leave the direct link, and the tag returns with it (A-050)."""
    with ready(build) as chain:
        chain.wait_for_map()
        source, destination, metric = direct_link(chain)
        tag = chain.tag("/costmap/routingcost")
        chain.lab(f"link {source} {destination} down")
        wait_until("another cost than the direct link's",
                   lambda: chain.cost(source, destination) != metric)
        chain.lab(f"link {source} {destination} up")
        wait_until("the former tag", lambda: chain.tag("/costmap/routingcost") == tag)


def d005_lost_sessions_keep_the_map(build):
    """Both reflectors flap: stale in state.db, the same tags throughout, fresh again after the return."""
    with ready(build) as chain:
        chain.wait_for_map()
        tags = chain.tag(), chain.tag("/costmap/routingcost")
        routes = chain.state("SELECT count(*) FROM route")[0]
        for reflector in ("rr1", "rr2"):
            chain.lab(f"session {reflector} down")
        wait_until("stale families of both peers", lambda: chain.state(
            "SELECT 1 FROM peer_family WHERE stale = 0") == [] and chain.state(
            "SELECT count(*) FROM peer WHERE state = 'down'") == [(2,)])
        time.sleep(2.5)  # longer than the settle time: a map made from nothing would be out by now
        assert (chain.tag(), chain.tag("/costmap/routingcost")) == tags, "a lost session changed the map"
        assert chain.state("SELECT count(*) FROM route")[0] == routes, "a lost session deleted routes"
        for reflector in ("rr1", "rr2"):
            chain.lab(f"session {reflector} up")
        wait_until("both peers fresh", lambda: chain.state(
            "SELECT 1 FROM peer_family WHERE stale = 1 OR end_of_rib = 'no'") == [], 60)
        assert (chain.tag(), chain.tag("/costmap/routingcost")) == tags, "the return changed the map"
        change_metric(chain)


def gobgpd_may_be_absent_killed_and_restarted(build):
    """The collector says what is missing, waits, and brings each new gobgpd to the configured state."""
    with Chain(build, TRIANGLE) as chain:
        for name in ("lab", "collector", "mapgen", "server"):
            chain.start(name)
        wait_until("a log line that names the socket",
                   lambda: "gobgpd.sock" in chain.log_of("collector"))
        assert chain.get("/")[0] == 503, "a server without a map must answer 503"
        chain.start("gobgpd")
        chain.wait_for_map()
        tag = chain.tag("/costmap/routingcost")
        chain.kill("gobgpd")
        wait_until("stale families", lambda: chain.state(
            "SELECT 1 FROM peer_family WHERE stale = 0") == [])
        assert chain.tag("/costmap/routingcost") == tag, "gobgpd's death changed the map"
        chain.start("gobgpd")
        wait_until("both peers fresh", lambda: chain.state(
            "SELECT 1 FROM peer_family WHERE stale = 1 OR end_of_rib = 'no'") == [], 60)
        assert chain.tag("/costmap/routingcost") == tag, "gobgpd's return changed the map"
        change_metric(chain)


def each_program_may_be_killed(build):
    """SIGKILL to collector, mapgen and server in turn: the map stands, and the line goes on."""
    with ready(build) as chain:
        chain.wait_for_map()
        tag = chain.tag()
        for name in ("collector", "mapgen", "server"):
            chain.kill(name)
            if name != "server":
                assert chain.tag() == tag, f"the death of {name} changed the map"
            chain.start(name)
            chain.wait_for_map()
            assert chain.tag() == tag, f"the return of {name} changed the map"
            change_metric(chain)


def a_reflector_that_never_comes_up_does_not_block(build):
    """Two of three neighbours are there: the first map comes after start.wait, and the missing one is named."""
    with ready(build, neighbours=3, extra="map:\n  start_wait: 3s\n") as chain:
        chain.wait_for_map()
        told = chain.log_of("mapgen")
        assert "rr3" in told, f"mapgen does not name the missing rr3: {told[-500:]}"
        status = subprocess.run(
            [str(chain.build / "ctl/altimeter"), "status", "--config", str(chain.config)],
            capture_output=True, text=True, check=False)
        assert status.returncode == 1 and "rr3" in status.stdout, status.stdout + status.stderr
        change_metric(chain)
        reason = f"no session for 30 s with 127.0.1.3 port {chain.bgp_port}, AS 64500"
        wait_until("the collector's word of rr3", lambda: reason in chain.log_of("collector"), 45)
        wait_until("the reason in state.db", lambda: reason in str(chain.state(
            "SELECT last_error FROM peer WHERE name = 'rr3'")))
        assert chain.log_of("collector").count(reason) == 1, "the reason is told again and again"


def a_full_disk_keeps_the_published_map(build):
    """The snapshots' file system fills up: mapgen says so, the old map is served, and the next one comes later."""
    with Chain(build, TRIANGLE) as chain:
        chain.snapshots.parent.mkdir(parents=True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none",
                                  str(chain.snapshots.parent)], capture_output=True, check=False)
        if mounted.returncode != 0:
            print("skipped: a_full_disk_keeps_the_published_map: cannot mount a tmpfs here")
            return
        try:
            chain.start_all()
            chain.wait_for_map()
            filler = chain.snapshots.parent / "filler"
            with open(filler, "wb", buffering=0) as out, contextlib.suppress(OSError):
                while True:
                    out.write(b"x" * 4096)
            source, destination, metric = direct_link(chain)
            chain.lab(f"metric {source} {destination} {metric - 1}")
            wait_until("mapgen's word of the full disk", lambda: "full" in chain.log_of("mapgen")
                       or "No space left" in chain.log_of("mapgen"))
            assert chain.cost(source, destination) == metric, "the old map is not served any more"
            filler.unlink()
            wait_for_cost(chain, source, destination, metric - 1, 60)
        finally:
            for name in ("server", "mapgen"):
                chain.stop(name)
            subprocess.run(["umount", str(chain.snapshots.parent)], check=False)


def a_foreign_state_db_is_left_alone(build):
    """Neither the collector nor mapgen touches a state.db that is none, and both say what they met."""
    with Chain(build, TRIANGLE) as chain:
        path = chain.directory / "state" / "state.db"
        foreign = b"this is a note of mine, not a database\n" * 100
        path.write_bytes(foreign)
        collector = subprocess.run(chain.command("collector"), capture_output=True, text=True,
                                   timeout=20, check=False)
        assert collector.returncode not in (0, -11) and "state.db" in collector.stderr, collector.stderr
        chain.start("mapgen")
        wait_until("mapgen's word of the foreign file",
                   lambda: "state.db" in chain.log_of("mapgen"))
        chain.check_alive()
        assert path.read_bytes() == foreign, "a foreign file was written to"


TESTS = [
    costs_equal_the_oracles,
    every_resource_of_the_directory_is_valid,
    a_metric_change_is_served_under_a_new_tag,
    a_link_goes_down_and_comes_back,
    d005_lost_sessions_keep_the_map,
    gobgpd_may_be_absent_killed_and_restarted,
    each_program_may_be_killed,
    a_reflector_that_never_comes_up_does_not_block,
    a_full_disk_keeps_the_published_map,
    a_foreign_state_db_is_left_alone,
]

if __name__ == "__main__":
    chosen = [test for test in TESTS if len(sys.argv) < 3 or test.__name__ in sys.argv[2:]]
    sys.exit(run(chosen, pathlib.Path(sys.argv[1])))
