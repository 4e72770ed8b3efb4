"""Asking a ring for the past: the newest first, until the past is there or the ring has no more."""

import pytest

from protocol.lookback import STEP, End, LookBack
from protocol.repair import CONSOLE_PATIENCE, CONSOLE_RANGES, MAX_REQUESTED, Repairs
from protocol.sequences import MODULUS
from tests.protocol.repairing import LONG_S, Receiver, reading, unavailable

NEWEST = 10_000


class Looker(Receiver):
    """A program that looks back at C1, whose agent keeps the readings from `oldest` on."""

    def __init__(self, oldest: int, since: int, most: int = 100_000) -> None:
        super().__init__()
        self.repairs = Repairs(CONSOLE_RANGES, lambda: 0.0, gives_up_after=CONSOLE_PATIENCE)
        self.oldest = oldest
        self.look = LookBack(self.repairs, "C1", reading(since).timestamp_ms, most)
        self.came: list[int] = []
        self.requested: list[tuple[int, int]] = []

    def hears_newest(self, newest: int = NEWEST) -> None:
        self.hears(newest)
        self.look.go_on()

    def runs(self, turns: int = 1_000) -> None:
        """Let the agent answer all that is asked for."""
        for _ in range(turns):
            requests = self.asks()
            if not requests:
                return
            self.requested += requests
            for first, count in requests:
                self._is_answered(first, count)
            self.look.go_on()

    def _is_answered(self, first: int, count: int) -> None:
        for sequence in range(first, first + count):
            if sequence < self.oldest:
                self.repairs.unavailable(unavailable(sequence, 1), self.now)
            elif self.takes(reading(sequence), asked=True):
                self.came.append(sequence)
                self.look.take(reading(sequence).timestamp_ms)


def test_nothing_is_asked_before_the_sensor_was_heard() -> None:
    looker = Looker(oldest=0, since=9_000)
    looker.look.go_on()
    assert looker.asks() == []
    assert looker.look.end is None


def test_all_back_to_the_moment_comes_and_not_much_more() -> None:
    looker = Looker(oldest=0, since=9_000)
    looker.hears_newest()
    looker.runs()
    assert looker.look.end is End.REACHED
    assert sorted(looker.came) == list(range(min(looker.came), NEWEST))
    assert 9_000 - STEP < min(looker.came) <= 9_000


def test_the_newest_come_first() -> None:
    looker = Looker(oldest=0, since=9_000)
    looker.hears_newest()
    looker.runs(turns=1)
    assert sorted(looker.came) == list(range(NEWEST - STEP, NEWEST))


def test_no_more_than_two_requests_are_under_way() -> None:
    looker = Looker(oldest=0, since=9_000)
    looker.hears_newest()
    assert looker.asks() == [(NEWEST - STEP, MAX_REQUESTED), (NEWEST - MAX_REQUESTED, MAX_REQUESTED)]
    assert looker.asks() == []


def test_it_ends_where_the_ring_does() -> None:
    looker = Looker(oldest=NEWEST - 300, since=0)
    looker.hears_newest()
    looker.runs()
    assert looker.look.end is End.NO_MORE
    assert sorted(looker.came) == list(range(NEWEST - 300, NEWEST))
    assert len(looker.requested) <= 300 // MAX_REQUESTED + 4


def test_it_ends_with_as_many_as_were_wanted() -> None:
    looker = Looker(oldest=0, since=0, most=200)
    looker.hears_newest()
    looker.runs()
    assert looker.look.end is End.ENOUGH
    assert sorted(looker.came) == list(range(NEWEST - 200, NEWEST))


def test_a_node_that_ignores_requests_is_given_up_after_a_bounded_number_of_them() -> None:
    looker = Looker(oldest=0, since=9_000)
    looker.hears_newest()
    requests = [looker.asks(after_s=LONG_S) for _ in range(3 * CONSOLE_PATIENCE)]
    looker.look.go_on()
    assert looker.look.end is End.SILENT
    assert sum(map(len, requests)) <= CONSOLE_RANGES * CONSOLE_PATIENCE
    assert looker.repairs.due_s == float("inf")


