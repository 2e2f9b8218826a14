"""Lab, gobgpd and what listens to it, for the rows of the collector: lines of programs that are started, filled and timed.

All times are seconds of CLOCK_MONOTONIC. A load begins when the lab's session with gobgpd is established, which the lab
says in its log: how long gobgpd takes to call is no part of it.
"""
import contextlib
import datetime
import json
import os
import pathlib
import re
import socket
import sqlite3
import string
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
from chain import TOP, Chain, Failure, free_port, wait_until  # noqa: E402,F401

PEERS = HERE / "peers"
LOAD_S = 900  # what takes longer is stuck
UNICAST = ("ipv4-unicast", "ipv6-unicast")


class Line(Chain):
    """The lab with a scenario, a gobgpd, and the collector or another consumer.

    families: of each neighbour in turn, in the collector's words."""

    def __init__(self, bench, scenario, families):
        self.families = families
        super().__init__(bench.build, scenario, neighbours=len(families), under=bench.scratch)

    def write_configuration(self):
        super().write_configuration()
        text = self.config.read_text()
        for i, families in enumerate(self.families, start=1):
            name = f"    - name: rr{i}\n"
            text = text.replace(name, f"{name}      families: [{', '.join(families)}]\n")
        self.config.write_text(text)

    def command(self, name):
        words = super().command(name)
        if name == "lab":  # as many reflectors as there are neighbours
            listeners = [word for i in range(1, self.neighbours + 1)
                         for word in ("--listen", f"rr{i}=127.0.1.{i}:{self.bgp_port}")]
            words = words[:3] + listeners + words[-1:]
        return words

    def wait(self, what, condition, seconds=LOAD_S):
        """As chain's wait_until, and ends when a program has."""
        def holds():
            self.check_alive()
            return condition()
        return wait_until(what, holds, seconds)

    # ---- the lab ----

    def table_sizes(self, reflector):
        """How many objects the lab's reflector has of each family: {"ls": …, "ipv4": …, "ipv6": …}."""
        line = re.search(rf"reflector {reflector} .*", self.lab("status"))[0]
        return {family: int(count) for family, count in re.findall(r"(ls|ipv4|ipv6)=(\d+)", line)}

    def routes(self, reflector="rr1"):
        sizes = self.table_sizes(reflector)
        return sizes["ipv4"] + sizes["ipv6"]

    def established_s(self, reflector="rr1"):
        """When the lab's latest session of that reflector was established, or None."""
        times = re.findall(rf"^(\S+) info: session established: reflector={reflector} ", self.log_of("lab"), re.MULTILINE)
        if not times:
            return None
        utc_s = datetime.datetime.fromisoformat(times[-1].replace("Z", "+00:00")).timestamp()
        return utc_s - time.time() + time.monotonic()

    def a_link(self):
        """The ends of a link of the scenario without parallel ones."""
        pairs = [tuple(sorted(pair)) for pair in re.findall(r"{a: ([^,]+), b: ([^,]+),", self.scenario.read_text())]
        return next(pair for pair in pairs if pairs.count(pair) == 1)

    # ---- other consumers than the collector ----

    def start_lab(self):
        """The lab, until it can be asked."""
        self.start("lab")
        self.wait("the lab", lambda: (self.directory / "lab.sock").exists())

    def start_peer_gobgpd(self, station_port=None, neighbours=1, families=UNICAST):
        """A gobgpd as peers/gobgpd.toml has it, with the lab's reflectors and perhaps a BMP station."""
        station = "" if station_port is None else (
            "[[bmp-servers]]\n  [bmp-servers.config]\n    address = \"127.0.0.1\"\n"
            f"    port = {station_port}\n    route-monitoring-policy = \"pre-policy\"\n")
        text = string.Template((PEERS / "gobgpd.toml").read_text()).substitute(station=station)
        for i in range(1, neighbours + 1):
            text += string.Template((PEERS / "gobgpd_neighbour.toml").read_text()).substitute(
                address=f"127.0.1.{i}", port=self.bgp_port)
            for family in families:
                text += f"  [[neighbors.afi-safis]]\n    [neighbors.afi-safis.config]\n      afi-safi-name = \"{family}\"\n"
        path = self.directory / "gobgpd.toml"
        path.write_text(text)
        self.start_other("gobgpd", [*self.command("gobgpd"), "-f", path])

    def gobgpd_has(self, routes):
        """Whether gobgpd's table of its neighbour rr1 is as large as that."""
        words = ["gobgp", "--target", f"unix://{self.directory}/gobgpd.sock", "neighbor", "127.0.1.1", "-j"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        time.sleep(0.5)
        if done.returncode != 0:
            return False
        families = json.loads(done.stdout).get("afi_safis", [])
        return sum(family.get("state", {}).get("received", 0) for family in families) >= routes

    def start_other(self, name, words, **options):
        with open(self.directory / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                [str(word) for word in words], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options)

    def __exit__(self, kind, error, trace):
        ours = ("lab", "gobgpd", "collector", "mapgen", "server")
        for name in [name for name in self.processes if name not in ours]:
            self.stop(name, check=False)
        if "gobgpd" in self.processes:  # it takes leave of a million routes for half a minute
            self.kill("gobgpd")
        with contextlib.redirect_stdout(sys.stderr):  # stdout has the rows and nothing else
            super().__exit__(kind, error, trace)

    def database_bytes(self):
        """state.db with its WAL."""
        return sum(path.stat().st_size for path in (self.directory / "state").glob("state.db*"))

    def cpu_s(self, name):
        """What a running program has had of the processors."""
        fields = pathlib.Path(f"/proc/{self.processes[name].pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self, name, field="VmRSS"):
        """Of a running program, in 10^6 bytes."""
        status = pathlib.Path(f"/proc/{self.processes[name].pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+)", status)[1]) * 1024 / 1e6


class Commands:
    """A connection to the lab's control socket that stays open: a process a command would take longer than the change."""

    def __init__(self, line):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(f"{line.directory}/lab.sock")
        self.rest = b""

    def close(self):
        self.socket.close()

    def send(self, *commands):
        self.socket.sendall("".join(f"{command}\n" for command in commands).encode())

    def answers(self, wait=False):
        """The last lines of the answers that have come; with wait at least one."""
        self.socket.setblocking(wait)
        with contextlib.suppress(BlockingIOError):
            while chunk := self.socket.recv(1 << 16):
                self.rest += chunk
                if wait and b"\n" in self.rest:
                    break
        self.socket.setblocking(True)
        *lines, self.rest = self.rest.split(b"\n")
        for line in lines:
            if line.startswith(b"error"):
                raise Failure(f"the lab: {line.decode()}")
        return [line.decode() for line in lines if line.startswith(b"ok")]


def written_s(answer):
    """When the lab's sockets had what the command changed."""
    if "sessions=0" in answer:
        raise Failure(f"the lab: nothing was said: {answer}")
    return int(re.search(r"monotonic_us=(\d+)", answer)[1]) / 1e6


class Watch:
    """When each sequence of state.db could be read."""

    def __init__(self, line):
        self.line = line
        self.path = line.directory / "state" / "state.db"
        self.database = None
        self.version = None
        self.seen = []  # (when, sequence), ascending

    def open(self):
        """Once the collector has made the file."""
        with contextlib.suppress(sqlite3.Error):
            database = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=5, isolation_level=None)
            database.execute("SELECT count(*) FROM sequence").fetchone()
            self.database = database
        return self.database

    def close(self):
        if self.database:
            self.database.close()

    def poll(self):
        """Looks once; true when something was committed since the last look."""
        if not self.database and not self.open():
            return False
        version = self.ask("PRAGMA data_version")
        if version == self.version:
            return False
        sequence = self.ask("SELECT coalesce(max(sequence), 0) FROM sequence")
        self.seen.append((time.monotonic(), sequence))
        self.version = version
        return True

    def ask(self, sql):
        return self.database.execute(sql).fetchone()[0]

    def when(self, sequence):
        return next(when for when, seen in self.seen if seen >= sequence)

    def until(self, what, condition, seconds, every_s=0.002):
        """Polls until the condition holds, which is asked only when something was committed."""
        deadline = time.monotonic() + seconds
        while not (self.poll() and condition()):
            if time.monotonic() > deadline:
                raise Failure(f"after {seconds} s still waiting: {what}")
            self.line.check_alive()
            time.sleep(every_s)


