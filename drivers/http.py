"""HTTP for drivers: one request at a time, bounded in time and in size, with errors in words.

requests bounds how long it waits for the connection and between two packets. A server that sends a byte a second would
hold a read for hours, so every exchange has a deadline as well, after which its connection is cut.

No connection is kept from one request to the next: the web server of an Arduino has four of them for everybody.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, disable_warnings
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, IncompleteRead, InsecureRequestWarning, LocationParseError, ReadTimeoutError

from drivers.driver import DriverError, RetryLaterError
from protocol.printable import visible

MAX_ANSWER_BYTES: Final = 2**20  # what describes more than some thousand sensors is not meant for this
MOST_REDIRECTS: Final = 3
LONGEST_PAUSE_S: Final = 3600.0  # that a server can ask for: longer is an outage, of which somebody should hear
PAUSE_AFTER_TOO_MANY_S: Final = 60.0  # when it says that there were too many requests, but not until when
_CHUNK_BYTES: Final = 8192

Headers: TypeAlias = Mapping[str, str]
_NO_HEADERS: Final[Headers] = MappingProxyType({})

_OWN_HEADERS: Final = {
    "User-Agent": "jph",  # some pools shut out programs that do not say who they are
    "Accept": "*/*",
    "Accept-Encoding": "identity",  # what is not packed cannot be larger than what came
    "Connection": "close",
}


_CONDITION: Final = "If-None-Match"
_HARMLESS: Final = frozenset({_CONDITION})  # headers that any server may see
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_CLOSED: Final = "the driver is closed"


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


class HttpClient:
    """Sends one request at a time. `close`, from any thread, ends the one under way, and there are no more.

    `verify` is whether certificates are checked, or the path of the CA certificates with which they are.
    """

    def __init__(self, patience: Patience, *, verify: bool | str = True, max_bytes: int = MAX_ANSWER_BYTES) -> None:
        self._patience = patience
        self._verify = verify
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._wire: _Wire | None = None
        self._is_closed = False
        if verify is False:
            disable_warnings(InsecureRequestWarning)  # the operator said so, and need not hear it at every reading

    def get(self, url: str, headers: Headers = _NO_HEADERS) -> Answer:
        """Return what is at a URL, status 2xx or 304; raises StatusError for any other and DriverError.

        Redirects are followed, with headers of the caller only within the same server: they may be secrets.
        """
        return self._exchange(url, lambda session: self._follow(session, url, headers))

    def post(self, url: str, form: Mapping[str, str], headers: Headers = _NO_HEADERS) -> Answer:
        """Send a form, and return the answer as `get` does; a redirect is an error."""
        return self._exchange(url, lambda session: self._ask(session, "POST", url, headers, form))

    def close(self) -> None:
        """End the request that is under way, and refuse all others."""
        with self._lock:
            self._is_closed = True
            if self._wire is not None:
                self._wire.cut(_CLOSED)

    def _exchange(self, url: str, ask: Callable[[requests.Session], Answer]) -> Answer:
        wire = self._new_wire(url)
        try:
            with _carrying(wire, self._patience.whole_s), _session() as session:
                answer = ask(session)
        except (requests.RequestException, HTTPError, ValueError, OSError) as error:  # ValueError: of reading URLs
            reason, advice = (wire.cut_because, "") if wire.cut_because else _reason(error, self._patience)
            raise DriverError(f"{shown(url)}: {reason}", advice) from error
        if wire.cut_because:  # where the end of the connection is the end of the answer, this looks like a whole one
            raise DriverError(f"{shown(url)}: {wire.cut_because}")
        if not (200 <= answer.status < 300 or answer.status == HTTPStatus.NOT_MODIFIED):
            raise StatusError(answer)
        return answer

    def _new_wire(self, url: str) -> "_Wire":
        with self._lock:
            if self._is_closed:
                raise DriverError(f"{shown(url)}: {_CLOSED}")
            if isinstance(self._verify, str) and not Path(self._verify).exists():
                raise DriverError(
                    f"the CA certificates in {self._verify} are not there", "see whether `verify` is right"
                )
            self._wire = _Wire()
            return self._wire

    def _follow(self, session: requests.Session, url: str, headers: Headers) -> Answer:
        for _ in range(MOST_REDIRECTS + 1):
            answer = self._ask(session, "GET", url, headers)
            target = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or target is None:
                return answer
            url = _redirected(url, target, is_secret=not headers.keys() <= _HARMLESS)
        raise DriverError(f"{shown(url)}: more than {MOST_REDIRECTS} redirects", "name the address to which they lead")

    def _ask(
        self, session: requests.Session, method: str, url: str, headers: Headers, form: Mapping[str, str] | None = None
    ) -> Answer:
        timeouts = (self._patience.connect_s, self._patience.read_s)
        with session.request(
            method,
            url,
            headers=headers,
            data=form,
            timeout=timeouts,
            verify=self._verify,
            allow_redirects=False,
            stream=True,
        ) as response:
            return Answer(shown(url), response.status_code, response.headers, self._bounded(response, url))

    def _bounded(self, response: requests.Response, url: str) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > self._max_bytes:
                raise DriverError(f"{shown(url)}: the answer is larger than {self._max_bytes // 1024} KiB")
        return bytes(body)


class Resource:
    """One URL that is asked for again and again: what did not change (ETag) is not sent again.

    An unchanged answer is returned as if it had been sent: the server says that this is what it would send now.
    """

    def __init__(self, client: HttpClient, url: str) -> None:
        self._client = client
        self._url = url
        self._kept: Answer | None = None

    def get(self, headers: Headers = _NO_HEADERS) -> Answer:
        """Return what is there now; raises as HttpClient.get does."""
        kept = self._kept
        conditions = {_CONDITION: kept.headers["ETag"]} if kept is not None else {}
        answer = self._client.get(self._url, {**headers, **conditions})
        if answer.status == HTTPStatus.NOT_MODIFIED:
            if kept is None:
                raise StatusError(answer)
            return kept
        self._kept = answer if "ETag" in answer.headers else None
        return answer


def shown(url: str) -> str:
    """Return a URL as it may be shown: without user, password and query, in which there may be secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the URL"
    query = "?…" if parts.query else ""
    return visible(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{query}"[:_SHOWN])


_SHOWN: Final = 200  # characters of a URL in a message


class _Wire:
    """The connection of one exchange. Whoever cuts it ends what waits for it, from any thread."""

    def __init__(self) -> None:
        self.cut_because = ""
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def cut(self, why: str) -> None:
        with self._lock:
            self.cut_because = self.cut_because or why
            self._shut()

    def hold(self, connection: socket.socket) -> None:
        with self._lock:
            self._socket = connection
            if self.cut_because:
                self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):  # it is closed already
                socket.socket.shutdown(
                    self._socket, socket.SHUT_RDWR
                )  # not SSLSocket's, which forgets its TLS in a read


