"""FRRouting's bgpd as a test fixture: a configuration, the files of one directory, no zebra and no kernel routes."""
import os
import pathlib
import shutil
import subprocess

BGPD = "/usr/lib/frr/bgpd"

HEAD = """frr version 8.4
hostname {name}
log stdout critical
router bgp {asn}
 bgp router-id {address}
 bgp cluster-id {address}
 bgp log-neighbor-changes
 no bgp default ipv4-unicast
 timers bgp 10 30
"""

NEIGHBOUR = """ neighbor {address} remote-as {asn}
 neighbor {address} update-source {local}
 neighbor {address} port {port}
 neighbor {address} timers connect 1
 neighbor {address} advertisement-interval 0
"""

FAMILY = """ address-family {family} unicast
{lines} exit-address-family
"""


def missing():
    """Why there is no FRR here; None: there is one."""
    for program in (BGPD, shutil.which("vtysh") or "vtysh"):
        if not os.path.exists(program):
            return f"{program} is not there (Debian's frr)"
    return None


def configuration(name, asn, address, neighbours, more=(), lines=("route-reflector-client",)):
    """A route reflector's. neighbours: {address: port}; more: lines of the BGP instance; lines: of each neighbour in
    each family."""
    text = HEAD.format(name=name, asn=asn, address=address) + "".join(f" {line}\n" for line in more)
    for neighbour, port in neighbours.items():
        text += NEIGHBOUR.format(address=neighbour, asn=asn, local=address, port=port)
    for family in ("ipv4", "ipv6"):
        text += FAMILY.format(family=family, lines="".join(
            f"  neighbor {neighbour} {line}\n" for neighbour in neighbours for line in ("activate", *lines)))
    return text + "exit\n"


def command(directory, address):
    """The command line of a bgpd that listens at the address, port 179, with all its files in the directory, where
    bgpd.conf is. -S: it stays the user it is. -Z: it knows of no interface and believes every next hop."""
    directory = pathlib.Path(directory)
    return [BGPD, "-Z", "-S", "-M", "bmp", "-l", address, "-f", str(directory / "bgpd.conf"),
            "-i", str(directory / "bgpd.pid"), "-z", str(directory / "zserv.sock"),
            "--vty_socket", str(directory), "-P", "0"]


def show(directory, line):
    """What bgpd answers to one line."""
    done = subprocess.run(["vtysh", "--vty_socket", str(directory), "-c", line], capture_output=True, text=True,
                          timeout=20, check=False)
    return done.stdout + done.stderr
