"""tshark judges the decoder: captures and BMP streams of real routers say the same to both.

Usage: captures_tshark.py DECODE-UPDATE TEST-DATA

Each BGP message becomes a TCP segment of a capture that tshark reads; DECODE-UPDATE gets its hex. Compared are,
object by object: kind, protocol, instance, router-ids, AS numbers, link ids and addresses, topology, prefix,
route type; and of the attribute what tshark 4.0 knows at top level: name, areas, metrics, bandwidth, delays.
Of the UPDATEs inside BMP: every IPv4 and IPv6 unicast prefix announced or withdrawn.
"""

import collections
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

SKIP = 77
LINKTYPE_RAW = 101
KINDS = {1: 'node', 2: 'link', 3: 'prefix', 4: 'prefix'}
FACTS = {  # of an object: our key, tshark's field of its NLRI
    'here': 'bgp.ls.nlri_ipv4_interface_address',
    'there': 'bgp.ls.nlri_ipv4_neighbor_address',
    'topology': 'bgp.ls.nlri_multi_topology_id',
    'route-type': 'bgp.ls.nlri_ospf_route_type',
}
NUMBERS = {  # of the attribute, at top level: our key, tshark's TLV and value
    'te-metric': ('bgp.ls.tlv.te_default_metric', 'bgp.ls.tlv.te_default_metric_value'),
    'admin-group': ('bgp.ls.tlv.administrative_group_color', 'bgp.ls.tlv.administrative_group_color_value'),
    'delay': ('bgp.ls.igp_te_metric.delay', 'bgp.ls.igp_te_metric.delay_value'),
    'delay-min': ('bgp.ls.igp_te_metric.delay_min_max', 'bgp.ls.igp_te_metric.delay_min'),
    'delay-max': ('bgp.ls.igp_te_metric.delay_min_max', 'bgp.ls.igp_te_metric.delay_max'),
}


def find(tree, key):
    """Every value of the key, at any depth; the tree is of lists of pairs, as keys repeat."""
    for item in tree if isinstance(tree, list) else ():
        if isinstance(item, tuple):
            if item[0] == key:
                yield item[1]
            else:
                yield from find(item[1], key)
        else:
            yield from find(item, key)


def first(tree, key, default=None):
    return next(find(tree, key), default)


def top(tree, key):
    """The value of the key at this level only."""
    return next((value for name, value in tree or () if name == key), None)


def number(text):
    return int(text, 0)


def capture_of(messages):
    """A capture file with one TCP segment to port 179 a message."""
    out = struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 1 << 18, LINKTYPE_RAW)
    for index, message in enumerate(messages):
        tcp = struct.pack('>HHIIBBHHH', 10000 + index, 179, 1, 1, 0x50, 0x18, 65535, 0, 0) + message
        ip = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, b'\x0a\0\0\1', b'\x0a\0\0\2')
        out += struct.pack('<IIII', index, 0, len(ip + tcp), len(ip + tcp)) + ip + tcp
    return out


def tshark(messages):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / 'messages.pcap'
        file.write_bytes(capture_of(messages))
        out = subprocess.run(['tshark', '-n', '-r', file, '-T', 'json'], check=True, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL).stdout
    return [first(packet, 'bgp', []) for packet in json.loads(out, object_pairs_hook=lambda pairs: pairs)]


def decode(program, messages):
    """The decoder's lines, a list a message."""
    text = ''.join(message.hex() + '\n' for message in messages)
    out = subprocess.run([program], input=text, check=True, stdout=subprocess.PIPE, text=True).stdout
    blocks = [[]]
    for line in out.splitlines():
        if line:
            blocks[-1].append(line)
        else:
            blocks.append([])
    return blocks


def values(line):
    """A decoder's line: its kind and its key=value; keys of which there may be several give lists."""
    words = re.findall(r'(?:[^\s"]|"[^"]*")+', line)
    pairs = collections.defaultdict(list)
    for word in words[1:]:
        key, _, value = word.partition('=')
        pairs[key].append(value.strip('"'))
    return words[0], pairs


def node_of(tree):
    """A node descriptor as update_text prints it."""
    text = first(tree, 'bgp.ls.tlv.igp_router_id', '').replace(':', '')
    for key, mark in (('bgp.ls.tlv.autonomous_system.id', 'as'), ('bgp.ls.tlv.bgp_ls_identifier_id', 'id'),
                      ('bgp.ls.tlv.area_id.id', 'area')):
        value = first(tree, key)
        if value is not None:
            text += f'/{mark}{number(value)}'
    return text


def object_of(nlri):
    """What tshark says of one NLRI, in the decoder's words."""
    facts = {'protocol': first(nlri, 'bgp.ls.nlri_node.protocol_id'),
             'instance': str(number(first(nlri, 'bgp.ls.nlri_node.identifier'))),
             'local': node_of(first(nlri, 'bgp.ls.tlv.local_node_descriptors', []))}
    remote = first(nlri, 'bgp.ls.tlv.remote_node_descriptors')
    if remote is not None:
        facts['remote'] = node_of(remote)
    for key, field in FACTS.items():
        value = first(nlri, field)
        if value is not None and not (key == 'topology' and number(value) == 0):
            facts[key] = value
    address = first(nlri, 'bgp.ls.nlri_ip_reachability_prefix_ip') or \
        first(nlri, 'bgp.ls.nlri_ip_reachability_prefix_ip6')
    if address is not None:
        facts['prefix'] = f"{address}/{first(nlri, 'bgp.prefix_length')}"
    ids = first(nlri, 'bgp.ls.nlri_link_local_identifier')
    if ids is not None:
        facts['ids'] = f"{number(ids)},{number(first(nlri, 'bgp.ls.nlri_link_remote_identifier'))}"
    return KINDS[number(first(nlri, 'bgp.ls.nlri_type'))], facts


