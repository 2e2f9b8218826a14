#!/usr/bin/env python3
"""The command line of `altimeter`: what it answers, where, and with which exit status.

    test_altimeter.py ALTIMETER
"""
import json
import pathlib
import subprocess
import sys
import tempfile

altimeter = sys.argv[1]
passed = failed = 0


def check(words, status, out="", err=""):
    """Runs it; out and err: what must be in each, '' for nothing at all."""
    global passed, failed
    done = subprocess.run([altimeter, *words], capture_output=True, text=True, check=False)
    good = done.returncode == status
    for wanted, found in [(out, done.stdout), (err, done.stderr)]:
        good = good and (wanted in found if wanted else found == "")
    passed, failed = passed + good, failed + (not good)
    if not good:
        print(f"altimeter {' '.join(words)}: exit status {done.returncode}, expected {status}")
        print(f"  stdout, expected {out!r}:\n{done.stdout}\n  stderr, expected {err!r}:\n{done.stderr}")
    return done.stdout


with tempfile.TemporaryDirectory(prefix="altimeter-command-") as scratch:
    good = pathlib.Path(scratch) / "good.yaml"
    good.write_text(f"state:\n  directory: {scratch}\n", encoding="utf-8")
    bad = pathlib.Path(scratch) / "bad.yaml"
    bad.write_text("log:\n  level: loud\n  colour: red\n", encoding="utf-8")

    check([], 2, err="Usage: altimeter VERB")
    check(["--help"], 0, out="check-config")
    check(["help"], 0, out="Usage: altimeter VERB")
    check(["help", "status"], 0, out="Usage: altimeter status [OPTION]…\n")
    check(["status", "--help"], 0, out="--json")
    check(["help", "stauts"], 2, err="unknown verb 'stauts'; did you mean 'status'?\n")
    check(["chekc-config"], 2, err="unknown verb 'chekc-config'; did you mean 'check-config'?\n")
    check(["--version"], 0, out="altimeter ")

    check(["check-config", str(good)], 0, out=f"{good}: ok: 0 neighbours")
    check(["check-config", "-c", str(good)], 0, out=": ok: ")
    check(["check-config", str(bad)], 1, err="bad.yaml:3:3: log.colour: unknown key; expected one of level\n")
    check(["check-config", str(bad)], 1, err="bad.yaml:2:10: log.level: value 'loud'; expected one of error")
    check(["check-config", "/nowhere.yaml"], 1, err="/nowhere.yaml: cannot be opened: No such file or directory\n")
    check(["check-config", "a", "b"], 2, err="unexpected word 'b'; one file expected\n")
    check(["check-config", "--jsn"], 2, err="unknown option --jsn\nTry 'altimeter check-config --help'.\n")

    check(["status", "-c", str(bad)], 2, err="bad.yaml:2:10: ")
    check(["status", "--jsn"], 2, err="unknown option --jsn; did you mean --json?\n")
    check(["status", "-c", str(good)], 2, out="altimeter-collector has not run yet\n")
    report = json.loads(check(["status", "--json", "-c", str(good)], 2, out="{"))
    assert report["healthy"] is False and report["state"]["sequence"] is None, report
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
