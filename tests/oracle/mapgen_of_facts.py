#!/usr/bin/env python3
"""The map generator against oracle_costs.py, without a network and a collector in between.

mapgen_of_facts.py ALTIMETER-LAB STATE-OF-TEXT ALTIMETER-MAPGEN SCENARIO…

The lab's facts are written into a state.db as rows (tests/mapgen/state_of_text), altimeter-mapgen --once makes a
snapshot of it, and the oracle judges that.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import oracle_costs

LEVELS = {"isis-1": "level1", "isis-2": "level2"}


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


def judge(lab, state_of_text, mapgen, scenario, directory):
    facts = directory / "facts.json"
    facts.write_bytes(subprocess.run([lab, "--export-json", scenario], check=True, capture_output=True).stdout)
    text = "\n".join(statements(json.loads(facts.read_text(encoding="utf-8")))) + "\n"
    subprocess.run([state_of_text, str(directory / "state.db")], input=text.encode(), check=True)
    config = directory / "altimeter.yaml"
    config.write_text(f"state:\n  directory: {directory}\n", encoding="utf-8")
    subprocess.run([mapgen, "--config", str(config), "--once"], check=True)
    return oracle_costs.main(str(facts), str(directory / "snapshots" / "default" / "current"))


def main(lab, state_of_text, mapgen, *scenarios):
    worst = 0
    for scenario in scenarios:
        with tempfile.TemporaryDirectory() as directory:
            worst = max(worst, judge(lab, state_of_text, mapgen, scenario, pathlib.Path(directory)))
    return worst


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
