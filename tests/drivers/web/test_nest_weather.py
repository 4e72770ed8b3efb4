"""The weather outside, of the driver `nest`, against an Open-Meteo of our own: seldom asked for, never in the way."""

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from config.loading import load
from drivers import nest, registry
from drivers.driver import DriverError, Measured, Measurements, Place
from drivers.nest import Nest, NestOptions
from drivers.web import nest_credentials
from drivers.web.answers import Patience
from drivers.web.nest_weather import OUTSIDE
from tests.drivers.devices.http import Reply, hanging
from tests.drivers.devices.nest import Google, thermostat
from tests.drivers.devices.weather import OpenMeteo, refusal, weather
from tests.support.driven_time import START_MS, ManualClock

PATIENCE_S: Final = 10.0
HURRY: Final = Patience(0.3, 0.3, 0.3)
LEISURE: Final = Patience(60.0, 60.0, 60.0)
QUARTER_S: Final = 900
ORIGINAL: Final = Path(__file__).parents[2] / "config/original.json"


@pytest.fixture
def open_meteo(stack: ExitStack, clock: ManualClock) -> OpenMeteo:
    return stack.enter_context(OpenMeteo(clock).serving())


@pytest.fixture
def file(google: Google, open_meteo: OpenMeteo, tmp_path: Path) -> Path:
    return google.write(tmp_path / "nest.json", **open_meteo.house())


Say = Callable[..., Path]


@pytest.fixture
def say(google: Google, file: Path) -> Say:
    """Let the file of credentials say something else of the weather."""
    return lambda **said: google.write(file, **said)


Build = Callable[..., Nest]


@pytest.fixture
def build(stack: ExitStack, file: Path, place: Place, clock: ManualClock) -> Build:
    def build(place: Place = place, **options: Any) -> Nest:
        given = NestOptions(credentials=str(file), **{"outside": True, **options})
        return stack.enter_context(closing(Nest(given, place, lambda: clock.wall_ms / 1000)))

    return build


def outside(measured: Measurements) -> dict[str, object]:
    """Return what a read gave of the weather, after a look whether the thermostat gave all of its own."""
    assert measured["temperature"] == 20.5 or measured["temperature"].value == 20.5  # type: ignore[union-attr]
    return {channel: measured[channel] for channel in OUTSIDE if channel in measured}


def outside_after(clock: ManualClock, seconds: float, driver: Nest) -> dict[str, object]:
    clock.pass_time(seconds)
    return outside(driver.read())


def error_of(found: Mapping[str, object]) -> str:
    """Return the one error that both channels have."""
    assert found.keys() == set(OUTSIDE)
    [error] = {str(value) for value in found.values() if isinstance(value, DriverError)}
    return error


def measured(time_ms: float, temperature: object = 2.4, humidity: object = 86) -> dict[str, object]:
    values = {"outside_temperature": temperature, "outside_humidity": humidity}
    return {channel: Measured(value, timestamp_ms=int(time_ms)) for channel, value in values.items()}  # type: ignore[arg-type]


class TestValues:
    """What Open-Meteo says as channels."""

    def test_the_weather_is_as_old_as_open_meteo_says(self, build: Build, open_meteo: OpenMeteo) -> None:
        assert outside(build().read()) == measured(open_meteo.time_ms)
        assert START_MS - QUARTER_S * 1000 < open_meteo.time_ms < START_MS

    def test_the_documentation_s_own_answer(self, build: Build, open_meteo: OpenMeteo) -> None:
        now = {"time": "2026-11-29T20:15", "interval": 900, "temperature_2m": 2.4, "relative_humidity_2m": 86}
        open_meteo.more = {"current": now}
        assert outside(build().read()) == measured(1_795_983_300_000)

    def test_whole_numbers_stay_whole_and_frost_is_below_zero(self, build: Build, open_meteo: OpenMeteo) -> None:
        open_meteo.temperature, open_meteo.humidity = -7, 100
        assert outside(build().read()) == measured(open_meteo.time_ms, -7, 100)

    def test_what_is_not_known_is_no_reading_and_no_error(self, build: Build, open_meteo: OpenMeteo) -> None:
        open_meteo.humidity = None
        assert outside(build().read()).keys() == {"outside_temperature"}

    def test_a_time_of_another_zone_is_taken_as_one(self, build: Build, open_meteo: OpenMeteo) -> None:
        open_meteo.more = {"utc_offset_seconds": 3600}
        assert outside(build().read()) == measured(open_meteo.time_ms - 3_600_000)

    def test_the_weather_is_told_of_also_while_the_thermostat_is_offline(self, google: Google, build: Build) -> None:
        google.devices = [thermostat(Connectivity={"status": "OFFLINE"})]
        assert build().read().keys() == {"online", *OUTSIDE}

    def test_while_google_gives_an_error_the_whole_read_is_one(self, google: Google, build: Build) -> None:
        google.revoke()
        with pytest.raises(DriverError, match="invalid_grant"):
            build().read()


