"""What is shown of a codifier, whatever comes in whichever order; the recorded session is in test_redis.py."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.frames import ControlFrame, DataFrame, Flag
from protocol.readings import Reading
from storage.redis_states import States
from storage.store import Account, Batch, Missing, Progress
from tests.storage.conformance import NOON_MS, reading

NUMBERS = {"CPacketsLost", "CResetTime", "DPacketsLost", "DResetTime", "DTimestamp", "TRequest", "TTimestamp"}
NUMBERS |= {"TDuration", "ITimestamp", "PTimestamp", "PRequest", "HTimestamp", "STimestamp"}
FIELDS = NUMBERS | {"Codifier", "Value", "IsActive"}

codifiers = st.sampled_from(["C1", "F1"])
counts = st.integers(-3, 3)
sequences = st.integers(0, 20) | st.integers(2**31 - 5, 2**31 - 1) | st.integers(0, 2**32 - 1)
timestamps = st.integers(NOON_MS, NOON_MS + 20)
control_frames = st.builds(
    ControlFrame,
    sequence=sequences,
    timestamp_ms=timestamps,
    flag=st.sampled_from([flag for flag in Flag if flag.isupper()]),
    source=codifiers,
    destination=st.just("@@"),
    number=st.floats(allow_nan=False, allow_infinity=False),
    active=st.booleans(),
    tag=st.just(bytes(7)),
)
numberings = st.builds(
    DataFrame,
    sequence=sequences,
    timestamp_ms=timestamps,
    flag=st.just(Flag.NUMBERING),
    source=codifiers,
    destination=st.just("@@"),
    value=st.integers(0, 5),
    attributes=st.none(),
    tag=st.just(bytes(7)),
)
batches = st.builds(
    Batch,
    readings=st.lists(
        st.builds(Reading, codifiers, timestamps, sequences, st.integers() | st.floats() | st.text(), st.none()),
        max_size=4,
    ),
    progress=st.lists(
        st.builds(
            Progress, codifiers, sequences, st.tuples(st.builds(Missing, sequences, st.integers(1, 3), st.just(0)))
        ),
        max_size=2,
    ),
    accounts=st.lists(
        st.builds(Account, codifiers, st.just(NOON_MS), not_kept=counts, renumbered=counts, too_many_holes=counts),
        max_size=2,
    ),
    heard=st.lists(control_frames | numberings, max_size=6),
    hours_ms=st.just(()),
)


def fields(*batches: Batch) -> dict[str, str]:
    """Return what is shown of C1 after batches."""
    states = States()
    shown: dict[str, str] = {}
    for batch in batches:
        shown |= states.take(batch).get("C1", {})
    return shown


@given(st.lists(batches, max_size=4))
def test_whatever_comes_there_are_only_these_fields_and_nothing_below_zero(said: list[Batch]) -> None:
    shown = fields(*said)
    assert shown.keys() <= FIELDS
    assert all(float(shown[name]) is not None for name in NUMBERS & shown.keys())
    assert all(int(shown[name]) >= 0 for name in ("CPacketsLost", "DPacketsLost") if name in shown)


@given(st.lists(batches, max_size=4))
def test_a_copy_changes_nothing_of_what_it_was_made_of(said: list[Batch]) -> None:
    states = States()
    for batch in said:
        first, second = states.copy(), states.copy()
        assert first.take(batch) == second.take(batch)
        states = first


@given(st.lists(batches, min_size=1, max_size=4))
def test_what_was_written_can_be_recalled(said: list[Batch]) -> None:
    before = fields(*said)
    states = States()
    states.recall("C1", before, None)
    after = states.take(Batch([Reading("C1", NOON_MS, 1, 5)], heard=[]))["C1"]
    for name in {"DResetTime"} & before.keys():
        assert after[name] == before[name]


def test_of_nobody_nothing_is_known() -> None:
    batch = Batch([reading(1)], [Progress("F1", 1)], [Account("A1", NOON_MS)], [])
    assert States().unknown(batch) == {"C1", "F1", "A1"}
    assert States().take(Batch()) == {}


def test_accounts_of_whom_nothing_was_heard_show_nothing() -> None:
    assert fields(Batch(progress=[Progress("C1", 1)], accounts=[Account("C1", NOON_MS, not_kept=1)])) == {}


def test_what_was_missing_when_it_was_first_heard_of_counts() -> None:
    progress = Progress("C1", 5, (Missing(2, 3, NOON_MS),))
    assert fields(Batch([reading(5)], [progress]))["DPacketsLost"] == "3"
