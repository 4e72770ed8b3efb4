"""A configuration on a server, and its last good copy, with which agents start while the server is away."""

import hashlib
import re
import threading
from pathlib import Path
from typing import Final

import requests

from config.document import LARGEST_DOCUMENT_BYTES
from config.model import Problem
from config.texts import Text, unreadable
from config.whole_file import whole_file

ANSWER_TIMEOUT_S: Final = 5.0
"""How long a server may take to accept the connection, and between two packets of its answer."""

FETCH_TIMEOUT_S: Final = 20.0
"""How long a fetch may take as a whole: a server that sends a byte a second must not keep an agent from starting."""

MOST_REDIRECTS: Final = 3

_CHUNK_BYTES: Final = 65_536


class _NotFetchedError(Exception):
    """Why a URL gave nothing."""


def read_url(url: str, state_directory: Path, fetch_timeout_s: float = FETCH_TIMEOUT_S) -> Text:
    """Fetch a configuration, or take the last good copy and say so; raises ConfigError when there is neither."""
    source = without_password(url)
    copy = state_directory / "configurations" / hashlib.sha256(url.encode()).hexdigest()[:32]
    try:
        return Text(_fetch(url, fetch_timeout_s), source, copy=copy)
    except _NotFetchedError as error:
        return _last_copy(copy, source, str(error))


def keep(text: Text) -> tuple[Problem, ...]:
    """Keep a configuration that proved good, in a file that only its owner reads; a warning when it cannot be kept."""
    if text.copy is None:
        return ()
    try:
        _write(text.copy, text.data)
    except OSError as error:
        message = f"its copy {text.copy} cannot be written: {error.strerror}"
        return (Problem(text.source, 0, message, "without one no agent starts while the server is away", "warning"),)
    return ()


def without_password(url: str) -> str:
    """Return a URL as it may be shown."""
    return _PASSWORD.sub(r"\1***@", url)


_PASSWORD: Final = re.compile(r"^(\w+://[^/?#:@]*:)[^/?#]*@")


def _last_copy(copy: Path, source: str, why: str) -> Text:
    try:
        data = copy.read_bytes()
    except OSError:
        advice = "no copy of it is kept here: wait for the server, or name a file"
        raise unreadable(source, f"cannot be fetched: {why}", advice) from None
    warning = Problem(source, 0, f"cannot be fetched: {why}", f"its last good copy is used: {copy}", "warning")
    return Text(data, source, (warning,))


def _write(copy: Path, data: bytes) -> None:
    copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with whole_file(copy, 0o600) as file:
        file.write(data)


def _fetch(url: str, timeout_s: float) -> bytes:
    """Fetch in a thread, since requests bounds the wait for each packet but not for all; a late answer is forgotten."""
    answers: list[bytes | _NotFetchedError] = []
    thread = threading.Thread(target=lambda: answers.append(_answer(url)), name="fetch configuration", daemon=True)
    thread.start()
    thread.join(timeout_s)
    answer = answers[0] if answers else _NotFetchedError(f"it took more than {timeout_s:g} s")
    if isinstance(answer, _NotFetchedError):
        raise answer
    return answer


def _answer(url: str) -> bytes | _NotFetchedError:
    try:
        return _get(url)
    except requests.RequestException as error:
        return _NotFetchedError(next(text for kind, text in _REASONS.items() if isinstance(error, kind)))
    except ValueError:  # of the parts of requests that read URLs
        return _NotFetchedError(_NO_URL)
    except _NotFetchedError as error:
        return error


def _get(url: str) -> bytes:
    with requests.Session() as session:
        session.max_redirects = MOST_REDIRECTS
        with session.get(url, timeout=ANSWER_TIMEOUT_S, stream=True) as response:
            if response.status_code != requests.codes.ok:
                raise _NotFetchedError(f"the server answers {response.status_code} {response.reason}")
            return _bounded(response)


def _bounded(response: requests.Response) -> bytes:
    data = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        data += chunk
        if len(data) > LARGEST_DOCUMENT_BYTES:
            raise _NotFetchedError(f"larger than {LARGEST_DOCUMENT_BYTES // 2**20} MiB")
    return bytes(data)


_NO_URL: Final = "this is no URL"

# The first that fits: requests' exceptions are each other's subclasses.
_REASONS: Final[dict[type[requests.RequestException], str]] = {
    requests.exceptions.SSLError: "the server's certificate is not accepted",
    requests.exceptions.Timeout: "the server does not answer",
    requests.exceptions.TooManyRedirects: f"more than {MOST_REDIRECTS} redirects",
    requests.exceptions.ConnectionError: "no connection to the server",
    requests.exceptions.InvalidURL: _NO_URL,
    requests.RequestException: "the answer cannot be read",
}
