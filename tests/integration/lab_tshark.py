"""tshark judges the lab: every message decodes, and what it decodes is what the scenario says.

Usage: lab_tshark.py ALTIMETER-LAB SCENARIO

The lab writes its messages as a capture (--dump) and its facts as JSON (--export-json). The two meet
here: counts, names, metrics, delays, bandwidths, prefixes, and all attributes of the BGP routes.
"""

import collections
import ipaddress
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

SKIP = 77

# RFC 5120 section 7.1 gives these bits a meaning in a node attribute (L-034); tshark 4.0 knows it only
# for descriptors.
KNOWN_COMPLAINT = 'Reserved bits of Multi Topology ID must be set to zero!'


def bits_per_second(text):
    """tshark shows these floats, octets a second, as the integer of their four octets."""
    return 8 * struct.unpack('>f', struct.pack('>I', int(text)))[0]


def single_precision(value):
    return 8 * struct.unpack('>f', struct.pack('>f', value / 8))[0]


def hexadecimal(text):
    return int(text, 16)


def low_half(value):
    """tshark 4.0 shows the last two octets of an administrative group only."""
    return value & 0xffff


def four_digits(value):
    return f'{value:.4g}'


# key of the export; field of tshark; what its text means; what the scenario's value becomes on the wire
LINK_VALUES = (
    ('metric', 'bgp.ls.tlv.metric_value', hexadecimal, int),
    ('te_metric', 'bgp.ls.tlv.te_default_metric_value', hexadecimal, int),
    ('admin_group', 'bgp.ls.tlv.administrative_group_color_value', int, low_half),
    ('bandwidth_bps', 'bgp.ls.bandwidth_value', lambda text: four_digits(1e6 * float(text)),
     four_digits),
    ('delay_us', 'bgp.ls.igp_te_metric.delay_value', int, int),
    ('delay_min_us', 'bgp.ls.igp_te_metric.delay_min', int, int),
    ('delay_max_us', 'bgp.ls.igp_te_metric.delay_max', int, int),
    ('delay_variation_us', 'bgp.ls.igp_te_metric.delay_variation_value', int, int),
    ('loss_3e8', 'bgp.ls.igp_te_metric.link_loss_value', int, int),
    ('residual_bps', 'bgp.ls.igp_te_metric.residual_bandwidth_value', bits_per_second,
     single_precision),
    ('available_bps', 'bgp.ls.igp_te_metric.available_bandwidth_value', bits_per_second,
     single_precision),
    ('utilized_bps', 'bgp.ls.igp_te_metric.utilized_bandwidth_value', bits_per_second,
     single_precision),
)


def find(tree, key):
    """Every value of the key, at any depth; the tree is of lists of pairs, as keys repeat."""
    if not isinstance(tree, list):
        return
    for item in tree:
        if isinstance(item, tuple):
            if item[0] == key:
                yield item[1]
            else:
                yield from find(item[1], key)
        else:
            yield from find(item, key)


def first(tree, key, default=None):
    return next(find(tree, key), default)


