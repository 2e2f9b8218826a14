#!/usr/bin/python3
"""altimeter-server as its clients meet it: real sockets on loopback, hostile ones among them.

    tests/integration/test_server.py SERVER [TEST…]
"""
import contextlib
import gzip
import http.client
import ipaddress
import json
import os
import pathlib
import random
import select
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "oracle"))
import alto_schema
from snapshot_file import make_current, tag_of, write_snapshot, write_status

SERVER = os.path.abspath(sys.argv.pop(1))
WAIT = 10.0  # for what takes milliseconds on a quiet machine

PIDS = {
    "mad-cr1": (["192.0.2.0/25", "198.51.100.0/25"], []),
    "lis-cr2": (["192.0.2.128/25"], ["2001:db8:40::/44"]),
    "default": (["0.0.0.0/0"], ["::/0"]),
}
COSTS = {
    "routingcost": {"mad-cr1": {"mad-cr1": "0", "lis-cr2": "30"}, "lis-cr2": {"mad-cr1": "30", "lis-cr2": "0"}},
    "hopcount": {"mad-cr1": {"mad-cr1": "0", "lis-cr2": "1"}, "lis-cr2": {"mad-cr1": "1", "lis-cr2": "0"}},
    "delay-ow": {"mad-cr1": {"lis-cr2": "2500.5"}},
}
CONTEXTS = {"delay-ow": '{"cost-source":"estimation"}'}


def large_map(count):
    pids = {f"pid-{i:04d}-with-a-name": ([f"10.{i // 256}.{i % 256}.0/24"], []) for i in range(count)}
    costs = {"routingcost": {s: {d: str(1 + (i * 7 + j * 13) % 9999) for j, d in enumerate(pids)}
                             for i, s in enumerate(pids)}}
    return pids, costs


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


def until(what, condition):
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true within {WAIT} s")


class Server:
    """One server in a directory of its own."""

    def __init__(self, options=""):
        self.directory = tempfile.TemporaryDirectory(prefix="altimeter-")
        self.top = pathlib.Path(self.directory.name)
        self.snapshots = self.top / "state" / "snapshots" / "default"
        self.snapshots.mkdir(parents=True)
        self.port, self.operator = free_ports(2)
        self.numbers = 0
        self.options = options
        self.configure()
        self.log = self.top / "log"
        self.process = None

    def configure(self, options=None):
        (self.top / "altimeter.yaml").write_text(
            f"state:\n  directory: {self.top}/state\nserver:\n  listen: ['127.0.0.1:{self.port}']\n"
            f"  operator_listen: 127.0.0.1:{self.operator}\n  threads: 2\n"
            + "".join(f"  {line}\n" for line in (self.options if options is None else options).splitlines()))

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([SERVER, "--config", self.top / "altimeter.yaml"], stderr=log)
        until("listening", lambda: self.process.poll() is not None or self.logged("serving the operator"))
        return self

    def logged(self, text):
        return text in self.log.read_text()

    def publish(self, pids=None, costs=None, name=None, **more):
        self.numbers += 1
        name = name or f"{self.numbers:04d}.db"
        tag = write_snapshot(self.snapshots / name, PIDS if pids is None else pids,
                             COSTS if costs is None else costs, number=self.numbers, contexts=CONTEXTS, **more)
        make_current(self.snapshots, name)
        until(f"loading {name}", lambda: self.logged(f"file={name} "))
        return tag

    def get(self, path, method="GET", port=None, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=WAIT)
        connection.request(method, path, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})
        response = connection.getresponse()
        response.body = response.read()
        connection.close()
        return response

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=WAIT)
        return s

    def is_listening(self):
        try:
            self.connect().close()
            return True
        except ConnectionRefusedError:
            return False

    def raw(self, data):
        """Everything that comes back until the server closes."""
        with self.connect() as s:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                s.sendall(data)
            return read_all(s)

    def stop(self):
        code = None
        if self.process:
            self.process.terminate()
            code = self.process.wait(WAIT)
        log = self.log.read_text() if self.log.exists() else ""
        self.directory.cleanup()
        return code, log


