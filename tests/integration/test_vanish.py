#!/usr/bin/python3
"""A reflector that vanishes in the middle of its table, through a real gobgpd: what state.db says of it.

    test_vanish.py BUILD

Nothing that was known may be lost, what is known is stale, and the next load's end takes exactly what was not said
again.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from chain import Chain, Failure, run, wait_until  # noqa: E402

ROUTES = 4000
GONE = 10
UPDATES = 1000  # of some 4,000, for each prefix has an origin of its own
SCENARIO = f"""
name: vanish
as: 64500
igp: isis-2
area: "49.0001"
loopbacks: {{ipv4: 10.0.0.0/29, ipv6: "2001:db8:0:ff::/64"}}
interfaces: {{ipv4: 10.0.1.0/24, ipv6: "2001:db8:0:fe::/64"}}
routers:
  - {{name: a}}
  - {{name: b}}
links:
  - {{a: a, b: b, metric: 10}}
reflectors:
  - {{name: rr1, listen: "127.0.1.1:11179", router_id: 10.0.0.101, families: [ipv4]}}
  - {{name: rr2, listen: "127.0.1.2:11179", router_id: 10.0.0.102, families: [ipv4]}}
routes:
  - {{routers: b, prefixes: 20.0.0.0/8 split 24 count {ROUTES}, as_path: [64511], origins: {ROUTES}}}
"""
FAMILIES = """      families: [ipv4-unicast]
"""


def expect(what, seen, wanted):
    if seen != wanted:
        raise Failure(f"{what}: {seen!r}; {wanted!r} expected")


def family(chain, name):
    """(state of the session, stale, end-of-RIB) of a neighbour."""
    return chain.state("SELECT state, stale, end_of_rib FROM peer JOIN peer_family USING (peer_id) "
                       f"WHERE name = '{name}'")


def routes(chain, name):
    return chain.state(f"SELECT count(*) FROM route JOIN peer USING (peer_id) WHERE name = '{name}'")


def loaded(chain):
    return all(family(chain, name) == [("up", 0, "received")] for name in ("rr1", "rr2"))


def begin_anew(chain):
    """New sessions at once: by itself gobgpd would wait half a minute after a loss."""
    chain.kill("gobgpd")
    wait_until("stale", lambda: chain.state("SELECT count(*) FROM peer_family WHERE stale") == [(2,)])
    chain.start("gobgpd")


def a_reflector_vanishes_in_mid_table(build, how):
    with Chain(build, "tests/lab/scenarios/triangle.yaml") as chain:
        chain.scenario = chain.directory / "vanish.yaml"
        chain.scenario.write_text(SCENARIO)
        text = chain.config.read_text()
        for i in (1, 2):
            text = text.replace(f"    - name: rr{i}\n", f"    - name: rr{i}\n{FAMILIES}")
        chain.config.write_text(text)
        for name in ("lab", "gobgpd", "collector"):
            chain.start(name)
        wait_until("both tables", lambda: loaded(chain), 60)
        expect("routes", (routes(chain, "rr1"), routes(chain, "rr2")), ([(ROUTES,)], [(ROUTES,)]))

        chain.lab(f"reflector rr1 vanish {how} after {UPDATES} updates")
        begin_anew(chain)
        wait_until("rr2 again", lambda: family(chain, "rr2") == [("up", 0, "received")], 60)
        wait_until("rr1 has come and gone", lambda: family(chain, "rr1") == [("down", 1, "no")], 60)
        expect("rr1's routes after the half of them", routes(chain, "rr1"), [(ROUTES,)])
        expect("tombstones", chain.state("SELECT count(*) FROM tombstone"), [(0,)])

        for i in range(GONE):
            chain.lab(f"prefix 20.0.{i}.0/24 withdraw")
        wait_until("rr2 withdraws", lambda: routes(chain, "rr2") == [(ROUTES - GONE,)])
        expect("rr1's routes while it is away", routes(chain, "rr1"), [(ROUTES,)])
        chain.lab("reflector rr1 vanish none")
        begin_anew(chain)
        wait_until("both tables again", lambda: loaded(chain), 60)
        expect("routes after the return", (routes(chain, "rr1"), routes(chain, "rr2")),
               ([(ROUTES - GONE,)], [(ROUTES - GONE,)]))
        expect("what went", chain.state("SELECT name, key FROM tombstone JOIN peer USING (peer_id) ORDER BY 1, 2"),
               [(name, f"20.0.{i}.0/24") for name in ("rr1", "rr2") for i in range(GONE)])


def l112_a_reflector_that_resets_in_mid_table_loses_nothing(build):
    a_reflector_vanishes_in_mid_table(build, "reset")


if __name__ == "__main__":
    sys.exit(run([l112_a_reflector_that_resets_in_mid_table_loses_nothing], sys.argv[1]))
