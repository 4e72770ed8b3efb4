"""Frames in words and as JSON: what `jph watch` prints of them."""

import math
from collections.abc import Callable
from typing import Final

from config.model import Configuration
from console import words
from console.output import Span
from console.tape import Bad
from protocol.commands import REASONS, Code, unpack_pair
from protocol.errors import DecodeError
from protocol.frames import ControlFrame, DataFrame, Flag, Frame, decode
from protocol.gate import NO_KEY, RefusedError
from protocol.members import Sender
from protocol.troubles import Said, Trouble, unpack

CLOCKS_DIFFER_MS: Final = 1000.0  # a frame's time is told to be off when it differs from ours by more

_STYLES: Final = {
    Flag.NEW: "bold green",
    Flag.START: "bold yellow",
    Flag.HALT: "bold yellow",
    Flag.RELOAD: "bold yellow",
    Flag.SET: "bold yellow",
    Flag.STEP: "bold yellow",
    Flag.ACKNOWLEDGE: "yellow",
    Flag.ALIVE: "green",
    Flag.PING: "dim",
    Flag.PONG: "dim",
    Flag.DIAGNOSIS: "magenta",
    Flag.NUMBERING: "cyan",
}

_NOT_CHECKED: Final = "not checked: its key was not granted here"


def frame_json(frame: Frame, sender: Sender) -> dict[str, object]:
    """Return a frame under the keys of docs/cli.md, "watch"; a value that is no finite number is null."""
    document: dict[str, object] = {
        "bus": frame.bus,
        "flag": frame.flag,
        "source": frame.source,
        "destination": frame.destination,
        "sequence": frame.sequence,
        "timestamp_ms": frame.timestamp_ms,
    }
    if isinstance(frame, ControlFrame):
        document |= {"number": frame.number, "active": frame.active}
    else:
        document |= {"value": frame.value} | ({"attributes": frame.attributes} if frame.attributes else {})
    return document | {"from": words.address(sender)}


def bad_json(bad: Bad) -> dict[str, object]:
    """Return a datagram that is no frame, or is not believed, under the keys of docs/cli.md, "watch"."""
    claimed = _claimed(bad)
    if claimed is not None:
        return frame_json(claimed, bad.sender) | {"refused": bad.error.kind, "reason": str(bad.error)}
    return {
        "bus": bad.bus,
        "bad": bad.error.kind,
        "reason": str(bad.error),
        "bytes": len(bad.datagram),
        "from": words.address(bad.sender),
    }


def frame_line(frame: Frame, sender: Sender, now_ms: float, configuration: Configuration) -> list[Span]:
    """Say in a line what a frame says; its time is the sender's, with the difference to ours when that is large."""
    return [
        _header(frame),
        (_meaning(frame, configuration), _STYLES.get(frame.flag, "")),
        _origin(frame, sender, now_ms),
    ]


def bad_line(bad: Bad, configuration: Configuration) -> list[Span]:
    """Say in a line why a datagram is no frame, or what it claims and why that is not believed.

    The time of what is no frame is ours, for it has none. What cannot be checked here is no attack.
    """
    claimed, kind = _claimed(bad), bad.error.kind
    if claimed is None:
        return [
            f"{words.clock_time(bad.now.wall_ms)} {bad.bus:7} ",
            (f"bad datagram of {len(bad.datagram)} bytes: {kind}: {bad.error}", "red"),
            (f"   {words.address(bad.sender)}", "dim"),
        ]
    why, style = (_NOT_CHECKED, "dim") if kind == NO_KEY else (f"refused: {kind}", "bold red")
    return [
        _header(claimed),
        (f"{_meaning(claimed, configuration)}   {why}", style),
        _origin(claimed, bad.sender, bad.now.wall_ms),
    ]


def _claimed(bad: Bad) -> Frame | None:
    """Return the frame that is not believed, None for what is none."""
    if not isinstance(bad.error, RefusedError):
        return None
    try:
        return decode(bad.bus, bad.datagram)
    except DecodeError:
        return None


def _header(frame: Frame) -> str:
    addressed = f"{frame.source} -> {frame.destination} #{frame.sequence:<10} {frame.flag}"
    return f"{words.clock_time(frame.timestamp_ms)} {frame.bus:7} {addressed} "


def _origin(frame: Frame, sender: Sender, now_ms: float) -> Span:
    return f"   {words.address(sender)}{_clock_remark(frame.timestamp_ms - now_ms)}", "dim"


def _clock_remark(ahead_ms: float) -> str:
    return "" if abs(ahead_ms) < CLOCKS_DIFFER_MS else f" clock {ahead_ms / 1000:+.1f} s"


def _meaning(frame: Frame, configuration: Configuration) -> str:
    if isinstance(frame, ControlFrame):
        return _MEANINGS[frame.flag](frame)
    if frame.flag is Flag.NUMBERING:
        return f"readings count on from {frame.value}"
    return _reading(frame, configuration)


def _reading(frame: DataFrame, configuration: Configuration) -> str:
    sensor = configuration.sensor(frame.source)
    said = words.reading(frame.value, sensor.unit if sensor else "")
    if isinstance(frame.value, float) and not math.isfinite(frame.value):
        said += " (bad: no finite number)"
    more = ", ".join(f"{name}: {value}" for name, value in (frame.attributes or {}).items())
    return f"{said} ({more})" if more else said


def _state(word: str) -> Callable[[ControlFrame], str]:
    def say(frame: ControlFrame) -> str:
        state = "sends readings" if frame.active else "halted"
        return f"{word}, {state}, configured {words.date_and_time(frame.number)}"

    return say


def _numbered(word: str) -> Callable[[ControlFrame], str]:
    return lambda frame: f"{word} {words.quantity(frame.number)}"


def _plain(word: str) -> Callable[[ControlFrame], str]:
    return lambda _: word


def _answer(frame: ControlFrame) -> str:
    pair = unpack_pair(frame.number)
    if pair is None or pair[1] not in REASONS:
        return f"answers {words.quantity(frame.number)}"
    return f"answers #{pair[0]}: {REASONS[Code(pair[1])]}"


def _ranged(word: str) -> Callable[[ControlFrame], str]:
    def say(frame: ControlFrame) -> str:
        pair = unpack_pair(frame.number)
        return f"{word} {words.quantity(frame.number) if pair is None else f'{pair[1]} from #{pair[0]}'}"

    return say


def _diagnosis(frame: ControlFrame) -> str:
    said = unpack(frame.number)
    if said is None:
        return f"says {words.quantity(frame.number)}"
    if said.code == Trouble.OVER:
        return f"no longer: {Said(said.amount).name if said.amount else 'any trouble'}"
    return said.text


_MEANINGS: Final[dict[Flag, Callable[[ControlFrame], str]]] = {
    Flag.NEW: _state("started"),
    Flag.ALIVE: _state("alive"),
    Flag.PING: _numbered("ping"),
    Flag.PONG: _numbered("pong"),
    Flag.START: _plain("start"),
    Flag.HALT: _plain("halt"),
    Flag.RELOAD: _plain("reload"),
    Flag.SET: _numbered("set"),
    Flag.STEP: _numbered("step"),
    Flag.ACKNOWLEDGE: _answer,
    Flag.REPEAT: _ranged("repeat"),
    Flag.UNAVAILABLE: _ranged("no longer there:"),
    Flag.DIAGNOSIS: _diagnosis,
}
