"""Numbers out of text: a file, a FIFO, or what a command prints."""

import math
import re
import time
from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar, Final, Protocol, TypeAlias

import msgspec

from config.durations import Seconds
from drivers.ages import dated
from drivers.driver import OWN_CHANNEL, DriverError, DriverOptions, Measurements, Place
from drivers.text.decimals import check_finite, exact, parse, scaled, to_number
from drivers.text.files import PathSource

FieldNumber: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
"""The place of a word in the text, counted from 1."""

_WAYS: Final = ("field", "pattern", "fields", "patterns")


class PipeOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the text comes from, where the numbers stand in it, and what they are multiplied with."""

    path: Annotated[str | None, msgspec.Meta(description="a file or FIFO; begins with `/` or `~/`")] = None
    command: Annotated[
        str | None, msgspec.Meta(description="a command that is run for each reading: either this or `path`")
    ] = None
    timeout: Annotated[
        Seconds,
        msgspec.Meta(description="how long the command may take; then it is ended with all that it started"),
    ] = 4.5  # below the 5 s that a read may take: then this, and not the supervisor, says what is slow
    field: Annotated[
        FieldNumber | None, msgspec.Meta(description="which word of the text is the number, counted from 1")
    ] = None
    pattern: Annotated[
        str | None,
        msgspec.Meta(
            description="a regular expression whose first group is the number; `^` and `$` are the ends of each line"
        ),
    ] = None
    fields: Annotated[
        dict[str, FieldNumber], msgspec.Meta(description="several channels, each with the number of its word")
    ] = msgspec.field(default_factory=dict)
    patterns: Annotated[dict[str, str], msgspec.Meta(description="several channels, each with its pattern")] = (
        msgspec.field(default_factory=dict)
    )
    scale: Annotated[int | float, msgspec.Meta(description="every number is multiplied by this")] = 1
    offset: Annotated[int | float, msgspec.Meta(description="and then this is added")] = 0

    def __post_init__(self) -> None:
        _check_source(self.path, self.command)
        ways = [f"`{key}`" for key in _WAYS if getattr(self, key)]
        if len(ways) > 1:
            raise ValueError(f"{' and '.join(ways)} cannot be used together")
        if self.pattern is not None:
            _check_pattern("pattern", self.pattern)
        for channel, pattern in self.patterns.items():
            _check_pattern(f"patterns.{channel}", pattern)
        check_finite("scale", self.scale)
        check_finite("offset", self.offset)

    def channels(self) -> frozenset[str]:
        """Return the channels that are named, or the node's own."""
        return frozenset(self.fields or self.patterns or {OWN_CHANNEL})

    def devices(self) -> frozenset[str]:
        """Return the path when it is a device."""
        return frozenset({self.path} if self.path is not None and self.path.startswith("/dev/") else ())


class Pipe:
    """Reads a source and finds the numbers in its text."""

    Options: ClassVar[type[msgspec.Struct]] = PipeOptions

    def __init__(self, options: PipeOptions, place: Place, wall_s: Callable[[], float] = time.time) -> None:
        self._monotonic = place.monotonic
        self._wall_s = wall_s
        self._looked_s = -math.inf
        self._source = _open_source(options, place)
        self._finders = _finders(options)
        self._scale = exact(options.scale)
        self._offset = exact(options.offset)

    def read(self) -> Measurements:
        """Return all channels, or none when nothing was written to a FIFO; raises DriverError."""
        before_s, self._looked_s = self._looked_s, self._monotonic()
        text = self._source.read()
        if text is None:
            return {}
        try:
            numbers = {channel: self._number(find(text)) for channel, find in self._finders.items()}
        except ValueError as error:
            raise DriverError(f"{self._source}: {error}", self._advice(text)) from error
        return dated(numbers, self._age_s(self._looked_s - before_s), self._wall_s)

    def close(self) -> None:
        """Let go of a FIFO and end a command that runs."""
        self._source.close()

    def _age_s(self, unread_s: float) -> float:
        """Return how long a line waited in a FIFO, also while the node was halted; anything else is read as it is.

        No line waited for longer than nobody read, whatever became of the clock, which a Raspberry Pi sets late.
        """
        written_s = self._source.written_s if isinstance(self._source, PathSource) else None
        return 0.0 if written_s is None else min(self._wall_s() - written_s, unread_s)

    def _number(self, word: str) -> int | float:
        if not word:
            raise ValueError("it holds no number")
        return to_number(scaled(parse(word), self._scale, self._offset))

    def _advice(self, text: str) -> str:
        """Say what is missing when the text has several words and nobody said which is the number."""
        if self._finders != _WHOLE or len(text.split()) < 2:
            return ""
        return "say which word is the number with `field`, or what stands around it with `pattern`"


class _Source(Protocol):
    """Where the text comes from; as a string, what the operator knows it by."""

    def read(self) -> str | None: ...
    def close(self) -> None: ...


_Finder: TypeAlias = Callable[[str], str]
"""Finds the number in the text; raises ValueError."""

_WHOLE: Final[Mapping[str, _Finder]] = {OWN_CHANNEL: str.strip}


def _open_source(options: PipeOptions, place: Place) -> _Source:
    if options.command is not None:
        from drivers.text.commands import CommandSource  # noqa: PLC0415 - who reads a path does without

        return CommandSource(options.command, options.timeout, place.monotonic)
    return PathSource(place.locate(options.path or ""))


def _finders(options: PipeOptions) -> Mapping[str, _Finder]:
    fields = {OWN_CHANNEL: options.field} if options.field else options.fields
    patterns = {OWN_CHANNEL: options.pattern} if options.pattern else options.patterns
    finders = {channel: _field_finder(number) for channel, number in fields.items()}
    finders |= {channel: _pattern_finder(pattern) for channel, pattern in patterns.items()}
    return finders or _WHOLE


def _field_finder(number: int) -> _Finder:
    def find(text: str) -> str:
        words = text.split()
        if number > len(words):
            raise ValueError(f"there is no field {number}, only {len(words)}")
        return words[number - 1]

    return find


def _pattern_finder(pattern: str) -> _Finder:
    expression = re.compile(pattern, re.MULTILINE)

    def find(text: str) -> str:
        match = expression.search(text)
        if match is None:
            raise ValueError(f"the pattern {pattern!r} is not found")
        return (match[1] or "").strip()

    return find


def _check_source(path: str | None, command: str | None) -> None:
    if (path is None) == (command is None):
        raise ValueError("`path` or `command` must say where the text comes from, one of them")
    if path is not None and not path.startswith(("/", "~/")):
        raise ValueError(f"`path` is {path!r}: begin it with / or ~/, so that it is the same from everywhere")
    if command is not None:
        from drivers.text.commands import check_command  # noqa: PLC0415 - who reads a path does without

        check_command(command)


def _check_pattern(key: str, pattern: str) -> None:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"`{key}` is {pattern!r}: {error}") from error
    if groups < 1:
        raise ValueError(f"`{key}` is {pattern!r}, without a group: put the number in parentheses")
