"""How a driver is tried: the cases that it joins the conformance suite with, in `tests/drivers/cases`."""

import asyncio
import inspect
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from drivers import registry
from drivers.driver import Driver, DriverOptions, Measurements, Place
from tests.support.driven_time import ManualClock


@dataclass(frozen=True)
class Bench:
    """Where a driver is tried: a path for its source, its place with its clock, and what is let go of afterwards.

    `path` is what the driver knows as /source: `place.root` is an empty directory of the test. `made` is for what a
    case sets up, such as a server.
    """

    path: Path
    place: Place
    clock: ManualClock
    stack: ExitStack
    made: dict[str, Any] = field(default_factory=dict)


def nothing(_: Bench) -> None:
    """Do nothing."""


def no_words(_: Bench) -> Mapping[str, str]:
    """Set up nothing."""
    return {}


def module_of(driver: str) -> str:
    """Return the name of the module with a driver's cases."""
    return f"tests.drivers.cases.{driver.replace('-', '_')}"


class Case(NamedTuple):
    """A driver with options. `set_up` makes what must be there before the driver, such as a server without answers.

    In the texts of the options FILE stands for the bench's path, and what else `set_up` returns for what it says.
    `prepare` makes the source, so that the next read gives all channels, and `fail` lets that fail, so that the next
    read gives none. Without `gives` it is all declared channels that are given.
    """

    options: Mapping[str, object]
    prepare: Callable[[Bench], object] = nothing
    fail: Callable[[Bench], object] | None = None
    set_up: Callable[[Bench], Mapping[str, str]] = no_words
    gives: frozenset[str] | None = None


class Wrong(NamedTuple):
    """Options that are refused, and what the message names: the key, and what is allowed."""

    options: Mapping[str, object]
    named: str


class Trial:
    """One case of a driver on its bench."""

    def __init__(self, driver: str, case: Case, bench: Bench) -> None:
        self.case = case
        self._bench = bench
        self._class = registry.driver_class(driver)
        words = {"FILE": str(bench.path), **case.set_up(bench)}
        options = msgspec.convert(_filled(case.options, words), self._class.Options, strict=False)  # "1883" is a port
        assert isinstance(options, DriverOptions)
        self.options = options

    def prepare(self) -> None:
        """Make the source."""
        self.case.prepare(self._bench)

    def fail(self) -> None:
        """Let the source fail."""
        assert self.case.fail is not None
        self.case.fail(self._bench)

    def build(self) -> Driver:
        """Build the driver."""
        return self._class(self.options, self._bench.place)


def read(driver: Driver) -> Measurements:
    """Read a driver of either kind."""
    measured = driver.read()
    return asyncio.run(_as_coroutine(measured)) if inspect.isawaitable(measured) else measured


def write(text: str) -> Callable[[Bench], object]:
    """Write a text to the bench's path."""
    return lambda bench: bench.path.write_text(text)


def remove(bench: Bench) -> None:
    """Remove what lies under the bench's path."""
    bench.path.unlink()


def hold_open(bench: Bench, descriptor: int) -> int:
    """Close a file when the test is over."""
    bench.stack.callback(os.close, descriptor)
    return descriptor


async def _as_coroutine(awaitable: Any) -> Any:
    return await awaitable


def _filled(value: Any, words: Mapping[str, str]) -> Any:
    """Put words in the place of their names, in all texts of a value."""
    if isinstance(value, str):
        for name, word in words.items():
            value = value.replace(name, word)
        return value
    if isinstance(value, Mapping):
        return {key: _filled(each, words) for key, each in value.items()}
    return [_filled(each, words) for each in value] if isinstance(value, list | tuple) else value
