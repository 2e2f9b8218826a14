#!/usr/bin/python3
"""How time and memory of each stage grow with the network: docs/growth.svg and, as a table, docs/growth.md.

    tests/bench/growth.py --build DIRECTORY [--out DIRECTORY] [--sizes N]

The stages are those of docs/design.md section 5, each by itself in one process (bench_stages), and the server from its
start until it has answered with the whole cost map. tests/bench/growth.sh installs and builds what this needs."""
import argparse
import http.client
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import bench as driver
import curve
import measure

SIZES = ((100, 10_000), (300, 100_000), (1_000, 1_000_000), (3_000, 3_000_000))  # routers, routes of both families
STAGES = ("load", "graph", "attach", "partition", "cost", "publish", "server")
WHAT = {"load": "state.db into memory", "graph": "routers, links, the two-way check",
        "attach": "each prefix's exits, and their classes", "partition": "PIDs and their prefixes",
        "cost": "shortest paths, and all pairs", "publish": "tags, the file, fsync, `current`",
        "server": "its start until the whole cost map was sent"}


def free_port():
    """Below the ports that the system gives to clients, so that nobody takes it in between."""
    for port in range(20000, 32000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


def resident_mb(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s*(\d+)", status, re.MULTILINE)[1]) * 1024 / 1e6


def first_cost_map(port, process, deadline):
    """Waits until the map is served; the length of the body."""
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"altimeter-server left with status {process.returncode}")
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            client.request("GET", "/costmap/routingcost")
            answer = client.getresponse()
            body = answer.read()
            if answer.status == 200:
                return len(body)
        except OSError:
            pass  # not listening yet
        finally:
            client.close()
        time.sleep(0.002)
    raise RuntimeError("altimeter-server: no cost map")


def serve(bench, directory):
    """The server over the snapshots: (milliseconds, MB)."""
    ports = free_port(), None
    config = directory / "server.yaml"
    with socket.socket() as taken:  # so that the second one is another
        taken.bind(("127.0.0.1", ports[0]))
        ports = ports[0], free_port()
    measure.write_configuration(config, directory, more=(
        f"server:\n  listen: [127.0.0.1:{ports[0]}]\n  operator_listen: 127.0.0.1:{ports[1]}\n"))
    start = time.monotonic()
    with measure.started([bench.build / "server/altimeter-server", "--config", config],
                         stderr=subprocess.DEVNULL) as process:
        first_cost_map(ports[0], process, start + 600)
        return (time.monotonic() - start) * 1e3, resident_mb(process)


def measure_size(bench, routers, routes):
    """{stage: (milliseconds, MB)}, and what the map has."""
    generated = bench.input(routers=routers, ipv4=routes * 5 // 6, ipv6=routes // 6)
    state, config = generated.state, generated.configuration
    bench.say(f"{routers} routers, {routes} routes: stages")
    figures = bench.figures("bench_stages", state, config, timeout=1800)
    stages = {name: (figures[f"{name}.time"].value, figures[f"{name}.memory"].value) for name in STAGES[:-1]}
    bench.say(f"{routers} routers, {routes} routes: server")
    stages["server"] = serve(bench, config.parent)
    counts = {name: int(figures[name].value) for name in ("routers", "pids", "prefixes")}
    shutil.rmtree(config.parent)
    return stages, counts


def count(number):
    return f"{number / 1e6:g} M" if number >= 1e6 else f"{number / 1e3:g} k"


def picture(sizes, measured):
    panels = [curve.Panel(title, units, {stage: [stages[stage][at] for stages, _ in measured] for stage in STAGES})
              for at, (title, units) in enumerate((("Time of each stage", ("ms", "s")),
                                                   ("Resident after each stage", ("MB", "GB"))))]
    return curve.draw("How time and memory of each stage grow with the network", panels, [routers for routers, _ in sizes],
                      "routers, and routes of each of two reflectors", [count(routes) for _, routes in sizes])


def table(sizes, measured, machine):
    head = [f"{routers:,} routers, {count(routes)} routes" for routers, routes in sizes]
    lines = ["# Growth: each stage over the network's size", "",
             "![Time and memory of each stage over the number of routers](growth.svg)", "",
             f"Made by `tests/bench/growth.sh` on {machine['cpus']} × {machine['cpu']}, memcpy {machine['memcpy_gb_s']:.1f} GB/s, "
             f"qsort of 1 M numbers {machine['qsort_ms']:.0f} ms, 4 kB write + fsync {machine['fsync_ms']:.2f} ms "
             f"({machine['file_system']}). One run of each size. Every route is told by two reflectors, each its best path.",
             "Time is the stage's own; memory is what is resident after it, in one process up to `publish`.", "",
             "| stage | | " + " | ".join(head) + " |", "| --- | --- |" + " --- |" * len(sizes)]
    for stage in STAGES:
        cells = [f"{stages[stage][0]:,.0f} ms, {stages[stage][1]:,.0f} MB" for stages, _ in measured]
        lines.append(f"| {stage} | {WHAT[stage]} | " + " | ".join(cells) + " |")
    for name, what in (("pids", "PIDs"), ("prefixes", "prefixes of the map")):
        lines.append(f"| | {what} | " + " | ".join(f"{counts[name]:,}" for _, counts in measured) + " |")
    return "\n".join([*lines, ""])


def main(arguments):
    parser = argparse.ArgumentParser(prog="growth.sh", description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, required=True, help="the build directory; growth.sh gives it")
    parser.add_argument("--out", type=pathlib.Path, default=driver.SOURCE / "docs", help="where both files go (docs/)")
    parser.add_argument("--sizes", type=int, default=len(SIZES), choices=range(2, len(SIZES) + 1), metavar="N", help="only the first N")
    options = parser.parse_args(arguments)
    sizes = SIZES[:options.sizes]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="altimeter-growth-", dir=driver.scratch_under(None, options.build)))
    try:
        bench = measure.Bench(driver.SOURCE, options.build.resolve(), scratch.resolve(), out=sys.stderr)
        driver.measure_machine(bench)
        measured = [measure_size(bench, routers, routes) for routers, routes in sizes]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    (options.out / "growth.svg").write_text(picture(sizes, measured))
    (options.out / "growth.md").write_text(table(sizes, measured, bench.machine))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
