#!/usr/bin/env python3
"""Each SQL recipe of a manual page against the schema that it is for.

    test_manual.py SCHEMA_DIR PAGE.scd=SCHEMA…
"""
import pathlib
import re
import sqlite3
import sys

schemas = pathlib.Path(sys.argv[1])
passed = failed = 0
for argument in sys.argv[2:]:
    page, _, schema = argument.partition("=")
    blocks = re.findall(r"^```\n(.*?)^```$", pathlib.Path(page).read_text(encoding="utf-8"), re.S | re.M)
    recipes = [block for block in blocks if block.startswith(("SELECT", "ATTACH"))]
    if not recipes:
        print(f"{page}: no recipe found")
        failed += 1
    for recipe in recipes:
        db = sqlite3.connect(":memory:")
        ddl = (schemas / schema).read_text(encoding="utf-8")
        db.executescript(ddl)
        if recipe.startswith("ATTACH"):
            db.execute("ATTACH ':memory:' AS older")
            # the other snapshot: what the recipe names of it is enough
            db.execute("CREATE TABLE older.cost (metric, source, destination, cost)")
            recipe = recipe.partition("\n")[2]
        try:
            db.execute(recipe)
            passed += 1
        except sqlite3.Error as error:
            print(f"{page}: {error}:\n{recipe}")
            failed += 1
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