def decode(capture):
    out = subprocess.run(['tshark', '-n', '-r', capture, '-T', 'json'], check=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return json.loads(out, object_pairs_hook=lambda pairs: pairs)


def complaints(packets):
    """What tshark finds wrong, with the packet's number."""
    for packet in packets:
        number = first(packet, 'frame.number')
        if any(True for _ in find(packet, '_ws.malformed')):
            yield f'packet {number}: malformed'
        for expert in find(packet, '_ws.expert'):
            message = first(expert, '_ws.expert.message', '')
            if KNOWN_COMPLAINT not in message:
                yield f'packet {number}: {message}'


def domain_name(node):
    protocol = first(node, 'bgp.ls.nlri_node.protocol_id')
    if protocol == '3':
        area = int(first(node, 'bgp.ls.tlv.area_id.id'))
        return f'ospf-{ipaddress.ip_address(area)}'
    return f'isis-{protocol}'


def prefix_of(tree):
    """The prefix below an NLRI: its text is the name of the subtree that has a length."""
    for key, value in tree:
        if not isinstance(value, list):
            continue
        if '/' in key:
            return str(ipaddress.ip_network(key))
        below = prefix_of(value)
        if below:
            return below
    return None


class Heard:
    """What one reflector said, in the shape that the scenario's facts are brought into."""

    def __init__(self):
        self.nodes = collections.Counter()
        self.links = collections.Counter()
        self.prefixes = collections.Counter()
        self.routes = {}
        self.ends = 0

    def take(self, message):
        attributes = first(message, 'bgp.update.path_attributes', [])
        state = first(attributes, 'bgp.update.path_attribute.link_state')
        for nlri in find(attributes, 'bgp.ls.nlri'):
            self.take_link_state(nlri, state)
        if first(message, 'bgp.type') == '2' and not attributes \
                and first(message, 'bgp.update.nlri') is None:
            self.ends += 1
        if first(attributes, 'bgp.update.path_attribute.mp_unreach_nlri') is not None:
            self.ends += 1
        for where in ('bgp.update.nlri', 'bgp.update.path_attribute.mp_reach_nlri'):
            for key, value in first(message, where, []):
                if '/' in key and isinstance(value, list):
                    self.take_route(str(ipaddress.ip_network(key)), attributes)

    def take_link_state(self, nlri, state):
        kind = first(nlri, 'bgp.ls.nlri_type')
        domain = domain_name(nlri)
        topology = first(nlri, 'bgp.ls.nlri_multi_topology_id', '0')
        local = first(first(nlri, 'bgp.ls.tlv.local_node_descriptors'), 'bgp.ls.tlv.igp_router_id')
        if kind == '1':
            self.nodes[domain, local, first(state, 'bgp.ls.tlv.node_name_value'),
                       first(state, 'bgp.ls.node_flag_bits.overload'),
                       first(state, 'bgp.ls.node_flag_bits.attached')] += 1
        elif kind == '2':
            remote = first(first(nlri, 'bgp.ls.tlv.remote_node_descriptors'),
                           'bgp.ls.tlv.igp_router_id')
            values = tuple((key, meaning(first(state, field)))
                           for key, field, meaning, _ in LINK_VALUES
                           if first(state, field) is not None)
            self.links[domain, topology, local, remote,
                       first(nlri, 'bgp.ls.nlri_ipv4_interface_address'), values] += 1
        else:
            self.prefixes[domain, topology, local, prefix_of(nlri),
                          int(first(state, 'bgp.ls.tlv.prefix_metric_value'), 16)] += 1

    def take_route(self, prefix, attributes):
        ends = [int(x) for x in find(attributes, 'bgp.update.path_attribute.as_path_segment.as4')]
        communities = [first(c, 'bgp.update.path_attribute.community_as', '?') + ':'
                       + first(c, 'bgp.update.path_attribute.community_value', '?')
                       if isinstance(c, list) else c
                       for c in find(attributes, 'bgp.update.path_attribute.community')]
        next_hop = first(attributes, 'bgp.update.path_attribute.next_hop') \
            or first(attributes, 'bgp.update.path_attribute.mp_reach_nlri.next_hop.ipv6')
        med = first(attributes, 'bgp.update.path_attribute.multi_exit_disc')
        assert prefix not in self.routes, f'{prefix} is announced twice'
        self.routes[prefix] = (next_hop, ends, communities,
                               int(first(attributes, 'bgp.update.path_attribute.local_pref')),
                               None if med is None else int(med),
                               first(attributes, 'bgp.update.path_attribute.origin'),
                               first(attributes, 'bgp.update.path_attribute.originator_id'),
                               first(attributes, 'bgp.path_attribute.cluster_id'))


class Facts:
    """The scenario's facts, as tshark would show them."""

    def __init__(self, facts):
        self.facts = facts
        self.vertices = {v['name']: v for v in facts['routers'] + facts['pseudonodes']}

    def topologies(self, domain):
        return ['0'] if domain.startswith('ospf') else [str(t) for t in self.facts['topologies']]

    def vertex_id(self, name, domain):
        vertex = self.vertices[name]
        if domain.startswith('ospf'):
            router = self.vertices[vertex.get('designated', name)]
            octets = ipaddress.ip_address(router['ipv4']).packed
            if 'designated' in vertex:
                own = next(k for k in self.facts['links']
                           if k['b'] == name and k['a'] == vertex['designated'])
                octets += ipaddress.ip_address(own['a_ipv4']).packed
        else:
            octets = bytes.fromhex(vertex['system_id'].replace('.', ''))
            if 'designated' in vertex:
                octets += bytes([vertex['number']])
        return octets.hex(':')

    def nodes(self):
        found = collections.Counter()
        for name, vertex in self.vertices.items():
            for domain in vertex['igp']:
                isis = domain.startswith('isis')
                flags = [str(int(isis and vertex.get(flag, False)))
                         for flag in ('overload', 'attached')]
                shown = None if 'designated' in vertex else name
                found[domain, self.vertex_id(name, domain), shown, *flags] += 1
        return found

    def links(self):
        found = collections.Counter()
        for link in self.facts['links']:
            for a, b, half in (('a', 'b', 'ab'), ('b', 'a', 'ba')):
                for domain in link['igp']:
                    values = dict(link[half])
                    if domain.startswith('ospf') and 'metric' in values:
                        values['metric'] = min(values['metric'], 65535)
                    said = tuple((key, on_the_wire(values[key]))
                                 for key, _, _, on_the_wire in LINK_VALUES if key in values)
                    for topology in self.topologies(domain):
                        found[domain, topology, self.vertex_id(link[a], domain),
                              self.vertex_id(link[b], domain), link.get(a + '_ipv4'), said] += 1
        return found

    def prefixes(self):
        found = collections.Counter()
        for prefix in self.facts['prefixes']:
            for domain in prefix['igp']:
                topology = self.topologies(domain)[-1] if ':' in prefix['prefix'] else '0'
                found[domain, topology, self.vertex_id(prefix['router'], domain),
                      prefix['prefix'], prefix['metric']] += 1
        return found

    def routes(self, reflector):
        origins = {'igp': '0', 'egp': '1', 'incomplete': '2'}
        return {r['prefix']: (r['next_hop'], r['as_path'], r['communities'], r['local_pref'],
                              r.get('med'), origins[r['origin']],
                              self.vertices[r['router']]['ipv4'], reflector['cluster_id'])
                for r in self.facts['routes'] if r['reflector'] == reflector['name']}


def compare(what, expected, got):
    if expected == got:
        return []
    if isinstance(expected, dict) and not isinstance(expected, collections.Counter):
        missing = [(k, v) for k, v in expected.items() if got.get(k) != v]
        surplus = [(k, v) for k, v in got.items() if expected.get(k) != v]
    else:
        missing, surplus = list((expected - got).items()), list((got - expected).items())
    return [f'{what}: {len(missing)} of the scenario not decoded so, {len(surplus)} decoded '
            f'otherwise\n  scenario: {missing[:3]}\n  decoded:  {surplus[:3]}']


def judge(facts, packets):
    faults = list(complaints(packets))
    heard = [Heard() for _ in facts.facts['reflectors']]
    for packet in packets:
        number = int(first(packet, 'ip.src').rsplit('.', 1)[1])
        for message in find(packet, 'bgp'):
            heard[number - 1].take(message)
    for reflector, one in zip(facts.facts['reflectors'], heard):
        name, families = reflector['name'], reflector['count']
        if 'ls' in families:
            faults += compare(f'{name}: nodes', facts.nodes(), one.nodes)
            faults += compare(f'{name}: links', facts.links(), one.links)
            faults += compare(f'{name}: prefixes', facts.prefixes(), one.prefixes)
        objects = sum(sum(c.values()) for c in (one.nodes, one.links, one.prefixes))
        faults += compare_numbers(f'{name}: objects of link state', families.get('ls', 0), objects)
        faults += compare(f'{name}: routes', facts.routes(reflector), one.routes)
        faults += compare_numbers(f'{name}: End-of-RIB', len(families) * reflector['end_of_rib'], one.ends)
    return faults


def compare_numbers(what, expected, got):
    return [] if expected == got else [f'{what}: {expected} in the scenario, {got} decoded']


def main():
    lab, scenario = sys.argv[1:]
    if not shutil.which('tshark'):
        print('tshark is not installed: skipped')
        return SKIP
    exported = subprocess.run([lab, '--export-json', scenario], check=True, capture_output=True)
    with tempfile.TemporaryDirectory() as folder:
        capture = os.path.join(folder, 'lab.pcap')
        subprocess.run([lab, '--dump', capture, scenario], check=True)
        packets = decode(capture)
    faults = judge(Facts(json.loads(exported.stdout)), packets)
    for fault in faults[:20]:
        print(fault)
    print(f'{len(packets)} messages, {len(faults)} faults')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