_wire_here: Final[ContextVar[_Wire]] = ContextVar("wire")  # of the exchange that this thread is at


@contextlib.contextmanager
def _carrying(wire: _Wire, seconds: float) -> Iterator[None]:
    """Have the connections that are made here held by a wire, which is cut when the time is over."""
    why = f"the whole answer took more than {seconds:g} s"
    deadline = threading.Timer(seconds, wire.cut, [why])
    deadline.daemon = True
    token = _wire_here.set(wire)
    deadline.start()
    try:
        yield
    finally:
        deadline.cancel()
        deadline.join()
        _wire_here.reset(token)


class _HttpConnection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _wire_here.get().hold(self.sock)


class _HttpsConnection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _wire_here.get().hold(self.sock)


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


class _Adapter(HTTPAdapter):
    """Makes connections that a wire holds, also to a proxy."""

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        _hold_connections(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **more: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(proxy, **more)
        if not proxy.lower().startswith("socks"):  # those have connections of their own
            _hold_connections(manager)
        return manager


def _hold_connections(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


def _session() -> requests.Session:
    session = requests.Session()
    session.headers.update(_OWN_HEADERS)
    session.auth = _as_it_is  # else the user's ~/.netrc comes before the headers that the configuration names
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter())
    return session


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _redirected(url: str, target: str, *, is_secret: bool) -> str:
    """Return where a redirect leads; raises DriverError when that is nowhere to go, or secrets must not go there."""
    there = urljoin(url, target)
    if urlsplit(there).scheme not in _PORTS:
        raise DriverError(f"{shown(url)}: redirects to what is no web address: {shown(there)}")
    if is_secret and not _is_as_safe(urlsplit(url), urlsplit(there)):
        message = f"{shown(url)}: redirects to {shown(there)}, to which its secret headers are not sent"
        raise DriverError(message, "if that is right name the new address instead")
    return there


_PORTS: Final = {"http": 80, "https": 443}


def _is_as_safe(here: SplitResult, there: SplitResult) -> bool:
    """Tell whether a redirect stays on its server, or does nothing but change from http to https."""
    origins = [(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]) for parts in (here, there)]
    return origins[0] == origins[1] or origins == [("http", here.hostname, 80), ("https", here.hostname, 443)]


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
        return (parsedate_to_datetime(said) - parsedate_to_datetime(headers["Date"])).total_seconds()
    except (KeyError, ValueError, TypeError):  # TypeError: one of the dates has a time zone, the other one none
        return None


_REACH: Final = "see whether it is on, and the URL is right"
_CERTIFICATE: Final = "name the file of its CA in `verify`; `verify: false` believes whoever answers"


def _reason(error: Exception, patience: Patience) -> tuple[str, str]:
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
