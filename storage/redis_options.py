"""How to reach a Redis server, and what is kept there. Read on every host, so without the package redis."""

from typing import Annotated, Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from config.durations import Seconds

SMALLEST_STREAM: Final = 1_000  # readings: less would not hold what waits for one batch

_SCHEMES: Final = ("redis", "rediss", "unix")


class RedisOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url` is `redis://HOST:PORT`, `rediss://` with TLS, or `unix:///PATH`; `database` is the number of one there.

    The password stands in `password_file`, that of the user `user` when the server has several. `stream` is how many
    readings of all sensors together are kept beside the last one of each, none by default. A sensor that sent nothing
    for `expire` is forgotten; without it none is.
    """

    url: str = "redis://localhost:6379"
    database: Annotated[int, msgspec.Meta(ge=0)] = 0
    user: str | None = None
    password_file: str | None = None
    stream: int = 0
    expire_s: Seconds | None = msgspec.field(default=None, name="expire")
    timeout_s: Seconds = msgspec.field(default=10.0, name="timeout")

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
