"""render.*, lpm.*, http.*: the server, over the map that mapgen makes of the generated backbone.

Two snapshots of it are made, before and after one core link's metric changed. Over HTTP, one worker of the server and
one of nginx, each on the first core, are driven in turns by the same client (bench_http) on the last one; before
anything is timed both sides' bodies are compared. nginx serves them as files, so what costs our own side parsing and
look-ups (http.eps) costs it a GET. Figures of more than throughput are in a row's other keys: *_us are latencies, cpu_us
is the server's time on a core for one answer, other_… nginx's.

http.fair asks for the directory on four connections while eight others pull full maps. http.swap has two threads and
all cores, since loading and compressing have threads of their own; a view is what is resident before the first swap.
http.python is asked for what exists of its three, the endpoint property service.
"""
import contextlib
import dataclasses
import hashlib
import http.client
import json
import os
import pathlib
import random
import shutil
import socket
import sqlite3
import statistics
import threading
import time

from measure import Group, Skip, started

PEERS = pathlib.Path(__file__).resolve().parent.parent / "peers"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
COST_MAP = "/costmap/routingcost"
MAPS = ("/networkmap", COST_MAP, "/costmap/hopcount", "/costmap/delay-ow")
GIVE_UP_S = 120
SMALL_CONNECTIONS = 16
MAP_CONNECTIONS = 8
ENDPOINTS = 100

# The link of the highest metric: the longest in the national core.
ONE_LINK = "SELECT local_node, remote_node FROM ls_link ORDER BY igp_metric DESC, nlri LIMIT 1"
CHANGE = "UPDATE ls_link SET igp_metric = igp_metric / 2 WHERE (local_node, remote_node) IN (VALUES (?, ?), (?, ?))"


# ---- The published map ----


@dataclasses.dataclass(frozen=True)
class Published:
    """What mapgen left: a state directory whose map has two snapshots."""
    top: pathlib.Path
    before: str  # names of files in `maps`
    after: str

    maps = property(lambda self: self.top / "snapshots/default")

    def make_current(self, name):
        link = self.maps / "current.new"
        link.symlink_to(name)
        link.rename(self.maps / "current")


def mapgen(bench, top):
    """Publishes; the new snapshot's name."""
    configuration = top / "mapgen.yaml"
    configuration.write_text(f"state:\n  directory: {top}\n")
    bench.command([bench.build / "mapgen/altimeter-mapgen", "--once", "--config", configuration])
    return os.readlink(top / "snapshots/default/current")


def publish(bench):
    """The same for every group of a run."""
    top = bench.scratch / "server"
    names = top / "names.json"
    if not names.exists():
        state = bench.input().state
        bench.say("publishing two maps")
        shutil.rmtree(top, ignore_errors=True)  # of a group that failed here
        top.mkdir()
        for path in state.parent.glob(state.name + "*"):
            shutil.copy(path, top)
        before = mapgen(bench, top)
        db = sqlite3.connect(top / state.name)
        one, other = db.execute(ONE_LINK).fetchone()
        db.execute(CHANGE, (one, other, other, one))
        db.commit()
        db.close()
        names.write_text(json.dumps([before, mapgen(bench, top)]))
    before, after = json.loads(names.read_text())
    if before == after:
        raise RuntimeError("the changed link has changed no cost")
    published = Published(top, before, after)
    published.make_current(before)
    return published


# ---- Servers ----


