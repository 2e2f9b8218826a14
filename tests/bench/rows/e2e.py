"""e2e.poll: from a BGP-LS UPDATE on the wire to a conditional GET that shows the change, GÉANT and full scale.

One link's metric changes again and again, spaced by twice map.settle. The clock starts when the lab has written the
UPDATEs, and stops when a kept-alive connection, asked every millisecond, answers with another tag. Beside the whole, the
medians of its stages: until a reader of state.db sees it, and until the snapshot is there.
"""
import http.client
import os
import shutil
import time

from feeds import LOAD_S, TOP, UNICAST, Commands, Failure, Line, Watch, quantile, written_s
from measure import Group, Skip

SETTLE_S = 1.0  # map.settle's default
COSTS = "/costmap/routingcost"
ALL = (*UNICAST, "link-state")


class Client:
    """A connection that stays open."""

    def __init__(self, line):
        self.connection = http.client.HTTPConnection("127.0.0.1", line.alto_port, timeout=60)

    def get(self, tag=None):
        """(when the answer's head was there, its status, its tag)."""
        self.connection.request("GET", COSTS, headers={"If-None-Match": tag} if tag else {})
        answer = self.connection.getresponse()
        when = time.monotonic()
        answer.read()
        return when, answer.status, answer.headers["ETag"]


class Stages:
    """One change after the other, each with the times since it was written."""

    def __init__(self, line):
        self.line = line
        self.watch = Watch(line)
        self.watch.open()
        self.commands = Commands(line)
        self.client = Client(line)
        self.link = line.a_link()
        self.changes = 0

    def close(self):
        self.watch.close()
        self.commands.close()

    def one(self):
        """Milliseconds: state.db, snapshot, served."""
        _, _, tag = self.client.get()
        current = os.readlink(self.line.snapshots / "current")
        self.watch.poll()
        sequence, committed, published = self.watch.seen[-1][1], None, None
        self.changes += 1
        self.commands.send(f"metric {self.link[0]} {self.link[1]} {1 + self.changes % 9}")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if committed is None and self.watch.poll() and self.is_committed(sequence):
                committed = time.monotonic()
            if published is None and os.readlink(self.line.snapshots / "current") != current:
                published = time.monotonic()
            when, status, _ = self.client.get(tag)
            if status == 200:
                written = written_s(self.commands.answers(wait=True)[-1])
                return [((seen or when) - written) * 1e3 for seen in (committed, published, when)]
            time.sleep(0.001)
        raise Failure("a changed metric was not served within 60 s")

    def is_committed(self, sequence):
        """Not by a heartbeat alone."""
        return self.watch.ask(f"SELECT count(*) FROM ls_link WHERE sequence > {sequence}") > 0


def poll(bench, name, scenario, neighbours, count):
    with Line(bench, scenario, [ALL] * neighbours) as line:
        line.start_all()
        line.wait("the first map", lambda: line.get(COSTS)[0] == 200, LOAD_S)
        line.wait("all feeds", lambda: line.state("SELECT count(*) FROM peer_family WHERE stale OR end_of_rib = 'no'")
                  == [(0,)], LOAD_S)
        stages = Stages(line)
        took = []
        stages.one()  # the first after a load waits for what the load has left to do
        for _ in range(count):
            time.sleep(2 * SETTLE_S)
            took.append(stages.one())
        stages.close()
    state, snapshot, served = zip(*took)
    bench.row(name, quantile(served, 0.5), "ms", p99=round(quantile(served, 0.99), 1), changes=count,
              state_db_ms=round(quantile(state, 0.5), 1), snapshot_ms=round(quantile(snapshot, 0.5), 1))


def need_gobgpd():
    if not shutil.which("gobgpd"):
        raise Skip("gobgpd is not installed")


def geant(bench):
    need_gobgpd()
    poll(bench, "e2e.poll.geant", TOP / "tests/lab/scenarios/geant.yaml", 2, 3 if bench.quick else 50)


def full(bench):
    need_gobgpd()
    if bench.quick:
        raise Skip("a generated table takes gobgpd too long for a quick run; see e2e.poll.geant")
    poll(bench, "e2e.poll.full", bench.input(reflectors=2).scenario, 2, 50)


ROWS = [Group(names=("e2e.poll.geant",), run=geant), Group(names=("e2e.poll.full",), run=full)]
