#!/usr/bin/env python3
"""Is a snapshot what the network says?   oracle_costs.py FACTS.json SNAPSHOT.db

FACTS is what `altimeter-lab --export-json` writes (docs/lab.md). From it, with networkx for paths and ipaddress for
longest match (oracle_network, oracle_attach), the map is computed anew and compared with the file: PIDs with their names
and attachments, the PID of every address, every cost of every metric as exact text, the tags; properties.py has routers
and links compared too. Nothing of Altimeter's code is used. Exit status 1 with the first differences named.
"""
import collections
import fractions
import hashlib
import ipaddress
import json
import math
import re
import sqlite3
import sys

import oracle_attach
import oracle_network

SHOWN = 20  # differences
DEFAULT = "default"
HALF = fractions.Fraction(1, 2)
NAME_LIMIT, CUT = 64, 55  # M-304
MEANS = '{"cost-source":"estimation"}'
CONTEXTS = {"hopcount": None, "routingcost": None, "delay-ow": MEANS, "delay-ow:mean": MEANS}
UNITS = {"hopcount": "hops", "routingcost": "", "delay-ow": "us", "delay-ow:mean": "us"}


def sha256(octets):
    return hashlib.sha256(octets).hexdigest()


class Expected:
    """The map that the sources should give."""

    def __init__(self, sources):
        facts = sources[0].facts
        self.network = oracle_network.Network(sources)
        self.attachments = oracle_attach.Attachments(self.network, sources, facts["as"])
        self.sets = {}  # name of a PID -> {router: cost}
        classes = {frozenset(costs.items()) for costs in self.attachments.sets.values()}
        names = self.names(classes)
        for one, name in names.items():
            self.sets[name] = dict(one)
        table = [(prefix, names[frozenset(costs.items())]) for prefix, costs in self.attachments.sets.items()]
        self.pids = oracle_attach.Table(table)
        self.costs = {}

    def canonical(self, one):
        """Per router in order: its key, then its cost (M-304, M-107)."""
        octets = b""
        for router, cost in sorted(one, key=lambda item: self.network.place[item[0]]):
            octets += self.network.keys[router] + cost.to_bytes(8, "big")
        return octets

    def names(self, classes):
        """{class: name}."""
        names = {}
        for one in classes:
            routers = sorted((router for router, _ in one), key=lambda router: self.network.place[router])
            name = "_".join(self.network.name(router) for router in routers)
            name = re.sub(rb"[^-0-9A-Za-z:@_]", b"-", name.encode()).decode()
            if any(cost for _, cost in one) or len(name) > NAME_LIMIT or name == DEFAULT:
                name = self.hashed(name, one)
            names[one] = name
        taken = collections.defaultdict(list)
        for one in sorted(classes, key=self.canonical):
            taken[names[one]].append(one)
        for name, sharing in taken.items():
            for one in sharing[1:]:
                names[one] = self.hashed(name, one)
        return names

    def hashed(self, name, one):
        return f"{name[:CUT]}-{sha256(self.canonical(one))[:8]}"

    def pair(self, source, destination):
        """metric -> value from one attachment set to another (M-210, M-213, M-214); absent values have no key."""
        if source == destination:
            return {"hopcount": 0, "routingcost": 0, "delay-ow": 0} if source else {}
        ways = [(before + way[0] + behind, way) for a, before in source.items() for b, behind in destination.items()
                for way in self.between(a, b)]
        if not ways:
            return {}
        least = min(k for k, _ in ways)
        chosen = [way for k, way in ways if k == least]
        values = {"hopcount": min(hops for _, hops, _, _ in chosen),
                  "routingcost": min(distance for distance, _, _, _ in chosen)}
        count = sum(paths for _, _, paths, _ in chosen)
        delays = [delay for _, _, _, delay in chosen]
        if None not in delays and count <= oracle_network.PATH_LIMIT:  # M-134, M-136
            values["delay-ow"] = math.floor(fractions.Fraction(sum(delays), count) + HALF)  # M-501
        return values

    def between(self, a, b):
        if (a, b) not in self.costs:
            self.costs[a, b] = self.network.between(a, b)
        return self.costs[a, b]


