"""What the collector's decoder makes of every fault of the lab (docs/spec/bgp-ls.md part 9).

Usage: lab_faults.py ALTIMETER-LAB DECODE-UPDATE DOCS-LAB-MD

Each fault is done to an UPDATE by a scenario's message, written by --dump, and decoded behind the OPEN.
Expected are the kinds of updates and of faults; and that the documentation lists each.
"""

import os
import re
import subprocess
import sys
import tempfile

import lab_decoder

SCENARIO = """name: faults
as: 64500
igp: isis-2
loopbacks: {ipv4: 10.255.0.0/24, ipv6: "2001:db8:ff::/64"}
routers: [{name: a}, {name: b}]
links:
  - {a: a, b: b, metric: 10, delay: 5, bandwidth: 10G, ipv4: [10.254.0.0, 10.254.0.1]}
reflectors: [{name: rr, listen: "127.0.0.1:1790", router_id: 192.0.2.1}]
routes:
  - {routers: a, prefixes: [198.51.100.0/25, 203.0.113.0/24, "2001:db8:2::/47"], as_path: 64511}
messages:
"""

# fault: what it is done to; kinds of updates that come of it; faults that are counted, with the families
# that are distrusted as bits (1 IPv4, 2 IPv6, 4 link state)
EXPECTED = {
    'marker': ('ipv4', '', 'bgp.header 7'),
    'header-short': ('ipv4', '', 'bgp.header 7'),
    'header-long': ('ipv4', '', 'bgp.header 7'),
    'header-length': ('ipv4', '', 'bgp.header 7'),
    'message-type': ('ipv4', '', 'bgp.header 0'),
    'withdrawn-overrun': ('ipv4', '', 'bgp.lengths 7'),
    'attributes-overrun': ('ipv4', '', 'bgp.lengths 7'),
    'attributes-left-over': ('ipv4', '', 'bgp.overrun 7'),
    'attribute-overrun': ('ipv4', '', 'bgp.overrun 7'),
    'attribute-cut': ('ipv4', 'gone gone', 'bgp.cluster-list 0'),
    'attribute-twice': ('ipv4', 'route route', 'bgp.repeated 0'),
    'mp-reach-twice': ('ipv6', 'route', 'bgp.mp-repeated 7'),
    'link-state-twice': ('node', 'node', 'bgp.repeated 0'),
    'unknown-well-known': ('ipv4', 'route route', ''),
    'origin-flags': ('ipv4', 'gone gone', 'bgp.flags 0'),
    'link-state-transitive': ('node', 'node', 'ls.attribute-flags 0'),
    'no-origin': ('ipv4', 'gone gone', 'bgp.missing 0'),
    'no-as-path': ('ipv4', 'gone gone', 'bgp.missing 0'),
    'no-next-hop': ('ipv4', 'gone gone', 'bgp.missing 0'),
    'no-local-pref': ('ipv4', 'route route', ''),
    'no-link-state': ('node', 'node', ''),
    'no-attributes': ('ipv4', 'gone gone', 'bgp.missing 0'),
    'empty-link-state': ('node', 'node', ''),
    'origin-value': ('ipv4', 'gone gone', 'bgp.origin 0'),
    'origin-length': ('ipv4', 'gone gone', 'bgp.origin 0'),
    'as-path-segment': ('ipv4', 'gone gone', 'bgp.as-path 0'),
    'as-path-empty-segment': ('ipv4', 'gone gone', 'bgp.as-path 0'),
    'as-path-overrun': ('ipv4', 'gone gone', 'bgp.as-path 0'),
    'next-hop-length': ('ipv4', 'gone gone', 'bgp.next-hop 0'),
    'med-length': ('ipv4', 'gone gone', 'bgp.med 0'),
    'local-pref-length': ('ipv4', 'gone gone', 'bgp.local-pref 0'),
    'atomic-length': ('ipv4', 'route route', 'bgp.atomic-aggregate 0'),
    'aggregator-length': ('ipv4', 'route route', 'bgp.aggregator 0'),
    'communities-length': ('ipv4', 'gone gone', 'bgp.communities 0'),
    'extended-communities-length': ('ipv4', 'gone gone', 'bgp.extended-communities 0'),
    'large-communities-length': ('ipv4', 'gone gone', 'bgp.large-communities 0'),
    'originator-length': ('ipv4', 'gone gone', 'bgp.originator-id 0'),
    'cluster-list-length': ('ipv4', 'gone gone', 'bgp.cluster-list 0'),
    'mp-next-hop-length': ('ipv6', '', 'bgp.mp-reach 2'),
    'mp-next-hop-overrun': ('ipv6', '', 'bgp.mp-reach 2'),
    'mp-empty': ('ipv6', '', ''),
    'mp-cut': ('ipv6', '', 'bgp.mp-reach 7'),
    'prefix-length': ('ipv4', '', 'bgp.nlri 1'),
    'prefix-cut': ('ipv4', 'route', 'bgp.nlri 1'),
    'prefix-host-bits': ('ipv4', 'route route', ''),
    'nlri-empty': ('node', '', 'ls.overrun 0'),
    'nlri-short': ('node', '', 'ls.overrun 0'),
    'nlri-no-descriptors': ('node', 'opaque', 'ls.descriptor 0'),
    'nlri-overrun': ('node', '', 'ls.lengths 4'),
    'nlri-unknown': ('node', 'opaque node', ''),
    'nlri-protocol': ('node', 'opaque', ''),
    'descriptor-overrun': ('node', '', 'ls.overrun 0'),
    'descriptor-order': ('node', 'node', 'ls.order 0'),
    'descriptor-twice': ('node', 'node', 'ls.sub-tlv-repeated 0'),
    'no-local-node': ('node', 'opaque', 'ls.descriptor 0'),
    'reachability-length': ('prefix', 'opaque prefix prefix prefix', 'ls.prefix 0'),
    'reachability-cut': ('prefix', 'opaque prefix prefix prefix', 'ls.prefix 0'),
    'tlv-overrun': ('link', 'link', 'ls.attribute-overrun 0'),
    'tlv-left-over': ('link', 'link', 'ls.attribute-overrun 0'),
    'tlv-length': ('link', 'link', 'ls.tlv-length 0'),
    'tlv-nan': ('link', 'link', 'ls.tlv-value 0'),
    'tlv-negative': ('link', 'link', 'ls.tlv-value 0'),
    'tlv-twice': ('link', 'link', ''),
    'tlv-order': ('link', 'link', ''),
    'tlv-unknown': ('link', 'link', ''),
    'sub-tlv-overrun': ('link', 'link', 'ls.attribute-overrun 0'),
}


