"""The last state of every codifier in Redis, as the original system kept it (docs/drivers.md, "redis").

With the option `stream` the newest readings too.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

import msgspec
from redis import Redis as Client

from protocol.accounts import Account
from protocol.readings import Reading
from storage import redis_books, redis_readings, redis_server
from storage.redis_options import RedisOptions
from storage.redis_writing import SCHEMA, SCHEMA_KEY, Writer
from storage.store import Ability, Aside, Batch, Bucket, Description, Progress, Span, StoreError, Trouble, Written


class Redis:
    """Writes and reads a database of a server; the contract is `storage.store.Store`."""

    Options: ClassVar[type[msgspec.Struct]] = RedisOptions

    def __init__(self, options: RedisOptions) -> None:
        self.abilities = frozenset({Ability.HEARD, *([Ability.HISTORY] if options.stream else [])})
        self._options = options
        self._is_closed = False
        self._client = redis_server.connect(options)
        self._writer = Writer(self._client, options)
        try:
            self._check_schema()
        except BaseException:
            self.close()
            raise

    def write(self, batch: Batch, now_ms: int) -> Written:
        """Keep a whole batch in one transaction, and book what became of its readings.

        Without a stream it is not known which readings came before: all are stored that no store refuses.
        """
        with self._use():
            return self._writer.write(batch, now_ms)

    def history(self, codifier: str, since_ms: int, until_ms: int, limit: int) -> list[Reading]:
        """Return the newest `limit` readings of one sensor, oldest first, within both bounds inclusive."""
        with self._use() as client:
            if not self._options.stream:
                raise StoreError(f"{self._options.place} keeps last values only", "add `stream: 100000` to its options")
            readings = redis_readings.history(client, codifier)
        within = [reading for reading in readings if since_ms <= reading.timestamp_ms <= until_ms]
        return within[max(0, len(within) - max(0, limit)) :]

    def walk(self, codifier: str, since_ms: int, until_ms: int) -> Iterator[Reading]:
        """Go through all readings of one sensor, oldest first, within both bounds inclusive: `stream` bounds them."""
        return iter(self.history(codifier, since_ms, until_ms, sys.maxsize))

    def rollups(self, codifier: str, span: Span, since_ms: int, until_ms: int) -> list[Bucket]:  # noqa: ARG002 - refused
        """Refuse: there are none."""
        raise StoreError(f"{self._options.place} has no roll-ups", "ask a sink with `driver: sqlite` or `postgres`")

    def accounts(self, since_ms: int, until_ms: int) -> list[Account]:
        """Return the totals of every sensor and hour that begins within both bounds, sorted by hour and sensor."""
        with self._use() as client:
            return redis_books.read_accounts(client, since_ms, until_ms)

    def aside(self, limit: int) -> list[Aside]:
        """Return the newest `limit` readings that were kept apart, the newest first."""
        with self._use() as client:
            return redis_books.read_aside(client, limit)

    def codifiers(self) -> list[str]:
        """Return every sensor that has readings, sorted."""
        with self._use() as client:
            return redis_readings.codifiers(client) if self._options.stream else _measuring(client)

    def describe(self, sensors: Sequence[Description]) -> None:
        """Note what the configuration calls its sensors; one that was described before and is not now is unknown."""
        with self._use() as client, client.pipeline(transaction=True) as transaction:
            redis_books.describe(transaction, sensors)
            transaction.execute()

    def progress(self) -> dict[str, Progress]:
        """Return how far each sensor had been followed at the last batch, by codifier."""
        with self._use() as client:
            return redis_books.read_progress(client)

    def refresh(self, limit: int, ended_by_ms: int = 2**63 - 1) -> int:  # noqa: ARG002 - there are no roll-ups
        """Do nothing: there are no roll-ups."""
        return 0

    def maintain(self, now_ms: int) -> None:
        """Drop accounts that are too old, and all but the newest of what was set aside."""
        with self._use() as client, client.pipeline(transaction=True) as transaction:
            redis_books.maintain(transaction, redis_books.old_hours(client, now_ms))
            transaction.execute()

    def close(self) -> None:
        """Let go of the connections; a second time does nothing."""
        self._is_closed = True
        self._client.close()

    @contextmanager
    def _use(self) -> Iterator[Client]:
        if self._is_closed:
            raise StoreError("the store is closed")
        with redis_server.explained(self._options.place):
            yield self._client

    def _check_schema(self) -> None:
        with self._use() as client:
            found = client.get(SCHEMA_KEY)
            if found is not None and int(found) > SCHEMA:
                raise StoreError(
                    f"{self._options.place} was written by a newer jph (schema {int(found)}, this one knows {SCHEMA})",
                    "update jph on this machine, or name another `database`",
                    Trouble.STORE_NEWER,
                )


def _measuring(client: Client) -> list[str]:
    """Return the codifiers whose last state has a value."""
    keys = list(client.scan_iter("??", count=1000))
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        pipeline.hexists(key, "Value")
    has_value = pipeline.execute(raise_on_error=False)  # what is no hash is somebody else's
    return sorted({key for key, has in zip(keys, has_value, strict=True) if has is True})
