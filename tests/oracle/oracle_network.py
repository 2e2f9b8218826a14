"""What a backbone's link state means for paths: parts 1 to 4 of docs/spec/map-generation.md, by networkx.

Written from the specification alone. Two things are not here because altimeter-mapgen does not compute them yet
(docs/design.md section 5): levels and areas do not join (M-122 to M-124), and of the metrics only hops, cost and delay.
"""
import ipaddress
import typing

import networkx

PATH_LIMIT = 1_000_000  # M-134
ISIS_UNUSED, OSPF_GREATEST = 0xFFFFFF, 0xFFFF
PROTOCOLS = {"isis-1": 1, "isis-2": 2, "ospf": 3, "direct": 4, "static": 5, "ospf3": 6}
ROUTER_FLAG, OVERLOAD_FLAG = 0x08, 0x80  # of TLV 1024
MEASURES = {"delay_us", "delay_min_us", "delay_max_us", "delay_variation_us", "loss_3e8", "residual_bps", "available_bps",
            "utilized_bps"}


class Scope(typing.NamedTuple):
    """A level or area of an instance, as the lab names it: "isis-2", "ospf-0.0.0.1@7"."""

    preference: int  # of the instance's protocol (M-125); 3: there is no SPF
    instance: int
    protocol: int  # Protocol-ID
    area: int

    @property
    def is_ospf(self):
        return self.protocol in (3, 6)

    @property
    def is_isis(self):
        return self.protocol in (1, 2)

    @property
    def kind(self):
        """Protocol family and Instance-ID."""
        return self.preference, self.instance


def scope_of(igp, instance):
    name, _, number = igp.partition("@")
    kind, _, area = name.partition("-") if name.startswith("ospf") else (name, "", "")
    protocol = PROTOCOLS[kind]
    preference = {3: 0, 6: 1, 1: 2, 2: 2}.get(protocol, 3)
    return Scope(preference, int(number or instance), protocol, int(ipaddress.ip_address(area or "0.0.0.0")))


class Source:
    """What one peer says, or last said before its session ended: objects by what identifies their NLRI. Half-links that
    the scenario has as octets (scenarios.py) come in words: [{"igp", "from", "to", "metric", "delay_us"}]."""

    def __init__(self, name, rank, facts, stale=False, halves=()):
        self.name, self.rank, self.stale, self.facts = name, rank, stale, facts
        families = next(r["count"] for r in facts["reflectors"] if r["name"] == name)
        self.nodes, self.halves, self.prefixes, self.egresses = {}, {}, {}, {}
        if "ls" in families:
            self.read_link_state()
            for number, half in enumerate(halves):
                self.halves[half["igp"], half["from"], half["to"], number, "octets"] = {"addresses": [], **half}
        self.routes = [route for route in facts["routes"] if route["reflector"] == name]

    def read_link_state(self):
        facts = self.facts
        routers = {router["name"]: router for router in facts["routers"]}
        up = {name for name, router in routers.items() if not router["down"]}
        lans = {lan["name"]: lan for lan in facts["pseudonodes"]}
        up |= {name for name, lan in lans.items() if lan["designated"] in up}
        for name, vertex in (routers | lans).items():
            for igp in vertex["igp"] if name in up else ():
                self.nodes[igp, name] = vertex
        for link in facts["links"]:
            if link["down"] or link["a"] not in up or link["b"] not in up:
                continue
            for igp in link["igp"]:
                for here, there, values in (("a", "b", "ab"), ("b", "a", "ba")):
                    key = igp, link[here], link[there], link["index"], link["a"]
                    self.halves[key] = {"addresses": [link[f"{here}_{family}"] for family in ("ipv4", "ipv6")
                                                      if f"{here}_{family}" in link], **link[values]}
        for item in facts["prefixes"]:
            for igp in item["igp"] if item["router"] in up else ():
                key = igp, item["router"], item["prefix"], item.get("external"), item.get("route_type"), item.get("topology")
                self.prefixes[key] = item
        for egress in facts.get("egress", []):
            if not egress["down"] and egress["router"] in up:
                self.egresses[egress["name"]] = egress


