"""Which network interface the buses use, and how to tell the operator."""

import ipaddress
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

from agent.netlink import Interface
from protocol.errors import JphError

Version: TypeAlias = Literal[4, 6]

IPV4_ROUTES: Final = Path("/proc/net/route")
IPV6_ROUTES: Final = Path("/proc/net/ipv6_route")

_ROUTE_UP, _ROUTE_REJECT = 0x1, 0x200


class BusError(JphError):
    """The network cannot be used as the configuration says: an interface, a port, or the kernel refuses."""


class Choice(NamedTuple):
    """An interface with its addresses of one IP version, and why it was chosen."""

    interface: Interface
    reason: str

    def describe(self) -> str:
        """Name the interface, its address and the reason, as every tool prints it."""
        interface = self.interface
        address = str(interface.addresses[0].ip) if interface.addresses else "no address"
        return f"{interface.name} ({address}, {self.reason})"


def choose(
    wanted: str | None, version: Version, known: Sequence[Interface], default: str | None, current: str | None = None
) -> Choice:
    """Choose among the `known` interfaces; raises BusError when none is as wanted.

    `wanted` is a name, an address or a CIDR of the configuration. Without it the interface of the `default` route is
    taken; while there is no such route, the `current` interface as long as it works (a lost lease cuts nobody off from
    the neighbours), else loopback.
    """
    if wanted is not None:
        return Choice(_only(_named(wanted, known), version), "as configured")
    by_name = {interface.name: _only(interface, version) for interface in known}
    if default in by_name:
        return Choice(by_name[default], "default route")
    if current in by_name and not unready(by_name[current], version):
        return Choice(by_name[current], "no default route any more")
    loopback = next((interface for interface in by_name.values() if interface.loopback), None)
    if loopback is None:
        raise BusError("this computer has no network interface, not even loopback")
    if not any(interface.up for interface in known):
        raise BusError("no network interface is up", f"`ip link` lists them: {', '.join(map(_summary, known))}")
    return Choice(loopback, "no default route")


def unready(interface: Interface, version: Version) -> str:
    """Say why nothing can be sent from the interface; empty when it can."""
    if not interface.up:
        return f"{interface.name} is down"
    if not any(address.version == version for address in interface.addresses):
        return f"{interface.name} has no IPv{version} address"
    if version == 6 and interface.loopback:
        return f"Linux has no IPv6 multicast on {interface.name}: use IPv4 groups or another interface"
    return ""


def weakness(interface: Interface) -> str:
    """Say why what is sent may not arrive although it can be sent; empty when nothing is known against it."""
    return "" if interface.running else f"{interface.name} has no carrier"


def default_interface(version: Version) -> str | None:
    """Return the interface of this computer's default route, None without one."""
    try:
        if version == 6:
            return default_of_ipv6(IPV6_ROUTES.read_text("ascii"))
        return default_of_ipv4(IPV4_ROUTES.read_text("ascii"))
    except FileNotFoundError:
        return None  # a kernel without IPv6


def default_of_ipv4(table: str) -> str | None:
    """Find the default route of the lowest metric in the text of /proc/net/route.

    Columns, after a line of headings: interface, destination, gateway, flags (hexadecimal), references, uses,
    metric (decimal), mask.
    """
    rows = (line.split() for line in table.splitlines()[1:])
    routes = [
        (int(row[6]), row[0]) for row in rows if int(row[1], 16) == int(row[7], 16) == 0 and _usable(int(row[3], 16))
    ]
    return min(routes)[1] if routes else None


def default_of_ipv6(table: str) -> str | None:
    """Find the default route of the lowest metric in the text of /proc/net/ipv6_route.

    Columns, all hexadecimal: destination, its prefix, source, its prefix, next hop, metric, references, uses, flags,
    interface.
    """
    rows = (line.split() for line in table.splitlines())
    routes = [
        (int(row[5], 16), row[9])
        for row in rows
        if int(row[0], 16) == int(row[1], 16) == 0 and _usable(int(row[8], 16)) and row[9] != "lo"
    ]
    return min(routes)[1] if routes else None


def _usable(flags: int) -> bool:
    return bool(flags & _ROUTE_UP) and not flags & _ROUTE_REJECT


def _named(wanted: str, known: Sequence[Interface]) -> Interface:
    """Find an interface by name, by an address of it, or by a network in which it has one (the lowest index wins)."""
    network = _network(wanted)
    for interface in known:
        if interface.name == wanted or (network and any(address.ip in network for address in interface.addresses)):
            return interface
    raise BusError(
        f'no interface "{wanted}" (network.interface)'
        if network is None
        else f"no interface has an address in {wanted}",
        f"this computer has {', '.join(map(_summary, known)) or 'none'}",
    )


def _network(wanted: str) -> IPv4Network | IPv6Network | None:
    try:
        return ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return None


def _summary(interface: Interface) -> str:
    addresses = ", ".join(str(address.ip) for address in interface.addresses)
    return f"{interface.name} ({addresses or 'no address'})"


def _only(interface: Interface, version: Version) -> Interface:
    """Leave out the addresses of the other IP version: their coming and going is of no concern."""
    return replace(interface, addresses=tuple(ip for ip in interface.addresses if ip.version == version))
