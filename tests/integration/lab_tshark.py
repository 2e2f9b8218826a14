"""tshark judges the lab: every message decodes, and what it decodes is what the scenario says.

Usage: lab_tshark.py ALTIMETER-LAB SCENARIO

The lab writes its messages as a capture (--dump) and its facts as JSON (--export-json). The two meet
here: counts, names, metrics, delays, bandwidths, prefixes, and all attributes of the BGP routes.
"""

import collections
import ipaddress
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

SKIP = 77

# What tshark 4.0 finds wrong and is right, with who says so.
KNOWN_COMPLAINTS = tuple(re.compile(text) for text in (
    # RFC 5120 section 7.1 gives these bits a meaning in a node attribute (L-034); known for descriptors only.
    r'Reserved bits of Multi Topology ID must be set to zero!',
    r'Reserved flag bits are not set to zero \(12\)',  # 1024: R and V6 of OSPFv3 (RFC 9552 5.3.1.1)
    r'Reserved flags are not set to zero \((48|64)\)',  # 1152: N, L, P of OSPF (RFC 9552 5.3.3.1)
    r'Unknown Protocol-ID \(6\) for Prefix Attribute Flags TLV',  # 1170 of OSPFv3 (RFC 9085 2.3.2)
    # RFC 9085: 1037, 1171, 1174; 9514: 1038, 1250, NLRI type 6; 9086: 517; from 65000 on: private.
    r'Unknown BGP-LS Attribute TLV Code \((1037|1038|1171|1174|1250|65\d\d\d)\)',
    r'Unknown (Link|Prefix) Descriptor TLV Code \(65\d\d\d\)',
    r'Undefined node Descriptor Sub-TLV type \(517\)',
    r'Unknown Link-State NLRI type',
))
APPLICATION = 'bgp.ls.tlv.application_specific_link_attributes'
AS_TRANS = 23456


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
# the A bit of each: key of the export, subtree of tshark
ANOMALOUS = (('delay_us', 'bgp.ls.igp_te_metric.delay'),
             ('delay_min_us', 'bgp.ls.igp_te_metric.delay_min_max'),
             ('loss_3e8', 'bgp.ls.igp_te_metric.link_loss'))


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
            if not any(known.match(message) for known in KNOWN_COMPLAINTS):
                yield f'packet {number}: {message}'


def domain_name(node, instance):
    protocol = first(node, 'bgp.ls.nlri_node.protocol_id')
    name = {'1': 'isis-1', '2': 'isis-2', '4': 'direct', '5': 'static', '7': 'bgp'}.get(protocol)
    if protocol in ('3', '6'):
        area = first(node, 'bgp.ls.tlv.area_id.id')
        name = ('ospf' if protocol == '3' else 'ospf3') \
            + ('' if area is None else f'-{ipaddress.ip_address(int(area))}')
    identifier = first(node, 'bgp.ls.nlri_node.identifier')
    return name if identifier == str(instance) else f'{name}@{identifier}'


def link_values(state):
    """The values of one set of link attributes, top-level or of an application."""
    values = tuple((key, meaning(first(state, field))) for key, field, meaning, _ in LINK_VALUES
                   if first(state, field) is not None)
    anomalous = tuple(key for key, field in ANOMALOUS
                      if first(first(state, field), 'bgp.ls.igp_te_metric.flags.a') == '1')
    srlgs = tuple(hexadecimal(x) for x in find(state, 'bgp.ls.tlv.shared_risk_link_group_value'))
    return values + (anomalous, srlgs)


def expected_values(values, domain=''):
    values = dict(values)
    if domain.startswith('ospf') and values.get('metric', 0) > 65535:
        values['metric'] = 65535
    said = tuple((key, on_the_wire(values[key])) for key, _, _, on_the_wire in LINK_VALUES
                 if key in values)
    return said + (tuple(key for key, _ in ANOMALOUS if key in values.get('anomalous', ())),
                   tuple(values.get('srlgs', ())))


def segments(tree, width):
    """[(type, numbers)] of the attribute's segments."""
    found = []
    for segment in find(tree, 'bgp.update.path_attribute.as_path_segment'):
        numbers = tuple(int(x) for x in
                        find(segment, f'bgp.update.path_attribute.as_path_segment.as{width}'))
        found.append((first(segment, 'bgp.update.path_attribute.as_path_segment.type'), numbers))
    return found


def expected_segments(path, own):
    """The same for a path of the export, with an AS number before it."""
    kinds = {'set': '1', 'confederation_sequence': '3', 'confederation_set': '4'}
    found = []
    for item in ([own] if own else []) + path:
        if isinstance(item, dict):
            found.extend((kinds[kind], tuple(numbers)) for kind, numbers in item.items())
        elif found and found[-1][0] == '2':
            found[-1] = ('2', found[-1][1] + (item,))
        else:
            found.append(('2', (item,)))
    return found


