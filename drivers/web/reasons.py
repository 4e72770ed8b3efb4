"""Why a web server gave no answer, in words: requests, urllib3 and Python wrap each other's errors in many ways."""

import socket
import ssl
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, Final, TypeAlias

import requests
from urllib3.exceptions import IncompleteRead, LocationParseError, ReadTimeoutError

from drivers.web.answers import Patience

_REACH: Final = "see whether it is on, and the URL is right"
_CERTIFICATE: Final = "name the file of its CA in `verify`; `verify: false` believes whoever answers"


def reason(error: Exception, patience: Patience) -> tuple[str, str]:
    """Say why there is no answer, and what can be done about it."""
    causes = _causes(error)
    for kind, words, advice in _REASONS:
        cause = next((cause for cause in causes if isinstance(cause, kind)), None)
        if cause is not None:
            return words(cause, patience), advice
    said = next((cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror), None)
    return (said, _REACH) if said else ("the answer cannot be read", "")


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error and all that are in it: requests and urllib3 wrap them in several ways."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop()
        if isinstance(cause, BaseException) and cause not in found:
            found.append(cause)
            waiting += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]
    return found


_Words: TypeAlias = Callable[[Any, Patience], str]

# The first row that fits any of an error's causes.
_REASONS: Final[tuple[tuple[type[BaseException], _Words, str], ...]] = (
    (ssl.SSLCertVerificationError, lambda e, _: f"its certificate is not accepted: {e.verify_message}", _CERTIFICATE),
    (
        ssl.SSLError,
        lambda e, _: f"no TLS connection: {e.reason}",
        "see whether the URL begins with http: and not https:",
    ),
    (socket.gaierror, lambda e, _: f"the name of the server is not found: {e.strerror}", _REACH),
    (requests.exceptions.ProxyError, lambda _, __: "no connection to the proxy", "see HTTP_PROXY and HTTPS_PROXY"),
    (requests.ConnectTimeout, lambda _, p: f"no connection within {p.connect_s:g} s", _REACH),
    (requests.ReadTimeout, lambda _, p: f"no answer within {p.read_s:g} s", _REACH),
    (ReadTimeoutError, lambda _, p: f"the answer stopped for {p.read_s:g} s", _REACH),
    (ConnectionResetError, lambda _, __: "the connection was closed before there was an answer", _REACH),
    (IncompleteRead, lambda _, __: "the connection was closed in the middle of the answer", _REACH),
    (HTTPException, lambda _, __: "what it answers is not HTTP", "see whether the port in the URL is right"),
    (UnicodeError, lambda _, __: _NO_URL, ""),
    (LocationParseError, lambda _, __: _NO_URL, ""),
    (requests.exceptions.InvalidURL, lambda _, __: _NO_URL, ""),
)
_NO_URL: Final = "this is no URL"
