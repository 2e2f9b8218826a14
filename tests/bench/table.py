#!/usr/bin/env python3
"""Makes the table of docs/performance.md from the lines of run.sh.

    tests/bench/run.sh >lines; tests/bench/table.py <lines
"""
import json
import sys

DIGITS = 4


def figure(value):
    """As many digits as count, without an exponent."""
    text = f"{value:.{DIGITS}g}"
    return f"{value:,.0f}" if "e" in text or abs(value) >= 10_000 else text


def cells(line):
    """row, figure, against, its figure, ratio, goal, met"""
    name = f"`{line['name']}`"
    for word in ("skipped", "failed"):
        if word in line:
            return [name, f"{word}: {line[word]}", "", "", "", "", ""]
    unit = line["unit"]
    if "p99_goal" in line:  # a second goal of the same row: both are to be met
        line = line | {"goal": f"{line['goal']}, p99 {line['p99_goal']}", "met": line["met"] and line["p99_met"]}
    return [name, f"{figure(line['value'])} {unit}" + (f", p99 {figure(line['p99'])}" if "p99" in line else ""), line.get("against", ""),
            f"{figure(line['other'])} {unit}" if "other" in line else "",
            figure(line["ratio"]) if "ratio" in line else "",
            line.get("goal", "") + (f" (here {figure(line['limit'])})" if "limit" in line else ""),
            {True: "yes", False: "**no**"}.get(line.get("met"), "")]


def main():
    lines = [json.loads(line) for line in sys.stdin if line.strip()]
    print("| row | figure | against | its figure | ratio | goal | met |\n| --- | --- | --- | --- | --- | --- | --- |")
    for line in lines:
        if line["name"] != "machine":
            print(f"| {' | '.join(cells(line))} |")


main()
