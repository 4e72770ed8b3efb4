"""What is read of one device of /sys: one value or several channels, each of which may fail."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Annotated, Final, TypeAlias

import msgspec

from drivers.driver import OWN_CHANNEL, DriverOptions, Measurements, Place
from drivers.hardware.sysfs import persistently
from drivers.outcomes import read_apart

Measure: TypeAlias = Callable[[str, str], int | float]
"""Measures a source for a channel; raises DriverError."""

RETRIES_S: Final = 2.0
"""How long after the beginning of a read something is tried again, so that it ends within its deadline of 5 s."""


class SourceOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of several devices alike, and what of it."""

    parent: Annotated[
        str | None,
        msgspec.Meta(description="which of several alike: the name of what it belongs to in `/sys`, such as `1-0048`"),
    ] = None
    source: Annotated[str | None, msgspec.Meta(description="what is read for the channel `value`")] = None
    sources: Annotated[dict[str, str], msgspec.Meta(description="several channels, each with what is read for it")] = (
        msgspec.field(default_factory=dict)
    )

    def __post_init__(self) -> None:
        if self.source is not None and self.sources:
            raise ValueError("`source` and `sources` cannot be used together")

    def channels(self) -> frozenset[str]:
        """Return the channels that are named, or the node's own."""
        return frozenset(self.sources or {OWN_CHANNEL})

    def wanted(self, default: str) -> Mapping[str, str]:
        """Return what is read for each channel: what is named, or `default`."""
        return self.sources or {OWN_CHANNEL: self.source or default}

    def named(self) -> Iterator[tuple[str, str]]:
        """Return what is to be read, each with the key that says it."""
        if self.source is not None:
            yield "source", self.source
        for channel, source in self.sources.items():
            yield f"sources.{channel}", source


class Sources:
    """Measures what the options name, or else `default`."""

    def __init__(self, options: SourceOptions, default: str, place: Place) -> None:
        self._sources = options.wanted(default)
        self._place = place

    def read(self, measure: Measure) -> Measurements:
        """Return all channels, those that failed with their error; raises DriverError when all did."""
        until_s = self._place.monotonic() + RETRIES_S
        return read_apart(
            {
                channel: partial(persistently, partial(measure, channel, source), self._place, until_s)
                for channel, source in self._sources.items()
            }
        )