def prefix_of(tree):
    """The prefix below an NLRI: its text is the name of the subtree that has a length."""
    for key, value in tree:
        if not isinstance(value, list):
            continue
        if '/' in key:
            return str(ipaddress.ip_network(key.split()[0]))
        below = prefix_of(value)
        if below:
            return below
    return None


class Heard:
    """What one reflector said, in the shape that the scenario's facts are brought into."""

    def __init__(self, instance, reflector):
        self.instance = instance
        self.two_octet_as = reflector['two_octet_as']
        self.nodes = collections.Counter()
        self.links = collections.Counter()
        self.prefixes = collections.Counter()
        self.egress = collections.Counter()
        self.others = 0
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
                    self.take_route(key.split()[0], value, attributes)

    def take_link_state(self, nlri, state):
        kind = first(nlri, 'bgp.ls.nlri_type')
        if kind not in ('1', '2', '3', '4'):
            self.others += 1
            return
        domain = domain_name(nlri, self.instance)
        if domain.startswith('bgp'):
            self.take_egress(domain, nlri, state)
            return
        topology = first(nlri, 'bgp.ls.nlri_multi_topology_id', '0')
        local = first(first(nlri, 'bgp.ls.tlv.local_node_descriptors'), 'bgp.ls.tlv.igp_router_id')
        if kind == '1':
            self.nodes[(domain, local) + self.node_values(state)] += 1
        elif kind == '2':
            remote = first(first(nlri, 'bgp.ls.tlv.remote_node_descriptors'),
                           'bgp.ls.tlv.igp_router_id')
            top = [item for item in state if item[0] != APPLICATION]
            applications = tuple((first(part, APPLICATION + '.sabm'), link_values(part))
                                 for key, part in state if key == APPLICATION)
            self.links[domain, topology, local, remote,
                       first(nlri, 'bgp.ls.nlri_ipv4_interface_address'),
                       first(top, 'bgp.ls.tlv.link_name_attribute_value'),
                       link_values(top), applications] += 1
        else:
            metric = first(state, 'bgp.ls.tlv.prefix_metric_value')
            self.prefixes[domain, topology, local, prefix_of(nlri),
                          None if metric is None else int(metric, 16),
                          tuple(hexadecimal(x) for x in
                                find(state, 'bgp.ls.tlv.route_tag_value'))] += 1

    @staticmethod
    def node_values(state):
        state = state if isinstance(state, list) else []
        return (first(state, 'bgp.ls.tlv.node_name_value'),
                first(state, 'bgp.ls.node_flag_bits.overload'),
                first(state, 'bgp.ls.node_flag_bits.attached'),
                tuple(find(state, 'bgp.ls.tlv.is_is_area_identifier_value')),
                tuple(find(state, 'bgp.ls.tlv.igp_msd_value')),
                tuple(find(state, 'bgp.ls.tlv.ipv4_router_id_value')))

    def take_egress(self, domain, nlri, state):
        sides = tuple((first(side, 'bgp.ls.tlv.autonomous_system.id'),
                       first(side, 'bgp.ls.tlv.bgp_router_id.id'))
                      for side in (first(nlri, 'bgp.ls.tlv.local_node_descriptors'),
                                   first(nlri, 'bgp.ls.tlv.remote_node_descriptors')))
        sids = tuple((hexadecimal(flags), int(weight), int(value)) for flags, weight, value in zip(
            find(state, 'bgp.ls.sr.tlv.peer.sid.flags'), find(state, 'bgp.ls.sr.tlv.peer.sid.weight'),
            [value for tlv in state if isinstance(tlv[1], list)
             for value in (first(tlv[1], 'bgp.ls.sr.tlv.peer.sid.label'),
                           first(tlv[1], 'bgp.ls.sr.tlv.peer.sid.index')) if value is not None]))
        self.egress[domain, sides, first(nlri, 'bgp.ls.nlri_ipv4_interface_address'),
                    first(nlri, 'bgp.ls.nlri_ipv6_neighbor_address'),
                    first(nlri, 'bgp.ls.nlri_link_local_identifier'), sids] += 1

    def take_route(self, prefix, nlri, attributes):
        by_type = {}
        for item in find(attributes, 'bgp.update.path_attribute'):
            if isinstance(item, list):
                by_type.setdefault(int(first(item, 'bgp.update.path_attribute.type_code')), item)
        known = [first(c, 'bgp.update.path_attribute.community_as', '?') + ':'
                 + first(c, 'bgp.update.path_attribute.community_value', '?')
                 if isinstance(c, list) else c
                 for c in find(attributes, 'bgp.update.path_attribute.community')]
        well_known = [f'{int(c, 16) >> 16}:{int(c, 16) & 0xffff}' for c in
                      find(attributes, 'bgp.update.path_attribute.community_wellknown')]
        large = [':'.join(first(c, f'bgp.large_communities.{part}') for part in ('ga', 'ldp1', 'ldp2'))
                 for c in find(attributes, 'bgp.large_communities_tree')]
        next_hop = first(attributes, 'bgp.update.path_attribute.next_hop') \
            or first(attributes, 'bgp.update.path_attribute.mp_reach_nlri.next_hop.ipv6') \
            or first(attributes, 'bgp.update.path_attribute.mp_reach_nlri.next_hop.ipv4')
        med = first(attributes, 'bgp.update.path_attribute.multi_exit_disc')
        preference = first(attributes, 'bgp.update.path_attribute.local_pref')
        key = str(ipaddress.ip_network(prefix)), int(first(nlri, 'bgp.nlri_path_id', '0'))
        assert key not in self.routes, f'{key} is announced twice'
        self.routes[key] = (next_hop, segments(by_type.get(2), 2 if self.two_octet_as else 4),
                            segments(by_type.get(17), 4), known + well_known, large,
                            len(list(find(attributes, 'bgp.ext_community'))),
                            None if preference is None else int(preference),
                            None if med is None else int(med),
                            first(attributes, 'bgp.update.path_attribute.origin'),
                            first(attributes, 'bgp.update.path_attribute.originator_id'),
                            tuple(find(attributes, 'bgp.path_attribute.cluster_id')),
                            6 in by_type, first(by_type.get(7), 'bgp.update.path_attribute.aggregator_as'),
                            sorted(x for x in by_type if x > 200))


