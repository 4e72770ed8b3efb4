"""Commands: repeated on a schedule, confirmed by `K` or by what an original node shows, and never taken twice."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.commands import (
    MAX_REMEMBERED,
    REASONS,
    Code,
    CommandMemory,
    pack_pair,
    unpack_pair,
)
from protocol.frames import COMMANDS, CONTROL_FLAGS, ControlFrame, DataFrame, Flag
from protocol.pending import GIVES_UP_AFTER_S, REPEATS_AFTER_S, Confirmation, PendingCommand
from protocol.readings import Value
from tests.protocol.strategies import FRAMES

SENT_S = 1000.0
STAMP_MS = 1795334500491
SHOWN = Confirmation(Code.TAKEN, acknowledged=False)
U32 = st.integers(0, 2**32 - 1)


def command(flag: Flag = Flag.SET, number: float = 80.0, sequence: int = 7, target: str = "FK") -> ControlFrame:
    return ControlFrame(sequence, STAMP_MS, flag, "CK", target, number, True)


def heard(
    flag: Flag, number: float, source: str = "FK", destination: str = "@@", *, active: bool = True
) -> ControlFrame:
    return ControlFrame(99, STAMP_MS, flag, source, destination, number, active)


def acknowledged(number: float, source: str = "FK", destination: str = "CK") -> ControlFrame:
    return heard(Flag.ACKNOWLEDGE, number, source, destination)


def reading(value: Value, flag: Flag = Flag.FLOAT, source: str = "FK") -> DataFrame:
    return DataFrame(99, STAMP_MS, flag, source, "@@", value)


def pending(flag: Flag = Flag.SET, number: float = 80.0, *, repeated: bool = True) -> PendingCommand:
    return PendingCommand(command(flag, number), SENT_S, repeated=repeated)


def sending_times(sent: PendingCommand) -> list[float]:
    """Wake up exactly when the command asks for it, until it gives up; return when it was sent again."""
    times_s = []
    while (now_s := sent.due_s) < sent.gives_up_s:
        if sent.repeat(now_s) is not None:
            times_s.append(now_s - SENT_S)
    return times_s


# Two integers in one number


@given(U32, st.integers(0, 2**21 - 1))
def test_two_integers_come_out_of_a_number_as_they_went_in(low: int, high: int) -> None:
    assert unpack_pair(pack_pair(low, high)) == (low, high)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, -1.0, 0.5, 2.0**53, 1e308])
def test_a_number_that_is_no_pair_is_none(number: float) -> None:
    assert unpack_pair(number) is None


@given(st.floats())
def test_any_number_is_a_pair_or_none(number: float) -> None:
    pair = unpack_pair(number)
    assert pair is None or pack_pair(*pair) == number


# What a node remembers


def test_a_command_that_was_not_heard_is_not_known() -> None:
    memory = CommandMemory()
    assert not memory.knows(command())
    assert memory.answer(command()) is None


def test_a_command_under_way_is_known_and_has_no_answer_yet() -> None:
    memory = CommandMemory()
    memory.remember(command(), None)
    assert memory.knows(command())
    assert memory.answer(command()) is None


def test_a_repeated_command_gets_the_answer_of_the_first() -> None:
    memory = CommandMemory()
    memory.remember(command(), None)
    memory.remember(command(), Code.OUT_OF_RANGE)
    assert memory.answer(command()) is Code.OUT_OF_RANGE


@pytest.mark.parametrize(
    "other",
    [command()._replace(source="CL"), command()._replace(sequence=8), command()._replace(timestamp_ms=STAMP_MS + 1)],
)
def test_a_command_is_known_by_source_sequence_and_timestamp(other: ControlFrame) -> None:
    memory = CommandMemory()
    memory.remember(command(), Code.TAKEN)
    assert not memory.knows(other)


def test_beyond_its_size_a_memory_forgets_the_oldest_command() -> None:
    memory = CommandMemory()
    for sequence in range(MAX_REMEMBERED + 3):
        memory.remember(command(sequence=sequence), Code.TAKEN)
    assert [memory.knows(command(sequence=sequence)) for sequence in (0, 2, 3)] == [False, False, True]
    assert len(memory._codes) == MAX_REMEMBERED


def test_the_answer_to_a_command_under_way_pushes_no_other_out() -> None:
    memory = CommandMemory()
    for sequence in range(MAX_REMEMBERED):
        memory.remember(command(sequence=sequence), None)
    memory.remember(command(sequence=5), Code.TAKEN)
    assert memory.knows(command(sequence=0))


# When a command is sent again


def test_a_command_is_sent_again_after_ever_longer_times() -> None:
    assert sending_times(pending()) == pytest.approx([0.2, 0.6, 1.4, 3.0, 6.2])


def test_it_is_given_up_after_8_seconds() -> None:
    sent = pending()
    sending_times(sent)
    assert (sent.due_s, sent.gives_up_s) == (SENT_S + 8.0, SENT_S + 8.0)
    assert sent.attempts == 6


def test_the_frame_that_is_sent_again_is_the_same() -> None:
    sent = pending()
    assert sent.repeat(SENT_S + 0.2) is sent.frame


def test_before_its_time_nothing_is_sent() -> None:
    sent = pending()
    assert sent.repeat(SENT_S + 0.19) is None
    assert sent.attempts == 1


def test_once_sent_again_it_waits_for_the_next_time() -> None:
    sent = pending()
    sent.repeat(SENT_S + 0.2)
    assert sent.repeat(SENT_S + 0.2) is None
    assert sent.due_s == SENT_S + 0.6


def test_a_commander_that_was_held_up_does_not_send_what_it_missed_in_one_go() -> None:
    sent = pending()
    assert sent.repeat(SENT_S + 3.5) is not None
    assert sent.repeat(SENT_S + 3.5) is None
    assert (sent.attempts, sent.due_s) == (2, SENT_S + 6.2)


@pytest.mark.parametrize("after_s", [8.0, 9.0, 3600.0])
def test_a_command_that_is_given_up_is_not_sent_again(after_s: float) -> None:
    assert pending().repeat(SENT_S + after_s) is None


def test_a_command_that_must_not_be_repeated_never_is() -> None:
    sent = pending(Flag.STEP, repeated=False)
    assert [sent.repeat(SENT_S + after_s) for after_s in (*REPEATS_AFTER_S, GIVES_UP_AFTER_S)] == [None] * 6
    assert (sent.attempts, sent.due_s) == (1, SENT_S + 8.0)


@given(st.lists(st.floats(0, 10), max_size=50).map(sorted))
def test_whenever_the_commander_wakes_it_sends_at_most_five_times_more(wakes_s: list[float]) -> None:
    sent = pending()
    again = [after_s for after_s in wakes_s if sent.repeat(SENT_S + after_s) is not None]
    assert len(again) == sent.attempts - 1 <= len(REPEATS_AFTER_S)
    assert all(0.2 <= after_s < GIVES_UP_AFTER_S for after_s in again)


# What confirms a command


@pytest.mark.parametrize("code", Code)
@pytest.mark.parametrize("flag", sorted(COMMANDS))
def test_a_node_confirms_a_command_by_its_sequence_and_a_code(flag: Flag, code: Code) -> None:
    assert pending(flag).confirmation(acknowledged(pack_pair(7, code))) == Confirmation(code, acknowledged=True)


@pytest.mark.parametrize(
    "frame",
    [
        acknowledged(pack_pair(8, 0)),
        acknowledged(pack_pair(7, 0), destination="CL"),
        acknowledged(pack_pair(7, 0), destination="@@"),
        acknowledged(pack_pair(7, 0), source="FL"),
        acknowledged(pack_pair(7, max(Code) + 1)),
        acknowledged(pack_pair(7, 2**20)),
        acknowledged(math.nan),
        acknowledged(math.inf),
        acknowledged(-7.0),
        acknowledged(7.5),
        acknowledged(1e300),
    ],
    ids=[
        "another command",
        "to another commander",
        "to everybody",
        "from another node",
        "unknown code",
        "huge code",
        "NaN",
        "infinite",
        "negative",
        "no integer",
        "huge number",
    ],
)
def test_what_is_no_answer_to_this_command_confirms_nothing(frame: ControlFrame) -> None:
    assert pending().confirmation(frame) is None


@pytest.mark.parametrize(
    ("flag", "frame"),
    [
        (Flag.START, heard(Flag.ALIVE, 0.0, active=True)),
        (Flag.HALT, heard(Flag.ALIVE, 0.0, active=False)),
        (Flag.RELOAD, heard(Flag.NEW, 0.0, active=True)),
        (Flag.RELOAD, heard(Flag.NEW, 0.0, active=False)),
        (Flag.SET, reading(80.0)),
        (Flag.SET, reading(80, Flag.INTEGER)),
        (Flag.SET, reading(80, Flag.JSON)),
    ],
)
def test_an_original_node_shows_that_it_took_a_command(flag: Flag, frame: ControlFrame | DataFrame) -> None:
    assert pending(flag).confirmation(frame) == SHOWN


@pytest.mark.parametrize(
    ("flag", "frame"),
    [
        (Flag.START, heard(Flag.ALIVE, 0.0, active=False)),
        (Flag.START, heard(Flag.NEW, 0.0, active=True)),
        (Flag.START, heard(Flag.PONG, 0.0, active=True)),
        (Flag.START, heard(Flag.ALIVE, 0.0, "C1", active=True)),
        (Flag.HALT, heard(Flag.ALIVE, 0.0, active=True)),
        (Flag.HALT, reading(80.0)),
        (Flag.RELOAD, heard(Flag.ALIVE, 0.0)),
        (Flag.SET, reading(79.0)),
        (Flag.SET, reading(80.0, source="FL")),
        (Flag.SET, reading("80", Flag.TEXT)),
        (Flag.SET, reading(math.nan)),
        (Flag.SET, reading(80, Flag.NUMBERING)),
        (Flag.SET, heard(Flag.ALIVE, 80.0)),
        (Flag.STEP, reading(80.0)),
        (Flag.STEP, heard(Flag.ALIVE, 80.0)),
    ],
)
def test_what_shows_something_else_confirms_nothing(flag: Flag, frame: ControlFrame | DataFrame) -> None:
    assert pending(flag).confirmation(frame) is None


def test_the_echo_of_the_command_itself_confirms_nothing() -> None:
    sent = pending()
    assert sent.confirmation(sent.frame) is None


@pytest.mark.parametrize(("number", "shown"), [(1 / 3, 0.33333334), (0.1, 0.1), (21.299999, 21.3), (-1e-30, -1e-30)])
def test_an_original_node_shows_a_value_with_the_digits_of_a_float32(number: float, shown: float) -> None:
    assert pending(number=number).confirmation(reading(shown)) == SHOWN


@pytest.mark.parametrize("shown", [0.333, 0.3333335, -0.33333334])
def test_a_value_that_is_merely_near_is_another_value(shown: float) -> None:
    assert pending(number=1 / 3).confirmation(reading(shown)) is None


def test_a_value_of_a_new_node_is_exact() -> None:
    assert pending(number=1 / 3).confirmation(reading(0.33333334, Flag.JSON)) is None


def stamped(timestamp_ms: int, value: float = 80.0) -> DataFrame:
    return reading(value)._replace(timestamp_ms=timestamp_ms)


def waiting(*, known_ms: int | None = None, shown_by_reading: bool = True) -> PendingCommand:
    return PendingCommand(command(), SENT_S, known_ms=known_ms, shown_by_reading=shown_by_reading)


def test_a_reading_shows_nothing_where_it_is_said_not_to() -> None:
    sent = waiting(shown_by_reading=False)
    assert sent.confirmation(stamped(STAMP_MS + 1)) is None
    assert sent.confirmation(acknowledged(7.0)) == Confirmation(Code.TAKEN, acknowledged=True)


def test_a_reading_from_before_the_command_shows_nothing() -> None:
    assert waiting().confirmation(stamped(STAMP_MS - 1)) is None


def test_a_reading_that_was_known_before_the_command_shows_nothing() -> None:
    assert waiting(known_ms=STAMP_MS - 5000).confirmation(stamped(STAMP_MS - 5000)) is None


def test_a_node_whose_clock_is_behind_confirms_with_a_reading_newer_than_the_one_known() -> None:
    assert waiting(known_ms=STAMP_MS - 90_000).confirmation(stamped(STAMP_MS - 85_000)) == SHOWN


def test_a_node_whose_clock_is_behind_confirms_with_the_second_reading_when_none_was_known() -> None:
    sent = waiting()
    heard_one_by_one = [sent.confirmation(stamped(STAMP_MS - age_ms)) for age_ms in (90_000, 90_000, 85_000)]
    assert heard_one_by_one == [None, None, SHOWN]


def test_every_code_has_a_reason_in_words() -> None:
    assert set(REASONS) == set(Code)


@given(st.sampled_from(sorted(COMMANDS)), st.floats(), FRAMES)
def test_any_frame_either_confirms_or_says_nothing(flag: Flag, number: float, frame: ControlFrame | DataFrame) -> None:
    confirmation = pending(flag, number).confirmation(frame._replace(source="FK"))
    assert confirmation is None or confirmation.code in REASONS


@given(st.sampled_from(sorted(CONTROL_FLAGS)), st.floats(), st.booleans())
def test_any_number_under_any_flag_either_confirms_or_says_nothing(flag: Flag, number: float, active: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    for sent in COMMANDS:
        confirmation = pending(sent).confirmation(heard(flag, number, destination="CK", active=active))
        assert confirmation is None or confirmation.code in REASONS
