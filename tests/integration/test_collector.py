#!/usr/bin/python3
"""altimeter-collector with the lab and a real gobgpd: what state.db says through each thing that can go wrong.

    test_collector.py BUILD

Stories in the order of their worth: the load, gobgpd killed, the collector killed, unicast by the other door,
configurations that change and that are wrong, places that cannot be had.
"""
import os
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from chain import Chain, Failure, run, wait_until  # noqa: E402

SCENARIO = "tests/lab/scenarios/triangle.yaml"
FAMILIES = 3 * 2  # of two neighbours


def expect(what, seen, wanted):
    if seen != wanted:
        raise Failure(f"{what}: {seen!r}; {wanted!r} expected")


def loaded(chain):
    """Every family of both neighbours has shown its end-of-RIB and is not stale."""
    return chain.state("SELECT count(*) FROM peer_family WHERE NOT stale AND end_of_rib='received'"
                ) == [(FAMILIES,)]


def content(chain):
    """Everything that the network said, without when."""
    return (chain.state("SELECT peer_id, prefix, next_hop, as_path FROM route JOIN attributes USING (attributes_id)"
                        " ORDER BY 1, 2"),
            chain.state("SELECT peer_id, hex(nlri), igp_metric, delay_us FROM ls_link ORDER BY 1, 2"),
            chain.state("SELECT peer_id, hex(nlri), name FROM ls_node ORDER BY 1, 2"),
            chain.state("SELECT peer_id, hex(nlri), metric FROM ls_prefix ORDER BY 1, 2"))


def start_three(chain):
    for name in ("lab", "gobgpd", "collector"):
        chain.start(name)
    wait_until("both neighbours loaded", lambda: loaded(chain), 30)


def the_load_and_its_losses(build):
    """Load; gobgpd killed: stale, not gone; the collector killed: the same again."""
    with Chain(build, SCENARIO) as chain:
        start_three(chain)
        first = content(chain)
        expect("routes, links, nodes, prefixes of two neighbours", [len(part) for part in first],
               [4, 28, 10, 30])
        assert any(link[3] is not None for link in first[1]), "delays came (L-140)"
        assert all(prefix[2] is not None for prefix in first[3]), "prefix metrics came"

        chain.kill("gobgpd")
        wait_until("stale", lambda: chain.state("SELECT count(*) FROM peer_family WHERE stale") == [(FAMILIES,)])
        expect("peers", chain.state("SELECT DISTINCT state FROM peer"), [("down",)])
        expect("content while gobgpd is dead", content(chain), first)
        chain.start("gobgpd")
        wait_until("loaded again", lambda: loaded(chain), 30)
        expect("content after gobgpd's return", content(chain), first)

        chain.kill("collector")
        chain.lab("metric a c 77")
        chain.start("collector")
        wait_until("stale", lambda: chain.state("SELECT count(*) FROM peer_family WHERE stale") == [(FAMILIES,)])
        wait_until("loaded after our own end", lambda: loaded(chain), 30)
        again = content(chain)
        expect("rows after our own end", [len(part) for part in again], [4, 28, 10, 30])
        expect("links of the metric that changed", sum(link[2] == 77 for link in again[1]), 4)
        expect("prefixes (L-144: the dump has no metrics)", again[3], first[3])
        expect("delays", [link[3] for link in again[1]], [link[3] for link in first[1]])


def unicast_by_the_other_door(build):
    """unicast: grpc gives the same routes as bmp, and follows a withdrawal."""
    with Chain(build, SCENARIO) as by_bmp:
        start_three(by_bmp)
        routes = content(by_bmp)[0]
    with Chain(build, SCENARIO) as chain:
        text = chain.config.read_text()
        chain.config.write_text(text.replace("      address:", "      unicast: grpc\n      address:"))
        start_three(chain)
        expect("routes by gRPC", content(chain)[0], routes)
        expect("doors", chain.state("SELECT DISTINCT family, source FROM peer_family ORDER BY 1"),
               [("ipv4-unicast", "grpc"), ("ipv6-unicast", "grpc"), ("link-state", "bmp")])


