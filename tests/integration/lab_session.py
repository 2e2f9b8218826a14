"""The lab's sessions, by a peer that speaks BGP badly on purpose.

Usage: lab_session.py ALTIMETER-LAB SCENARIO DOCS-LAB-MD

Faults are answered with the NOTIFICATION that RFC 4271 wants; a ROUTE-REFRESH is answered with the
table; a second session gets the same increments; a later one the present state; what the control socket
refuses is refused with its reason. The example in the documentation loads.
"""

import contextlib
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time

MARKER = b'\xff' * 16
OPEN, UPDATE, NOTIFICATION, KEEPALIVE, REFRESH = 1, 2, 3, 4, 5
FAMILIES = {'ls': (16388, 71), 'ipv4': (1, 1), 'ipv6': (2, 1)}
ENDS = {'ls': bytes.fromhex('0000 0006 800f03 4004 47'), 'ipv4': bytes(4),
        'ipv6': bytes.fromhex('0000 0006 800f03 0002 01')}


class Failure(Exception):
    """What was expected and what was seen."""


def check(what, expected, seen):
    if expected != seen:
        raise Failure(f'{what}: {expected} expected, {seen} seen')


def message(kind, body=b''):
    return MARKER + struct.pack('!HB', 19 + len(body), kind) + body


def open_body(as_number=64500, hold_s=90, families=('ls', 'ipv4', 'ipv6'), has_as4=True, more=b''):
    capabilities = b''.join(struct.pack('!BBHBB', 1, 4, FAMILIES[f][0], 0, FAMILIES[f][1])
                            for f in families) + more
    if has_as4:
        capabilities += struct.pack('!BBI', 65, 4, as_number)
    parameters = struct.pack('!BB', 2, len(capabilities)) + capabilities
    return struct.pack('!BHH4sB', 4, min(as_number, 23456), hold_s, b'\x0a\x09\x09\x09',
                       len(parameters)) + parameters


class Peer:
    """One session; messages come as (kind, body)."""

    def __init__(self, port):
        self.stream = socket.create_connection(('127.0.0.1', port), timeout=10)

    def send(self, kind, body=b''):
        self.stream.sendall(message(kind, body))

    def take(self, count):
        octets = b''
        while len(octets) < count:
            part = self.stream.recv(count - len(octets))
            if not part:
                return None
            octets += part
        return octets

    def receive(self):
        header = self.take(19)
        if header is None:
            return None, b''
        check('marker', MARKER, header[:16])
        length, kind = struct.unpack('!HB', header[16:])
        return kind, self.take(length - 19)

    def expect(self, what, wanted):
        kind, body = self.receive()
        check(what, wanted, kind)
        return body

    def establish(self, **options):
        self.expect('OPEN', OPEN)
        self.send(OPEN, open_body(**options))
        self.expect('KEEPALIVE', KEEPALIVE)
        self.send(KEEPALIVE)
        return self

    def updates_until(self, end):
        """The UPDATEs before the one with this body."""
        updates = []
        while (body := self.expect('UPDATE', UPDATE)) != end:
            updates.append(body)
        return updates

    def table(self, families=('ls', 'ipv4', 'ipv6')):
        return {family: self.updates_until(ENDS[family]) for family in families}

    def expect_notification(self, what, code, subcode):
        while (got := self.receive())[0] not in (NOTIFICATION, None):
            pass
        check(what, (NOTIFICATION, bytes([code, subcode])), got)


class Lab:
    def __init__(self, program, scenario, folder, reflectors=('rr1', 'rr2')):
        self.program = program
        self.socket = os.path.join(folder, os.path.basename(scenario) + '.sock')
        with contextlib.ExitStack() as stack:
            servers = [stack.enter_context(socket.create_server(('127.0.0.1', 0)))
                       for _ in reflectors]
            self.ports = [server.getsockname()[1] for server in servers]
        self.port = self.ports[0]
        self.command = [program, '--log-level', 'error']
        for name, port in zip(reflectors, self.ports):
            self.command += ['--listen', f'{name}=127.0.0.1:{port}']
        self.command += ['--socket', self.socket, scenario]
        self.process = subprocess.Popen(self.command)
        end = time.monotonic() + 10
        while not os.path.exists(self.socket):
            if time.monotonic() > end or self.process.poll() is not None:
                raise Failure('the lab does not start')
            time.sleep(0.02)

    def control(self, command):
        done = subprocess.run([self.program, '--control', self.socket, command], check=False,
                              capture_output=True, text=True)
        return done.stdout.strip()


