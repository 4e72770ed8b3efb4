"""What Google knows a user's thermostats by, in a file that `jph nest authorize` writes.

{
  "project_id": "...",      the Device Access project, from console.nest.google.com/device-access
  "client_id": "...",       the OAuth client of type "web", from console.cloud.google.com
  "client_secret": "...",
  "refresh_token": "...",   what the user's consent gave; it can be taken back
  "api_url": "...",         these two only where it is not Google itself that is asked
  "token_uri": "..."
}
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from drivers.driver import DriverError
from drivers.secrets import read_secret

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
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if not value or not value.isprintable() or not value.isascii() or " " in value:
                raise ValueError(f"{name} is empty, or has characters that do not belong there")


class Credentials(Registration, frozen=True, kw_only=True, omit_defaults=True):
    """What is in the file; other keys are passed over."""

    refresh_token: str


def read(path: Path) -> Credentials:
    """Read the file; raises DriverError, whose words have nothing of what is in it."""
    text = read_secret(path)
    try:
        return msgspec.json.decode(text, type=Credentials)
    except (ValueError, RecursionError) as error:
        raise DriverError(f"{path} has no credentials for Google: {error}", advice(path)) from None


def write(path: Path, credentials: Credentials) -> None:
    """Write the file, whole or not at all, for its owner alone; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path = path.resolve()  # a link stays one
    descriptor, fresh = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 0600
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(msgspec.json.format(msgspec.json.encode(credentials), indent=2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        Path(fresh).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(fresh).unlink()
        raise


def advice(path: Path) -> str:
    """Return the command that makes the file anew."""
    return f"jph nest authorize --credentials {path}"
