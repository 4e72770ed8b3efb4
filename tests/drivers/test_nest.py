"""The driver `nest` against a Google of our own: what thermostats say, within the quota, whatever goes wrong."""

import json
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

import pytest

from drivers import nest
from drivers.driver import DriverError, Measured, Measurements, Place, RetryLaterError
from drivers.nest import Nest, NestOptions, chosen
from drivers.web import nest_credentials
from drivers.web.answers import Patience
from drivers.web.nest_account import REVOKED_S, SHORTEST_INTERVAL_S
from drivers.web.nest_api import Device
from tests.drivers.devices.http import Asked, Reply, hanging
from tests.drivers.devices.nest import DOORBELL, LISTS_PER_MINUTE, SECRET, Google, thermostat, trouble
from tests.support.driven_time import START_MS, ManualClock

PATIENCE_S: Final = 10.0
HURRY: Final = Patience(0.3, 0.3, 0.3)


@pytest.fixture
def file(google: Google, tmp_path: Path) -> Path:
    return google.write(tmp_path / "nest.json")


Build = Callable[..., Nest]


@pytest.fixture
def build(stack: ExitStack, file: Path, place: Place, clock: ManualClock) -> Build:
    def build(**options: Any) -> Nest:
        given = NestOptions(credentials=str(file), **options)
        return stack.enter_context(closing(Nest(given, place, lambda: clock.wall_ms / 1000)))

    return build


def read_after(clock: ManualClock, seconds: float, driver: Nest) -> Measurements:
    clock.pass_time(seconds)
    return driver.read()


def error_of(driver: Nest) -> DriverError:
    with pytest.raises(DriverError) as failure:
        driver.read()
    assert SECRET not in str(failure.value)
    assert "1//" not in str(failure.value)
    assert "ya29" not in str(failure.value)
    return failure.value


def says(google: Google, build: Build, **traits: dict[str, Any]) -> Measurements:
    google.devices = [thermostat("Hall", **traits)]
    return build().read()


class TestValues:
    """What the traits of a thermostat are as channels."""

    def test_a_thermostat_that_heats(self, google: Google, build: Build) -> None:
        assert says(google, build) == {
            "value": 0,
            "temperature": 20.5,
            "humidity": 41,
            "target": 21.0,
            "heat": 21.0,
            "hvac": 1,
            "mode": "HEAT",
            "online": 1,
        }

    @pytest.mark.parametrize(
        ("mode", "setpoint", "channels"),
        [
            ("HEAT", {"heatCelsius": 21.0}, {"target": 21.0, "heat": 21.0}),
            ("COOL", {"coolCelsius": 24.5}, {"target": 24.5, "cool": 24.5}),
            ("HEATCOOL", {"heatCelsius": 19.0, "coolCelsius": 25.0}, {"heat": 19.0, "cool": 25.0}),
            ("OFF", {}, {}),
            ("OFF", {"heatCelsius": 21.0}, {}),
        ],
    )
    def test_the_target_is_the_setpoint_of_the_mode_where_it_has_one(
        self, google: Google, build: Build, mode: str, setpoint: dict[str, float], channels: dict[str, float]
    ) -> None:
        said = says(google, build, ThermostatMode={"mode": mode}, ThermostatTemperatureSetpoint=setpoint)
        assert {name: said[name] for name in ("target", "heat", "cool") if name in said} == channels
        assert said["mode"] == mode

    @pytest.mark.parametrize(
        ("mode", "channels"),
        [
            ("HEAT", {"target": 16.5, "heat": 16.5}),
            ("COOL", {"target": 27.0, "cool": 27.0}),
            ("HEATCOOL", {"heat": 16.5, "cool": 27.0}),
            ("OFF", {}),
        ],
    )
    def test_in_eco_nobody_is_at_home_and_the_setpoints_are_those_of_eco(
        self, google: Google, build: Build, mode: str, channels: dict[str, float]
    ) -> None:
        eco = {"mode": "MANUAL_ECO", "heatCelsius": 16.5, "coolCelsius": 27.0}
        traits: dict[str, dict[str, Any]] = {
            "ThermostatMode": {"mode": mode},
            "ThermostatEco": eco,
            "ThermostatTemperatureSetpoint": {},
        }
        said = says(google, build, **traits)
        assert {name: said[name] for name in ("target", "heat", "cool") if name in said} == channels
        assert said["value"] == 1

    @pytest.mark.parametrize(("status", "number"), [("OFF", 0), ("HEATING", 1), ("COOLING", -1)])
    def test_what_it_does_is_a_number(self, google: Google, build: Build, status: str, number: int) -> None:
        assert says(google, build, ThermostatHvac={"status": status})["hvac"] == number

    def test_a_trait_that_is_missing_is_no_reading_and_no_error(self, google: Google, build: Build) -> None:
        said = says(google, build, Humidity={}, ThermostatEco={}, ThermostatHvac={}, Connectivity={})
        assert said.keys() == {"temperature", "target", "heat", "mode"}

    def test_a_field_that_is_not_what_is_documented_is_no_reading(self, google: Google, build: Build) -> None:
        said = says(
            google,
            build,
            Temperature={"ambientTemperatureCelsius": "warm"},
            Humidity={"ambientHumidityPercent": True},
            ThermostatHvac={"status": ["HEATING"]},
            ThermostatMode={"mode": "DANCE"},
            ThermostatEco={"mode": 3},
            Connectivity={"status": None},
            ThermostatTemperatureSetpoint={"heatCelsius": 10**400},
        )
        assert said == {}

    def test_of_one_that_lost_its_connection_nothing_else_is_told(self, google: Google, build: Build) -> None:
        assert says(google, build, Connectivity={"status": "OFFLINE"}) == {"online": 0}