class Snapshot:
    """What the file says, as the plain sqlite3 shell would show it."""

    def __init__(self, path):
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.pids = [name for name, in db.execute("SELECT name FROM pid ORDER BY pid_id")]
        self.default, self.tag, self.stale, self.single = db.execute(
            "SELECT default_pid, tag, stale_objects, single_candidates FROM snapshot").fetchone()
        self.rows = [(ipaddress.ip_network(prefix), pid) for prefix, pid in db.execute("SELECT prefix, pid FROM prefix")]
        self.prefixes = oracle_attach.Table(self.rows)
        self.sets = {name: {} for name in self.pids}
        for pid, router, cost in db.execute(
                "SELECT pid.name, router.key, cost FROM attachment JOIN pid USING (pid_id) JOIN router USING (router_id)"):
            self.sets[pid][router] = cost
        self.metrics = {row[0]: row[1:] for row in db.execute("SELECT name, unit, cost_context, tag, pairs FROM metric")}
        self.costs = {}
        for metric, source, destination, cost in db.execute("SELECT metric, source, destination, cost FROM cost"):
            self.costs[metric, source, destination] = cost
        self.routers = list(db.execute("SELECT key, name, overload FROM router ORDER BY router_id"))
        self.links = list(db.execute(
            "SELECT a.key, b.key, protocol, metric, delay_us, pseudonode IS NOT NULL FROM link "
            "JOIN router a ON a.router_id = source_id JOIN router b ON b.router_id = destination_id"))
        db.close()

    def tags(self):
        """The network map's tag, and {metric: tag}, for comparing snapshots."""
        return self.tag, {metric: row[2] for metric, row in self.metrics.items()}


def compare_graph(expected, snapshot, differ):
    network = expected.network
    routers = [(network.address(name), network.name(name), int(name in network.overloaded)) for name in network.order]
    for ours, theirs in zip(routers + [None] * len(snapshot.routers), snapshot.routers + [None] * len(routers)):
        if ours != theirs:
            differ("M-107", f"router {theirs}; {ours} expected")
    links = collections.Counter((network.address(a), network.address(b), protocol, metric, delay, int(lan))
                                for a, b, protocol, metric, delay, lan in network.links)
    found = collections.Counter(snapshot.links)
    for link in sorted(links.keys() | found.keys(), key=str):
        if links[link] != found[link]:
            differ("M-111", f"link {link}: {found[link]} times; {links[link]} expected")


def compare_prefixes(expected, snapshot, differ):
    """At the edges of every prefix, in and out, both tables answer alike (M-401, M-402, M-404)."""
    addresses = {address(0) for address in (ipaddress.IPv4Address, ipaddress.IPv6Address)}
    for prefix in set(expected.pids.items) | set(snapshot.prefixes.items):
        first, last = int(prefix.network_address), int(prefix.broadcast_address)
        for value in (first - 1, first, last, last + 1):
            if 0 <= value < 1 << prefix.max_prefixlen:
                addresses.add(type(prefix.network_address)(value))
    owners = set()
    for address in addresses:
        ours, theirs = expected.pids.longest(address), snapshot.prefixes.longest(address)
        wanted = DEFAULT if ours is None else expected.pids.items[ours]
        found = snapshot.prefixes.items.get(theirs)
        owners.add(wanted)
        if found != wanted:
            differ("M-401", f"{address}: PID {found} by {theirs}; {wanted} expected, by {ours}")
    if len(snapshot.rows) != len(snapshot.prefixes.items):
        differ("M-403", "a prefix is published twice")
    for name in sorted(owners | set(snapshot.pids)):
        if name not in snapshot.sets:
            differ("M-304", f"no PID {name}")
        elif name != DEFAULT and name not in expected.sets:
            differ("M-304", f"PID {name}, which no prefix should make")
        else:
            wanted = {expected.network.address(router): cost for router, cost in expected.sets.get(name, {}).items()}
            if snapshot.sets[name] != wanted:
                differ("M-207", f"PID {name} at {snapshot.sets[name]}; {wanted} expected")
    return len(addresses)


