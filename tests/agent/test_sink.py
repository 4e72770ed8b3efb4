"""A node that stores what it hears, into real SQLite files; in time that the test drives."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from agent.intake import BATCH, MAX_WAITING
from agent.sink import CLOSING_S, FLUSH_S, LONGEST_BACK_OFF_S, STORING_LAST_S, Sink
from agent.sink_health import ASIDE_TOLD_S
from agent.supervisor import NotAnActuatorError
from agent.surroundings import Surroundings
from config.model import Configuration, Node, Sensor
from protocol.accounts import Account
from protocol.commands import pack_pair, unpack_pair
from protocol.frames import ControlFrame, DataFrame, Flag, reading_frame
from protocol.life import PROBE_S
from protocol.readings import Reading
from protocol.repair import Missing, Progress
from protocol.troubles import Said, Trouble, unpack
from storage.registry import STORES, Entry
from storage.sqlite import Sqlite, SqliteOptions
from storage.store import Aside, Batch, Description, Heard, StoreError, Written
from tests.agent.devices import until
from tests.agent.stored import readings
from tests.agent.wire import Wire, presence
from tests.support.disks import files_of_at_most
from tests.support.driven_time import DrivenLoop

NOON_MS = 1_700_000_000_000
NOT_STORED = "Q1: 10 readings could not be stored, and will be asked for again"


class Ledger:
    """A store in memory that is away while `trouble` is an error, and hangs while it is an event."""

    Options: ClassVar[type[msgspec.Struct]] = SqliteOptions
    trouble: ClassVar[BaseException | threading.Event | None] = None
    batches: ClassVar[list[int]]
    rows: ClassVar[set[Reading]]
    progressed: ClassVar[dict[str, Progress]]
    accounted: ClassVar[list[Account]]
    heard: ClassVar[list[Heard]]
    described: ClassVar[list[Sequence[Description]]]
    outcome: ClassVar[Written]
    tries: ClassVar[int]
    closed: ClassVar[int]

    def __init__(self, options: object) -> None:
        del options

    @classmethod
    def begin_anew(cls) -> None:
        cls.trouble, cls.batches, cls.rows, cls.tries, cls.closed = None, [], set(), 0, 0
        cls.progressed, cls.accounted, cls.heard = {}, [], []
        cls.described, cls.outcome = [], Written()

    def write(self, batch: Batch, now_ms: int) -> Written:
        del now_ms
        self._meet_trouble()
        before = len(self.rows)
        self.rows.update(batch.readings)
        self.batches.append(len(batch.readings))
        self.progressed.update((one.codifier, one) for one in batch.progress)
        self.accounted.extend(batch.accounts)
        self.heard.extend(batch.heard)
        return self.outcome._replace(stored=len(self.rows) - before)

    def progress(self) -> dict[str, Progress]:
        self._meet_trouble()
        return dict(self.progressed)

    def refresh(self, limit: int, ended_by_ms: int) -> int:
        del limit, ended_by_ms
        return 0

    def maintain(self, now_ms: int) -> None:
        del now_ms

    def describe(self, sensors: Sequence[Description]) -> None:
        self._meet_trouble()
        self.described.append(sensors)

    def aside(self, limit: int) -> list[Aside]:
        return [Aside(NOON_MS, "says\x1b[2J other", '{"codifier": "C1\x7f"}')][:limit]

    def _meet_trouble(self) -> None:
        Ledger.tries += 1
        if isinstance(self.trouble, threading.Event):
            self.trouble.wait()
        elif self.trouble is not None:
            raise self.trouble

    def close(self) -> None:
        Ledger.closed += 1


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Ledger]]:
    place = f"{__name__}:{Ledger.__name__}"
    monkeypatch.setitem(STORES, "ledger", Entry(place, "storage.sqlite:SqliteOptions", history=place, hears=True))
    Ledger.begin_anew()
    yield Ledger
    if isinstance(Ledger.trouble, threading.Event):
        Ledger.trouble.set()


def numbered(number: int, value: float = 21.5) -> DataFrame:
    """Return a reading of C1."""
    return reading_frame(Reading("C1", NOON_MS + number, number, value))


class Bench:
    """A sink with the wire that its own readings go to."""

    def __init__(self, loop: DrivenLoop, driver: str, path: Path) -> None:
        self.loop = loop
        self.wire = Wire()
        self.presence = presence("Q1", self.wire, loop)
        node = Node(sensor=Sensor(codifier="Q1"), driver=driver, options=SqliteOptions(path=str(path)), interval_s=5.0)
        self.sink = Sink(node, self.presence, Surroundings(path.parent, clock=loop.clock))
        self.heard = 0
        self.run: Any = None

    async def begin(self) -> "Bench":
        self.presence.start()
        await self.loop.advance(PROBE_S)
        self.run = self.loop.create_task(self.sink.run())
        await self.loop.settle()
        return self

    async def ready(self) -> None:
        """Wait until it knows how far its store has got."""
        await until(lambda: self.sink.intake.resumed and self.sink.resting)

    def hear(self, count: int, value: float = 21.5) -> None:
        """Hear so many new readings."""
        for _ in range(count):
            self.heard += 1
            self.sink.hear(numbered(self.heard, value), self.loop.clock.now())
        self.sink.heard()

    async def flush(self) -> None:
        """Let the time to store pass, and wait until nothing waits any more."""
        await self.loop.advance(FLUSH_S)
        await until(lambda: self.sink.waiting == 0 and self.sink.resting)

    def miss(self, count: int) -> None:
        """Let so many readings be sent that are not heard."""
        self.heard += count

    def answer(self, number: int) -> None:
        """Let a reading come that was asked for."""
        self.sink.hear_answer(numbered(number), self.loop.clock.now())
        self.sink.heard()

    def asked(self) -> list[tuple[int, int] | None]:
        """Return what was asked for since the last time, as (first, count)."""
        frames = [frame for frame in self.wire.take() if isinstance(frame, ControlFrame)]
        return [unpack_pair(frame.number) for frame in frames if frame.flag is Flag.REPEAT]

    def said(self) -> list[Said | None]:
        """Return what the sink said of itself since the last time."""
        frames = [frame for frame in self.wire.take() if isinstance(frame, ControlFrame)]
        return [unpack(frame.number) for frame in frames if frame.flag is Flag.DIAGNOSIS]

    async def end(self) -> None:
        if self.run is not None:
            self.run.cancel()
            await asyncio.wait([self.run])

    async def close(self, seconds: float = 0.0) -> None:
        await self.end()
        closing = self.loop.create_task(self.sink.close())
        await self.loop.advance(seconds)
        await closing
        self.presence.close()


Begin = Callable[[str], Any]


@pytest.fixture
async def begin(driven_time: DrivenLoop, path: Path) -> AsyncIterator[Begin]:
    begun: list[Bench] = []

    async def begin(driver: str = "sqlite") -> Bench:
        begun.append(Bench(driven_time, driver, path))
        return await begun[-1].begin()

    yield begin
    for bench in begun:
        await bench.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


def files(directory: Path) -> list[str]:
    return [file.name for file in directory.iterdir()]


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


async def test_what_is_heard_is_stored_within_a_second(begin: Begin, path: Path) -> None:
    bench = await begin("sqlite")
    bench.hear(3)
    await bench.flush()
    assert [(reading.sequence, reading.value) for reading in readings(path)] == [(1, 21.5), (2, 21.5), (3, 21.5)]


async def test_readings_come_in_batches(begin: Begin, ledger: type[Ledger]) -> None:
    bench = await begin("ledger")
    bench.hear(2 * BATCH + 10)
    await bench.flush()
    assert ledger.batches == [BATCH, BATCH, 10]


async def test_a_reading_that_comes_twice_is_stored_once(begin: Begin, path: Path) -> None:
    bench = await begin("sqlite")
    frame = reading_frame(Reading("C1", NOON_MS, 7, 21.5))
    for _ in range(3):
        bench.sink.hear(frame, bench.loop.clock.now())
    bench.heard = 1
    await bench.flush()
    assert len(readings(path)) == 1


async def test_announcements_and_values_that_are_no_numbers_are_not_stored(begin: Begin, path: Path) -> None:
    bench = await begin("sqlite")
    bench.sink.hear(DataFrame(7, NOON_MS, Flag.NUMBERING, "C1", "@@", 7), bench.loop.clock.now())
    bench.sink.hear(DataFrame(8, NOON_MS, Flag.FLOAT, "C1", "@@", float("nan")), bench.loop.clock.now())
    bench.hear(1)
    await bench.flush()
    assert [reading.value for reading in readings(path)] == [21.5]


async def test_its_own_reading_is_how_many_were_stored_in_the_last_minute(
    begin: Begin, driven_time: DrivenLoop
) -> None:
    bench = await begin("sqlite")
    bench.hear(3)
    await bench.flush()
    await driven_time.advance(5.0 - FLUSH_S)
    assert await bench.wire.readings(1) == [("Q1", 3)]
    await driven_time.advance(55.0)
    bench.wire.take()
    await driven_time.advance(5.0)
    assert await bench.wire.readings(1) == [("Q1", 0)]


async def test_no_more_than_the_last_minute_is_remembered_however_seldom_it_is_told(begin: Begin) -> None:
    bench = await begin("sqlite")
    bench.sink.node = msgspec.structs.replace(bench.sink.node, interval_s=86_400.0)
    for _ in range(100):
        bench.hear(1)
        await bench.flush()
    assert len(bench.sink._minute) <= 60 / FLUSH_S + 1


async def test_while_the_store_is_away_readings_wait_and_then_all_are_stored(
    begin: Begin, ledger: type[Ledger], driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await begin("ledger")
    await bench.ready()
    ledger.trouble = StoreError("the server does not answer", "start it")
    bench.hear(10)
    await driven_time.advance(FLUSH_S)
    await until(lambda: bool(caplog.records))
    bench.hear(10)
    ledger.trouble = None
    await driven_time.advance(2 * FLUSH_S)
    await until(lambda: bench.sink.stored == 20 and bench.sink.resting)
    assert messages(caplog) == [
        "Q1: the server does not answer; start it; 10 readings wait",
        "Q1: stores again; 0 readings are asked for",
    ]


async def test_a_store_that_stays_away_is_asked_less_and_less_and_named_once(
    begin: Begin, ledger: type[Ledger], driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await begin("ledger")
    await bench.ready()
    ledger.trouble = StoreError("the server does not answer")
    bench.hear(1)
    tried_s = []
    for _ in range(300):
        before = ledger.tries
        await driven_time.advance(0.5)
        await until(lambda: bench.sink.resting)
        tried_s += [driven_time.time()] * (ledger.tries - before)
    pauses_s = [later - earlier for earlier, later in pairwise(tried_s)]
    assert pauses_s[:6] == [2, 4, 8, 16, LONGEST_BACK_OFF_S, LONGEST_BACK_OFF_S]
    assert messages(caplog) == ["Q1: the server does not answer; 1 readings wait"]


async def test_what_finds_no_room_is_asked_for_once_there_is(
    begin: Begin, ledger: type[Ledger], driven_time: DrivenLoop
) -> None:
    bench = await begin("ledger")
    await bench.ready()
    ledger.trouble = StoreError("the server does not answer")
    bench.hear(MAX_WAITING + 10)
    assert (bench.sink.waiting, bench.sink.intake.left) == (MAX_WAITING, 10)
    ledger.trouble = None
    bench.wire.take()
    await bench.flush()
    await driven_time.advance(0.2)
    assert len(ledger.rows) == MAX_WAITING
    assert (MAX_WAITING + 1, 10) in bench.asked()


async def test_nothing_is_asked_for_while_there_is_no_room_for_the_answers(
    begin: Begin, ledger: type[Ledger], driven_time: DrivenLoop
) -> None:
    bench = await begin("ledger")
    await bench.ready()
    ledger.trouble = StoreError("the server does not answer")
    bench.hear(MAX_WAITING // 2)
    bench.miss(1)
    bench.hear(1)
    await driven_time.advance(30.0)
    assert bench.asked() == []


async def test_a_fault_of_the_store_is_shown_and_stops_nothing(
    begin: Begin, ledger: type[Ledger], driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await begin("ledger")
    ledger.trouble = ZeroDivisionError("division by zero")
    bench.hear(1)
    await driven_time.advance(FLUSH_S)
    await until(lambda: len(caplog.records) == 2)
    assert caplog.records[0].exc_info is not None
    assert messages(caplog)[1] == "Q1: ZeroDivisionError: division by zero; 1 readings wait"
    ledger.trouble = None
    await driven_time.advance(2 * FLUSH_S)
    await until(lambda: bench.sink.stored == 1)


async def test_an_orderly_end_stores_what_waits(begin: Begin, path: Path) -> None:
    bench = await begin("sqlite")
    bench.hear(BATCH + 10)
    await bench.close()
    assert files(path.parent) == ["history.db"]
    assert len(readings(path)) == BATCH + 10


async def test_an_end_in_the_midst_of_a_batch_stores_it_once(
    begin: Begin, ledger: type[Ledger], driven_time: DrivenLoop
) -> None:
    bench = await begin("ledger")
    ledger.trouble = release = threading.Event()
    bench.hear(10)
    await driven_time.advance(FLUSH_S)
    bench.hear(10)
    await bench.end()
    closing = driven_time.create_task(bench.sink.close())
    await driven_time.settle()
    ledger.trouble = None
    release.set()
    await closing
    assert (len(ledger.rows), ledger.closed) == (20, 1)


async def test_at_the_end_of_a_sink_whose_store_is_away_the_loss_is_told(
    begin: Begin, ledger: type[Ledger], caplog: pytest.LogCaptureFixture
) -> None:
    bench = await begin("ledger")
    ledger.trouble = StoreError("the server does not answer")
    bench.hear(10)
    await bench.close()
    assert messages(caplog) == [f"{NOT_STORED}: the server does not answer"]


async def test_a_store_that_hangs_does_not_keep_the_process_from_ending(
    begin: Begin, ledger: type[Ledger], driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await begin("ledger")
    ledger.trouble = threading.Event()
    bench.hear(10)
    await driven_time.advance(FLUSH_S)
    await bench.close(seconds=STORING_LAST_S + CLOSING_S)
    assert messages(caplog) == [
        f"{NOT_STORED}: the store needs more than {STORING_LAST_S:g} s",
        f"Q1: the store does not close within {CLOSING_S:g} s",
    ]


async def test_a_halted_sink_stores_what_it_had_heard_and_nothing_more(
    begin: Begin, path: Path, driven_time: DrivenLoop
) -> None:
    bench = await begin("sqlite")
    bench.hear(2)
    bench.presence.set_active(active=False)
    await bench.flush()
    bench.hear(5)
    await driven_time.advance(50.0)
    assert (len(readings(path)), bench.wire.flags()) == (2, "NI")


async def test_a_sink_that_gave_way_leaves_the_readings_to_the_other(driven_time: DrivenLoop, path: Path) -> None:
    bench = Bench(driven_time, "sqlite", path)
    bench.presence.start()
    bench.hear(5)
    await bench.close()
    assert files(path.parent) == []


async def test_a_sink_cannot_be_set(begin: Begin) -> None:
    bench = await begin("sqlite")
    with pytest.raises(NotAnActuatorError, match="Q1 is a sink, 80 cannot be set"):
        await bench.sink.set(80.0)
    with pytest.raises(NotAnActuatorError):
        await bench.sink.step(5.0)


def remove(directory: Path) -> None:
    directory.rmdir()


@pytest.fixture
def directory_in_its_place(path: Path) -> Path:
    """Put a directory where the file is to be: even root cannot write to it."""
    path.mkdir()
    return path


async def test_a_file_that_cannot_be_had_is_waited_for(
    begin: Begin, directory_in_its_place: Path, driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await begin("sqlite")
    bench.hear(3)
    await driven_time.advance(FLUSH_S)
    await until(lambda: bool(caplog.records))
    remove(directory_in_its_place)
    await driven_time.advance(2 * FLUSH_S)
    await until(lambda: bench.sink.stored == 3)
    assert len(readings(directory_in_its_place)) == 3


async def test_a_full_disk_loses_nothing_once_there_is_room(
    begin: Begin, path: Path, driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await begin("sqlite")
    bench.hear(2 * BATCH)
    await bench.flush()
    with files_of_at_most(path.with_name("history.db-wal").stat().st_size + 100_000):
        bench.hear(2 * BATCH)
        await driven_time.advance(FLUSH_S)
        await until(lambda: bool(caplog.records))
    while bench.sink.waiting:  # a write may have begun before there was room again
        await driven_time.advance(FLUSH_S if bench.sink.resting else 0.0)
        await asyncio.sleep(0)
    assert [reading.sequence for reading in readings(path)] == list(range(1, 4 * BATCH + 1))
    assert str(path) in messages(caplog)[0]
    await until(lambda: messages(caplog)[-1] == "Q1: stores again; 0 readings are asked for")


def test_the_store_of_these_tests_is_the_real_one() -> None:
    assert STORES["sqlite"].store == f"{Sqlite.__module__}:{Sqlite.__name__}"


# Repair


async def test_a_gap_is_asked_for_and_what_fills_it_is_stored(
    begin: Begin, ledger: type[Ledger], driven_time: DrivenLoop
) -> None:
    bench = await begin("ledger")
    await bench.ready()
    bench.hear(1)
    bench.miss(2)
    bench.hear(1)
    await driven_time.advance(0.1)
    assert (2, 2) in bench.asked()
    bench.answer(2)
    bench.answer(3)
    await bench.flush()
    assert {reading.sequence for reading in ledger.rows} == {1, 2, 3, 4}
    total = ledger.accounted[0]
    for account in ledger.accounted[1:]:
        total = total.plus(account)
    assert (total.sent, total.heard, total.repaired, total.pending) == (4, 2, 2, 0)


async def test_what_nobody_asked_for_is_not_stored(begin: Begin, ledger: type[Ledger]) -> None:
    bench = await begin("ledger")
    await bench.ready()
    bench.hear(2)
    bench.answer(70)
    await bench.flush()
    assert {reading.sequence for reading in ledger.rows} == {1, 2}


async def test_what_is_not_kept_any_more_is_asked_for_no_longer(
    begin: Begin, ledger: type[Ledger], driven_time: DrivenLoop
) -> None:
    bench = await begin("ledger")
    await bench.ready()
    bench.hear(1)
    bench.miss(2)
    bench.hear(1)
    await driven_time.advance(0.1)
    refusal = ControlFrame(7, NOON_MS, Flag.UNAVAILABLE, "C1", "Q1", pack_pair(2, 2), active=True)
    bench.sink.hear_answer(refusal, driven_time.clock.now())
    bench.sink.heard()
    await bench.flush()
    assert sum(account.not_kept for account in ledger.accounted) == 2
    assert ledger.progressed["C1"].last == 4
    assert not any(hole.hour_ms >= 0 for hole in ledger.progressed["C1"].holes)


async def test_it_goes_on_where_its_store_has_got_to(
    begin: Begin, ledger: type[Ledger], driven_time: DrivenLoop
) -> None:
    ledger.progressed["C1"] = Progress("C1", 10, (Missing(4, 2, NOON_MS),))
    bench = await begin("ledger")
    bench.miss(14)
    bench.hear(1)
    await bench.ready()
    bench.sink.heard()
    await driven_time.advance(0.1)
    assert sorted(filter(None, bench.asked())) == [(4, 2), (11, 4)]


async def test_what_it_hears_before_its_store_can_be_had_waits(
    begin: Begin, ledger: type[Ledger], driven_time: DrivenLoop
) -> None:
    ledger.progressed["C1"] = Progress("C1", 10)
    ledger.trouble = StoreError("the server does not answer")
    bench = await begin("ledger")
    bench.miss(10)
    bench.hear(3)
    await driven_time.advance(20.0)
    assert (bench.sink.waiting, bench.asked()) == (3, [])
    ledger.trouble = None
    await driven_time.advance(LONGEST_BACK_OFF_S)
    await until(lambda: bench.sink.stored == 3)
    assert ledger.progressed["C1"] == Progress("C1", 13)


async def test_each_batch_says_exactly_how_far_its_readings_go(
    begin: Begin, ledger: type[Ledger], driven_time: DrivenLoop
) -> None:
    bench = await begin("ledger")
    await bench.ready()
    bench.hear(2 * BATCH + 10)
    batches = []
    while (batch := bench.sink.intake.batch()) is not None:
        batches.append(batch)
        bench.sink.intake.stored()
    assert [(len(batch.readings), batch.progress[0].last) for batch in batches] == [
        (BATCH, BATCH),
        (BATCH, 2 * BATCH),
    ]
    assert [sum(account.heard for account in batch.accounts) for batch in batches] == [BATCH, BATCH]
    assert driven_time.time() > 0


async def test_a_batch_that_failed_is_written_again_as_it_was(
    begin: Begin, ledger: type[Ledger], driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await begin("ledger")
    await bench.ready()
    ledger.trouble = StoreError("the server does not answer")
    bench.hear(10)
    await driven_time.advance(FLUSH_S)
    await until(lambda: bool(caplog.records))
    bench.hear(5)
    ledger.trouble = None
    await driven_time.advance(2 * FLUSH_S)
    await until(lambda: len(ledger.rows) == 15)
    assert ledger.batches == [10, 5]


async def test_a_halted_sink_makes_up_for_it_when_it_is_started(
    begin: Begin, ledger: type[Ledger], driven_time: DrivenLoop
) -> None:
    bench = await begin("ledger")
    await bench.ready()
    bench.hear(1)
    bench.presence.set_active(active=False)
    bench.hear(5)
    bench.presence.set_active(active=True)
    bench.hear(1)
    await driven_time.advance(0.1)
    assert (2, 5) in bench.asked()


async def test_a_store_that_keeps_states_is_given_the_other_frames_too(begin: Begin, ledger: type[Ledger]) -> None:
    bench = await begin("ledger")
    await bench.ready()
    alive = ControlFrame(7, NOON_MS, Flag.ALIVE, "C1", "@@", 0.0, active=True)
    numbering = DataFrame(7, NOON_MS, Flag.NUMBERING, "C1", "@@", 7)
    for frame in (alive, numbering):
        bench.sink.hear(frame, bench.loop.clock.now())
    await bench.flush()
    assert ledger.heard == [alive, numbering]


# What it says of itself


async def test_a_store_that_fails_is_told_to_everybody_and_that_it_works_again(
    begin: Begin, ledger: type[Ledger], driven_time: DrivenLoop
) -> None:
    bench = await begin("ledger")
    await bench.ready()
    ledger.trouble = StoreError("no room", trouble=Trouble.STORE_FULL)
    bench.hear(10)
    await driven_time.advance(FLUSH_S)
    await until(lambda: ledger.tries > 1 and bench.sink.resting)
    assert bench.said() == [Said(Trouble.STORE_FULL, 10)]
    ledger.trouble = None
    await driven_time.advance(2 * FLUSH_S)
    await until(lambda: bench.sink.stored == 10 and bench.sink.resting)
    assert bench.said() == [Said(Trouble.OVER, Trouble.STORE_FULL)]


async def test_a_store_that_fails_otherwise_is_another_trouble(
    begin: Begin, ledger: type[Ledger], driven_time: DrivenLoop
) -> None:
    bench = await begin("ledger")
    await bench.ready()
    ledger.trouble = StoreError("gone", trouble=Trouble.STORE_AWAY)
    bench.hear(1)
    await driven_time.advance(FLUSH_S)
    await until(lambda: ledger.tries > 1 and bench.sink.resting)
    bench.said()
    ledger.trouble = StoreError("no room", trouble=Trouble.STORE_FULL)
    await driven_time.advance(2 * FLUSH_S)
    await until(lambda: ledger.tries > 2 and bench.sink.resting)
    assert bench.said() == [Said(Trouble.OVER, Trouble.STORE_AWAY), Said(Trouble.STORE_FULL, 1)]


async def test_a_healthy_sink_says_nothing_of_itself(begin: Begin, ledger: type[Ledger]) -> None:
    bench = await begin("ledger")
    bench.hear(10)
    await bench.flush()
    assert bench.said() == []


async def test_readings_that_are_set_aside_are_told_for_an_hour_and_one_is_named_in_the_log(
    begin: Begin, ledger: type[Ledger], driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await begin("ledger")
    await bench.ready()
    for outcome in (Written(conflicts=2), Written(conflicts=1)):
        ledger.outcome = outcome
        bench.hear(1)
        await bench.flush()
    assert messages(caplog) == [r'Q1: a reading was set aside: says\x1b[2J other: {"codifier": "C1\x7f"}']
    assert bench.said() == [Said(Trouble.CONFLICTS, 2)]
    await driven_time.advance(120.0)
    assert Said(Trouble.CONFLICTS, 3) in bench.said()
    await driven_time.advance(ASIDE_TOLD_S)
    await until(lambda: bench.sink.resting)
    await bench.flush()
    assert Said(Trouble.OVER, Trouble.CONFLICTS) in bench.said()


async def test_the_store_is_told_what_the_configuration_calls_its_sensors_also_a_new_one(
    begin: Begin, ledger: type[Ledger]
) -> None:
    bench = await begin("ledger")
    await until(lambda: bench.sink.resting)
    cellar = Node(sensor=Sensor(codifier="C1", name="cellar", unit="°C"), driver="pipe")
    attic = Node(sensor=Sensor(codifier="C1", name="attic", unit="°C"), driver="pipe")
    operator = Node(sensor=Sensor(codifier="CC", name="Ann"), driver="console")
    bench.sink.configured(Configuration(nodes={"C1": cellar, "CC": operator}))
    await bench.flush()
    await bench.flush()
    bench.sink.configured(Configuration(nodes={"C1": attic}))
    await bench.flush()
    assert ledger.described == [[Description("C1", "cellar", "°C")], [Description("C1", "attic", "°C")]]


async def test_a_store_that_was_away_is_told_later(begin: Begin, ledger: type[Ledger], driven_time: DrivenLoop) -> None:
    bench = await begin("ledger")
    await until(lambda: bench.sink.resting)
    ledger.trouble = StoreError("gone")
    bench.sink.configured(Configuration(nodes={"C1": Node(sensor=Sensor(codifier="C1"), driver="pipe")}))
    await driven_time.advance(FLUSH_S)
    await until(lambda: bench.sink.resting)
    assert ledger.described == []
    ledger.trouble = None
    await driven_time.advance(2 * FLUSH_S)
    await until(lambda: bool(ledger.described))
    assert ledger.described == [[Description("C1", "", "")]]
