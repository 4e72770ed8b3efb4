"""What the nodes of one process hear of the other sensors; nothing, and at no cost, while none of them uses others."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from config.inputs import inputs_of
from config.model import Configuration, Node
from drivers.driver import Latest
from protocol.codifiers import EVERYBODY
from protocol.frames import Bus, DataFrame, Frame
from protocol.gate import Gate
from protocol.instants import Instant
from protocol.senders import Sender
from storage.registry import STORES

if TYPE_CHECKING:
    from protocol.roster import Roster
    from protocol.states import LastSaid

Ear = Callable[[Frame], None]
"""Is told of each frame that is listened to, after the roster was."""


def buses_for(nodes: Iterable[Node]) -> frozenset[Bus]:
    """Only sinks and nodes that use other sensors need readings: a Pi without is not woken by those of a thousand."""
    needs_readings = any(node.driver in STORES or inputs_of(node) for node in nodes)
    return frozenset({Bus.CONTROL, Bus.DATA} if needs_readings else {Bus.CONTROL})


class Listening:
    """One roster for all nodes of a process that use other sensors. It is made when there is one.

    `sources` are the codifiers that are listened to, as they stand in a datagram; `hears_all` when that is everybody.
    Only then what nodes say on the control bus is taken as well: readings tell their age themselves.
    """

    def __init__(self) -> None:
        self.sources: frozenset[bytes] = frozenset()
        self.hears_all = False
        self.ears: list[Ear] = []
        self._roster: Roster | None = None
        self._said: LastSaid | None = None

    @property
    def roster(self) -> "Roster":
        """What was heard; only to be asked for by nodes that use others."""
        if self._roster is None:
            from protocol.roster import Roster  # noqa: PLC0415 - an agent whose nodes use no others does without
            from protocol.states import LastSaid  # noqa: PLC0415 - the same

            self._roster = Roster()
            self._said = LastSaid(self._roster)
        return self._roster

    def follow(self, configuration: Configuration, nodes: Iterable[Node]) -> None:
        """Listen from now on to what these nodes use; what was heard already is kept as long as there is one."""
        inputs = frozenset[str]().union(*map(inputs_of, nodes))
        self.hears_all = EVERYBODY in inputs
        self.sources = frozenset(codifier.encode() for codifier in inputs)
        if not inputs:
            self._roster = self._said = None
            return
        from agent.profiles import profiles  # noqa: PLC0415 - as above

        self.roster.expect(*profiles(configuration))

    def wants(self, source: bytes) -> bool:
        """Tell whether the frames of a codifier are listened to, as it stands in a datagram."""
        return self.hears_all or source in self.sources

    def hear(self, frame: Frame, sender: Sender, now: Instant) -> None:
        """Take a frame that was believed."""
        if self._roster is None or self._said is None:
            return
        if not self.hears_all and not (isinstance(frame, DataFrame) and frame.source.encode() in self.sources):
            return
        self._roster.hear(frame, sender, now)
        self._said.hear(frame)
        for ear in self.ears:
            ear(frame)

    def latest(self, codifier: str, now: Instant) -> Latest | None:
        """Return the newest reading of a sensor, None when none was heard."""
        sensor = self._roster.sensors.get(codifier) if self._roster is not None else None
        if sensor is None or sensor.value is None or sensor.timestamp_ms is None:
            return None
        return Latest(sensor.value, sensor.timestamp_ms, sensor.age_s(now.monotonic_s) or 0.0)

    def fields(self, codifier: str) -> dict[str, str]:
        """Return what a codifier said last, in the fields of `protocol.states`."""
        return self._said.fields(codifier) if self._said is not None else {}


class Reach(NamedTuple):
    """How far a node reaches: what its process hears, with which keys it speaks, and who runs its tasks."""

    listening: Listening
    gate: Gate
    spawn: Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]