def configurations(build):
    """SIGHUP: a bad file changes nothing and is explained; a good one is taken over."""
    with Chain(build, SCENARIO) as chain:
        start_three(chain)
        good = chain.config.read_text()
        before = content(chain)
        chain.config.write_text(good.replace("asn: 64500", "asn: many"))
        chain.processes["collector"].send_signal(signal.SIGHUP)
        wait_until("explained", lambda: "the old one stays in force" in chain.log_of("collector"))
        assert "many" in chain.log_of("collector"), "the value is named"
        time.sleep(1.5)
        expect("content after a bad file", content(chain), before)
        expect("sessions after a bad file", loaded(chain), True)

        name = good.index("    - name: rr2")
        end = good.index("bmp:")
        chain.config.write_text(good[:name] + good[end:])
        chain.processes["collector"].send_signal(signal.SIGHUP)
        wait_until("rr2 is gone", lambda: chain.state("SELECT name FROM peer") == [("rr1",)])
        wait_until("its routes are gone", lambda: len(content(chain)[0]) == 2)
        wait_until("gobgpd no longer has it", lambda: "removed: address=127.0.1.2" in chain.log_of("collector"))
        expect("rr1 did not notice", "session down: peer=rr1" in chain.log_of("collector"), False)
        chain.config.write_text(good)
        chain.processes["collector"].send_signal(signal.SIGHUP)
        wait_until("rr2 is back", lambda: loaded(chain), 30)
        expect("content", [len(part) for part in content(chain)], [len(part) for part in before])


def refuses_to_start(build):
    """What cannot be had is said, with status 1, and nothing is left running."""
    with Chain(build, SCENARIO) as chain:
        def attempt():
            return subprocess.run([*chain.command("collector")], capture_output=True, text=True, timeout=20)

        state = chain.directory / "state" / "state.db"
        state.write_bytes(b"this is no database, and it is somebody's " * 40)
        result = attempt()
        expect("status with a foreign file", result.returncode, 1)
        assert "state.db" in result.stderr, result.stderr
        assert state.read_bytes().startswith(b"this is no database"), "it was not touched"
        state.unlink()

        with socket.socket() as taken:
            taken.bind(("127.0.0.1", chain.bmp_port))
            taken.listen()
            result = attempt()
        expect("status with the port in use", result.returncode, 1)
        assert "cannot start: BMP station" in result.stderr and "in use" in result.stderr, result.stderr

        secret = chain.directory / "secret"
        secret.write_text("password\n")
        secret.chmod(0o644)
        good = chain.config.read_text()
        chain.config.write_text(good.replace("      port:", f"      password_file: {secret}\n      port:", 1))
        result = attempt()
        expect("status with an open secret", result.returncode, 1)
        assert str(secret) in result.stderr and "0600" in result.stderr, result.stderr
        chain.config.write_text(good)

        chain.start("collector")
        wait_until("running", lambda: "gobgpd is not reachable" in chain.log_of("collector"))
        result = attempt()
        expect("status of a second one", result.returncode, 1)
        assert "cannot start" in result.stderr, result.stderr
        time.sleep(2)
        expect("lines on an absent gobgpd", chain.log_of("collector").count("gobgpd is not reachable"), 1)
        expect("peers", chain.state("SELECT DISTINCT state FROM peer"), [("never",)])
        expect("why", ["No such file" in why for (why,) in chain.state("SELECT last_error FROM peer")],
               [True, True])


def l134_another_bmp_connection_sweeps_nothing(build):
    """Who else speaks of a neighbour of gobgpd by BMP is not heard; and an orderly stop is no lost session."""
    peer = struct.pack("!BB8x12x4sI4s8x", 0, 0, socket.inet_aton("127.0.1.1"), 64500, socket.inet_aton("10.0.0.1"))
    update = b"\xff" * 16 + struct.pack("!HBHB3sH", 27, 2, 4, 24, b"\xc6\x33\x64", 0)
    message = struct.pack("!BIB", 3, 6 + len(peer) + len(update), 0) + peer + update  # no Peer Up before (L-137)
    with Chain(build, SCENARIO) as chain:
        start_three(chain)
        before = content(chain)
        with socket.create_connection(("127.0.0.1", chain.bmp_port)) as stranger:
            stranger.sendall(message)
            wait_until("its word", lambda: "is not heard: peer=rr1" in chain.log_of("collector"))
            time.sleep(6.5)  # longer than the silence that ends a load (L-149)
            expect("content", content(chain), before)
        time.sleep(1)
        expect("families", loaded(chain), True)
        chain.stop("collector")
        expect("sessions in the log", "session down" in chain.log_of("collector"), False)


if __name__ == "__main__":
    sys.exit(run([the_load_and_its_losses, unicast_by_the_other_door, configurations, refuses_to_start,
              l134_another_bmp_connection_sweeps_nothing],
                 sys.argv[1]))
