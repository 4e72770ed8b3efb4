"""The connection to a Redis server, and what its errors mean to the operator."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from storage.password_files import read_password
from storage.redis_options import RedisOptions
from storage.store import StoreError, Trouble

_LOGIN: Final = "see `password_file` and `user`, and requirepass or the ACL of the server"
_RUNNING: Final = "see that the server runs and the network is up"
_MEMORY: Final = "raise maxmemory of the server, or keep less with `stream` and `expire`"
_PRIMARY: Final = "the server is a replica: name the primary"
_LOADING: Final = "the server reads its file into memory: wait until it is done"
_DISK: Final = "the server cannot write its file: make room on its disk"
_RIGHTS: Final = "let the server's ACL allow this user every key and command"
_OTHERS: Final = "another program keeps something else there: name another `database`"
_FEWER: Final = "the server has fewer databases: see `database`"
_OLD: Final = "the server is older than Redis 5: update it"
_SLOW: Final = "the server is too slow, or the network is down"


class _Meaning(NamedTuple):
    """What an error of this class with this word in it means: to everybody, and what the operator can do."""

    kind: type[Exception]
    word: str
    trouble: Trouble
    advice: str


# The first that fits. Errors of the server begin with a word in capitals; not all have a class of their own.
_MEANINGS: Final = (
    _Meaning(exceptions.AuthenticationError, "", Trouble.STORE_LOGIN, _LOGIN),
    _Meaning(exceptions.AuthorizationError, "", Trouble.STORE_LOGIN, _LOGIN),
    _Meaning(exceptions.NoPermissionError, "", Trouble.STORE_READ_ONLY, _RIGHTS),
    _Meaning(exceptions.BusyLoadingError, "", Trouble.STORE_BUSY, _LOADING),
    _Meaning(exceptions.OutOfMemoryError, "", Trouble.STORE_MEMORY, _MEMORY),
    _Meaning(exceptions.ReadOnlyError, "", Trouble.STORE_READ_ONLY, _PRIMARY),
    _Meaning(exceptions.ResponseError, "NOAUTH", Trouble.STORE_LOGIN, _LOGIN),
    _Meaning(exceptions.ResponseError, "WRONGPASS", Trouble.STORE_LOGIN, _LOGIN),
    _Meaning(exceptions.ResponseError, "OOM", Trouble.STORE_MEMORY, _MEMORY),
    _Meaning(exceptions.ResponseError, "MISCONF", Trouble.STORE_FULL, _DISK),
    _Meaning(exceptions.ResponseError, "WRONGTYPE", Trouble.STORE_FAILS, _OTHERS),
    _Meaning(exceptions.ResponseError, "DB index", Trouble.STORE_NOT_READY, _FEWER),
    _Meaning(exceptions.ResponseError, "unknown command", Trouble.STORE_FAILS, _OLD),
    _Meaning(exceptions.TimeoutError, "", Trouble.STORE_AWAY, _SLOW),
    _Meaning(exceptions.ConnectionError, "", Trouble.STORE_AWAY, _RUNNING),
)
_UNKNOWN: Final = _Meaning(Exception, "", Trouble.STORE_FAILS, "see the server's log")


def connect(options: RedisOptions) -> redis.Redis:
    """Return a client that connects when it is first used; raises StoreError for its password."""
    password = None if options.password_file is None else read_password(Path(options.password_file).expanduser())
    return redis.Redis.from_url(
        options.url,
        db=options.database,
        username=options.user,
        password=password,
        protocol=2,  # Redis 5 knows no other
        decode_responses=True,
        socket_timeout=options.timeout_s,
        socket_connect_timeout=options.timeout_s,
        retry=Retry(NoBackoff(), 0),  # what was perhaps done already must not be done again unasked
    )


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Turn what the server, the network and the client say into a StoreError that says what to do."""
    try:
        yield
    except (exceptions.RedisError, OSError) as error:
        meaning = _meaning(error)
        raise StoreError(f"{place}: {_reason(error)}", meaning.advice, meaning.trouble) from error
    except ValueError as error:
        raise StoreError(f"{place} holds what jph did not write: {error}", "name another `database`") from error


def _reason(error: Exception) -> str:
    """Return the words of the server, without the command that it refused: that may be long."""
    return str(error).rpartition(" caused error: ")[2].strip().rstrip(".") or type(error).__name__


def _meaning(error: Exception) -> _Meaning:
    fitting = (one for one in _MEANINGS if isinstance(error, one.kind) and one.word in str(error))
    return next(fitting, _UNKNOWN)
