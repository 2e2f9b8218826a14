"""What the lab says is what the collector's decoder hears.

Usage: lab_decoder.py ALTIMETER-LAB DECODE-UPDATE SCENARIO...

The lab writes its messages as a capture (--dump) and its facts as JSON (--export-json); the two programs
share no code. Each line that the decoder makes of a reflector's messages is expected here from the facts,
value by value. What the decoder only keeps (`other=`) is compared as TLVs where the file gives it so.
"""

import collections
import ipaddress
import json
import os
import struct
import subprocess
import sys
import tempfile

PROTOCOLS = {'isis-1': 1, 'isis-2': 2, 'ospf': 3, 'direct': 4, 'static': 5, 'ospf3': 6}
# L-067: what a 1122 may hold, and how its applications rank when no value stands above it
OF_APPLICATIONS = ('te_metric', 'admin_group', 'srlgs', 'delay_us', 'delay_min_us', 'delay_max_us',
                   'delay_variation_us', 'loss_3e8', 'residual_bps', 'available_bps', 'utilized_bps')
RANKS = (0x10, 0x40, 0x20, 0x80)
ANOMALOUS = (('delay_us', 'd'), ('delay_min_us', 'm'), ('loss_3e8', 'l'))


def single_precision(value):
    return 8 * struct.unpack('>f', struct.pack('>f', value / 8))[0]


def number(value):
    return f'{value:.17g}' if isinstance(value, float) else str(value)


def addresses(key, values):
    values = sorted(set(map(ipaddress.ip_address, values)), key=lambda x: (x.version, x))
    return [f'{key}=' + ','.join(map(str, values))] if values else []


def messages_of(capture):
    """Reflector number → its messages; the packets have 16 octets of record, 20 of IP, 20 of TCP."""
    with open(capture, 'rb') as file:
        octets = file.read()
    found, at = collections.defaultdict(list), 24
    while at < len(octets):
        length = struct.unpack_from('<I', octets, at + 8)[0]
        packet = octets[at + 16:at + 16 + length]
        found[packet[15]].append(packet[40:])
        at += 16 + length
    return found