class TestWhich:
    """One of several thermostats."""

    def test_a_doorbell_is_no_thermostat(self, google: Google, build: Build) -> None:
        google.devices = [DOORBELL, thermostat()]
        assert build().read()["temperature"] == 20.5

    @pytest.mark.parametrize("name", ["Attic", " attic", "AVPHwEu-Attic", "Under the roof"])
    def test_one_is_named_by_its_room_its_id_or_its_own_name(self, google: Google, build: Build, name: str) -> None:
        attic = thermostat("Attic", Info={"customName": "Under the roof"}, Humidity={"ambientHumidityPercent": 55})
        google.devices = [thermostat("Hall"), attic]
        assert build(device=name).read()["humidity"] == 55

    def test_without_a_name_several_are_an_error_that_lists_them(self, google: Google, build: Build) -> None:
        google.devices = [thermostat("Hall"), thermostat("Attic\x1b[2J"), DOORBELL]
        driver = build()
        error = str(error_of(driver))
        assert error == "there are 2 thermostats; name one with `device`: Hall, Attic\\x1b[2J"
        assert str(error_of(driver)) == error
        assert len(google.listed) == 1

    def test_a_name_that_none_has_is_an_error_that_lists_them(self, build: Build) -> None:
        assert str(error_of(build(device="Cellar"))) == "no thermostat is called 'Cellar'; there are: Hall"

    def test_a_name_that_two_have_is_an_error(self) -> None:
        one, other = (Device(name=f"e/p/devices/{n}", type="sdm.devices.types.THERMOSTAT") for n in ("A", "a"))
        with pytest.raises(DriverError, match="2 thermostats are called 'a'"):
            chosen([one, other], "a", "")

    def test_of_many_not_all_are_listed(self, google: Google, build: Build) -> None:
        google.devices = [thermostat(f"Room {number}") for number in range(12)]
        assert str(error_of(build())).endswith("Room 8, Room 9 and 2 more")

    def test_none_at_all_is_an_error(self, google: Google, build: Build, file: Path) -> None:
        google.devices = []
        error = str(error_of(build()))
        assert error == f"Google lists no thermostat; consent to one: jph nest authorize --credentials {file}"


