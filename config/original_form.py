"""A configuration in the form of the original system's JSON, for programs that were written for it."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from config.model import Configuration, Node, Sensor

# The options that the original's programs look up in the entries of others, under their names there, with its Type.
_ORIGINALS: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "control": ("controlSensor", {"default": "Default"}),
    "pipe": ("TempLinux", {"path": "Pipe"}),
    "python": ("PythonNinja", {"file": "Filename"}),
    "fan": ("fanControl", {}),
}


def original_form(configuration: Configuration) -> Mapping[str, Any]:
    """Return the document as it was when it is one of the original's, else the same said in its form."""
    if configuration.original is not None:
        return configuration.original
    network = configuration.network
    return {
        "Multicast": {
            "Control-Channel": {"Address": network.control.address, "Port": network.control.port},
            "Data-Channel": {"Address": network.data.address, "Port": network.data.port},
        },
        "Logging": configuration.logging or {"version": 1},
        "Sensors": [_entry(node, sensor) for node, sensor in configuration.sensors()],
    }


def _entry(node: Node, sensor: Sensor) -> Mapping[str, Any]:
    entry = {"Codifier": sensor.codifier, "ShortName": sensor.name, "Name": sensor.name, "Symbol": sensor.unit}
    if sensor.codifier != node.codifier:
        return {**entry, "Type": "Proxy", "Sensor": {"Codifier": node.codifier}}
    kind, names = _ORIGINALS.get(node.driver, (node.driver, {}))
    return {
        **entry,
        "Type": kind,
        "Active": node.active,
        "KeepAliveInterval": _seconds(node.keepalive_s),
        "SensorInterval": _seconds(node.interval_s),
        "TimeoutWarning": _seconds(sensor.timeout_s),
        "Sensor": {**_settings(node, names), "Proxy": [{"Codifier": proxy.codifier} for proxy in node.proxies]},
    }


def _seconds(duration_s: float) -> float:
    """Return whole seconds as an int, as they are written there."""
    return int(duration_s) if float(duration_s).is_integer() else duration_s


def _settings(node: Node, names: Mapping[str, str]) -> Mapping[str, str]:
    """Return the options as text, as the original writes numbers too."""
    options: object = msgspec.to_builtins(node.options) if node.options is not None else {}
    found = options if isinstance(options, Mapping) else {}
    return {name: str(found[option]) for option, name in names.items() if found.get(option) is not None}
