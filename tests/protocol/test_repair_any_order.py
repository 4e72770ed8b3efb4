"""Any order of arrival ends in the same store, and the accounts add up at every moment."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from protocol.accounts import Account
from protocol.commands import pack_pair
from protocol.frames import ControlFrame, DataFrame, Flag, decode_control, decode_data, reading_frame
from protocol.instants import Instant
from protocol.numbering import Numbering
from protocol.readings import Reading
from protocol.repair import BACKFILL, SINK_RANGES, Progress, Repairs
from protocol.responding import Responder
from protocol.rings import Rings
from protocol.sequences import MODULUS, RENUMBERED_BEYOND, distance
from tests.protocol.repairing import Receiver, missing, unavailable

FIRST = st.integers(0, MODULUS - 1) | st.sampled_from([0, 1, MODULUS - 1, MODULUS - 10])
SINK = ("10.0.0.9", 40009)
T0_MS = 1795334400000 - 90_000  # a minute and a half before an hour ends

Key = tuple[int, int]
"""What tells a sensor's readings apart: timestamp and sequence."""


def answer_all(receiver: Receiver, count: int, first: int) -> None:
    """Answer whatever is asked for until nothing is, from a ring that holds the positions 0 to `count`."""
    while requests := receiver.asks(after_s=60.0):
        for start, length in requests:
            for sequence in range(start, start + length):
                if (sequence - first) % MODULUS < count:
                    receiver.is_answered(first + (sequence - first) % MODULUS)
                else:
                    receiver.is_refused(sequence, 1)


@given(FIRST, st.integers(1, 40).flatmap(lambda count: st.permutations(range(count))), st.sets(st.integers(0, 39)))
def test_any_order_of_arrival_with_any_loss_ends_in_the_same_store(
    first: int, order: list[int], lost: set[int]
) -> None:
    count = len(order)
    receiver = Receiver(backfill=BACKFILL)
    receiver.is_told(first - 1)
    receiver.hears(*(first + offset for offset in order if offset not in lost))
    receiver.is_told(first + count - 1)
    answer_all(receiver, count, first)
    assert sorted(receiver.stored["C1"]) == sorted((first + offset) % MODULUS for offset in range(count))
    assert receiver.counts("sent", "arrived", "unavailable", "pending") == (count, count, 0, 0)


@given(
    FIRST,
    st.lists(st.tuples(st.sampled_from(["hear", "answer", "refuse", "ask", "wait"]), st.integers(0, 60)), max_size=80),
)
def test_whatever_arrives_every_number_has_one_place(first: int, steps: list[tuple[str, int]]) -> None:
    receiver = Receiver()
    for step, offset in steps:
        match step:
            case "hear":
                receiver.hears(first + offset)
            case "answer":
                receiver.is_answered(first + offset)
            case "refuse":
                receiver.is_refused(first + offset, 1 + offset % 7)
            case "ask":
                receiver.asks()
            case "wait":
                receiver.wait(offset / 100)
        sent, pending, lost = receiver.counts("sent", "pending", "unavailable")
        stored = receiver.stored["C1"]
        assert len(stored) == len(set(stored))
        assert sent == len(stored) + pending + lost
        assert pending == (len(receiver.missing()) if stored else 0)
        assert min(receiver.counts(*Account._fields[2:])) >= 0


