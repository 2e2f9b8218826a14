"""Random backbones in the lab's words (docs/lab.md), and commands that change them.

A case is plain data: {"seed", "scenario", "commands"}. The same seed gives the same case on any machine. Addresses are
written out, not derived by the lab, so that a case from which something was taken away still means the same. Unlikely
things are likely here: ties, parallel links, metrics of 0 and of the greatest values, halves without a metric, LANs
with members that are down, next hops that lead in circles, names that PIDs cannot have.
"""
import ipaddress
import json
import random
import struct

AS = 64500
POOLS = ["10.1.0.0/16", "10.1.0.0/17", "10.1.128.0/18", "10.2.0.0/16", "10.2.0.0/15", "10.3.7.0/24", "10.3.7.128/25",
         "10.3.7.129/32", "2001:db8:1::/48", "2001:db8:1:8000::/49", "2001:db8:2::/47", "2001:db8:3::1/128"]
ROUTES = ["20.1.0.0/16", "20.1.0.0/24", "20.2.0.0/16", "20.2.128.0/17", "20.3.0.0/16", "20.4.4.0/22", "30.0.0.0/8",
          "30.1.0.0/16", "2001:db8:a::/48", "2001:db8:a:1::/64", "2001:db8:b::/48"]
EVERYWHERE = ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "::/0", "8000::/1"]
PATHS = [[], [64501], [64502], [64501, 64503], [64502, 64503], [64501, 64501, 64503], [64501, AS], [65550],
         "64501 {64502 64503}", "{64501 64502}", "(65001 65002) 64501", "[65001 65002] 64502", "(64500) 64501", "64501 {64500}"]
ROUTE_TYPES = ["intra", "inter", "external-1", "external-2", "external-2", "nssa-1", "nssa-2", "none"]
NODE_NAMES = ["Core 1", "r1", "default", "münchen.1", "x" * 70]


# ---- topologies: pairs of numbers ----

def chain(dice, count):
    return [(n, n + 1) for n in range(count - 1)]


def ring(dice, count):
    return chain(dice, count) + ([(count - 1, 0)] if count > 2 else [])


def grid(dice, count):
    wide = dice.randint(2, 4)
    return ([(n, n + 1) for n in range(count - 1) if (n + 1) % wide] + [(n, n + wide) for n in range(count - wide)])


def tree(dice, count):
    return [(dice.randrange(n), n) for n in range(1, count)]


def waxman(dice, count):
    """Near pairs are likelier to be linked (Waxman, 1988)."""
    places = [(dice.randrange(100), dice.randrange(100)) for _ in range(count)]
    edges = []
    for a in range(count):
        for b in range(a):
            away = abs(places[a][0] - places[b][0]) + abs(places[a][1] - places[b][1])
            if dice.randrange(200) > 60 + away:
                edges.append((b, a))
    return edges


def complete(dice, count):
    return [(a, b) for b in range(min(count, 7)) for a in range(b)]


def parts(dice, count):
    """Two rings with nothing between them."""
    half = count // 2
    return ring(dice, half) + [(a + half, b + half) for a, b in ring(dice, count - half)]


def nothing(dice, count):
    return []


SHAPES = [chain, ring, ring, grid, grid, tree, waxman, waxman, complete, parts, nothing]


