"""collector.*: the full table through the lab and a real gobgpd into state.db.

Every figure of a load is from the session's begin, as the lab logs it, until the last route could be read; for the
collector that is by a reader of state.db, who then finds as many rows as the lab has routes. Consumers without a
collector get a gobgpd of the same settings from peers/gobgpd.toml. gobgpd is most of every such figure: the null
consumer (bench_drain.c) is what it takes alone.

collector.change, .memory, .churn, .busy and .restart share one line with two reflectors, one row after the other.
During .churn the two sessions together say 20,000 changes a second; its value is the longest that a metric
change, made twice a second in between, needed until it could be read. For .busy the second reflector's session
is lost and comes back with everything.
"""
import multiprocessing
import shutil
import subprocess
import time

from feeds import (LOAD_S, UNICAST, Commands, Failure, Line, MetricChanges, Watch, check_routes, exabgp_words,
                   free_port, lines_of, quantile, wait_loaded)
from measure import Group, Skip

ALL = (*UNICAST, "link-state")
CHURN_RATE = 20_000  # route changes a second, both sessions together


# ---- A load, by ourselves and by others ----

def load_s(bench, scenario):
    with Line(bench, scenario, [UNICAST]) as line:
        for name in ("lab", "gobgpd", "collector"):
            line.start(name)
        watch = Watch(line)
        wait_loaded(line, watch)
        last = watch.when(watch.ask("SELECT max(sequence) FROM route"))
        check_routes(line, watch, "rr1")
        took = last - line.established_s()
        bench.say(f"collector: {took:.1f} s; gobgpd {line.memory_mb('gobgpd', 'VmHWM'):.0f} MB")
        return took


def drain_s(bench, scenario):
    with Line(bench, scenario, [UNICAST]) as line:
        port = free_port()
        line.start_lab()
        line.start_other("drain", [bench.build / "tests/bench/bench_drain", port, line.routes()])
        line.start_peer_gobgpd(station_port=port)
        line.wait("the null consumer", lambda: lines_of(line.log_of("drain"), "routes"))
        took = lines_of(line.log_of("drain"), "routes")[0] - line.established_s()
        bench.say(f"null consumer: {took:.1f} s")
        return took


def command_line_s(bench, scenario):
    """What `gobgp global rib -j` needs for a table that gobgpd has already; its output is only read."""
    with Line(bench, scenario, [UNICAST]) as line:
        line.start_lab()
        line.start_peer_gobgpd()
        target = f"unix://{line.directory}/gobgpd.sock"
        wanted = line.table_sizes("rr1")
        line.wait("gobgpd's table", lambda: line.gobgpd_has(wanted["ipv4"] + wanted["ipv6"]))
        start = time.monotonic()
        for family in ("ipv4", "ipv6"):
            count = 0
            with subprocess.Popen(["gobgp", "--target", target, "global", "rib", "-a", family, "-j"],
                                  stdout=subprocess.PIPE) as process:
                while chunk := process.stdout.read(1 << 20):
                    count += chunk.count(b'"best":true')  # cut in two once in a while: a check, not a figure
            if count < 0.99 * wanted[family]:
                raise Failure(f"gobgp global rib: {count} best paths of {family}; {wanted[family]} expected")
        took = time.monotonic() - start
        bench.say(f"gobgp global rib -j: {took:.1f} s")
        return took


def exabgp_s(bench, scenario):
    with Line(bench, scenario, [UNICAST]) as line:
        line.start_lab()
        result = line.directory / "exabgp.result"
        line.start_other("exabgp", exabgp_words(line, result), env=EXABGP)
        line.wait("exabgp's reader", result.exists, 4 * LOAD_S)
        took = int(result.read_text()) / 1e6 - line.established_s()
        bench.say(f"exabgp: {took:.1f} s")
        return took


# As fast as it goes: parsed attributes are cached, nothing of a route is logged or answered. (Without any log 4.2.21 ends.)
EXABGP = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "exabgp.daemon.user": "root", "exabgp.log.packets": "false",
          "exabgp.log.routes": "false", "exabgp.log.parser": "false", "exabgp.api.cli": "false",
          "exabgp.api.ack": "false", "exabgp.cache.attributes": "true", "exabgp.cache.nexthops": "true"}


