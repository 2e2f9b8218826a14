"""The lab against a real gobgpd: sessions, all families' counts, changes as they go out by BMP.

Usage: lab_gobgp.py ALTIMETER-LAB SCENARIO

Of the scenario's reflectors rr1 listens and gobgpd calls it; rr2 calls gobgpd. Everything runs on free
ports of the loopback network, under one temporary folder, and ends with the test.
"""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

SKIP = 77
PATIENCE_S = 25  # gobgpd calls a neighbour for the first time after up to 10 s
LAB_ADDRESSES = {'rr1': '127.0.71.1', 'rr2': '127.0.71.2'}

CONFIGURATION = '''
[global.config]
  as = {as_number}
  router-id = "192.0.2.250"
  port = {port}
  local-address-list = ["127.0.0.1"]
[[bmp-servers]]
  [bmp-servers.config]
    address = "127.0.0.1"
    port = {bmp_port}
    route-monitoring-policy = "pre-policy"
'''

NEIGHBOR = '''
[[neighbors]]
  [neighbors.config]
    neighbor-address = "{address}"
    peer-as = {as_number}
  [neighbors.transport.config]
    {transport}
  [neighbors.timers.config]
    connect-retry = 1
'''

FAMILY = '''
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "{name}"
'''

FAMILIES = {'ls': 'ls', 'ipv4': 'ipv4-unicast', 'ipv6': 'ipv6-unicast'}


class Failure(Exception):
    """What was expected and what was seen."""


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as server:
        return server.getsockname()[1]


def wait_for(what, condition, patience_s=PATIENCE_S):
    """The condition's first true result; its last false one is in the failure."""
    end = time.monotonic() + patience_s
    while True:
        done, seen = condition()
        if done:
            return seen
        if time.monotonic() > end:
            raise Failure(f'{what}: not within {patience_s} s; seen: {seen}')
        time.sleep(0.1)


class Bmp:
    """A station that keeps every octet with the time it came."""

    def __init__(self):
        self.server = socket.create_server(('127.0.0.1', 0))
        self.port = self.server.getsockname()[1]
        self.octets = b''
        self.changed = threading.Condition()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            stream, _ = self.server.accept()
            while part := stream.recv(65536):
                with self.changed:
                    self.octets += part
                    self.changed.notify_all()

    def wait_for(self, what, pattern, start, patience_s=5):
        """Until the pattern is in what came after `start` octets; the monotonic time of that."""
        with self.changed:
            if not self.changed.wait_for(lambda: pattern in self.octets[start:], patience_s):
                raise Failure(f'{what}: no {pattern.hex()} by BMP within {patience_s} s')
        return time.monotonic()


