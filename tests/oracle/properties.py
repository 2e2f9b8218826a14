#!/usr/bin/env python3
"""Maps of random backbones against the oracle, and what must be true of any map.

    properties.py BUILD [--seed N] [--count N] [--seconds N] [--commands N] [--keep DIR] [--topologies DIR] [--case FILE] [--shrink]

A case is a scenario and commands that change it (scenarios.py). The lab plays it to a line (line.py), which decodes,
records and makes maps with the programs' own code. Then:

- the map of the scenario, and the map after each command, is the oracle's (oracle_costs.py), so that what comes of
  following changes is what the facts give;
- the map generator started anew over the same state.db gives that map;
- a second line that hears the final state from the beginning, the UPDATEs shuffled and some of them twice, gives it
  byte by byte, and the same tags.

--seed N runs that seed alone; without it seeds from 0 on, --count of them or as long as --seconds last, and a set that
each day has its own. A failure names the seed, the first difference with its requirement in
docs/spec/map-generation.md, and the command that replays it. --shrink takes away from a case that fails what it can
fail without; --keep DIR is where such cases are left, --case FILE runs one of them. --topologies runs the networks of a
directory (tests/data/topologies) instead of seeds; with --count, the smallest so many. --commands N: no more than so
many commands a case.
"""
import argparse
import copy
import datetime
import json
import pathlib
import random
import shlex
import sqlite3
import sys
import time

import line
import oracle_costs
import oracle_network
import scenarios

MAP = {  # what a snapshot holds of the map itself; its graph may be younger than the last change (M-605)
    "tag": "SELECT tag FROM snapshot", "pid": "SELECT * FROM pid ORDER BY pid_id",
    "prefix_list": "SELECT * FROM prefix_list ORDER BY pid_id, family", "metric": "SELECT * FROM metric ORDER BY metric_id",
    "cost_row": "SELECT * FROM cost_row ORDER BY metric_id, source_id"}
SHRINK_S = 120
FAILURES = 5  # after so many the rest says nothing new
SKIPPED = 77


class Difference(Exception):
    """What is not as it should be: the requirement, and the place with both values."""

    def __init__(self, requirement, text):
        super().__init__(f"{requirement}: {text}")
        self.requirement = requirement


class Run:
    """One case, from its lab to its last map."""

    def __init__(self, build, case, directory):
        self.build, self.case, self.directory = pathlib.Path(build), case, pathlib.Path(directory)
        self.compared, self.refused = 0, 0
        self.published = None  # the last snapshot
        self.lab = self.first = self.second = None
        self.lost = {}  # reflector -> facts when its session ended
        self.facts = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        for process in (self.first, self.second):
            if process and process.process.poll() is None:
                process.kill()
        if self.lab and self.lab.process.poll() is None:
            self.lab.process.kill()
            self.lab.process.communicate()

    def start(self):
        file = self.directory / "scenario.yaml"
        file.write_text(scenarios.yaml_of(self.case["scenario"]), encoding="utf-8")
        names = [reflector["name"] for reflector in self.case["scenario"]["reflectors"]]
        self.lab = line.Lab(self.build / "tests/lab/altimeter-lab", file, self.directory, names)
        self.read_facts()
        self.first = self.new_line("first")
        for name in names:
            self.first.up(name)

    def new_line(self, name):
        return line.Line(self.build / "tests/oracle/oracle_line", self.directory / name, self.lab, self.facts)

    def read_facts(self):
        path = self.directory / "facts.json"
        self.lab.control(f"export {path}")
        self.facts = json.loads(path.read_text(encoding="utf-8"))

    def sources(self):
        return [oracle_network.Source(reflector["name"], rank, self.lost.get(reflector["name"], self.facts),
                                      reflector["name"] in self.lost, self.case.get("halves", ()))
                for rank, reflector in enumerate(self.facts["reflectors"])]

    def judge(self, when, snapshot):
        """Compares the map of now. A change of the graph alone publishes nothing (M-605): the old one stays right."""
        differences, _ = oracle_costs.judge(self.sources(), snapshot, snapshot != self.published)
        self.published = snapshot
        self.compared += 1
        for requirement, text in differences:
            raise Difference(requirement, f"{when}: {text}")

    def obey(self, command):
        words = command.split()
        if words[0] == "session":
            name, up = words[1], words[2] == "up"
            if up == (name in self.first.sessions):
                self.refused += 1
            elif up:
                self.first.up(name)
                del self.lost[name]
            else:
                self.lost[name] = self.facts
                self.first.down(name)
            return
        try:
            self.first.hear(int(self.lab.control(command)["octets"]))
        except line.Refused:
            self.refused += 1
        self.read_facts()

    def restart(self):
        """The map generator started anew publishes nothing, because nothing is new (M-605)."""
        self.first.anew()
        again = self.first.map()
        if again != self.published:
            raise Difference("M-605", f"a restart published {again.name} after {self.published.name}")

    def repeat(self):
        """Another line, another order of UPDATEs, no history: the same bytes."""
        dice = random.Random(f"order of {self.case['seed']}")
        self.second = self.new_line("second")
        names = list(self.second.reflectors)
        dice.shuffle(names)
        for name in names:
            self.second.up(name, dice)
        changed, self.published = self.published, None
        again = self.second.map()
        self.judge("from the beginning", again)
        for table, query in MAP.items():
            for ours, theirs in zip(rows_of(again, query), rows_of(changed, query)):
                if ours != theirs:
                    raise Difference("M-604", f"table {table}: {ours} from the beginning, {theirs} after changes")

    def all(self):
        self.start()
        self.judge("at first", self.first.map())
        for number, command in enumerate(self.case["commands"], 1):
            self.obey(command)
            self.judge(f"after command {number}, \"{command}\"", self.first.map())
        for name in list(self.lost):
            self.obey(f"session {name} up")
            self.judge(f"after {name} is back", self.first.map())
        self.restart()
        self.repeat()
        self.first.close()
        self.second.close()
        self.lab.close()