def need_gobgpd():
    if not shutil.which("gobgpd"):
        raise Skip("gobgpd is not installed")


def sync(bench):
    need_gobgpd()
    scenario = bench.input(reflectors=1).scenario
    ours, theirs = bench.interleave(lambda: load_s(bench, scenario), lambda: drain_s(bench, scenario))
    bench.row("collector.sync", ours, "s", "null BMP consumer of the same gobgpd", theirs, "<=1.15")
    for name, program, against, goal, peer in (
            ("collector.vs_cli", "gobgp", "gobgp global rib -j", ">=3", command_line_s),
            ("collector.vs_exabgp", "exabgp", "exabgp's JSON pipe", ">=10", exabgp_s)):
        if not bench.wants(name):
            continue
        if not shutil.which(program):
            bench.skip(name, f"{program} is not installed")
            continue
        other = None if bench.quick else peer(bench, scenario)
        bench.row(name, ours, "s", against, other, goal)


# ---- A line that is loaded ----

def change(bench, changes):
    took = []
    for _ in range(50 if bench.quick else 200):
        time.sleep(0.05)
        took.append(changes.take_ms())
    bench.row("collector.change", quantile(took, 0.5), "ms", goal="<=5 ms", changes=len(took),
              p95=round(quantile(took, 0.95), 2), p99=round(quantile(took, 0.99), 2),
              p99_goal="<=20 ms", p99_met=quantile(took, 0.99) <= 20)


def move_prefixes(line, prefixes, routers, seconds, sent):
    """Prefixes move between two routers, as fast as told. A process of its own: waiting for the lab is nobody's lag."""
    mover = Commands(line)
    start = time.monotonic()
    while (elapsed := time.monotonic() - start) < seconds:
        due = int(elapsed * CHURN_RATE / 2) - sent.value  # each move is a change in both sessions
        mover.send(*(f"prefix {prefixes[i % len(prefixes)]} move {routers[i // len(prefixes) % 2]}"
                     for i in range(sent.value, sent.value + due)))
        sent.value += due
        mover.answers()
        time.sleep(0.005)
    mover.close()


def churn(bench, line, watch, changes):
    seconds = 3 if bench.quick else 60
    prefixes = [row[0] for row in watch.database.execute(
        "SELECT prefix FROM route WHERE peer_id = ? AND family = 4 LIMIT 20000", (changes.peer_id,))]
    size, lags = line.database_bytes(), []
    busy_before = {name: line.cpu_s(name) for name in ("lab", "gobgpd", "collector")}
    sent = multiprocessing.Value("q", 0)
    mover = multiprocessing.Process(target=move_prefixes, args=(line, prefixes, sorted(changes.link), seconds, sent))
    start = time.monotonic()
    mover.start()
    try:
        while mover.is_alive():
            lags.append(changes.take_ms(LOAD_S) / 1e3)
            time.sleep(0.5)
    finally:
        mover.kill()
        mover.join()
    took = time.monotonic() - start
    bench.row("collector.churn", max(lags), "s", goal="<=1 s", median_s=round(quantile(lags, 0.5), 3),
              changes_per_s=round(2 * sent.value / seconds), seconds=round(took),
              cpu_s={name: round(line.cpu_s(name) - before, 1) for name, before in busy_before.items()},
              state_db_mb=[round(size / 1e6), round(line.database_bytes() / 1e6)],
              gobgpd_mb=round(line.memory_mb("gobgpd")), collector_mb=round(line.memory_mb("collector")))


def lose_and_reload(line, send, each_s=0.2):
    """Drops rr2, and calls send() regularly from the begin of its new session until the caller's load is over."""
    before = line.established_s("rr2")
    line.lab("session rr2 drop")
    line.wait("rr2's return", lambda: line.established_s("rr2") - before > 1)
    while send():
        time.sleep(each_s)


def busy_ms(bench, line, watch, changes):
    took = []

    def one():
        took.append(changes.take_ms(LOAD_S))
        return watch.ask("SELECT count(*) FROM peer_family JOIN peer USING (peer_id) WHERE name = 'rr2' AND stale")

    lose_and_reload(line, one)
    wait_loaded(line, watch)
    check_routes(line, watch, "rr2")
    bench.say(f"busy: {len(took)} changes, median {quantile(took, 0.5):.0f} ms")
    return quantile(took, 0.95)