def test_faults(lab):
    def opened(**options):
        peer = Peer(lab.port)
        peer.send(OPEN, open_body(**options))
        return peer

    opened(as_number=64501).expect_notification('another AS', 2, 2)
    opened(has_as4=False).expect_notification('no capability 65', 2, 7)
    opened(hold_s=2).expect_notification('hold time 2', 2, 6)
    for what, octets, code in (
            ('marker', b'\x00' * 19, (1, 1)),
            ('length below 19', MARKER + b'\x00\x12\x04', (1, 2)),
            ('length above 4096', MARKER + b'\x10\x01\x04', (1, 2)),
            ('unknown type', message(9), (1, 3)),
            ('UPDATE before OPEN', message(UPDATE, bytes(4)), (5, 0)),
            ('cut OPEN', message(OPEN, open_body()[:-1]), (2, 0))):
        peer = Peer(lab.port)
        peer.stream.sendall(octets)
        peer.expect_notification(what, *code)
    peer = Peer(lab.port).establish()
    peer.send(OPEN, open_body())
    peer.expect_notification('a second OPEN', 5, 0)


def test_hold_time(lab):
    peer = Peer(lab.port).establish(hold_s=3)
    peer.table()
    start = time.monotonic()
    kinds = []
    while (got := peer.receive())[0] == KEEPALIVE:
        kinds.append(got)
    check('hold timer', (NOTIFICATION, b'\x04\x00'), got)
    if not 2.5 < time.monotonic() - start < 6 or not kinds:
        raise Failure(f'hold timer: KEEPALIVEs and an end after 3 s expected; {len(kinds)} '
                      f'and {time.monotonic() - start:.1f} s seen')


def test_families_and_refresh(lab):
    peer = Peer(lab.port).establish(families=['ls', 'ipv6'])
    table = peer.table(['ls', 'ipv6'])
    peer.send(REFRESH, struct.pack('!HBB', 16388, 0, 71))
    check('refreshed', table['ls'],
          [peer.expect('UPDATE', UPDATE) for _ in table['ls']])
    peer.send(REFRESH, struct.pack('!HBB', 1, 0, 1))  # not negotiated: no answer
    answer = lab.control('reflector rr1 resend ipv6')
    check('resent', table['ipv6'], [peer.expect('UPDATE', UPDATE) for _ in table['ipv6']])
    if not answer.startswith(f'ok updates={len(table["ipv6"])} '):
        raise Failure(f'resend: {answer}')
    peer.send(NOTIFICATION, b'\x06\x02')
    check('closed', (None, b''), peer.receive())


def test_increments(lab):
    one, two = (Peer(lab.port).establish() for _ in range(2))
    before = one.table()
    check('tables', before, two.table())
    answer = lab.control('metric a b 77 link 2')
    if not answer.startswith('ok updates=4 ') or ' sessions=2 pending=0 ' not in answer:
        raise Failure(f'metric: {answer}')
    news = [one.expect('UPDATE', UPDATE) for _ in range(2)]
    check('both sessions', news, [two.expect('UPDATE', UPDATE) for _ in range(2)])
    check('same again', 'ok updates=0 octets=0 sessions=0 pending=0',
          lab.control('metric a b 77 link 2').partition(' utc=')[0])
    after = Peer(lab.port).establish().table()
    check('later session: others', before['ipv4'], after['ipv4'])
    check('later session: news', set(news), set(after['ls']) - set(before['ls']))
    lab.control('metric a b 10 link 2')
    check('back', set(before['ls']), set(Peer(lab.port).establish().table()['ls']))