class Facts:
    """The lines that the facts make the decoder write."""

    def __init__(self, facts):
        self.facts = facts
        self.vertices = {v['name']: v for v in facts['routers'] + facts['pseudonodes']}

    def domain(self, text):
        """Protocol-ID, instance, area, or None."""
        name, _, instance = text.partition('@')
        protocol, _, area = name.partition('-') if name.startswith('ospf') else (name, '', '')
        return (PROTOCOLS[protocol], int(instance or self.facts['instance']),
                int(ipaddress.ip_address(area)) if area else None)

    def node(self, name, domain, has_area=True):
        vertex = self.vertices[name]
        protocol, _, area = self.domain(domain)
        router = self.vertices[vertex.get('designated', name)]
        if protocol in (1, 2):
            octets = vertex['system_id'].replace('.', '')
            octets += f"{vertex['number']:02x}" if 'designated' in vertex else ''
        else:
            octets = ipaddress.ip_address(router['ipv4']).packed.hex()
            if 'designated' in vertex and protocol == 6:
                octets += f"{vertex['number']:08x}"
            elif 'designated' in vertex:
                own = next(k for k in self.facts['links']
                           if k['b'] == name and k['a'] == vertex['designated'])
                octets += ipaddress.ip_address(own['a_ipv4']).packed.hex()
        text = f"{octets}/as{self.facts['as']}"
        if 'identifier' in self.facts:
            text += f"/id{self.facts['identifier']}"
        return text + (f'/area{area}' if area is not None and has_area else '')

    def head(self, kind, domain, name, has_area=True):
        protocol, instance, _ = self.domain(domain)
        return [kind, f'protocol={protocol}', f'instance={instance}',
                f'local={self.node(name, domain, has_area)}']

    def usual_topologies(self, domain):
        return self.facts['topologies'] if domain.startswith('isis') else [0]

    # nodes

    def node_flags(self, vertex, domain):
        protocol, instance, _ = self.domain(domain)
        if 'flags' in vertex:
            return None if vertex['flags'] == 'none' else vertex['flags']
        if 'designated' in vertex or protocol in (4, 5):
            return 0
        if protocol in (1, 2):
            return 0x80 * vertex['overload'] + 0x40 * vertex['attached']
        areas = sum(self.domain(d)[:2] == (protocol, instance) for d in vertex['igp'])
        return 0x10 * (areas > 1) + (0x0c if protocol == 6 else 0)

    def nodes(self):
        for name, vertex in self.vertices.items():
            for domain in vertex['igp']:
                isis, lan = domain.startswith('isis'), 'designated' in vertex
                line = self.head('node', domain, name)
                if not lan and vertex.get('node_name') != '':
                    line.append(f'''name="{vertex.get('node_name', name)}"''')
                flags = self.node_flags(vertex, domain)
                if flags is not None:
                    line.append(f'flags={flags}')
                topologies = [] if lan else vertex.get('topologies', self.usual_topologies(domain))
                bits = 0x8000 * (isis and vertex.get('overload', False)) \
                    + 0x4000 * (isis and vertex.get('attached', False))
                if topologies not in ([], [0]):
                    line.append('topologies=' + ','.join(str(t | (bits if t else 0))
                                                         for t in topologies))
                line += [f'area={area}' for area in vertex.get('areas', ()) if isis]
                ids = [x for x in (vertex.get('ipv4'), vertex.get('ipv6'),
                                   *vertex.get('router_ids', ())) if x]
                line += addresses('ipv4', [x for x in ids if ':' not in x])
                line += addresses('ipv6', [x for x in ids if ':' in x])
                yield ' '.join(line)

    # links

    @staticmethod
    def half_values(half):
        """L-067: by value, an application for all, then the top level, then the best application."""
        applications = half.get('applications', [])
        masks = [bytes.fromhex(a.get('standard', '')) for a in applications]
        for_all = [a for a, m in zip(applications, masks) if not m and 'user' not in a]
        ranked = [a for rank in RANKS for a, m in zip(applications, masks) if m and m[0] & rank]
        ranked += [a for a in applications if a not in for_all and a not in ranked]
        values, anomalous = {}, set()
        for key, value in half.items():
            if key not in OF_APPLICATIONS:
                values[key] = value
        for key in OF_APPLICATIONS:
            source = next((s for s in [*for_all, half, *ranked] if key in s), None)
            if source is not None:
                values[key] = source[key]
                if key in source.get('anomalous', ()):
                    anomalous.add(key)
        return values, anomalous

    def metric(self, link, domain, metric):
        width = link.get('metric_octets', 2 if domain.startswith('ospf') else 3)
        return min(metric, 0x3f if width == 1 else (1 << 8 * width) - 1)

    def link_values(self, link, half, domain):
        values, anomalous = self.half_values(half)
        line = []
        if 'metric' in values:
            line.append(f"metric={self.metric(link, domain, values['metric'])}")
        line += [f'{name}={values[key]}' for name, key in
                 (('te-metric', 'te_metric'), ('admin-group', 'admin_group')) if key in values]
        line += [f'{name}={number(single_precision(values[key]))}' for name, key in
                 (('max', 'bandwidth_bps'), ('reservable', 'reservable_bps')) if key in values]
        if values.get('srlgs'):
            line.append('srlgs=' + ','.join(map(str, values['srlgs'])))
        if 'link_name' in values:
            line.append(f'''name="{values['link_name']}"''')
        line += [f'{name}={values[key]}' for name, key in
                 (('delay', 'delay_us'), ('delay-min', 'delay_min_us'),
                  ('delay-max', 'delay_max_us')) if key in values]
        if values.get('delay_variation_us'):
            line.append(f"variation={values['delay_variation_us']}")  # 0: not measured (L-064)
        if 'loss_3e8' in values:
            line.append(f"loss={values['loss_3e8']}")
        if anomalous:
            line.append('anomalous=' + ''.join(sign for key, sign in ANOMALOUS if key in anomalous))
        line += [f'{name}={number(single_precision(values[name + "_bps"]))}' for name in
                 ('residual', 'available', 'utilized') if name + '_bps' in values]
        return line

    def links(self):
        for link in self.facts['links']:
            for a, b, half in (('a', 'b', 'ab'), ('b', 'a', 'ba')):
                for domain in link['igp']:
                    topologies = link.get('topologies', self.usual_topologies(domain))
                    for topology in topologies:
                        yield ' '.join(self.link(link, a, b, link[half], domain, topology))

    def link(self, link, a, b, half, domain, topology):
        here, there = self.vertices[link[a]], self.vertices[link[b]]
        from_lan = 'designated' in here
        line = self.head('link', domain, link[a])
        line.append(f'remote={self.node(link[b], domain)}')
        numbered = a + '_ipv4' in link or a + '_ipv6' in link
        if link.get('ids_in_attribute') or (not numbered and not from_lan and link[a + '_id']):
            line.append(f"ids={link[a + '_id']},{link[b + '_id']}")
        if not from_lan:
            line += addresses('here', [link[k] for k in (a + '_ipv4', a + '_ipv6') if k in link])
            line += addresses('there', [link[k] for k in (b + '_ipv4', b + '_ipv6') if k in link])
        if topology:
            line.append(f'topology={topology}')
        line += self.link_values(link, half, domain)
        for side, vertex in (('local', here), ('remote', there)):
            line += [f'{side}-{key}={vertex[key]}' for key in ('ipv4', 'ipv6') if key in vertex]
        return line

    # prefixes, egress peers, objects

    def prefix_flags(self, prefix, domain):
        protocol = self.domain(domain)[0]
        if 'flags' in prefix:
            return None if prefix['flags'] == 'none' else prefix['flags']
        if protocol in (4, 5):
            return None
        node = 0x40 if protocol == 3 else 0x20
        return node * prefix['loopback'] + 0x80 * (prefix['external'] and protocol in (1, 2))

    def prefixes(self):
        for prefix in self.facts['prefixes']:
            for domain in prefix['igp']:
                topology = self.usual_topologies(domain)[-1] if ':' in prefix['prefix'] else 0
                topology = prefix.get('topology', topology)
                line = self.head('prefix', domain, prefix['router'], 'as_scope' not in prefix)
                line.append(f"prefix={prefix['prefix']}")
                if topology:
                    line.append(f'topology={topology}')
                kind = prefix.get('route_type', 3 if prefix['external'] else 1)
                if kind and domain.startswith('ospf'):
                    line.append(f'route-type={kind}')
                if not prefix.get('no_metric'):
                    line.append(f"metric={prefix['metric']}")
                if prefix.get('igp_flags') != 'none':
                    line.append(f"igp-flags={prefix.get('igp_flags', 0)}")
                flags = self.prefix_flags(prefix, domain)
                if flags is not None:
                    line.append(f'flags={flags}')
                yield ' '.join(line)

    def egress(self):
        for item in self.facts['egress']:
            sides = [f"/as{item[k + 'as']}"
                     + (f"/id{self.facts['identifier']}" if 'identifier' in self.facts else '')
                     + f"/bgp{int(ipaddress.ip_address(item[r]))}"
                     for k, r in (('', 'router_id'), ('peer_', 'peer_id'))]
            line = ['link', 'protocol=7', f"instance={item['instance']}", f'local={sides[0]}',
                    f'remote={sides[1]}']
            if 'id' in item:
                line.append(f"ids={item['id']},{item['peer_link_id']}")
            line += addresses('here', [item[k] for k in ('ipv4', 'ipv6') if k in item])
            line += addresses('there', [item[k] for k in ('peer_ipv4', 'peer_ipv6') if k in item])
            yield ' '.join(line)

    def objects(self):
        for item in self.facts['objects']:
            if item['down']:
                continue
            if item['nlri'].startswith('0001'):  # a node by its system id
                line = ['node', 'protocol=2', f"instance={self.facts['instance']}",
                        f"local={item['nlri'][-12:]}/as{self.facts['as']}"]
                yield ' '.join(line + ([] if 'attribute' in item else ['no-attributes']))
            else:
                yield f"opaque nlri={item['nlri']} attribute={item.get('attribute', '')}"

    # routes

    def as_path(self, route, reflector):
        """Spaces between numbers; {1,2} a set; confederations in ( ) and [ ].

        AS4_PATH has no confederations; merged with it AS_PATH keeps those that lead (RFC 6793 4.2.3).
        """
        external = reflector['as'] != reflector['peer_as']
        words = [str(reflector['as'])] if external else []
        merged = reflector['two_octet_as'] and self.has_long_numbers(route, reflector)
        for item in route['as_path']:
            if isinstance(item, dict):
                (kind, numbers), = item.items()
                if merged and kind != 'set' and any(w[0] not in '([' for w in words):
                    continue
                opens, closes, between = {'set': '{},', 'confederation_sequence': '() ',
                                          'confederation_set': '[],'}[kind]
                words.append(opens + between.join(map(str, numbers)) + closes)
            else:
                words.append(str(item))
        return ' '.join(words)

    @staticmethod
    def has_long_numbers(route, reflector):
        numbers = [n for item in route['as_path'] for n in
                   (next(iter(item.values())) if isinstance(item, dict) else [item])]
        if reflector['as'] != reflector['peer_as']:
            numbers.append(reflector['as'])
        return max(numbers, default=0) > 65535

    def route(self, route, reflector):
        external = reflector['as'] != reflector['peer_as']
        line = ['route', route['prefix']]
        if 'path_id' in route:
            line.append(f"path-id={route['path_id']}")
        line += [f"next-hop={route['next_hop']}",
                 f"origin={['igp', 'egp', 'incomplete'].index(route['origin'])}",
                 f'as-path="{self.as_path(route, reflector)}"']
        if not external:
            line.append(f"local-pref={route['local_pref']}")
        if 'med' in route:
            line.append(f"med={route['med']}")
        for key, name in (('communities', 'communities'), ('large_communities', 'large'),
                          ('extended_communities', 'extended')):
            if route.get(key):
                line.append(f'{name}="{" ".join(route[key])}"')
        if not external:
            own = self.vertices[route['router']]['ipv4']
            line.append(f'''originator="{route.get('originator', own)}"''')
            clusters = ' '.join([reflector['cluster_id'], *route.get('clusters', ())])
            line.append(f'clusters="{clusters}"')
        if 'aggregator' in route:
            line.append(f'''aggregator="{route['aggregator']}"''')
        if route.get('atomic'):
            line.append('atomic')
        return ' '.join(line)

    def lines(self, reflector):
        found = collections.Counter()
        if 'ls' in reflector['count']:
            copies = reflector['add_path'].get('ls', 1)
            for kind in (self.nodes, self.links, self.prefixes, self.egress, self.objects):
                for line in kind():
                    found[line] += copies
        for route in self.facts['routes']:
            if route['reflector'] == reflector['name']:
                found[self.route(route, reflector)] += 1
        families = {'ipv4': 0, 'ipv6': 1, 'ls': 2}
        for family in reflector['count'] if reflector['end_of_rib'] else ():
            found[f'end-of-rib family={families[family]}'] += 1
        return found


