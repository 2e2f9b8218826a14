"""The lab as a BMP router, judged by the collector's decoder, by tshark, and by a station that counts octets.

Usage: lab_bmp.py ALTIMETER-LAB DECODE-BMP SCENARIO

All that the routers of the scenario say (--dump) is decoded twice and compared with the facts (--export-json): peers,
their OPENs, routes with attributes, objects, End-of-RIB. Then a live lab: changes, peers that go and come, calls that
are repeated, streams cut short, messages spoilt on purpose.
"""

import collections
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

BMP_PORT = 11019
MONITORING, STATISTICS, PEER_DOWN, PEER_UP, INITIATION, TERMINATION, MIRRORING = range(7)
FAMILIES = ('ipv4', 'ipv6', 'ls')  # as the decoder numbers them
# tshark 4.0 takes the table names behind a Peer Up's OPENs for a third BGP message (RFC 9069 section 5.2).
PEER_UP_TLVS_UNKNOWN = 'table_names'


class Failure(Exception):
    """What was expected and what was seen."""


def check(what, expected, seen):
    if expected != seen:
        raise Failure(f'{what}: {expected} expected, {seen} seen')


def streams_of(capture):
    """The octets of each BMP stream, by the last octet of who said them."""
    octets, at, found = open(capture, 'rb').read(), 24, collections.defaultdict(bytes)
    while at < len(octets):
        length, = struct.unpack('<I', octets[at + 8:at + 12])
        packet = octets[at + 16:at + 16 + length]
        tcp = packet[20:]
        if struct.unpack('!H', tcp[2:4])[0] == BMP_PORT:
            found[packet[15]] += tcp[20:]
        at += 16 + length
    return [found[number] for number in sorted(found)]


def messages_of(octets):
    """(type, body) of each whole message, and what is left."""
    found = []
    while len(octets) >= 6:
        version, length, kind = struct.unpack('!BIB', octets[:6])
        check('version', 3, version)
        if length > len(octets):
            break
        found.append((kind, octets[6:length]))
        octets = octets[length:]
    return found, octets


# ---- facts against what was decoded

def expected_open(router, peer, theirs):
    as_number = (peer if theirs else router)['as']
    if peer['two_octet_as'] and as_number > 65535:
        as_number = 23456
    text = f"as{as_number}/{(peer if theirs else router)['router_id']}/hold90"
    if not peer['two_octet_as']:
        text += '/as4'
    return text + ''.join(f"/{family}{'+paths' if family in peer['add_path'] else ''}"
                          for family in FAMILIES if family in peer['families'])


def expected_peer(router, peer):
    return (f"type={peer['type']} distinguisher={peer['distinguisher']} address={peer.get('address', '-')} "
            f"as={peer['as']} id={peer['router_id']} sent={expected_open(router, peer, False)} "
            f"received={expected_open(router, peer, True)}")


def expected_routes(facts, peer):
    """As the decoder prints them. It ignores Adj-RIB-Out, and post-policy where it has pre-policy."""
    reflector = peer['views'].get('pre-policy') or peer['views'].get('loc-rib')
    vertices = {v['name']: v for v in facts['routers']}
    clusters = {r['name']: r['cluster_id'] for r in facts['reflectors']}
    found = collections.Counter()
    for route in facts['routes']:
        family = 'ipv6' if ':' in route['prefix'] else 'ipv4'
        if route['reflector'] != reflector or family not in peer['families']:
            continue
        path_id = f" path-id={route['path_id']}" if 'path_id' in route else ''
        line = (f"{route['prefix']}{path_id} next-hop={route['next_hop']} "
                f"origin={('igp', 'egp', 'incomplete').index(route['origin'])} "
                f"as-path=\"{' '.join(map(str, route['as_path']))}\" local-pref={route['local_pref']}")
        line += f" med={route['med']}" if 'med' in route else ''
        if route['communities']:
            line += f" communities=\"{' '.join(route['communities'])}\""
        line += f" originator=\"{vertices[route['router']]['ipv4']}\" clusters=\"{clusters[reflector]}\""
        found[line] += 1
    return found


def compare(what, expected, seen):
    if expected != seen:
        raise Failure(f'{what}: not decoded {list((expected - seen).items())[:2]}, decoded otherwise '
                      f'{list((seen - expected).items())[:2]}')


