"""What a backbone's link state means for paths: parts 1 to 4 of docs/spec/map-generation.md, by networkx.

Written from the specification alone. Two things are not here because altimeter-mapgen does not compute them yet
(docs/design.md section 5): levels and areas do not join (M-122 to M-124), and of the metrics only hops, cost and delay.
"""
import ipaddress

import networkx

PATH_LIMIT = 1_000_000  # M-134
ISIS_UNUSED, OSPF_GREATEST = 0xFFFFFF, 0xFFFF
PROTOCOLS = {"isis-1": 1, "isis-2": 2}


def protocol_of(igp):
    """Protocol-ID of a level or area as the lab names it."""
    return PROTOCOLS.get(igp, 3)


def order_of(igp):
    """OSPFv2 first, areas as numbers; then IS-IS, level 1 before level 2 (M-125, M-122)."""
    if igp in PROTOCOLS:
        return 1, PROTOCOLS[igp]
    return 0, int(ipaddress.ip_address(igp.removeprefix("ospf-")))


class Source:
    """What one peer says, or last said before its session ended: objects by what identifies their NLRI."""

    def __init__(self, name, rank, facts, stale=False):
        self.name, self.rank, self.stale, self.facts = name, rank, stale, facts
        families = next(r["count"] for r in facts["reflectors"] if r["name"] == name)
        self.nodes, self.halves, self.prefixes = {}, {}, {}
        if "ls" in families:
            self.read_link_state()
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
                self.prefixes[igp, item["router"], item["prefix"], item.get("external", False)] = item


def best(sources, kind):
    """Each object as the best source has it: what is not stale before what is, then by rank (L-100, L-101)."""
    objects = {}
    for source in sorted(sources, key=lambda source: (source.stale, source.rank), reverse=True):
        objects |= getattr(source, kind)
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

    def __init__(self, igp, members, edges, silent):
        self.igp, self.members, self.silent = igp, members, silent
        self.graph = networkx.DiGraph()
        self.graph.add_nodes_from(members)
        for (a, b), links in edges.items():
            self.graph.add_edge(a, b, links=links, least=min(metric for metric, _ in links))
        self.known = {}

    def paths(self, source):
        if source not in self.known:
            self.known[source] = Paths(self.graph, self.silent, source)
        return self.known[source]


class Network:
    """Routers, usable links, domains."""

    def __init__(self, sources):
        nodes, self.halves = best(sources, "nodes"), best(sources, "halves")
        self.prefixes = best(sources, "prefixes")
        self.lans = {name for _, name in nodes if "designated" in nodes[_, name]}
        self.routers = {name: vertex for (_, name), vertex in nodes.items() if name not in self.lans}
        self.order = sorted(self.routers, key=lambda name: int(ipaddress.ip_address(self.routers[name]["ipv4"])))
        self.place = {name: place for place, name in enumerate(self.order)}
        self.links = []  # (from, to, igp, metric, delay, whether it crosses a LAN)
        self.domains = []
        self.attached_to = {}  # (igp, LAN) -> [(router, metric)] of usable half-links
        self.overloaded = set()
        for igp in sorted({igp for igp, _ in nodes}, key=order_of):
            members = {name for level, name in nodes if level == igp and name not in self.lans}
            silent = {name for name in members if igp in PROTOCOLS and nodes[igp, name]["overload"]}
            self.overloaded |= silent
            self.add_scope(igp, members, silent)

    def usable(self, igp):
        """(from, to, metric, delay) of half-links that are usable (M-111, M-114)."""
        there = {(a, b) for level, a, b, _, _ in self.halves if level == igp}
        for (level, a, b, _, _), values in self.halves.items():
            if level != igp or (b, a) not in there:
                continue
            metric = values.get("metric", 0 if a in self.lans else None)
            if igp not in PROTOCOLS and metric is not None:
                metric = min(metric, OSPF_GREATEST)  # what the lab can say of it
            if metric is None or (igp in PROTOCOLS and metric == ISIS_UNUSED):
                continue
            yield a, b, metric, values.get("delay_us", values.get("delay_min_us"))  # M-137

    def add_scope(self, igp, members, silent):
        edges, into, out_of = {}, {}, {}
        joined = networkx.Graph()
        joined.add_nodes_from(members)
        for a, b, metric, delay in self.usable(igp):
            joined.add_edge(a, b)
            if b in self.lans:
                into.setdefault(b, []).append((a, metric, delay))
            elif a in self.lans:
                out_of.setdefault(a, []).append((b, metric))
            else:
                edges.setdefault((a, b), []).append((metric, delay))
                self.links.append((a, b, igp, metric, delay, False))
        for lan, ways in into.items():
            self.attached_to[igp, lan] = [(router, metric) for router, metric, _ in ways]
            for a, metric, delay in ways:  # M-116
                for b, rest in out_of.get(lan, ()):
                    if a != b:
                        edges.setdefault((a, b), []).append((metric + rest, delay))
                        self.links.append((a, b, igp, metric + rest, delay, True))
        parts = networkx.connected_components(joined) if igp == "isis-1" else [members]
        for part in parts:
            own = {name for name in part if name not in self.lans}
            self.domains.append(Domain(igp, own, {ends: links for ends, links in edges.items() if ends[0] in own},
                                       silent & own))

    def between(self, a, b):
        """[(distance, hops, paths, sum of delays or None)]: all that tie, in the first instance that has any (M-125)."""
        if a == b:
            return [(0, 0, 1, 0)]
        ways = []
        for domain in self.domains:
            if a not in domain.members or b not in domain.members or b not in domain.paths(a).distance:
                continue
            if ways and (domain.igp in PROTOCOLS or ways[0][0] in PROTOCOLS):
                break  # level 1 before level 2; OSPF before IS-IS; only areas of OSPF compete (M-124)
            paths = domain.paths(a)
            ways.append((domain.igp, (paths.distance[b], paths.hops[b], paths.count[b], paths.delay[b])))
        least = min((way[0] for _, way in ways), default=None)
        return [way for _, way in ways if way[0] == least]