class Builder:
    """One scenario under construction."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.routers, self.links, self.lans, self.prefixes, self.routes = [], [], [], [], []
        self.taken = set()  # (prefix, router) of the IGP
        self.has_ladder = self.dice.random() < 0.03
        self.metrics = self.dice.choice([[10], [1, 2, 3], [1, 2, 3], range(1, 1000), [0, 0, 1, 2],
                                         [0, 1, 16777214, 16777215, 65535, 65536], [4]])
        self.instance = self.dice.choice([0, 0, 0, 7])
        self.edges = self.make_edges()
        self.make_routers()
        self.make_links()
        self.make_lans()
        self.make_reflectors()
        self.make_prefixes()
        self.make_egress()
        self.make_routes()
        self.make_halves()
        self.scenario = {"name": f"seed-{seed}", "as": AS, "instance": self.instance}
        if self.dice.random() < 0.1:
            self.scenario["ipv6_topology"] = 2
        if self.dice.random() < 0.2:
            self.scenario["identifier"] = 9
        if self.scenario.get("identifier"):
            self.halves, self.objects = [], []  # nodes with another descriptor
        self.scenario |= {"routers": self.routers, "egress": self.egress, "objects": self.objects, "lans": self.lans, "links": self.links, "prefixes": self.prefixes,
                          "reflectors": self.reflectors, "routes": self.routes}

    def chance(self, probability):
        return self.dice.random() < probability

    def make_edges(self):
        """Also says how many routers there are. A ladder has more than a million shortest paths (M-134)."""
        if self.has_ladder:
            self.count, self.metrics = 22, [5]
            return sorted(2 * chain(self.dice, self.count))
        self.count = self.dice.choice([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14])
        edges = [(a, b) for a, b in self.dice.choice(SHAPES)(self.dice, self.count) if a != b and b < self.count]
        edges += [edge for edge in edges if self.chance(0.2)]
        self.dice.shuffle(edges)
        return edges

    # ---- routers and links ----

    def igps(self):
        """A function that gives a router its levels and areas."""
        plans = [(30, lambda: ["isis-2"]), (8, lambda: ["isis-1"]), (10, lambda: ["ospf-0.0.0.0"]),
                 (14, lambda: self.dice.choice([["isis-1"], ["isis-2"], ["isis-1", "isis-2"], ["isis-1", "isis-2"]])),
                 (10, lambda: self.dice.choice([["ospf-0.0.0.0"], ["ospf-0.0.0.1"], ["ospf-0.0.0.0", "ospf-0.0.0.1"],
                                                ["ospf-0.0.0.0", "ospf-0.0.0.1", "ospf-0.0.0.2"]])),
                 (6, lambda: self.dice.choice([["isis-2"], ["isis-2@9"], ["isis-1@9"], ["isis-2", "isis-2@9"]])),
                 (14, lambda: self.dice.choice([["ospf3-0.0.0.0"], ["ospf3-0.0.0.0"], ["ospf-0.0.0.0", "ospf3-0.0.0.0"],
                                               ["ospf3-0.0.0.0", "ospf3-0.0.0.1"], ["isis-2", "ospf3-0.0.0.0"]])),
                 (8, lambda: self.dice.choice([["isis-2"], ["ospf-0.0.0.0"], ["isis-2", "ospf-0.0.0.0"],
                                               ["isis-1", "ospf-0.0.0.0"]]))]
        return self.dice.choices([plan for _, plan in plans], [weight for weight, _ in plans])[0]

    def make_routers(self):
        plan = (lambda: ["isis-2"]) if self.has_ladder else self.igps()
        odd = ["default", "r.1", "r-1", "r_1", "r1_r2", "a" * 60, "b" * 40, "c" * 40]
        places = self.dice.sample(range(1, 250), self.count)  # of addresses: keys in another order than the file
        for n in range(self.count):
            name = odd.pop(self.dice.choice([0, -1])) if odd and self.chance(0.12) else f"r{n + 1}"
            router = {"name": name, "ipv4": f"10.255.0.{places[n]}", "igp": plan()}
            if self.chance(0.9):
                router["ipv6"] = f"2001:db8:ff::{places[n]:x}"
            for key, probability in (("overload", 0.12), ("attached", 0.1), ("down", 0.04)):
                if self.chance(probability) and not self.has_ladder:
                    router[key] = True
            if any(igp.startswith("ospf3") for igp in router["igp"]) and self.chance(0.3):
                router["flags"] = self.dice.choice([["v6"], ["router", "v6"], ["overload", "router"], "none"])
            if self.chance(0.06):
                router["node_name"] = self.dice.choice(NODE_NAMES)
            if self.chance(0.06):
                router["igp"] = router["igp"] + [self.dice.choice(["direct", "static"])]
            self.taken |= {(router[key] + length, name) for key, length in (("ipv4", "/32"), ("ipv6", "/128"))
                           if key in router}
            self.routers.append(router)

    def common(self, a, b):
        return [igp for igp in self.routers[a]["igp"] if igp in self.routers[b]["igp"]]

    def metric(self):
        return "none" if self.chance(0.02) and not self.has_ladder else self.dice.choice(self.metrics)

    def values(self, link):
        """Metric and delays of one, into the link."""
        metric = self.metric()
        link["metric"] = metric if self.has_ladder or self.chance(0.7) else [metric, self.metric()]
        if self.has_ladder:
            link["delay"] = 3
            return link
        delay = self.dice.choice([0, 1, 10, 16777208]) if self.chance(0.1) else self.dice.randrange(1, 5000)
        if self.chance(0.85):
            link["delay"] = self.dice.choice([delay, delay, [delay, delay + 7], [delay, "none"]])
        elif self.chance(0.5):
            link["delay_min"], link["delay_max"] = delay // 2, delay
        return link

    def make_links(self):
        for a, b in self.edges:
            igps = self.common(a, b)
            if not igps:
                continue
            number = len(self.links)
            link = self.values({"a": self.routers[a]["name"], "b": self.routers[b]["name"]})
            if len(igps) > 1 and self.chance(0.4):
                link["igp"] = self.dice.sample(igps, self.dice.randint(1, len(igps) - 1))
            if self.chance(0.8):
                base = 0x0afe0000 + 2 * number
                link["ipv4"] = [str(ipaddress.IPv4Address(base)), str(ipaddress.IPv4Address(base + 1))]
                if self.chance(0.5):
                    link["ipv6"] = [f"2001:db8:fe::{2 * number:x}", f"2001:db8:fe::{2 * number + 1:x}"]
            else:
                link |= {"unnumbered": True, "id": [2 * number + 1, 2 * number + 2]}
            if self.chance(0.05) and not self.has_ladder:
                link["down"] = True
            self.links.append(link)

    def make_lans(self):
        for number in range(self.dice.choice([0, 0, 1, 2])):
            igp = self.dice.choice(sorted({igp for router in self.routers for igp in router["igp"]} - {"direct", "static"}))
            able = [router["name"] for router in self.routers if igp in router["igp"]]
            names = self.dice.sample(able, min(len(able), self.dice.randint(2, 5)))
            if len(names) < 2:
                continue
            subnet = ipaddress.ip_network(f"198.51.100.{8 * number}/29")
            addresses = list(subnet.hosts())
            members = []
            for place, name in enumerate(names):
                member = self.values({"router": name})
                for key in ("delay_min", "delay_max"):
                    member.pop(key, None)
                for key in ("metric", "delay"):
                    if isinstance(member.get(key), list):
                        member[key] = member[key][0]
                if igp.startswith("ospf") or self.chance(0.7):
                    member["ipv4"] = str(addresses[place])
                if self.chance(0.08) and place > 0:
                    member["down"] = True
                members.append(member)
            lan = f"lan{number + 1}"
            self.lans.append({"name": lan, "designated": names[0], "number": number + 1, "igp": igp, "members": members})
            if igp.startswith("ospf"):
                self.prefixes.append({"routers": lan, "prefixes": str(subnet), "metric": self.dice.choice([0, 3, "none"])})
            elif self.chance(0.5):
                for name in names:
                    self.add_prefix(name, str(subnet), self.dice.choice([0, 10]))

    # ---- what is reached ----

    def make_reflectors(self):
        self.reflectors = [{"name": "rr1", "listen": "127.0.0.1:1", "router_id": "192.0.2.201"}]
        families = self.dice.choice([None, ["ls", "ipv4", "ipv6"], ["ls", "ipv4", "ipv6"], ["ipv4", "ipv6"], ["ls"]])
        if families:
            self.reflectors.append({"name": "rr2", "listen": "127.0.0.1:2", "router_id": "192.0.2.202",
                                    "families": families})
        for reflector in self.reflectors:
            able = [family for family in reflector.get("families", ["ipv4", "ipv6"]) if family != "ls"]
            if able and self.chance(0.5):
                reflector["add_path"] = {family: self.dice.choice([2, 4]) for family in able if self.chance(0.8)}
            if self.chance(0.2):
                forms = ["one_each", "attributes_first", "ipv4_in_mp", "long_lengths"]
                reflector["updates"] = dict.fromkeys(self.dice.sample(forms, self.dice.randint(1, 3)), True)

    def add_prefix(self, router, prefix, metric, **more):
        if (prefix, router) in self.taken:
            return
        self.taken.add((prefix, router))
        self.prefixes.append({"routers": router, "prefixes": prefix, "metric": metric, **more})

    def make_prefixes(self):
        for _ in range(self.dice.randrange(14)):
            prefix = self.dice.choice(EVERYWHERE if self.chance(0.04) else POOLS)
            equal = self.dice.choice([0, 0, 1, 10])
            for router in self.dice.sample(self.routers, min(len(self.routers), self.dice.choice([1, 1, 2, 3]))):
                metric = self.dice.choice([0, 1, 2, 5, 0xFE000000, 0xFE000001, 0xFFFFFF, 0xFFFFFE])
                more = {"external": True} if self.chance(0.1) else {}
                if len(router["igp"]) > 1 and self.chance(0.4):
                    more["igp"] = self.dice.choice(router["igp"])
                self.mark(more, router["igp"][0].startswith("ospf"))
                if self.chance(0.04):
                    metric, equal = "none", "none"
                self.add_prefix(router["name"], prefix, metric if self.chance(0.25) else equal, **more)

    def mark(self, more, is_ospf):
        """Flags, types and topologies that decide whether and how a prefix counts (M-201, M-202)."""
        for key, probability, choices in (("route_type", 0.6 if is_ospf else 0.05, ROUTE_TYPES),
                                          ("igp_flags", 0.1, [["down"], ["down"], ["no-unicast"], ["local"], "none"]),
                                          ("flags", 0.1, [["external"], ["readvertised"], ["ospf3-no-unicast"], ["node"],
                                                          "none"]),
                                          ("topology", 0.05, [0, 2, 3])):
            if self.chance(probability):
                more[key] = self.dice.choice(choices)

    def make_egress(self):
        """Links to other ASes, whose addresses are next hops (M-206)."""
        self.egress = []
        for n in range(self.dice.choice([0, 0, 0, 1, 3])):
            peer = self.dice.randrange(2)
            self.egress.append({"name": f"peer{n + 1}", "router": self.dice.choice(self.routers)["name"],
                                "peer_as": 64501 + peer, "peer_id": f"192.0.2.{31 + peer}",
                                "ipv4": [f"203.0.113.{2 * n}", f"203.0.113.{2 * n + 1}"],
                                "ipv6": [f"2001:db8:ee::{2 * n:x}", f"2001:db8:ee::{2 * n + 1:x}"]})

    def make_halves(self):
        """Half-links without one in the other direction, or beside others: octets that the lab says as they are (M-111)."""
        self.halves, self.objects = [], []
        steady = [router for router in self.routers if "down" not in router]
        for n in range(self.dice.choice([0, 0, 0, 2, 4]) if len(steady) > 1 else 0):
            a, b = self.dice.sample(steady, 2)
            igps = [igp for igp in a["igp"] if igp in b["igp"] and igp.startswith("isis") and "@" not in igp]
            if not igps:
                continue
            half = {"igp": self.dice.choice(igps), "instance": self.instance, "from": a["name"], "to": b["name"],
                    "metric": self.dice.choice([0, 1, 2, 10]), "delay_us": self.dice.randrange(1000)}
            self.halves.append(half)
            self.objects.append({"name": f"half{n + 1}", "nlri": half_nlri(half, a, b, 1000 + n), "attribute":
                                 f"0447 0003 {half['metric']:06x} 045a 0004 {half['delay_us']:08x}"})

    def next_hop(self, version):
        """An address, or None for next-hop-self."""
        kind = self.dice.choice(["self"] * 5 + ["interface", "interface", "lan", "igp", "bgp", "bgp", "nowhere", "peer"])
        addresses = [address for link in (self.egress if kind == "peer" else self.links)
                     for address in link.get(f"ipv{version}", [])]
        if kind in ("interface", "peer") and addresses:
            return self.dice.choice(addresses)
        if kind == "lan" and version == 4:
            return f"198.51.100.{self.dice.randrange(16)}"
        if kind in ("igp", "bgp"):
            pool = [ipaddress.ip_network(prefix) for prefix in (POOLS if kind == "igp" else ROUTES)]
            prefix = self.dice.choice([prefix for prefix in pool if prefix.version == version])
            return str(prefix.network_address + self.dice.randrange(min(prefix.num_addresses, 200)))
        if kind == "nowhere":
            return "192.0.2.99" if version == 4 else "2001:db8:dead::1"
        return None

    def make_routes(self):
        for _ in range(self.dice.choice([0, 3, 10, 20, 30])):
            prefix = self.dice.choice(self.dice.choices([EVERYWHERE, POOLS, ROUTES], [3, 12, 85])[0])
            version = ipaddress.ip_network(prefix).version
            able = [router["name"] for router in self.routers if f"ipv{version}" in router]
            if not able:
                continue
            names = self.dice.sample(able, min(len(able), self.dice.choice([1, 1, 1, 2, 3])))
            route = {"routers": names, "prefixes": prefix, "as_path": self.dice.choice(PATHS)}
            hop = self.next_hop(version)
            if hop:
                route[f"next_hop_ipv{version}"] = hop
            for key, probability, choices in (("local_pref", 0.3, [100, 200, 0]), ("med", 0.5, [0, 5, 10]),
                                              ("origin", 0.3, ["igp", "egp", "incomplete"]),
                                              ("communities", 0.2, [["64500:1"], ["64500:1", "64500:2"], ["65535:6"]])):
                if self.chance(probability):
                    route[key] = self.dice.choice(choices)
            for key, probability in (("reflectors", 0.3), ("favourite_of", 0.3)):
                if self.chance(probability):
                    route[key] = self.dice.choice(self.reflectors)["name"]
            self.routes.append(route)
        if self.chance(0.1):
            self.make_recursion()

    def make_recursion(self):
        """Next hops in a row, more of them than may follow one another (M-206); the last leads on or back."""
        long = self.dice.randint(3, 7)
        name = self.routers[0]["name"]
        for n in range(long):
            hop = f"40.{n + 1}.0.1" if n + 1 < long else self.dice.choice([self.routers[0]["ipv4"], "40.0.0.1"])
            self.routes.append({"routers": [name], "prefixes": f"40.{n}.0.0/16", "as_path": [64501], "next_hop_ipv4": hop})


def half_nlri(half, a, b, number):
    """An IS-IS link NLRI of topology 0 with identifiers (RFC 9552 section 5.2), as the lab would write it."""
    def tlv(kind, value):
        return struct.pack("!HH", kind, len(value)) + value

    def node(kind, router):
        system_id = bytes.fromhex("".join(f"{int(part):03}" for part in router["ipv4"].split(".")))
        return tlv(kind, tlv(512, struct.pack("!I", AS)) + tlv(515, system_id))

    body = struct.pack("!BQ", 1 if half["igp"] == "isis-1" else 2, half["instance"])
    body += node(256, a) + node(257, b) + tlv(258, struct.pack("!II", number, number))
    return tlv(2, body).hex()


# ---- commands ----

def link_ends(scenario):
    """(a, b, index among parallel ones) of every link, as the lab counts."""
    ends = [(link["a"], link["b"]) for link in scenario["links"]]
    ends += [(member["router"], lan["name"]) for lan in scenario["lans"] for member in lan["members"]]
    seen = {}
    for a, b in ends:
        index = seen[frozenset((a, b))] = seen.get(frozenset((a, b)), 0) + 1
        yield a, b, index


def command(dice, scenario):
    """One change in the lab's words; "session NAME down|up" is for the driver."""
    links = list(link_ends(scenario))
    routers = [router["name"] for router in scenario["routers"]]
    prefixes = sorted({item["prefixes"] for item in scenario["prefixes"] + scenario["routes"]})
    kinds = ["router", "overload", "session", "session", "resend"] + ["link", "metric", "metric", "delay"] * bool(links)
    kind = dice.choice(kinds + ["prefix", "prefix"] * bool(prefixes))
    if kind in ("metric", "delay", "link"):
        a, b, index = dice.choice(links)
        if dice.random() < 0.5:
            a, b = b, a
        which = f" link {index}" if dice.random() < 0.6 else ""
        if kind == "link":
            return f"link {a} {b} {dice.choice(['down', 'down', 'up'])}{which}"
        value = dice.choice([0, 1, 2, 3, 10, 500, 16777215]) if kind == "metric" else dice.randrange(3000)
        return f"{kind} {a} {b} {value}{dice.choice(['', ' one-way'])}{which}"
    if kind == "router":
        return f"router {dice.choice(routers)} {dice.choice(['down', 'up'])}"
    if kind == "overload":
        return f"overload {dice.choice(routers)} {dice.choice(['on', 'on', 'off'])}"
    if kind == "session":
        return f"session {dice.choice(scenario['reflectors'])['name']} {dice.choice(['down', 'up', 'up'])}"
    if kind == "resend":
        return f"reflector {dice.choice(scenario['reflectors'])['name']} resend {dice.choice(['ls', 'ipv4', 'ipv6'])}"
    what = dice.choice(["move", "withdraw", "announce"])
    where = f" {dice.choice(routers)}" if what == "move" or dice.random() < 0.5 else ""
    return f"prefix {dice.choice(prefixes)} {what}{where}"