class Facts:
    """The scenario's facts, as tshark would show them."""

    def __init__(self, facts):
        self.facts = facts
        self.vertices = {v['name']: v for v in facts['routers'] + facts['pseudonodes']}

    def topologies(self, domain, link=None):
        if link and 'topologies' in link:
            return [str(t) for t in link['topologies']]
        return [str(t) for t in self.facts['topologies']] if domain.startswith('isis') else ['0']

    def vertex_id(self, name, domain):
        vertex = self.vertices[name]
        if domain.startswith('isis'):
            octets = bytes.fromhex(vertex['system_id'].replace('.', ''))
            if 'designated' in vertex:
                octets += bytes([vertex['number']])
            return octets.hex(':')
        router = self.vertices[vertex.get('designated', name)]
        octets = ipaddress.ip_address(router['ipv4']).packed
        if 'designated' in vertex and domain.startswith('ospf3'):
            octets += struct.pack('>I', vertex['number'])
        elif 'designated' in vertex:
            own = next(k for k in self.facts['links']
                       if k['b'] == name and k['a'] == vertex['designated'])
            octets += ipaddress.ip_address(own['a_ipv4']).packed
        return octets.hex(':')

    def node_values(self, vertex, isis):
        if 'designated' in vertex:
            return None, '0', '0', (), (), ()
        bits = [str(int(isis and vertex[flag])) for flag in ('overload', 'attached')]
        if vertex.get('flags') == 'none':
            bits = [None, None]
        elif 'flags' in vertex:
            bits = [str(vertex['flags'] >> shift & 1) for shift in (7, 6)]
        areas = tuple(bytes.fromhex(a).hex(':') for a in vertex.get('areas', ()) if isis)
        depths = tuple(str(x) for x in bytes.fromhex(vertex.get('msd', ''))[1::2])
        ids = (vertex['ipv4'],) + tuple(x for x in vertex.get('router_ids', ()) if ':' not in x)
        return (vertex.get('node_name', vertex['name']) or None, *bits, areas, depths, ids)

    def nodes(self):
        found = collections.Counter()
        for name, vertex in self.vertices.items():
            for domain in vertex['igp']:
                found[(domain, self.vertex_id(name, domain))
                      + self.node_values(vertex, domain.startswith('isis'))] += 1
        for item in self.facts['objects']:
            if item['nlri'].startswith('0001') and not item['down']:  # a node by its system id
                found['isis-2', bytes.fromhex(item['nlri'][-12:]).hex(':'),
                      None, None, None, (), (), ()] += 1
        return found

    def links(self):
        found = collections.Counter()
        for link in self.facts['links']:
            for a, b, half in (('a', 'b', 'ab'), ('b', 'a', 'ba')):
                applications = tuple(
                    ('0x' + part['standard'][:8] if 'standard' in part else None,
                     expected_values(part)) for part in link[half].get('applications', ()))
                for domain in link['igp']:
                    said = expected_values(link[half], domain)
                    for topology in self.topologies(domain, link):
                        found[domain, topology, self.vertex_id(link[a], domain),
                              self.vertex_id(link[b], domain), link.get(a + '_ipv4'),
                              link[half].get('link_name'), said, applications] += 1
        return found

    def prefixes(self):
        found = collections.Counter()
        for prefix in self.facts['prefixes']:
            for domain in prefix['igp']:
                topology = self.topologies(domain)[-1] if ':' in prefix['prefix'] else '0'
                said = domain
                if prefix.get('as_scope'):
                    said = re.sub(r'(ospf3?)-[0-9.]+', r'\1', domain)
                found[said, str(prefix.get('topology', topology)),
                      self.vertex_id(prefix['router'], domain), prefix['prefix'],
                      None if prefix.get('no_metric') else prefix['metric'],
                      tuple(prefix.get('tags', ()))] += 1
        return found

    def egress(self):
        found = collections.Counter()
        for item in self.facts['egress']:
            domain = 'bgp' if item['instance'] == self.facts['instance'] \
                else f"bgp@{item['instance']}"
            sids = tuple((s['flags'], s['weight'], s.get('label', s.get('index')))
                         for s in item['sids'])
            found[domain, ((str(item['as']), item['router_id']),
                           (str(item['peer_as']), item['peer_id'])),
                  item.get('ipv4'), item.get('peer_ipv6'),
                  f"0x{item['id']:08x}" if 'id' in item else None, sids] += 1
        return found

    def others(self):
        return sum(not item['nlri'].startswith('0001') for item in self.facts['objects'])

    def route(self, route, reflector):
        external = reflector['as'] != reflector['peer_as']
        own = reflector['as'] if external else None
        path, whole = expected_segments(route['as_path'], own), []
        if reflector['two_octet_as']:
            if any(number > 65535 for _, numbers in path for number in numbers):
                whole = [part for part in path if part[0] in '12']
            path = [(kind, tuple(AS_TRANS if x > 65535 else x for x in numbers))
                    for kind, numbers in path]
        aggregator = route.get('aggregator', '').partition(' ')[0]
        if aggregator and reflector['two_octet_as'] and int(aggregator) > 65535:
            aggregator = str(AS_TRANS)
        origins = {'igp': '0', 'egp': '1', 'incomplete': '2'}
        well_known = [c for c in route['communities'] if c.startswith('65535:')]
        return (route['next_hop'], path, whole,
                [c for c in route['communities'] if c not in well_known] + well_known,
                route.get('large_communities', []), len(route.get('extended_communities', ())),
                None if external else route['local_pref'], route.get('med'),
                origins[route['origin']],
                None if external else route.get('originator',
                                                self.vertices[route['router']]['ipv4']),
                () if external else (reflector['cluster_id'], *route.get('clusters', ())),
                route.get('atomic', False), aggregator or None,
                sorted(kind for _, kind, _ in route.get('attributes', ())))

    def routes(self, reflector):
        return {(r['prefix'], r.get('path_id', 0)): self.route(r, reflector)
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
    faults = []
    reflectors = facts.facts['reflectors']
    heard = [Heard(facts.facts['instance'], reflector) for reflector in reflectors]
    for packet in packets:
        number = int(first(packet, 'ip.src').rsplit('.', 1)[1])
        if 'ls' in reflectors[number - 1]['add_path']:
            continue  # tshark 4.0 knows no path identifiers of link state
        faults += complaints([packet])
        for message in find(packet, 'bgp'):
            heard[number - 1].take(message)
    for reflector, one in zip(reflectors, heard):
        if 'ls' not in reflector['add_path']:
            faults += judge_reflector(facts, reflector, one)
    return faults


def judge_reflector(facts, reflector, one):
    name, families, faults = reflector['name'], reflector['count'], []
    if 'ls' in families:
        faults += compare(f'{name}: nodes', facts.nodes(), one.nodes)
        faults += compare(f'{name}: links', facts.links(), one.links)
        faults += compare(f'{name}: prefixes', facts.prefixes(), one.prefixes)
        faults += compare(f'{name}: egress peers', facts.egress(), one.egress)
        faults += compare_numbers(f'{name}: other objects', facts.others(), one.others)
    objects = sum(sum(c.values()) for c in (one.nodes, one.links, one.prefixes, one.egress))
    faults += compare_numbers(f'{name}: objects of link state', families.get('ls', 0),
                              objects + one.others)
    faults += compare(f'{name}: routes', facts.routes(reflector), one.routes)
    faults += compare_numbers(f'{name}: End-of-RIB', len(families) * reflector['end_of_rib'],
                              one.ends)
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
