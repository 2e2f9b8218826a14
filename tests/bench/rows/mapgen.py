"""attach.routes and mapgen.*: from state.db to a published snapshot."""
import shutil

from measure import MAPGEN, Group, write_configuration

EVERY_EXIT = {"paths": "all", "reflectors": 1}  # 4.7 M paths: each exit of each prefix is told, once


def attach(bench):
    figures = bench.figures("bench_attach", bench.input(**EVERY_EXIT).state)
    bench.row("attach.routes", figures["attach"].value, "ns", "radix sort of the routes", figures["radix_sort"].value,
              "<=60 ns", bound="qsort_ms", paths=int(figures["paths"].value))


def cold(bench):
    """A process over a state.db that it has never seen, into an empty directory; its peer reads the same rows."""
    state = bench.input(**EVERY_EXIT).state
    directory = bench.scratch / "cold"
    directory.mkdir()
    config = directory / "altimeter.yaml"
    write_configuration(config, state.parent, directory / "snapshots")
    peaks = []

    def ours():
        shutil.rmtree(directory / "snapshots", ignore_errors=True)
        took, peak = bench.process([bench.build / MAPGEN, "--config", config, "--once"])
        peaks.append(peak)
        return took

    def select():
        return bench.process([bench.build / "tests/bench/bench_select", state])[0]

    took, other = bench.interleave(ours, select)
    bench.row("mapgen.cold", took, "ms", "a bare SELECT of its rows in C", other, "<=3")
    bench.row("mapgen.memory", max(peaks), "MB", goal="<=1000 MB")
    shutil.rmtree(directory)


def change(bench):
    directory = bench.scratch / "change"
    state = bench.input(**EVERY_EXIT).copy_state(directory)
    configs = []
    for name in ("kept", "full"):
        configs.append(directory / f"{name}.yaml")
        write_configuration(configs[-1], directory, directory / name)
    figures = bench.figures("bench_change", state, *configs, timeout=1800)
    took, full = figures["change"].value, figures["full"].value
    bench.row("mapgen.change.time", took, "ms", goal="<=60 ms", bound="qsort_ms")
    bench.row("mapgen.change.full", took, "ms", "a full run", full, "<=0.1")
    shutil.rmtree(directory)


ROWS = [
    Group(names=("attach.routes",), run=attach),
    Group(names=("mapgen.cold", "mapgen.memory"), run=cold),
    Group(names=("mapgen.change.time", "mapgen.change.full"), run=change),
]
