"""Listening until what was asked for was heard: what the commands do that look at the network for a moment."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Final

from agent.participant import Heard, Participant
from config.model import Configuration
from protocol.alarms import AlarmState
from protocol.codifiers import EVERYBODY
from protocol.frames import ControlFrame, Flag
from protocol.members import NodeRecord, Status

STATES: Final = frozenset({Flag.NEW, Flag.ALIVE, Flag.PONG})

SHORTEST_WAIT_S: Final = 6.0  # a sensor's default interval and a second
SPARE_S: Final = 1.0

MOST_SINGLE_PINGS: Final = 8
"""To ask more nodes than these, one ping to everybody makes less traffic."""


async def listen_until(participant: Participant, done: Callable[[Heard], bool], timeout_s: float) -> bool:
    """Listen until `done` says so of a frame that was heard; return False when the time ran out before."""
    enough = asyncio.Event()

    def look(heard: Heard) -> None:
        if done(heard):
            enough.set()

    participant.heard.append(look)
    try:
        async with asyncio.timeout(timeout_s):
            await enough.wait()
    except TimeoutError:
        return False
    finally:
        participant.heard.remove(look)
    return True


def never(heard: Heard) -> bool:
    """Say of no frame that it is the last one to wait for."""
    del heard
    return False


def readable(configuration: Configuration) -> list[str]:
    """Return the sensors of a configuration that send readings: all but codifiers that only announce themselves."""
    return [sensor.codifier for node, sensor in configuration.sensors() if node.has_readings]


def usual_wait_s(configuration: Configuration, codifiers: Collection[str]) -> float:
    """Return within how many seconds these sensors should send a reading."""
    owners = [owner for owner in map(configuration.owner, codifiers) if owner is not None]
    return max([SHORTEST_WAIT_S, *(owner.interval_s + SPARE_S for owner in owners)])


def judged(participant: Participant, codifier: str, now_s: float) -> Status:
    """Judge the last value of a sensor; while fewer readings were heard than its alarms' `hits`, by that value alone.

    Who listens for a moment would never see an alarm that takes three readings.
    """
    status = participant.roster.status(codifier, now_s)
    sensor, record = participant.configuration.sensor(codifier), participant.roster.sensors.get(codifier)
    if status is not Status.OK or sensor is None or sensor.alarms is None or record is None or record.value is None:
        return status
    if record.tracker.received >= sensor.alarms.hits:
        return status
    return Status(AlarmState(replace(sensor.alarms, hits=1)).update(record.value))


def is_node_there(participant: Participant, codifier: str) -> bool:
    """Tell whether anything was heard of the node that sends a sensor's readings."""
    owner = participant.configuration.owner(codifier)
    node = participant.roster.nodes.get(owner.codifier if owner else codifier)
    return node is not None and node.heard_s is not None


def node_state(record: NodeRecord, now_s: float) -> str:
    """Say in a word how a node is."""
    if record.heard_s is None:
        return "unheard"
    if record.is_gone(now_s):
        return "gone"
    return "halted" if record.active is False else "alive"


class Missing:
    """The sensors whose value, or whose being halted, is awaited. Call it with each frame: True when all are there."""

    def __init__(self, participant: Participant, codifiers: Collection[str]) -> None:
        self._roster = participant.roster
        self.codifiers = set(codifiers)

    def __call__(self, heard: Heard) -> bool:
        """Take a frame into account and tell whether nothing is missing any more."""
        frame = heard.frame
        if frame.source in self.codifiers and self._has_value(frame.source):
            self.codifiers.discard(frame.source)
        elif isinstance(frame, ControlFrame) and frame.flag in STATES and not frame.active:
            self.codifiers -= {codifier for codifier in self.codifiers if self._node_of(codifier) == frame.source}
        return not self.codifiers

    def ask_for_state(self, participant: Participant) -> None:
        """Ping the nodes of these sensors, whose answer tells whether they are halted."""
        nodes = {self._node_of(codifier) for codifier in self.codifiers}
        for node in sorted(nodes) if len(nodes) <= MOST_SINGLE_PINGS else [EVERYBODY]:
            participant.ping(node)

    def _has_value(self, codifier: str) -> bool:
        sensor = self._roster.sensors.get(codifier)
        return sensor is not None and sensor.heard_s is not None

    def _node_of(self, codifier: str) -> str:
        sensor = self._roster.sensors.get(codifier)
        return codifier if sensor is None else sensor.node
