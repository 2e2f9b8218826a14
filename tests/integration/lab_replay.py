"""Recordings: what the lab wrote and others wrote, played again.

Usage: lab_replay.py ALTIMETER-LAB DECODE-BMP DECODE-UPDATE SCENARIO SHARED-BMP DATA

A plain reader hears a lab run that is recorded, then the replay of the recording: both heard the same octets, from MRT
and from pcap. Tables, BMP streams of real routers, captures out of order, and every kind of damage, which ends with the
file, the offset, the value and what was expected.
"""

import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

MARKER = b'\xff' * 16
OPEN, UPDATE, NOTIFICATION, KEEPALIVE = 1, 2, 3, 4
FAMILIES = ((16388, 71), (1, 1), (2, 1))


class Failure(Exception):
    """What was expected and what was seen."""


def check(what, expected, seen):
    if expected != seen:
        raise Failure(f'{what}: {expected!r:.300} expected, {seen!r:.300} seen')


def message(kind, body=b''):
    return MARKER + struct.pack('!HB', 19 + len(body), kind) + body


def open_message(as_number=64500, path_ids=()):
    capabilities = b''.join(struct.pack('!BBHBB', 1, 4, afi, 0, safi) for afi, safi in FAMILIES)
    capabilities += struct.pack('!BBI', 65, 4, as_number)
    if path_ids:
        capabilities += struct.pack('!BB', 69, 4 * len(path_ids)) \
            + b''.join(struct.pack('!HBB', afi, safi, 1) for afi, safi in path_ids)
    parameters = struct.pack('!BB', 2, len(capabilities)) + capabilities
    return message(OPEN, struct.pack('!BHH4sB', 4, min(as_number, 23456), 90, b'\x0a\x09\x09\x09',
                                     len(parameters)) + parameters)


def hear(stream, **options):
    """Speaks BGP as little as needed; the peer's OPEN and the octets of its UPDATEs, to the end of the session."""
    stream.settimeout(10)
    stream.sendall(open_message(**options))
    octets, updates, opened = b'', b'', b''
    while True:
        try:
            part = stream.recv(1 << 16)
        except ConnectionResetError:
            part = b''
        octets += part
        while len(octets) >= 19 and len(octets) >= (length := struct.unpack('!H', octets[16:18])[0]):
            one, octets = octets[:length], octets[length:]
            if one[18] == OPEN:
                opened = one
                stream.sendall(message(KEEPALIVE))
            elif one[18] == UPDATE:
                updates += one
        if not part:
            return opened, updates


def listener():
    for port in range(20000 + os.getpid() % 10000, 32000):
        try:
            return socket.create_server(('127.0.0.1', port))
        except OSError:
            continue
    raise Failure('no free port')


class Program:
    def __init__(self, path):
        self.path = path

    def run(self, *arguments):
        return subprocess.run([self.path, '--log-level', 'error', *map(str, arguments)], check=False,
                              capture_output=True, text=True, timeout=30)

    def fails(self, what, text, *arguments):
        done = self.run(*arguments)
        if done.returncode != 1 or text not in done.stderr:
            raise Failure(f'{what}: "{text}" expected, status {done.returncode}, "{done.stderr.strip()}" seen')

    def replay(self, file, hearer, *options):
        """Plays the file to a listener, which hearer() serves; what that returns."""
        with listener() as server:
            server.settimeout(10)
            command = [self.path, '--log-level', 'error', '--replay', file, '--to',
                       f'127.0.0.1:{server.getsockname()[1]}', '--leave', '--speed', 'max', *options]
            with subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as player:
                try:
                    with server.accept()[0] as stream:
                        heard = hearer(stream)
                    _, complaint = player.communicate(timeout=20)
                finally:
                    player.kill()
                check('the end of the replay', (0, b''), (player.returncode, complaint))
        return heard


