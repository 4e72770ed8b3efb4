"""One batch into Redis, in one transaction (MULTI, EXEC)."""

from collections.abc import Mapping
from typing import Final, NamedTuple
from uuid import uuid4

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError, WatchError

from protocol.readings import Reading
from protocol.states import Fields
from storage import redis_books, redis_readings
from storage.booking import booked, written
from storage.judging import Outcome, judge, refusal
from storage.redis_options import RedisOptions
from storage.redis_readings import Window
from storage.redis_states import States
from storage.store import Batch, StoreError, Trouble, Written

SCHEMA: Final = 1
SCHEMA_KEY: Final = "jph:schema"

MAX_RACES: Final = 100  # times that other writers may come first before the batch is given back
_WRITER_KEPT_S: Final = 7 * 86_400  # for as long a sink that was cut off can find out about its last batch

# Every writer changes the first in every batch, so that whoever watches it notices the others. The other is a writer's
# own: the number of its last batch.
_BATCHES: Final = "jph:batches"
_WRITER: Final = "jph:writer:"


class _Sent(NamedTuple):
    """A batch that was sent, and what becomes of everything if it arrived."""

    batch: Batch
    number: int
    written: Written
    states: States


class Writer:
    """Writes batches to one database."""

    def __init__(self, client: Redis, options: RedisOptions) -> None:
        self._client = client
        self._options = options
        self._states = States()
        self._key = _WRITER + uuid4().hex
        self._number = 0
        self._sent: _Sent | None = None

    def write(self, batch: Batch, now_ms: int) -> Written:
        """Write a batch; whether the last one arrived is found out first, when its answer was lost."""
        for _ in range(MAX_RACES):
            arrived = self._arrived()
            if arrived is not None and arrived.batch == batch:
                return arrived.written
            try:
                return self._write(batch, now_ms)
            except WatchError as error:
                if isinstance(error.__context__, RedisError):  # the connection was lost while something was watched
                    raise error.__context__ from error
        advice = "let one sink at a time write to a database"
        raise StoreError("other programs write all the time", advice, Trouble.STORE_BUSY)

    def _arrived(self) -> _Sent | None:
        """Return the last batch if its answer was lost but it arrived itself."""
        sent = self._sent
        if sent is None:
            return None
        number = self._client.get(self._key)
        self._sent = None
        if number != str(sent.number):
            return None
        self._states = sent.states
        return sent

    def _write(self, batch: Batch, now_ms: int) -> Written:
        with self._client.pipeline(transaction=True) as transaction:
            transaction.watch(_BATCHES)  # type: ignore[no-untyped-call] # redis-py has no types for this one
            acceptable = [reading for reading in batch.readings if refusal(reading) is None]
            self._recall(batch._replace(readings=acceptable))
            window = redis_readings.look(self._client, acceptable, self._options.stream)
            transaction.multi()
            self._sent = self._queue(transaction, batch, window, now_ms)
            transaction.execute()
        self._states = self._sent.states
        result, self._sent = self._sent.written, None
        return result

    def _recall(self, batch: Batch) -> None:
        """Read what an earlier program wrote of the codifiers that this one does not know yet."""
        codifiers = sorted(self._states.unknown(batch))
        if not codifiers:
            return
        progress = redis_books.read_progress(self._client, codifiers)
        pipeline = self._client.pipeline(transaction=False)
        for codifier in codifiers:
            pipeline.hgetall(codifier)
        for codifier, fields in zip(codifiers, pipeline.execute(), strict=True):
            self._states.recall(codifier, fields, progress.get(codifier))

    def _queue(self, transaction: Pipeline, batch: Batch, window: Window, now_ms: int) -> _Sent:
        """Queue all commands of a batch."""
        outcomes = judge(batch.readings, window.known)
        sorted_out: dict[Outcome, list[Reading]] = {outcome: [] for outcome in Outcome}
        for reading, outcome in zip(batch.readings, outcomes, strict=True):
            sorted_out[outcome].append(reading)
        states = self._states.copy()
        if not batch.is_import:
            self._show(transaction, states.take(batch._replace(readings=sorted_out[Outcome.STORED])))
        if self._options.stream:
            redis_readings.keep(transaction, window, sorted_out[Outcome.STORED], self._options.stream)
        redis_books.set_aside(transaction, sorted_out, now_ms)
        redis_books.book(transaction, booked(batch, outcomes, now_ms))
        redis_books.advance(transaction, batch.progress)
        return _Sent(batch, self._sign(transaction), written(outcomes), states)

    def _show(self, transaction: Pipeline, changed: Mapping[str, Fields]) -> None:
        expire_s = self._options.expire_s
        for codifier, fields in changed.items():
            transaction.hset(codifier, mapping=fields)  # type: ignore[arg-type] # str is one of its types
            if expire_s is not None:
                transaction.pexpire(codifier, round(expire_s * 1000))

    def _sign(self, transaction: Pipeline) -> int:
        """Note in the database which batch this is."""
        self._number += 1
        transaction.incr(_BATCHES)
        transaction.set(self._key, self._number, ex=_WRITER_KEPT_S)
        transaction.set(SCHEMA_KEY, SCHEMA)
        return self._number
