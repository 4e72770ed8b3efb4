"""How to reach a Redis server, and what is kept there. Read on every host, so without the package redis."""

from typing import Annotated, Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from config.durations import Seconds

SMALLEST_STREAM: Final = 1_000  # readings: less would not hold what waits for one batch

_SCHEMES: Final = ("redis", "rediss", "unix")


class RedisOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the server is, and what of the readings it keeps."""

    url: Annotated[
        str, msgspec.Meta(description="`redis://HOST:PORT`, `rediss://HOST:PORT` with TLS, or `unix:///PATH`")
    ] = "redis://localhost:6379"
    database: Annotated[int, msgspec.Meta(ge=0, description="the number of the database there")] = 0
    user: Annotated[str | None, msgspec.Meta(description="who to be, on a server that has several users")] = None
    password_file: Annotated[str | None, msgspec.Meta(description="a file of mode 0600 with the password in it")] = None
    stream: Annotated[
        int,
        msgspec.Meta(
            description="how many readings of all sensors together to keep, at least 1,000, or 0: only the last of each"
        ),
    ] = 0
    expire_s: Annotated[
        Seconds | None,
        msgspec.Meta(description="forget a codifier that sent nothing for so long; without it none is"),
    ] = msgspec.field(default=None, name="expire")
    timeout_s: Annotated[Seconds, msgspec.Meta(description="how long the server may take to answer")] = msgspec.field(
        default=10.0, name="timeout"
    )

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in _SCHEMES:
            raise ValueError(f"`url` is {self.url!r}: begin it with redis://, rediss:// or unix://")
        if parts.password is not None or parts.username is not None:
            raise ValueError("`url` holds a password: put it into a file of mode 0600 and name that as `password_file`")
        if not _is_complete(parts) or parts.query or parts.fragment:
            raise ValueError(f"`url` is {self.url!r}: write redis://HOST:PORT or unix:///PATH, nothing behind it")
        if self.stream and self.stream < SMALLEST_STREAM:
            raise ValueError(f"`stream` is {self.stream}: write 0, or at least {SMALLEST_STREAM}")

    @property
    def place(self) -> str:
        """What to call the database in messages."""
        return f"{self.url.rstrip('/')}/{self.database}"


def _is_complete(parts: SplitResult) -> bool:
    try:
        has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # no number, or too large a one
        return False
    return parts.path.startswith("/") and not parts.netloc if parts.scheme == "unix" else has_host and not parts.path
