"""What machine this is: a figure means nothing without it."""

import os
import platform
from pathlib import Path
from typing import Final

import msgspec

_CPU_NAMES: Final = ("model name", "Model", "Hardware")  # /proc/cpuinfo's names for it on x86 and on ARM


class Machine(msgspec.Struct, frozen=True):
    """The computer and the Python that a run was made with."""

    kind: str
    cpu: str
    cores: int
    kernel: str
    python: str


def this_machine() -> Machine:
    """Describe this computer."""
    cores = len(os.sched_getaffinity(0))
    return Machine(
        kind=f"{platform.machine()}-{cores}-cores",
        cpu=_cpu(Path("/proc/cpuinfo").read_text("utf-8")),
        cores=cores,
        kernel=platform.release(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
    )


def load_average() -> float:
    """Return how many programs wanted a core in the last minute: what else was going on."""
    return os.getloadavg()[0]


def _cpu(cpuinfo: str) -> str:
    fields = dict(line.split(":", 1) for line in cpuinfo.splitlines() if ":" in line)
    named = {name.strip(): value.strip() for name, value in fields.items()}
    return next((named[name] for name in _CPU_NAMES if name in named), "unknown")