def judge_decoded(facts, router, lines):
    check('router', f"router-up name=\"{router['sys_name']}\" description=\"{router['sys_descr']}\"",
          next(line for line in lines if line.startswith('router-up')))
    peers = [line.split(' ', 2)[2] for line in lines if line.startswith('peer-up')]
    check('peers', [expected_peer(router, peer) for peer in router['peers']], peers)
    counts = {r['name']: r['count'] for r in facts['reflectors']}
    for number, peer in enumerate(router['peers'], 1):
        what = f"{router['name']}, peer {peer['name']}"
        own = [line.split(' ', 1)[1] for line in lines if line.startswith(f'{number} ')]
        compare(what + ', routes', expected_routes(facts, peer),
                collections.Counter(line[6:] for line in own if line.startswith('route ')))
        reflector = peer['views'].get('pre-policy') or peer['views'].get('loc-rib')
        families = [f for f in peer['families'] if reflector and f in counts[reflector]]
        objects = sum(line.split()[0] in ('node', 'link', 'prefix') for line in own)
        check(what + ', objects', counts[reflector]['ls'] if 'ls' in families else 0, objects)
        ends = {FAMILIES[int(line.rsplit('=', 1)[1])] for line in own if line.startswith('end-of-rib')}
        check(what + ', End-of-RIB', set(families) if peer['end_of_rib'] else set(), ends)
        check(what + ', Peer Down', 1, sum(line.startswith(f'peer-down number={number} ') for line in lines))
    check('faults', [], [line for line in lines if ' fault ' in line or line.startswith('fault')])


def test_decoder(facts, streams, decoder):
    for router, octets in zip(facts['bmp'], streams):
        done = subprocess.run([decoder], input=octets, check=True, capture_output=True)
        judge_decoded(facts, router, done.stdout.decode().splitlines())


# ---- the same by tshark

def flags_of(peer, view):
    if peer['type'] == 3:
        return 0x80 if peer['filtered'] else 0
    return (0x80 * (':' in peer['address']) | 0x40 * view.endswith('post-policy') | 0x20 * peer['two_octet_as']
            | 0x10 * view.startswith('out'))


def values(packet, key):
    found = packet.get(key, [])
    return found if isinstance(found, list) else [found]


def decode_by_tshark(capture):
    fields = ('ip.src', 'bmp.type', 'bmp.peer.type', 'bmp.peer.flags', 'bmp.peer.distinguisher', 'bmp.peer.asn',
              'bmp.peer.id', 'bmp.peer.ip.addr', 'bmp.peer.ipv6.addr', 'bmp.init.info', 'bmp.stats.type',
              'bmp.peer.down.reason', 'bmp.term.reason', 'bgp.type', '_ws.malformed', '_ws.expert.message',
              'bgp.nlri_prefix', 'bgp.mp_reach_nlri_ipv6_prefix', 'bmp.stats.data.routes_adj_rib_in',
              'bmp.stats.data.routes_loc_rib')
    command = ['tshark', '-n', '-r', capture, '-d', f'tcp.port=={BMP_PORT},bmp', '-Y', 'bmp', '-T', 'json',
               '--no-duplicate-keys']
    for field in fields:
        command += ['-e', field]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return [packet['_source'].get('layers', {}) for packet in json.loads(done.stdout)]


def distinguisher_text(text):
    return text.replace(':', '')


def judge_peer_header(router, packet):
    """The peer and view that the header names; only Route Monitoring is of a view (RFC 8671 section 6)."""
    mask = 0xff if values(packet, 'bmp.type') == [str(MONITORING)] else 0xaf
    for peer in router['peers']:
        for view in peer['views']:
            address = peer.get('address', '0.0.0.0')
            shown = (values(packet, 'bmp.peer.ipv6.addr') or values(packet, 'bmp.peer.ip.addr') or ['0.0.0.0'])[0]
            if (int(values(packet, 'bmp.peer.type')[0]), int(values(packet, 'bmp.peer.flags')[0], 0),
                    distinguisher_text(values(packet, 'bmp.peer.distinguisher')[0]),
                    int(values(packet, 'bmp.peer.asn')[0]), values(packet, 'bmp.peer.id')[0]) == (
                        peer['type'], flags_of(peer, view) & mask, peer['distinguisher'], peer['as'], peer['router_id']) \
                    and (peer['type'] == 3 or shown == address):
                return peer['name'], view
    raise Failure(f'a peer that the scenario does not have: {packet}')


