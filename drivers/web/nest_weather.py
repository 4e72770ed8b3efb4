"""The weather outside the house of a thermostat, of which Google tells nothing: asked for by all nodes together.

What is wrong with it is an error of these channels, never of the thermostat.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from drivers.driver import DriverError, Measured, Measurements, Place, RetryLaterError
from drivers.web import open_meteo
from drivers.web.nest_credentials import Credentials
from drivers.web.open_meteo import INTERVAL_S, House, Weather

if TYPE_CHECKING:
    from drivers.web.http import HttpClient  # 6 MiB that only who asks web servers needs

log: Final = logging.getLogger("jph.driver")

OUTSIDE: Final = ("outside_temperature", "outside_humidity")
FIRST_PAUSE_S: Final = 60.0  # after a failure; after each further one twice as long, up to the usual interval

_MOST_DOUBLINGS: Final = 4  # of the pause: then it is longer than the usual interval


class Report(NamedTuple):
    """A weather; one of another time, or of another place, has the next number."""

    number: int
    weather: Weather


class SharedWeather:
    """What all nodes of one file of credentials know of the weather. Any thread may ask."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._asking = threading.Lock()
        self._number = 0  # of the last report
        self._house: House | None = None  # of which all that follows is
        self._report: Report | None = None
        self._failure: DriverError | None = None  # of the last request
        self._failures = 0  # in a row
        self._not_before_s = 0.0

    def has_more(self, house: House, seen: int) -> bool:
        """Tell whether `news` would ask, or has a report with a higher number than `seen`."""
        return self._is_due(house) or self._unseen(seen) is not None

    def news(self, client: "HttpClient", house: House, seen: int) -> Report | None:
        """Return a report with a higher number than `seen`, asking for it when it is time.

        None when there is nothing new yet, also while another node is asking: a thermostat does not wait for that.
        Raises DriverError while there is nothing new because the last request failed.
        """
        if not self._asking.acquire(blocking=False):
            return None
        try:
            if self._is_due(house):
                self._ask(client, house)
            report, failure = self._unseen(seen), self._failure
        finally:
            self._asking.release()
        if report is None and failure is not None:
            raise DriverError(failure.message, failure.hint)
        return report

    def _is_due(self, house: House) -> bool:
        return house != self._house or self._monotonic() >= self._not_before_s

    def _unseen(self, seen: int) -> Report | None:
        report = self._report
        return report if report is not None and report.number > seen else None

    def _ask(self, client: "HttpClient", house: House) -> None:
        if house != self._house:
            self._house, self._report, self._failures = house, None, 0
        self._not_before_s = self._monotonic() + INTERVAL_S
        try:
            self._succeeded(open_meteo.current(client, house))
        except DriverError as error:
            self._failed(error)

    def _succeeded(self, weather: Weather) -> None:
        self._failure, self._failures = None, 0
        if self._report is None or weather.time_ms > self._report.weather.time_ms:
            self._number += 1
            self._report = Report(self._number, weather)

    def _failed(self, error: DriverError) -> None:
        pause_s = min(FIRST_PAUSE_S * 2 ** min(self._failures, _MOST_DOUBLINGS), INTERVAL_S)
        asked_s = error.retry_after_s if isinstance(error, RetryLaterError) else 0.0
        self._failure, self._failures = error, self._failures + 1
        self._not_before_s = self._monotonic() + max(pause_s, asked_s)


class Outside:
    """The channels of the weather of one node."""

    def __init__(self, shared: SharedWeather, client: "HttpClient", place: Place, path: Path) -> None:
        self._shared = shared
        self._client = client
        self._place = place
        self._path = path  # of the credentials
        self._seen = 0
        self._said_once = False

    def read(self, credentials: Credentials, *, is_late: bool) -> Measurements:
        """Return what is new of the weather, or why there is none. A read that is late leaves it to the next one."""
        try:
            house = self._house(credentials)
            if house is None:
                return self._nothing()
            return self._later(house) if is_late else self._now(house)
        except DriverError as error:
            return dict.fromkeys(OUTSIDE, error)

    def _house(self, credentials: Credentials) -> House | None:
        try:
            return open_meteo.house_of(credentials.weather)
        except ValueError as error:
            message = f"{self._path} does not say where the weather is wanted: {error}"
            raise DriverError(message, "give it `latitude` and `longitude` in degrees") from error

    def _nothing(self) -> Measurements:
        if not self._said_once:
            self._said_once = True
            log.warning(
                "%s: %s does not say where the weather is wanted: %s will have no readings; "
                "add `latitude` and `longitude`, or call jph nest authorize with them",
                self._place.codifier,
                self._path,
                " and ".join(OUTSIDE),
            )
        return {}

    def _later(self, house: House) -> Measurements:
        if self._shared.has_more(house, self._seen):
            self._place.wake()
        return {}

    def _now(self, house: House) -> Measurements:
        report = self._shared.news(self._client, house, self._seen)
        if report is None:
            return {}
        self._seen = report.number
        return _measured(report.weather)


def _measured(weather: Weather) -> Measurements:
    values = dict(zip(OUTSIDE, (weather.temperature, weather.humidity), strict=True))
    return {
        channel: Measured(value, timestamp_ms=weather.time_ms) for channel, value in values.items() if value is not None
    }
