"""The tape between the bus and whoever reads what `jph watch` prints."""

import asyncio

import pytest

from agent.participant import Heard
from console.tape import MAX_UNWRITTEN, Bad, Filter, Tape
from protocol.errors import DecodeError
from protocol.frames import Bus, ControlFrame, Flag
from protocol.gate import FORGED
from protocol.instants import Instant
from tests.protocol.holders import refusal

NOW = Instant(0.0, 0.0)
SENDER = ("10.0.0.1", 4101)
ALL = Filter()


def heard(source: str = "CC", destination: str = "C1", flag: Flag = Flag.PING, number: float = 0.0) -> Heard:
    return Heard(ControlFrame(1, 0, flag, source, destination, number, active=True), SENDER, NOW, ())


def numbers(entries: list[Heard | Bad]) -> list[object]:
    frames = [entry.frame for entry in entries if isinstance(entry, Heard)]
    return [frame.number for frame in frames if isinstance(frame, ControlFrame)]


@pytest.mark.parametrize(
    ("wanted", "passes"),
    [
        (ALL, True),
        (Filter(sources=frozenset({"CC", "CK"})), True),
        (Filter(sources=frozenset({"CK"})), False),
        (Filter(destinations=frozenset({"C1"})), True),
        (Filter(destinations=frozenset({"@@"})), False),
        (Filter(involved=frozenset({"C1"})), True),
        (Filter(involved=frozenset({"CC"})), True),
        (Filter(involved=frozenset({"F1"})), False),
        (Filter(flags=frozenset({Flag.PING})), True),
        (Filter(flags=frozenset({Flag.PONG})), False),
        (Filter(sources=frozenset({"CC"}), destinations=frozenset({"F1"})), False),
    ],
)
def test_a_filter_wants_what_satisfies_all_that_it_says(wanted: Filter, *, passes: bool) -> None:
    assert wanted.passes(heard().frame) is passes


async def test_entries_come_in_the_order_in_which_they_were_heard() -> None:
    tape = Tape(ALL)
    for number in range(3):
        tape.hear(heard(number=number))
    assert numbers(await tape.take()) == [0, 1, 2]


async def test_taking_waits_for_the_next_entry() -> None:
    tape = Tape(ALL)
    taking = asyncio.create_task(tape.take(), name="take")
    asyncio.get_running_loop().call_soon(tape.hear, heard(number=5))
    assert numbers(await taking) == [5]


async def test_a_full_tape_takes_no_more_and_ends() -> None:
    tape = Tape(ALL, limit=2)
    for number in range(5):
        tape.hear(heard(number=number))
    assert numbers(await tape.take()) == [0, 1]
    assert await tape.take() == []
    assert tape.left == 0


async def test_an_ended_tape_still_gives_what_it_has() -> None:
    tape = Tape(ALL)
    tape.hear(heard(number=1))
    tape.end()
    tape.hear(heard(number=2))
    assert numbers(await tape.take()) == [1]
    assert await tape.take() == []


async def test_a_tape_that_nobody_reads_breaks_like_a_pipe() -> None:
    tape = Tape(ALL)
    asyncio.get_running_loop().call_soon(tape.tear)
    with pytest.raises(BrokenPipeError):
        await tape.take()


async def test_when_the_reader_is_slow_the_oldest_are_given_up_and_counted() -> None:
    tape = Tape(ALL)
    for number in range(MAX_UNWRITTEN + 3):
        tape.hear(heard(number=number))
    entries = await tape.take()
    assert tape.given_up == 3
    assert numbers(entries)[:1] == [3]
    assert len(entries) == MAX_UNWRITTEN


async def test_bad_datagrams_are_wanted_only_where_everything_is() -> None:
    error = DecodeError("short", "too short")
    for wanted, count in ((ALL, 1), (Filter(sources=frozenset({"CC"})), 0)):
        tape = Tape(wanted)
        tape.refuse(error, b"x", Bus.DATA, SENDER, NOW)
        tape.end()
        assert len(await tape.take()) == count


async def test_frames_that_are_not_believed_are_wanted_as_those_that_are() -> None:
    error, datagram = refusal(FORGED, heard().frame)
    for wanted, count in ((ALL, 1), (Filter(sources=frozenset({"CC"})), 1), (Filter(sources=frozenset({"C1"})), 0)):
        tape = Tape(wanted)
        tape.refuse(error, datagram, Bus.CONTROL, SENDER, NOW)
        tape.end()
        assert len(await tape.take()) == count
