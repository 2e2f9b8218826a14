#!/usr/bin/env python3
"""Counts what `meson test` ran: prints "passed failed skipped" for a testlog.json.

A test of Check says how many checks it held ("100%: Checks: 23, Failures: 0, Errors: 0"), one of Python's
unittest "Ran 24 tests", a script may say "N passed, N failed, N skipped" on its last line; every other test counts
as one.
"""
import json
import re
import sys

CHECK = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)$", re.M)
UNITTEST = re.compile(r"^Ran (\d+) tests? in .*\n\n(?:OK|FAILED)(?: \((.*)\))?$", re.M)
PLAIN = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)


def count(entry):
    """(passed, failed, skipped) of one line of the log."""
    output = (entry.get("stdout") or "") + "\n" + (entry.get("stderr") or "")
    bad = entry["result"] not in ("OK", "SKIP", "EXPECTEDFAIL")
    passed = failed = skipped = 0
    for checks, failures, errors in CHECK.findall(output):
        failed += int(failures) + int(errors)
        passed += int(checks) - int(failures) - int(errors)
    for ran, details in UNITTEST.findall(output):
        kinds = {kind: int(n) for kind, n in re.findall(r"(\w+)=(\d+)", details)}
        wrong, left = kinds.get("failures", 0) + kinds.get("errors", 0), kinds.get("skipped", 0)
        passed, failed, skipped = passed + int(ran) - wrong - left, failed + wrong, skipped + left
    for ok, wrong, left in PLAIN.findall(output):
        passed, failed, skipped = passed + int(ok), failed + int(wrong), skipped + int(left or 0)
    if bad and failed == 0:
        failed = 1  # it crashed, timed out, or a sanitizer spoke after the last check
    if passed + failed + skipped == 0:
        return (0, 0, 1) if entry["result"] == "SKIP" else (1, 0, 0)
    return passed, failed, skipped


with open(sys.argv[1], encoding="utf-8") as log:
    counts = [count(json.loads(line)) for line in log if line.strip()]
print(*map(sum, zip((0, 0, 0), *counts)))