class OneSensor(RuleBasedStateMachine):
    """A sensor, its agent, a network that does anything, and a sink whose store survives when it is killed."""

    @initialize(last=FIRST)
    def begin(self, last: int) -> None:
        self.wall_ms = float(T0_MS)
        self.now_s = 50.0
        self.flying: list[tuple[bytes | DataFrame, bool]] = []  # what may still arrive, and whether to the sink alone
        self.taken: set[Key] = set()
        self.asked: set[int] = set()  # sequences, of this numbering
        self.refused: set[int] = set()  # of these what somebody forged an answer to
        self.store: set[Key] = set()
        self.progress: dict[str, Progress] = {}
        self.accounts: dict[int, Account] = {}
        self.sink_starts()
        self.agent_starts(last)

    @property
    def now(self) -> Instant:
        return Instant(self.now_s, self.wall_ms)

    def agent_starts(self, last: int, lost: int = 0) -> None:
        """Begin a numbering of which the sink hears something before it forgets again; BACKFILL explains the rest."""
        self.numbering = Numbering("C1", last)
        self.asked.clear()
        self.rings = Rings(max_readings=100)
        self.rings.open("C1")
        self.responder = Responder(self.rings)
        self.measure([*["lost"] * lost, "heard"])
        self.commit()

    def sink_starts(self) -> None:
        self.repairs = Repairs(SINK_RANGES, lambda: 0.5, BACKFILL)
        self.repairs.resume(self.progress.values())
        self.waiting: dict[Key, int] = {}  # what comes with the next batch, and the hour in which it is booked
        self.known_hours: list[int] = []  # in which that is booked which comes with it and is in the store already
        self.left_at = self.progress["C1"].last if self.progress else None  # until the sensor goes on from there
        self.began_before = False  # whether the sink took late readings for a numbering that began before that
        self.new_progress = dict(self.progress)
        self.new_accounts = dict(self.accounts)

    def hear(self, frame: DataFrame, *, asked: bool) -> None:
        self.look()
        restarts = self.total("restarts")
        hour_ms = self.repairs.hear(frame, self.now, asked=asked)
        if hour_ms is not None:
            key = frame.timestamp_ms, frame.sequence
            assert key in self.taken
            if key in self.store or key in self.waiting:
                assert self.left_at is not None or self.began_before, "given to the store twice"
                self.known_hours.append(hour_ms)
            else:
                self.waiting[key] = hour_ms
        self.look()
        self.notice(frame, renumbered=self.total("restarts") > restarts)

    def notice(self, frame: DataFrame, *, renumbered: bool) -> None:
        """Keep in mind what the sink can know: only then it may give something to the store twice."""
        if self.left_at is None:
            return
        steps = distance(frame.sequence, self.left_at)
        self.began_before |= renumbered and abs(steps) <= RENUMBERED_BEYOND
        if renumbered or steps >= (frame.flag is not Flag.NUMBERING):
            self.left_at = None

    def arrive(self, what: bytes | DataFrame, *, asked: bool) -> None:
        if isinstance(what, DataFrame):
            self.hear(what, asked=asked)
        elif chr(what[16]) == Flag.UNAVAILABLE:
            self.repairs.unavailable(decode_control(what), self.now)
        else:
            self.hear(decode_data(what), asked=asked)

    @rule(fates=st.lists(st.sampled_from(["heard", "late", "lost", "twice"]), min_size=1, max_size=8))
    def measure(self, fates: list[str]) -> None:
        for fate in fates:
            self.pass_time(1.0)
            datagrams = self.numbering.datagrams(len(self.taken), None, int(self.wall_ms))
            self.rings.add(datagrams[-1], self.now_s)
            self.taken.add((int(self.wall_ms), self.numbering.last))
            for frame in map(decode_data, datagrams):
                self.flying += [(frame, False)] * (fate in ("late", "twice"))
                if fate in ("heard", "twice"):
                    self.hear(frame, asked=False)

    @rule(count=st.integers(90, 150))
    def be_cut_off(self, count: int) -> None:
        """Measure more than the ring holds while nothing arrives."""
        self.measure(["lost"] * count)

    @rule()
    def halt(self) -> None:
        self.hear(self.numbering.announcement(int(self.wall_ms)), asked=False)

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), times=st.integers(1, 2))
    def something_arrives(self, data: st.DataObject, times: int) -> None:
        what, asked = self.flying.pop(data.draw(st.integers(0, len(self.flying) - 1)))
        for _ in range(times):
            self.arrive(what, asked=asked)

    @rule(seconds=st.floats(0, 5) | st.just(1800.0))
    def pass_time(self, seconds: float) -> None:
        self.now_s += seconds
        self.wall_ms += int(seconds * 1000)

    @rule(lost=st.booleans())
    def ask(self, lost: bool) -> None:  # noqa: FBT001 - hypothesis names it
        for codifier, first, count in self.repairs.requests(self.now):
            self.asked.update((first + index) % MODULUS for index in range(count))
            request = ControlFrame(7, 0, Flag.REPEAT, "Q1", codifier, pack_pair(first, count), active=True)
            if not lost:
                self.responder.request(request, SINK, self.now)

    @rule(lost=st.lists(st.booleans(), max_size=10), in_order=st.booleans())
    def answer(self, lost: list[bool], in_order: bool) -> None:  # noqa: FBT001 - hypothesis names it
        self.pass_time(0.02)
        fates = [*lost, *[False] * 10]
        arriving = [
            each.datagram for each, gone in zip(self.responder.answers(self.now), fates, strict=False) if not gone
        ]
        if in_order:
            for datagram in arriving:
                self.arrive(datagram, asked=True)
        else:
            self.flying += [(datagram, True) for datagram in arriving]

    @rule(first=st.integers(-300, 300), count=st.integers(0, 400))
    def forge_a_refusal(self, first: int, count: int) -> None:
        """Refuse whatever was asked for, and what was not: only the former can do any harm."""
        start = self.numbering.last + first
        self.repairs.unavailable(unavailable(start, count), self.now)
        self.refused |= self.asked & {(start + index) % MODULUS for index in range(count)}

    @rule(steps=st.integers(1, 300) | st.integers(RENUMBERED_BEYOND, MODULUS // 2))
    def forge_an_answer(self, steps: int) -> None:
        """Send what nobody can have asked for, because it was not taken yet."""
        sequence = (self.numbering.last + steps) % MODULUS
        frame = reading_frame(Reading("C1", int(self.wall_ms), sequence, -1.0))
        assert self.repairs.hear(frame, self.now, asked=True) is None

    @rule(steps=st.integers(20_000_000, MODULUS - 20_000_000), lost=st.integers(0, BACKFILL - 1))
    def restart_the_agent(self, steps: int, lost: int) -> None:
        """Let the agent forget everything; nothing of before may arrive later than what comes after it."""
        self.flying.clear()
        self.agent_starts((self.numbering.last + steps) % MODULUS, lost)

    @rule()
    def commit(self) -> None:
        """Write a batch: readings, progress and accounts in one transaction, and book what became of the readings."""
        self.look()
        for hour_ms in self.waiting.values():
            self.new_accounts[hour_ms] = self.new_accounts[hour_ms].plus(Account("C1", hour_ms, stored=1))
        for hour_ms in self.known_hours:
            self.new_accounts[hour_ms] = self.new_accounts[hour_ms].plus(Account("C1", hour_ms, duplicate=1))
        self.store.update(self.waiting)
        self.waiting.clear()
        self.known_hours.clear()
        self.progress, self.accounts = dict(self.new_progress), dict(self.new_accounts)

    @rule()
    def kill_the_sink(self) -> None:
        """Go on from the last batch: everything after it is forgotten."""
        self.sink_starts()

    def look(self) -> None:
        """Take what the sink would write next."""
        for progress in self.repairs.progress():
            self.new_progress[progress.codifier] = progress
        for account in self.repairs.accounts():
            known = self.new_accounts.get(account.hour_ms)
            self.new_accounts[account.hour_ms] = account if known is None else known.plus(account)

    def total(self, name: str) -> int:
        return sum(getattr(account, name) for account in self.new_accounts.values())

    @invariant()
    def the_accounts_add_up_in_every_hour(self) -> None:
        self.look()
        for account in self.new_accounts.values():
            assert account.pending >= 0
            assert min(account[2:]) >= 0
        waiting = {hour_ms: account.waiting for hour_ms, account in self.new_accounts.items() if account.waiting}
        assert waiting == Counter([*self.waiting.values(), *self.known_hours])
        assert self.total("stored") == len(self.store)
        assert self.total("pending") == self.repairs.missing("C1") == len(missing(self.new_progress.values()))

    @invariant()
    def the_sums_of_every_hour_are_those_of_its_holes(self) -> None:
        pending = {hour_ms: account.pending for hour_ms, account in self.new_accounts.items() if account.pending}
        holes = [hole for progress in self.new_progress.values() for hole in progress.holes if hole.hour_ms >= 0]
        hours = {hole.hour_ms for hole in holes}
        assert pending == {hour: sum(hole.count for hole in holes if hole.hour_ms == hour) for hour in hours}

    def teardown(self) -> None:
        """Let everything arrive from now on: all that the agent still has is stored, all else has a name."""
        if not hasattr(self, "numbering"):
            return
        self.flying.clear()
        self.measure(["heard"])
        while self.repairs.due_s < float("inf"):
            self.pass_time(31.0)
            self.ask(lost=False)
            while self.responder.waiting:
                self.answer([], in_order=True)
        self.commit()
        self.the_accounts_add_up_in_every_hour()
        assert {sequence for _, sequence in self.kept_by_the_agent() - self.store} <= self.refused
        assert self.total("sent") == self.total("stored") + self.total("duplicate") + self.total("unavailable")

    def kept_by_the_agent(self) -> set[Key]:
        ring = self.rings.open("C1")
        frames = (decode_data(datagram) for _, datagram in ring.datagrams(ring.first or 0, len(ring)))
        return {(frame.timestamp_ms, frame.sequence) for frame in frames}


TestOneSensor: Any = OneSensor.TestCase
TestOneSensor.settings = settings(max_examples=80, stateful_step_count=40)
