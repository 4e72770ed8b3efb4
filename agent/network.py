"""What the driver of one node sees and says of the network, from the thread that it runs in."""

import asyncio
import concurrent.futures
import math
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from agent.clock import Clock
from agent.commanding import Commanding
from agent.listening import Reach
from agent.presence import Presence
from config.model import Configuration
from config.original_form import original_form
from drivers.driver import DriverError, Latest
from protocol.codifiers import EVERYBODY, is_codifier
from protocol.frames import COMMANDS, Flag
from protocol.readings import Value

T = TypeVar("T")

Publish = Callable[[str, Value, int | None], None]
"""Sends a reading of a node's own: codifier, value, when it was measured in ms or None for now; raises DriverError."""

LOOP_ANSWERS_WITHIN_S: Final = 5.0  # it does so at once, unless it has ended meanwhile
SAYABLE: Final = frozenset({*COMMANDS, Flag.PING, Flag.ALIVE})
"""What a driver may have sent: the rest of the control bus is what the agent says of the node."""


class NodeNetwork:
    """The `drivers.driver.Network` of one node. All that is asked is done in the loop, in the order of asking."""

    def __init__(self, presence: Presence, reach: Reach, clock: Clock, publish: Publish) -> None:
        self._listening = reach.listening
        self._commanding = Commanding(presence, reach, clock)
        self._clock = clock
        self._publish = publish
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._configuration = Configuration()

    def configured(self, configuration: Configuration) -> None:
        """Take the configuration that holds from now on."""
        self._configuration = self._commanding.configuration = configuration

    def latest(self, codifier: str) -> Latest | None:
        """Return the newest reading that was heard of a sensor, None when there was none yet."""
        return self._in_loop(lambda: self._listening.latest(codifier, self._clock.now()))

    def fields(self, codifier: str) -> Mapping[str, str]:
        """Return what a codifier said last; empty when it was never heard."""
        return self._in_loop(lambda: self._listening.fields(codifier))

    def configuration(self) -> Mapping[str, Any]:
        """Return the whole configuration in the original's form."""
        return original_form(self._configuration)

    def publish(self, codifier: str, value: Value, timestamp_ms: int | None = None) -> None:
        """Send a reading of the node or one of its proxies at once; raises DriverError."""
        self._in_loop(lambda: self._publish(codifier, value, timestamp_ms))

    def say(self, flag: str, codifier: str, number: float) -> None:
        """Send a control frame; raises DriverError for one that there is not."""
        known = _checked(flag, codifier, number)
        self._in_loop(lambda: self._commanding.give(known, codifier, number))

    def close(self) -> None:
        """Command no more; closing twice is harmless."""
        self._commanding.close()

    def _in_loop(self, function: Callable[[], T]) -> T:
        if threading.get_ident() == self._thread:
            return function()
        outcome: concurrent.futures.Future[T] = concurrent.futures.Future()
        try:
            self._loop.call_soon_threadsafe(_settle, outcome, function)
            return outcome.result(LOOP_ANSWERS_WITHIN_S)
        except (RuntimeError, TimeoutError) as error:
            raise DriverError("the node is ending") from error


def _settle(outcome: concurrent.futures.Future[T], function: Callable[[], T]) -> None:
    try:
        outcome.set_result(function())
    except Exception as error:  # noqa: BLE001 - whoever waits for the outcome raises it
        outcome.set_exception(error)


def _checked(flag: str, codifier: str, number: float) -> Flag:
    """Return the flag of a frame that can be sent; raises DriverError."""
    if flag not in SAYABLE:
        raise DriverError(f"{flag!r} cannot be sent by a driver", f"one of {' '.join(sorted(SAYABLE))} can")
    if codifier != EVERYBODY and not is_codifier(codifier):
        raise DriverError(f"{codifier!r} is no codifier", "a codifier is two printable ASCII characters")
    if not math.isfinite(number):
        raise DriverError(f"{flag} to {codifier}: {number} is not a finite number")
    return Flag(flag)
