"""state.*: routes into state.db and out of it, beside bare SQLite with the same schema and settings (bench_state.c).

state.load is a first load in the order of the key; the peer is given its texts ready-made. state.sweep is the whole of
it, gone; the peer does that in two statements and one transaction, where nothing else could be written meanwhile.
"""
from measure import Group


def load(bench):
    figures = bench.figures("bench_state", bench.input(reflectors=1).state, bench.scratch, "load", timeout=1800)
    bench.row("state.load", figures["load"].value, "routes/s", "bare sorted upserts", figures["load_bare"].value,
              ">=0.5", routes=int(figures["routes"].value))


def sweep(bench):
    figures = bench.figures("bench_state", bench.input(reflectors=1).state, bench.scratch, "sweep", timeout=1800)
    bench.row("state.sweep", figures["sweep"].value, "ms", "INSERT … SELECT and DELETE at once",
              figures["sweep_bare"].value, routes=int(figures["routes"].value),
              every_other_ms=figures["sweep_half"].value, nothing_gone_ms=figures["sweep_none"].value)


ROWS = [Group(names=("state.load",), run=load), Group(names=("state.sweep",), run=sweep)]
