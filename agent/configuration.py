"""The configuration as the programs load it: checked against the drivers and stores of this installation."""

import os
from pathlib import Path

import msgspec

import drivers.registry as drivers
import storage.registry as stores
from config import sources
from config.loading import load
from config.model import Configuration


def kinds(name: str) -> type[msgspec.Struct] | None:
    """Return the type of the options of a driver or store, or None when there is none of this name."""
    return stores.options_of(name) if name in stores.STORES else drivers.options_of(name)


def load_configuration(source: str | None = None) -> Configuration:
    """Load and check a configuration from a path or URL, or from where it is found; raises ConfigError."""
    return load(source, kinds)


def state_directory() -> Path:
    """Return where values that were set survive a restart (docs/configuration.md, "Where it comes from")."""
    return sources.state_directory(os.environ)