def all_loaded(line, watch):
    """Whether every family of every neighbour has its end-of-RIB, nothing is stale, and no route is missing."""
    families = sum(len(families) for families in line.families)
    if watch.ask("SELECT count(*) FROM peer_family WHERE NOT stale AND end_of_rib != 'no'") != families:
        return False
    wanted = sum(line.routes(f"rr{i}") for i in range(1, line.neighbours + 1))
    return watch.ask("SELECT count(*) FROM route") == wanted


def wait_loaded(line, watch):
    watch.until("the load", lambda: all_loaded(line, watch), LOAD_S)


def check_routes(line, watch, peer):
    """state.db has as many routes of the peer as the lab's reflector of that name."""
    wanted = line.table_sizes(peer)
    for family, number in (("ipv4", 4), ("ipv6", 6)):
        found = watch.ask("SELECT count(*) FROM route JOIN peer USING (peer_id) "
                          f"WHERE name = '{peer}' AND family = {number}")
        if found != wanted.get(family, 0):
            raise Failure(f"{peer}: {found} routes of {family}; the lab has {wanted.get(family, 0)}")


class MetricChanges:
    """One link's metric, changed again and again; each value is used once, so that it can be found."""

    FIRST = 100_000

    def __init__(self, line, watch=None, peer="rr1"):
        self.commands = Commands(line)
        self.watch = watch
        self.link = line.a_link()
        self.peer_id = watch and watch.ask(f"SELECT peer_id FROM peer WHERE name='{peer}'")
        self.metric = self.FIRST

    def close(self):
        self.commands.close()

    def send(self):
        self.metric += 1
        self.commands.send(f"metric {self.link[0]} {self.link[1]} {self.metric}")

    def written_s(self):
        """When the change sent last was on the wire; waits for the lab's answer."""
        answers = self.commands.answers(wait=True)
        return written_s(answers[-1])

    def is_visible(self):
        """Whether both directions of the change sent last can be read."""
        since = self.watch.seen[-1][1] - 50 if self.watch.seen else 0  # an index's range instead of the whole table
        return self.watch.ask(f"SELECT count(*) FROM ls_link WHERE sequence > {since} AND peer_id = {self.peer_id} "
                              f"AND igp_metric = {self.metric}") == 2

    def take_ms(self, seconds=60):
        """From the wire until it could be read."""
        self.send()
        self.watch.until("a changed metric", self.is_visible, seconds, every_s=0.0002)
        visible = time.monotonic()
        return (visible - self.written_s()) * 1e3


def quantile(values, share):
    """The value below which that share of them lies, rounded up to one that was measured."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def exabgp_words(line, result):
    """exabgp with a configuration of peers/exabgp.conf, whose reader writes to `result` when it has everything."""
    path = line.directory / "exabgp.conf"
    path.write_text(string.Template((PEERS / "exabgp.conf").read_text()).substitute(
        python="/usr/bin/python3", reader=PEERS / "exabgp_reader.py", routes=line.routes(), result=result,
        port=line.bgp_port))
    return ["exabgp", path]


def lines_of(log, word, peer=""):
    """The times of a consumer's lines that begin with the word, of that peer."""
    words = (line.split() for line in log.splitlines())
    return [int(line[1]) / 1e6 for line in words if line[0] == word and (not peer or line[2] == peer)]
