"""Options of drivers and stores as tests of the configuration need them, and what they are called."""

from typing import Final

import msgspec

from config.durations import Bytes, Seconds
from config.loading import loads
from config.model import ConfigError, Configuration
from drivers.adcpi import AdcpiOptions
from drivers.dht import DhtOptions
from drivers.fan import FanOptions
from drivers.zwave import ZwaveOptions


class PipeOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    path: str | None = None
    command: str | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        if (self.path is None) == (self.command is None):
            raise ValueError("needs either path or command")


class ClimateOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    given: tuple[str, ...] = ("value", "humidity")

    def channels(self) -> frozenset[str]:
        return frozenset(self.given)


class ControlOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    default: float = 0.0
    lease: Seconds | None = None


class ConsoleOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class StoreOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    path: str
    cache: Bytes = 2**20


class DatabaseOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    host: str | None = None
    database: str | None = None
    user: str | None = None
    password_file: str | None = None


class CacheOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str = "redis://localhost:6379"


class ScriptOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    file: str


KINDS: Final[dict[str, type[msgspec.Struct]]] = {
    "pipe": PipeOptions,
    "control": ControlOptions,
    "console": ConsoleOptions,
    "fan": FanOptions,
    "rollup": ConsoleOptions,
    "sqlite": StoreOptions,
    "postgres": DatabaseOptions,
    "redis": CacheOptions,
    "python": ScriptOptions,
    "zwave": ZwaveOptions,
    "climate": ClimateOptions,
    "dht": DhtOptions,
    "web": ConsoleOptions,
    "adcpi": AdcpiOptions,
}


def loaded(text: str) -> Configuration:
    """Load a configuration that is good."""
    return loads(text.encode(), "jph.yaml", KINDS.get)


def errors(text: str) -> list[str]:
    """Return what is wrong with a configuration, one line for each error."""
    try:
        loads(text.encode(), "jph.yaml", KINDS.get)
    except ConfigError as error:
        return str(error).splitlines()
    return []


def warnings(text: str) -> list[str]:
    """Return what the operator should know of a configuration that is good."""
    return [str(warning) for warning in loaded(text).warnings]
