"""The whole line as a test fixture: lab, gobgpd, collector, mapgen and server on free ports in one directory.

    with Chain(build, "tests/lab/scenarios/triangle.yaml") as chain:
        chain.start_all()
        chain.wait_for_map()
        chain.lab("metric a b 7")

Everything that was started is stopped when the block is left, and the logs are shown if it was left by an error.
"""
import json
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAMS = {
    "lab": "tests/lab/altimeter-lab",
    "collector": "collector/altimeter-collector",
    "mapgen": "mapgen/altimeter-mapgen",
    "server": "server/altimeter-server",
    "ctl": "ctl/altimeter",
}


class Failure(Exception):
    """What a test expected and did not see."""


def free_port():
    """A TCP port that was free a moment ago on every loopback address that a chain uses."""
    while True:
        with socket.socket() as one, socket.socket() as two, socket.socket() as three:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                two.bind(("127.0.1.1", port))
                three.bind(("127.0.1.2", port))
                return port
            except OSError:
                continue


def wait_until(what, condition, seconds=20.0):
    """Polls condition until it gives something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"after {seconds:g} s still waiting: {what}")
        time.sleep(0.02)


class Chain:
    """One line of programs; each can be started, stopped and killed alone.

    under: where the directory is made, if not among the temporary files."""

    def __init__(self, build, scenario, neighbours=2, extra="", under=None):
        self.build = pathlib.Path(build)
        self.scenario = TOP / scenario
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="altimeter-test-", dir=under))
        self.bgp_port, self.bmp_port = free_port(), free_port()
        self.alto_port, self.operator_port = free_port(), free_port()
        self.processes = {}
        self.neighbours = neighbours
        self.extra = extra
        self.write_configuration()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        named = ("server", "mapgen", "collector", "gobgpd", "lab")
        for name in (*named, *(self.processes.keys() - named)):
            self.stop(name, check=kind is None)
        if kind is not None:
            for log in sorted(self.directory.glob("*.log")):
                lines = log.read_text(errors="replace").splitlines()
                print(f"---- {log.name}, the last of {len(lines)} lines")
                print("\n".join(lines[-25:]))
        shutil.rmtree(self.directory, ignore_errors=True)

    # ---- configuration ----

    def write_configuration(self):
        """altimeter.yaml in the directory, with as many neighbours as asked for."""
        neighbours = "".join(
            f"    - name: rr{i}\n      address: 127.0.1.{i}\n      port: {self.bgp_port}\n"
            for i in range(1, self.neighbours + 1)
        )
        self.config = self.directory / "altimeter.yaml"
        self.config.write_text(
            f"state:\n  directory: {self.directory}/state\n"
            f"speaker:\n  asn: 64500\n  router_id: 10.255.255.1\n"
            f"  api: unix:{self.directory}/gobgpd.sock\n  neighbours:\n{neighbours}"
            f"bmp:\n  listen: 127.0.0.1:{self.bmp_port}\n"
            f"server:\n  listen: [127.0.0.1:{self.alto_port}]\n"
            f"  operator_listen: 127.0.0.1:{self.operator_port}\n{self.extra}"
        )
        (self.directory / "state").mkdir(exist_ok=True)

    @property
    def snapshots(self):
        """The directory of the default map's snapshots."""
        return self.directory / "state" / "snapshots" / "default"

    # ---- processes ----

    def command(self, name):
        """The command line of one of the five programs."""
        if name == "gobgpd":
            return ["gobgpd", "--api-hosts", f"unix://{self.directory}/gobgpd.sock",
                    "--pprof-disable", "--log-plain", "--log-level", "info"]
        program = str(self.build / PROGRAMS[name])
        if name == "lab":
            return [program, "--socket", f"{self.directory}/lab.sock",
                    "--listen", f"rr1=127.0.1.1:{self.bgp_port}",
                    "--listen", f"rr2=127.0.1.2:{self.bgp_port}", str(self.scenario)]
        return [program, "--config", str(self.config)]

    def start(self, name):
        """Starts one program; its output goes to NAME.log."""
        if name == "gobgpd":
            (self.directory / "gobgpd.sock").unlink(missing_ok=True)
        with open(self.directory / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                self.command(name), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def start_all(self):
        """The whole line, in the order of the data."""
        for name in ("lab", "gobgpd", "collector", "mapgen", "server"):
            self.start(name)

    def stop(self, name, check=True):
        """SIGTERM; ours must leave by themselves, with status 0."""
        process = self.processes.pop(name, None)
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failure(f"{name} did not end within 20 s of SIGTERM") from None
        if check and name in PROGRAMS and status != 0:
            raise Failure(f"{name} ended with status {status}; 0 expected")

    def kill(self, name):
        """SIGKILL, as a crash would end it."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def check_alive(self):
        """Nothing that was started has ended by itself."""
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise Failure(f"{name} ended by itself with status {process.returncode}")

    def log_of(self, name):
        """All that a program has said so far."""
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def lab(self, command):
        """One command to the lab; its answer without the "ok" that it begins with, if it has no other lines."""
        program = str(self.build / PROGRAMS["lab"])
        done = subprocess.run([program, "--control", f"{self.directory}/lab.sock", command],
                              capture_output=True, text=True, timeout=20, check=False)
        if done.returncode != 0:
            raise Failure(f"lab: {command}: {done.stdout}{done.stderr}")
        return done.stdout.removeprefix("ok").strip()

    # ---- what can be seen ----

    def get(self, path, headers=None, body=None):
        """(status, headers, body) of a GET, or of a POST of body; status 0 when nobody answers."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.alto_port}{path}", body, headers or {})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()
        except (urllib.error.URLError, ConnectionError):
            return 0, {}, b""

    def json(self, path):
        """A resource's document; it must be there."""
        status, _, body = self.get(path)
        if status != 200:
            raise Failure(f"GET {path}: status {status}: {body[:200]!r}")
        return json.loads(body)

    def tag(self, path="/networkmap"):
        """The version tag of a map."""
        return self.json(path)["meta"]["vtag"]["tag"]

    def cost(self, source, destination, metric="routingcost"):
        """One pair's cost as served, or None."""
        return self.json(f"/costmap/{metric}")["cost-map"].get(source, {}).get(destination)

    def wait_for_map(self, seconds=40.0):
        """Until the cost map is served."""
        def served():
            self.check_alive()
            return self.get("/costmap/routingcost")[0] == 200
        wait_until("the first map", served, seconds)

    def state(self, sql):
        """Rows of state.db; none while it is not there."""
        path = self.directory / "state" / "state.db"
        if not path.exists():
            return []
        return self.query(path, sql)

    def snapshot(self, sql):
        """Rows of the current snapshot."""
        return self.query((self.snapshots / "current").resolve(), sql)

    @staticmethod
    def query(path, sql):
        """Rows of a SQLite file, opened read-only."""
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        try:
            return database.execute(sql).fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            database.close()


def run(tests, build):
    """Runs the test functions, one line each; the exit status of the script."""
    failed = 0
    for test in tests:
        begin = time.monotonic()
        try:
            test(build)
            print(f"ok: {test.__name__} ({time.monotonic() - begin:.1f} s)", flush=True)
        except (Failure, AssertionError, subprocess.SubprocessError, OSError, KeyError) as error:
            failed += 1
            print(f"FAILED: {test.__name__}: {type(error).__name__}: {error}", flush=True)
    print(f"{len(tests) - failed} passed, {failed} failed")
    return 1 if failed else 0
