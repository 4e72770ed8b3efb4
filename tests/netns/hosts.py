"""Several hosts on one switch, on this machine: network namespaces joined by a bridge.

    with Lan() as lan:
        kitchen, cellar = lan.host("kitchen"), lan.host("cellar")
        kitchen.run("ip", "address")                  # a program on that host
        with cellar.entered(): ...                    # this thread on that host: its sockets belong there
        cellar.lose(percent=20)

Each host has the interface eth0 with 10.77.0.N/24 and fd77::N/64, and loopback. Needs root, `ip` and `nft`.
"""

import asyncio
import contextlib
import ctypes
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Final, Self

from agent import netlink

PROGRAMS: Final = {"ip": "iproute2", "bridge": "iproute2", "nft": "nftables"}
"""What is needed, and the Debian package that has it."""

INTERFACE: Final = "eth0"
SWITCH: Final = "br0"
SUBNET: Final = "10.77.0"
SUBNET_6: Final = "fd77:"
END_PATIENCE_S: Final = 10.0

_MEMBERSHIPS: Final = 1 << 25  # rtnetlink(7): RTNLGRP_MDB
_CLONE_NEWNET: Final = 0x40000000
_libc: Final = ctypes.CDLL(None, use_errno=True)
_numbers: Final = count()


def missing() -> str:
    """Say why there can be no hosts here; empty when there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    absent = [f"{program} (apt-get install {package})" for program, package in PROGRAMS.items() if not which(program)]
    return f"not installed: {', '.join(absent)}" if absent else ""


def which(program: str) -> str | None:
    """Find a program, also where only root's shells look."""
    return shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


class Namespace:
    """A network namespace of this machine and the programs that were started in it."""

    def __init__(self, name: str) -> None:
        self.name = f"jph-{os.getpid()}-{next(_numbers)}-{name}"
        self._processes: list[subprocess.Popen[str]] = []
        _run("ip", "netns", "add", self.name)
        with self.entered():
            # An address is usable at once, without first looking for its double.
            Path("/proc/sys/net/ipv6/conf/default/accept_dad").write_text("0", "ascii")
            # One report that a group was joined: the cables lose none, and a second one would come seconds later.
            Path("/proc/sys/net/ipv4/igmp_qrv").write_text("1", "ascii")
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *command: str) -> str:
        """Run a program to its end and return what it printed; raises CalledProcessError."""
        return _run("ip", "netns", "exec", self.name, *command)

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a program whose output is read through pipes; it ends with the namespace at the latest."""
        process = subprocess.Popen(
            [_program("ip"), "netns", "exec", self.name, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._processes.append(process)
        return process

    def bell(self) -> socket.socket:
        """Return a socket that is readable when something about the interfaces there changes."""
        with self.entered():
            return netlink.open_bell()

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Put this thread, which must be the main one, there: what it opens meanwhile stays there."""
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("/proc/net follows the main thread only")
        with Path("/proc/self/ns/net").open() as here, Path("/run/netns", self.name).open() as there:
            _set_namespace(there.fileno())
            try:
                yield
            finally:
                _set_namespace(here.fileno())

    def close(self) -> None:
        """End the programs and remove the namespace with its interfaces."""
        for process in self._processes:
            _end(process)
        self._processes.clear()
        _run("ip", "netns", "delete", self.name)


