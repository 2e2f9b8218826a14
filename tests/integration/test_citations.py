#!/usr/bin/env python3
"""Every requirement number that a source, a test or a page cites stands in docs/spec, once, as the opening of an item.

    test_citations.py SOURCE_DIR

A number is cited as M-134 in text, and as m134_… where a test is named after it.
"""
import pathlib
import re
import sys

source = pathlib.Path(sys.argv[1])
FOLDERS = ["collector", "ctl", "deploy", "docs", "lib", "mapgen", "proto", "schemas", "server", "tests"]
SUFFIXES = {".build", ".c", ".h", ".in", ".md", ".py", ".scd", ".sh", ".sql", ".yaml"}
SAMPLES = source / "tests" / "data"  # others' words
# where a key is made, what stands behind "curve:" is one
CITED = re.compile(r"(?<![\w-])(?<!curve:)([ACDFLMPU])-(\d{3})(?![\w-])|\b(?:test_)?([acdflmpu])(\d{3})_[a-z0-9]")
STATED = re.compile(r"^- \*\*([ACDFLMPU]-\d{3})\b", re.M)


def pages():
    yield source / "README.md"
    yield source / "CHANGELOG.md"
    for folder in FOLDERS:
        for path in sorted((source / folder).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file() and SAMPLES not in path.parents:
                yield path


passed = failed = 0
stated = {}
for path in sorted((source / "docs" / "spec").glob("*.md")):
    for number in STATED.findall(path.read_text(encoding="utf-8")):
        if number in stated:
            print(f"{path.name}: {number} is stated in {stated[number]} as well")
            failed += 1
        stated[number] = path.name
if not stated:
    sys.exit(f"no requirement found in {source / 'docs' / 'spec'}")

for path in pages():
    for line_number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for match in CITED.finditer(line):
            number = "-".join(part for part in match.groups() if part).upper()
            if number in stated:
                passed += 1
                continue
            print(f"{path.relative_to(source)}:{line_number}: {number} is not in docs/spec")
            failed += 1
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
