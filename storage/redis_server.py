"""The connection to a Redis server, and what its errors mean to the operator."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import redis
from redis import exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from storage.password_files import read_password
from storage.redis_options import RedisOptions
from storage.store import StoreError

_LOGIN: Final = "see `password_file` and `user`, and requirepass or the ACL of the server"
_RUNNING: Final = "see that the server runs and the network is up; it is tried again"
_MEMORY: Final = "raise maxmemory of the server, or keep less with `stream` and `expire`"
_PRIMARY: Final = "the server is a replica: name the primary"
_LOADING: Final = "the server reads its file into memory; it is tried again"
_DISK: Final = "the server cannot write its file: make room on its disk"

# The first that fits. Errors of the server begin with a word in capitals; not all have a class of their own.
_ADVICE: Final[tuple[tuple[type[Exception], str, str], ...]] = (
    (exceptions.AuthenticationError, "", _LOGIN),
    (exceptions.AuthorizationError, "", _LOGIN),
    (exceptions.NoPermissionError, "", "let the server's ACL allow this user every key and command"),
    (exceptions.BusyLoadingError, "", _LOADING),
    (exceptions.OutOfMemoryError, "", _MEMORY),
    (exceptions.ReadOnlyError, "", _PRIMARY),
    (exceptions.ResponseError, "NOAUTH", _LOGIN),
    (exceptions.ResponseError, "WRONGPASS", _LOGIN),
    (exceptions.ResponseError, "OOM", _MEMORY),
    (exceptions.ResponseError, "MISCONF", _DISK),
    (exceptions.ResponseError, "WRONGTYPE", "another program keeps something else there: name another `database`"),
    (exceptions.ResponseError, "DB index", "the server has fewer databases: see `database`"),
    (exceptions.ResponseError, "unknown command", "the server is older than Redis 5: update it"),
    (exceptions.TimeoutError, "", "the server is too slow, or the network is down; it is tried again"),
    (exceptions.ConnectionError, "", _RUNNING),
)


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
        raise StoreError(f"{place}: {_reason(error)}", _advice(error)) from error
    except ValueError as error:
        raise StoreError(f"{place} holds what jph did not write: {error}", "name another `database`") from error


def _reason(error: Exception) -> str:
    """Return the words of the server, without the command that it refused: that may be long."""
    return str(error).rpartition(" caused error: ")[2].strip().rstrip(".") or type(error).__name__


def _advice(error: Exception) -> str:
    reason = str(error)
    fitting = (advice for kind, word, advice in _ADVICE if isinstance(error, kind) and word in reason)
    return next(fitting, "see the server's log")