class TestPrivacy:
    """Who is told what."""

    def test_open_meteo_is_told_a_hundredth_of_a_degree_and_nothing_of_google(
        self, open_meteo: OpenMeteo, build: Build, say: Say
    ) -> None:
        say(**open_meteo.house(-33.856784, 151.215297))
        build().read()
        [asked] = open_meteo.asked
        assert asked.path == (
            "/v1/forecast?latitude=-33.86&longitude=151.22&current=temperature_2m,relative_humidity_2m"
        )
        assert asked.headers.keys() == {"host", "user-agent", "accept", "accept-encoding", "connection"}

    def test_without_coordinates_nobody_is_asked_which_is_said_once(
        self, open_meteo: OpenMeteo, build: Build, say: Say, clock: ManualClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        file = say(weather_url=open_meteo.house()["weather_url"])
        driver = build()
        assert [outside(driver.read()), outside_after(clock, 60, driver)] == [{}, {}]
        assert open_meteo.asked == []
        [message] = caplog.messages
        assert message == (
            f"FK: {file} does not say where the weather is wanted: outside_temperature and outside_humidity will have "
            "no readings; add `latitude` and `longitude`, or call jph nest authorize with them"
        )

    def test_who_has_no_channels_for_it_asks_nobody(self, open_meteo: OpenMeteo, build: Build) -> None:
        assert outside(build(outside=False).read()) == {}
        assert open_meteo.asked == []

    def test_what_stands_in_the_url_is_kept_and_not_shown(self, open_meteo: OpenMeteo, build: Build, say: Say) -> None:
        say(**{**open_meteo.house(), "weather_url": f"{open_meteo.url}/v1/forecast?apikey=hunter2"})
        open_meteo.next_answers(refusal(403, "The API key is invalid"))
        error = error_of(outside(build().read()))
        assert open_meteo.asked[0].path.startswith("/v1/forecast?apikey=hunter2&latitude=52.52&")
        assert error == f"{open_meteo.url}/v1/forecast?… answers 403 Forbidden: The API key is invalid"


class TestRhythm:
    """How often Open-Meteo is asked."""

    def test_the_same_time_again_is_no_new_reading(
        self, open_meteo: OpenMeteo, build: Build, clock: ManualClock
    ) -> None:
        open_meteo.stopped_ms = START_MS
        driver = build()
        assert outside(driver.read()) == measured(open_meteo.time_ms)
        assert outside_after(clock, QUARTER_S, driver) == {}
        assert len(open_meteo.asked) == 2

    def test_an_earlier_time_is_no_new_reading(self, open_meteo: OpenMeteo, build: Build, clock: ManualClock) -> None:
        driver = build()
        driver.read()
        open_meteo.stopped_ms = START_MS - QUARTER_S * 1000
        assert outside_after(clock, QUARTER_S, driver) == {}

    def test_ten_nodes_ask_once_in_a_quarter_of_an_hour_and_all_have_each_weather(
        self, open_meteo: OpenMeteo, build: Build, clock: ManualClock
    ) -> None:
        drivers = [build() for _ in range(10)]
        readings: list[dict[str, object]] = []
        for _ in range(2 * 60 + 1):
            readings += [found for driver in drivers if (found := outside(driver.read()))]
            clock.pass_time(60)
        assert open_meteo.asked_s == [1000.0 + QUARTER_S * number for number in range(9)]
        assert len(readings) == 9 * 10

    def test_a_node_that_comes_later_has_the_weather_there_is(
        self, open_meteo: OpenMeteo, build: Build, clock: ManualClock
    ) -> None:
        expected = outside(build().read())
        assert outside_after(clock, 30, build()) == expected
        assert len(open_meteo.asked) == 1

    def test_another_house_is_asked_for_at_once(
        self, open_meteo: OpenMeteo, build: Build, say: Say, clock: ManualClock
    ) -> None:
        driver = build()
        driver.read()
        open_meteo.temperature = 31.5
        say(**open_meteo.house(48.14, 11.58))
        assert outside_after(clock, 1, driver) == measured(open_meteo.time_ms, 31.5)

    def test_of_another_house_nothing_of_the_first_is_told(
        self, open_meteo: OpenMeteo, build: Build, say: Say, clock: ManualClock
    ) -> None:
        build().read()
        say(**open_meteo.house(48.14, 11.58))
        open_meteo.next_answers(Reply(status=500))
        other = build()
        assert "500 Internal Server Error" in error_of(outside(other.read()))
        assert outside_after(clock, 60, other) == measured(open_meteo.time_ms)

    def test_after_errors_it_is_asked_in_a_minute_and_then_ever_less_often(
        self, open_meteo: OpenMeteo, build: Build, clock: ManualClock
    ) -> None:
        open_meteo.fails = lambda: True
        driver = build(every=15)
        for _ in range(60):
            error_of(outside(driver.read()))
            clock.pass_time(60)
        assert [at - 1000 for at in open_meteo.asked_s] == [0, 60, 180, 420, 900, 1800, 2700]
        open_meteo.fails = lambda: False
        assert outside(driver.read()) == measured(open_meteo.time_ms)

    def test_who_is_told_that_it_was_too_much_waits_as_long_as_is_said(
        self, open_meteo: OpenMeteo, build: Build, clock: ManualClock
    ) -> None:
        open_meteo.next_answers(refusal(429, "Hourly API request limit exceeded.", Retry_After="1800"))
        driver, other = build(), build()
        error = error_of(outside(driver.read()))
        assert error.endswith(
            "answers 429 Too Many Requests: Hourly API request limit exceeded.; see who else asks from this address"
        )
        assert error_of(outside_after(clock, 1799, other)) == error
        assert len(open_meteo.asked) == 1
        clock.pass_time(60)
        assert outside(driver.read()) == measured(open_meteo.time_ms)

    def test_two_hours_with_errors_come_to_what_is_computed(
        self, google: Google, open_meteo: OpenMeteo, build: Build, clock: ManualClock
    ) -> None:
        """The thermostat has all of its readings, and the weather one for each request that did not fail."""
        plan = Random(3)
        failed: list[bool] = []

        def fails() -> bool:
            failed.append(plan.random() < 0.3)
            return failed[-1]

        open_meteo.fails = fails
        driver = build()
        readings = 0
        for _ in range(2 * 60):
            found = outside(driver.read())
            readings += isinstance(found.get("outside_temperature"), Measured)
            clock.pass_time(60)
        assert len(google.listed) == 2 * 60
        assert 0 < sum(failed) < len(failed)
        assert readings == len(failed) - sum(failed)


class TestErrors:
    """What goes wrong is an error of the two channels; `outside` sees that the thermostat has its readings."""

    @pytest.mark.parametrize(
        ("reply", "error"),
        [
            (
                refusal(400, "Latitude must be in range\x1b[2J " + "x" * 500),
                "answers 400 Bad Request: Latitude must be in range\\x1b[2J xxx",
            ),
            (Reply(b"<html>", 502), "answers 502 Bad Gateway"),
            (Reply(b'{"reason": 3}', 404), "answers 404 Not Found; see whether `weather_url` is right"),
            (Reply(b"[" * 100_000, 500), "answers 500 Internal Server Error"),
            (Reply(b"<html>"), "answers something else: JSON is malformed"),
            (Reply(b"[" * 100_000), "answers something else: "),
            (Reply(b"{}"), "answers something else: Object missing required field `current`"),
            (weather(0), "answers something else: '1970-01-01T00:00' is before there was such weather"),
            (weather(START_MS, "mild"), "Expected `int | float | null`, got `str` - at `$.current.temperature_2m`"),
            (weather(START_MS, 451), "Expected `int` <= 100 - at `$.current.temperature_2m`"),
            (weather(START_MS, True), "got `bool`"),
            (weather(START_MS, humidity=100.5), "Expected `float` <= 100.0 - at `$.current.relative_humidity_2m`"),
            (weather(START_MS, current={"time": "now"}), "answers something else: Invalid isoformat string: 'now'"),
            (weather(START_MS, utc_offset_seconds=10**9), "at `$.utc_offset_seconds`"),
            (
                weather(START_MS, current_units={"temperature_2m": "°F", "relative_humidity_2m": "%"}),
                "answers something else: temperature_2m is in '°F', and not in °C",
            ),
            (Reply(raw=b""), "the connection was closed before there was an answer"),
            (Reply(raw=b"HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\n{"), "in the middle of the answer"),
        ],
    )
    def test_what_open_meteo_says_is_told_in_words(
        self, open_meteo: OpenMeteo, build: Build, reply: Reply, error: str
    ) -> None:
        open_meteo.next_answers(reply)
        told = error_of(outside(build().read()))
        assert error in told
        assert told.isprintable()
        assert len(told) < 400

    @pytest.mark.parametrize(
        ("house", "error"),
        [
            ({"latitude": 95, "longitude": 0}, "latitude is 95, and not from -90 to 90"),
            ({"latitude": 0, "longitude": -180.5}, "longitude is -180.5, and not from -180 to 180"),
            ({"latitude": "52,52", "longitude": 0}, "Expected `float`, got `str` - at `$.latitude`"),
            ({"latitude": 52.52}, "Object missing required field `longitude`"),
            ({"latitude": 1, "longitude": 1, "weather_url": "ftp://x"}, "weather_url does not begin with http://"),
            ({"latitude": 1, "longitude": 1, "weather_url": ""}, "weather_url does not begin with http://"),
        ],
    )
    def test_a_house_that_is_nowhere_is_told_with_its_file(
        self, open_meteo: OpenMeteo, build: Build, say: Say, house: dict[str, object], error: str
    ) -> None:
        file = say(**house)
        told = error_of(outside(build().read()))
        assert told.startswith(f"{file} does not say where the weather is wanted: {error}")
        assert told.endswith("; give it `latitude` and `longitude` in degrees")
        assert open_meteo.asked == []

    def test_a_server_that_hangs_is_given_up_and_the_thermostat_told_of(
        self, open_meteo: OpenMeteo, build: Build, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(nest, "PATIENCE", HURRY)
        open_meteo.hang = hanging(stack)
        assert "0.3 s" in error_of(outside(build().read()))

    def test_no_other_node_waits_for_a_server_that_hangs(
        self, open_meteo: OpenMeteo, build: Build, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(nest, "PATIENCE", LEISURE)
        asked, reading, _ = hang_at_a_read(open_meteo, build(), stack)
        assert asked.wait(PATIENCE_S)
        assert outside(build().read()) == {}
        assert reading.is_alive()

    def test_a_read_that_hangs_ends_when_the_driver_is_closed(
        self, open_meteo: OpenMeteo, build: Build, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(nest, "PATIENCE", LEISURE)
        driver = build()
        asked, reading, found = hang_at_a_read(open_meteo, driver, stack)
        assert asked.wait(PATIENCE_S)
        driver.close()
        reading.join(PATIENCE_S)
        assert "the driver is closed" in error_of(found)

    @pytest.mark.parametrize("seconds", [2, 4])
    def test_after_a_slow_google_there_is_another_read_for_the_weather(
        self, google: Google, open_meteo: OpenMeteo, build: Build, place: Place, seconds: float
    ) -> None:
        woken: list[bool] = []
        driver = build(replace(place, wake=lambda: woken.append(True)))
        delays_s = iter([0.0, seconds])  # of the token and of the list
        google.hang = lambda: open_meteo.clock.pass_time(next(delays_s, 0.0))
        assert outside(driver.read()) == {}
        assert (woken, open_meteo.asked) == ([True], [])
        assert driver.read() == measured(open_meteo.time_ms)
        assert woken == [True]


def test_a_new_refresh_token_leaves_the_house_where_it_stands(
    google: Google, open_meteo: OpenMeteo, build: Build, file: Path
) -> None:
    google.rotates = True
    build().read()
    assert nest_credentials.read(file) == google.credentials(refresh_token="1//refresh-1", **open_meteo.house())  # noqa: S106


def test_all_sensors_of_the_original_s_nest_have_readings(
    google: Google, open_meteo: OpenMeteo, clock: ManualClock, tmp_path: Path
) -> None:
    node = load(str(ORIGINAL), registry.options_of).nodes["N1"]
    place = Place("N1", tmp_path / "state", clock.monotonic, root=tmp_path)
    google.write(place.locate("~/.nestpassword"), **open_meteo.house())
    with closing(registry.driver_class(node.driver)(node.options, place)) as driver:
        found = driver.read()
    assert isinstance(found, Mapping)
    assert {sensor.codifier: found[sensor.channel or "value"] for sensor in node.sensors} == {
        "N1": 0,
        "N2": 20.5,
        "N3": 41,
        "N4": 21.0,
        "N5": Measured(2.4, timestamp_ms=open_meteo.time_ms),
        "N6": Measured(86, timestamp_ms=open_meteo.time_ms),
    }


def hang_at_a_read(
    open_meteo: OpenMeteo, driver: Nest, stack: ExitStack
) -> tuple[threading.Event, threading.Thread, dict[str, object]]:
    """Begin a read that hangs at the weather.

    Return what is set when it does, its thread, and where it puts what it found.
    """
    asked = threading.Event()
    found: dict[str, object] = {}
    reading = threading.Thread(target=lambda: found.update(outside(driver.read())))
    stack.callback(reading.join, PATIENCE_S)
    wait = hanging(stack)

    def hang() -> None:
        asked.set()
        wait()

    open_meteo.hang = hang
    reading.start()
    return asked, reading, found
