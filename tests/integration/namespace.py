"""A network of a test's own: real ports and addresses, on no wire, gone with the test whatever happens to it."""
import os
import subprocess
import sys

SKIP = 77
INSIDE = "ALTIMETER_TEST_NAMESPACE"
# Processes have a namespace too: when the script ends, however it ends, the kernel ends all that it started. /proc
# is to fit it, for the leak sanitizer.
UNSHARE = ["unshare", "--net", "--pid", "--fork", "--kill-child"]
WAYS = [["--mount-proc"], [], ["--user", "--map-root-user", "--mount-proc"], ["--user", "--map-root-user"]]


def enter(*addresses):
    """Runs the calling script anew in a network namespace with these addresses on its loopback interface, and returns
    there; skips the test where the kernel or the container grants none."""
    if os.environ.get(INSIDE):
        commands = [["link", "set", "lo", "up"]]
        commands += [["address", "add", address, "dev", "lo"] for address in addresses]
        for command in commands:
            subprocess.run(["ip", *command], check=True)
        return
    reason = ""
    for more in WAYS:
        command = [*UNSHARE, *more]
        try:
            probe = subprocess.run([*command, "ip", "link", "set", "lo", "up"], capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            reason = str(error)
            break
        if probe.returncode == 0:
            os.execvpe(command[0], [*command, sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})
        reason = probe.stderr.strip()
    print(f"no network namespace of our own, skipped: {reason}")
    sys.exit(SKIP)