def busy_drain_ms(bench, scenario):
    """The same changes until a consumer has read them that does nothing else."""
    with Line(bench, scenario, [ALL, ALL]) as line:
        port = free_port()
        line.start_lab()
        routes = line.routes("rr1") + line.routes("rr2")
        line.start_other("drain", [bench.build / "tests/bench/bench_drain", port, routes, line.routes("rr2")])
        line.start_peer_gobgpd(station_port=port, neighbours=2, families=(*UNICAST, "ls"))
        line.wait("the first load", lambda: lines_of(line.log_of("drain"), "routes"))
        changes, written = MetricChanges(line), []

        def one():
            changes.send()
            written.append(changes.written_s())
            return len(lines_of(line.log_of("drain"), "routes")) < 2

        time.sleep(2)  # what was still under way of the first load
        before = len(lines_of(line.log_of("drain"), "link-state", "127.0.1.1"))
        lose_and_reload(line, one)
        # two half-links a change: its second UPDATE, if they came as two
        line.wait("the last change", lambda: len(lines_of(line.log_of("drain"), "link-state", "127.0.1.1"))
                  >= before + len(written))
        time.sleep(1)
        changes.close()
        read = lines_of(line.log_of("drain"), "link-state", "127.0.1.1")[before:]
        each = len(read) // len(written)
        if each * len(written) != len(read):
            raise Failure(f"{len(read)} UPDATEs of {len(written)} changes")
        return quantile([(read[each * (i + 1) - 1] - sent) * 1e3 for i, sent in enumerate(written)], 0.95)


def restart(bench, line, watch):
    """The collector alone; gobgpd and the lab go on."""
    line.stop("collector")
    watch.poll()
    sequence = watch.seen[-1][1]
    start = time.monotonic()
    line.start("collector")
    watch.until("the first commit", lambda: watch.seen[-1][1] > sequence, LOAD_S)
    served = time.monotonic() - start
    if bench.quick:
        bench.row("collector.restart", served, "s")
        return
    watch.until("all is stale", lambda: watch.ask("SELECT count(*) FROM peer_family WHERE NOT stale") == 0, LOAD_S)
    wait_loaded(line, watch)
    truth = time.monotonic() - start
    for peer in ("rr1", "rr2"):
        check_routes(line, watch, peer)
    bench.row("collector.restart", served, "s", goal="<=1 s", truth_s=round(truth, 1))


def loaded(bench):
    need_gobgpd()
    scenario = bench.input(reflectors=2).scenario
    with Line(bench, scenario, [ALL, ALL]) as line:
        for name in ("lab", "gobgpd", "collector"):
            line.start(name)
        watch = Watch(line)
        wait_loaded(line, watch)
        for peer in ("rr1", "rr2"):
            check_routes(line, watch, peer)
        bench.row("collector.memory", line.memory_mb("collector"), "MB", goal="<=600 MB",
                  peak=round(line.memory_mb("collector", "VmHWM")), paths=watch.ask("SELECT count(*) FROM route"),
                  state_db_mb=round(line.database_bytes() / 1e6), gobgpd_mb=round(line.memory_mb("gobgpd")))
        changes = MetricChanges(line, watch)
        if bench.wants("collector.change"):
            change(bench, changes)
        if bench.wants("collector.churn"):
            churn(bench, line, watch, changes)
        ours = None
        if bench.quick:
            bench.skip("collector.busy", "gobgpd takes half a minute to call again: not in a quick run")
        elif bench.wants("collector.busy"):
            ours = busy_ms(bench, line, watch, changes)
        changes.close()
        if bench.wants("collector.restart"):
            restart(bench, line, watch)
        watch.close()
    if ours is not None:
        bench.row("collector.busy", ours, "ms", "null BMP consumer, p95", busy_drain_ms(bench, scenario), "<=1.5")


ROWS = [
    Group(names=("collector.sync", "collector.vs_cli", "collector.vs_exabgp"), run=sync),
    Group(names=("collector.memory", "collector.change", "collector.churn", "collector.busy", "collector.restart"),
          run=loaded),
]
