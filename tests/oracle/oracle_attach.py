"""Where prefixes leave a backbone: part 5 of docs/spec/map-generation.md, by ipaddress.

Written from the specification alone, for what the lab can say: no LLGR, no AS_SETs, no ADD-PATH.
"""
import ipaddress

ORIGINS = {"igp": 0, "egp": 1, "incomplete": 2}
ISIS_UNREACHABLE, OSPF_INFINITY = 0xFE000000, 0xFFFFFF
STEPS = 4  # M-206


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
        self.by_address, self.by_interface = self.addresses()
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
        originations = {}  # prefix -> [(is OSPF, rank, igp, router, cost)]
        for (igp, vertex, prefix, external), item in self.network.prefixes.items():
            ospf = igp.startswith("ospf-")
            metric = item["metric"]
            if metric >= OSPF_INFINITY if ospf else metric > ISIS_UNREACHABLE:
                continue
            rank = (3 if external else 1) if ospf else {"isis-1": 1, "isis-2": 2}[igp]
            ways = [(vertex, 0)]
            if vertex in self.network.lans:
                ways = self.network.attached_to.get((igp, vertex), []) if ospf else []
            for router, more in ways:
                originations.setdefault(prefix, []).append((ospf, rank, igp, router, more + metric, external))
                key = ipaddress.ip_network(prefix), router
                self.origins[key] = min(more + metric, self.origins.get(key, more + metric))
        sets = {}
        for prefix, items in originations.items():
            counted = []
            for ospf in (True, False):
                own = [item for item in items if item[0] == ospf]
                counted += self.of_best_rank(own) if own else []
            sets[prefix] = union({router: cost} for _, _, _, router, cost, _ in counted)
        return sets

    def of_best_rank(self, items):
        least = min(rank for _, rank, _, _, _, _ in items)
        first = [item for item in items if item[1] == least]
        if items[0][0] or least != 1:
            return first
        level_1 = [domain.members for domain in self.network.domains if domain.igp == "isis-1"]
        beside = [item for item in items if item[1] == 2 and not item[5] and
                  not any(item[3] in members and other[3] in members for other in first for members in level_1)]
        return first + beside

    # ---- BGP (M-203, M-206) ----

    def addresses(self):
        of_routers, of_interfaces = {}, {}
        for name, router in self.network.routers.items():
            for family in ("ipv4", "ipv6"):
                if family in router:
                    of_routers.setdefault(ipaddress.ip_address(router[family]), set()).add(name)
        for (_, here, _, _, _), values in self.network.halves.items():
            for address in values["addresses"] if here in self.network.routers else ():
                of_interfaces.setdefault(ipaddress.ip_address(address), set()).add(here)
        return of_routers, of_interfaces

    def identity(self, route):
        """Candidates that agree in these are one for M-204."""
        return (route["next_hop"], route.get("local_pref", 100), len(route["as_path"]), route["origin"],
                self.neighbour(route), route.get("med", 0))

    def neighbour(self, route):
        return route["as_path"][0] if route["as_path"] else self.own_as

    def candidates(self, prefix, way):
        """[(route, {router: cost})] that are left of the prefix's routes."""
        left = []
        for route in self.routes.items[prefix]:
            costs = self.resolve(ipaddress.ip_address(route["next_hop"]), way)
            if costs and self.own_as not in route["as_path"]:
                left.append((route, costs))
        for worth in (lambda r: -r.get("local_pref", 100), lambda r: len(r["as_path"]), lambda r: ORIGINS[r["origin"]]):
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