def best(sources, kind):
    """Each object as the best source has it: what is not stale before what is, then by rank (L-100, L-101)."""
    objects = {}
    for source in sorted(sources, key=lambda source: (source.stale, source.rank)):
        for key, values in getattr(source, kind).items():
            found = objects.setdefault(key, values)
            if kind == "halves" and not MEASURES & found.keys() and MEASURES & values.keys():  # L-100, L-151
                objects[key] = found | {name: values[name] for name in MEASURES & values.keys()}
            if kind == "prefixes" and "no_metric" in found and "no_metric" not in values:
                objects[key] = {name: value for name, value in found.items() if name != "no_metric"} | {
                    "metric": values["metric"]}
    return objects


class Paths:
    """All shortest paths from one router: distance, hops, and by M-134 how many there are and what their delays add to."""

    def __init__(self, graph, silent, source):
        def weight(a, _, links):
            return None if a in silent and a != source else links["least"]  # None: not followed (M-115)

        self.distance = networkx.single_source_dijkstra_path_length(graph, source, weight=weight)
        self.graph, self.source = graph, source
        tight = networkx.DiGraph()  # links that a least distance takes, whatever their number of hops
        tight.add_node(source)
        tight.add_edges_from((a, b) for a, b, links in graph.edges(self.distance, data=True)
                             if (a == source or a not in silent) and
                             self.distance[a] + links["least"] == self.distance[b])
        self.hops = networkx.single_source_shortest_path_length(tight, source)
        self.count, self.delay = {}, {}  # delay: the sum over all paths; None: some link of some path has none
        self.add_up(tight)

    def steps(self, a, b):
        """Delays of the links from a to b that are on a path (M-113, M-132)."""
        return [delay for metric, delay in self.graph[a][b]["links"] if self.distance[a] + metric == self.distance[b] and
                (metric > 0 or self.hops[a] + 1 == self.hops[b])]

    def add_up(self, tight):
        delays = {(a, b): self.steps(a, b) for a, b in tight.edges if b != self.source}
        taken = networkx.DiGraph()
        taken.add_node(self.source)
        taken.add_edges_from(ends for ends in delays if delays[ends])
        self.count[self.source], self.delay[self.source] = 1, 0
        for vertex in networkx.topological_sort(taken):
            if vertex == self.source:
                continue
            count, total = 0, 0
            for before in taken.predecessors(vertex):
                for delay in delays[before, vertex]:
                    count += self.count[before]
                    lacks = total is None or delay is None or self.delay[before] is None
                    total = None if lacks else total + self.delay[before] + self.count[before] * delay
            self.count[vertex], self.delay[vertex] = count, total


class Domain:
    """A graph in which one SPF runs (M-120)."""

    def __init__(self, scope, members, edges, silent):
        self.scope, self.members, self.silent = scope, members, silent
        self.graph = networkx.DiGraph()
        self.graph.add_nodes_from(members)
        for (a, b), links in edges.items():
            self.graph.add_edge(a, b, links=links, least=min(metric for metric, _ in links))
        self.known = {}

    def paths(self, source):
        if source not in self.known:
            self.known[source] = Paths(self.graph, self.silent, source)
        return self.known[source]


def has_no_transit(scope, node):
    """M-115: overload in IS-IS; in OSPFv3 the R bit where there is a TLV 1024, and it is clear."""
    flags = node.get("flags")
    if flags == "none" or not (scope.is_isis or scope.protocol == 6):
        return False
    if scope.is_isis:
        return bool(flags & OVERLOAD_FLAG) if flags is not None else node["overload"]
    return flags is not None and not flags & ROUTER_FLAG


