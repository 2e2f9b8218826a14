"""What the rows of the benchmark are written against: a Bench, and the groups that use it (docs/benchmarks.md).

A module of rows/ has a list ROWS of groups. A group names its rows and has one function that measures them, because
what they share (an input, a server) is made once:

    def spf(bench):
        ours, theirs = bench.interleave(run_ours, run_igraph)
        bench.row("spf.3metrics.1t", ours, "ms", against="igraph-python 1 metric", other=theirs, goal=">=5")

    ROWS = [Group(names=("spf.3metrics.1t",), run=spf)]

Nothing here judges a machine: a goal that is missed is a line like any other, an exception is a line that says so.
"""
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
import typing

FULL_ROUNDS = 5
SLOW_PEER_S = 30  # a peer that needs longer is measured once (docs/benchmarks.md)
QUICK_DIVISOR = 10
LEAST_ROUTERS, LEAST_ROUTES = 20, 3  # of altimeter-gen: routers, and IPv4 routes of each
MAPGEN = "mapgen/altimeter-mapgen"
# The machine on which the absolute goals were set: what Bench.row's `bound` scales them from.
PROBE_MACHINE = {"memcpy_gb_s": 10.0, "qsort_ms": 90.0, "fsync_ms": 1.0, "pingpong_us": 15.0}


class Skip(Exception):
    """Raised by a group that cannot run here: its rows become "skipped" lines with this text."""


@dataclasses.dataclass(frozen=True)
class Group:
    names: tuple[str, ...]  # every row that run() may print; all of them, in each run
    run: typing.Callable[["Bench"], None]


@dataclasses.dataclass(frozen=True)
class Figure:
    """One line of a C bench: NAME VALUE UNIT."""
    value: float
    unit: str


def write_configuration(path, state, snapshots=None, more=""):
    """A configuration for programs of ours: the directory of state.db, that of the snapshots if it is another one."""
    path.write_text(f"state:\n  directory: {state}\nsnapshots:\n  directory: {snapshots or state / 'snapshots'}\n{more}")


class Input:
    """One generated backbone. Each file is made when it is first asked for; equal sizes share it."""

    def __init__(self, bench, sizes):
        self._bench = bench
        self._directory = bench.scratch / "-".join(["input", *(str(size) for size in sizes.values())])
        self._sizes = sizes

    scenario = property(lambda self: self._file("scenario", "scenario.yaml"))
    mrt = property(lambda self: self._file("mrt", "rib.mrt"))
    state = property(lambda self: self._file("state", "state.db"))  # copy it before writing to it
    routers = property(lambda self: self._sizes["routers"])
    routes = property(lambda self: self._sizes["ipv4"] + self._sizes["ipv6"])

    @property
    def configuration(self):
        """altimeter.yaml whose directories are this input's; for altimeter-mapgen and altimeter-server."""
        path = self._directory / "altimeter.yaml"
        if not path.exists():
            self._directory.mkdir(exist_ok=True)
            write_configuration(path, self._directory)
        return path

    @property
    def snapshots(self):
        """The directory with `current`: the map that altimeter-mapgen makes of the state.db."""
        directory = self._directory / "snapshots/default"
        if not (directory / "current").exists():
            self.state  # made first, so that only mapgen is spoken of below
            self._bench.say("making the map")
            self._bench.command([self._bench.build / MAPGEN, "--config", self.configuration, "--once"])
        return directory

    def copy_state(self, directory):
        """state.db in a directory of its own, to be written to."""
        directory.mkdir(parents=True, exist_ok=True)
        for path in self.state.parent.glob("state.db*"):
            shutil.copy(path, directory)
        return directory / "state.db"

    def _file(self, option, name):
        path = self._directory / name
        if not path.exists():
            self._directory.mkdir(exist_ok=True)
            self._bench.say(f"generating {name}: {self._sizes}")
            sizes = [word for key, size in self._sizes.items() for word in (f"--{key}", str(size))]
            self._bench.command([self._bench.build / "tests/bench/altimeter-gen", *sizes, f"--{option}", path])
        return path


