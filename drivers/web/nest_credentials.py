"""What Google knows a user's thermostats by, in a file that `jph nest authorize` writes.

{
  "project_id": "...",      the Device Access project, from console.nest.google.com/device-access
  "client_id": "...",       the OAuth client of type "web", from console.cloud.google.com
  "client_secret": "...",
  "refresh_token": "...",   what the user's consent gave; it can be taken back
  "api_url": "...",         these two only where it is not Google itself that is asked
  "token_uri": "...",
  "latitude": 52.52,        where the house stands, only where the weather outside is wanted (drivers/web/open_meteo.py)
  "longitude": 13.41,
  "weather_url": "..."      only where it is not Open-Meteo's free service that is asked
}
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from config.whole_file import whole_file
from drivers.driver import DriverError
from drivers.text.secrets import read_secret

DEFAULT_FILE: Final = "~/.config/jph/nest.json"
API_URL: Final = "https://smartdevicemanagement.googleapis.com/v1"
TOKEN_URI: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 - where tokens are had


class Registration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who asks, and where: what is known before anybody has consented."""

    project_id: str
    client_id: str
    client_secret: str
    api_url: str = API_URL
    token_uri: str = TOKEN_URI

    def __post_init__(self) -> None:
        self._check(Registration.__struct_fields__)

    def _check(self, names: Iterable[str]) -> None:
        for name in names:
            value = getattr(self, name)
            if not value or not value.isprintable() or not value.isascii() or " " in value:
                raise ValueError(f"{name} is empty, or has characters that do not belong there")


class Credentials(Registration, frozen=True, kw_only=True, omit_defaults=True):
    """What is in the file; other keys are passed over.

    What is said of the weather may be wrong: then there still is a thermostat.
    """

    refresh_token: str
    latitude: Any = None
    longitude: Any = None
    weather_url: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check(["refresh_token"])

    @property
    def weather(self) -> Mapping[str, object]:
        """Return what is said of the weather, as `open_meteo.house_of` takes it."""
        said = {name: getattr(self, name) for name in ("latitude", "longitude", "weather_url")}
        return {name: value for name, value in said.items() if value is not None}


def read(path: Path) -> Credentials:
    """Read the file; raises DriverError, whose words have nothing of what is in it."""
    try:
        text = read_secret(path)
    except DriverError as error:
        is_missing = error.__cause__ is not None and isinstance(error.__cause__.__cause__, FileNotFoundError)
        raise DriverError(error.message, advice(path) if is_missing else error.hint) from error
    try:
        return msgspec.json.decode(text, type=Credentials)
    except (ValueError, RecursionError) as error:
        raise DriverError(f"{path} has no credentials for Google: {error}", advice(path)) from None


def write(path: Path, credentials: Credentials) -> None:
    """Write the file, whole or not at all, for its owner alone; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path.resolve(), 0o600) as file:  # a link stays one
        file.write(msgspec.json.format(msgspec.json.encode(credentials), indent=2) + b"\n")


def advice(path: Path) -> str:
    """Return the command that makes the file anew."""
    return f"jph nest authorize --credentials {path}"
