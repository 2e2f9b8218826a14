#!/usr/bin/python3
"""The whole benchmark as --quick runs it, at a tenth of its size: one line of JSON for every row that is listed, and none of them failed.

    tests/bench/test_quick.py BUILD-DIRECTORY"""
import json
import pathlib
import subprocess
import sys

BENCH = pathlib.Path(__file__).resolve().parent / "bench.py"


def run(*words):
    return subprocess.run(["/usr/bin/python3", BENCH, "--build", sys.argv[1], *words], stdout=subprocess.PIPE,
                          text=True, check=False)


def main():
    listed = [line.split()[0] for line in run("--list").stdout.splitlines() if "later" not in line]
    done = run("--quick", "--divide", "100")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    mistakes = [f"{line['name']}: {line['failed']}" for line in lines if "failed" in line]
    names = [line["name"] for line in lines]
    if names[:1] != ["machine"] or sorted(names[1:]) != sorted(listed):
        mistakes.append(f"lines of {names}, listed are {listed}")
    if done.returncode != (1 if mistakes else 0):
        mistakes.append(f"exit status {done.returncode}")
    for mistake in mistakes:
        print(mistake)
    print(f"{len(lines)} lines, {sum('skipped' in line for line in lines)} skipped")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