def judge_packets(facts, router, packets):
    kinds = collections.Counter(int(values(packet, 'bmp.type')[0]) for packet in packets)
    routes, peers = collections.Counter(), {peer['name']: peer for peer in router['peers']}
    check('Initiation', [router['sys_descr'], router['sys_name']] + router['texts'],
          values(packets[0], 'bmp.init.info'))
    for packet in packets:
        kind = int(values(packet, 'bmp.type')[0])
        if kind in (INITIATION, TERMINATION):
            continue
        name, view = judge_peer_header(router, packet)
        if kind == MONITORING:
            routes[name, view] += len(values(packet, 'bgp.nlri_prefix')) \
                + len(values(packet, 'bgp.mp_reach_nlri_ipv6_prefix'))
        bad = values(packet, '_ws.malformed') + values(packet, '_ws.expert.message')
        if bad and not (kind == PEER_UP and peers[name][PEER_UP_TLVS_UNKNOWN]):
            raise Failure(f'tshark of {name}, type {kind}: {bad}')
        if kind == PEER_DOWN:
            check('Peer Down', '6', values(packet, 'bmp.peer.down.reason')[0])
    check('Peer Ups', len(peers), kinds[PEER_UP])
    check('Statistics Reports', len(peers), kinds[STATISTICS])
    check('Peer Downs', len(peers), kinds[PEER_DOWN])
    check('Terminations', 1, kinds[TERMINATION])
    for (name, view), seen in routes.items():
        peer = peers[name]
        expected = sum(r['reflector'] == peer['views'][view]
                       and ('ipv6' if ':' in r['prefix'] else 'ipv4') in peer['families'] for r in facts['routes'])
        check(f"{router['name']}, {name}, {view}: routes by tshark", expected, seen)
    check('views with routes', {(p['name'], v) for p in router['peers'] for v in p['views']}, set(routes))


def test_tshark(facts, capture):
    if not shutil.which('tshark'):
        print('tshark is not installed: its part is skipped')
        return
    packets = decode_by_tshark(capture)
    first = len(facts['reflectors']) + 1
    for index, router in enumerate(facts['bmp']):
        source = f'192.0.2.{first + index}'
        judge_packets(facts, router, [p for p in packets if values(p, 'ip.src') == [source]])


# ---- live

def free_port():
    """Below the ephemeral ones, so that no connection takes it meanwhile."""
    for port in range(20000 + os.getpid() % 10000, 32000):
        with socket.socket() as one:
            try:
                one.bind(('127.0.0.1', port))
                return port
            except OSError:
                continue
    raise Failure('no free port')


class Station:
    """Reads what the lab says on one connection."""

    def __init__(self, stream):
        self.stream, self.octets = stream, b''
        self.stream.settimeout(10)

    def read(self):
        """More octets; False at the connection's end."""
        try:
            part = self.stream.recv(1 << 16)
        except ConnectionResetError:
            return False
        self.octets += part
        return bool(part)

    def until(self, condition, what):
        """All messages so far, once the condition holds for them."""
        end = time.monotonic() + 10
        while not condition(messages := messages_of(self.octets)[0]):
            if time.monotonic() > end or not self.read():
                raise Failure(f'{what}: {collections.Counter(kind for kind, _ in messages)} seen')
        return messages

    def forget(self):
        self.octets = messages_of(self.octets)[1]


class Lab:
    def __init__(self, program, scenario, folder, *options):
        self.program, self.socket = program, os.path.join(folder, 'lab.sock')
        self.port, self.listen_port = free_port(), 0
        self.server = socket.create_server(('127.0.0.1', self.port))
        self.server.settimeout(10)
        self.listen_port = free_port()
        self.process = subprocess.Popen(
            [program, '--log-level', 'error', '--listen', 'rr1=127.0.0.1:0', '--listen', 'rr2=127.0.0.1:0',
             '--listen', 'rr3=127.0.0.1:0',
             '--bmp', f'a=127.0.0.1:{self.port}', '--bmp', f'rr2=127.0.0.1:{self.listen_port}',
             '--socket', self.socket, *options, scenario])

    def accept(self):
        return Station(self.server.accept()[0])

    def call(self):
        return Station(socket.create_connection(('127.0.0.1', self.listen_port), timeout=10))

    def control(self, command, answer='ok'):
        done = subprocess.run([self.program, '--control', self.socket, command], check=False, capture_output=True,
                              text=True, timeout=10)
        if not done.stdout.splitlines()[-1].startswith(answer):
            raise Failure(f'{command}: {answer} expected, {done.stdout.strip()} seen')
        return done.stdout

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)
        self.server.close()