class Host(Namespace):
    """A host of the LAN. What is done to it takes effect before the call returns."""

    def __init__(self, name: str, number: int, switch: Namespace) -> None:
        super().__init__(name)
        self.address = f"{SUBNET}.{number}"
        self.address_6 = f"{SUBNET_6}:{number}"
        self._port = f"port{number}"
        self._switch = switch

    def add_interface(self) -> None:
        """Put a network card in, with its cable and addresses."""
        end = ("name", INTERFACE, "netns", self.name)
        self._switch.run("ip", "link", "add", self._port, "type", "veth", "peer", *end)
        self.add_addresses()
        with contextlib.closing(self._switch.bell()) as switch_bell, contextlib.closing(self.bell()) as bell:
            self._switch.run("ip", "link", "set", self._port, "master", SWITCH, "up")
            port = ("bridge", "link", "show", "dev", self._port)
            self.run("ip", "link", "set", INTERFACE, "up")
            _await(switch_bell, lambda: "state forwarding" in self._switch.run(*port))
            _await(bell, lambda: "state UP" in self.run("ip", "link", "show", INTERFACE))

    def remove_interface(self) -> None:
        """Take the network card out."""
        self.run("ip", "link", "delete", INTERFACE)

    def add_addresses(self) -> None:
        """Give the interface its addresses."""
        self.run("ip", "address", "add", f"{self.address}/24", "dev", INTERFACE)
        self.run("ip", "address", "add", f"{self.address_6}/64", "dev", INTERFACE, "nodad")

    def remove_addresses(self) -> None:
        """Take all addresses from the interface, as when a lease has ended."""
        self.run("ip", "address", "flush", "dev", INTERFACE)

    def route_by_default(self) -> None:
        """Send what is for elsewhere to the interface."""
        self.run("ip", "route", "add", "default", "dev", INTERFACE)

    def set_link(self, state: str) -> None:
        """Set the interface `up` or `down`."""
        self.run("ip", "link", "set", INTERFACE, state)

    def pull_cable(self) -> None:
        """Take the carrier away."""
        self._switch.run("ip", "link", "set", self._port, "down")

    def push_cable(self) -> None:
        """Put the cable back."""
        self._switch.run("ip", "link", "set", self._port, "up")

    def cut(self) -> None:
        """Let nothing through any more, without a sign of it at either end."""
        self._switch.run("bridge", "link", "set", "dev", self._port, "state", "0")

    def mend(self) -> None:
        """End `cut`."""
        self._switch.run("bridge", "link", "set", "dev", self._port, "state", "3")

    def lose(self, percent: int) -> None:
        """Lose so many of a hundred datagrams that come from other hosts, at random; 0 ends it."""
        chance = f"numgen random mod 100 < {percent}" if percent < 100 else ""
        self._firewall("input", f"meta l4proto udp fib saddr type != local {chance} counter name lost drop")

    def lose_bursts(self, length: int, every: int) -> None:
        """Lose so many datagrams from other hosts in a row, of each so many."""
        chance = f"numgen inc mod {every} < {length}"
        self._firewall("input", f"meta l4proto udp fib saddr type != local {chance} counter name lost drop")

    def lost(self) -> int:
        """Return how many datagrams were lost by `lose`."""
        text = self.run(_program("nft"), "list", "counter", "inet", "jph", "lost")
        found = re.search(r"packets (\d+)", text)
        return int(found[1]) if found else 0

    def forbid_sending(self) -> None:
        """Let the host's firewall refuse what its programs send."""
        self._firewall("output", "meta l4proto udp drop")

    def allow_sending(self) -> None:
        """End `forbid_sending`."""
        self._firewall("output", "accept")

    def _firewall(self, hook: str, rule: str) -> None:
        """Have this one rule for datagrams on the way in or out; a counter goes on counting."""
        script = f"""
            add table inet jph
            add counter inet jph lost
            add chain inet jph {hook} {{ type filter hook {hook} priority 0; }}
            flush chain inet jph {hook}
            add rule inet jph {hook} {rule}
        """
        self.run(_program("nft"), script)


class Changes:
    """Something that changes, and a socket that tells when."""

    def __init__(self, bell: socket.socket) -> None:
        self._bell = bell

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds; it is looked at again at each change."""
        while not condition():
            await asyncio.get_running_loop().sock_recv(self._bell, 1 << 16)


class Lan:
    """A switch with hosts; closing it ends their programs and removes all of them."""

    def __init__(self) -> None:
        self._hosts: list[Host] = []
        self._built = contextlib.ExitStack()
        self._switch = self._built.enter_context(contextlib.closing(Namespace("switch")))
        self._switch.run("ip", "link", "add", SWITCH, "up", "type", "bridge", "mcast_snooping", "0")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._built.close()

    def host(self, name: str, *, plugged: bool = True) -> Host:
        """Add a host; one that is not plugged has loopback only."""
        host = Host(name, len(self._hosts) + 1, self._switch)
        self._hosts.append(self._built.enter_context(contextlib.closing(host)))
        if plugged:
            host.add_interface()
        return host

    def snoop(self) -> None:
        """Let the switch send multicast only to the ports from which somebody asked for it."""
        # It believes itself to be the querier, which snooping needs, once that had the time to be answered.
        settings = "mcast_snooping 1 mcast_query_response_interval 20 mcast_querier 1"
        self._switch.run("ip", "link", "set", SWITCH, "type", "bridge", *settings.split())

    @contextlib.contextmanager
    def membership_changes(self) -> Iterator["Changes"]:
        """Hear of each change of who wants which group."""
        with self._switch.entered():
            bell = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        with bell:
            bell.bind((0, _MEMBERSHIPS))
            bell.setblocking(False)
            yield Changes(bell)

    def members(self, group: str) -> int:
        """Return how many ports the switch knows that want the group."""
        return self._switch.run("bridge", "mdb", "show").count(f"grp {group} ")

    def forget_members(self, group: str) -> None:
        """Let the switch forget who wants the group, as one without a querier does after minutes."""
        for port in re.findall(rf"port (\S+) grp {re.escape(group)} ", self._switch.run("bridge", "mdb", "show")):
            self._switch.run("bridge", "mdb", "delete", "dev", SWITCH, "port", port, "grp", group)


def _run(*command: str) -> str:
    done = subprocess.run([_program(command[0]), *command[1:]], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def _program(name: str) -> str:
    return which(name) or name


def _await(bell: socket.socket, condition: Callable[[], bool]) -> None:
    """Wait until the condition holds; it is looked at again whenever the bell rings."""
    while not condition():
        select.select([bell], [], [])
        netlink.silence_bell(bell)


def _set_namespace(file: int) -> None:
    if _libc.setns(file, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=END_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
