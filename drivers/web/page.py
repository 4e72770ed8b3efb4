"""One page of a web server that is asked for again and again: what a configuration says of it, and how it is had."""

from collections.abc import Callable
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec

from config.durations import Seconds
from drivers.driver import DriverOptions, Place
from drivers.text.secrets import read_headers
from drivers.web.answers import Answer, Headers, Patience

Url = Annotated[str, msgspec.Meta(description="where it is; begins with `http://` or `https://`")]
HeadersFile = Annotated[
    str | None,
    msgspec.Meta(description="a file of mode 0600 with headers that are sent along, such as `Authorization: Bearer …`"),
]
Verify = Annotated[
    bool | str,
    msgspec.Meta(description="`false` believes any certificate; a path names the file of the CA that counts"),
]


class PageOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the page is, who asks for it, and how long its server may take."""

    url: Url
    headers_file: HeadersFile = None
    verify: Verify = True
    connect_timeout: Annotated[Seconds, msgspec.Meta(description="how long to wait for the connection")] = 2.0
    read_timeout: Annotated[Seconds, msgspec.Meta(description="how long to wait for each packet")] = 4.0
    # below the 5 s that a read may take: then this, and not the supervisor, says what is slow
    timeout: Annotated[Seconds, msgspec.Meta(description="how long the whole answer may take")] = 4.5

    def __post_init__(self) -> None:
        _check_url(self.url)
        _check_path("headers_file", self.headers_file)
        _check_path("verify", self.verify if isinstance(self.verify, str) else None)


class WebPage:
    """Gets a page. The file of headers is read each time, so that a new secret holds at once."""

    def __init__(self, options: PageOptions, place: Place) -> None:
        from drivers.web.http import HttpClient, Resource  # noqa: PLC0415 - 7 MiB that only who asks web servers needs

        verify = str(place.locate(options.verify)) if isinstance(options.verify, str) else options.verify
        patience = Patience(options.connect_timeout, options.read_timeout, options.timeout)
        self._client = HttpClient(patience, verify=verify)
        self._resource = Resource(self._client, options.url)
        self._headers = _headers_source(options, place)

    def get(self) -> Answer:
        """Return the answer; raises DriverError."""
        return self._resource.get(self._headers())

    def close(self) -> None:
        """End the request that is under way."""
        self._client.close()


def _headers_source(options: PageOptions, place: Place) -> Callable[[], Headers]:
    if options.headers_file is None:
        return dict
    path = place.locate(options.headers_file)
    return lambda: read_headers(path)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"`url`: {error}") from error
    if parts.scheme not in _SCHEMES or not host or not url.isprintable() or " " in url:
        raise ValueError("`url` is no web address: begin it with http:// or https:// and the name of the server")
    if "@" in parts.netloc:
        raise ValueError(
            "`url` has a user in it: write `Authorization: Basic …` into a file and name it `headers_file`"
        )


_SCHEMES: Final = frozenset({"http", "https"})


def _check_path(key: str, path: str | None) -> None:
    if path is not None and not path.startswith(("/", "~/")):
        raise ValueError(f"`{key}` is {path!r}: begin it with / or ~/, so that it is the same from everywhere")
