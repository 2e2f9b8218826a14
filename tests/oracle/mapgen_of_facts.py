#!/usr/bin/env python3
"""The map generator against oracle_costs.py, without a network and a collector in between.

mapgen_of_facts.py ALTIMETER-LAB STATE-OF-TEXT ALTIMETER-MAPGEN SCENARIO…

The lab's facts are written into a state.db as rows (tests/mapgen/state_of_text), altimeter-mapgen --once makes a
snapshot of it, and the oracle judges that. Then the same over small random backbones, in which ties, parallel links,
overload, missing delays, several attachments and recursive next hops are frequent; a failure names its seed.
"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import oracle_costs

LEVELS = {"isis-1": "level1", "isis-2": "level2"}
SEEDS = 25


def statements(facts):
    """The facts in the words of tests/mapgen/network.h."""
    for number, reflector in enumerate(facts["reflectors"], 1):
        yield f"peer {number} {reflector['name']}"
    numbers = {r["name"]: number for number, r in enumerate(facts["reflectors"], 1)}
    for router in facts["routers"]:
        if not router["down"]:
            yield (f"router {router['name']} {router['ipv4']} ipv6={router['ipv6']} {LEVELS[router['igp'][0]]} "
                   f"asn={facts['as']}" + (" overload" if router["overload"] else ""))
    for link in facts["links"]:
        if link["down"]:
            continue
        for a, b, values in (("a", "b", link["ab"]), ("b", "a", link["ba"])):
            words = f"half {link[a]} {link[b]} {values.get('metric', '-')}"
            if f"{a}_ipv4" in link:
                words += f" local={link[a + '_ipv4']} remote={link[b + '_ipv4']}"
            else:
                words += f" id={link['index']}"
            if "delay_us" in values:
                words += f" delay={values['delay_us']}"
            yield words
    for prefix in facts["prefixes"]:
        yield f"prefix {prefix['prefix']} {prefix['router']} {prefix['metric']}"
    for route in facts["routes"]:
        words = f"route {route['prefix']} {route['next_hop']} peer={numbers[route['reflector']]}"
        words += f" origin={oracle_costs.ORIGINS[route['origin']]}"
        if route["as_path"]:
            words += " path=" + ",".join(map(str, route["as_path"]))
        for key, word in (("local_pref", "lp"), ("med", "med")):
            if route.get(key) is not None:
                words += f" {word}={route[key]}"
        yield words


def random_facts(seed):
    """A backbone in the shape of the lab's export."""
    dice = random.Random(seed)
    names = [f"r{n}" for n in range(dice.randint(3, 12))]
    address = {name: f"10.0.0.{n}" for n, name in enumerate(names, 1)}

    def values():
        own = {"metric": dice.randint(1, 3)}
        if dice.random() < 0.95:
            own["delay_us"] = dice.randint(0, 50)
        return own

    ends = [(a, b) for a, b in zip(names, names[1:] + names[:1])]
    ends += [tuple(dice.sample(names, 2)) for _ in range(len(names))]
    facts = {
        "name": f"seed {seed}", "as": 64500, "pseudonodes": [],
        "reflectors": [{"name": "rr1"}, {"name": "rr2"}],
        "routers": [{"name": name, "ipv4": address[name], "ipv6": f"2001:db8::{n}", "igp": ["isis-2"], "down": False,
                     "overload": dice.random() < 0.15} for n, name in enumerate(names, 1)],
        "links": [{"a": a, "b": b, "index": n, "down": False, "ab": values(), "ba": values()}
                  for n, (a, b) in enumerate(ends, 1)],
        "prefixes": [{"prefix": f"10.{dice.randint(1, 9)}.{dice.choice([0, 0, 64])}.0/{dice.choice([16, 18])}",
                      "router": dice.choice(names), "metric": dice.randint(0, 2)} for _ in range(12)],
        "routes": [],
    }
    for prefix in facts["prefixes"]:
        if prefix["prefix"].endswith("/16"):
            prefix["prefix"] = prefix["prefix"].replace(".64.0/", ".0.0/")
    taken = set()  # an originator says a prefix once, a reflector shows one path
    for prefix in list(facts["prefixes"]):
        key = prefix["prefix"], prefix["router"]
        if key in taken:
            facts["prefixes"].remove(prefix)
        taken.add(key)
    for reflector in ("rr1", "rr2"):
        for n in range(dice.randint(1, 15)):
            hop = dice.choice([address[dice.choice(names)], f"10.{dice.randint(1, 9)}.0.1", f"20.{dice.randint(0, 14)}.0.1"])
            facts["routes"].append({
                "reflector": reflector, "prefix": f"20.{n}.0.0/16", "next_hop": hop, "local_pref": dice.choice([100, 100, 200]),
                "med": dice.choice([None, 0, 5]), "origin": dice.choice(["igp", "incomplete"]),
                "as_path": dice.choice([[], [64501], [64502], [64501, 64503], [64501, 64500]])})
    return facts


def judge(state_of_text, mapgen, facts):
    """The oracle's exit status; it says what differs."""
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        (directory / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
        text = "\n".join(statements(facts)) + "\n"
        subprocess.run([state_of_text, str(directory / "state.db")], input=text.encode(), check=True)
        config = directory / "altimeter.yaml"
        config.write_text(f"state:\n  directory: {directory}\nlog:\n  level: error\n", encoding="utf-8")
        subprocess.run([mapgen, "--config", str(config), "--once"], check=True)
        return oracle_costs.main(str(directory / "facts.json"), str(directory / "snapshots" / "default" / "current"))


def main(lab, state_of_text, mapgen, *scenarios):
    worst = 0
    for scenario in scenarios:
        exported = subprocess.run([lab, "--export-json", scenario], check=True, capture_output=True).stdout
        worst = max(worst, judge(state_of_text, mapgen, json.loads(exported)))
    for seed in range(SEEDS):
        worst = max(worst, judge(state_of_text, mapgen, random_facts(seed)))
    return worst


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