def read_all(s):
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := s.recv(65536):
            data += chunk
    return data


class WithServer(unittest.TestCase):
    options = ""

    def setUp(self):
        self.server = Server(self.options)
        self.addCleanup(self.stop)
        self.server.start()

    def stop(self):
        code, log = self.server.stop()
        if code != 0:
            sys.stderr.write(log)
        self.assertEqual(code, 0, "the server's exit status")


class Resources(WithServer):
    def test_a048_before_the_first_snapshot_everything_is_503(self):
        for path in "/", "/networkmap":
            answer = self.server.get(path)
            self.assertEqual((answer.status, answer.getheader("Retry-After")), (503, "1"))
        self.server.publish()
        self.assertEqual(self.server.get("/").status, 200)

    def test_a001_everything_in_the_directory_answers_and_is_valid(self):
        self.server.publish()
        answer = self.server.get("/")
        self.assertEqual(answer.getheader("Content-Type"), "application/alto-directory+json")
        self.assertEqual(answer.body, self.server.get("/directory").body)
        directory = alto_schema.load(answer.body)
        alto_schema.check(answer.getheader("Content-Type"), directory)
        alto_schema.check("application/alto-directory+json",
                          alto_schema.load(self.server.get("/directory/rfc7285").body))
        self.assertEqual(set(directory["resources"]),
                         {"netmap", "costmap-routingcost", "costmap-hopcount", "costmap-delay-ow",
                          "endpoint-properties"})
        for name, entry in directory["resources"].items():
            if "accepts" in entry:
                continue  # by POST, below
            answer = self.server.get(entry["uri"], Accept=entry["media-type"])
            document = alto_schema.load(answer.body)
            self.assertEqual((answer.status, answer.getheader("Content-Type")), (200, entry["media-type"]))
            alto_schema.check(entry["media-type"], document)
            self.assertEqual(document["meta"]["vtag"]["resource-id"], name)
            types = [directory["meta"]["cost-types"][t]
                     for t in entry.get("capabilities", {}).get("cost-type-names", [])]
            self.assertEqual([document["meta"]["cost-type"]] if types else [], types)

    def test_the_maps_are_what_the_snapshot_says(self):
        tag = self.server.publish()
        netmap = alto_schema.load(self.server.get("/networkmap").body)
        self.assertEqual(netmap["meta"]["vtag"], {"resource-id": "netmap", "tag": tag})
        self.assertEqual({name: (groups.get("ipv4", []), groups.get("ipv6", []))
                          for name, groups in netmap["network-map"].items()}, PIDS)
        for metric, rows in COSTS.items():
            document = alto_schema.load(self.server.get(f"/costmap/{metric}").body)
            self.assertEqual(document["meta"]["dependent-vtags"], [netmap["meta"]["vtag"]])
            self.assertEqual(document["meta"]["cost-type"]["cost-metric"], metric)
            self.assertEqual(document["cost-map"],
                             {s: {d: float(c) for d, c in row.items()} for s, row in rows.items()})

    def test_a056_a085_endpoint_properties_by_longest_match(self):
        noise = random.Random(7)
        pids = {"default": (["0.0.0.0/0"], ["::/0"])}
        for i in range(60):
            ipv4 = sorted({ipaddress.ip_network((noise.getrandbits(32) & 0x0f03ffff, noise.randrange(4, 33)), False)
                           for _ in range(8)} - {n for groups in pids.values() for n in map(ipaddress.ip_network, groups[0])})
            pids[f"p{i:02d}"] = ([str(n) for n in ipv4], [])
        tag = self.server.publish(pids, {})
        networks = {ipaddress.ip_network(p): name for name, groups in pids.items() for p in groups[0] + groups[1]}
        addresses = [ipaddress.ip_address(noise.getrandbits(32) & 0x0f03ffff) for _ in range(500)]
        addresses += [n[0] for n in networks] + [n[-1] for n in networks]
        body = json.dumps({"properties": ["netmap.pid"],
                           "endpoints": [f"ipv{a.version}:{a}" for a in addresses]}).encode()
        answer = self.server.get("/endpointprop", "POST", body=body,
                                 Content_Type="application/alto-endpointpropparams+json")
        self.assertEqual((answer.status, answer.getheader("Content-Type")), (200, "application/alto-endpointprop+json"))
        document = alto_schema.load(answer.body)
        alto_schema.check(answer.getheader("Content-Type"), document)
        self.assertEqual(document["meta"]["dependent-vtags"], [{"resource-id": "netmap", "tag": tag}])
        for address in addresses:
            longest = max((n for n in networks if n.version == address.version and address in n),
                          key=lambda n: n.prefixlen)
            self.assertEqual(document["endpoint-properties"][f"ipv{address.version}:{address}"],
                             {"netmap.pid": networks[longest]}, address)
        wrong = self.server.get("/endpointprop", "POST", body=b'{"properties":["x"],"endpoints":["y"]}',
                                Content_Type="application/alto-endpointpropparams+json")
        self.assertEqual((wrong.status, wrong.getheader("Content-Type")), (400, "application/alto-error+json"))
        alto_schema.check("application/alto-error+json", alto_schema.load(wrong.body))

    def test_a015_a018_codings_and_conditions(self):
        self.server.publish(*large_map(60))
        plain = self.server.get("/costmap/routingcost")
        zipped = until("gzip", lambda: (lambda a: a.getheader("Content-Encoding") and a)(
            self.server.get("/costmap/routingcost", Accept_Encoding="gzip")))
        self.assertEqual(gzip.decompress(zipped.body), plain.body)
        zstd = until("zstd", lambda: (lambda a: a.getheader("Content-Encoding") and a)(
            self.server.get("/costmap/routingcost", Accept_Encoding="zstd, gzip")))
        self.assertEqual((zstd.getheader("Content-Encoding"), zstd.body[:4]), ("zstd", b"\x28\xb5\x2f\xfd"))
        tags = [a.getheader("ETag") for a in (plain, zipped, zstd)]
        self.assertEqual(len(set(tags)), 3)
        for answer, coding in (plain, "identity"), (zipped, "gzip"), (zstd, "zstd"):
            again = self.server.get("/costmap/routingcost", Accept_Encoding=coding,
                                    If_None_Match=answer.getheader("ETag"))
            self.assertEqual((again.status, again.getheader("ETag"), again.body),
                             (304, answer.getheader("ETag"), b""))
            self.assertEqual(again.getheader("Vary"), "Accept-Encoding")
        head = self.server.get("/costmap/routingcost", "HEAD")
        self.assertEqual((head.status, head.getheader("Content-Length"), head.body),
                         (200, str(len(plain.body)), b""))
        since = self.server.get("/costmap/routingcost", If_Modified_Since=plain.getheader("Last-Modified"))
        self.assertEqual(since.status, 304)

    def test_a011_answers_to_what_no_rule_covers(self):
        self.server.publish()
        for method, path, headers, status, field in (
                ("GET", "/nothing", {}, 404, None),
                ("POST", "/networkmap", {}, 405, ("Allow", "GET, HEAD, OPTIONS")),
                ("DELETE", "/", {}, 405, ("Allow", "GET, HEAD, OPTIONS")),
                ("OPTIONS", "/", {}, 204, ("Allow", "GET, HEAD, OPTIONS")),
                ("GET", "/networkmap", {"Accept": "text/html"}, 406, None)):
            answer = self.server.get(path, method, **headers)
            self.assertEqual(answer.status, status, (method, path))
            if field:
                self.assertEqual(answer.getheader(field[0]), field[1])
            if status >= 400:
                self.assertEqual(answer.body.count(b"\n"), 1)

    def test_d042_health_and_readiness(self):
        server, port = self.server, self.server.operator
        self.assertEqual(server.get("/healthz", port=port).status, 200)
        self.assertEqual(server.get("/readyz", port=port).status, 503)
        server.publish(name="a.db", time_us=1)
        self.assertIn(b"not ready: the map was confirmed", server.get("/readyz", port=port).body)
        write_status(server.snapshots, "a.db")
        until("readiness", lambda: server.get("/readyz", port=port).status == 200)
        write_status(server.snapshots, "b.db")  # confirms another map than ours: ours gets older, no more
        time.sleep(0.2)
        self.assertEqual(server.get("/readyz", port=port).status, 200)
        server.publish(name="c.db", time_us=2)
        write_status(server.snapshots, "c.db", confirmed_us=int((time.time() - 3600) * 1e6))
        self.assertEqual(server.get("/networkmap").status, 200)  # not ready still answers
        self.assertEqual(server.get("/nothing", port=port).status, 404)
        self.assertEqual(server.get("/readyz", "POST", port=port).status, 405)