def free_port():
    """Below what the kernel gives to clients, so that none of theirs takes it meanwhile."""
    for _ in range(1000):
        port = random.randrange(20000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port between 20000 and 32000")


def on_cores(cores):
    return {"preexec_fn": lambda: os.sched_setaffinity(0, cores)}


ALL_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = ALL_CORES[:1], ALL_CORES[-1]


@dataclasses.dataclass(frozen=True)
class Running:
    """A server, ours or another."""
    port: int
    pid: int

    def workers(self):
        """The processes that answer: itself and its children."""
        children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [str(self.pid), *children]

    def memory_mb(self, field="VmRSS"):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024 / 1e6
        raise RuntimeError(f"/proc/{self.pid}/status has no {field}")


def ask(port, request, timeout=GIVE_UP_S):
    """Sends a request as it is; the status, the headers and the body."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(request)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.headers, answer.read()


def wait_for(what, condition, pause=0.01):
    end = time.monotonic() + GIVE_UP_S
    while time.monotonic() < end:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if condition():
                return
        time.sleep(pause)
    raise RuntimeError(f"{what} not within {GIVE_UP_S} s")


def get(path, *fields):
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", *fields, "", ""]
    return "\r\n".join(lines).encode()


def post(path, media_type, body):
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Type: {media_type}", f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def altimeter(bench, published, threads=1, cores=None):
    """The arguments that start it, with its port."""
    port = free_port()
    configuration = bench.scratch / f"server-{port}.yaml"
    configuration.write_text(
        f"state:\n  directory: {published.top}\nlog:\n  level: warning\nserver:\n  listen: ['127.0.0.1:{port}']\n"
        f"  operator_listen: 127.0.0.1:{free_port()}\n  threads: {threads}\n  max_connections_per_client: 4096\n")
    words = [bench.build / "server/altimeter-server", "--config", configuration]
    return port, words, on_cores(cores or SERVER_CORE)


def is_encoded(port):
    return all("Content-Encoding" in ask(port, get(path, f"Accept-Encoding: {coding}"))[1]
               for path in MAPS for coding in ("zstd", "gzip"))


@contextlib.contextmanager
def serving(bench, published, **options):
    """altimeter-server with every coding ready."""
    port, words, more = altimeter(bench, published, **options)
    with started(words, **more) as process:
        wait_for("the server's first answer", lambda: ask(port, get("/directory"))[0] == 200)
        wait_for("the last coding", lambda: is_encoded(port), pause=0.1)
        yield Running(port, process.pid)


@contextlib.contextmanager
def nginx(bench, files, workers=1):
    """nginx with files {name: body} at its root."""
    if bench.quick:  # own side only
        yield None
        return
    if not os.access(NGINX, os.X_OK):
        raise Skip("nginx is not installed")
    port = free_port()
    directory = bench.scratch / f"nginx-{port}"
    (directory / "root").mkdir(parents=True)
    for name, body in files.items():
        (directory / "root" / name).write_bytes(body)
    text = (PEERS / "nginx.conf").read_text()
    words = {"USER": "user root;" if os.geteuid() == 0 else "", "WORKERS": workers, "DIRECTORY": directory, "PORT": port}
    for word, value in words.items():
        text = text.replace(f"@{word}@", str(value))
    configuration = directory / "nginx.conf"
    configuration.write_text(text)
    arguments = [NGINX, "-e", directory / "error.log", "-c", configuration]
    with started(arguments, **on_cores(SERVER_CORE)) as process:
        wait_for("nginx's first answer", lambda: ask(port, get("/" + next(iter(files))))[0] == 200)
        yield Running(port, process.pid)
    shutil.rmtree(directory)


# ---- Comparing ----


def check_same(ours, theirs):
    """Two answers (status, headers, body) of one status and the same bytes."""
    shown = [(status, len(body), hashlib.sha256(body).hexdigest()) for status, _, body in (ours, theirs)]
    if shown[0] != shown[1]:
        raise RuntimeError(f"status, length, SHA-256: ours {shown[0]}, the peer's {shown[1]}")


def drive(bench, running, request, connections=1, background=None, status=200, milliseconds=2000, count_cpu=True):
    """One run of the client; its figures by name."""
    words = ["--port", running.port, "--connections", connections, "--status", status, "--cpu", CLIENT_CORE,
             "--milliseconds", milliseconds // 8 if bench.quick else milliseconds]
    for option, value in (("--request", request), ("--background", background)):
        if value:
            path = bench.scratch / f"{option[2:]}.http"
            path.write_bytes(value)
            words += [option, path]
    if count_cpu:
        words += ["--server", ",".join(running.workers())]
    lines = bench.command([bench.build / "tests/bench/bench_http", *words]).splitlines()
    return {name: float(value) for name, value, _ in map(str.split, lines)}


def rounded(value):
    return float(f"{value:.4g}")


def duel(bench, name, unit, key, against, goal, ours, theirs, shown=("cpu", "p50", "p99")):
    """A row by the figure `key` of both sides' runs, and what else they have shown."""
    runs = ([], [])

    def side(index, run):
        def measured():
            runs[index].append(run())
            return runs[index][-1][key]
        return measured

    value, other = bench.interleave(side(0, ours), side(1, theirs))
    more = {}
    for prefix, figures in zip(("", "other_"), runs):
        for word in shown:
            if word != key and figures and word in figures[0]:
                kept = statistics.median(figure[word] for figure in figures)
                more[f"{prefix}{word}" + ("_mb_s" if word == "background" else "_us")] = rounded(kept)
    bench.row(name, value, unit, against=against if other is not None else None, other=other, goal=goal, **more)


# ---- render.*, lpm.* ----


def render(bench):
    published = publish(bench)
    words = [*([] if bench.quick else ["--peers"]), published.maps, published.after]
    figures = {name: figure.value for name, figure in bench.figures("bench_render", *words).items()}
    size = {"bytes": round(figures["bytes"] * 1e6)}
    bench.row("render.costmap", figures["costmap"], "ms", "jansson json_dumps", figures.get("json_dumps"),
              None if bench.quick else ">=50", **size)
    bench.row("render.copy", figures["costmap"], "ms", "memcpy into new memory", figures.get("memcpy"),
              None if bench.quick else "<=2.5", **size)
    bench.row("render.encoded", figures["encoded"], "ms", goal="<=150 ms", plain_mb=rounded(figures["encoded.bytes"]))
    bench.row("render.gzip", figures["gzip"], ":1", goal=">=15 :1")
    bench.row("render.zstd", figures["zstd"], ":1", goal=">=30 :1")


def lpm(bench):
    published = publish(bench)
    figures = {name: figure.value for name, figure in bench.figures("bench_lpm", published.maps / "current").items()}
    for name in ("v4", "v6"):
        trie = None if bench.quick else figures[f"{name}.trie"]
        bench.row(f"lpm.{name}", figures[name], "ns", "binary trie", trie, None if bench.quick else ">=10")
        bench.row(f"lpm.{name}.time", figures[name], "ns", goal="<=20 ns")
    prefixes = {"prefixes": round(figures["prefixes"])}
    bench.row("lpm.memory", figures["memory"], "MB", goal="<=4 MB", **prefixes)
    bench.row("lpm.build", figures["build"], "ms", goal="<=15 ms", **prefixes)


# ---- http.*: beside nginx ----


def endpoints_of(published):
    """As many addresses of random published prefixes, two thirds of them IPv4."""
    db = sqlite3.connect(f"file:{published.maps / published.before}?mode=ro", uri=True)
    name = db.execute("SELECT map FROM snapshot").fetchone()[0]
    prefixes = {family: [prefix for (text,) in db.execute("SELECT list FROM prefix_list WHERE family = ?", (family,))
                         for prefix in json.loads(text)] for family in ("ipv4", "ipv6")}
    db.close()
    drawn = random.Random(7)
    families = ["ipv6" if i % 3 == 2 and prefixes["ipv6"] else "ipv4" for i in range(ENDPOINTS)]
    addresses = [f"{family}:{drawn.choice(prefixes[family]).split('/')[0]}" for family in families]
    body = json.dumps({"properties": [f"{name}.pid"], "endpoints": addresses}).encode()
    return post("/endpointprop", "application/alto-endpointpropparams+json", body)


def beside_nginx(bench):
    published = publish(bench)
    properties = endpoints_of(published)
    with serving(bench, published) as own:
        cost_map, directory = ask(own.port, get(COST_MAP)), ask(own.port, get("/directory"))
        answer = ask(own.port, properties)
        files = {"costmap": cost_map[2], "directory": directory[2], "properties": answer[2]}
        with nginx(bench, files) as peer:
            if peer:
                for name, ours in (("costmap", cost_map), ("directory", directory), ("properties", answer)):
                    check_same(ours, ask(peer.port, get("/" + name)))
            in_turns(bench, own, peer, directory[1]["ETag"], properties)


def in_turns(bench, own, peer, tag, properties):
    def both(name, unit, key, goal, requests, **options):
        shown = options.pop("shown", ("cpu", "p50", "p99"))
        backgrounds = options.pop("backgrounds", (None, None))
        duel(bench, name, unit, key, "nginx", None if bench.quick else goal,
             lambda: drive(bench, own, requests[0], background=backgrounds[0], **options),
             lambda: drive(bench, peer, requests[1], background=backgrounds[1], **options), shown)

    maps = get(COST_MAP), get("/costmap")
    directories = get("/directory"), get("/directory")
    both("http.costmap", "MB/s", "throughput", ">=1.2", maps, connections=MAP_CONNECTIONS)
    both("http.small.ird", "1/s", "rate", ">=0.9", directories, connections=SMALL_CONNECTIONS)
    both("http.eps", "1/s", "rate", ">=0.8", (properties, get("/properties")), connections=SMALL_CONNECTIONS)
    both("http.fair", "us", "p99", "<=0.5", directories, connections=4, backgrounds=maps,
         shown=("p50", "p99.9", "background"))
    peer_tag = ask(peer.port, get("/directory"))[1]["ETag"] if peer else tag
    unchanged = [get("/directory", f"If-None-Match: {word}") for word in (tag, peer_tag)]
    both("http.small.304", "1/s", "rate", ">=0.7", unchanged, connections=SMALL_CONNECTIONS, status=304)


# ---- http.*: alone ----


def start(bench):
    """From the process's start to a whole answer; what the machine has cached of the files stays so."""
    published = publish(bench)
    took_ms = []
    for _ in range(bench.rounds):
        port, words, more = altimeter(bench, published, threads=0, cores=ALL_CORES)
        begin = time.monotonic()
        with started(words, **more):
            wait_for("the first answer", lambda: ask(port, get("/directory"))[0] == 200, pause=0.001)
            took_ms.append((time.monotonic() - begin) * 1e3)
    bench.row("http.start", statistics.median(took_ms), "ms", goal="<=250 ms", worst_ms=rounded(max(took_ms)))


def memory(bench):
    """Resident when every coding is ready, and with the cost maps read once, so that nothing is left to be made."""
    published = publish(bench)
    with serving(bench, published) as own:
        bodies = sum(len(ask(own.port, get(path))[2]) for path in MAPS)
        bench.row("http.memory", own.memory_mb(), "MB", goal="<=250 MB", peak_mb=rounded(own.memory_mb("VmHWM")),
                  bodies_mb=rounded(bodies / 1e6))


def swap_again_and_again(published, done, pause_s):
    names = [published.after, published.before]
    swaps = 0
    while not done.wait(pause_s):
        published.make_current(names[swaps % 2])
        swaps += 1
    return swaps


def swap(bench):
    published = publish(bench)
    pause_s, milliseconds = (0.5, 12000) if bench.quick else (2.0, 20000)
    with serving(bench, published, threads=2, cores=ALL_CORES) as own:
        view_mb = own.memory_mb()
        pathlib.Path(f"/proc/{own.pid}/clear_refs").write_text("5")  # the peak is counted from here
        asked = {"connections": 4, "milliseconds": milliseconds}
        quiet = drive(bench, own, get("/directory"), **asked)
        done, swaps = threading.Event(), []
        swapper = threading.Thread(target=lambda: swaps.append(swap_again_and_again(published, done, pause_s)))
        swapper.start()
        try:
            busy = drive(bench, own, get("/directory"), **asked)
        finally:
            done.set()
            swapper.join()
        wait_for("the last coding", lambda: is_encoded(own.port), pause=0.1)
        more = {"swaps": swaps[0], "p99.9_us": rounded(busy["p99.9"]), "quiet_p99.9_us": rounded(quiet["p99.9"]),
                "worst_us": rounded(busy["worst"])}
        bench.row("http.swap", max(0.0, (busy["p99.9"] - quiet["p99.9"]) / 1e3), "ms", goal="<=5 ms", **more)
        bench.row("http.swap.memory", own.memory_mb("VmHWM") / view_mb, "views", goal="<=1.3 views",
                  view_mb=rounded(view_mb))


def python(bench):
    published = publish(bench)
    properties = endpoints_of(published)
    with serving(bench, published, threads=2, cores=ALL_CORES) as own, flask(bench, published) as peer:
        if peer:
            check_same(ask(own.port, properties), ask(peer.port, properties))
        duel(bench, "http.python", "1/s", "rate", "Flask and gunicorn, two workers", None if bench.quick else ">=20",
             lambda: drive(bench, own, properties, connections=SMALL_CONNECTIONS),
             lambda: drive(bench, peer, properties, connections=SMALL_CONNECTIONS))


@contextlib.contextmanager
def flask(bench, published):
    if bench.quick:
        yield None
        return
    port = free_port()
    # gthread: the only one of gunicorn's own workers that keeps connections
    arguments = ["/usr/bin/python3", "-m", "gunicorn", "--chdir", PEERS, "--workers", 2, "--worker-class", "gthread",
                 "--threads", 4, "--keep-alive", 3600, "--log-level", "error", "--bind", f"127.0.0.1:{port}",
                 "flask_properties:app"]
    environment = os.environ | {"ALTIMETER_SNAPSHOT": str(published.maps / published.before), "PYTHONDONTWRITEBYTECODE": "1"}
    with started(arguments, env=environment, **on_cores(ALL_CORES)) as process:
        def answers():
            if process.poll() is not None:
                raise Skip("gunicorn or Flask is not installed")
            return ask(port, endpoints_of(published))[0] == 200
        wait_for("Flask's first answer", answers, pause=0.1)
        yield Running(port, process.pid)


ROWS = [
    Group(names=("render.costmap", "render.copy", "render.encoded", "render.gzip", "render.zstd"), run=render),
    Group(names=("lpm.v4", "lpm.v4.time", "lpm.v6", "lpm.v6.time", "lpm.memory", "lpm.build"), run=lpm),
    Group(names=("http.costmap", "http.small.ird", "http.eps", "http.fair", "http.small.304"), run=beside_nginx),
    Group(names=("http.start",), run=start),
    Group(names=("http.memory",), run=memory),
    Group(names=("http.swap", "http.swap.memory"), run=swap),
    Group(names=("http.python",), run=python),
]