def case_of_seed(seed):
    builder = Builder(seed)
    commands = [command(builder.dice, builder.scenario) for _ in range(builder.dice.choice([0, 2, 4, 8]))]
    told = {name for half in builder.halves for name in (half["from"], half["to"])}  # whatever happens to them
    return {"seed": seed, "scenario": builder.scenario, "halves": builder.halves,
            "commands": [each for each in commands if not (each.startswith("router") and each.split()[1] in told)]}


# ---- networks that exist ----

def case_of_topology(path):
    """A backbone of ../shared/data/topologies (its README has the format) with loopbacks, customers and dual homing."""
    with open(path, encoding="utf-8") as file:
        topology = json.load(file)
    dice = random.Random(topology["name"])
    names = {node["id"]: f"n{place}" for place, node in enumerate(topology["nodes"])}
    routers = [{"name": name, "ipv4": f"10.255.{n // 256}.{n % 256}", "ipv6": f"2001:db8:ff::{n:x}"}
               for n, name in enumerate(names.values(), 1)]
    links = []
    for number, link in enumerate(topology["links"]):
        metric = link.get("metric_ab", 10)
        base = 0x0afc0000 + 2 * number
        item = {"a": names[link["a"]], "b": names[link["b"]], "metric": [metric, link.get("metric_ba", metric)],
                "ipv4": [str(ipaddress.IPv4Address(base)), str(ipaddress.IPv4Address(base + 1))]}
        if "latency_ms" in link:
            item["delay"] = round(1000 * link["latency_ms"])
        elif "km" in link:
            item["delay"] = round(5 * link["km"])
        links.append(item)
    routes = []
    for n, router in enumerate(routers):
        other = dice.choice(routers)["name"]
        homes = sorted({router["name"], other}) if dice.random() < 0.15 else [router["name"]]
        for home, reflector in zip(homes, ("rr1", "rr2")):  # what each reflector prefers of two
            more = {"favourite_of": reflector} if len(homes) > 1 else {}
            routes.append({"routers": home, "prefixes": [f"20.{n}.{k}.0/24" for k in range(dice.randint(1, 3))] +
                           [f"2001:db8:{n + 4096:x}::/48"], "as_path": [64600 + n], **more})
    reflectors = [{"name": f"rr{n}", "listen": f"127.0.0.1:{n}", "router_id": f"192.0.2.20{n}"} for n in (1, 2)]
    scenario = {"name": topology["name"].lower(), "as": AS, "igp": "isis-2", "routers": routers, "lans": [],
                "links": links, "prefixes": [], "reflectors": reflectors, "routes": routes}
    first = links[0]
    return {"seed": topology["name"], "scenario": scenario, "commands": [
        f"metric {first['a']} {first['b']} 500", f"link {first['a']} {first['b']} down", f"overload {routers[-1]['name']} on",
        f"prefix {routes[0]['prefixes'][0]} move {routers[-1]['name']}", f"router {routers[0]['name']} down"]}


def yaml_of(scenario):
    """The file: JSON is YAML; one item a line."""
    lines = []
    for key, value in scenario.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines += [f"{key}:"] + [f"  - {json.dumps(item)}" for item in value]
        elif value != []:
            lines.append(f"{key}: {json.dumps(value)}")
        elif key in ("routers", "reflectors"):
            lines.append(f"{key}: []")
    return "\n".join(lines) + "\n"