def record(program, scenario, folder, file):
    """A lab run with a change in it, recorded; what its peer heard."""
    with listener() as one:
        port = one.getsockname()[1]
    control = os.path.join(folder, 'lab.sock')
    lab = subprocess.Popen([program.path, '--log-level', 'error', '--listen', f'rr1=127.0.0.1:{port}', '--listen',
                            'rr2=127.0.0.1:0', '--socket', control, '--record', file, scenario])
    try:
        end = time.monotonic() + 10
        while not os.path.exists(control) and time.monotonic() < end:
            time.sleep(0.02)
        with socket.create_connection(('127.0.0.1', port), timeout=10) as stream:
            changer = subprocess.Popen(
                ['sh', '-c', 'until "$0" --control "$1" status | grep -q established; do sleep 0.05; done; '
                 '"$0" --control "$1" "metric a b 44"; "$0" --control "$1" "session rr1 drop"', program.path, control],
                stdout=subprocess.DEVNULL)
            heard = hear(stream)
            changer.wait(timeout=10)
    finally:
        lab.terminate()
        check('the end of the lab', 0, lab.wait(timeout=10))
        os.unlink(control) if os.path.exists(control) else None
    return heard


def test_round_trip(program, scenario, folder):
    for suffix in ('mrt', 'pcap'):
        file = os.path.join(folder, f'run.{suffix}')
        opened, updates = record(program, scenario, folder, file)
        if len(updates) < 5000:
            raise Failure(f'{len(updates)} octets of UPDATEs from the lab')
        again, replayed = program.replay(file, hear)
        check(f'UPDATEs of run.{suffix}', updates, replayed)
        check(f'AS and identifier of run.{suffix}', opened[20:22] + opened[24:28], again[20:22] + again[24:28])
    program.fails('a name of no kind', '"run.txt"; a name that ends in .mrt or .pcap expected', '--record', 'run.txt',
                  scenario)


def test_bgpdump(folder):
    if not shutil.which('bgpdump'):
        print('bgpdump is not installed: its part is skipped')
        return
    done = subprocess.run(['bgpdump', '-m', os.path.join(folder, 'run.mrt')], check=True, capture_output=True,
                          text=True)
    lines = [line.split('|') for line in done.stdout.splitlines()]
    check('states', [['1', '6'], ['6', '1']], [line[5:7] for line in lines if line[2] == 'STATE'])
    check('routes', [['203.0.113.0/24', '64511', 'IGP', '10.0.0.4', '100'],
                     ['2001:db8:200::/48', '64511', 'IGP', '2001:db8:0:ff::4', '100']],
          [line[5:10] for line in lines if line[2] == 'A'])


# ---- MRT of others

def mrt(kind, subtype, body, when=1700000000):
    return struct.pack('!IHHI', when, kind, subtype, len(body)) + body


def bgp4mp(subtype, octets, width=4):
    ends = (64501).to_bytes(width, 'big') + (64500).to_bytes(width, 'big')
    return mrt(16, subtype, ends + struct.pack('!HH', 0, 1) + bytes([192, 0, 2, 1, 192, 0, 2, 9]) + octets)


def update(nlri, next_hop=b'\x0a\x00\x00\x01'):
    attributes = bytes.fromhex('40010100' + '4002060201') + struct.pack('!I', 64501) + b'\x40\x03\x04' + next_hop
    return message(UPDATE, b'\0\0' + struct.pack('!H', len(attributes)) + attributes + nlri)


PEERS = mrt(13, 1, bytes([10, 0, 0, 9, 0, 1, 65, 0, 2])
            + bytes([2, 192, 0, 2, 1, 192, 0, 2, 1]) + struct.pack('!I', 64501)
            + bytes([3, 192, 0, 2, 2]) + bytes(15) + b'\x02' + struct.pack('!I', 4200000002))
ATTRIBUTES = bytes.fromhex('40010100' + '4002060201') + struct.pack('!I', 64501)
NEXT_HOP = bytes.fromhex('4003040a000001')
NEXT_HOP_6 = bytes.fromhex('800e11' + '10' + '20010db8000000000000000000000001')


def rib(subtype, number, length_bits, prefix, entries):
    return mrt(13, subtype, struct.pack('!IB', number, length_bits) + prefix + struct.pack('!H', len(entries))
               + b''.join(entries))