def decode(decoder, messages):
    """The lines of each message."""
    done = subprocess.run([decoder], check=True, capture_output=True, text=True,
                          input=''.join(m.hex() + '\n' for m in messages))
    groups = [[]]
    for line in done.stdout.splitlines():
        if line:
            groups[-1].append(line)
        else:
            groups.append([])
    return groups[:-1]


def summary(lines):
    kinds = ' '.join(line.split()[0] for line in lines if not line.startswith('fault'))
    faults = '; '.join(line.removeprefix('fault ').replace('distrusted=', '') for line in lines
                       if line.startswith('fault'))
    return kinds, faults


def main():
    lab, decoder, page = sys.argv[1:]
    with open(page, encoding='utf-8') as file:
        listed = set(re.findall(r'`([a-z0-9-]+)`', file.read()))
    failures = [f'{name}: docs/lab.md does not list it' for name in EXPECTED if name not in listed]
    with tempfile.TemporaryDirectory() as folder:
        scenario, capture = os.path.join(folder, 'faults.yaml'), os.path.join(folder, 'lab.pcap')
        with open(scenario, 'w', encoding='utf-8') as file:
            file.write(SCENARIO + ''.join(f'  - {{fault: {name}, of: {of}}}\n'
                                          for name, (of, _, _) in EXPECTED.items()))
        subprocess.run([lab, '--dump', capture, scenario], check=True)
        messages = lab_decoder.messages_of(capture)[1]
    decoded = decode(decoder, messages)[-len(EXPECTED):]
    for (name, (_, kinds, faults)), lines in zip(EXPECTED.items(), decoded):
        if summary(lines) != (kinds, faults):
            failures.append(f'{name}: {(kinds, faults)} expected, {summary(lines)} seen')
    for failure in failures:
        print(failure)
    print(f'{len(EXPECTED)} faults, {len(failures)} failures')
    return bool(failures)


if __name__ == '__main__':
    sys.exit(main())