def attribute_of(kind, tree):
    """What tshark says of attribute 29, at top level, in the decoder's words."""
    facts = {}
    if kind == 'node':
        name = top(top(tree, 'bgp.ls.tlv.node_name'), 'bgp.ls.tlv.node_name_value')
        if name is not None:
            facts['name'] = [name]
        facts['area'] = sorted(value.replace(':', '') for key, area in tree if
                               key == 'bgp.ls.tlv.is_is_area_identifier' for value in
                               find(area, 'bgp.ls.tlv.is_is_area_identifier_value'))
    elif kind == 'prefix':
        metric = first(tree, 'bgp.ls.tlv.prefix_metric_value')
        if metric is not None:
            facts['metric'] = [str(number(metric))]
    else:
        metric = first(tree, 'bgp.ls.tlv.metric_value')
        if metric is not None:
            facts['metric'] = [str(number(metric))]
        for key, (tlv, field) in NUMBERS.items():
            value = top(top(tree, tlv), field)
            if value is not None:
                facts[key] = [str(number(value))]
        for key, tlv in (('max', 'bgp.ls.tlv.maximum_link_bandwidth'),
                         ('reservable', 'bgp.ls.tlv.maximum_reservable_link_bandwidth')):
            mbps = top(top(tree, tlv), 'bgp.ls.bandwidth_value')  # tshark gives Mbit/s
            if mbps is not None:
                facts[key] = [str(int(float(mbps) * 1e6))]
    return {key: value for key, value in facts.items() if value}


def compare_link_state(place, packet, lines):
    """Yields what differs; counts nothing that tshark could not decode."""
    attributes = list(find(packet, 'bgp.update.path_attribute'))
    tree = next((value for a in attributes for value in find(a, 'bgp.update.path_attribute.link_state')), [])
    objects = [object_of(nlri) for nlri in find(packet, 'bgp.ls.nlri')]
    ours = [values(line) for line in lines if line.split()[0] in KINDS.values()]
    gone = [line for line in lines if line.startswith('ls-gone')]
    if len(objects) != len(ours) + len(gone):
        yield f'{place}: {len(objects)} objects by tshark, {len(ours) + len(gone)} by us'
        return
    for (kind, facts), (our_kind, pairs) in zip(objects, ours):
        if kind != our_kind:
            yield f'{place}: {kind} by tshark, {our_kind} by us'
        for key, value in facts.items():
            if pairs[key] != [value]:
                yield f'{place}: {key}: {value} by tshark, {pairs[key]} by us'
        for key, value in attribute_of(kind, tree).items():
            if pairs[key] != value:
                yield f'{place}: {key}: {value} by tshark, {pairs[key]} by us'


def update_in_bmp(message):
    """The UPDATE of a Route Monitoring of a session with 4-octet AS numbers, else None."""
    return message[48:] if message[5] == 0 and not message[7] & 0x20 else None


def compare_unicast(place, packet, lines):
    """The prefixes, in whatever order."""
    told = []
    for key in ('bgp.nlri_prefix', 'bgp.withdrawn_prefix'):
        told += find(packet, key)
    for attribute in find(packet, 'bgp.update.path_attribute'):
        safis = [first(attribute, f'bgp.update.path_attribute.mp_{way}_nlri.safi') for way in ('reach', 'unreach')]
        for version in ('ipv4', 'ipv6'):
            for way in ('reach', 'unreach') if '1' in safis else ():
                told += find(attribute, f'bgp.mp_{way}_nlri_{version}_prefix')
    ours = [line.split()[1].split('/')[0] for line in lines if line.startswith(('route ', 'gone '))]
    if sorted(told) != sorted(ours):
        yield f'{place}: {sorted(told)} by tshark, {sorted(ours)} by us'


def main():
    program, data = sys.argv[1], pathlib.Path(sys.argv[2])
    if not shutil.which('tshark'):
        print('tshark is not there')
        return SKIP
    differences, compared = [], 0

    captures = []
    for file in ('captures', 'test-vectors'):
        captures += [item for item in json.loads((data / 'bgp-ls' / f'{file}.json').read_text())
                     if item['tshark'] == 'decodes']
    messages = [bytes.fromhex(item['update_hex']) for item in captures]
    for item, packet, lines in zip(captures, tshark(messages), decode(program, messages)):
        if any(line.startswith('fault') for line in lines):
            continue  # wrong by RFC 7606, where tshark is more patient
        differences += compare_link_state(item['id'], packet, lines)
        compared += 1

    for file in sorted((data / 'bmp').glob('*.json')):
        stream = [update_in_bmp(bytes.fromhex(text)) for text in json.loads(file.read_text())['messages_hex']]
        messages = [update for update in stream if update]
        for index, (packet, lines) in enumerate(zip(tshark(messages), decode(program, messages))):
            if next(find(packet, '_ws.malformed'), None) is None:
                differences += compare_unicast(f'{file.stem} {index}', packet, lines)
                compared += 1

    print(*differences, sep='\n')
    print(f'{compared} messages compared, {len(differences)} differences')
    return 1 if differences or compared < 100 else 0


sys.exit(main())
