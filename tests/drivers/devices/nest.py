"""Google as its documentation describes it: the token server and the Smart Device Management API, on loopback.

It counts requests against the quota of the documentation, by a clock that the test drives.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from drivers.web import nest_credentials
from drivers.web.nest_credentials import Credentials
from tests.drivers.devices.http import FAILURES, Asked, Reply, WebDevice, never, served

PROJECT: Final = "32c4c2bc-fe0d-461b-b51c-f3885afff2f0"
CLIENT: Final = "1234-abc.apps.googleusercontent.com"
SECRET: Final = "GOCSPX-client"  # noqa: S105 - of this server
REDIRECT: Final = "https://www.google.com"
LISTS_PER_MINUTE: Final = 5
TOKEN_LIFE_S: Final = 3599


def thermostat(name: str = "Hall", **traits: dict[str, Any]) -> dict[str, Any]:
    """Return a thermostat that heats to 21 °C; traits are added or take another's place, an empty one removes it."""
    all_traits: dict[str, dict[str, Any]] = {
        "Info": {"customName": ""},
        "Connectivity": {"status": "ONLINE"},
        "Temperature": {"ambientTemperatureCelsius": 20.5},
        "Humidity": {"ambientHumidityPercent": 41},
        "ThermostatMode": {"mode": "HEAT", "availableModes": ["HEAT", "COOL", "HEATCOOL", "OFF"]},
        "ThermostatEco": {
            "mode": "OFF",
            "heatCelsius": 16.5,
            "coolCelsius": 27.0,
            "availableModes": ["OFF", "MANUAL_ECO"],
        },
        "ThermostatHvac": {"status": "HEATING"},
        "ThermostatTemperatureSetpoint": {"heatCelsius": 21.0},
        "Settings": {"temperatureScale": "CELSIUS"},
        **traits,
    }
    return {
        "name": f"enterprises/{PROJECT}/devices/AVPHwEu-{name}",
        "type": "sdm.devices.types.THERMOSTAT",
        "assignee": f"enterprises/{PROJECT}/structures/S/rooms/R",
        "traits": {f"sdm.devices.traits.{trait}": fields for trait, fields in all_traits.items() if fields},
        "parentRelations": [{"parent": f"enterprises/{PROJECT}/structures/S/rooms/R", "displayName": name}],
    }


DOORBELL: Final[dict[str, Any]] = {
    "name": f"enterprises/{PROJECT}/devices/doorbell",
    "type": "sdm.devices.types.DOORBELL",
    "traits": {"sdm.devices.traits.Info": {"customName": "Door"}},
    "parentRelations": [],
}


@dataclass
class Google:
    """The servers. A code is taken once; `revoke` takes back the consent. `rotates` has each refresh give a new token.

    `hang` is called before each answer; `fails` tells for each list whether it goes wrong.
    """

    monotonic: Callable[[], float]
    devices: list[dict[str, Any]] = field(default_factory=lambda: [thermostat()])
    codes: set[str] = field(default_factory=lambda: {"4/0Code"})
    refresh_tokens: set[str] = field(default_factory=lambda: {"1//refresh"})
    access_tokens: dict[str, float] = field(default_factory=dict)
    rotates: bool = False
    answers: deque[Reply] = field(default_factory=deque)
    hang: Callable[[], None] = lambda: None
    fails: Callable[[], bool] = never
    listed: list[float] = field(default_factory=list)
    refreshed: int = 0
    url: str = ""

    @contextmanager
    def serving(self) -> Iterator["Google"]:
        """Run the servers."""
        with served(WebDevice(self._answer)) as self.url:
            yield self

    def credentials(self, **more: object) -> Credentials:
        """Return credentials that it takes."""
        given: dict[str, Any] = {
            "project_id": PROJECT,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "refresh_token": "1//refresh",
            "api_url": f"{self.url}/v1",
            "token_uri": f"{self.url}/token",
            **more,
        }
        return Credentials(**given)

    def write(self, path: Path, **more: object) -> Path:
        """Write credentials that it takes."""
        nest_credentials.write(path, self.credentials(**more))
        return path

    def revoke(self) -> None:
        """Take back the consent: neither the refresh token nor what was had with it is good any more."""
        self.refresh_tokens.clear()
        self.access_tokens.clear()

    def next_answers(self, *replies: Reply) -> None:
        """Answer so the next lists, whatever the state of things."""
        self.answers.extend(replies)

    def _answer(self, asked: Asked) -> Reply:
        self.hang()
        if asked.path == "/token":
            return self._token({name: values[0] for name, values in parse_qs(asked.body.decode()).items()})
        return self._list(asked)

    def _token(self, form: dict[str, str]) -> Reply:
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return _refused(401, "invalid_client", "The OAuth client was not found.")
        if form["grant_type"] == "authorization_code":
            return self._first_token(form)
        if form.get("refresh_token") not in self.refresh_tokens:
            return _refused(400, "invalid_grant", "Token has been expired or revoked.")
        self.refreshed += 1
        more = {"refresh_token": f"1//refresh-{self.refreshed}"} if self.rotates else {}
        self.refresh_tokens.update(more.values())
        return self._new_token(**more)

    def _first_token(self, form: dict[str, str]) -> Reply:
        if form.get("redirect_uri") != REDIRECT:
            return _refused(400, "redirect_uri_mismatch", "Bad Request")
        if form["code"] not in self.codes:
            return _refused(400, "invalid_grant", "Malformed auth code.")
        self.codes.remove(form["code"])
        self.refresh_tokens.add("1//first")
        return self._new_token(refresh_token="1//first")  # noqa: S106 - of this server

    def _new_token(self, **more: str) -> Reply:
        text = f"ya29.{len(self.access_tokens)}-{self.refreshed}"
        self.access_tokens[text] = self.monotonic() + TOKEN_LIFE_S
        common = {"access_token": text, "expires_in": TOKEN_LIFE_S, "token_type": "Bearer", "scope": "sdm.service"}
        return _json({**common, **more})

    def _list(self, asked: Asked) -> Reply:
        self.listed.append(self.monotonic())
        if self.fails():
            return FAILURES[len(self.listed) % len(FAILURES)]
        if self.answers:
            return self.answers.popleft()
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if self.access_tokens.get(token, 0.0) <= self.monotonic():
            return trouble(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if len([at for at in self.listed if at > self.monotonic() - 60]) > LISTS_PER_MINUTE:
            return trouble(429, "RESOURCE_EXHAUSTED", "Rate limited for the DevicesList per-minute quota.")
        if asked.path != f"/v1/enterprises/{PROJECT}/devices":
            return trouble(404, "NOT_FOUND", "Enterprise not found.")
        return _json({"devices": self.devices} if self.devices else {})


def trouble(status: int, name: str, message: str) -> Reply:
    """Return an error of the API."""
    return _json({"error": {"code": status, "message": message, "status": name}}, status)


def _refused(status: int, error: str, description: str) -> Reply:
    return _json({"error": error, "error_description": description}, status)


def _json(document: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(document).encode(), status)