def entry(peer, attributes, path_id=None):
    return struct.pack('!HI', peer, 1) + (b'' if path_id is None else struct.pack('!I', path_id)) \
        + struct.pack('!H', len(attributes)) + attributes


def test_tables(program, folder):
    file = pathlib.Path(folder, 'table.mrt')
    one, other = entry(0, ATTRIBUTES + NEXT_HOP), entry(1, ATTRIBUTES + NEXT_HOP_6)
    file.write_bytes(PEERS + rib(2, 0, 8, b'\x0a', [one]) + rib(2, 1, 24, b'\x0b\0\1', [one])
                     + rib(4, 2, 32, bytes.fromhex('20010db8'), [entry(0, ATTRIBUTES + NEXT_HOP_6), other]))
    _, heard = program.replay(file, lambda s: hear(s, as_number=64501), '--stream', '192.0.2.1 AS64501 table')
    reach = bytes.fromhex('900e001a' + '000201' + '10' + '20010db8000000000000000000000001' + '00' + '2020010db8')
    expected = message(UPDATE, b'\0\0' + struct.pack('!H', len(ATTRIBUTES + NEXT_HOP)) + ATTRIBUTES + NEXT_HOP
                       + bytes.fromhex('080a180b0001')) + message(UPDATE, bytes(4)) \
        + message(UPDATE, b'\0\0' + struct.pack('!H', len(reach + ATTRIBUTES)) + reach + ATTRIBUTES) \
        + message(UPDATE, bytes.fromhex('00000006800f03000201'))
    check('a table as UPDATEs', expected, heard)
    program.fails('two peers', '2 streams; --stream expected', '--replay', file, '--to', '127.0.0.1:1')
    file.write_bytes(PEERS + rib(8, 0, 8, b'\x0a', [entry(0, ATTRIBUTES + NEXT_HOP, 7),
                                                    entry(0, ATTRIBUTES + NEXT_HOP, 8)]))
    opened, heard = program.replay(file, lambda s: hear(s, as_number=64501, path_ids=((1, 1),)))
    check('path-ids', True, heard.startswith(update(bytes.fromhex('00000007080a00000008080a'))))
    check('capability 69', True, bytes.fromhex('450400010102') in opened)


def test_old_messages(program, folder):
    """2-octet AS numbers make a session without capability 65; KEEPALIVEs are not passed on."""
    file = pathlib.Path(folder, 'old.mrt')
    first, second = update(b'\x08\x0a'), update(b'\x08\x0b')
    file.write_bytes(bgp4mp(1, message(KEEPALIVE), 2) + bgp4mp(1, first, 2) + mrt(11, 0, b'') + bgp4mp(1, second, 2))
    opened, heard = program.replay(file, hear)
    check('UPDATEs', first + second, heard)
    check('no capability 65', False, bytes.fromhex('4104') in opened)
    file.write_bytes(bgp4mp(4, first) + bgp4mp(1, second, 2))
    program.fails('two widths', f'offset {len(bgp4mp(4, first))}: AS numbers of 2 octets; 4 as before expected',
                  '--replay', file, '--to', '127.0.0.1:1')


def messages_of(octets):
    while octets:
        length = struct.unpack('!H', octets[16:18])[0]
        yield octets[:length]
        octets = octets[length:]


def test_dumps(program, decoder, folder):
    """What FRR and GoBGP dumped of one session, messages and table, says the same routes again."""
    for source in sorted(pathlib.Path(folder).glob('*.mrt')):
        _, heard = program.replay(source, hear)
        lines = subprocess.run([decoder], input='\n'.join(m.hex() for m in messages_of(heard)) + '\n', check=True,
                               capture_output=True, text=True).stdout.splitlines()
        routes = [line.split(' local-pref')[0] for line in lines if line.startswith('route ')]
        check(f'routes of {source.name}',
              ['route 2001:db8:200::/48 next-hop=2001:db8:0:ff::4 origin=0 as-path="64511"',
               'route 203.0.113.0/24 next-hop=10.0.0.4 origin=0 as-path="64511"'], sorted(routes))


# ---- captures of others