def test_session_commands(lab):
    peer = Peer(lab.port).establish()
    peer.table()
    if not lab.control('session rr1 reset').startswith('ok sessions='):
        raise Failure('reset: the number of sessions expected')
    peer.expect_notification('reset', 6, 4)
    peer = Peer(lab.port).establish()
    peer.table()
    check('down', 'ok', lab.control('session rr1 down'))
    peer.expect_notification('down', 6, 2)
    try:
        Peer(lab.port)
    except ConnectionRefusedError:
        pass
    else:
        raise Failure('down: a closed port expected')
    check('up', 'ok', lab.control('session rr1 up'))
    check('end-of-rib off', 'ok', lab.control('reflector rr1 end-of-rib off'))
    peer = Peer(lab.port).establish(families=['ipv6'])
    check('drop', 'ok sessions=1', lab.control('session rr1 drop'))
    kinds = []
    while (got := peer.receive())[0] is not None:
        kinds.append(got)
    if not kinds or any(k != UPDATE or body == ENDS['ipv6'] for k, body in kinds):
        raise Failure(f'drop without End-of-RIB: only UPDATEs expected; {kinds[-1:]}')
    check('end-of-rib on', 'ok', lab.control('reflector rr1 end-of-rib on'))


def test_ends(lab):
    """Sessions that end or vanish in every way."""
    whole = Peer(lab.port).establish().table()
    peer = Peer(lab.port).establish()
    peer.table()
    lab.control('session rr1 notify 6 9 06aa')
    check('hard reset', (NOTIFICATION, b'\x06\x09\x06\xaa'), peer.receive())

    check('vanish', 'ok', lab.control('reflector rr1 vanish fin after 3 updates'))
    peer = Peer(lab.port).establish()
    seen = [peer.expect('UPDATE', UPDATE) for _ in range(3)]
    check('the first three UPDATEs', whole['ls'][:3], seen)
    check('the end', (None, b''), peer.receive())

    check('vanish', 'ok', lab.control('reflector rr1 vanish reset after 100 octets'))
    peer = Peer(lab.port).establish()
    try:
        octets = b''.join(iter(lambda: peer.stream.recv(4096), b''))
        raise Failure(f'a reset expected; an orderly end after {len(octets)} octets seen')
    except ConnectionResetError:
        pass

    check('vanish', 'ok', lab.control('reflector rr1 vanish silent after 5 updates'))
    peer = Peer(lab.port).establish(hold_s=3)
    seen = [peer.expect('UPDATE', UPDATE) for _ in range(5)]
    check('the first five UPDATEs', whole['ls'][:5], seen)
    if ' silent ' not in lab.control('status'):
        raise Failure('a session that is silent expected')
    peer.stream.settimeout(1.5)
    try:
        raise Failure(f'silence expected; {peer.receive()} seen')
    except TimeoutError:
        pass
    check('drop', 'ok sessions=1', lab.control('session rr1 drop'))
    check('vanish', 'ok', lab.control('reflector rr1 vanish none'))


def capabilities(body):
    """Code → value of an OPEN's capabilities."""
    found, rest = {}, body[12:]
    while rest:
        code, length = rest[:2]
        found[code], rest = rest[2:2 + length], rest[2 + length:]
    return found


def test_restart(lab):
    peer = Peer(lab.port).establish()
    peer.table()
    check('restart', 'ok sessions=1', lab.control('session rr1 restart lost'))
    check('no NOTIFICATION', (None, b''), peer.receive())
    time.sleep(0.1)
    peer = Peer(lab.port)
    lost = capabilities(peer.expect('OPEN', OPEN))[64]
    check('R bit, no F bits', bytes.fromhex('8078 40044700 00010100 00020100'), lost)
    lab.control('session rr1 restart 1')
    try:
        Peer(lab.port)
    except ConnectionRefusedError:
        pass
    else:
        raise Failure('restart 1: a port that is closed for a second expected')
    time.sleep(1.2)
    peer = Peer(lab.port)
    kept = capabilities(peer.expect('OPEN', OPEN))[64]
    check('R bit, F bits', bytes.fromhex('8078 40044780 00010180 00020180'), kept)
    peer.send(OPEN, open_body())
    peer.expect('KEEPALIVE', KEEPALIVE)
    peer.send(KEEPALIVE)
    peer.table()  # with End-of-RIB