@dataclasses.dataclass(frozen=True)
class Goal:
    """A goal as benchmarks.md writes it: ">=5" and "<=1.7" are ratios, "<=45 MB" is about the value itself."""
    text: str
    at_least: bool
    limit: float
    unit: str  # "": the ratio

    @staticmethod
    def parse(text):
        match = re.fullmatch(r"(>=|<=) *([0-9.]+) *(\S*)", text)
        if not match:
            raise ValueError(f"goal '{text}': \">=5\", \"<=1.7\" or \"<=45 MB\" expected")
        return Goal(text, match[1] == ">=", float(match[2]), match[3])

    def is_met(self, figure):
        return figure >= self.limit if self.at_least else figure <= self.limit


def is_rate(unit):
    return unit.endswith("/s")


def ratio_of(value, other, unit, goal):
    """How many times better than the peer for a goal written ">=", and without a goal; value ÷ other for "<="."""
    if goal and not goal.at_least:
        return value / other
    return value / other if is_rate(unit) else other / value


def scaled_limit(goal, bound, machine):
    """An absolute goal on this machine: slower by what bounds the row, the limit is wider by as much."""
    times = machine[bound] / PROBE_MACHINE[bound]
    more_is_better = bound == "memcpy_gb_s"
    slower = 1 / times if more_is_better else times
    return goal.limit / slower if goal.at_least else goal.limit * slower


def rounded(value):
    """Four digits are more than any of these figures is worth; counts stay whole."""
    return value if isinstance(value, int) else float(f"{value:.4g}")


