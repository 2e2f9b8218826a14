"""Where prefixes leave a backbone: part 5 of docs/spec/map-generation.md, by ipaddress.

Written from the specification alone.
"""
import ipaddress
import typing

import oracle_network

ORIGINS = {"igp": 0, "egp": 1, "incomplete": 2}
ISIS_UNREACHABLE, OSPF_INFINITY = 0xFE000000, 0xFFFFFF
EXTERNAL_2 = 4  # the rank of OSPF external 2 and NSSA 2
DOWN, NO_UNICAST = 0x80, 0x40  # of TLV 1152
EXTERNAL, READVERTISED, OSPF3_NO_UNICAST = 0x80, 0x40, 0x01  # of TLV 1170
LLGR_STALE = "65535:6"
STEPS = 4  # M-206


class Origination(typing.NamedTuple):
    """A prefix at a router by one NLRI."""

    scope: oracle_network.Scope
    rank: int
    router: str
    cost: int
    is_carried: bool  # X or R: it comes from elsewhere


def flags_of(item, name, usual=0):
    return {None: usual, "none": 0}.get(item.get(name), item.get(name))


def is_carried(scope, item):
    usual = EXTERNAL if item.get("external") and scope.is_isis else 0
    return bool(flags_of(item, "flags", usual) & (EXTERNAL | READVERTISED))


def is_counted(scope, item, is_lan):
    """Topology, metric and flags make it an origination (M-201, M-202, M-208)."""
    topologies = (0, 2) if scope.is_isis and ":" in item["prefix"] else (0,)
    if item.get("topology", 0) not in topologies:
        return False
    if "no_metric" in item and not (is_lan and scope.is_ospf):
        return False
    if scope.is_ospf:
        return not (flags_of(item, "igp_flags") & NO_UNICAST or
                    scope.protocol == 6 and flags_of(item, "flags") & OSPF3_NO_UNICAST or
                    "no_metric" not in item and item["metric"] >= OSPF_INFINITY)
    return not scope.is_isis or item["metric"] <= ISIS_UNREACHABLE


def rank_of(scope, item):
    """M-201."""
    if scope.is_ospf:
        kind = item.get("route_type", 3 if item.get("external") else 1)
        return {0: 1, 1: 1, 2: 2, 3: 3, 5: 3, 4: EXTERNAL_2, 6: EXTERNAL_2}[kind]
    if scope.protocol == 1:
        return 3 if flags_of(item, "igp_flags") & DOWN else 1
    return 2 if scope.protocol == 2 else 4


def segments(as_path):
    """The AS path's parts as (kind, numbers); numbers in a row are one part."""
    for part in as_path:
        if isinstance(part, dict):
            yield next(iter(part.items()))
        else:
            yield "sequence", [part]


def length_of(as_path):
    """M-203 3: a set is one, confederations are none."""
    return sum({"sequence": 1, "set": 1}.get(kind, 0) for kind, _ in segments(as_path))


class Table:
    """Prefixes for longest match."""

    def __init__(self, items):
        self.items = {ipaddress.ip_network(prefix): value for prefix, value in items}
        self.found = {(p.version, p.prefixlen, int(p.network_address)): p for p in self.items}
        self.lengths = {version: sorted({p.prefixlen for p in self.items if p.version == version}, reverse=True)
                        for version in (4, 6)}

    def longest(self, address, shortest=0):
        """The longest prefix that has the address, or None."""
        value = int(address)
        for length in self.lengths[address.version]:
            if length < shortest:
                return None
            rest = address.max_prefixlen - length
            prefix = self.found.get((address.version, length, value >> rest << rest))
            if prefix is not None:
                return prefix
        return None