class Swaps(WithServer):
    def test_a051_answers_are_of_one_snapshot_while_it_is_swapped(self):
        bodies, wrong, ends = {}, [], time.monotonic() + 3
        maps = [({f"p{n}": ([f"10.{n}.0.0/16"], [])}, {"hopcount": {f"p{n}": {f"p{n}": str(n)}}}) for n in range(4)]
        tags = {tag_of(pids): n for n, (pids, _) in enumerate(maps)}
        self.server.publish(*maps[0])

        def poll():
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=WAIT)
            while time.monotonic() < ends:
                for path in "/networkmap", "/costmap/hopcount":
                    connection.request("GET", path, headers={"Accept-Encoding": random.choice(["gzip", "zstd", ""])})
                    answer = connection.getresponse()
                    body = answer.read()
                    known = bodies.setdefault((path, answer.getheader("ETag")), body)
                    document = alto_schema.load(body)
                    vtag = document["meta"].get("dependent-vtags", [document["meta"]["vtag"]])[0]
                    n = tags[vtag["tag"]]
                    data = document.get("network-map") or document["cost-map"]
                    if body != known or list(data) != [f"p{n}"]:
                        wrong.append(body)
            connection.close()

        threads = [threading.Thread(target=poll) for _ in range(4)]
        for thread in threads:
            thread.start()
        swaps = 0
        while time.monotonic() < ends:
            swaps += 1
            self.server.publish(*maps[swaps % 4])
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertGreater(swaps, 5)
        self.assertGreater(len(bodies), 4)

    def test_a_bad_snapshot_leaves_the_old_map(self):
        server = self.server
        tag = server.publish()

        def replace(name, content, message):
            (server.snapshots / name).write_bytes(content)
            make_current(server.snapshots, name)
            until(message, lambda: server.logged(message))
            self.assertEqual(alto_schema.load(server.get("/networkmap").body)["meta"]["vtag"]["tag"], tag)

        good = (server.snapshots / "0001.db").read_bytes()
        replace("text.db", b"no database at all, but long enough to have a header" * 4, "file is not a database")
        replace("empty.db", b"", "empty.db: an empty file; a snapshot expected")
        replace("cut.db", good[:len(good) // 2], "snapshot refused")
        write_status(server.snapshots, "0001.db")
        replace("foreign.db", (server.snapshots / "status.db").read_bytes(), "this is not a snapshot of altimeter")
        damaged = bytearray(good)
        at = damaged.find(b"192.0.2.0/25")
        damaged[at:at + 1] = b"x"
        replace("damaged.db", bytes(damaged), "is not a canonical IPv4 prefix")
        os.mkfifo(server.snapshots / "fifo.db")  # nobody ever writes to it
        make_current(server.snapshots, "fifo.db")
        until("the message", lambda: server.logged("fifo.db: not a regular file"))
        make_current(server.snapshots, "absent.db")
        until("the message", lambda: server.logged("absent.db: unable to open database file"))
        (server.snapshots / "current").unlink()  # somebody cleans up: the map stays
        time.sleep(0.2)
        self.assertEqual(server.get("/networkmap").status, 200)
        new = server.publish({"default": (["0.0.0.0/0"], [])}, {})
        self.assertEqual(alto_schema.load(server.get("/networkmap").body)["meta"]["vtag"]["tag"], new)

    def test_an_answer_finishes_on_the_view_it_began_with(self):
        server = self.server
        server.publish(*large_map(400))  # 4 MB: more than sockets hold
        size = int(server.get("/costmap/routingcost", "HEAD").getheader("Content-Length"))
        with server.connect() as s:
            s.sendall(b"GET /costmap/routingcost HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            first = s.recv(1000)
            server.publish()
            body = (first + read_all(s)).split(b"\r\n\r\n", 1)[1]
        self.assertEqual(len(body), size)
        self.assertTrue(body.endswith(b"}}}"))

    def test_readers_of_the_oldest_of_many_old_views_are_cut_off(self):
        server, old_most = self.server, 6  # VIEWS_OLD_MOST
        server.publish(*large_map(400))
        size = int(server.get("/costmap/routingcost", "HEAD").getheader("Content-Length"))
        with contextlib.ExitStack() as stack:
            readers = []
            for i in range(old_most + 2):
                readers.append(stack.enter_context(server.connect()))
                readers[-1].sendall(b"GET /costmap/routingcost HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                readers[-1].recv(1)
                os.link(server.snapshots / "0001.db", server.snapshots / f"again-{i}.db")
                make_current(server.snapshots, f"again-{i}.db")
                until("the swap", lambda i=i: server.logged(f"snapshot loaded: file=again-{i}.db"))
            self.assertFalse(server.logged("cut off: file=again-1.db"))
            for reader in readers[:2]:
                poll = select.poll()
                poll.register(reader, 0)
                until("the reset", lambda poll=poll: poll.poll(0) and poll.poll(0)[0][1] & select.POLLERR)
            for reader in readers[2:]:
                body = read_all(reader).split(b"\r\n\r\n", 1)[1]
                self.assertEqual(len(body), size)

    def test_a_directory_that_comes_later(self):
        server = self.server
        os.rmdir(server.snapshots)
        time.sleep(0.2)
        server.snapshots.mkdir()
        server.publish()
        self.assertEqual(server.get("/").status, 200)


GET = b"GET /networkmap HTTP/1.1\r\nHost: a\r\n\r\n"


class Hostile(WithServer):
    options = "request_timeout: 1s\nidle_timeout: 2s\nmax_connections: 60\nmax_connections_per_client: 40"

    def setUp(self):
        super().setUp()
        self.server.publish()

    def test_a009_each_malformed_request_is_told_and_closed(self):
        for request, status in (
                (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
                (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
                (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
                (b"GET / HTTP/1.1\nHost: a\n\n", 400),
                (b"GET / HTTP/1.1\r\n\r\n", 400),
                (b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
                (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n", 414),
                (b"GET / HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 20000 + b"\r\n\r\n", 431),
                (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
                (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
                (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
                (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # TLS to a plain port
                (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 500000, 413)):
            answer = self.server.raw(request)
            self.assertTrue(answer.startswith(b"HTTP/1.1 %d " % status), (request[:60], answer[:80]))
            self.assertIn(b"\r\nConnection: close\r\n", answer)
            self.assertEqual(answer.split(b"\r\n\r\n", 1)[1].count(b"\n"), 1)

    def test_pipelined_requests_are_answered_in_order(self):
        paths = ["/networkmap", "/costmap/hopcount", "/nothing", "/"] * 25
        data = b"".join(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % p.encode() for p in paths[:-1])
        data += b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        answers = self.server.raw(data)
        single = {p: self.server.get(p).body for p in set(paths)}
        at = 0
        for path in paths:
            self.assertTrue(answers.startswith(b"HTTP/1.1 ", at))
            at = answers.index(b"\r\n\r\n", at) + 4
            self.assertTrue(answers.startswith(single[path], at), path)
            at += len(single[path])
        self.assertEqual(at, len(answers))

    def test_a_split_of_the_bytes_changes_nothing(self):
        data = GET * 3 + GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        def bodies(answer):
            return [part.split(b"\r\n\r\n", 1)[1] for part in answer.split(b"HTTP/1.1 200 OK\r\n")[1:]]
        whole = bodies(self.server.raw(data))
        with self.server.connect() as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in data:
                s.sendall(bytes([byte]))
            self.assertEqual(bodies(read_all(s)), whole)
        self.assertEqual(len(whole), 4)

    def test_a009_bodies_continue_and_old_clients(self):
        chunked = b"3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n"
        with self.server.connect() as s:
            s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(s.recv(1000), b"HTTP/1.1 100 Continue\r\n\r\n")
            s.sendall(chunked + b"GET http://other.example/nothing HTTP/1.0\r\n\r\n")
            rest = read_all(s)
        self.assertTrue(rest.startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertIn(b"HTTP/1.1 404 Not Found\r\n", rest)  # and 1.0 ends the connection
        kept = self.server.connect()
        kept.sendall(b"GET /nothing HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        self.assertIn(b"Connection: keep-alive\r\n", kept.recv(1000))
        kept.sendall(GET)
        self.assertIn(b" 200 OK", kept.recv(1000))
        kept.close()

    def test_who_shuts_his_side_still_gets_his_answer(self):
        with self.server.connect() as s:
            s.sendall(GET * 2)
            s.shutdown(socket.SHUT_WR)
            self.assertEqual(read_all(s).count(b"HTTP/1.1 200 OK"), 2)
        with self.server.connect() as s:
            s.sendall(GET[:20])
            s.shutdown(socket.SHUT_WR)
            self.assertIn(b"400 Bad Request", read_all(s))

    def test_a_trickled_request_meets_its_deadline(self):
        begin = time.monotonic()
        with self.server.connect() as s:
            answer = b""
            s.settimeout(0.1)
            for byte in GET[:-1] * 4:  # a byte now and then, never an end
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    s.sendall(bytes([byte]))
                try:
                    answer = s.recv(1000)
                    break
                except TimeoutError:
                    continue
        self.assertIn(b"408 Request Timeout", answer)
        self.assertLess(time.monotonic() - begin, 3)

    def test_an_idle_connection_ends(self):
        with self.server.connect() as s:
            begin = time.monotonic()
            s.sendall(GET)
            read_all(s)
            self.assertTrue(1.5 < time.monotonic() - begin < 5)

    def test_who_pipelines_and_does_not_read_is_held_back(self):
        def resident():
            return int((pathlib.Path("/proc") / str(self.server.process.pid) / "statm").read_text().split()[1]) * 4096
        def descriptors():
            return len(os.listdir(f"/proc/{self.server.process.pid}/fd"))
        at_rest = descriptors()
        with self.server.connect() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.settimeout(0.5)
            before, sent = resident(), 0
            with contextlib.suppress(TimeoutError, ConnectionResetError, BrokenPipeError):
                while sent < 100_000_000:
                    sent += s.send(GET * 1000)
            # what the kernel's two buffers hold, no more: the server stopped reading
            self.assertLess(sent, 40_000_000)
            self.assertLess(resident() - before, 32_000_000)  # a sanitizer keeps what was freed
            self.assertEqual(self.server.get("/networkmap").status, 200)  # others do not notice
            until("the reader that does not read is cut off", lambda: descriptors() == at_rest)

    def test_d035_connections_of_one_client_are_bounded(self):
        connections = [self.server.connect() for _ in range(40)]
        time.sleep(0.3)
        with self.server.connect() as one_more:
            answer = read_all(one_more)
        self.assertTrue(answer.startswith(b"HTTP/1.1 429 "), answer)
        self.assertIn(b"\r\nRetry-After: ", answer)
        self.assertIn(b"\r\nDate: ", answer)  # RFC 9110 section 6.6.1
        self.assertEqual(self.server.get("/healthz", port=self.server.operator).status, 200)
        for s in connections:
            s.close()
        until("room again", lambda: self.server.raw(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
              .startswith(b"HTTP/1.1 200"))

    def test_random_bytes_do_no_harm(self):
        noise = random.Random(1)
        for _ in range(200):
            data = bytearray(GET * 3)
            for _ in range(noise.randrange(1, 6)):
                data[noise.randrange(len(data))] = noise.randrange(256)
            with self.server.connect() as s:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    s.sendall(data)
                    s.shutdown(socket.SHUT_WR)
                    read_all(s)
        self.assertEqual(self.server.get("/networkmap").status, 200)


class Operation(unittest.TestCase):
    def test_a_port_in_use_is_told(self):
        first = Server()
        self.addCleanup(first.stop)
        first.start()
        second = Server()
        second.port = first.port
        second.configure()
        self.addCleanup(second.directory.cleanup)
        run = subprocess.run([SERVER, "-c", second.top / "altimeter.yaml"], capture_output=True, text=True, timeout=WAIT)
        self.assertEqual(run.returncode, 1)
        self.assertIn(f"cannot start: 127.0.0.1:{first.port}: address in use: another program listens there", run.stderr)

    def test_the_configuration_is_read_again(self):
        server = Server()
        self.addCleanup(server.stop)
        server.start()
        server.publish()
        self.assertEqual(server.get("/").getheader("Cache-Control"), "max-age=1")
        server.configure("max_age: 7s\nbase_url: https://alto.example.net")
        server.process.send_signal(signal.SIGHUP)
        until("max_age", lambda: server.get("/").getheader("Cache-Control") == "max-age=7")
        self.assertIn(b'"uri":"https://alto.example.net/networkmap"', server.get("/").body)
        server.configure("max_age: soon")
        server.process.send_signal(signal.SIGHUP)
        until("the message", lambda: server.logged("the old one stays in force"))
        self.assertEqual(server.get("/").getheader("Cache-Control"), "max-age=7")

    def test_it_stops_when_what_has_begun_is_answered(self):
        server = Server()
        self.addCleanup(server.stop)
        server.start()
        server.publish(*large_map(400))
        with server.connect() as idle, server.connect() as s:
            s.sendall(b"GET /costmap/routingcost HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = s.recv(100)
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(idle.recv(1), b"")  # who waits for nothing is let go at once
            until("nobody listens", lambda: not server.is_listening())
            answer += read_all(s)
        self.assertTrue(answer.endswith(b"}}}"))
        self.assertEqual(server.process.wait(WAIT), 0)


class Tls(unittest.TestCase):
    def test_a006_tls_and_its_keys(self):
        server = Server()
        self.addCleanup(server.stop)

        def make_certificate(name):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                            "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", server.top / "key.pem",
                            "-out", server.top / "certificate.pem"], check=True, capture_output=True)
            os.chmod(server.top / "key.pem", 0o600)

        make_certificate("first")
        server.options = f"tls_certificate: {server.top}/certificate.pem\ntls_key: {server.top}/key.pem"
        server.configure()
        server.start()
        server.publish(*large_map(300))

        def connect(version=None):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            if version:
                context.minimum_version = context.maximum_version = version
            return context.wrap_socket(server.connect())

        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            with connect(version) as s:
                s.sendall(b"GET /costmap/routingcost HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                answer = read_all(s)
                self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK"))
                self.assertTrue(answer.endswith(b"}}}"))
        with self.assertRaises((ssl.SSLError, ConnectionResetError)), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python dislikes the version as much as we do
            connect(ssl.TLSVersion.TLSv1_1)
        with server.connect() as s:  # plain HTTP to a TLS port
            s.sendall(GET)
            self.assertNotIn(b"200 OK", read_all(s))
        def certificate():
            with connect() as s:
                return s.getpeercert(True)

        old = certificate()
        make_certificate("second")
        server.process.send_signal(signal.SIGHUP)
        until("the new certificate", lambda: certificate() != old)
        (server.top / "certificate.pem").write_text("nothing")
        server.process.send_signal(signal.SIGHUP)
        until("the message", lambda: server.logged("the old one stays in force"))
        with connect() as s:
            s.sendall(GET)
            self.assertIn(b"200 OK", s.recv(1000))


if __name__ == "__main__":
    unittest.main(verbosity=2)
