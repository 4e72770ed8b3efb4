"""The last state of each codifier, in the fields in which the original system's cache kept it.

Every frame says something about its source, and nothing about its destination:

    N           CPacketsLost = 0, CResetTime: its control numbering begins
    I           ITimestamp, IsActive
    P           PTimestamp, PRequest (the ping's number)
    T           TTimestamp, TRequest (the number that came back), TDuration (from the request to this, ms)
    H S         HTimestamp, STimestamp: when it last commanded this
    n           DPacketsLost = 0, DResetTime: the numbering of its readings begins
    a reading   Value, DTimestamp

Timestamps are those of the frames. CPacketsLost counts the gaps in the control numbering, DPacketsLost the readings
that are missing or can never be had. Unlike the original's they go down again when a frame was only late, and never
below 0.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from protocol import float32
from protocol.frames import ControlFrame, DataFrame, Flag
from protocol.readings import Reading
from protocol.repair import Progress
from protocol.sequences import RENUMBERED_BEYOND, SequenceTracker, distance
from storage.store import Batch

Fields: TypeAlias = dict[str, str]

_SAID: Final[dict[Flag, Callable[[ControlFrame], Fields]]] = {
    Flag.ALIVE: lambda frame: {"ITimestamp": str(frame.timestamp_ms), "IsActive": str(frame.active)},
    Flag.PING: lambda frame: {"PTimestamp": str(frame.timestamp_ms), "PRequest": repr(frame.number)},
    Flag.PONG: lambda frame: {
        "TRequest": repr(frame.number),
        "TTimestamp": str(frame.timestamp_ms),
        "TDuration": repr(frame.timestamp_ms - frame.number),
    },
    Flag.HALT: lambda frame: {"HTimestamp": str(frame.timestamp_ms)},
    Flag.START: lambda frame: {"STimestamp": str(frame.timestamp_ms)},
}


class Shown(NamedTuple):
    """The reading whose value is shown."""

    timestamp_ms: int
    sequence: int

    def gives_way_to(self, reading: Reading) -> bool:
        """Tell whether a reading is to be shown: not when both its time and its number are older, as when repaired."""
        is_behind = -RENUMBERED_BEYOND <= distance(reading.sequence, self.sequence) < 0
        return reading.timestamp_ms >= self.timestamp_ms or not is_behind


@dataclass(frozen=True, slots=True)
class Control:
    """The control frames of one codifier: since when they are counted, and what was lost before `tracker` began."""

    reset_ms: int
    lost: int = 0
    tracker: SequenceTracker = field(default_factory=SequenceTracker)

    def heard(self, frame: ControlFrame) -> "Control":
        """Take a frame."""
        tracker = deepcopy(self.tracker)
        tracker.observe(frame.sequence)
        return Control(self.reset_ms, self.lost, tracker)

    def fields(self) -> Fields:
        """Write it as the original did."""
        return {"CPacketsLost": str(self.lost + self.tracker.missing), "CResetTime": str(self.reset_ms)}


class Data(NamedTuple):
    """The readings of one codifier: since when they are counted, how many are lost or missing, and which is shown."""

    reset_ms: int
    unavailable: int = 0
    pending: int = 0
    shown: Shown | None = None

    def fields(self) -> Fields:
        """Write it as the original did."""
        return {"DPacketsLost": str(max(0, self.unavailable + self.pending)), "DResetTime": str(self.reset_ms)}


class States:
    """What is known of all codifiers. A copy shares everything with what it was made of, and changes alone."""

    def __init__(self, control: Mapping[str, Control] | None = None, data: Mapping[str, Data] | None = None) -> None:
        self._control = dict(control or {})
        self._data = dict(data or {})

    def copy(self) -> "States":
        """Return one that can take a batch while this one stays as it is."""
        return States(self._control, self._data)

    def unknown(self, batch: Batch) -> set[str]:
        """Return those codifiers of a batch of which nothing is known, so that they are to be recalled."""
        said = {frame.source for frame in batch.heard if isinstance(frame, ControlFrame)} - self._control.keys()
        return said | (_measuring(batch) - self._data.keys())

    def recall(self, codifier: str, fields: Mapping[str, str], progress: Progress | None) -> None:
        """Continue what an earlier program wrote, as far as it did; raises ValueError for what none wrote."""
        if "CResetTime" in fields and codifier not in self._control:
            self._control[codifier] = Control(int(fields["CResetTime"]), int(fields.get("CPacketsLost", 0)))
        if "DResetTime" in fields and codifier not in self._data:
            pending = _pending(progress)
            shown = Shown(int(fields["DTimestamp"]), progress.last) if progress and "DTimestamp" in fields else None
            lost = int(fields.get("DPacketsLost", 0))
            self._data[codifier] = Data(int(fields["DResetTime"]), max(0, lost - pending), pending, shown)

    def take(self, batch: Batch) -> dict[str, Fields]:
        """Take a batch with those of its readings that are stored; return the fields that change."""
        changed: dict[str, Fields] = {}
        for frame in batch.heard:
            self._hear(frame, changed.setdefault(frame.source, {}))
        for reading in batch.readings:
            self._show(reading, changed.setdefault(reading.codifier, {}))
        self._count(batch)
        for codifier in _measuring(batch) & self._data.keys():
            changed.setdefault(codifier, {}).update(self._data[codifier].fields())
        return {codifier: {"Codifier": codifier, **fields} for codifier, fields in changed.items()}

    def _count(self, batch: Batch) -> None:
        begun = {frame.source for frame in batch.heard if isinstance(frame, DataFrame)}
        for account in batch.accounts:
            data = self._data.get(account.codifier)
            if data is not None and account.codifier not in begun:
                self._data[account.codifier] = data._replace(unavailable=data.unavailable + account.unavailable)
        for progress in batch.progress:
            data = self._data.get(progress.codifier)
            if data is not None:
                self._data[progress.codifier] = data._replace(pending=_pending(progress))

    def _hear(self, frame: ControlFrame | DataFrame, fields: Fields) -> None:
        if isinstance(frame, DataFrame):
            data = self._data.get(frame.source, Data(0))
            self._data[frame.source] = data._replace(reset_ms=frame.timestamp_ms, unavailable=0)
            return
        control = None if frame.flag is Flag.NEW else self._control.get(frame.source)
        self._control[frame.source] = (control or Control(frame.timestamp_ms)).heard(frame)
        said = _SAID.get(frame.flag)
        fields.update(said(frame) if said else {})
        fields.update(self._control[frame.source].fields())

    def _show(self, reading: Reading, fields: Fields) -> None:
        data = self._data.get(reading.codifier) or Data(reading.timestamp_ms)
        if data.shown is None or data.shown.gives_way_to(reading):
            data = data._replace(shown=Shown(reading.timestamp_ms, reading.sequence))
            fields.update({"Value": _text(reading), "DTimestamp": str(reading.timestamp_ms)})
        self._data[reading.codifier] = data


def _measuring(batch: Batch) -> set[str]:
    """Return the codifiers whose readings a batch is about."""
    numbered = {frame.source for frame in batch.heard if isinstance(frame, DataFrame)}
    told = {one.codifier for one in batch.accounts} | {one.codifier for one in batch.progress}
    return {reading.codifier for reading in batch.readings} | numbered | told


def _pending(progress: Progress | None) -> int:
    return sum(hole.count for hole in progress.holes) if progress else 0


def _text(reading: Reading) -> str:
    """Write a value as the original did: one that travelled as a float32 with all the digits of its four bytes."""
    value = reading.value
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, float):
        is_float32 = not reading.attributes and float32.is_lossless(value)
        return repr(float32.exact(float32.pack(value)) if is_float32 else value)
    return str(int(value))
