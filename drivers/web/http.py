"""HTTP for drivers: one request at a time, bounded in time and in size, with errors in words.

requests bounds how long it waits for the connection and between two packets. A server that sends a byte a second would
hold a read for hours, so every exchange has a deadline as well, after which its connection is cut.

No connection is kept from one request to the next: the web server of an Arduino has four of them for everybody.
"""

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, disable_warnings
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, InsecureRequestWarning

from drivers.driver import DriverError
from drivers.web.answers import Answer, Headers, Patience, StatusError, shown
from drivers.web.reasons import reason

__all__ = ["Answer", "Headers", "HttpClient", "Patience", "Resource", "StatusError", "shown"]

MAX_ANSWER_BYTES: Final = 2**20  # what describes more than some thousand sensors is not meant for this
MOST_REDIRECTS: Final = 3
_CHUNK_BYTES: Final = 8192

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
        if isinstance(self._verify, str) and not Path(self._verify).exists():
            raise DriverError(f"the CA certificates in {self._verify} are not there", "see whether `verify` is right")
        try:
            with _carrying(wire, self._patience.whole_s), _session() as session:
                answer = ask(session)
        except (requests.RequestException, HTTPError, ValueError, OSError) as error:  # ValueError: of reading URLs
            why, advice = (wire.cut_because, "") if wire.cut_because else reason(error, self._patience)
            raise DriverError(f"{shown(url)}: {why}", advice) from error
        if wire.cut_because:  # where the end of the connection is the end of the answer, this looks like a whole one
            raise DriverError(f"{shown(url)}: {wire.cut_because}")
        if not (200 <= answer.status < 300 or answer.status == HTTPStatus.NOT_MODIFIED):
            raise StatusError(answer)
        return answer

    def _new_wire(self, url: str) -> "_Wire":
        with self._lock:
            if self._is_closed:
                raise DriverError(f"{shown(url)}: {_CLOSED}")
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
        self._kept = answer if _ETAG.fullmatch(answer.headers.get("ETag", "")) else None
        return answer


# RFC 9110, 8.8.3. What is none is not sent back.
_ETAG: Final = re.compile(r'(?:W/)?"[!#-~\x80-\xff]*"')


class _Wire:
    """The connection of one exchange. Whoever cuts it ends what waits for it, from any thread.

    It holds a descriptor of its own: that of the connection changes hands when TLS begins.
    """

    def __init__(self) -> None:
        self.cut_because = ""
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def cut(self, why: str) -> None:
        with self._lock:
            self.cut_because = self.cut_because or why
            self._shut()

    def hold(self, connection: socket.socket) -> None:
        self.let_go()
        with self._lock:
            self._socket = connection.dup()
            if self.cut_because:
                self._shut()

    def let_go(self) -> None:
        with self._lock:
            if self._socket is not None:
                self._socket.close()
            self._socket = None

    def _shut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):  # the server has closed it already
                self._socket.shutdown(socket.SHUT_RDWR)


_wire_here: Final[ContextVar[_Wire]] = ContextVar("wire")  # of the exchange that this thread is at


@contextlib.contextmanager
def _carrying(wire: _Wire, seconds: float) -> Iterator[None]:
    """Have the connections that are made here held by a wire, which is cut when the time is over."""
    why = f"the whole answer took more than {seconds:g} s"
    deadline = threading.Timer(seconds, wire.cut, [why])
    deadline.daemon = True
    deadline.start()
    token = _wire_here.set(wire)
    try:
        yield
    finally:
        _wire_here.reset(token)
        deadline.cancel()
        deadline.join()
        wire.let_go()


def _held(connection: socket.socket) -> socket.socket:
    _wire_here.get().hold(connection)
    return connection


class _HttpConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _held(super()._new_conn())


class _HttpsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _held(super()._new_conn())

    def connect(self) -> None:
        """Connect, of which TLS is a part: also by the time that it may take."""
        try:
            super().connect()
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "TLS did not begin") from error


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