def heard(decoder, messages, peer_as):
    """The decoder's lines, without what it only keeps; and that, as a text to look into."""
    done = subprocess.run([decoder, str(peer_as)], check=True, capture_output=True, text=True,
                          input=''.join(m.hex() + '\n' for m in messages))
    found, kept = collections.Counter(), []
    for line in filter(None, done.stdout.splitlines()):
        line, _, other = line.partition(' other=')
        found[line] += 1
        kept.append(other)
    return found, ' '.join(kept)


def raw_tlvs(facts):
    """TLVs that the file gives as they stand, as the decoder keeps them."""
    halves = [link[half] for link in facts['links'] for half in ('ab', 'ba')]
    for item in facts['routers'] + halves + facts['prefixes'] + facts['egress']:
        for kind, value in item.get('tlvs', ()):
            yield f'{kind:04x}{len(value) // 2:04x}{value}'


def judge(lab, decoder, scenario, folder):
    exported = subprocess.run([lab, '--export-json', scenario], check=True, capture_output=True)
    facts = json.loads(exported.stdout)
    capture = os.path.join(folder, 'lab.pcap')
    subprocess.run([lab, '--dump', capture, scenario], check=True)
    expected, faults, lines = Facts(facts), [], 0
    messages = messages_of(capture)
    for index, reflector in enumerate(facts['reflectors'], 1):
        wanted = expected.lines(reflector)
        found, kept = heard(decoder, messages[index], reflector['peer_as'])
        lines += sum(found.values())
        for what, lost in (('not heard', wanted - found), ('heard', found - wanted)):
            faults += [f"{reflector['name']}: {what}: {line}" for line in sorted(lost)]
        if 'ls' in reflector['count']:
            faults += [f"{reflector['name']}: not kept: {tlv}" for tlv in raw_tlvs(facts)
                       if tlv not in kept]
    print(f'{os.path.basename(scenario)}: {lines} updates, {len(faults)} faults')
    for fault in faults[:20]:
        print('  ' + fault)
    return bool(faults)


def main():
    lab, decoder, *scenarios = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        return max([judge(lab, decoder, scenario, folder) for scenario in scenarios])


if __name__ == '__main__':
    sys.exit(main())