class TestQuota:
    """Requests for the list, which Google counts."""

    def test_all_nodes_share_one_list(self, google: Google, build: Build) -> None:
        drivers = [build() for _ in range(3)]
        assert [driver.read()["temperature"] for driver in drivers] == [20.5] * 3
        assert len(google.listed) == 1

    def test_a_read_in_between_gives_nothing_and_asks_nobody(
        self, google: Google, build: Build, clock: ManualClock
    ) -> None:
        driver = build()
        driver.read()
        assert [read_after(clock, 14, driver) for _ in range(4)] == [{}] * 4
        assert read_after(clock, 4, driver)["temperature"] == 20.5
        assert len(google.listed) == 2

    def test_a_node_that_reads_later_says_when_it_was_measured(self, build: Build, clock: ManualClock) -> None:
        build().read()
        later = read_after(clock, 20, build())
        assert later["temperature"] == Measured(20.5, timestamp_ms=int(START_MS))

    def test_a_new_list_is_a_reading_also_when_nothing_changed(self, build: Build, clock: ManualClock) -> None:
        driver = build()
        first = driver.read()
        assert read_after(clock, 60, driver) == first

    @pytest.mark.parametrize(("every", "lists"), [(60, 11), (15, 41)])
    def test_ten_nodes_that_read_every_five_seconds_stay_within_it(
        self, google: Google, build: Build, clock: ManualClock, every: float, lists: int
    ) -> None:
        drivers = [build(every=every) for _ in range(10)]
        readings = 0
        for _ in range(121):
            readings += sum(bool(driver.read()) for driver in drivers)
            clock.pass_time(5)
        assert len(google.listed) == lists
        assert readings == lists * 10
        assert most_in_a_minute(google.listed) <= LISTS_PER_MINUTE

    def test_a_server_that_fails_is_not_asked_more_often(
        self, google: Google, build: Build, clock: ManualClock
    ) -> None:
        google.next_answers(*[trouble(503, "UNAVAILABLE", "The service is currently unavailable.")] * 100)
        drivers = [build() for _ in range(10)]
        for _ in range(24):
            told = {str(error_of(driver)) for driver in drivers}
            assert told == {"Google answers 503 UNAVAILABLE: The service is currently unavailable."}
            clock.pass_time(5)
        assert len(google.listed) == 8
        assert most_in_a_minute(google.listed) <= LISTS_PER_MINUTE

    def test_after_an_error_it_is_tried_again_soon(self, google: Google, build: Build, clock: ManualClock) -> None:
        google.next_answers(trouble(500, "INTERNAL", "Internal error"))
        driver = build()
        error_of(driver)
        assert read_after(clock, SHORTEST_INTERVAL_S, driver)["temperature"] == 20.5

    @pytest.mark.parametrize(
        ("headers", "pause_s"), [({}, 60.0), ({"Retry-After": "7"}, 60.0), ({"Retry-After": "90"}, 90.0)]
    )
    def test_who_is_told_that_it_was_too_much_waits_a_minute_at_least(
        self, google: Google, build: Build, clock: ManualClock, headers: dict[str, str], pause_s: float
    ) -> None:
        reply = trouble(429, "RESOURCE_EXHAUSTED", "Rate limited")
        google.next_answers(reply._replace(headers={**reply.headers, **headers}))
        driver, other = build(), build()
        error = error_of(driver)
        assert isinstance(error, RetryLaterError)
        assert error.retry_after_s == pause_s
        assert "Google answers 429 RESOURCE_EXHAUSTED: Rate limited; give the node a longer `every`" in str(error)
        clock.pass_time(pause_s - 1)
        again = error_of(other)
        assert isinstance(again, RetryLaterError)
        assert again.retry_after_s == 1
        assert len(google.listed) == 1
        assert read_after(clock, 1, other)["temperature"] == 20.5

    def test_the_quota_of_the_documentation_is_that_of_the_server(self, google: Google, build: Build) -> None:
        """Without this the tests above could not fail."""
        build().read()
        google.listed += [google.monotonic()] * LISTS_PER_MINUTE
        assert google._list(_with_token(google)).status == 429


