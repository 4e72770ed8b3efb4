"""Open-Meteo as its documentation describes it, on loopback: a new weather every quarter of an hour."""

import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from tests.drivers.devices.http import FAILURES, Asked, Reply, WebDevice, never, served
from tests.support.driven_time import ManualClock

INTERVAL_S: Final = 900
UNITS: Final = {"time": "iso8601", "interval": "seconds", "temperature_2m": "°C", "relative_humidity_2m": "%"}


@dataclass
class OpenMeteo:
    """The server. `stopped_ms` is a time at which its weather stands still; `more` changes its answers.

    `hang` is called before each answer; `fails` tells for each whether it goes wrong.
    """

    clock: ManualClock
    temperature: Any = 2.4
    humidity: Any = 86
    stopped_ms: float | None = None
    more: dict[str, Any] = field(default_factory=dict)
    answers: deque[Reply] = field(default_factory=deque)
    hang: Callable[[], None] = lambda: None
    fails: Callable[[], bool] = never
    asked: list[Asked] = field(default_factory=list)
    asked_s: list[float] = field(default_factory=list)
    url: str = ""

    @contextmanager
    def serving(self) -> Iterator["OpenMeteo"]:
        """Run the server."""
        with served(WebDevice(self._answer)) as self.url:
            yield self

    def house(self, latitude: object = 52.52, longitude: object = 13.41) -> dict[str, object]:
        """Return what credentials say of a house whose weather is asked for here."""
        return {"latitude": latitude, "longitude": longitude, "weather_url": f"{self.url}/v1/forecast"}

    def next_answers(self, *replies: Reply) -> None:
        """Answer so next, whatever is asked."""
        self.answers.extend(replies)

    @property
    def time_ms(self) -> int:
        """The time of its weather: the quarter of an hour that has begun."""
        now_s = (self.clock.wall_ms if self.stopped_ms is None else self.stopped_ms) / 1000
        return int(now_s // INTERVAL_S * INTERVAL_S) * 1000

    def _answer(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        self.asked_s.append(self.clock.monotonic_s)
        self.hang()
        if self.fails():
            return FAILURES[len(self.asked) % len(FAILURES)]
        return self.answers.popleft() if self.answers else self._weather(asked)

    def _weather(self, asked: Asked) -> Reply:
        said = {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query).items()}
        if urlsplit(asked.path).path != "/v1/forecast":
            return refusal(404, "Not Found")
        unknown = set(said["current"].split(",")) - UNITS.keys()
        if unknown:
            return refusal(400, f"Cannot initialize VariableAndPreviousDay from invalid String value {unknown.pop()}.")
        if abs(float(said["latitude"])) > 90:
            return refusal(400, f"Latitude must be in range of -90 to 90°. Given: {said['latitude']}.")
        return weather(self.time_ms, self.temperature, self.humidity, **self.more)


def weather(time_ms: float, temperature: Any = 2.4, humidity: Any = 86, **more: Any) -> Reply:
    """Return the answer that has a weather; `more` is put into it."""
    time = f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%dT%H:%M}"
    document = {
        "latitude": 52.52,
        "longitude": 13.419998,
        "generationtime_ms": 0.03,
        "utc_offset_seconds": 0,
        "timezone": "GMT",
        "timezone_abbreviation": "GMT",
        "elevation": 38.0,
        "current_units": UNITS,
        "current": {
            "time": time,
            "interval": INTERVAL_S,
            "temperature_2m": temperature,
            "relative_humidity_2m": humidity,
        },
        **more,
    }
    return Reply(json.dumps(document).encode())


def refusal(status: int, reason: str, **headers: str) -> Reply:
    """Return an error as Open-Meteo tells it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(json.dumps({"error": True, "reason": reason}).encode(), status, named)
