"""`jph nest authorize`, as somebody with a thermostat calls it, before a Google of our own."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest

from config.loading import loads
from drivers import registry
from drivers.nest import NestOptions
from drivers.web import nest_credentials
from tests.console.calling import Ended, Shell
from tests.console.ptys import Terminal
from tests.drivers.devices.nest import CLIENT, DOORBELL, PROJECT, SECRET, Google, thermostat, trouble
from tests.support.driven_time import ManualClock

LANDED: Final = "https://www.google.com/?code=4%2F0Code&scope=https://www.googleapis.com/auth/sdm.service"
TYPED: Final = (PROJECT, CLIENT, SECRET, "")  # and no weather
EASY: Final = {"NO_PROXY": "127.0.0.1"}


@pytest.fixture
def google() -> Iterator[Google]:
    with Google(ManualClock().monotonic).serving() as google:
        yield google


@pytest.fixture
def client(google: Google, shell: Shell) -> Path:
    """Give the file of the OAuth client that the Cloud console lets one download."""
    path = shell.home / "client_secret.json"
    web = {"client_id": CLIENT, "client_secret": SECRET, "token_uri": f"{google.url}/token", "redirect_uris": []}
    path.write_text(json.dumps({"web": web}))
    return path


def authorize(shell: Shell, google: Google, *typed: str, **more: str) -> Ended:
    """Call it with what is typed, line by line."""
    options = {"api-url": f"{google.url}/v1", "token-uri": f"{google.url}/token", **more}
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    environment = {**shell.environment, **EASY}
    with shell.start("nest", "authorize", *arguments, stdin=-1, env=environment) as process:
        out, err = process.communicate("".join(f"{line}\n" for line in typed))
    assert SECRET not in out + err
    return Ended(process.returncode, out, err)


def said(ended: Ended) -> str:
    """Return what is said besides, with each advice on the line of its error."""
    return ended.err.replace("\njph: ", "; ")


def written(shell: Shell) -> Path:
    return shell.home / ".config/jph/nest.json"


def test_what_is_typed_becomes_credentials_that_the_driver_can_use(shell: Shell, google: Google) -> None:
    ended = authorize(shell, google, *TYPED, LANDED)
    assert ended.code == 0, ended.err
    assert nest_credentials.read(written(shell)) == google.credentials(refresh_token="1//first")  # noqa: S106
    assert written(shell).stat().st_mode & 0o777 == 0o600


def test_the_page_of_the_consent_is_that_of_the_project_and_wants_a_refresh_token(shell: Shell, google: Google) -> None:
    ended = authorize(shell, google, *TYPED, LANDED)
    [address] = [line for line in ended.err.splitlines() if line.startswith("https://nestservices.google.com/")]
    asked = parse_qs(urlsplit(address).query)
    assert urlsplit(address).path == f"/partnerconnections/{PROJECT}/auth"
    assert asked == {
        "redirect_uri": ["https://www.google.com"],
        "access_type": ["offline"],
        "prompt": ["consent"],
        "client_id": [CLIENT],
        "response_type": ["code"],
        "scope": ["https://www.googleapis.com/auth/sdm.service"],
    }


@pytest.mark.parametrize(
    ("names", "devices"),
    [
        (["Hall"], [None]),
        (["Hall", "Küche"], ["Hall", "Küche"]),
        (['"quoted": {', "b"], ['"quoted": {', "b"]),
    ],
)
def test_what_is_printed_is_a_configuration_with_a_node_for_each_thermostat(
    shell: Shell, google: Google, names: list[str], devices: list[str | None]
) -> None:
    google.devices = [DOORBELL, *map(thermostat, names)]
    ended = authorize(shell, google, *TYPED, LANDED)
    configuration = loads(ended.out.encode(), "printed", registry.options_of)
    assert configuration.warnings == ()
    assert [node.options for node in configuration.nodes.values()] == [NestOptions(device=name) for name in devices]
    assert {sensor.channel for _, sensor in configuration.sensors()} > {"temperature", "humidity", "target"}


def test_a_name_that_would_paint_the_terminal_is_shown_escaped_and_not_used(shell: Shell, google: Google) -> None:
    google.devices = [thermostat("Attic", Info={"customName": "\x1b[31mred\u202e"}), thermostat("Hall")]
    ended = authorize(shell, google, *TYPED, LANDED)
    assert ended.out.replace("\n", "").isprintable()
    configuration = loads(ended.out.encode(), "printed", registry.options_of)
    assert configuration.nodes["N1"].options == NestOptions(device="Attic")
    assert configuration.nodes["N1"].sensor.name == "\\x1b[31mred\\u202e away"


def test_two_of_the_same_name_are_told_apart_by_their_ids(shell: Shell, google: Google) -> None:
    same = {"Info": {"customName": "Hall"}}
    google.devices = [thermostat("a", **same), thermostat("b", **same)]
    for device in google.devices:
        device["parentRelations"] = []
    ended = authorize(shell, google, *TYPED, LANDED)
    configuration = loads(ended.out.encode(), "printed", registry.options_of)
    assert [node.options for node in configuration.nodes.values()] == [
        NestOptions(device="AVPHwEu-a"),
        NestOptions(device="AVPHwEu-b"),
    ]


def test_the_oauth_client_may_come_from_the_file_that_google_gives(shell: Shell, google: Google, client: Path) -> None:
    ended = authorize(shell, google, "", LANDED, project=PROJECT, client_secret=str(client))
    assert ended.code == 0, ended.err


def test_elsewhere_it_is_written_where_it_is_said_and_printed_so(shell: Shell, google: Google) -> None:
    place = shell.home / "etc" / "nest.json"
    ended = authorize(shell, google, *TYPED, "4/0Code", credentials=str(place))
    assert ended.code == 0, ended.err
    configuration = loads(ended.out.encode(), "printed", registry.options_of)
    assert configuration.nodes["N1"].options == NestOptions(credentials=str(place))


def test_a_second_time_only_the_consent_is_asked_for(shell: Shell, google: Google) -> None:
    google.write(written(shell))
    ended = authorize(shell, google, LANDED)
    assert ended.code == 0, ended.err
    assert nest_credentials.read(written(shell)).refresh_token == "1//first"  # noqa: S105 - of this server


def test_what_else_was_in_the_file_is_kept_beside_it(shell: Shell, google: Google) -> None:
    place = shell.home / ".nestpassword"
    place.write_text("ann@example.org\nhunter2\n")
    ended = authorize(shell, google, *TYPED, LANDED, credentials=str(place))
    assert ended.code == 0, ended.err
    old = shell.home / ".nestpassword.old"
    assert f"{old} has what was in {place}" in ended.err
    assert old.read_text() == "ann@example.org\nhunter2\n"
    assert old.stat().st_mode & 0o777 == 0o600
    place.write_text("something else")
    again = authorize(shell, google, credentials=str(place))
    assert (again.code, f"{old} is there already; move one of them away" in said(again)) == (1, True)
    assert place.read_text() == "something else"


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ((), "Device Access project ID: nothing was given"),
        ((PROJECT, CLIENT, ""), "OAuth client secret: nothing was given"),
        (TYPED, "the whole address of that page: nothing was given"),
        (("my project", CLIENT, SECRET, "", LANDED), "project_id is empty, or has characters that do not belong there"),
        ((PROJECT, CLIENT, "x", "", LANDED), "Google answers invalid_client: The OAuth client was not found."),
        ((*TYPED, "4/0Wrong"), "Google does not take this code; it is good once and for minutes"),
        ((*TYPED, "https://www.google.com/"), "there is no code in that address"),
        (
            (*TYPED, "https://www.google.com/?error=access_denied"),
            "Google did not get the consent: access_denied; say yes on its page",
        ),
        (("other", CLIENT, SECRET, "", LANDED), "Google answers 404 NOT_FOUND: Enterprise not found."),
    ],
)
def test_what_is_wrong_is_said_in_words_and_nothing_is_written(
    shell: Shell, google: Google, typed: tuple[str, ...], error: str
) -> None:
    ended = authorize(shell, google, *typed)
    assert (ended.code, ended.out) == (1, "")
    assert error in said(ended)
    assert not written(shell).exists()


def test_an_api_that_is_not_enabled_is_said(shell: Shell, google: Google) -> None:
    google.next_answers(trouble(403, "PERMISSION_DENIED", "Smart Device Management API has not been used"))
    ended = authorize(shell, google, *TYPED, LANDED)
    assert ended.code == 1
    assert "or the API is not enabled in the Cloud project" in ended.err


def test_who_chose_no_thermostat_is_told_so(shell: Shell, google: Google) -> None:
    google.devices = [DOORBELL]
    ended = authorize(shell, google, *TYPED, LANDED)
    assert (ended.code, ended.out) == (1, "")
    assert f"{written(shell)} is written, but Google shows no thermostat" in ended.err
    assert written(shell).exists()


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, "cannot be read: No such file or directory; name the file that was downloaded"),
        ("{", "is no OAuth client: "),
        ({"web": {"client_id": CLIENT}}, "is no OAuth client: Object missing required field `client_secret`"),
        ({"service": {}}, "is no OAuth client; download it as JSON"),
    ],
)
def test_a_file_that_is_no_oauth_client_is_said(
    shell: Shell, google: Google, content: str | Mapping[str, Any] | None, error: str
) -> None:
    path = shell.home / "client.json"
    if content is not None:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    ended = authorize(shell, google, project=PROJECT, client_secret=str(path))
    assert ended.code == 1
    assert error in said(ended)


def test_a_place_that_cannot_be_written_is_said(shell: Shell, google: Google) -> None:
    (shell.home / "file").write_text("")
    ended = authorize(shell, google, *TYPED, LANDED, credentials=str(shell.home / "file/nest.json"))
    assert ended.code == 1
    assert "nest.json cannot be written: " in ended.err


def test_a_person_is_asked_for_each_thing_and_the_secret_is_not_echoed(shell: Shell, google: Google) -> None:
    options = [f"--api-url={google.url}/v1", f"--token-uri={google.url}/token"]
    with Terminal() as terminal, terminal.start(shell, "nest", "authorize", *options, **EASY) as process:
        terminal.until("Device Access project ID: ")
        terminal.type(f"{PROJECT}\n")
        terminal.until("OAuth client ID: ")
        terminal.type(f"{CLIENT}\n")
        terminal.until("OAuth client secret: ")
        terminal.type(f"{SECRET}\n")
        terminal.until("latitude in degrees (leave empty for no weather): ")
        terminal.type("52.52\n")
        terminal.until("longitude in degrees: ")
        terminal.type("13.41\n")
        shown = terminal.until("the whole address of that page: ")
        terminal.type(f"{LANDED}\n")
        shown += terminal.rest()
        assert process.wait() == 0, shown
    assert SECRET not in shown
    assert "1 thermostat; add this to the configuration:" in shown
    assert "driver: nest" in shown
    assert nest_credentials.read(written(shell)).weather == {"latitude": 52.52, "longitude": 13.41}


def test_where_the_house_stands_may_be_typed_and_gives_the_first_thermostat_the_weather(
    shell: Shell, google: Google
) -> None:
    google.devices = [*map(thermostat, ["Hall", "Attic"])]
    ended = authorize(shell, google, PROJECT, CLIENT, SECRET, "-33.86", "151.21", LANDED)
    assert ended.code == 0, ended.err
    assert "Open-Meteo is told where the house stands" in ended.err
    assert nest_credentials.read(written(shell)).weather == {"latitude": -33.86, "longitude": 151.21}
    configuration = loads(ended.out.encode(), "printed", registry.options_of)
    assert configuration.warnings == ()
    assert {codifier: node.options for codifier, node in configuration.nodes.items()} == {
        "N1": NestOptions(device="Hall", outside=True),
        "N7": NestOptions(device="Attic"),
    }
    channels = {sensor.codifier: sensor.channel for sensor in configuration.nodes["N1"].proxies}
    assert channels["N5"] == "outside_temperature"
    assert channels["N6"] == "outside_humidity"


@pytest.mark.parametrize("weather", [[], ["52.52", "13.41"]])
def test_more_thermostats_than_codifiers_are_not_printed(shell: Shell, google: Google, weather: list[str]) -> None:
    google.devices = [thermostat(f"Room {number}") for number in range(12)]
    ended = authorize(shell, google, PROJECT, CLIENT, SECRET, *(weather or [""]), LANDED)
    configuration = loads(ended.out.encode(), "printed", registry.options_of)
    assert len(configuration.nodes) == 8
    assert len([*configuration.sensors()]) == 8 * 4 + len(weather)


HOUSE: Final = {"latitude": 52.52, "longitude": 13.41}


@pytest.mark.parametrize(
    ("before", "options", "after"),
    [
        (HOUSE, {}, HOUSE),
        (HOUSE, {"latitude": "-1", "longitude": "-2.5"}, {"latitude": -1.0, "longitude": -2.5}),
        (HOUSE, {"longitude": "14"}, {"latitude": 52.52, "longitude": 14.0}),
        (HOUSE, {"latitude": ""}, {}),
        ({}, {}, {}),
        (
            {},
            {"latitude": "1", "longitude": "2", "weather-url": "http://10.0.0.1/v1"},
            {"latitude": 1.0, "longitude": 2.0, "weather_url": "http://10.0.0.1/v1"},
        ),
        ({"latitude": "wrong"}, {"latitude": "1", "longitude": "2"}, {"latitude": 1.0, "longitude": 2.0}),
    ],
)
def test_a_second_time_the_house_stands_where_it_did_unless_an_option_says_otherwise(
    shell: Shell, google: Google, before: dict[str, object], options: dict[str, str], after: dict[str, object]
) -> None:
    google.write(written(shell), **before)
    ended = authorize(shell, google, LANDED, **options)
    assert ended.code == 0, ended.err
    assert nest_credentials.read(written(shell)).weather == after


@pytest.mark.parametrize(
    ("typed", "options", "error"),
    [
        (("52,52", "13"), {}, "latitude is 52,52, and no number; write degrees such as 52.52"),
        (("52\x1b[2J", "13"), {}, "latitude is 52\\x1b[2J, and no number"),
        (("95", "13"), {}, "the weather: latitude is 95, and not from -90 to 90; say where the house stands with"),
        (("nan", "13"), {}, "the weather: latitude is nan"),
        (("52.52", ""), {}, "longitude in degrees: nothing was given"),
        ((), {"latitude": "52.52"}, "the weather: Object missing required field `longitude`"),
        ((), {"latitude": "1", "longitude": "1", "weather-url": "x"}, "weather_url does not begin with http://"),
    ],
)
def test_a_house_that_is_nowhere_is_said_before_anybody_consents(
    shell: Shell, google: Google, typed: tuple[str, ...], options: dict[str, str], error: str
) -> None:
    ended = authorize(shell, google, PROJECT, CLIENT, SECRET, *typed, LANDED, **options)
    assert ended.code == 1
    assert error in said(ended)
    assert "nestservices.google.com" not in ended.err
    assert not written(shell).exists()