class TestTokens:
    """Access tokens, and what is left to do when Google takes none."""

    def test_a_token_is_used_as_long_as_it_is_good(self, google: Google, build: Build, clock: ManualClock) -> None:
        driver = build()
        for _ in range(59):
            assert driver.read()
            clock.pass_time(60)
        assert google.refreshed == 1
        assert read_after(clock, 60, driver)
        assert google.refreshed == 2

    def test_a_token_that_is_refused_early_is_replaced_and_the_list_asked_for_again(
        self, google: Google, build: Build, clock: ManualClock
    ) -> None:
        driver = build()
        driver.read()
        google.access_tokens.clear()
        assert read_after(clock, 60, driver)["temperature"] == 20.5
        assert (google.refreshed, len(google.listed)) == (2, 3)

    def test_a_new_token_that_is_refused_too_is_an_error(self, google: Google, build: Build, file: Path) -> None:
        google.next_answers(*[trouble(401, "UNAUTHENTICATED", "Invalid credentials")] * 2)
        error = str(error_of(build()))
        assert "answers 401 Unauthorized, also with a new token" in error
        assert f"jph nest authorize --credentials {file}" in error
        assert (google.refreshed, len(google.listed)) == (2, 2)

    def test_a_consent_that_was_taken_back_is_told_and_google_left_alone(
        self, google: Google, build: Build, clock: ManualClock
    ) -> None:
        driver = build()
        google.revoke()
        requests = Counter()
        google.hang = requests
        for _ in range(int(REVOKED_S / 60)):
            assert str(error_of(driver)) == (
                "Google answers invalid_grant: Token has been expired or revoked.; consent again: jph nest authorize"
            )
            clock.pass_time(60)
        assert requests.count == 1
        error_of(driver)
        assert requests.count == 2

    def test_new_credentials_hold_at_once(self, google: Google, build: Build, file: Path) -> None:
        driver = build()
        google.revoke()
        error_of(driver)
        google.refresh_tokens.add("1//another")
        google.write(file, refresh_token="1//another")  # noqa: S106 - of this server
        assert driver.read()["temperature"] == 20.5

    def test_an_oauth_client_that_was_removed_is_told(self, google: Google, build: Build, file: Path) -> None:
        google.write(file, client_secret="other")  # noqa: S106 - none
        assert str(error_of(build())) == (
            "Google answers invalid_client: The OAuth client was not found.; "
            "see whether the OAuth client is still there: jph nest authorize"
        )

    def test_a_new_refresh_token_is_kept(self, google: Google, build: Build, file: Path) -> None:
        google.rotates = True
        build().read()
        assert nest_credentials.read(file) == google.credentials(refresh_token="1//refresh-1")  # noqa: S106
        assert file.stat().st_mode & 0o777 == 0o600
        assert [path.name for path in file.parent.iterdir() if path.name.startswith("nest")] == ["nest.json"]

    def test_a_new_refresh_token_is_used_also_where_it_cannot_be_kept(
        self, google: Google, place: Place, tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
    ) -> None:
        file = tmp_path / ("n" * 250)  # no file can be written beside it, whose name is longer
        file.write_bytes(google.write(tmp_path / "nest.json").read_bytes())
        file.chmod(0o600)
        google.rotates = True
        with closing(Nest(NestOptions(credentials=str(file)), place)) as driver:
            driver.read()
            google.refresh_tokens.remove("1//refresh")
            google.access_tokens.clear()
            google.rotates = False
            assert read_after(clock, 60, driver)["temperature"] == 20.5
        [message] = caplog.messages
        assert "Google's new refresh token will not survive a restart: File name too long" in message

    def test_a_slow_token_leaves_the_list_to_the_next_read(
        self, google: Google, build: Build, clock: ManualClock
    ) -> None:
        driver = build()
        google.hang = lambda: clock.pass_time(2)
        assert driver.read() == {}
        assert len(google.listed) == 0
        assert driver.read()["temperature"] == 20.5
        assert (google.refreshed, len(google.listed)) == (1, 1)