class Attachments:
    """`sets`: prefix of the map -> {router: cost}, the least cost subtracted (M-207)."""

    def __init__(self, network, sources, own_as):
        self.network, self.own_as = network, own_as
        self.origins = {}  # (prefix, router) -> least 1155
        self.igp = Table(self.igp_sets().items())
        routes = {}
        for source in sources:
            for route in source.routes:
                routes.setdefault(route["prefix"], []).append(route)
        self.routes = Table(routes.items())
        self.by_address, self.by_interface, self.by_peer = self.addresses()
        self.known = {}
        self.single = 0  # prefixes attached by BGP with one candidate (M-204)
        raw = {}
        for prefix in self.routes.items:
            candidates = self.candidates(prefix, (prefix,))
            if prefix not in self.igp.items:
                self.single += len({self.identity(route) for route, _ in candidates}) == 1
            raw[prefix] = union(costs for _, costs in candidates)
        raw |= self.igp.items  # at equal length the IGP's (M-205)
        self.sets = {prefix: subtracted(costs) for prefix, costs in raw.items() if costs}

    # ---- the IGP's prefixes (M-201, M-202, M-208) ----

    def igp_sets(self):
        originations = {}  # prefix -> [Origination]
        for (igp, vertex, prefix, *_), item in self.network.prefixes.items():
            scope = self.network.scope(igp)
            is_lan = vertex in self.network.lans
            if not is_counted(scope, item, is_lan):
                continue
            metric = 0 if "no_metric" in item else item["metric"]
            ways = [(vertex, 0)]
            if is_lan:
                ways = self.network.attached_to.get((igp, vertex), []) if scope.is_ospf else []
            for router, more in ways:
                originations.setdefault(prefix, []).append(
                    Origination(scope, rank_of(scope, item), router, more + metric, is_carried(scope, item)))
                key = ipaddress.ip_network(prefix), router
                self.origins[key] = min(more + metric, self.origins.get(key, more + metric))
        return {prefix: union(costs for kind in {item.scope.kind for item in items}
                              for costs in self.of_instance([item for item in items if item.scope.kind == kind]))
                for prefix, items in originations.items()}

    def of_instance(self, items):
        """{router: cost} of each origination of one instance that counts."""
        least = min(item.rank for item in items)
        first = [item for item in items if item.rank == least]
        if items[0].scope.is_ospf and least == EXTERNAL_2:  # type 2: the least 1155 alone, at cost 0
            cost = min(item.cost for item in first)
            return [{item.router: 0} for item in first if item.cost == cost]
        if items[0].scope.is_isis and least == 1:
            level_1 = [domain.members for domain in self.network.domains
                       if domain.scope.protocol == 1 and domain.scope.instance == items[0].scope.instance]
            first += [item for item in items if item.rank == 2 and not item.is_carried and
                      not any(item.router in members and other.router in members for other in first
                              for members in level_1)]
        return [{item.router: item.cost} for item in first]

    # ---- BGP (M-203, M-206) ----

    def addresses(self):
        of_routers, of_interfaces, of_peers = {}, {}, {}
        for name, router in self.network.routers.items():
            for family in ("ipv4", "ipv6"):
                if family in router:
                    of_routers.setdefault(ipaddress.ip_address(router[family]), set()).add(name)
        for (_, here, _, _, _), values in self.network.halves.items():
            for address in values["addresses"] if here in self.network.routers else ():
                of_interfaces.setdefault(ipaddress.ip_address(address), set()).add(here)
        for egress in self.network.egresses.values():
            for table, side in ((of_interfaces, ""), (of_peers, "peer_")):
                for family in ("ipv4", "ipv6"):
                    if side + family in egress:
                        table.setdefault(ipaddress.ip_address(egress[side + family]), set()).add(egress["router"])
        return of_routers, of_interfaces, of_peers

    def identity(self, route):
        """Candidates that agree in these are one for M-204."""
        return (route["next_hop"], route.get("local_pref", 100), length_of(route["as_path"]), route["origin"],
                self.neighbour(route), route.get("med", 0), LLGR_STALE in route["communities"])

    def neighbour(self, route):
        """M-203 5: behind confederations; a set in front, or nothing, is the own AS."""
        for kind, numbers in segments(route["as_path"]):
            if kind in ("sequence", "set"):
                return numbers[0] if kind == "sequence" else self.own_as
        return self.own_as

    def has_loop(self, route):
        return any(self.own_as in numbers for _, numbers in segments(route["as_path"]))

    def candidates(self, prefix, way):
        """[(route, {router: cost})] that are left of the prefix's routes."""
        left = []
        for route in self.routes.items[prefix]:
            costs = self.resolve(ipaddress.ip_address(route["next_hop"]), way)
            if costs and not self.has_loop(route):
                left.append((route, costs))
        for worth in (lambda r: LLGR_STALE in r["communities"], lambda r: -r.get("local_pref", 100),
                      lambda r: length_of(r["as_path"]), lambda r: ORIGINS[r["origin"]]):
            least = min((worth(route) for route, _ in left), default=0)
            left = [(route, costs) for route, costs in left if worth(route) == least]
        lowest = {}
        for route, _ in left:
            med = route.get("med", 0)
            lowest[self.neighbour(route)] = min(med, lowest.get(self.neighbour(route), med))
        return [(route, costs) for route, costs in left if route.get("med", 0) == lowest[self.neighbour(route)]]

    def resolve(self, address, way):
        """{router: cost}, empty where nothing is found. way: the BGP prefixes met on the way here."""
        host = ipaddress.ip_network(address)
        if address in self.by_address:
            return {name: self.origins.get((host, name), 0) for name in self.by_address[address]}
        if address in self.by_interface:
            return dict.fromkeys(self.by_interface[address], 0)
        if address in self.by_peer:
            return dict.fromkeys(self.by_peer[address], 0)
        prefix = self.igp.longest(address, 1)
        if prefix is not None:
            return self.igp.items[prefix]
        prefix = self.routes.longest(address, 1)
        if prefix is None or prefix in way or len(way) > STEPS:
            return {}
        if (prefix, way) not in self.known:
            self.known[prefix, way] = union(costs for _, costs in self.candidates(prefix, way + (prefix,)))
        return self.known[prefix, way]


def union(sets):
    """At the least cost per router."""
    costs = {}
    for own in sets:
        for router, cost in own.items():
            costs[router] = min(cost, costs.get(router, cost))
    return costs


def subtracted(costs):
    least = min(costs.values())
    return {router: cost - least for router, cost in costs.items()}
