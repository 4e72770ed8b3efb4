"""systemd's units for the nodes of a host: what each process may do and nothing more (docs/security.md)."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from config.model import Node
from drivers.driver import DriverOptions
from storage.registry import STORES

TEMPLATE: Final = "jph-agent@.service"
TARGET: Final = "jph.target"
USER: Final = "jph"
SENSORS: Final = "sensors"
"""The instance that runs all nodes of the host which are no sinks: a process takes 25 MiB."""

_GROUPS: Final = {  # of Raspberry Pi OS
    "/dev/i2c-": "i2c",
    "/dev/gpio": "gpio",
    "/dev/spidev": "spi",
    "/dev/tty": "dialout",
    "/dev/vc": "video",
}

_TARGET_TEXT: Final = """\
[Unit]
Description=jph: all nodes of this host

[Install]
WantedBy=multi-user.target
"""

_TEMPLATE_TEXT: Final = """\
[Unit]
Description=jph: the nodes %i of this host
PartOf=jph.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
User={user}
Environment=JPH_CONFIG={config}
StateDirectory=jph
UMask=0077
ExecStart={agent} %i
ExecReload=/bin/kill -HUP $MAINPID
WatchdogSec=30
Restart=on-failure
RestartSec=10
RestartPreventExitStatus=2 3

NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
DevicePolicy=closed
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
PrivateMounts=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_NETLINK AF_INET AF_INET6 AF_UNIX
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=jph.target
"""


class Unit(NamedTuple):
    """A file for systemd: its path below /etc/systemd/system, and its text."""

    path: str
    text: str


class Instance(NamedTuple):
    """One process: its name, and the nodes that it runs."""

    name: str
    nodes: tuple[Node, ...]

    @property
    def service(self) -> str:
        """The name of its service."""
        return f"jph-agent@{escaped(self.name)}.service"


def instances(nodes: Iterable[Node]) -> list[Instance]:
    """Put all sensors into one process, and each sink into one of its own, which a database cannot stop for others."""
    every = tuple(nodes)
    sensors = tuple(node for node in every if node.driver not in STORES)
    sinks = [Instance(node.codifier, (node,)) for node in every if node.driver in STORES]
    return [*([Instance(SENSORS, sensors)] if sensors else []), *sinks]


def units(found: Sequence[Instance], agent: Path, config: str, user: str = USER) -> Iterator[Unit]:
    """Go through all files that systemd needs; `config` is a path or URL, `agent` the program."""
    yield Unit(TARGET, _TARGET_TEXT)
    yield Unit(TEMPLATE, _TEMPLATE_TEXT.format(user=user, config=quoted(config), agent=agent))
    for instance in found:
        yield Unit(f"{instance.service}.d/nodes.conf", _drop_in(instance, agent))


def escaped(name: str) -> str:
    """Write any text so that it can be a part of a unit's name, as systemd-escape does."""
    octets = (f"\\x{byte:02x}" if _UNSAFE.fullmatch(chr(byte)) else chr(byte) for byte in name.encode())
    text = "".join(octets)
    return f"\\x2e{text[1:]}" if text.startswith(".") else text


def quoted(argument: str) -> str:
    """Write one argument so that systemd hands it on as it is."""
    text = argument.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return text if _PLAIN.fullmatch(argument) else f'"{text}"'


_UNSAFE: Final = re.compile(r"[^a-zA-Z0-9:_.]")
_PLAIN: Final = re.compile(r"[a-zA-Z0-9@:_./+=,-]+")


def _drop_in(instance: Instance, agent: Path) -> str:
    codifiers = " ".join(quoted(node.codifier).replace("$", "$$") for node in instance.nodes)
    allowed = [*_allowed(_devices(instance.nodes)), *_writable(instance.nodes)]
    lines = ["[Service]", "ExecStart=", f"ExecStart={agent} {codifiers}", *allowed]
    return "\n".join(lines) + "\n"


def _options(nodes: Iterable[Node]) -> Iterator[DriverOptions]:
    return (node.options for node in nodes if isinstance(node.options, DriverOptions))


def _devices(nodes: Iterable[Node]) -> list[str]:
    return sorted({device for options in _options(nodes) for device in options.devices()})


def _writable(nodes: Iterable[Node]) -> Iterator[str]:
    """Allow what drivers set in /sys, as far as the files' owners and modes do."""
    if any(options.writes_to_sys() for options in _options(nodes)):
        yield "ProtectKernelTunables=no"


def _allowed(devices: Collection[str]) -> Iterator[str]:
    if not devices:
        return
    yield "PrivateDevices=no"
    for device in devices:
        yield f"DeviceAllow={quoted(device)} rw"
    groups = sorted({group for prefix, group in _GROUPS.items() for device in devices if device.startswith(prefix)})
    if groups:
        yield f"SupplementaryGroups={' '.join(groups)}"
