#!/usr/bin/env python3
"""Is a snapshot what the network says?   oracle_costs.py FACTS.json SNAPSHOT.db

FACTS is what `altimeter-lab --export-json` writes (docs/lab.md). From it, with networkx for paths and ipaddress for
longest match, every prefix's attachments and every pair's hopcount, routingcost and delay-ow are computed anew and
compared with the file: exact text, presence and absence. Nothing of Altimeter's code is used; paths are enumerated one
by one. Exit status 1 with the first differences named; 2 when the facts are beyond this oracle (several levels or
areas, metrics of 0).
"""
import fractions
import ipaddress
import json
import sqlite3
import sys

import networkx

SHOWN = 20  # differences
ORIGINS = {"igp": 0, "egp": 1, "incomplete": 2}
METRICS = ("hopcount", "routingcost", "delay-ow:mean", "delay-ow")


class Beyond(Exception):
    """The facts are of a kind that this oracle does not compute."""


class Network:
    """The usable links of one SPF domain (M-110 to M-116), and all shortest paths on them (M-130)."""

    def __init__(self, facts):
        self.routers = {r["name"]: r for r in facts["routers"] if not r["down"]}
        kinds = {kind for r in self.routers.values() for kind in r["igp"]}
        if len(kinds) > 1:
            raise Beyond(f"routers of {', '.join(sorted(kinds))}: one level or area expected")
        self.lans = {p["name"] for p in facts.get("pseudonodes", []) if p["designated"] in self.routers}
        self.edges = {}  # (a, b) -> [(metric, delay)]
        members = {}
        for link in facts["links"]:
            if link["down"] or link["a"] not in self.routers:
                continue
            if link["b"] in self.lans:
                members.setdefault(link["b"], []).append(link)
            elif link["b"] in self.routers and "metric" in link["ab"] and "metric" in link["ba"]:
                self.add(link["a"], link["b"], link["ab"])
                self.add(link["b"], link["a"], link["ba"])
        for links in members.values():
            for link in links:
                for other in links:
                    if link["a"] != other["a"]:
                        self.add(link["a"], other["a"], link["ab"])  # the way back from a LAN costs 0
        self.paths = {source: self.paths_from(source) for source in self.routers}

    def add(self, a, b, values):
        if values["metric"] == 0:
            raise Beyond(f"metric 0 from {a} to {b}")
        self.edges.setdefault((a, b), []).append((values["metric"], values.get("delay_us", values.get("delay_min_us"))))

    def paths_from(self, source):
        """destination -> (distance, [(hops, delay or None) of each path])."""
        graph = networkx.DiGraph()
        graph.add_nodes_from(self.routers)
        for (a, b), links in self.edges.items():
            if a == source or not self.routers[a]["overload"]:  # M-115
                graph.add_edge(a, b, weight=min(metric for metric, _ in links))
        before, distance = networkx.dijkstra_predecessor_and_distance(graph, source)

        def ways(to):
            if to == source:
                yield 0, 0
                return
            for last in before[to]:
                least = graph[last][to]["weight"]
                for hops, delay in ways(last):
                    for metric, own in self.edges[last, to]:
                        if metric == least:  # parallel links are paths of their own (M-113)
                            yield hops + 1, None if delay is None or own is None else delay + own

        return {to: (distance[to], list(ways(to))) for to in distance}


