"""What a codifier said last, as text in the fields in which the original system's cache kept it.

Every frame says something about its source, and nothing about its destination:

    N           CPacketsLost = 0, CResetTime: its control numbering begins
    I           ITimestamp, IsActive
    P           PTimestamp, PRequest (the ping's number)
    T           TTimestamp, TRequest (the number that came back), TDuration (from the request to this, ms)
    H S         HTimestamp, STimestamp: when it last commanded this
    n           DPacketsLost = 0, DResetTime: the numbering of its readings begins
    a reading   Value, DTimestamp

Timestamps are those of the frames. CPacketsLost counts the gaps in the control numbering, DPacketsLost the readings
that are missing. Unlike the original's they go down again when a frame was only late, and never below 0.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from protocol import float32
from protocol.frames import ControlFrame, Flag, Frame
from protocol.readings import Attributes, Value
from protocol.roster import Roster

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


def said(frame: ControlFrame) -> Fields:
    """Return what a control frame says of its source, but for the numbering."""
    say = _SAID.get(frame.flag)
    return say(frame) if say else {}


def value_text(value: Value, attributes: Attributes | None) -> str:
    """Write a value as the original did: one that travelled as a float32 with all the digits of its four bytes."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, float):
        is_float32 = not attributes and float32.is_lossless(value)
        return repr(float32.exact(float32.pack(value)) if is_float32 else value)
    return str(int(value))


class LastSaid:
    """The fields of all codifiers that a roster knows. Tell it each frame after the roster took it.

    It has room for those of which the roster has a record: the roster's bounds are its own.
    """

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._said: dict[str, Fields] = {}

    def hear(self, frame: Frame) -> None:
        """Take a frame."""
        if isinstance(frame, ControlFrame):
            if frame.source in self._roster.nodes:
                self._hear_control(frame)
        elif frame.source in self._roster.sensors:
            self._begin(frame.source, "DResetTime", frame.timestamp_ms, anew=frame.flag is Flag.NUMBERING)

    def fields(self, codifier: str) -> Fields:
        """Return what a codifier said last; nothing when it was never heard."""
        found = self._said.get(codifier)
        if found is None:
            return {}
        return {"Codifier": codifier, **found, **self._control_losses(codifier), **self._reading(codifier)}

    def _hear_control(self, frame: ControlFrame) -> None:
        self._begin(frame.source, "CResetTime", frame.timestamp_ms, anew=frame.flag is Flag.NEW)
        self._said[frame.source].update(said(frame))

    def _begin(self, codifier: str, field: str, timestamp_ms: int, *, anew: bool) -> None:
        fields = self._said.setdefault(codifier, {})
        if anew or field not in fields:
            fields[field] = str(timestamp_ms)

    def _control_losses(self, codifier: str) -> Fields:
        node = self._roster.nodes.get(codifier)
        heard = node is not None and "CResetTime" in self._said[codifier]
        return {"CPacketsLost": str(node.tracker.missing)} if node is not None and heard else {}

    def _reading(self, codifier: str) -> Fields:
        sensor = self._roster.sensors.get(codifier)
        if sensor is None or "DResetTime" not in self._said[codifier]:
            return {}
        fields = {"DPacketsLost": str(sensor.tracker.missing)}
        if sensor.value is not None:
            fields |= {"Value": value_text(sensor.value, sensor.attributes), "DTimestamp": str(sensor.timestamp_ms)}
        return fields
