"""What of this computer can be measured without asking anybody: files in /proc and /sys."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

ROOT: Final = Path("/")

# Where a temperature in thousandths of °C may stand, the best place first (kernel: thermal-sysfs, hwmon-sysfs).
_TEMPERATURES: Final = (
    "sys/class/thermal/thermal_zone*/temp",
    "sys/class/hwmon/hwmon*/temp*_input",
)
_COLDEST, _HOTTEST = -40_000, 150_000  # sensors that are not connected tell wonders

NodeDocument: TypeAlias = Mapping[str, Any]
"""A node as the configuration's file says it."""

_EVERYWHERE: Final[Mapping[str, NodeDocument]] = {
    "C1": {
        "name": "load",
        "driver": "pipe",
        "options": {"path": "/proc/loadavg", "field": 1},
        "interval": "1s",
    },
    "M1": {
        "name": "free memory",
        "driver": "pipe",
        "options": {"path": "/proc/meminfo", "pattern": r"MemAvailable: +(\d+)", "scale": 1 / 1024},
        "unit": "MiB",
        "interval": "1s",
        "filters": [{"round": 0}],
    },
    "U1": {
        "name": "uptime",
        "driver": "pipe",
        "options": {"path": "/proc/uptime", "field": 1, "scale": 1 / 3600},
        "unit": "h",
        "interval": "1s",
        "filters": [{"round": 3}],
    },
}
_TEMPERATURE: Final[NodeDocument] = {"name": "CPU temperature", "driver": "pipe", "unit": "°C", "interval": "1s"}


def temperature_file(root: Path = ROOT) -> Path | None:
    """Return the file with this computer's temperature in thousandths of °C, None where there is none."""
    return next((path for path in _candidates(root) if _is_plausible(path)), None)


def nodes(host: str, root: Path = ROOT) -> dict[str, NodeDocument]:
    """Return nodes that read this computer's own values, by the codifiers that suit them."""
    temperature = temperature_file(root)
    found: dict[str, NodeDocument] = {codifier: {**node, "host": host} for codifier, node in _EVERYWHERE.items()}
    if temperature is not None:
        path = "/" / temperature.relative_to(root)
        found["T1"] = {**_TEMPERATURE, "options": {"path": str(path), "scale": 0.001}, "host": host}
    return found


def _candidates(root: Path) -> Iterator[Path]:
    for pattern in _TEMPERATURES:
        yield from sorted(root.glob(pattern))


def _is_plausible(path: Path) -> bool:
    try:
        return _COLDEST < int(path.read_text("ascii")) < _HOTTEST
    except (OSError, ValueError):  # some zones exist and cannot be read
        return False
