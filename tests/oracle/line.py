"""A lab and a line: from a scenario to snapshots, without gobgpd and without a stand-in for anything of ours.

    altimeter-lab ──BGP──▶ Session ──BMP──▶ oracle_line (line.c) ──▶ state.db, snapshots

A Session is a BGP speaker that a reflector of the lab believes to be its client. What it hears goes on as a router
with BMP would pass it on: Peer Up with both OPENs, each UPDATE in a Route Monitoring, Peer Down. It holds the messages
until it is asked for them, so that their order can be another one.
"""
import contextlib
import os
import pathlib
import random
import select
import socket
import struct
import subprocess
import tempfile
import time

MARKER = b"\xff" * 16
OPEN, UPDATE, KEEPALIVE = 1, 2, 4
FAMILIES = {"ls": (16388, 71), "ipv4": (1, 1), "ipv6": (2, 1)}
CONFIG_FAMILIES = {"ls": "link-state", "ipv4": "ipv4-unicast", "ipv6": "ipv6-unicast"}
END_OF_RIB = {bytes(4)} | {  # of IPv4; MP_UNREACH without NLRI, its length in one octet or two (L-110)
    bytes.fromhex(head) + struct.pack("!HB", *family) for family in FAMILIES.values()
    for head in ("00000006800f03", "00000007900f0003")}
ROUTE_MONITORING, PEER_DOWN, PEER_UP = 0, 2, 3
PATIENCE_S = 20
SILENCE_S = 0.5
ASSUMED_S = 40  # L-114: by then a load without End-of-RIB is complete


class Failure(Exception):
    """The lab or the line did not do what was asked of it."""


class Refused(Exception):
    """The lab knows the command and cannot do it now; nothing has changed."""


def scratch_directory():
    """In memory where there is room: thousands of snapshots are synced."""
    shared = pathlib.Path("/dev/shm")
    parent = shared if shared.is_dir() and os.access(shared, os.W_OK) else None
    return tempfile.TemporaryDirectory(prefix="altimeter-oracle-", dir=parent)


def free_port(taken):
    """One that nobody listens at now, below the ports that connections take."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            if port not in taken:
                probe.bind(("127.0.0.1", port))
                return port


class Lab:
    """A running altimeter-lab."""

    def __init__(self, program, scenario, directory, reflectors):
        self.ports = {}
        for name in reflectors:
            self.ports[name] = free_port(self.ports.values())
        self.path = str(directory / "lab.sock")
        command = [str(program), "--socket", self.path, "--log-level", "error"]
        for name, port in self.ports.items():
            command += ["--listen", f"{name}=127.0.0.1:{port}"]
        self.process = subprocess.Popen(command + [str(scenario)], stderr=subprocess.PIPE, text=True)
        self.socket = self.connect()
        self.lines = self.socket.makefile("r", encoding="utf-8")

    def connect(self):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError):
                stream = socket.socket(socket.AF_UNIX)
                stream.connect(self.path)
                return stream
            time.sleep(0.005)
        self.process.kill()
        raise Failure(f"the lab does not start: {self.process.communicate()[1].strip()}")

    def control(self, command):
        """The words of the answer: {"updates": "4", …}."""
        self.socket.sendall(command.encode() + b"\n")
        answer = self.lines.readline().strip()
        if not answer.startswith("ok"):
            raise Refused(f"{command}: {answer}")
        return dict(word.split("=", 1) for word in answer.split()[1:])

    def close(self):
        self.lines.close()
        self.socket.close()
        self.process.terminate()
        _, errors = self.process.communicate(timeout=PATIENCE_S)
        if self.process.returncode != 0:
            raise Failure(f"the lab ended with {self.process.returncode}: {errors}")


def message(kind, body):
    return MARKER + struct.pack("!HB", 19 + len(body), kind) + body


def open_message(as_number, families):
    capabilities = b"".join(struct.pack("!BBHBB", 1, 4, FAMILIES[f][0], 0, FAMILIES[f][1]) for f in families)
    ways = b"".join(struct.pack("!HBB", *FAMILIES[f], 1) for f in families)  # several paths of a prefix: we take them
    capabilities += struct.pack("!BBI", 65, 4, as_number) + struct.pack("!BB", 69, len(ways)) + ways
    body = struct.pack("!BHH4sB", 4, as_number if as_number < 65536 else 23456, 0, b"\x0a\x09\x09\x09",
                       2 + len(capabilities))
    return message(OPEN, body + struct.pack("!BB", 2, len(capabilities)) + capabilities)


class Session:
    """With one reflector, from its OPEN to its last End-of-RIB and beyond."""

    def __init__(self, port, number, as_number, families):
        self.number, self.as_number, self.families = number, as_number, families
        self.address = bytes([192, 0, 2, number])
        self.rest = b""
        self.sent = open_message(as_number, families)
        self.stream = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self.stream.sendall(self.sent + message(KEEPALIVE, b""))
        self.received = self.next_message()
        if self.received[18] != OPEN:
            raise Failure(f"reflector {number}: an OPEN expected, message {self.received.hex()} came")

    def next_message(self):
        while len(self.rest) < 19 or len(self.rest) < struct.unpack("!H", self.rest[16:18])[0]:
            part = self.stream.recv(1 << 16)
            if not part:
                raise Failure(f"reflector {self.number} closed the session")
            self.rest += part
        length = struct.unpack("!H", self.rest[16:18])[0]
        whole, self.rest = self.rest[:length], self.rest[length:]
        return whole

    def table(self, has_ends):
        """UPDATEs up to the last family's End-of-RIB, and the Ends-of-RIB; without those, up to a silence."""
        updates, ends = [], []
        while len(ends) < len(self.families):
            if not has_ends and not self.rest and not select.select([self.stream], [], [], SILENCE_S)[0]:
                break
            whole = self.next_message()
            if whole[18] == UPDATE:
                (ends if whole[19:] in END_OF_RIB else updates).append(whole)
        return updates, ends

    def waiting(self):
        """What has come since, without waiting: whole UPDATEs."""
        updates = []
        while select.select([self.stream], [], [], 0)[0]:
            part = self.stream.recv(1 << 16)
            if not part:
                break
            self.rest += part
        while len(self.rest) >= 19 and len(self.rest) >= struct.unpack("!H", self.rest[16:18])[0]:
            whole = self.next_message()
            if whole[18] == UPDATE:
                updates.append(whole)
        return updates

    def header(self, kind, body):
        """A BMP message of this peer (RFC 7854 section 4.2): global instance, IPv4, pre-policy, 4-octet AS numbers."""
        peer = struct.pack("!BB8s12s4sI4sII", 0, 0, bytes(8), bytes(12), self.address, self.as_number,
                           self.received[24:28], 0, 0)
        return struct.pack("!BIB", 3, 6 + len(peer) + len(body), kind) + peer + body

    def peer_up(self):
        local = struct.pack("!12s4sHH", bytes(12), bytes([127, 0, 0, 1]), 179, 40000 + self.number)
        return self.header(PEER_UP, local + self.sent + self.received)

    def peer_down(self):
        return self.header(PEER_DOWN, b"\x04")  # remote close without NOTIFICATION

    def monitored(self, updates):
        return b"".join(self.header(ROUTE_MONITORING, update) for update in updates)

    def close(self):
        self.stream.close()


