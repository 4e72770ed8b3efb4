"""One user's devices, asked for by all nodes of a process together: Google counts requests, not nodes.

Quotas (developers.google.com/nest/device-access/project/limits): devices.list 5 in a minute, for each
user of a project.
"""

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from drivers.driver import DriverError, RetryLaterError
from drivers.web import nest_api, nest_credentials
from drivers.web.answers import StatusError
from drivers.web.nest_credentials import Credentials
from drivers.web.nest_weather import SharedWeather

if TYPE_CHECKING:
    from drivers.web.http import HttpClient  # 6 MiB that only who asks web servers needs

log: Final = logging.getLogger("jph.driver")

SHORTEST_INTERVAL_S: Final = 15.0  # between two requests for the list, whatever became of the first: 4 in a minute
EARLY_S: Final = 1.0  # the read of a node may be so much earlier than its interval says
REVOKED_S: Final = 600.0  # until Google is asked again though only the user can help
TIME_FOR_MORE_S: Final = 1.5
"""After so long a read sends no second request: with that one's 3 s it would take longer than the 5 s it has."""

WAITING_S: Final = 3.5  # for the request of another node


class Listing(NamedTuple):
    """All devices as they were at a moment, in s of the place's clock; the next listing has the next number."""

    number: int
    devices: tuple[nest_api.Device, ...]
    came_s: float


class Account:
    """What Google tells of the devices of one file of credentials, and the weather there. Any thread may ask."""

    def __init__(self, path: Path, monotonic: Callable[[], float]) -> None:
        self.weather: Final = SharedWeather(monotonic)
        self._path = path
        self._monotonic = monotonic
        self._asking = threading.Lock()
        self._signature: tuple[int, ...] = ()  # of the file that was read
        self._credentials: Credentials | None = None
        self._token = ""
        self._token_ends_s = 0.0
        self._listing: Listing | None = None
        self._tried_s: float | None = None
        self._not_before_s = 0.0
        self._failure: DriverError | None = None  # of the last request

    def news(self, client: "HttpClient", seen: int, every_s: float) -> Listing | None:
        """Return a listing with a higher number than `seen`, asking Google when the last is older than `every_s`.

        None when there is nothing new yet. Raises DriverError while the last request is one that failed.
        """
        with self._turn():
            self._read_file()
            listing, now_s = self._listing, self._monotonic()
            if self._is_due(now_s, every_s):
                self._tried_s = now_s
                return self._ask(client, now_s)
            if self._failure is not None:
                raise self._told_again(self._failure, now_s)
            return listing if listing is not None and listing.number > seen else None

    @property
    def credentials(self) -> Credentials | None:
        """What was in the file when it was last read, None when that could not be read."""
        return self._credentials

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for the request of another node, in real time as that takes it, and not for longer than a read may."""
        if not self._asking.acquire(timeout=WAITING_S):
            raise DriverError("Google is still being asked by another node")
        try:
            yield
        finally:
            self._asking.release()

    def _is_due(self, now_s: float, every_s: float) -> bool:
        if self._tried_s is None:
            return True
        pause_s = SHORTEST_INTERVAL_S if self._failure is not None else every_s
        return now_s >= max(self._tried_s + pause_s - EARLY_S, self._not_before_s)

    def _ask(self, client: "HttpClient", now_s: float) -> Listing | None:
        try:
            devices = self._devices(client, now_s)
        except DriverError as error:
            self._failure = error
            self._not_before_s = self._monotonic() + _pause_s(error)
            raise
        self._failure = None
        if devices is None:  # there was time for a token only; the next read lists
            self._tried_s = None
            return None
        number = 1 if self._listing is None else self._listing.number + 1
        self._listing = Listing(number, devices, self._monotonic())
        return self._listing

    def _told_again(self, error: DriverError, now_s: float) -> DriverError:
        if isinstance(error, RetryLaterError):
            left_s = max(self._not_before_s - now_s, 0.0)
            return RetryLaterError(error.message, error.hint, retry_after_s=left_s)
        return DriverError(error.message, error.hint)

    def _devices(self, client: "HttpClient", began_s: float) -> tuple[nest_api.Device, ...] | None:
        """List the devices; a token that Google does not take though its time is not over is replaced, once.

        None when getting a token took so long that there is no time left for the list.
        """
        if self._monotonic() >= self._token_ends_s:
            self._refresh(client)
            if self._is_late(began_s):
                return None
        try:
            return nest_api.devices(client, self._known(), self._token)
        except StatusError as error:
            self._token_ends_s = 0.0
            if self._is_late(began_s):
                raise
            self._refresh(client)
            return self._list_with_new_token(client, error)

    def _list_with_new_token(self, client: "HttpClient", before: StatusError) -> tuple[nest_api.Device, ...]:
        try:
            return nest_api.devices(client, self._known(), self._token)
        except StatusError as error:
            self._token_ends_s = 0.0
            advice = nest_credentials.advice(self._path)
            raise DriverError(f"{before.message}, also with a new token", advice) from error

    def _is_late(self, began_s: float) -> bool:
        return self._monotonic() - began_s > TIME_FOR_MORE_S

    def _refresh(self, client: "HttpClient") -> None:
        token = nest_api.refresh(client, self._known())
        self._token, self._token_ends_s = token.text, self._monotonic() + token.life_s
        if token.refresh_token not in {None, self._known().refresh_token}:
            self._keep(str(token.refresh_token))

    def _keep(self, refresh_token: str) -> None:
        self._credentials = msgspec.structs.replace(self._known(), refresh_token=refresh_token)
        try:
            nest_credentials.write(self._path, self._credentials)
            self._signature = _signature(self._path)
        except OSError as error:
            log.warning(
                "%s: Google's new refresh token will not survive a restart: %s; let the user of the agent write there",
                self._path,
                error.strerror,
            )

    def _known(self) -> Credentials:
        if self._credentials is None:
            raise DriverError(f"{self._path} was not read")
        return self._credentials

    def _read_file(self) -> None:
        """Read the credentials, again when the file is another one: then Google is asked at once."""
        signature = _signature(self._path)
        if signature == self._signature and self._credentials is not None:
            return
        try:
            self._credentials = nest_credentials.read(self._path)
        except DriverError:
            self._credentials = None
            raise
        self._signature = signature
        self._token_ends_s = self._not_before_s = 0.0
        self._tried_s, self._failure = None, None


def account(path: Path, monotonic: Callable[[], float]) -> Account:
    """Return the account of a file of credentials; the first who asks for it gives it its clock."""
    with _accounts_lock:
        found = _accounts.get(path)
        if found is None:
            found = _accounts[path] = Account(path, monotonic)
        return found


# Kept for good, one for each file that a configuration names: what Google counts does not end with a driver that is
# closed and built anew.
_accounts: Final[dict[Path, Account]] = {}
_accounts_lock: Final = threading.Lock()


def _pause_s(error: DriverError) -> float:
    if isinstance(error, nest_api.RevokedError):
        return REVOKED_S
    return error.retry_after_s if isinstance(error, RetryLaterError) else 0.0


def _signature(path: Path) -> tuple[int, ...]:
    """Tell one state of a file from another; empty when it is not there."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a file that is not there is told by whoever reads it
    except OSError:
        return ()
    return (status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode)
