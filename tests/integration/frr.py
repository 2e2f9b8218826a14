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


def configuration(name, asn, address, neighbours, more=(), keeps=()):
    """A route reflector's. neighbours: {address: port}; more: lines of the BGP instance; keeps: the neighbours whose
    Adj-RIB-In is kept (soft-reconfiguration inbound)."""
    text = HEAD.format(name=name, asn=asn, address=address) + "".join(f" {line}\n" for line in more)
    for neighbour, port in neighbours.items():
        text += NEIGHBOUR.format(address=neighbour, asn=asn, local=address, port=port)
    for family in ("ipv4", "ipv6"):
        lines = [f"  neighbor {neighbour} {word}\n" for neighbour in neighbours
                 for word in ("activate", "route-reflector-client")]
        lines += [f"  neighbor {neighbour} soft-reconfiguration inbound\n" for neighbour in keeps]
        text += FAMILY.format(family=family, lines="".join(lines))
    return text + "exit\n"


def bmp_target(name, port, policies=("pre-policy", "post-policy")):
    """Lines of the BGP instance that make bgpd a BMP router of a station on 127.0.0.1."""
    return [f"bmp targets {name}", " bmp stats interval 500",
            *(f" bmp monitor {family} unicast {policy}" for family in ("ipv4", "ipv6") for policy in policies),
            f" bmp connect 127.0.0.1 port {port} min-retry 100 max-retry 200", "exit"]


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
