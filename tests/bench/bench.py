#!/usr/bin/python3
"""The benchmark's driver: runs the rows of rows/*.py and prints a JSON line for each (docs/benchmarks.md).

    tests/bench/bench.py --build DIRECTORY [--scratch DIRECTORY] [--quick] [--list] [NAME…]

stdout has the lines and nothing else, stderr the progress. A NAME is a row's or the beginning of some ("spf",
"http.small"). Exit status 0, also when goals are missed; 1 when a row failed; 2 for a mistake in the words above.
tests/bench/run.sh installs and builds what this needs, then calls it.
"""
import argparse
import importlib
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import time

import measure

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
MEMORY_FILE_SYSTEMS = ("tmpfs", "ramfs")


def read_groups(directory):
    """The groups of every module in the directory, in the order of the modules' names."""
    sys.path.insert(0, str(directory))
    groups = []
    for path in sorted(directory.glob("*.py")):
        groups += importlib.import_module(path.stem).ROWS
    return groups


def planned_rows(page):
    """The names in the first column of benchmarks.md's tables."""
    cells = re.findall(r"^\|((?: *`[a-z0-9_.]+`,?)+) *\|", page.read_text(), re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def is_under(name, beginning):
    """spf.2t is under spf and under itself, not under sp."""
    return name == beginning or name.startswith(beginning + ".")


def select(groups, planned, names):
    """The wanted rows' names, None for all. ValueError with what a person should know about a name that fits none."""
    rows = [name for group in groups for name in group.names]
    for name in names:
        if any(is_under(row, name) for row in rows):
            continue
        if any(is_under(row, name) for row in planned):
            raise ValueError(f"'{name}' is planned, its part does not exist yet; --list shows which do")
        raise ValueError(f"no row '{name}'; --list shows them")
    return {row for row in rows if any(is_under(row, name) for name in names)} if names else None


def list_rows(groups, planned):
    rows = [name for group in groups for name in group.names]
    for row in rows:
        print(f"{row:24} {'' if any(is_under(row, plan) for plan in planned) else 'not in docs/benchmarks.md'}".rstrip())
    for plan in planned:
        if not any(is_under(row, plan) for row in rows):
            print(f"{plan:24} later: no part yet")


def file_system_of(path):
    """The type of the file system that holds path, as /proc/mounts names it."""
    path = path.resolve()
    best, kind = "", "unknown"
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        point, name = line.split()[1:3]
        if len(point) >= len(best) and path.is_relative_to(point):
            best, kind = point, name
    return kind


def scratch_under(wanted, build):
    """Where measured files go: as told, or the first of the likely places that is a disk."""
    places = [wanted] if wanted else [build, pathlib.Path("/var/tmp"), pathlib.Path.home()]
    return next((place for place in places if file_system_of(place) not in MEMORY_FILE_SYSTEMS), places[0])


def cpu_model():
    match = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return match[1] if match else "unknown"


def measure_machine(bench):
    figures = bench.figures("bench_machine", bench.scratch)
    bench.machine_line({
        "memcpy_gb_s": figures["memcpy"].value, "qsort_ms": figures["qsort"].value,
        "fsync_ms": figures["fsync"].value, "file_system": file_system_of(bench.scratch),
        "pingpong_us": figures["pingpong"].value, "cpus": int(figures["cpus"].value), "cpu": cpu_model()})


def parse(arguments):
    parser = argparse.ArgumentParser(prog="run.sh", description="Runs the benchmark (docs/benchmarks.md).")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="the build directory; run.sh gives it")
    parser.add_argument("--scratch", type=pathlib.Path, help="where measured files go; a disk, no tmpfs")
    parser.add_argument("--quick", action="store_true", help="own side only, one round, a tenth of the size")
    parser.add_argument("--divide", type=int, default=measure.QUICK_DIVISOR, metavar="N",
                        help="with --quick: all sizes by N instead of 10")
    parser.add_argument("--list", action="store_true", help="names the rows, and those whose part is not there yet")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only this row, or those below it: spf, http.small")
    return parser.parse_args(arguments)


def main(arguments):
    options = parse(arguments)
    groups = read_groups(HERE / "rows")
    planned = planned_rows(SOURCE / "docs/benchmarks.md")
    if options.list:
        list_rows(groups, planned)
        return 0
    try:
        wanted = select(groups, planned, options.names)
    except ValueError as error:
        print(f"run.sh: {error}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started and written goes
    start = time.monotonic()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="altimeter-bench-", dir=scratch_under(options.scratch, options.build)))
    try:
        bench = measure.Bench(SOURCE, options.build.resolve(), scratch.resolve(), options.quick, wanted,
                              divisor=options.divide)
        measure_machine(bench)
        for group in groups:
            bench.run(group)
        bench.say(f"done in {time.monotonic() - start:.0f} s, {bench.failures} failed")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
