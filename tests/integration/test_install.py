#!/usr/bin/env python3
"""Installs into an empty directory and looks whether each file is where Debian and systemd look for it.

    test_install.py BUILD_DIR PREFIX
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

build, prefix = sys.argv[1], sys.argv[2].lstrip("/")

DAEMONS = ["altimeter-collector", "altimeter-mapgen", "altimeter-server"]
EXPECTED = {
    **{f"sbin/{daemon}": 0o755 for daemon in DAEMONS},
    "bin/altimeter": 0o755,
    "share/man/man1/altimeter.1": 0o644,
    "share/man/man5/altimeter.yaml.5": 0o644,
    "share/man/man5/altimeter-snapshot.5": 0o644,
    "share/man/man5/altimeter-state.db.5": 0o644,
    **{f"share/man/man8/{daemon}.8": 0o644 for daemon in DAEMONS},
    "share/doc/altimeter/altimeter.yaml.example": 0o644,
    "share/altimeter/schemas/state.sql": 0o644,
    "share/altimeter/schemas/snapshot.sql": 0o644,
    "share/altimeter/schemas/status.sql": 0o644,
    **{f"lib/systemd/system/{unit}.service": 0o644 for unit in [*DAEMONS, "altimeter-gobgpd"]},
    "lib/sysusers.d/altimeter.conf": 0o644,
    "lib/tmpfiles.d/altimeter.conf": 0o644,
}
passed = failed = 0


def check(good, sentence):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(f"not so: {sentence}")


def run(*command):
    """(exit status, everything it wrote)"""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def check_files(root):
    found = {str(path.relative_to(root)): path for path in root.rglob("*") if not path.is_dir()}
    for name, mode in EXPECTED.items():
        path = found.pop(name, None)
        check(path, f"{name} is installed")
        if path:
            check(path.stat().st_mode & 0o777 == mode, f"{name} has mode {mode:o}")
            check(path.stat().st_size > 0, f"{name} is not empty")
    check(not found, f"nothing else is installed, but {sorted(found)} is")


def check_programs(root):
    programs = ["bin/altimeter", *(f"sbin/{daemon}" for daemon in DAEMONS)]
    for program in filter(lambda name: (root / name).exists(), programs):  # that one is missing was told
        for option in ["--version", "--help"]:
            status, output = run(root / program, option)
            check(status == 0 and pathlib.Path(program).name in output, f"{program} {option}: {output}")
    status, output = run(root / "bin/altimeter", "check-config", root / "share/doc/altimeter/altimeter.yaml.example")
    check(status == 0 and ": ok: " in output, f"the example is a good configuration: {output}")


def check_manual(root):
    for daemon in filter(lambda name: (root / "sbin" / name).exists(), DAEMONS):
        page = (root / f"share/man/man8/{daemon}.8").read_text(encoding="utf-8").replace("\\", "")
        _, output = run(root / "sbin" / daemon, "--help")
        for option in re.findall(r"^ .{5}(--[a-z-]+)", output, re.M):
            check(option in page, f"{daemon}.8 explains {option}")
    for page in (root / "share/man").rglob("*.[158]"):
        status, output = run("man", "--warnings", "-l", page) if shutil.which("man") else (0, "NAME")
        check(status == 0 and "NAME" in output, f"{page.name} is a manual page: {output[:200]}")


def check_units(root, scratch):
    """The units as systemd sees them, but for the place of the programs, which is below root here."""
    units = []
    for unit in sorted((root / "lib/systemd/system").glob("*.service")):
        text = unit.read_text(encoding="utf-8")
        for line in ["Type=notify", "NoNewPrivileges=yes", "ProtectSystem=strict", "User=altimeter", "Restart=always"]:
            check(f"\n{line}\n" in text, f"{unit.name} says {line}")
        check("\nRestrictAddressFamilies=AF_UNIX" in text, f"{unit.name} restricts address families")
        program = re.search(r"^ExecStart=(\S+)", text, re.M).group(1)
        if program.startswith(f"/{prefix}/sbin/"):
            text = text.replace(program, str(root / program.removeprefix(f"/{prefix}/")))
        units.append(scratch / unit.name)
        units[-1].write_text(text, encoding="utf-8")
    if not shutil.which("systemd-analyze"):
        return
    # what it says of units of other packages is not ours to mend
    _, output = run("systemd-analyze", "verify", "--man=no", *units)
    ours = [line for line in output.splitlines() if "altimeter" in line and "gobgpd is not executable" not in line]
    check(not ours, f"systemd-analyze verify: {ours}")
    status, output = run("systemd-sysusers", "--dry-run", root / "lib/sysusers.d/altimeter.conf")
    check(status == 0, f"systemd-sysusers: {output}")


with tempfile.TemporaryDirectory(prefix="altimeter-install-") as scratch:
    destination = pathlib.Path(scratch) / "root"
    status, output = run("meson", "install", "-C", build, "--no-rebuild", "--destdir", destination)
    check(status == 0, f"meson install: {output}")
    root = destination / prefix
    check_files(root)
    check_programs(root)
    check_manual(root)
    check_units(root, pathlib.Path(scratch))
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
