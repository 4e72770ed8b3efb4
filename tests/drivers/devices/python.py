"""A network for drivers that use other sensors: what a test lets be heard of them, and what drivers say there."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from drivers.driver import DriverError, Latest, Place
from protocol.readings import Value
from protocol.states import value_text
from tests.support.driven_time import ManualClock


def _never() -> bool:
    return False


class Sensors:
    """What was heard of sensors by a clock. `fails()` lets single uses of the network fail.

    `sent` has what was published and said, in order.
    """

    def __init__(self, clock: ManualClock, fails: Callable[[], bool] = _never) -> None:
        self.sent: list[tuple[object, ...]] = []
        self.entries: list[dict[str, Any]] = []
        self._clock = clock
        self.fails = fails
        self._heard: dict[str, tuple[Value, float, int]] = {}
        self._more: dict[str, dict[str, str]] = {}

    def hear(self, codifier: str, value: Value, **more: str) -> None:
        """Let a reading be heard now, and other fields with it."""
        now = self._clock.now()
        self._heard[codifier] = (value, now.monotonic_s, int(now.wall_ms))
        self._more[codifier] = more

    def latest(self, codifier: str) -> Latest | None:
        self._use()
        if codifier not in self._heard:
            return None
        value, heard_s, timestamp_ms = self._heard[codifier]
        return Latest(value, timestamp_ms, self._clock.monotonic() - heard_s)

    def fields(self, codifier: str) -> Mapping[str, str]:
        self._use()
        if codifier not in self._heard:
            return {}
        value, _, timestamp_ms = self._heard[codifier]
        text = {"Codifier": codifier, "Value": value_text(value, None), "DTimestamp": str(timestamp_ms)}
        return {**text, **self._more[codifier]}

    def configuration(self) -> Mapping[str, Any]:
        return {"Sensors": self.entries}

    def publish(self, codifier: str, value: Value, timestamp_ms: int | None = None) -> None:
        self._use()
        self.sent.append((codifier, value) if timestamp_ms is None else (codifier, value, timestamp_ms))

    def say(self, flag: str, codifier: str, number: float) -> None:
        self._use()
        self.sent.append((flag, codifier, number))

    def _use(self) -> None:
        if self.fails():
            raise DriverError("the node is ending")


def place_on(network: Sensors, path: Path, clock: ManualClock, codifier: str = "PA") -> Place:
    """Return the place of a node on a network; its files lie under the path."""
    return Place(codifier, path / "state", clock.monotonic, path, clock.pass_time, network=network)
