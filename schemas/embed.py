#!/usr/bin/env python3
"""Writes a C header that holds each SQL file as one string: schemas/state.sql becomes schema_state."""
import pathlib
import sys

output, *inputs = sys.argv[1:]
with open(output, "w", encoding="utf-8") as header:
    header.write("/* Made from schemas/ by embed.py. */\n#pragma once\n")
    for name in inputs:
        path = pathlib.Path(name)
        header.write(f"\nstatic const char schema_{path.stem}[] =\n")
        for line in path.read_text(encoding="utf-8").splitlines():
            quoted = line.replace("\\", "\\\\").replace('"', '\\"')
            header.write(f'    "{quoted}\\n"\n')
        header.write("    ;\n")