def rows_of(snapshot, query):
    """Every row, and behind them None, so that a longer list differs from a shorter one."""
    db = sqlite3.connect(f"file:{snapshot}?mode=ro", uri=True)
    rows = db.execute(query).fetchall()
    db.close()
    return rows + [None]


def run_case(build, case):
    """(None or what is wrong, maps compared, commands that the lab refused)."""
    with line.scratch_directory() as directory, Run(build, case, directory) as run:
        try:
            run.all()
        except (Difference, line.Failure, ValueError, KeyError, OSError) as wrong:
            return wrong, run.compared, run.refused
        return None, run.compared, run.refused


# ---- shrinking ----

def without(case, section, index):
    """The case without one item and what speaks of it."""
    small = copy.deepcopy(case)
    if section == "commands":
        del small["commands"][index]
        return small
    gone = small["scenario"][section].pop(index)
    name = gone.get("name")
    if section == "objects":
        del small["halves"][index]
    if section not in ("routers", "lans", "reflectors"):
        return small
    scenario = small["scenario"]
    kept = [n for n, half in enumerate(small.get("halves", [])) if name not in (half["from"], half["to"])]
    small["halves"] = [small["halves"][n] for n in kept]
    scenario["objects"] = [scenario["objects"][n] for n in kept]
    scenario["egress"] = [egress for egress in scenario.get("egress", []) if egress["router"] != name]
    scenario["links"] = [link for link in scenario["links"] if name not in (link["a"], link["b"])]
    for lan in scenario["lans"]:
        lan["members"] = [member for member in lan["members"] if member["router"] != name]
    scenario["lans"] = [lan for lan in scenario["lans"] if lan["designated"] != name and len(lan["members"]) > 1]
    scenario["prefixes"] = [item for item in scenario["prefixes"] if item["routers"] != name]
    for route in scenario["routes"]:
        homes = route["routers"] if isinstance(route["routers"], list) else [route["routers"]]
        route["routers"] = [home for home in homes if home != name]
        for key in ("reflectors", "favourite_of"):
            if route.get(key) == name:
                del route[key]
    scenario["routes"] = [route for route in scenario["routes"] if route["routers"]]
    small["commands"] = [command for command in small["commands"] if name not in command.split()]
    return small


def plainer(case):
    """The case with one key of one item left out, one at a time."""
    for section in ("routers", "links", "prefixes", "routes", "reflectors"):
        for index, item in enumerate(case["scenario"][section]):
            for key in sorted(item.keys() - {"name", "ipv4", "igp", "a", "b", "metric", "routers", "prefixes", "id", "listen",
                                             "router_id"}):
                small = copy.deepcopy(case)
                del small["scenario"][section][index][key]
                yield small


