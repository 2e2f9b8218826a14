"""snapshot.*: writing, loading and asking a snapshot of 1,700 PIDs with three metrics."""
import sqlite3
import time

from measure import Group, Skip

QUERIES = {
    "pair": "SELECT cost FROM cost WHERE metric = 'hopcount' AND source = '{first}' AND destination = '{last}'",
    "prefixes": "SELECT prefix FROM prefix WHERE pid = '{largest}'",
    "sum": "SELECT sum(cost) FROM cost WHERE metric = 'routingcost'",
}
GOALS = {"pair": "<=10 ms", "prefixes": "<=20 ms", "sum": "<=2000 ms"}


def current(bench):
    return bench.input().snapshots / "current"


def write(bench):
    directory = bench.scratch / "snapshot-write"
    directory.mkdir(exist_ok=True)
    syncs = []

    def ours():
        figures = bench.figures("bench_snapshot", current(bench), directory, "write", rounds=1)
        syncs.append(figures["fsync"].value)
        return figures["write"].value

    def rows():
        return bench.figures("bench_snapshot", current(bench), directory, "rows", rounds=1)["rows"].value

    took, other = bench.interleave(ours, rows)
    bench.row("snapshot.write", took, "ms", "a SQLite row per pair, in C", other, ">=30",
              fsync_ms=round(sorted(syncs)[len(syncs) // 2], 1), file_system=bench.machine["file_system"])


def size(bench):
    file = current(bench)
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
        pids, pairs = db.execute("SELECT (SELECT count(*) FROM pid), (SELECT max(pairs) FROM metric)").fetchone()
    bench.row("snapshot.size", file.stat().st_size / 1e6, "MB", goal="<=45 MB", pids=pids, pairs=pairs)


def load(bench):
    figures = bench.figures("bench_snapshot", current(bench), bench.scratch)
    bench.row("snapshot.load", figures["load"].value, "ms", "read(2) of the same bytes", figures["read"].value, "<=3")


def shell(bench, file, query):
    """Milliseconds of the plain sqlite3 shell, from its start to its end."""
    start = time.monotonic()
    answer = bench.command(["sqlite3", "-readonly", file, query])
    took = (time.monotonic() - start) * 1e3
    if not answer.strip():
        raise ValueError(f"no answer to: {query}")
    return took


def sql(bench):
    file = current(bench)
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
        routed = "FROM pid WHERE reason <> 'default' ORDER BY"
        names = {
            "first": db.execute(f"SELECT name {routed} pid_id").fetchone()[0],
            "last": db.execute(f"SELECT name {routed} pid_id DESC").fetchone()[0],
            "largest": db.execute(f"SELECT name {routed} prefixes_ipv4 + prefixes_ipv6 DESC, pid_id").fetchone()[0],
        }
    for name, query in QUERIES.items():
        words = query.format(**names)
        try:
            took, start = bench.interleave(
                lambda: shell(bench, file, words), lambda: shell(bench, ":memory:", "SELECT 1"))
        except FileNotFoundError as error:
            raise Skip("sqlite3 is not installed") from error
        bench.row(f"snapshot.sql.{name}", took, "ms", "the shell's start", start, GOALS[name], bound="qsort_ms")


ROWS = [
    Group(names=("snapshot.write",), run=write),
    Group(names=("snapshot.size",), run=size),
    Group(names=("snapshot.load",), run=load),
    Group(names=("snapshot.sql.pair", "snapshot.sql.prefixes", "snapshot.sql.sum"), run=sql),
]
