"""The last state of each codifier, as `protocol.states` writes it, and what is missing of it.

CPacketsLost counts the gaps in the control numbering, DPacketsLost the readings that are missing or can never be had.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import NamedTuple

from protocol.frames import ControlFrame, DataFrame, Flag
from protocol.readings import Reading
from protocol.repair import Progress
from protocol.sequences import RENUMBERED_BEYOND, distance
from protocol.states import Fields, said, value_text
from protocol.tracking import SequenceTracker
from storage.store import Batch


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
        fields.update(said(frame))
        fields.update(self._control[frame.source].fields())

    def _show(self, reading: Reading, fields: Fields) -> None:
        data = self._data.get(reading.codifier) or Data(reading.timestamp_ms)
        if data.shown is None or data.shown.gives_way_to(reading):
            data = data._replace(shown=Shown(reading.timestamp_ms, reading.sequence))
            value = value_text(reading.value, reading.attributes)
            fields.update({"Value": value, "DTimestamp": str(reading.timestamp_ms)})
        self._data[reading.codifier] = data


def _measuring(batch: Batch) -> set[str]:
    """Return the codifiers whose readings a batch is about."""
    numbered = {frame.source for frame in batch.heard if isinstance(frame, DataFrame)}
    told = {one.codifier for one in batch.accounts} | {one.codifier for one in batch.progress}
    return {reading.codifier for reading in batch.readings} | numbered | told


def _pending(progress: Progress | None) -> int:
    return sum(hole.count for hole in progress.holes) if progress else 0