class Test:
    def __init__(self, lab, scenario, folder):
        self.lab, self.folder = lab, folder
        self.bmp = Bmp()
        self.api, self.port = free_port(), free_port()
        self.socket = os.path.join(folder, 'lab.sock')
        self.scenario = os.path.join(folder, 'scenario.yaml')
        rr1 = f'{LAB_ADDRESSES["rr1"]}:{free_port()}'
        with open(scenario, encoding='utf-8') as source:
            text = source.read()
        text, first = re.subn(r'(name: rr1, )listen: "[^"]*"', rf'\1listen: "{rr1}"', text)
        text, second = re.subn(
            r'(name: rr2, )listen: "[^"]*"',
            rf'\1connect: "127.0.0.1:{self.port}", source: {LAB_ADDRESSES["rr2"]}', text)
        if (first, second) != (1, 1):
            raise Failure(f'{scenario}: reflectors rr1 and rr2 with "listen" expected')
        with open(self.scenario, 'w', encoding='utf-8') as target:
            target.write(text)
        self.rr1_port = rr1.rsplit(':', 1)[1]
        self.facts = json.loads(subprocess.run([lab, '--export-json', self.scenario], check=True,
                                               stdout=subprocess.PIPE).stdout)

    def start(self, stack):
        as_number = self.facts['as']
        with open(os.path.join(self.folder, 'gobgpd.toml'), 'w', encoding='utf-8') as file:
            file.write(CONFIGURATION.format(as_number=as_number, port=self.port,
                                            bmp_port=self.bmp.port))
            for name, transport in (
                    ('rr1', f'remote-port = {self.rr1_port}\n    local-address = "127.0.0.1"'),
                    ('rr2', 'passive-mode = true')):
                file.write(NEIGHBOR.format(address=LAB_ADDRESSES[name], as_number=as_number,
                                           transport=transport))
                for family in FAMILIES.values():
                    file.write(FAMILY.format(name=family))
        self.run(stack, 'gobgpd', ['gobgpd', '-f', file.name, '-p', '--pprof-disable',
                                   f'--api-hosts=127.0.0.1:{self.api}'])
        self.run(stack, 'lab', [self.lab, '--socket', self.socket, self.scenario])

    def run(self, stack, name, command):
        with open(os.path.join(self.folder, name + '.log'), 'wb') as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        stack.callback(process.wait)
        stack.callback(process.terminate)

    def gobgp(self, *words):
        """The answer; None while gobgpd is not yet there (its client then prints an error as JSON)."""
        done = subprocess.run(['gobgp', '-p', str(self.api), '-j', *words], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            answer = json.loads(done.stdout)
        except json.JSONDecodeError:
            return None
        return None if 'error' in answer else answer

    def control(self, command):
        done = subprocess.run([self.lab, '--control', self.socket, command], check=False,
                              capture_output=True, text=True)
        last = (done.stdout or done.stderr).strip().splitlines()[-1]
        if done.returncode != 0:
            raise Failure(f'"{command}": {last}')
        return dict(pair.split('=', 1) for pair in last.split() if '=' in pair)

    def received(self):
        """Prefixes received, by reflector and family."""
        counts = {}
        for neighbor in self.gobgp('neighbor') or []:
            name = next((n for n, a in LAB_ADDRESSES.items()
                         if a == neighbor['conf']['neighbor_address']), '?')
            for family in neighbor.get('afi_safis', []):
                state = family.get('state', {})
                key = {(16388, 71): 'ls', (1, 1): 'ipv4', (2, 1): 'ipv6'}.get(
                    (state.get('family', {}).get('afi'), state.get('family', {}).get('safi')))
                counts[name, key] = state.get('received', 0)
        return counts

    def summary(self, family):
        return self.gobgp('global', 'rib', 'summary', '-a', family) or {}

    def expect_paths(self, what, family, paths):
        wait_for(what, lambda: ((s := self.summary(family)).get('num_path', 0) == paths, s), 5)


def test_counts(test):
    expected = {(r['name'], family): r['count'][family]
                for r in test.facts['reflectors'] for family in r['count']}
    wait_for(f'both sessions with {expected}',
             lambda: ((seen := test.received()) == expected, seen))
    for family in FAMILIES:
        test.expect_paths(f'paths of {family}', family,
                          sum(n for (_, f), n in expected.items() if f == family))


def test_metric(test):
    """One direction of one link: one half-link from each reflector."""
    link = test.facts['links'][0]
    start = len(test.bmp.octets)
    answer = test.control(f'metric {link["a"]} {link["b"]} 54321 one-way link {link["index"]}')
    if (answer['updates'], answer['sessions'], answer['pending']) != ('2', '2', '0'):
        raise Failure(f'metric: 2 updates to 2 sessions expected; {answer}')
    seen = test.bmp.wait_for('metric', bytes.fromhex('0447 0003 00d431'), start)
    written = int(answer['monotonic_us']) / 1e6
    print(f'a metric took {1000 * (seen - written):.1f} ms from the lab to the BMP station')


def test_delay(test):
    link = test.facts['links'][0]
    start = len(test.bmp.octets)
    test.control(f'delay {link["a"]} {link["b"]} 7654321')
    test.bmp.wait_for('delay', bytes.fromhex('045a 0004 0074cbb1'), start)


def test_link(test):
    link = test.facts['links'][0]
    paths = test.summary('ls')['num_path']
    command = f'link {link["a"]} {link["b"]} {{}} link {link["index"]}'
    test.control(command.format('down'))
    test.expect_paths('after link down', 'ls', paths - 4)  # two half-links of two reflectors
    test.control(command.format('up'))
    test.expect_paths('after link up', 'ls', paths)


def test_prefix(test):
    prefix = test.facts['routes'][0]['prefix']
    family = 'ipv6' if ':' in prefix else 'ipv4'
    paths = test.summary(family)['num_path']
    test.control(f'prefix {prefix} withdraw')
    test.expect_paths('after withdrawal', family, paths - 2)
    test.control(f'prefix {prefix} announce')
    test.expect_paths('after announcement', family, paths)


def test_router(test):
    """What a router takes with it, by the scenario; then back to the full table."""
    name = test.facts['links'][0]['b']
    paths = test.summary('ls')['num_path']
    gone = 1 + sum(2 for k in test.facts['links'] if name in (k['a'], k['b'])) \
        + sum(p['router'] == name for p in test.facts['prefixes'])
    test.control(f'router {name} down')
    test.expect_paths('after router down', 'ls', paths - 2 * gone)
    test.control(f'router {name} up')
    test.expect_paths('after router up', 'ls', paths)


def test_reset(test):
    """A Cease makes gobgpd forget one reflector's routes and keep the other's."""
    paths = test.summary('ls')['num_path']
    if test.control('session rr1 reset')['sessions'] != '1':
        raise Failure('session rr1 reset: one session expected')
    test.expect_paths('after reset', 'ls', paths // 2)


def main():
    lab, scenario = sys.argv[1:]
    for program in ('gobgpd', 'gobgp'):
        if not shutil.which(program):
            print(f'{program} is not installed: skipped')
            return SKIP
    with tempfile.TemporaryDirectory(prefix='lab-gobgp-') as folder:
        try:
            with contextlib.ExitStack() as stack:
                test = Test(lab, scenario, folder)
                test.start(stack)
                for step in (test_counts, test_metric, test_delay, test_link, test_prefix,
                             test_router, test_reset):
                    step(test)
                    print(f'{step.__name__}: ok')
        except Failure as failure:
            print(f'FAILED: {failure}')
            for name in ('lab', 'gobgpd'):
                with open(os.path.join(folder, name + '.log'), encoding='utf-8') as log:
                    print(f'--- the end of {name}.log\n{log.read()[-1500:]}')
            return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
