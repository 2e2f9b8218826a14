#!/usr/bin/env python3
"""Prints which lines and branches of the programs the tests have reached, by folder and for the files least reached.

    tests/coverage.py BUILD     a build made with -Db_coverage=true, in which the tests have run

All of it, line by line, as pages to look at: gcovr --object-directory BUILD --html-details coverage.html
"""
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

FOLDERS = ("lib", "collector", "mapgen", "server", "ctl", "tests/lab")
LEAST = 8  # files named one by one


class Reached:
    """Sums of what gcovr says of some files."""

    def __init__(self):
        self.lines = self.all_lines = self.branches = self.all_branches = 0

    def add(self, file):
        self.lines += file["line_covered"]
        self.all_lines += file["line_total"]
        self.branches += file["branch_covered"]
        self.all_branches += file["branch_total"]

    def row(self, name):
        def share(part, whole):
            return f"{100 * part / whole:5.1f} %" if whole else "    –  "

        return (f"{name:32} {share(self.lines, self.all_lines)} of {self.all_lines:6} lines   "
                f"{share(self.branches, self.all_branches)} of {self.all_branches:6} branches")


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    top = Path(__file__).resolve().parent.parent
    run = subprocess.run(
        ["gcovr", "--root", top, "--object-directory", sys.argv[1], "-j", "2", "--exclude-throw-branches",
         "--exclude", ".*/test_[^/]*", "--json-summary", "-"]
        + [option for folder in FOLDERS for option in ("--filter", f"{folder}/")],
        cwd=top, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"coverage.py: gcovr failed: {run.stderr.strip()}")
    files = json.loads(run.stdout)["files"]
    if not files:
        sys.exit(f"coverage.py: nothing has run in {sys.argv[1]}, or it was not built with -Db_coverage=true")
    folders, programs = defaultdict(Reached), Reached()
    for file in files:
        folder = next(f for f in FOLDERS if file["filename"].startswith(f + "/"))
        folders[folder].add(file)
        if folder != "tests/lab":
            programs.add(file)
    for folder in FOLDERS:
        print(folders[folder].row(folder))
    print(programs.row("programs and lib"))
    print("\nleast reached:")
    for file in sorted(files, key=lambda f: f["line_percent"] or 0)[:LEAST]:
        only = Reached()
        only.add(file)
        print(only.row(file["filename"]))


main()
