"""Export and import of whole histories, over every format and every kind of store that gives history."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.commands.export import export_all
from console.formats.comma_separated import Columns
from console.formats.lines import BadLine
from console.formats.registry import FORMATS
from console.importing import MOST_TOLD, Importer, Tally
from console.progress import Progress
from protocol.accounts import HOUR_MS, Account
from protocol.instants import Instant
from protocol.readings import Reading
from storage.postgres import Postgres
from storage.redis import Redis
from storage.sqlite import Sqlite, SqliteOptions
from storage.store import Ability, Batch, Missing, Span, Store
from storage.store import Progress as Cursor
from tests.storage.conformance import (
    EVER,
    MANY,
    NOON_MS,
    Stores,
    agreeing,
    everything,
    exactly,
    for_each_example,
    reading,
    readings,
    write,
)
from tests.storage.conftest import impatient, postgres_stores, redis_stores, shared_database, sqlite_stores
from tests.storage.kinds import KINDS, kinds_with
from tests.storage.postgres_server import PostgresServer
from tests.storage.redis_server import RedisServer

__all__ = ["impatient", "postgres_stores", "redis_stores", "shared_database", "sqlite_stores"]  # fixtures

every_format = pytest.mark.parametrize("name", FORMATS)
every_kind = pytest.mark.parametrize("stores", kinds_with(Ability.HISTORY), indirect=True)
histories = st.lists(st.lists(readings, max_size=6), min_size=1, max_size=4).map(agreeing)


@pytest.fixture
def stores(request: pytest.FixtureRequest) -> Stores:
    """Give the stores of the kind that a test is run with."""
    stores: Stores = request.getfixturevalue(KINDS[request.param].fixture)
    return stores


class Clockwork:
    """A clock long after all readings, a second further each time."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def now(self) -> Instant:
        self._seconds += 1
        return Instant(self._seconds, NOON_MS + 1000 * HOUR_MS)


def importer(store: Store | None) -> Importer:
    return Importer(store, Clockwork(), Progress(Clockwork(), is_quiet=True))


def exported(store: Store, name: str, path: Path) -> Path:
    export_all(store, store.codifiers(), EVER, FORMATS[name], str(path), is_forced=True, is_quiet=True)
    return path


def taken(store: Store, name: str, path: Path) -> Tally:
    with path.open("rb") as file:
        tally = importer(store).take(path.name, FORMATS[name].read(file, Columns()))
    importer(store).roll_up()
    return tally


def held(store: Store) -> list[str]:
    return list(map(exactly, everything(store)))


@every_format
@every_kind
@for_each_example
@given(batches=histories)
def test_a_history_that_was_moved_is_equal_and_a_second_import_changes_nothing(
    stores: Stores, name: str, batches: list[list[Reading]], tmp_path: Path
) -> None:
    source = stores.fresh()
    for batch in batches:
        write(source, *batch)
    before = held(source)
    path = exported(source, name, tmp_path / "all")
    source.close()
    target = stores.fresh()
    assert taken(target, name, path) == Tally("all", len(before), len(before), 0, 0, 0, 0)
    assert held(target) == before
    assert taken(target, name, path) == Tally("all", len(before), 0, len(before), 0, 0, 0)
    assert held(target) == before
    target.close()


@every_kind
@for_each_example
@given(batches=histories, data=st.data())
def test_the_order_of_imports_does_not_matter(
    stores: Stores, batches: list[list[Reading]], data: st.DataObject
) -> None:
    results = []
    for order in (batches, data.draw(st.permutations(batches))):
        store = stores.fresh()
        for batch in order:
            importer(store).take("part", batch)
        results.append(held(store))
        store.close()
    assert results[0] == results[1]


@pytest.mark.parametrize("stores", kinds_with(Ability.ROLLUPS), indirect=True)
def test_roll_ups_are_those_of_a_store_that_heard_the_readings(stores: Stores) -> None:
    batch = [reading(sequence, value=sequence % 7) for sequence in range(0, 7000, 3)]
    heard = stores.fresh()
    write(heard, *batch)
    expected = {span: heard.rollups("C1", span, *EVER) for span in Span}
    heard.close()
    store = stores.fresh()
    moved = importer(store)
    moved.take("late", batch[1000:])
    moved.roll_up()
    moved.take("early", batch[:1000])
    assert moved.roll_up() > 0
    assert {span: store.rollups("C1", span, *EVER) for span in Span} == expected
    assert store.refresh(MANY, NOON_MS + 1000 * HOUR_MS) == 0
    store.close()


