"""The configuration as the programs load it: checked against the drivers and stores of this installation."""

import os
from pathlib import Path

import msgspec

import drivers.registry as drivers
import storage.registry as stores
from config.loading import load
from config.model import Configuration


def kinds(name: str) -> type[msgspec.Struct] | None:
    """Return the type of the options of a driver or store, or None when there is none of this name."""
    return stores.options_of(name) if name in stores.STORES else drivers.options_of(name)


def load_configuration(source: str | None = None) -> Configuration:
    """Load and check a configuration from a path or URL, or from where it is found; raises ConfigError."""
    return load(source, kinds)


def state_directory() -> Path:
    """Return where values that were set survive a restart (systemd's StateDirectory, else XDG's)."""
    if systemd := os.environ.get("STATE_DIRECTORY"):
        return Path(systemd.partition(":")[0])
    if os.geteuid() == 0:
        return Path("/var/lib/jph")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "jph"