def compare_costs(expected, snapshot, differ):
    """Every cost; and of each metric its unit, context, count and whether it is there at all."""
    count, crossing = collections.Counter(), set()
    for source in snapshot.pids:
        for destination in snapshot.pids:
            values = expected.pair(expected.sets.get(source, {}), expected.sets.get(destination, {}))
            if "delay-ow" in values:
                values["delay-ow:mean"] = values["delay-ow"]
            for metric in CONTEXTS:
                wanted = values.get(metric)
                if wanted is not None:
                    count[metric] += 1
                    if source != destination:
                        crossing.add(metric)
                found = snapshot.costs.get((metric, source, destination))
                if found != wanted and metric in snapshot.metrics:
                    differ("M-133" if metric != "routingcost" else "M-210",
                           f"{metric} {source} -> {destination}: {found}; {wanted} expected")
    for metric in sorted(CONTEXTS.keys() | snapshot.metrics.keys()):
        there = count[metric] > 0 and (not metric.startswith("delay") or metric in crossing)
        if (metric in snapshot.metrics) != there:
            differ("M-503", f"metric {metric} is {'not ' * (metric not in snapshot.metrics)}there")
        elif there:
            unit, context, _, pairs = snapshot.metrics[metric]
            if (unit, context, pairs) != (UNITS[metric], CONTEXTS[metric], count[metric]):
                differ("M-503", f"{metric}: unit {unit}, context {context}, {pairs} pairs; "
                                f"{UNITS[metric]}, {CONTEXTS[metric]}, {count[metric]} expected")
    return sum(count.values())


def compare_tags(snapshot, differ):
    """From what the snapshot holds, which is compared by itself."""
    text = "altimeter-map-1\n"
    lists = collections.defaultdict(list)
    for prefix, pid in snapshot.rows:
        lists[pid, prefix.version].append(prefix)
    names = sorted((pid for pid in snapshot.pids if lists[pid, 4] or lists[pid, 6]), key=str.encode)
    for pid in names:
        text += pid + "\n"
        for version in (4, 6):
            own = sorted(lists[pid, version], key=lambda p: (p.network_address.packed, p.prefixlen))
            text += "".join(line + "\n" for line in [f"ipv{version}"] * bool(own) + [str(prefix) for prefix in own])
        text += "\n"
    if snapshot.tag != sha256(text.encode())[:32]:
        differ("M-602", f"tag {snapshot.tag}; {sha256(text.encode())[:32]} expected")
    for metric, (_, context, tag, _) in snapshot.metrics.items():
        text = f"altimeter-cost-1\n{snapshot.tag}\n{metric}\nnumerical\n{context or ''}\n"
        for source in names:
            row = [f"{to} {snapshot.costs[metric, source, to]}\n" for to in names if (metric, source, to) in snapshot.costs]
            text += (source + "\n" + "".join(row)) if row else ""
        if tag != sha256(text.encode())[:32]:
            differ("M-603", f"{metric}: tag {tag}; {sha256(text.encode())[:32]} expected")


def judge(sources, snapshot_path, with_graph=True):
    """(differences, as (requirement, text), in the order in which a map is made; what was compared). with_graph: also
    what the snapshot says beside the map, which is of the time when the map last changed."""
    differences = []

    def differ(requirement, text):
        differences.append((requirement, text))

    expected, snapshot = Expected(sources), Snapshot(snapshot_path)
    if with_graph:
        compare_graph(expected, snapshot, differ)
    addresses = compare_prefixes(expected, snapshot, differ)
    costs = compare_costs(expected, snapshot, differ)
    compare_tags(snapshot, differ)
    if with_graph and snapshot.single != expected.attachments.single:
        differ("M-204", f"{snapshot.single} prefixes with one candidate; {expected.attachments.single} expected")
    if with_graph and snapshot.stale and not any(source.stale for source in sources):
        differ("M-101", f"{snapshot.stale} stale objects; none expected")
    return differences, (f"{len(snapshot.pids)} PIDs, {len(snapshot.rows)} prefixes, {addresses} addresses and "
                         f"{costs} costs compared, {len(differences)} differences")


def sources_of(facts):
    return [oracle_network.Source(r["name"], rank, facts) for rank, r in enumerate(facts["reflectors"])]


def main(facts_path, snapshot_path):
    with open(facts_path, encoding="utf-8") as file:
        facts = json.load(file)
    differences, summary = judge(sources_of(facts), snapshot_path, False)
    for requirement, text in differences[:SHOWN]:
        print(f"{requirement}: {text}")
    if len(differences) > SHOWN:
        print(f"and {len(differences) - SHOWN} more")
    print(f"{facts['name']}: {summary}")
    return 1 if differences else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