def test_bad_lines_are_told_up_to_a_number_and_then_counted(capsys: pytest.CaptureFixture[str]) -> None:
    found = [BadLine(number, "\x1b[31m") for number in range(1, MOST_TOLD + 6)]
    tally = importer(None).take("x.csv", [*found, reading(1)])
    told = capsys.readouterr().err.splitlines()
    assert tally == Tally("x.csv", 1, None, None, None, None, MOST_TOLD + 5)
    assert (told[0], told[-1]) == (r"jph: x.csv:1: \x1b[31m", "jph: x.csv: 5 more bad lines")
    assert len(told) == MOST_TOLD + 1


def test_what_contradicts_the_store_is_counted_and_kept_apart(tmp_path: Path) -> None:
    with closing(Sqlite(SqliteOptions(path=str(tmp_path / "history.db")))) as store:
        write(store, reading(1, value=20))
        tally = importer(store).take("x", [reading(1, value=30), reading(2)])
        assert tally == Tally("x", 2, 1, 0, 1, 0, 0)
        assert not tally.is_whole
        assert len(store.aside(MANY)) == 1


def test_something_long_is_told_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(Clockwork())
    for number in range(12):
        progress.tell(f"{number}")
    assert capsys.readouterr().err.splitlines() == ["jph: 4", "jph: 9"]


# A sink and an import at the same time

Opener = Callable[[], Store]
HEARD = [[reading(100 * part + number) for number in range(100)] for part in range(30)]
BROUGHT = [reading(number, codifier="F1") for number in range(12_000)] + [one for part in HEARD for one in part[::2]]


@pytest.fixture
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Give what opens a store of a kind again and again, as patient as it is in service."""
    opened: list[Store] = []

    def open_it(make: Opener) -> Store:
        opened.append(make())
        return opened[-1]

    make: Opener = OPENERS[request.param](request, tmp_path)
    yield lambda: open_it(make)
    for store in opened:
        store.close()


def _postgres(request: pytest.FixtureRequest, _: Path) -> Opener:
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.new_database()
    request.addfinalizer(lambda: server.drop_database(name))
    return lambda: Postgres(server.options(name))


def _redis(request: pytest.FixtureRequest, _: Path) -> Opener:
    server: RedisServer = request.getfixturevalue("redis_server")
    with server.client() as client:
        client.flushall()
    return lambda: Redis(server.options(stream=100_000))


OPENERS: dict[str, Callable[[pytest.FixtureRequest, Path], Opener]] = {
    "sqlite": lambda _, path: lambda: Sqlite(SqliteOptions(path=str(path / "history.db"))),
    "postgres": _postgres,
    "redis": _redis,
}


@pytest.mark.parametrize("opener", OPENERS, indirect=True)
def test_an_import_beside_a_sink_loses_nothing_and_disturbs_no_account(opener: Opener) -> None:
    sink, store = opener(), opener()
    troubles: list[BaseException] = []
    storing = threading.Thread(target=_store_all, args=(sink, HEARD, troubles))
    storing.start()
    moved = importer(store)
    tally = moved.take("brought", BROUGHT)
    moved.roll_up()
    storing.join()
    assert troubles == []
    assert tally.readings == len(BROUGHT)
    assert tally.is_whole
    heard = [one for part in HEARD for one in part]
    assert store.history("C1", *EVER, MANY) == heard
    assert store.history("F1", *EVER, MANY) == BROUGHT[:12_000]
    assert store.progress() == {"C1": Cursor("C1", 2999, (Missing(3000, 1, NOON_MS),))}
    [account] = store.accounts(*EVER)
    assert (account.sent, account.heard, account.waiting) == (3000, 3000, 0)
    assert account.stored + account.duplicate == 3000


def _store_all(sink: Store, parts: Sequence[Sequence[Reading]], troubles: list[BaseException]) -> None:
    """Store as a sink does: readings, how far it got, and what became of them."""
    try:
        for part in parts:
            account = Account("C1", NOON_MS, sent=len(part), heard=len(part))
            cursor = Cursor("C1", part[-1].sequence, (Missing(3000, 1, NOON_MS),))
            sink.write(Batch(part, [cursor], [account], hours_ms=[NOON_MS] * len(part)), NOON_MS)
    except BaseException as error:  # noqa: BLE001 - the test tells it
        troubles.append(error)