class Network:
    """Routers, usable links, domains."""

    def __init__(self, sources):
        self.instance = sources[0].facts["instance"]
        nodes, self.halves = best(sources, "nodes"), best(sources, "halves")
        self.prefixes, self.egresses = best(sources, "prefixes"), best(sources, "egresses")
        self.lans = {name for _, name in nodes if "designated" in nodes[_, name]}
        self.routers = {name: vertex for (_, name), vertex in nodes.items() if name not in self.lans}
        self.keys = {name: b"4" + mapped(router["ipv4"]) for name, router in self.routers.items()}  # M-107
        self.add_peers()
        self.order = sorted(self.keys, key=self.keys.get)
        self.place = {name: place for place, name in enumerate(self.order)}
        self.links = []  # (from, to, Protocol-ID, metric, delay, whether it crosses a LAN)
        self.domains = []
        self.attached_to = {}  # (igp, LAN) -> [(router, metric)] of usable half-links
        self.overloaded = set()
        ospf = {name for igp, name in nodes if self.scope(igp).protocol == 3}
        for igp in sorted({igp for igp, _ in nodes}, key=self.scope):
            scope = self.scope(igp)
            outside = ospf if scope.protocol == 6 else set()  # M-127
            members = {name for level, name in nodes if level == igp and name not in self.lans and name not in outside}
            silent = {name for name in members if has_no_transit(scope, nodes[igp, name])}
            self.overloaded |= silent
            self.add_scope(igp, scope, members, silent, outside)

    def scope(self, igp):
        return scope_of(igp, self.instance)

    def add_peers(self):
        """Beyond egress links: routers outside all domains, known by their BGP router-id alone (M-102, M-107)."""
        for egress in self.egresses.values():
            name = egress["peer_id"], egress["peer_as"]
            self.routers[name] = {"node_name": egress["peer_id"]}
            self.keys[name] = b"b" + mapped(egress["peer_id"])

    def name(self, router):
        """M-106."""
        return self.routers[router].get("node_name", router)

    def address(self, router):
        """The key's text."""
        return str(ipaddress.IPv4Address(self.keys[router][-4:]))

    def usable(self, igp, scope):
        """(from, to, metric, delay) of half-links that are usable (M-111, M-114)."""
        if scope.preference == 3:
            return
        there = {(a, b) for level, a, b, _, _ in self.halves if level == igp}
        for (level, a, b, _, _), values in self.halves.items():
            if level != igp or (b, a) not in there:
                continue
            metric = values.get("metric", 0 if a in self.lans else None)
            if scope.is_ospf and metric is not None:
                metric = min(metric, OSPF_GREATEST)  # what the lab can say of it
            if metric is None or (scope.is_isis and metric == ISIS_UNUSED):
                continue
            yield a, b, metric, values.get("delay_us", values.get("delay_min_us"))  # M-137

    def add_scope(self, igp, scope, members, silent, outside):
        edges, into, out_of = {}, {}, {}
        joined = networkx.Graph()
        joined.add_nodes_from(members)
        for a, b, metric, delay in self.usable(igp, scope):
            if b in self.lans:
                self.attached_to.setdefault((igp, b), []).append((a, metric))
            if a in outside or b in outside:
                continue
            joined.add_edge(a, b)
            if b in self.lans:
                into.setdefault(b, []).append((a, metric, delay))
            elif a in self.lans:
                out_of.setdefault(a, []).append((b, metric))
            else:
                edges.setdefault((a, b), []).append((metric, delay))
                self.links.append((a, b, scope.protocol, metric, delay, False))
        for lan, ways in into.items():
            for a, metric, delay in ways:  # M-116
                for b, rest in out_of.get(lan, ()):
                    if a != b:
                        edges.setdefault((a, b), []).append((metric + rest, delay))
                        self.links.append((a, b, scope.protocol, metric + rest, delay, True))
        if scope.preference == 3:
            return
        parts = networkx.connected_components(joined) if scope.protocol == 1 else [members]
        for part in parts:
            own = {name for name in part if name not in self.lans}
            self.domains.append(Domain(scope, own, {ends: links for ends, links in edges.items() if ends[0] in own},
                                       silent & own))

    def between(self, a, b):
        """[(distance, hops, paths, sum of delays or None)]: all that tie, in the first instance that has any (M-125)."""
        if a == b:
            return [(0, 0, 1, 0)]
        given_by, ways = None, []
        for domain in self.domains:
            if a not in domain.members or b not in domain.members or b not in domain.paths(a).distance:
                continue
            if given_by and (domain.scope.kind != given_by or domain.scope.is_isis):
                break  # one instance; level 1 before level 2; only areas of OSPF compete (M-122, M-124)
            given_by, paths = domain.scope.kind, domain.paths(a)
            ways.append((paths.distance[b], paths.hops[b], paths.count[b], paths.delay[b]))
        least = min((way[0] for way in ways), default=None)
        return [way for way in ways if way[0] == least]


def mapped(ipv4):
    """As 16 octets, IPv4-mapped."""
    return bytes(10) + b"\xff\xff" + ipaddress.IPv4Address(ipv4).packed
