"""Bad datagrams: counted by sender and kind, in bounded memory, and worth a log line only once each."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.bad_datagrams import ELSEWHERE, MAX_BAD_SENDERS, BadDatagrams
from protocol.errors import DecodeError
from protocol.frames import KINDS
from protocol.members import Sender

HERE = ("10.0.0.1", 40001)


def wrong(kind: str = "short") -> DecodeError:
    return DecodeError(kind, "no frame")


def sender(index: int) -> Sender:
    return (f"10.{index >> 16}.{index >> 8 & 255}.{index & 255}", 7001)


def test_nothing_is_counted_at_first() -> None:
    assert BadDatagrams().total == 0


def test_they_are_counted_by_sender_and_kind() -> None:
    bad = BadDatagrams()
    for kind in ("short", "json", "short"):
        bad.count(wrong(kind), HERE)
    assert bad.by_sender == {HERE: {"short": 2, "json": 1}}
    assert bad.total == 3


def test_the_first_of_a_kind_from_a_sender_is_worth_telling() -> None:
    bad = BadDatagrams()
    told = [bad.count(wrong(kind), HERE) for kind in ("short", "json", "short", "json")]
    assert told == [True, True, False, False]
    assert bad.count(wrong("short"), ("10.0.0.2", 1)) is True


def test_a_flood_from_everywhere_is_counted_together_beyond_the_bound() -> None:
    bad = BadDatagrams()
    told = sum(bad.count(wrong(), sender(index)) for index in range(100_000))
    assert len(bad.by_sender) == MAX_BAD_SENDERS + 1
    assert bad.by_sender[ELSEWHERE]["short"] == 100_000 - MAX_BAD_SENDERS
    assert (told, bad.total) == (MAX_BAD_SENDERS + 1, 100_000)


def test_a_sender_that_is_known_is_counted_apart_also_during_a_flood() -> None:
    bad = BadDatagrams()
    bad.count(wrong(), HERE)
    for index in range(1000):
        bad.count(wrong(), sender(index))
    bad.count(wrong(), HERE)
    assert bad.by_sender[HERE]["short"] == 2


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 600)), max_size=300))
def test_no_datagram_is_counted_twice_or_forgotten(datagrams: list[tuple[str, int]]) -> None:
    bad = BadDatagrams()
    for kind, index in datagrams:
        bad.count(wrong(kind), sender(index))
    assert bad.total == len(datagrams)
    assert len(bad.by_sender) <= MAX_BAD_SENDERS + 1
