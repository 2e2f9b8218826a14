#!/usr/bin/python3
"""e2e.poll: from a BGP-LS UPDATE on the wire to a conditional GET that shows the change (docs/benchmarks.md).

    tests/bench/e2e_poll.py BUILD-DIRECTORY [CHANGES]

Plays GÉANT through a real gobgpd, changes one link's metric again and again, spaced by twice the settle time, and polls
the cost map on one kept-alive connection. The clock starts when the lab has written the UPDATE to its sockets.
Prints one JSON line; progress on stderr.
"""
import http.client
import json
import pathlib
import re
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from chain import Chain, Failure  # noqa: E402

GEANT = "tests/lab/scenarios/geant.yaml"
SETTLE_S = 1.0


def one_change(chain, client, command):
    """Milliseconds from the lab's word to the answer under another tag."""
    client.request("GET", "/costmap/routingcost")
    answer = client.getresponse()
    answer.read()
    tag = answer.headers["ETag"]
    written_us = int(re.search(r"monotonic_us=(\d+)", chain.lab(command)).group(1))
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        client.request("GET", "/costmap/routingcost", headers={"If-None-Match": tag})
        answer = client.getresponse()
        answer.read()
        if answer.status == 200:
            return time.monotonic() * 1e3 - written_us / 1e3
    raise Failure(f"{command}: not served within 10 s")


def main(build, changes):
    with Chain(build, GEANT) as chain:
        chain.start_all()
        chain.wait_for_map()
        client = http.client.HTTPConnection("127.0.0.1", chain.alto_port, timeout=10)
        took_ms = []
        for i in range(changes):
            time.sleep(2 * SETTLE_S)
            took_ms.append(one_change(chain, client, f"metric fra-de-cr1 vie-at-cr1 {1 + i % 9}"))
            print(f"{i + 1}/{changes}: {took_ms[-1]:.1f} ms", file=sys.stderr)
        took_ms.sort()
        print(json.dumps({
            "name": "e2e.poll", "value": round(statistics.median(took_ms), 1), "unit": "ms",
            "p99": round(took_ms[-1 - len(took_ms) // 100], 1), "changes": changes, "routers": 40}))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 50)