def smaller(case):
    for section in ("commands", "routers", "lans", "routes", "prefixes", "links", "egress", "objects", "reflectors"):
        items = case["commands"] if section == "commands" else case["scenario"].get(section, [])
        for index in reversed(range(len(items))):
            yield without(case, section, index)
    yield from plainer(case)


def shrink(build, case, wrong):
    """The smallest case found that fails with the same requirement, and its failure."""
    end = time.monotonic() + SHRINK_S
    found = True
    while found and time.monotonic() < end:
        found = False
        for small in smaller(case):
            if time.monotonic() > end:
                break
            now, _, _ = run_case(build, small)
            if type(now) is type(wrong) and getattr(now, "requirement", "") == getattr(wrong, "requirement", ""):
                case, wrong, found = small, now, True
                break
    return case, wrong


# ---- what is run ----

class Tally:
    """How it went so far."""

    def __init__(self, options):
        self.options = options
        self.cases, self.maps, self.commands, self.refused, self.failed = 0, 0, 0, 0, 0

    def run(self, case, replay):
        case["commands"] = case["commands"][:self.options.commands]
        wrong, maps, refused = run_case(self.options.build, case)
        self.cases += 1
        self.maps += maps
        self.commands += len(case["commands"])
        self.refused += refused
        if wrong is None:
            return
        self.failed += 1
        print(f"seed {case['seed']}: {wrong}")
        print(f"  replay: {shlex.join([sys.executable, sys.argv[0], str(self.options.build)])} {replay}", flush=True)
        if self.options.shrink:
            case, wrong = shrink(self.options.build, case, wrong)
            print(f"  smallest: {wrong}")
        if self.options.keep:
            self.keep(case)

    def keep(self, case):
        directory = pathlib.Path(self.options.keep)
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / f"case-{case['seed']}.json"
        file.write_text(json.dumps(case, indent=1) + "\n", encoding="utf-8")
        (directory / f"case-{case['seed']}.yaml").write_text(scenarios.yaml_of(case["scenario"]), encoding="utf-8")
        print(f"  kept: {file}")

    def end(self, began):
        print(f"{self.cases} cases, {self.commands} commands ({self.refused} without effect), {self.maps} maps compared, "
              f"{self.failed} cases failed, {time.monotonic() - began:.1f} s")
        return 1 if self.failed else 0


def run_topologies(options, tally):
    directory = pathlib.Path(options.topologies)
    files = sorted(directory.glob("*.json"), key=lambda path: (path.stat().st_size, path.name))
    if not files:
        print(f"no topologies in {directory}: skipped")
        return SKIPPED
    for path in files[:options.count]:
        tally.run(scenarios.case_of_topology(path), f"--topologies {shlex.quote(str(directory))}")
    return None


def run_seeds(options, tally, began):
    today = datetime.date.today().toordinal() * 1000  # a set that each day has its own
    seeds = list(range(options.count or 40)) + list(range(today, today + (options.count or 10_000)))
    print(f"seeds 0 to {(options.count or 40) - 1}, and from {today} on", flush=True)
    for seed in seeds:
        if options.seconds and time.monotonic() - began > options.seconds or tally.failed >= FAILURES:
            break
        tally.run(scenarios.case_of_seed(seed), f"--seed {seed}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--count", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--commands", type=int)
    parser.add_argument("--keep")
    parser.add_argument("--topologies")
    parser.add_argument("--case")
    parser.add_argument("--shrink", action="store_true")
    options = parser.parse_args()
    began, tally = time.monotonic(), Tally(options)
    if options.case:
        case = json.loads(pathlib.Path(options.case).read_text(encoding="utf-8"))
        tally.run(case, f"--case {shlex.quote(options.case)}")
    elif options.seed is not None:
        tally.run(scenarios.case_of_seed(options.seed), f"--seed {options.seed}")
    elif options.topologies:
        if run_topologies(options, tally) == SKIPPED:
            return SKIPPED
    else:
        run_seeds(options, tally, began)
    return tally.end(began)


if __name__ == "__main__":
    sys.exit(main())