def configuration(directory, facts):
    """altimeter.yaml for the reflectors of the facts."""
    neighbours = "".join(
        f"    - name: {reflector['name']}\n      address: 192.0.2.{number}\n      unicast: bmp\n"
        f"      families: [{', '.join(CONFIG_FAMILIES[f] for f in reflector['count'])}]\n"
        for number, reflector in enumerate(facts["reflectors"], 1))
    path = directory / "altimeter.yaml"
    path.write_text(f"state:\n  directory: {directory}\nlog:\n  level: error\n"
                    f"speaker:\n  asn: {facts['as']}\n  router_id: 10.9.9.9\n  neighbours:\n{neighbours}",
                    encoding="utf-8")
    return path


class Line:
    """A running oracle_line, fed by a session with each reflector that is up."""

    def __init__(self, program, directory, lab, facts):
        directory.mkdir(exist_ok=True)
        self.directory, self.lab, self.as_number = directory, lab, facts["as"]
        self.reflectors = {r["name"]: (number, sorted(r["count"]), r["end_of_rib"])
                           for number, r in enumerate(facts["reflectors"], 1)}
        self.sessions = {}
        self.config = configuration(directory, facts)
        self.process = subprocess.Popen([str(program), str(self.config)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def order(self, words):
        self.process.stdin.write(words.encode() + b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().decode().strip()
        if not answer.startswith("ok"):
            raise Failure(f"{words}: {answer or self.process.communicate()[1].decode()}")
        return answer[3:]

    def say(self, octets):
        if octets:
            self.process.stdin.write(f"bmp {len(octets)}\n".encode() + octets)
            self.process.stdin.flush()

    def up(self, name, dice=None):
        """A session with the reflector, and its whole table; with dice in another order, some of it twice."""
        number, families, has_ends = self.reflectors[name]
        session = Session(self.lab.ports[name], number, self.as_number, families)
        updates, ends = session.table(has_ends)
        if dice:
            dice.shuffle(updates)
            dice.shuffle(ends)
            again = [update for update in updates if dice.random() < 0.1]
            updates += again
        self.say(session.peer_up() + session.monitored(updates + ends))
        self.sessions[name] = session

    def down(self, name):
        session = self.sessions.pop(name)
        self.say(session.peer_down())
        session.close()

    def hear(self, octets):
        """Passes on what a command made the reflectors say; octets: of all their sessions with us."""
        end = time.monotonic() + PATIENCE_S
        while octets > 0:
            if time.monotonic() > end:
                raise Failure(f"{octets} octets of UPDATEs did not come")
            streams = {session.stream: session for session in self.sessions.values()}
            for stream in select.select(list(streams), [], [], 1)[0]:
                updates = streams[stream].waiting()
                octets -= sum(len(update) for update in updates)
                self.say(streams[stream].monitored(updates))
        if octets < 0:
            raise Failure(f"{-octets} octets of UPDATEs more than the lab says")

    def map(self):
        """The path of a snapshot of all that was said; loads are complete by then."""
        self.order(f"pass {ASSUMED_S}")
        return self.directory / "snapshots" / "default" / self.order("map")

    def anew(self):
        self.order("anew")

    def close(self):
        for session in self.sessions.values():
            session.close()
        _, errors = self.process.communicate(timeout=PATIENCE_S)
        if self.process.returncode != 0:
            raise Failure(f"the line ended with {self.process.returncode}: {errors.decode()}")
        if errors:
            raise Failure(f"the line said: {errors.decode()}")

    def kill(self):
        self.process.kill()
        self.process.communicate()
        for session in self.sessions.values():
            session.close()