def packet(sequence, octets, when, link=b'', flags=0x18, is_ipv6=False):
    tcp = struct.pack('!HHIIHHI', 179, 40001, sequence, 1, 0x5000 | flags, 65535, 0) + octets
    if is_ipv6:
        head = struct.pack('!IHBB', 0x60000000, len(tcp), 6, 64) + bytes(15) + b'\x01' + bytes(15) + b'\x02'
    else:
        head = struct.pack('!HHIBBH', 0x4500, 20 + len(tcp), 0, 64, 6, 0) + bytes([192, 0, 2, 1, 192, 0, 2, 9])
    return when, link + head + tcp


def pcap(packets, link_type=101, order='<', magic=0xa1b2c3d4):
    octets = struct.pack(order + 'IHHIIII', magic, 2, 4, 0, 0, 65535, link_type)
    for when, frame in packets:
        octets += struct.pack(order + 'IIII', when, 0, len(frame), len(frame)) + frame
    return octets


def pcapng(packets, link_type=101, order='>'):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack(order + 'II', kind, len(body) + 12) + body + struct.pack(order + 'I', len(body) + 12)
    octets = block(0x0a0d0d0a, struct.pack(order + 'IHHq', 0x1a2b3c4d, 1, 0, -1))
    octets += block(1, struct.pack(order + 'HHI', link_type, 0, 0) + struct.pack(order + 'HHB3x', 9, 1, 9))
    for when, frame in packets:
        ticks = when * 10**9
        octets += block(6, struct.pack(order + 'IIIII', 0, ticks >> 32, ticks & 0xffffffff, len(frame), len(frame))
                        + frame)
    return octets


ETHERNET = bytes(12) + b'\x81\x00\x00\x07\x08\x00'
LINKS = ((101, b'', False), (1, ETHERNET, False), (1, bytes(12) + b'\x86\xdd', True), (0, b'\x02\0\0\0', False),
         (108, b'\0\0\0\x02', False), (113, bytes(14) + b'\x08\x00', False), (276, b'\x08\x00' + bytes(18), False),
         (228, b'', False), (229, b'', True), (12, b'', False))


def test_captures(program, folder):
    """Every link, both orders; segments out of order, twice, overlapping; sequence numbers that wrap."""
    updates = update(b'\x08\x0a') + update(b'\x08\x0b')
    said = open_message() + message(KEEPALIVE) + updates + message(KEEPALIVE)
    begin = 0xffffffc0
    for link_type, link, is_ipv6 in LINKS:
        def piece(at, end, when, link=link, is_ipv6=is_ipv6):
            return packet((begin + 1 + at) & 0xffffffff, said[at:end], when, link, is_ipv6=is_ipv6)
        packets = [packet(begin, b'', 1, link, 0x02, is_ipv6), piece(0, 30, 1), piece(60, 100, 2), piece(20, 70, 3),
                   piece(0, 30, 4), piece(100, len(said), 4)]
        writers = [lambda p, t=link_type, o=o, m=m: pcap(p, t, o, m) for o in '<>' for m in (0xa1b2c3d4, 0xa1b23c4d)] \
            + [lambda p, t=link_type, o=o: pcapng(p, t, o) for o in '<>']
        for number, write in enumerate(writers if link_type == 101 else writers[:1] + writers[-1:]):
            file = pathlib.Path(folder, 'others.pcap')
            file.write_bytes(write(packets))
            _, heard = program.replay(file, hear)
            check(f'link type {link_type}, writer {number}', updates, heard)


def read_all(stream):
    stream.settimeout(10)
    octets = b''
    while part := stream.recv(1 << 16):
        octets += part
    return octets


def test_bmp(program, folder, decoder, shared, own):
    """Streams of real routers, as octets and as a capture, reach a station unchanged."""
    files = sorted(pathlib.Path(shared).glob('*.json'))
    if not files:
        print('no BMP streams beside the checkout: those in tests/data only')
        files = sorted(pathlib.Path(own).glob('*.json'))
    for source in files:
        octets = b''.join(map(bytes.fromhex, json.loads(source.read_text())['messages_hex']))
        file = pathlib.Path(folder, 'stream.bmp')
        file.write_bytes(octets)
        check(f'{source.name} as octets', octets, program.replay(file, read_all))
        capture = pcap([packet(1 + at, octets[at:at + 1400], 5) for at in range(0, len(octets), 1400)])
        file.write_bytes(capture)
        heard = program.replay(file, read_all)
        check(f'{source.name} as packets', octets, heard)
        lines = subprocess.run([decoder], input=heard, check=True, capture_output=True).stdout.decode()
        check(f'{source.name}: octets left by the decoder', True, ' left=0\n' in lines)