def count(messages, kind):
    return sum(seen == kind for seen, _ in messages)


def peers_end(messages, peers, views):
    """The Peer Ups are there, and the End-of-RIBs of so many tables."""
    ends = sum(kind == MONITORING and len(body) in (42 + 23, 42 + 29) for kind, body in messages)
    return count(messages, PEER_UP) >= peers and ends >= views


def tables(router):
    return sum(len(peer['views']) * len(peer['families']) for peer in router['peers'] if peer['end_of_rib'])


def test_changes(lab, facts):
    router = facts['bmp'][0]
    station = lab.accept()
    station.until(lambda m: peers_end(m, len(router['peers']), tables(router)), 'tables')
    station.forget()
    answer = lab.control('prefix 203.0.113.0/24 withdraw')
    # rr1: pre-policy, post-policy, Loc-RIB; rr2: pre-policy of two peers, one of them mirrored
    check('UPDATEs of a withdrawal', '5', re.search(r'updates=(\d+)', answer).group(1))
    messages = station.until(lambda m: len(m) >= 6, 'a withdrawal')
    check('withdrawals', {MONITORING: 5, MIRRORING: 1}, dict(collections.Counter(kind for kind, _ in messages)))
    for kind, body in messages:
        check(f'the withdrawn prefix, type {kind}', bytes.fromhex('18cb0071'), body[-6:-2])
    station.forget()
    lab.control('metric a b 77')
    check('UPDATEs of a metric', 4, len(station.until(lambda m: len(m) >= 4, 'a metric')))
    station.forget()
    lab.control('bmp a statistics')
    check('Statistics Reports', 5, len(station.until(lambda m: len(m) >= 5, 'statistics')))
    return station


def test_peers(lab, station):
    reasons = ((1, '6/4', bytes([6, 4])), (2, '24', bytes([0, 24])), (3, '2/2', bytes([2, 2])), (4, '', b'\x04'),
               (5, '', b'\x05'), (6, '', b'\x06'))
    for reason, code, end in reasons:
        station.forget()
        lab.control(f'bmp a peer rr1 down {reason} {code}'.strip())
        lab.control('bmp a peer rr1 down 4', 'error')
        lab.control('metric a b 10')  # nobody hears it but rr1's Loc-RIB, which has no link state
        lab.control('bmp a peer rr1 up')
        messages = station.until(lambda m: peers_end(m, 1, 6), f'Peer Down {reason}')
        check('what comes first', PEER_DOWN, messages[0][0])
        check('reason', reason, messages[0][1][42])
        check('data', end, messages[0][1][-len(end):])
        check('what comes next', PEER_UP, messages[1][0])
    station.forget()
    lab.control('bmp a peer loc-rib down 6')
    body = station.until(len, 'Loc-RIB down')[0][1]
    check('table names', b'\x06\x00\x03\x00\x06global\x00\x03\x00\x07default', body[42:])
    lab.control('bmp a peer loc-rib up')
    lab.control('bmp a mirror rr1 lost')
    lab.control('bmp a mirror rr1 00ff')
    messages = station.until(lambda m: count(m, MIRRORING) >= 2 and m[-1][0] == MIRRORING, 'mirroring')
    check('lost', bytes.fromhex('000100020001'), messages[-2][1][42:])
    check('errored', bytes.fromhex('000100020000' + '0000000200ff'), messages[-1][1][42:])


def test_ends(lab):
    """Termination, a cut in mid-table, silence; and the call that follows each."""
    lab.control('bmp a cut 5000 close')
    lab.control('bmp a terminate 3 later')
    station = lab.accept()
    while station.read():
        pass
    check('octets before the cut', 5000, len(station.octets))
    lab.control('bmp a cut 100 silence')
    station = lab.accept()
    while len(station.octets) < 100:
        station.read()
    station.stream.settimeout(0.5)
    try:
        station.read()
        raise Failure('octets after silence was wanted')
    except TimeoutError:
        pass
    check('octets before silence', 100, len(station.octets))
    lab.control('bmp a drop')
    station = lab.accept()
    station.until(lambda m: count(m, PEER_UP) == 5, 'the table after silence')
    lab.control('router a down')
    while station.read():
        pass
    check('a dead router says no Termination', 0, count(messages_of(station.octets)[0], TERMINATION))
    lab.control('router a up')
    return lab.accept()