class Attachments:
    """prefix -> {router: cost} (part 5 of docs/spec/map-generation.md)."""

    def __init__(self, facts, network):
        self.own_as = facts["as"]
        self.network = network
        self.igp, self.routes = {}, {}
        for item in facts["prefixes"]:
            if item["router"] in network.routers:
                costs = self.igp.setdefault(ipaddress.ip_network(item["prefix"]), {})
                costs[item["router"]] = min(item["metric"], costs.get(item["router"], item["metric"]))
        for route in facts["routes"]:
            self.routes.setdefault(ipaddress.ip_network(route["prefix"]), []).append(route)
        self.addresses = {}  # of interfaces
        for link in facts["links"]:
            if not link["down"]:
                for end in "ab":
                    for version in ("ipv4", "ipv6"):
                        address = link.get(f"{end}_{version}")
                        if address and link[end] in network.routers:
                            self.addresses.setdefault(ipaddress.ip_address(address), set()).add(link[end])
        self.known = {}
        self.sets = {}
        for prefix in set(self.igp) | set(self.routes):
            costs = self.igp.get(prefix) or self.of_route(prefix, (prefix,))
            if costs:
                least = min(costs.values())
                self.sets[prefix] = {router: cost - least for router, cost in costs.items()}

    def of_route(self, prefix, way):
        costs = {}
        for _, candidate in self.candidates(prefix, way):
            for router, cost in candidate.items():
                costs[router] = min(cost, costs.get(router, cost))
        return costs

    def candidates(self, prefix, way):  # M-203
        paths = []
        for route in self.routes[prefix]:
            if self.own_as in route["as_path"]:
                continue
            costs = self.resolve(ipaddress.ip_address(route["next_hop"]), way)
            if costs:
                paths.append((route, costs))
        for worth in (lambda r: -r.get("local_pref", 100), lambda r: len(r["as_path"]),
                      lambda r: ORIGINS[r["origin"]]):
            least = min((worth(route) for route, _ in paths), default=0)
            paths = [path for path in paths if worth(path[0]) == least]

        def neighbour(route):
            return route["as_path"][0] if route["as_path"] else self.own_as

        best = {}
        for route, _ in paths:
            med = route.get("med") or 0
            best[neighbour(route)] = min(med, best.get(neighbour(route), med))
        return [path for path in paths if (path[0].get("med") or 0) == best[neighbour(path[0])]]

    def resolve(self, address, way):  # M-206
        key = (address, way) if len(way) > 1 else address
        if key not in self.known:
            costs = self.resolve_anew(address, way)
            if len(way) > 1 or costs is None:
                return costs or {}
            self.known[key] = costs
        return self.known[key]

    def resolve_anew(self, address, way):
        host = ipaddress.ip_network(address)
        routers = {name for name, r in self.network.routers.items()
                   if str(address) in (r.get("ipv4"), r.get("ipv6"))}
        if routers:
            return {name: self.igp.get(host, {}).get(name, 0) for name in routers}
        if address in self.addresses:
            return {name: 0 for name in self.addresses[address]}
        prefix = longest(self.igp, address)
        if prefix:
            return self.igp[prefix]
        prefix = longest(self.routes, address)
        if not prefix or prefix in way or len(way) > 4:
            return None
        return self.of_route(prefix, way + (prefix,)) or None


def longest(table, address, shortest=1):
    """The longest prefix of the table that has the address."""
    for length in range(address.max_prefixlen, shortest - 1, -1):
        prefix = ipaddress.ip_network((address, length), strict=False)
        if prefix in table:
            return prefix
    return None


class Snapshot:
    """What the file says, as the plain sqlite3 shell would show it."""

    def __init__(self, path):
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.pids = [name for name, in db.execute("SELECT name FROM pid ORDER BY pid_id")]
        self.default, = db.execute("SELECT default_pid FROM snapshot").fetchone()
        self.prefixes = {ipaddress.ip_network(prefix): pid for prefix, pid in
                         db.execute("SELECT prefix, pid FROM prefix")}
        self.sets = {name: {} for name in self.pids}
        for pid, router, cost in db.execute(
                "SELECT pid.name, router.name, cost FROM attachment JOIN pid USING (pid_id) JOIN router USING (router_id)"):
            self.sets[pid][router] = cost
        self.metrics = {name for name, in db.execute("SELECT name FROM metric")}
        self.costs = {}
        for metric, source, destination, cost in db.execute("SELECT metric, source, destination, cost FROM cost"):
            self.costs[metric, source, destination] = cost
        db.close()