def test_pace(program, folder):
    """Ten seconds a hundred times as fast are a tenth of one, in the recorded order."""
    file = pathlib.Path(folder, 'slow.pcap')
    updates = [update(b'\x08' + bytes([n])) for n in range(10, 21)]
    said, packets, at = open_message(), [], 1
    packets.append(packet(at, said, 100))
    at += len(said)
    for second, one in enumerate(updates):
        packets.append(packet(at, one, 100 + second))
        at += len(one)
    file.write_bytes(pcap(packets))
    begin = time.monotonic()
    _, heard = program.replay(file, hear, '--speed', '100')
    check('UPDATEs', b''.join(updates), heard)
    if time.monotonic() - begin < 0.1:
        raise Failure('faster than a hundred times')


# ---- damage

def damaged():
    """What a recording may be, and what is said of it."""
    one = update(b'\x08\x0a')
    good = bgp4mp(4, one)
    ribs = PEERS + rib(2, 0, 8, b'\x0a', [entry(0, ATTRIBUTES + NEXT_HOP)])
    said = open_message() + one
    whole = pcap([packet(1, said, 1)])
    section = pcapng([packet(1, said, 1)])
    yield b'', 'offset 0: an empty file; MRT, pcap or BMP expected'
    yield b'hello, world', 'offset 0: 68656c6c…; MRT, pcap or BMP expected'
    yield b'\x1f\x8b\x08\0\0\0\0\0', 'offset 0: a compressed file; MRT, pcap or BMP, decompressed, expected'
    yield good + b'\0' * 5, f'offset {len(good)}: 5 octets; an MRT header of 12 expected'
    yield good[:-1], f'offset 0: an MRT record of {len(good) - 12} octets; at most {len(good) - 13} expected'
    yield mrt(17, 4, struct.pack('!I', 1000000)), 'offset 0: 1000000 µs; 0 to 999999 expected'
    yield mrt(16, 4, bytes(8) + b'\0\0\0\3' + bytes(20)), 'offset 0: address family 3; 1 (IPv4) or 2 (IPv6) expected'
    yield mrt(16, 4, bytes(8) + b'\0\0\0\1' + bytes(8)), 'a record of 20 octets; one with a BGP message expected'
    yield bgp4mp(4, one + b'\0'), f'a BGP message that says {len(one)} octets; {len(one) + 1} expected'
    yield PEERS + PEERS, 'a second table of peers; one in a file expected'
    yield mrt(13, 1, bytes(6) + b'\0\2' + bytes(3)), 'offset 0: 0 peers of 2; all expected'
    yield mrt(13, 1, bytes(8) + b'\0'), 'a table of peers with 1 octets behind it; none expected'
    yield PEERS + rib(2, 0, 33, bytes(5), []), 'a prefix of 33 bits; at most 32 expected'
    yield PEERS + rib(2, 0, 8, b'\x0a', [entry(2, b'')]), 'peer 2; one of the table of peers before it expected'
    yield PEERS + mrt(13, 2, bytes(4) + b'\x08\x0a\0\1\0'), '1 entries that do not fill the record'
    yield PEERS + rib(2, 0, 8, b'\x0a', [entry(0, b'\x40\x01\x05\0')]), 'path attributes whose lengths do not nest'
    yield PEERS + rib(4, 0, 8, b'\x20', [entry(0, ATTRIBUTES)]), 'an IPv6 route without next hop; MP_REACH expected'
    yield whole[:20], 'offset 0: 20 octets; a pcap header of 24 expected'
    yield whole[:4] + b'\x03' + whole[5:], 'offset 4: pcap version 3; 2 expected'
    yield pcap([], 147), 'offset 20: link type 147; Ethernet, loopback, Linux cooked or raw IP expected'
    yield whole[:30], 'offset 24: 6 octets; a packet header of 16 expected'
    yield whole[:-1], 'offset 24: a packet of'
    yield pcap([packet(1, said[:40], 1), packet(50, said[49:], 2)]), '9 octets are missing before this packet'
    yield pcap([packet(1, open_message() + one[:18] + b'\x02' + b'\0' * 90, 1)]), 'no BGP message of at least 19 octets'
    yield pcap([packet(1, message(OPEN, b'\x04') + one, 1)]), 'an OPEN whose lengths do not nest'
    yield section[:8] + b'\0' * 4 + section[12:], 'offset 0: 00000000; pcapng\'s order mark expected'
    yield section[:-2], 'a pcapng block of'
    yield pcapng([], 147), 'link type 147'
    yield section[:28] + section[28 + 28:], 'a packet of interface 0; one of the 0 before it expected'
    yield b'\x03\0\0\0\x06\x04' + b'\x02\0\0\0\x06\x04', 'offset 6: BMP version 2; 3 expected'
    yield b'\x03\0\0\0\x05\x04', 'offset 0: a BMP message of 5 octets; 6 to 6 expected'
    yield ribs[:len(PEERS)], 'nothing of BGP or BMP in it'


