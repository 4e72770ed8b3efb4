"""What web servers answer, and what it means when that is no success."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from drivers.driver import RetryLaterError
from protocol.printable import visible

Headers: TypeAlias = Mapping[str, str]

LONGEST_PAUSE_S: Final = 3600.0  # that a server can ask for: longer is an outage, of which somebody should hear
PAUSE_AFTER_TOO_MANY_S: Final = 60.0  # when it says that there were too many requests, but not until when


class Patience(NamedTuple):
    """How many seconds are waited: for the connection, between two packets, and for the whole answer."""

    connect_s: float
    read_s: float
    whole_s: float


class Answer(NamedTuple):
    """What a server answered. `source` is its URL as it may be shown; names of headers are found in any case."""

    source: str
    status: int
    headers: Headers
    body: bytes

    @property
    def content_type(self) -> str:
        """Return the media type in small letters, without its parameters; empty when the server names none."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()


class StatusError(RetryLaterError):
    """A server answered with a status that is no success; `answer` is all that it said."""

    def __init__(self, answer: Answer) -> None:
        message = f"{answer.source} answers {_in_words(answer.status)}"
        super().__init__(message, _ADVICE_ON_STATUS.get(answer.status, ""), retry_after_s=_pause_s(answer))
        self.answer = answer

    @property
    def status(self) -> int:
        """Return the status, such as 404."""
        return self.answer.status


def shown(url: str) -> str:
    """Return a URL as it may be shown: without user, password and query, in which there may be secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the URL"
    query = "?…" if parts.query else ""
    return visible(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{query}"[:_SHOWN])


_SHOWN: Final = 200  # characters of a URL in a message


def _in_words(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


_SECRETS: Final = "see whether it wants to know who asks, in headers from a file of secrets"
_ADVICE_ON_STATUS: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: _SECRETS,
    HTTPStatus.FORBIDDEN: _SECRETS,
    HTTPStatus.NOT_FOUND: "see whether the path in the URL is right",
    HTTPStatus.TOO_MANY_REQUESTS: "give the node a longer `interval`",
}


def _pause_s(answer: Answer) -> float:
    """Return for how long a server asks to be left alone, which it may when it is busy (RFC 9110, 10.2.3)."""
    if answer.status != HTTPStatus.TOO_MANY_REQUESTS and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return 0.0
    unsaid_s = PAUSE_AFTER_TOO_MANY_S if answer.status == HTTPStatus.TOO_MANY_REQUESTS else 0.0
    said_s = _retry_after_s(answer.headers)
    return unsaid_s if said_s is None else min(max(said_s, 0.0), LONGEST_PAUSE_S)


def _retry_after_s(headers: Headers) -> float | None:
    """Read Retry-After: seconds, or a date, which is measured by the server's own clock."""
    said = headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        return float(said)
    try:
        return (http_date(said) - http_date(headers.get("Date", ""))).total_seconds()
    except ValueError:
        return None


def http_date(text: str) -> datetime:
    """Read a date such as Wed, 16 May 2018 09:46:47 GMT; raises ValueError. One that names no zone is in UTC."""
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, IndexError, OverflowError) as error:  # it is a parser for e-mail, and trusts what it reads
        raise ValueError(f"{text[:_QUOTED]!r} is no date") from error
    return date if date.tzinfo else date.replace(tzinfo=UTC)


_QUOTED: Final = 40  # characters of what a server says, in a message
