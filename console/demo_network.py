"""The network of the demo: the plant, this computer's own values, a history, and simulated nodes."""

import itertools
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from config.model import OPERATOR
from console.machine import NodeDocument
from storage.registry import STORES

PLANT: Final = Path(__file__).parent.parent / "config" / "demo.yaml"

MOST_SIMULATED: Final = 1_000

_HEAD: Final = "# Written by `jph demo` when it began; the next demo writes it anew.\n\n"
_READABLE: Final = string.ascii_uppercase + string.ascii_lowercase + string.digits

# What the simulated nodes measure, in turn: unit, and where it walks.
_MEASURED: Final = (
    ("°C", {"start": 21.0, "step": 0.1, "min": 15.0, "max": 30.0}),
    ("%", {"start": 45.0, "step": 0.5, "min": 0.0, "max": 100.0}),
    ("hPa", {"start": 1013.0, "step": 0.2, "min": 960.0, "max": 1050.0}),
    ("V", {"start": 230.0, "step": 0.4, "min": 215.0, "max": 245.0}),
)


class Home(NamedTuple):
    """Where the demo lives: its host's name, the groups for control and data, and the file that keeps its history."""

    host: str
    control: str
    data: str
    database: Path


def compose(
    plant: Mapping[str, Any], machine: Mapping[str, NodeDocument], home: Home, simulated: int = 0
) -> dict[str, Any]:
    """Return the demo's configuration: what `plant` says, this machine's nodes, and so many `simulated` ones.

    All of them run on the host, and nothing leaves its loopback interface. A machine's node whose codifier the plant
    has gets another one.
    """
    nodes = {codifier: _at_home(node, home) for codifier, node in plant["nodes"].items()}
    taken = {*nodes, *itertools.chain.from_iterable(node.get("proxies") or () for node in nodes.values()), *machine}
    fresh = (codifier for codifier in codifiers() if codifier not in taken)
    for codifier, node in machine.items():
        nodes[next(fresh) if codifier in nodes else codifier] = node
    nodes |= {next(fresh): _simulated(number, home.host) for number in range(simulated)}
    network = {"control": home.control, "data": home.data, "interface": "lo", "ttl": 0}
    return {**plant, "network": network, "nodes": nodes}


def codifiers() -> Iterator[str]:
    """Go through all codifiers of letters and digits: 3,844."""
    return map("".join, itertools.product(_READABLE, repeat=2))


def written(document: Mapping[str, Any]) -> str:
    """Return a configuration as YAML."""
    return _HEAD + yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=120)


def _at_home(node: NodeDocument, home: Home) -> NodeDocument:
    """Let a node of the plant run on this host; a codifier for operators belongs to whoever sits there."""
    if node["driver"] == OPERATOR:
        return node
    stored = {"options": {"path": str(home.database)}} if node["driver"] in STORES else {}
    return {**node, "host": home.host, **stored}


def _simulated(number: int, host: str) -> NodeDocument:
    unit, walk = _MEASURED[number % len(_MEASURED)]
    return {
        "name": f"simulated {number + 1}",
        "host": host,
        "driver": "simulated",
        "options": {"signal": "walk", **walk},
        "unit": unit,
        "interval": "1s",
    }