def test_damage(program, folder):
    file = pathlib.Path(folder, 'damaged')
    for octets, text in damaged():
        file.write_bytes(octets)
        program.fails(text, text, '--replay', file, '--stream', '1', '--to', '127.0.0.1:1', '--as', '64500')
    file.write_bytes(bgp4mp(4, update(b'\x08\x0a')))
    for options, text in (
            (['--speed', 'x'], '--speed: "x"; max, or how many times as fast expected'),
            (['--as', '0'], '--as: "0"; an AS number expected'),
            (['--router-id', '::1'], '--router-id: "::1"; an IPv4 address expected'),
            (['--stream', '2'], '"2"; the name of a stream or a number from 1 to 1 expected'),
            (['--from', 'here'], '--from: "here"; an address expected')):
        program.fails(text, text, '--replay', file, '--to', '127.0.0.1:1', *options)
    program.fails('no file', '/none: No such file or directory', '--streams', '/none')


def test_refusal(program, folder):
    """A peer that says NOTIFICATION ends the replay with its reason."""
    file = pathlib.Path(folder, 'one.mrt')
    file.write_bytes(bgp4mp(4, update(b'\x08\x0a')))
    with listener() as server:
        server.settimeout(10)
        with subprocess.Popen([program.path, '--replay', file, '--to', f'127.0.0.1:{server.getsockname()[1]}'],
                              stderr=subprocess.PIPE) as player, server.accept()[0] as stream:
            stream.recv(1000)
            stream.sendall(message(NOTIFICATION, b'\x02\x02'))
            complaint = player.communicate(timeout=10)[1].decode()
    check('what a refusal says', True, 'NOTIFICATION 2/2 from the peer, after 0 of 1 messages' in complaint)


def main():
    path, decoder, update_decoder, scenario, shared, data = sys.argv[1:]
    program = Program(path)
    with tempfile.TemporaryDirectory() as folder:
        for name, test in (('round trip', lambda: test_round_trip(program, scenario, folder)),
                           ('bgpdump', lambda: test_bgpdump(folder)),
                           ('tables', lambda: test_tables(program, folder)),
                           ('old messages', lambda: test_old_messages(program, folder)),
                           ('dumps', lambda: test_dumps(program, update_decoder, os.path.join(data, 'mrt'))),
                           ('captures', lambda: test_captures(program, folder)),
                           ('BMP', lambda: test_bmp(program, folder, decoder, shared, os.path.join(data, 'bmp'))),
                           ('pace', lambda: test_pace(program, folder)),
                           ('damage', lambda: test_damage(program, folder)),
                           ('refusal', lambda: test_refusal(program, folder))):
            test()
            print(f'{name}: ok')


if __name__ == '__main__':
    try:
        main()
    except Failure as failure:
        sys.exit(f'lab_replay: {failure}')