def test_raw(lab):
    peer = Peer(lab.port).establish()
    peer.table()
    answer = lab.control('send rr1 message ' + 'ff' * 16 + '001304')
    if not answer.startswith('ok updates=1 octets=19 sessions=1 '):
        raise Failure(f'send: {answer}')
    check('as it stands', (KEEPALIVE, b''), peer.receive())
    lab.control('send rr1 200 010203')
    check('with a header', (200, b'\1\2\3'), peer.receive())
    lab.control('send rr1 refresh 00010001')
    check('by its name', (REFRESH, b'\0\1\0\1'), peer.receive())
    lab.control('send rr1 fault no-origin ipv4')
    body = peer.expect('UPDATE', UPDATE)
    check('a damaged UPDATE begins with AS_PATH', b'\x40\x02', body[4:6])
    check('end of rib', 'ok updates=3', lab.control('reflector rr1 end-of-rib send').split(' octets')[0])
    check('ends', list(ENDS.values()), [peer.expect('UPDATE', UPDATE) for _ in ENDS])
    listed = lab.control('faults').splitlines()
    check('all faults', ('marker', 'ok'), (listed[0].split()[0], listed[-1]))


REFUSED = {
    '': 'an empty line; a command expected, see help',
    'metrics a b 1': '"metrics"; a command expected, see help',
    'metric a b': '3 words; expected: metric A B NUMBER [one-way] [link N]',
    'metric a x 1': '"x"; the name of a router expected',
    'metric a b -1': 'metric: "-1"; a number from 0 to 16777215 expected',
    'metric a b 16777216': 'metric: "16777216"; a number from 0 to 16777215 expected',
    'metric a b 1 both': '"both"; one-way or link NUMBER expected',
    'metric a b 1 link 3': 'no link 3 between a and b',
    'metric a d 1': 'no link between a and d',
    'delay a b x': 'delay: "x"; a number from 0 to 16777215 expected',
    'link a b off': '"off"; down or up expected',
    'link a b up one-way': '"one-way"; link NUMBER expected',
    'router z down': '"z"; the name of a router expected',
    'router a off': '"off"; down or up expected',
    'overload a yes': '"yes"; on or off expected',
    'prefix 10.0.0.1/8 withdraw': '"10.0.0.1/8"; a prefix without host bits expected',
    'prefix 10.0.0.0/8 withdraw': 'no prefix 10.0.0.0/8 there',
    'prefix 10.0.0.0/8 fly': '"fly"; move, withdraw or announce expected',
    'prefix 10.0.0.0/8 move': 'move: the name of a router expected',
    'session rr9 reset': '"rr9"; the name of a reflector expected',
    'session rr1 stop': '"stop"; one of reset, drop, down, up, notify, restart expected',
    'session rr1 notify 6': 'notify: CODE SUBCODE [HEX] expected',
    'session rr1 notify 6 256': '"256"; a number from 0 to 255 expected',
    'session rr1 notify 6 9 0': '"0"; octets in hexadecimal expected',
    'session rr1 restart soon': '"soon"; seconds up to 3600 or lost expected',
    'reflector rr1 end-of-rib later': '"later"; on, off or send expected',
    'reflector rr1 vanish reset after 1 hour':
        '"reset after 1 hour"; fin, reset or silent after NUMBER updates or octets, or none, expected',
    'reflector rr1 path-ids 4294967295': '"4294967295"; a number from 0 to 2147483648 expected',
    'send rr1 greeting': '"greeting"; message, fault, open, update, notification, keepalive, refresh '
                         'or a type expected',
    'send rr1 update xy': '"xy"; octets in hexadecimal expected',
    'send rr1 fault marker': 'fault: NAME TARGET [NUMBER] expected',
    'send rr1 fault nonsense ls': '"nonsense"; a fault expected, see faults',
    'send rr1 fault marker vpn': '"vpn"; ls, node, link, prefix, ipv4 or ipv6 expected',
    'send rr1 fault marker node 9999': 'node: the table of rr1 has no UPDATE 9999 of that kind',
    'send rr1 fault nlri-empty ipv4':
        'nlri-empty does not fit that UPDATE: an NLRI of length 0',
    'object x withdraw': '"x"; the name of an egress peer or an object expected',
    'object x hide': '"hide"; withdraw or announce expected',
    'value a b colour 1': '"colour"; a key of a link such as loss expected',
    'value a b loss 16777216': 'loss: "16777216"; a number from 0 to 16777215 expected',
    'anomalous a b metric on': '"metric"; delay, delay_min or loss expected',
    'anomalous a b loss yes': '"yes"; on or off expected',
    'reflector rr1 resend vpn': '"vpn"; ls, ipv4 or ipv6 expected',
    'reflector rr1 as 1': '"as"; one of end-of-rib, resend, vanish, path-ids expected',
    'export /nonexistent/x': '/nonexistent/x: No such file or directory',
    'a b c d e f g h i': 'more than 8 words; see help',
}