class Bench:
    """One run: where things are, what is wanted of it, and the only way to stdout."""

    def __init__(self, source, build, scratch, quick=False, wanted=None, out=sys.stdout, divisor=QUICK_DIVISOR):
        self.source = pathlib.Path(source)
        self.build = pathlib.Path(build)
        self.scratch = pathlib.Path(scratch)  # on a disk; removed at the end
        self.quick = quick
        self.rounds = 1 if quick else FULL_ROUNDS
        self.divisor = divisor if quick else 1  # of all sizes
        self.machine = {}  # the figures of the machine line
        self.failures = 0
        self._wanted = wanted  # names; None: all
        self._out = out
        self._expected = []  # rows of the running group that were not printed yet
        self._inputs = {}

    # ---- what groups use ----

    def say(self, text):
        print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

    def wants(self, name):
        """Whether the row was asked for: a group may leave out what only others need."""
        return self._wanted is None or name in self._wanted

    def row(self, name, value, unit, against=None, other=None, goal=None, bound=None, **extra):
        """Prints a row. other: the peer's figure in the same unit; None: not measured. bound: the figure of
        PROBE_MACHINE that bounds the row, by which an absolute goal is scaled. extra: more keys, as they are."""
        line = {"name": name, "value": rounded(value), "unit": unit}
        judged = Goal.parse(goal) if goal else None
        if judged and judged.unit and judged.unit != unit:
            raise ValueError(f"{name}: the goal '{goal}' is in {judged.unit}, the value in {unit}")
        if other is not None and not self.quick:
            ratio = ratio_of(value, other, unit, judged)
            line |= {"against": against, "other": rounded(other), "ratio": rounded(ratio)}
        if self.quick:  # another size, one round, no peer: there is nothing to judge
            line["quick"] = True
        elif judged:
            line["goal"] = goal
            if judged.unit and bound:
                judged = dataclasses.replace(judged, limit=scaled_limit(judged, bound, self.machine))
                line["limit"] = rounded(judged.limit)
            if judged.unit:
                line["met"] = judged.is_met(value)
            elif other is not None:
                line["met"] = judged.is_met(ratio)
            else:
                raise ValueError(f"{name}: the goal '{goal}' is a ratio, and there is no other figure")
        self._print(line | extra)

    def skip(self, name, why):
        self._print({"name": name, "skipped": str(why)})

    def interleave(self, ours, *theirs):
        """Medians of what the functions return, a round of each after the other; None for a peer in a quick run.

        A peer that takes longer than SLOW_PEER_S ends the rounds after the first."""
        peers = () if self.quick else theirs
        figures = [[] for _ in range(1 + len(peers))]
        for _ in range(self.rounds):
            slow = False
            for measured, function in zip(figures, (ours, *peers)):
                start = time.monotonic()
                measured.append(function())
                slow |= function is not ours and time.monotonic() - start > SLOW_PEER_S
            if slow:
                break
        medians = [statistics.median(measured) for measured in figures]
        return (*medians, *[None] * (len(theirs) - len(peers)))

    def input(self, routers=1000, ipv4=1_000_000, ipv6=200_000, paths="best", reflectors=2):
        routers = max(routers // self.divisor, LEAST_ROUTERS)
        least = LEAST_ROUTES * routers
        sizes = {"routers": routers, "ipv4": max(ipv4 // self.divisor, least), "ipv6": max(ipv6 // self.divisor, least),
                 "paths": paths, "reflectors": reflectors}
        return self._inputs.setdefault(tuple(sizes.values()), Input(self, sizes))

    def command(self, arguments, timeout=600, **options):
        """Runs a program to its end; its stdout. What it says on stderr is in the exception when it fails."""
        words = [str(word) for word in arguments]
        done = subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False, **options)
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()[-3:]
            raise RuntimeError(f"{words[0]}: exit status {done.returncode}: {' / '.join(said)}")
        return done.stdout

    def process(self, arguments):
        """Runs a program to its end, as people start it: (milliseconds, peak of resident memory in MB)."""
        words = [str(word) for word in arguments]
        with tempfile.TemporaryFile("w+") as said:
            start = time.monotonic()
            with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said) as process:
                _, status, usage = os.wait4(process.pid, 0)
                took = (time.monotonic() - start) * 1e3
                process.returncode = os.waitstatus_to_exitcode(status)
            if status != 0:
                said.seek(0)
                lines = said.read().strip().splitlines()[-3:]
                raise RuntimeError(f"{words[0]}: exit status {process.returncode}: {' / '.join(lines)}")
        return took, usage.ru_maxrss * 1024 / 1e6

    def figures(self, program, *arguments, rounds=None, timeout=600):
        """What build/tests/bench/PROGRAM prints, NAME VALUE UNIT a line, as {name: Figure}. It is given the rounds:
        the run's, or others where it is itself one side of interleave()."""
        path = self.build / "tests/bench" / program
        lines = self.command([path, "--rounds", rounds or self.rounds, *arguments], timeout=timeout).splitlines()
        words = [line.split() for line in lines]
        return {name: Figure(float(value), unit) for name, value, unit in words}

    # ---- what the driver uses ----

    def run(self, group):
        """Runs a group; every row of it that is wanted gets exactly one line, whatever happens."""
        self._expected = [name for name in group.names if self.wants(name)]
        if not self._expected:
            return
        self.say(f"{', '.join(self._expected)} …")
        try:
            group.run(self)
            why = {"failed": "its group ended without it"}
        except Skip as skip:
            why = {"skipped": str(skip)}
        except Exception as error:  # whatever a group does wrong must not end the run
            traceback.print_exc(file=sys.stderr)
            why = {"failed": f"{type(error).__name__}: {error}"}
        for name in list(self._expected):
            self.failures += "failed" in why
            self._print({"name": name} | why)

    def machine_line(self, figures):
        self.machine = figures
        self._write({"name": "machine"} | {
            key: rounded(figure) if isinstance(figure, float) else figure for key, figure in figures.items()})

    def _print(self, line):
        name = line["name"]
        if name in self._expected:
            self._expected.remove(name)
            self._write(line)
        elif self.wants(name):
            raise ValueError(f"{name}: printed twice, or not among its group's names")

    def _write(self, line):
        print(json.dumps(line, ensure_ascii=False), file=self._out, flush=True)


@contextlib.contextmanager
def started(arguments, **options):
    """A program that runs beside the measurement, and is ended with it whatever happens."""
    with subprocess.Popen([str(word) for word in arguments], **options) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