class TestAnswers:
    """Answers that are none."""

    @pytest.mark.parametrize(
        ("reply", "error"),
        [
            (
                trouble(403, "PERMISSION_DENIED", "The caller does not have permission"),
                "the consent was taken back, or the API is not enabled in the Cloud project: jph nest authorize",
            ),
            (
                trouble(404, "NOT_FOUND", "Enterprise\x1b[2J " + "x" * 500),
                "see whether `project_id` is that of the Device Access project, not of the Cloud project",
            ),
            (Reply(b"<html>", 502), "Google answers 502"),
            (Reply(b"<html>"), "answers something else: JSON is malformed"),
            (Reply(b'{"devices": 3}'), "answers something else: Expected `array`"),
            (Reply(b'{"devices": [{"name": 3}]}'), "answers something else: Expected `str`"),
            (Reply(b'{"devices": [{"name": "\xff"}]}'), "answers something else: "),
            (Reply(b'{"devices": ' + b"[" * 100_000), "answers something else: "),
            (Reply(b"\xff", 403), "Google answers 403"),
            (Reply(b"[]"), "answers something else: Expected `object`"),
            (Reply(raw=b""), "the connection was closed before there was an answer"),
            (Reply(raw=b"HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\n{"), "in the middle of the answer"),
        ],
    )
    def test_what_google_says_is_told_in_words(self, google: Google, build: Build, reply: Reply, error: str) -> None:
        google.next_answers(reply)
        told = str(error_of(build()))
        assert error in told
        assert "\x1b" not in told
        assert len(told) < 500

    def test_a_google_that_hangs_is_given_up(
        self, google: Google, build: Build, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(nest, "PATIENCE", HURRY)
        google.hang = hanging(stack)
        assert "0.3 s" in str(error_of(build()))

    def test_a_read_that_hangs_ends_when_the_driver_is_closed(
        self, google: Google, build: Build, stack: ExitStack
    ) -> None:
        asked = threading.Event()
        wait = hanging(stack)

        def hang() -> None:
            asked.set()
            wait()

        google.hang = hang
        driver = build()
        errors: list[str] = []
        reading = threading.Thread(target=lambda: errors.append(str(error_of(driver))))
        reading.start()
        assert asked.wait(PATIENCE_S)
        driver.close()
        reading.join(PATIENCE_S)
        assert "the driver is closed" in errors[0]


class TestCredentials:
    """The file of credentials."""

    def test_a_file_that_is_not_there_yet_is_read_when_it_is(
        self, google: Google, place: Place, tmp_path: Path
    ) -> None:
        file = tmp_path / "later.json"
        with closing(Nest(NestOptions(credentials=str(file)), place)) as driver:
            told = str(error_of(driver))
            assert f"the secret in {file} cannot be read: No such file or directory" in told
            assert told.endswith(f"; jph nest authorize --credentials {file}")
            google.write(file)
            assert driver.read()["temperature"] == 20.5

    def test_a_file_that_others_may_read_is_an_error(self, build: Build, file: Path) -> None:
        file.chmod(0o640)
        assert str(error_of(build())).endswith(f"chmod 600 {file}")

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            ({"client_id": 3}, "Expected `str`, got `int` - at `$.client_id`"),
            ({"refresh_token": ""}, "refresh_token is empty"),
            ({"refresh_token": "a\nb"}, "refresh_token is empty, or has characters that do not belong there"),
        ],
    )
    def test_a_file_that_is_not_understood_says_how_to_make_one(
        self, build: Build, file: Path, change: dict[str, object], error: str
    ) -> None:
        file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
        told = str(error_of(build()))
        assert error in told
        assert told.endswith(f"; jph nest authorize --credentials {file}")

    def test_the_original_system_s_file_says_how_to_make_one(self, build: Build, file: Path) -> None:
        file.write_text("ann@example.org\nhunter2\n")
        told = str(error_of(build()))
        assert "has no credentials for Google" in told
        assert "hunter2" not in told

    def test_the_file_may_be_a_link(self, google: Google, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(tmp_path / "file")
        google.write(tmp_path / "link")
        assert (tmp_path / "link").is_symlink()
        assert nest_credentials.read(tmp_path / "link") == google.credentials()


class Counter:
    """Counts how often it is called."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def most_in_a_minute(moments: list[float]) -> int:
    return max(sum(begin <= moment < begin + 60 for moment in moments) for begin in moments)


def _with_token(google: Google) -> Asked:
    token = next(iter(google.access_tokens))
    return Asked("GET", "/v1/", {"authorization": f"Bearer {token}"})