def test_refusals(lab):
    for command, text in REFUSED.items():
        check(f'"{command}"', 'error ' + text, lab.control(command))
    with socket.socket(socket.AF_UNIX) as stream:  # several at once, the sender's side closed
        stream.connect(lab.socket)
        stream.sendall(b'metric a b\nhelp\nstatus\n')
        stream.shutdown(socket.SHUT_WR)
        answers = b''.join(iter(lambda: stream.recv(65536), b'')).decode().splitlines()
    check('three answers', ['error', 'ok', 'ok'],
          [line.split()[0] for line in answers if not line.startswith('  ')])
    if 'metric A B' not in lab.control('help'):
        raise Failure('help: the list of commands expected')


TAKES_PATHS = bytes.fromhex('45 0c 4004 47 01 0001 01 01 0002 01 03')
MANNERS = ('paths', 'ls-paths', 'external', 'narrow', 'both', 'one-each', 'over-ipv6')


def path_ids(update):
    """Path identifiers of an IPv4 UPDATE, withdrawn and announced."""
    withdrawn = int.from_bytes(update[:2])
    behind = update[2 + withdrawn:]
    fields = update[2:2 + withdrawn], behind[2 + int.from_bytes(behind[:2]):]
    found = []
    for field in fields:
        ids = []
        while field:
            ids.append(int.from_bytes(field[:4]))
            field = field[5 + (field[4] + 7) // 8:]
        found.append(ids)
    return found


def test_manners(program, scenario, folder):
    lab = Lab(program, scenario, folder, MANNERS)
    ports = dict(zip(MANNERS, lab.ports))
    try:
        peer = Peer(ports['paths'])
        peer.send(OPEN, open_body())
        peer.expect_notification('no path identifiers', 2, 7)
        peer = Peer(ports['paths']).establish(more=TAKES_PATHS + b'\x46\0')
        table = peer.table()
        check('identifiers', [4294967, 4294968], [path_ids(u)[1][0] for u in table['ipv4'][:2]])
        peer.send(REFRESH, struct.pack('!HBB', 1, 0, 1))
        check('refresh begins', (REFRESH, b'\0\1\1\1'), peer.receive())
        check('refreshed', table['ipv4'], [peer.expect('UPDATE', UPDATE) for _ in table['ipv4']])
        check('refresh ends', (REFRESH, b'\0\1\2\1'), peer.receive())
        lab.control('prefix 198.51.100.0/24 withdraw a')
        check('withdrawn by its identifier, the next one announced', [[[4294967], []], [[], [4294969]]],
              [path_ids(peer.expect('UPDATE', UPDATE)) for _ in range(2)])
        peer = Peer(ports['external'])
        check('the own AS', b'\xfb\xf4', peer.expect('OPEN', OPEN)[1:3])
        peer.send(OPEN, open_body(as_number=64999))
        peer.expect('KEEPALIVE', KEEPALIVE)
        peer = Peer(ports['external'])
        peer.send(OPEN, open_body())
        peer.expect_notification('the peer is of another AS', 2, 2)
        peer = Peer(ports['both'])
        check('AS_TRANS', b'\x5b\xa0', peer.expect('OPEN', OPEN)[1:3])
        start = time.monotonic()
        Peer(ports['one-each']).establish(families=['ipv6']).table(['ipv6'])
        if time.monotonic() - start < 0.9:
            raise Failure('End-of-RIB a second late expected')
    finally:
        lab.process.terminate()
        lab.process.wait()
    print('test_manners: ok')


MESSAGES = """name: messages
as: 64500
igp: isis-2
routers: [{name: a, ipv4: 10.0.0.1}]
reflectors:
  - {name: rr1, listen: "127.0.0.1:1", router_id: 192.0.2.1, families: ls, vanish: fin after 5 updates}
  - {name: rr2, listen: "127.0.0.1:2", router_id: 192.0.2.2, families: ls}
messages:
  - {message: 0000}
  - {fault: header-short, of: node, reflectors: rr1}
  - {type: 77, body: 0102}
"""


def test_messages(program, folder):
    """What the file has behind the tables, however wrong; each counts as an UPDATE."""
    scenario = os.path.join(folder, 'messages.yaml')
    with open(scenario, 'w', encoding='utf-8') as file:
        file.write(MESSAGES)
    lab = Lab(program, scenario, folder)
    try:
        peers = [Peer(port).establish() for port in lab.ports]
        tables = [peer.updates_until(ENDS['ls']) for peer in peers]
        check('two UPDATEs each', [2, 2], [len(table) for table in tables])
        check('octets', [b'\0\0'] * 2, [peer.take(2) for peer in peers])
        header = peers[0].take(19)
        check('a header that lies', (MARKER, b'\0\x12\2'), (header[:16], header[16:]))
        check('its body, and nothing behind it', tables[0][0],
              b''.join(iter(lambda: peers[0].stream.recv(4096), b'')))
        check('a type of its own', (77, b'\1\2'), peers[1].receive())
    finally:
        lab.process.terminate()
        lab.process.wait()
    print('test_messages: ok')


def test_second_lab(lab):
    """A second one at the same socket leaves the first alone."""
    done = subprocess.run([*lab.command[:-3], '--socket', lab.socket, lab.command[-1]], check=False,
                          capture_output=True, text=True, timeout=10)
    if done.returncode == 0 or 'rr1: listening at 127.0.0.1' not in done.stderr:
        raise Failure(f'a port in use: a clear error expected; {done.stderr}')
    check('socket is still there', True, 'ok' in lab.control('status'))


def test_documentation(program, page, folder):
    with open(page, encoding='utf-8') as file:
        examples = re.findall(r'```yaml\n(.*?)```', file.read(), re.DOTALL)
    check('examples', 2, len(examples))  # the second is the section bmp of the first
    copy = os.path.join(folder, 'example.yaml')
    with open(copy, 'w', encoding='utf-8') as file:
        file.write(''.join(examples))
    done = subprocess.run([program, '--check', copy], check=False, stderr=subprocess.PIPE, text=True)
    check('the example of the documentation', (0, ''), (done.returncode, done.stderr))


def main():
    program, scenario, page = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix='lab-session-') as folder:
        lab = Lab(program, scenario, folder)
        try:
            test_documentation(program, page, folder)
            test_messages(program, folder)
            test_manners(program, os.path.join(os.path.dirname(scenario), 'manners.yaml'), folder)
            for step in (test_faults, test_families_and_refresh, test_increments,
                         test_session_commands, test_ends, test_restart, test_raw, test_refusals, test_second_lab, test_hold_time):
                step(lab)
                print(f'{step.__name__}: ok')
            check('quit', 'ok', lab.control('quit'))
            check('exit status', 0, lab.process.wait(timeout=10))
            check('socket removed', False, os.path.exists(lab.socket))
        except Failure as failure:
            print(f'FAILED: {failure}')
            return 1
        finally:
            if lab.process.poll() is None:
                lab.process.terminate()
                lab.process.wait()
    return 0


if __name__ == '__main__':
    sys.exit(main())