def test_faults(lab, station, decoder):
    """Whatever is spoilt, the decoder says so and takes the rest, unless the connection has to end."""
    closes = ('version', 'short', 'long')
    for fault in ('type', 'peer-type', 'peer-header', 'no-peer-up', 'update', 'marker', 'empty', 'statistics', 'open',
                  'tlv', 'mirroring', 'reason', 'no-reason') + closes:
        answer = lab.control(f'bmp a fault {fault}')
        check('connections', '1', re.search(r'sessions=(\d+)', answer).group(1))
    lab.control('bmp a fault what', 'error')
    lab.control('bmp a terminate 0')
    while station.read():
        pass
    lines = subprocess.run([decoder], input=station.octets, check=True, capture_output=True).stdout.decode()
    if 'closed reason="BMP version 2; 3 expected"' not in lines:
        raise Failure(f'the decoder did not end at the wrong version: {lines[-500:]}')
    faults = sum(int(n) for n in re.findall(r'^fault .* count=(\d+)', lines, re.M))
    if faults < 8:
        raise Failure(f'{faults} faults counted by the decoder; at least 8 expected')


def test_listening(lab, facts):
    router = facts['bmp'][1]
    stations = [lab.call(), lab.call()]
    for station in stations:
        station.until(lambda m: peers_end(m, len(router['peers']), tables(router)), 'a listening router')
    lab.control('bmp rr2 down')
    for station in stations:
        while station.read():
            pass
        check('Termination', TERMINATION, messages_of(station.octets)[0][-1][0])
    try:
        lab.call()
        raise Failure('a router that is down listens')
    except ConnectionRefusedError:
        pass
    lab.control('bmp rr2 up')
    lab.call().until(lambda m: count(m, PEER_UP) == len(router['peers']), 'up again')


def test_recording(program, scenario, folder, facts):
    """What a station heard is in the recording, and is heard again from it."""
    file = os.path.join(folder, 'run.pcap')
    lab = Lab(program, scenario, folder, '--record', file)
    try:
        station = lab.accept()
        router = facts['bmp'][0]
        station.until(lambda m: peers_end(m, len(router['peers']), tables(router)), 'tables')
        lab.control('metric a b 78')
    finally:
        lab.stop()
    while station.read():
        pass
    with socket.create_server(('127.0.0.1', free_port())) as server:
        player = subprocess.Popen([program, '--log-level', 'error', '--replay', file, '--stream', '1', '--to',
                                   f'127.0.0.1:{server.getsockname()[1]}', '--leave'], stdout=subprocess.DEVNULL)
        server.settimeout(10)
        again = Station(server.accept()[0])
        while again.read():
            pass
        check('the end of the replay', 0, player.wait(timeout=10))
    check('octets of the replay', True, station.octets == again.octets)
    check('its end', TERMINATION, messages_of(again.octets)[0][-1][0])


def main():
    program, decoder, scenario = sys.argv[1:]
    facts = json.loads(subprocess.run([program, '--export-json', scenario], check=True, capture_output=True).stdout)
    with tempfile.TemporaryDirectory() as folder:
        capture = os.path.join(folder, 'lab.pcap')
        subprocess.run([program, '--dump', capture, scenario], check=True)
        test_decoder(facts, streams_of(capture), decoder)
        print('decoder: ok')
        test_tshark(facts, capture)
        print('tshark: ok')
        lab = Lab(program, scenario, folder)
        try:
            station = test_changes(lab, facts)
            print('changes: ok')
            test_peers(lab, station)
            print('peers: ok')
            station = test_ends(lab)
            print('ends: ok')
            test_faults(lab, station, decoder)
            print('faults: ok')
            test_listening(lab, facts)
            print('listening: ok')
        finally:
            lab.stop()
        test_recording(program, scenario, folder, facts)
        print('recording: ok')


if __name__ == '__main__':
    try:
        main()
    except Failure as failure:
        sys.exit(f'lab_bmp: {failure}')