def rounded(value):
    """Half up (M-501)."""
    return int(value + fractions.Fraction(1, 2))


def expected_costs(network, source, destination):
    """metric -> value or None, between two attachment sets (M-210)."""
    ways = []
    for a, before in source.items():
        for b, behind in destination.items():
            if b in network.paths[a]:
                distance, paths = network.paths[a][b]
                ways.append((before + distance + behind, distance, paths))
    if not ways:
        return {}
    least = min(k for k, _, _ in ways)
    chosen = [(distance, paths) for k, distance, paths in ways if k == least]
    paths = [path for _, some in chosen for path in some]
    delays = [delay for _, delay in paths]
    mean = None if None in delays else rounded(fractions.Fraction(sum(delays), len(delays)))
    return {"hopcount": min(hops for hops, _ in paths), "routingcost": min(distance for distance, _ in chosen),
            "delay-ow:mean": mean, "delay-ow": mean}


def compare_prefixes(attachments, snapshot, differ):
    """At the edges of every prefix, in and out, both tables answer alike."""
    addresses = set()
    for prefix in set(attachments.sets) | set(snapshot.prefixes):
        first, last = int(prefix.network_address), int(prefix.broadcast_address)
        kind = type(prefix.network_address)
        for value in (first - 1, first, last, last + 1):
            if 0 <= value < 1 << prefix.max_prefixlen:
                addresses.add(kind(value))
    for address in addresses:
        ours = longest(attachments.sets, address, 0)
        theirs = longest(snapshot.prefixes, address, 0)
        pid = snapshot.prefixes.get(theirs)
        if pid is None:
            differ(f"{address}: no prefix of the map has it")
        elif ours is None and pid != snapshot.default:
            differ(f"{address}: PID {pid}; {snapshot.default} expected, nothing is routed there")
        elif ours is not None and snapshot.sets[pid] != attachments.sets[ours]:
            differ(f"{address}: PID {pid} at {snapshot.sets[pid]}; {attachments.sets[ours]} expected")
    return len(addresses)


def compare_costs(network, snapshot, differ):
    expected = {}
    for source in snapshot.pids:
        for destination in snapshot.pids:
            costs = expected_costs(network, snapshot.sets[source], snapshot.sets[destination])
            if source == destination and snapshot.sets[source]:
                costs = dict.fromkeys(METRICS, 0)  # M-214
            for metric in METRICS:
                expected[metric, source, destination] = costs.get(metric)
    for metric in METRICS:
        # a delay between different PIDs, or none at all: the zeros inside them are no map (M-503)
        offered = not metric.startswith("delay") or any(
            cost is not None for (name, source, destination), cost in expected.items()
            if name == metric and source != destination)
        if offered != (metric in snapshot.metrics):
            differ(f"metric {metric}: {'not ' if offered else ''}in the map")
        for (name, source, destination), cost in expected.items():
            found = snapshot.costs.get((metric, source, destination))
            if name == metric and found != (cost if offered else None):
                differ(f"{metric} {source} -> {destination}: {found}; {cost} expected")
    return len(expected)


def main(facts_path, snapshot_path):
    differences = []
    with open(facts_path, encoding="utf-8") as file:
        facts = json.load(file)
    try:
        network = Network(facts)
    except Beyond as why:
        print(f"beyond this oracle: {why}")
        return 2
    attachments = Attachments(facts, network)
    snapshot = Snapshot(snapshot_path)
    addresses = compare_prefixes(attachments, snapshot, differences.append)
    costs = compare_costs(network, snapshot, differences.append)
    for difference in differences[:SHOWN]:
        print(difference)
    if len(differences) > SHOWN:
        print(f"and {len(differences) - SHOWN} more")
    print(f"{facts['name']}: {len(snapshot.pids)} PIDs, {len(snapshot.prefixes)} prefixes, {addresses} addresses and "
          f"{costs} costs compared, {len(differences)} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
