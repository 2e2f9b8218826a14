"""The lab's sessions, by a peer that speaks BGP badly on purpose.

Usage: lab_session.py ALTIMETER-LAB SCENARIO DOCS-LAB-MD

Faults are answered with the NOTIFICATION that RFC 4271 wants; a ROUTE-REFRESH is answered with the
table; a second session gets the same increments; a later one the present state; what the control socket
refuses is refused with its reason. The example in the documentation loads.
"""

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


def open_body(as_number=64500, hold_s=90, families=('ls', 'ipv4', 'ipv6'), has_as4=True):
    capabilities = b''.join(struct.pack('!BBHBB', 1, 4, FAMILIES[f][0], 0, FAMILIES[f][1])
                            for f in families)
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
    def __init__(self, program, scenario, folder):
        self.program, self.socket = program, os.path.join(folder, 'lab.sock')
        with socket.create_server(('127.0.0.1', 0)) as one, \
                socket.create_server(('127.0.0.1', 0)) as other:
            self.port, spare = one.getsockname()[1], other.getsockname()[1]
        self.command = [program, '--log-level', 'error', '--listen', f'rr1=127.0.0.1:{self.port}',
                        '--listen', f'rr2=127.0.0.1:{spare}', '--socket', self.socket, scenario]
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
    'session rr1 stop': '"stop"; reset, drop, down or up expected',
    'reflector rr1 resend vpn': '"vpn"; ls, ipv4 or ipv6 expected',
    'reflector rr1 as 1': '"as"; end-of-rib or resend expected',
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
    check('examples', 1, len(examples))
    copy = os.path.join(folder, 'example.yaml')
    with open(copy, 'w', encoding='utf-8') as file:
        file.write(examples[0])
    done = subprocess.run([program, '--check', copy], check=False, stderr=subprocess.PIPE, text=True)
    check('the example of the documentation', (0, ''), (done.returncode, done.stderr))


def main():
    program, scenario, page = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix='lab-session-') as folder:
        lab = Lab(program, scenario, folder)
        try:
            test_documentation(program, page, folder)
            for step in (test_faults, test_families_and_refresh, test_increments,
                         test_session_commands, test_refusals, test_second_lab, test_hold_time):
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