def test_a_node_that_never_answered_is_not_asked_again_when_it_is_heard() -> None:
    looker = Looker(oldest=0, since=9_000)
    looker.hears_newest()
    for _ in range(3 * CONSOLE_PATIENCE):
        looker.asks(after_s=LONG_S)
    looker.hears(NEWEST + 5)
    assert looker.asks(after_s=LONG_S) == []


def test_a_node_that_once_answered_is_asked_again_when_it_is_back() -> None:
    looker = Looker(oldest=0, since=9_000)
    looker.hears_newest()
    looker.runs(turns=1)
    for _ in range(3 * CONSOLE_PATIENCE):
        looker.asks(after_s=LONG_S)
    looker.hears(NEWEST + 5)
    assert looker.asks(after_s=LONG_S) != []


def test_who_gave_up_asks_again_once_the_numbering_began_anew() -> None:
    looker = Looker(oldest=0, since=9_000)
    looker.hears_newest()
    for _ in range(3 * CONSOLE_PATIENCE):
        looker.asks(after_s=LONG_S)
    looker.hears(NEWEST + MODULUS // 2, NEWEST + MODULUS // 2 + 2)
    assert looker.asks(after_s=LONG_S) == [(NEWEST + MODULUS // 2 + 1, 1)]


def test_looking_back_further_goes_on_where_it_ended() -> None:
    looker = Looker(oldest=0, since=9_900)
    looker.hears_newest()
    looker.runs()
    looker.look.reach(reading(9_700).timestamp_ms)
    looker.look.go_on()
    looker.runs()
    assert looker.look.end is End.REACHED
    assert sorted(looker.came) == list(range(min(looker.came), NEWEST))
    assert min(looker.came) <= 9_700


@pytest.mark.parametrize("since", [9_900, 9_990])
def test_looking_back_less_asks_for_nothing(since: int) -> None:
    looker = Looker(oldest=0, since=9_900)
    looker.hears_newest()
    looker.runs()
    looker.look.reach(reading(since).timestamp_ms)
    looker.look.go_on()
    assert looker.asks() == []


def test_what_is_missing_of_a_node_that_was_given_up_stays_missing_in_the_account() -> None:
    looker = Looker(oldest=0, since=9_000)
    looker.hears(NEWEST, NEWEST + 3)
    for _ in range(3 * CONSOLE_PATIENCE):
        looker.asks(after_s=LONG_S)
    assert looker.counts("sent", "heard", "repaired", "not_kept") == (4, 2, 0, 0)
    assert looker.repairs.missing("C1") == 2


def test_what_comes_of_the_past_is_in_no_account() -> None:
    looker = Looker(oldest=NEWEST - 100, since=0)
    looker.hears_newest()
    looker.runs()
    assert len(looker.came) == 100
    assert looker.counts("sent", "heard", "repaired", "not_kept") == (1, 1, 0, 0)
    assert looker.repairs.missing("C1") == 0


def test_it_goes_on_before_numbers_that_were_skipped_when_the_agent_says_so() -> None:
    looker = Looker(oldest=0, since=9_000)
    looker.hears_newest()
    skipped = range(NEWEST - 3 * STEP, NEWEST)
    for first, count in looker.asks():
        back = first - skipped.start
        looker.repairs.unavailable(unavailable(first - back, count + back), looker.now)
    looker.look.go_on()
    looker.runs()
    assert looker.look.end is End.REACHED
    assert max(looker.came) == skipped.start - 1


def test_a_numbering_that_begins_anew_ends_the_look_back() -> None:
    looker = Looker(oldest=0, since=0)
    looker.hears_newest()
    looker.runs(turns=2)
    looker.oldest = NEWEST + MODULUS // 2
    looker.hears_newest(looker.oldest)
    looker.runs()
    assert looker.look.end is End.NO_MORE
    assert looker.asks(after_s=LONG_S) == []
