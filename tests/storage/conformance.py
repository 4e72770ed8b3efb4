"""What every store must do: these classes run over each of `tests.storage.kinds` in test_conformance.py."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol.accounts import HOUR_MS
from protocol.frames import LATEST_TIMESTAMP_MS
from protocol.readings import Attributes, Reading, Value
from storage import walking
from storage.store import (
    CONFLICT,
    SAME_SEQUENCE_MS,
    Account,
    Batch,
    Description,
    Missing,
    Progress,
    Store,
    StoreError,
    Written,
)

NOON_MS = 1_795_348_800_000  # 12:00 UTC, the begin of an hour
EVER = (0, 2**64 - 1)
MANY = 1_000_000

# Texts as they arrive from JSON: lone surrogates and NUL included.
texts = st.text(st.characters(exclude_categories=()), max_size=40)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
measured_values: st.SearchStrategy[Value] = numbers | texts
attributes = st.none() | st.dictionaries(texts, json_values, max_size=3)
readings = st.builds(
    Reading,
    codifier=st.sampled_from(["C1", "F2", "W9"]),
    timestamp_ms=st.integers(0, 20)
    | st.integers(0, LATEST_TIMESTAMP_MS)
    | st.integers(NOON_MS, NOON_MS + 10 * HOUR_MS),
    sequence=st.integers(0, 3) | st.integers(0, 2**31 - 1),
    value=measured_values,
    attributes=attributes,
)

EDGE_NUMBERS = [0, 0.0, -0.0, 1, 1.0, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**300, 5e-324, 1.7976931348623157e308]
EDGE_TEXTS = ["", "21.5", "1", "true", "°C", "a\x00b", "\ud800", "ff" * 500]
NO_READINGS = {
    "not a number": Reading("C1", NOON_MS, 1, float("nan")),
    "infinite": Reading("C1", NOON_MS, 1, float("-inf")),
    "before 1970": Reading("C1", -1, 1, 20),
    "after 9999": Reading("C1", LATEST_TIMESTAMP_MS + 1, 1, 20),
    "a time of garbage": Reading("C1", 2**64 - 1, 1, 20),
    "a negative sequence": Reading("C1", NOON_MS, -1, 20),
    "a sequence beyond 32 bits": Reading("C1", NOON_MS, 2**32, 20),
    "everybody": Reading("@@", NOON_MS, 1, 20),
    "NUL in a codifier": Reading("C\x00", NOON_MS, 1, 20),
    "half a surrogate pair": Reading("C\ud800", NOON_MS, 1, "\ud800"),
    "a long codifier": Reading("kitchen", NOON_MS, 1, 20),
}

# The store of an example is made by the example itself; the fixture only knows where.
for_each_example = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Stores(Protocol):
    """Where the stores under test are."""

    def fresh(self) -> Store:
        """Open a store that holds nothing."""

    def again(self) -> Store:
        """Open the store that was opened last once more."""

    def refusing(self) -> AbstractContextManager[None]:
        """Let every write to the store that was opened last fail for a while."""


def reading(sequence: int, value: Value = 21.5, codifier: str = "C1", attributes: Attributes | None = None) -> Reading:
    return Reading(codifier, NOON_MS + 1000 * sequence, sequence, value, attributes)


def write(store: Store, *readings: Reading) -> Written:
    """Write readings without anything else."""
    return store.write(Batch(readings), NOON_MS)


def everything(store: Store) -> list[Reading]:
    return [reading for codifier in store.codifiers() for reading in store.history(codifier, *EVER, MANY)]


def exactly(reading: Reading) -> str:
    """Tell 1 from 1.0 and 0.0 from -0.0, which are equal to Python."""
    return repr(reading)


def identity(reading: Reading) -> tuple[str, int, int]:
    return reading[:3]


def agreeing(batches: list[list[Reading]]) -> list[list[Reading]]:
    """Let readings with the same sequence say the same, so that none is in conflict with another."""
    first: dict[tuple[str, int], Reading] = {}
    return [
        [
            reading._replace(value=one.value, attributes=one.attributes)
            for reading in batch
            for one in [first.setdefault((reading.codifier, reading.sequence), reading)]
        ]
        for batch in batches
    ]


class Conformance:
    @pytest.fixture
    def store(self, stores: Stores) -> Iterator[Store]:
        store = stores.fresh()
        yield store
        store.close()


class HistoryConformance(Conformance):
    """Readings in, readings out."""

    def test_an_empty_store_has_no_sensors_and_no_history(self, store: Store) -> None:
        assert store.codifiers() == []
        assert store.history("C1", *EVER, MANY) == []

    def test_a_reading_comes_back_as_it_was_written(self, store: Store) -> None:
        written = Reading("C1", NOON_MS, 7, 48.312, {"unit": "°C", "raw": [1, None, True]})
        write(store, written)
        assert store.history("C1", *EVER, MANY) == [written]

    def test_write_tells_what_became_of_the_readings(self, store: Store) -> None:
        assert write(store, reading(1), reading(2)) == Written(stored=2)
        assert write(store, reading(2), reading(3)) == Written(stored=1, duplicates=1)

    def test_nothing_to_write_is_no_error(self, store: Store) -> None:
        assert write(store) == Written()

    def test_a_batch_that_is_written_twice_is_stored_once(self, store: Store) -> None:
        batch = [reading(sequence) for sequence in range(100)]
        write(store, *batch)
        assert write(store, *batch) == Written(duplicates=100)
        assert store.history("C1", *EVER, MANY) == batch

    def test_a_reading_that_stands_twice_in_a_batch_is_stored_once(self, store: Store) -> None:
        assert write(store, reading(1), reading(1)) == Written(stored=1, duplicates=1)
        assert store.history("C1", *EVER, MANY) == [reading(1)]

    def test_readings_differ_by_sensor_by_time_and_by_sequence(self, store: Store) -> None:
        different = [
            Reading("C1", NOON_MS, 1, 1),
            Reading("C2", NOON_MS, 1, 1),
            Reading("C1", NOON_MS + 1, 1, 1),
            Reading("C1", NOON_MS, 2, 1),
        ]
        assert write(store, *different) == Written(stored=4)
        assert sorted(everything(store)) == sorted(different)

    def test_readings_of_one_millisecond_are_in_the_order_of_their_numbers(self, store: Store) -> None:
        burst = [Reading("C1", NOON_MS, sequence, sequence) for sequence in range(5, 15)]
        write(store, *burst[::-1])
        assert store.history("C1", *EVER, MANY) == burst

    @for_each_example
    @given(batches=st.lists(st.lists(readings, max_size=8), max_size=5), data=st.data())
    def test_the_order_of_arrival_does_not_change_what_is_stored(
        self, stores: Stores, batches: list[list[Reading]], data: st.DataObject
    ) -> None:
        batches = agreeing(batches)
        arrivals = [reading for batch in batches for reading in batch]
        unique = {identity(reading): exactly(reading) for reading in arrivals}
        shuffled = data.draw(st.permutations(arrivals))
        store = stores.fresh()
        stored = sum(write(store, reading).stored for reading in shuffled)
        assert stored == len(unique)
        assert [exactly(reading) for reading in everything(store)] == [unique[key] for key in sorted(unique)]
        assert sum(write(store, *batch).duplicates for batch in batches) == len(arrivals)
        store.close()

    @for_each_example
    @given(batch=st.lists(readings, max_size=8, unique_by=lambda reading: reading.sequence))
    def test_every_value_comes_back_exactly_and_with_its_type(self, stores: Stores, batch: list[Reading]) -> None:
        store = stores.fresh()
        write(store, *batch)
        assert sorted(map(exactly, everything(store))) == sorted(map(exactly, batch))
        store.close()

    @pytest.mark.parametrize("value", [*EDGE_NUMBERS, *EDGE_TEXTS])
    def test_values_at_the_edge_of_what_databases_know(self, store: Store, value: Value) -> None:
        write(store, reading(1, value=value))
        assert [exactly(found) for found in everything(store)] == [exactly(reading(1, value=value))]

    def test_no_attributes_and_empty_attributes_are_two_things(self, store: Store) -> None:
        batch = [reading(1, attributes=None), reading(2, attributes={})]
        write(store, *batch)
        assert [found.attributes for found in everything(store)] == [None, {}]

    def test_the_first_and_the_last_moment_that_there_is(self, store: Store) -> None:
        batch = [Reading("C1", timestamp_ms, 1, 1) for timestamp_ms in (0, 4_102_444_800_000, LATEST_TIMESTAMP_MS)]
        assert write(store, *batch[::-1]) == Written(stored=3)
        assert store.history("C1", *EVER, MANY) == batch
        assert store.history("C1", 1, LATEST_TIMESTAMP_MS, MANY) == batch[1:]

    def test_a_limit_gives_the_newest_readings_oldest_first(self, store: Store) -> None:
        batch = [reading(sequence) for sequence in range(10)]
        write(store, *batch)
        assert store.history("C1", *EVER, 3) == batch[7:]

    @pytest.mark.parametrize("limit", [0, -1])
    def test_a_limit_of_nothing_gives_nothing(self, store: Store, limit: int) -> None:
        write(store, reading(1))
        assert store.history("C1", *EVER, limit) == []

    def test_both_bounds_of_a_range_belong_to_it(self, store: Store) -> None:
        batch = [reading(sequence) for sequence in range(10)]
        write(store, *batch)
        assert store.history("C1", batch[2].timestamp_ms, batch[5].timestamp_ms, MANY) == batch[2:6]

    def test_a_range_that_ends_before_it_begins_is_empty(self, store: Store) -> None:
        write(store, reading(1))
        assert store.history("C1", NOON_MS + 5000, NOON_MS, MANY) == []

    def test_bounds_and_limits_beyond_everything_are_no_error(self, store: Store) -> None:
        write(store, reading(1))
        assert store.history("C1", -(10**30), 10**30, 10**30) == [reading(1)]
        assert store.history("C1", 10**30, 10**30, 10**30) == []

    @pytest.mark.parametrize("page", [1, 3, 10, 11])
    def test_a_walk_gives_what_a_history_does(self, store: Store, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(walking, "PAGE", page)
        batch = [reading(sequence) for sequence in range(10)]
        write(store, reading(4, codifier="C2"), *batch[::-1])
        assert list(store.walk("C1", *EVER)) == batch
        assert list(store.walk("C1", batch[2].timestamp_ms, batch[5].timestamp_ms)) == batch[2:6]
        assert list(store.walk("C1", batch[2].timestamp_ms + 1, 10**30)) == batch[3:]
        assert list(store.walk("X9", -(10**30), 10**30)) == []
        assert list(store.walk("C1", 10**30, 10**30)) == []

    def test_a_walk_through_one_millisecond_leaves_out_nothing_and_gives_nothing_twice(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(walking, "PAGE", 7)
        burst = [Reading("C1", NOON_MS, sequence, sequence) for sequence in range(50)]
        late = [Reading("C1", NOON_MS + 1, sequence, sequence) for sequence in range(50, 60)]
        write(store, *burst, *late)
        assert list(store.walk("C1", *EVER)) == burst + late

    @for_each_example
    @given(batch=st.lists(readings, max_size=12), page=st.integers(1, 4), bounds=st.tuples(*[st.integers(0, 20)] * 2))
    def test_a_walk_is_the_whole_history_however_it_is_cut(
        self, stores: Stores, batch: list[Reading], page: int, bounds: tuple[int, int]
    ) -> None:
        store = stores.fresh()
        write(store, *batch)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(walking, "PAGE", page)
            for codifier in store.codifiers():
                for since_ms, until_ms in (EVER, bounds):
                    walked = list(store.walk(codifier, since_ms, until_ms))
                    assert walked == store.history(codifier, since_ms, until_ms, MANY)
        store.close()

    def test_a_walk_meets_what_was_there_all_the_time_once_while_more_is_stored(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(walking, "PAGE", 2)
        batch = [reading(sequence) for sequence in range(10, 20)]
        write(store, *batch)
        walked = []
        for number, found in enumerate(store.walk("C1", *EVER)):
            walked.append(found)
            if found in batch:
                write(store, reading(number), reading(number + 100))
        assert [found for found in walked if found in batch] == batch
        assert len(set(map(identity, walked))) == len(walked)

    def test_a_history_holds_one_sensor_only(self, store: Store) -> None:
        write(store, reading(1, codifier="C1"), reading(1, codifier="C2"))
        assert store.history("C2", *EVER, MANY) == [reading(1, codifier="C2")]

    def test_capital_and_small_letters_are_two_sensors(self, store: Store) -> None:
        write(store, reading(1, codifier="ab"), reading(1, codifier="AB"))
        assert store.history("ab", *EVER, MANY) == [reading(1, codifier="ab")]

    def test_sensors_are_listed_once_and_sorted(self, store: Store) -> None:
        write(store, *(reading(sequence, codifier=name) for name in ("X1", "A1", "a1", "_1") for sequence in range(3)))
        assert store.codifiers() == ["A1", "X1", "_1", "a1"]

    @pytest.mark.parametrize("codifier", ["';", "--", "%_", '"x', "\\\\", "..", "*?", "[a", "::"])
    def test_any_codifier_is_only_a_name(self, store: Store, codifier: str) -> None:
        write(store, reading(1, codifier=codifier), reading(1, codifier="C1"))
        assert store.codifiers() == sorted([codifier, "C1"])
        assert store.history(codifier, *EVER, MANY) == [reading(1, codifier=codifier)]

    def test_a_large_batch_is_stored_whole(self, store: Store) -> None:
        batch = [reading(sequence, codifier=f"{sequence % 90 + 33:c}1") for sequence in range(10_000)]
        assert write(store, *batch) == Written(stored=10_000)
        assert len(everything(store)) == 10_000

    def test_a_store_that_is_opened_again_has_everything(self, stores: Stores) -> None:
        store = stores.fresh()
        write(store, reading(1))
        store.close()
        store = stores.again()
        assert everything(store) == [reading(1)]
        assert write(store, reading(1), reading(2)) == Written(stored=1, duplicates=1)
        store.close()

    def test_sensors_that_the_configuration_describes_are_none_that_have_readings(self, store: Store) -> None:
        store.describe([Description("C1", "kastpi CPU", "°C"), Description("F1", "cellar", "°C")])
        write(store, reading(1), reading(1, codifier="X1"))
        store.describe([Description("F1", "cellar; '\"\x00", "°C")])
        store.describe([])
        assert store.codifiers() == ["C1", "X1"]

    def test_upkeep_without_a_bound_drops_nothing(self, store: Store) -> None:
        batch = [Reading("C1", 0, 1, 1), reading(2)]
        write(store, *batch)
        store.maintain(NOON_MS + 3650 * 24 * HOUR_MS)
        assert store.history("C1", *EVER, MANY) == batch

    def test_closing_twice_is_harmless(self, stores: Stores) -> None:
        store = stores.fresh()
        store.close()
        store.close()

    def test_a_closed_store_says_so(self, stores: Stores) -> None:
        store = stores.fresh()
        store.close()
        with pytest.raises(StoreError):
            write(store, reading(1))
        with pytest.raises(StoreError):
            store.history("C1", *EVER, MANY)
        with pytest.raises(StoreError):
            next(store.walk("C1", *EVER))
        with pytest.raises(StoreError):
            store.progress()


class ConflictConformance(Conformance):
    """What contradicts itself, and what is no reading."""

    def test_of_two_readings_with_one_identity_the_first_stays(self, store: Store) -> None:
        write(store, reading(1, value=20))
        assert write(store, reading(1, value=30)) == Written(conflicts=1)
        assert everything(store) == [reading(1, value=20)]

    def test_what_is_in_conflict_is_kept_apart_in_full(self, store: Store) -> None:
        write(store, reading(1, value=20))
        store.write(Batch([reading(1, value=30, attributes={"battery": "low"})]), NOON_MS + 5)
        (aside,) = store.aside(MANY)
        assert (aside.found_ms, aside.reason) == (NOON_MS + 5, CONFLICT)
        assert json.loads(aside.reading) == reading(1, value=30, attributes={"battery": "low"})._asdict()

    def test_a_conflict_that_comes_twice_is_counted_twice_and_kept_once(self, store: Store) -> None:
        write(store, reading(1, value=20))
        assert write(store, reading(1, value=30), reading(1, value=30)) == Written(conflicts=2)
        assert write(store, reading(1, value=30)) == Written(conflicts=1)
        assert len(store.aside(MANY)) == 1

    def test_other_attributes_are_a_conflict(self, store: Store) -> None:
        write(store, reading(1, attributes={"battery": 3}))
        assert write(store, reading(1, attributes={"battery": 4})) == Written(conflicts=1)

    def test_text_where_a_number_was_is_a_conflict(self, store: Store) -> None:
        write(store, reading(1, value=20))
        assert write(store, reading(1, value="20")) == Written(conflicts=1)

    def test_two_that_contradict_each_other_in_one_batch(self, store: Store) -> None:
        assert write(store, reading(1, value=20), reading(1, value=30)) == Written(stored=1, conflicts=1)
        assert everything(store) == [reading(1, value=20)]

    @pytest.mark.parametrize("delay_ms", [1, -1, SAME_SEQUENCE_MS - 1, 1 - SAME_SEQUENCE_MS])
    def test_another_value_under_the_same_sequence_within_a_day_is_a_conflict(
        self, store: Store, delay_ms: int
    ) -> None:
        first = reading(1, value=20)
        write(store, first)
        assert write(store, first._replace(timestamp_ms=first.timestamp_ms + delay_ms, value=30)) == Written(
            conflicts=1
        )
        assert everything(store) == [first]

    @pytest.mark.parametrize("delay_ms", [SAME_SEQUENCE_MS, -SAME_SEQUENCE_MS])
    def test_after_a_day_a_sequence_may_come_again(self, store: Store, delay_ms: int) -> None:
        first = reading(1, value=20)
        later = first._replace(timestamp_ms=first.timestamp_ms + delay_ms, value=30)
        write(store, first)
        assert write(store, later) == Written(stored=1)

    def test_the_same_value_under_the_same_sequence_at_another_time_is_another_reading(self, store: Store) -> None:
        again = reading(1)._replace(timestamp_ms=reading(1).timestamp_ms + 1)
        write(store, reading(1))
        assert write(store, again) == Written(stored=1)

    def test_a_sequence_of_an_earlier_numbering_is_known_too(self, store: Store) -> None:
        write(store, *(reading(sequence, value=20) for sequence in range(10)))
        write(store, *(reading(sequence, value=20) for sequence in range(1_000_000, 1_000_010)))
        forged = reading(5, value=30)._replace(timestamp_ms=reading(1_000_020).timestamp_ms)
        write(store, reading(1_000_011))
        assert write(store, forged._replace(timestamp_ms=reading(20).timestamp_ms)) == Written(conflicts=1)

    @pytest.mark.parametrize("bad", NO_READINGS.values(), ids=NO_READINGS)
    def test_what_is_no_reading_is_set_aside_and_holds_up_nothing(self, store: Store, bad: Reading) -> None:
        assert write(store, reading(1), bad, reading(2)) == Written(stored=2, rejected=1)
        assert everything(store) == [reading(1), reading(2)]
        (aside,) = store.aside(MANY)
        assert aside.reason != CONFLICT
        assert str(json.loads(aside.reading)) == str(bad._asdict())

    def test_what_names_no_sensor_is_accounted_for_under_everybody(self, store: Store) -> None:
        write(store, NO_READINGS["NUL in a codifier"], NO_READINGS["half a surrogate pair"])
        assert store.accounts(*EVER) == [Account("@@", NOON_MS, rejected=2)]

    def test_the_newest_that_was_set_aside_comes_first(self, store: Store) -> None:
        for minute in range(4):
            store.write(Batch([Reading("C1", -1, minute, 0)]), NOON_MS + minute * 60_000)
        assert [aside.found_ms for aside in store.aside(2)] == [NOON_MS + 180_000, NOON_MS + 120_000]

    def test_what_was_set_aside_survives(self, stores: Stores) -> None:
        store = stores.fresh()
        write(store, reading(1, value=20), reading(1, value=30), Reading("C1", -1, 1, 0))
        store.close()
        store = stores.again()
        assert len(store.aside(MANY)) == 2
        store.close()

    @for_each_example
    @given(batches=st.lists(st.lists(readings, max_size=8), max_size=5))
    def test_every_reading_becomes_something(self, stores: Stores, batches: list[list[Reading]]) -> None:
        store = stores.fresh()
        outcomes = [write(store, *batch) for batch in batches]
        assert [sum(written) for written in outcomes] == [len(batch) for batch in batches]
        assert sum(written.stored for written in outcomes) == len(everything(store))
        store.close()


class AccountConformance(Conformance):
    """Cursors and accounts: with the readings in one transaction."""

    def test_an_empty_store_has_no_progress_and_no_accounts(self, store: Store) -> None:
        assert store.progress() == {}
        assert store.accounts(*EVER) == []

    def test_progress_comes_back_with_its_holes(self, store: Store) -> None:
        progress = Progress("C1", 2**31 - 1, (Missing(5, 3, NOON_MS), Missing(2**31 - 2, 1, NOON_MS + HOUR_MS)))
        store.write(Batch([reading(1)], progress=[progress, Progress("F1", 0)]), NOON_MS)
        assert store.progress() == {"C1": progress, "F1": Progress("F1", 0)}

    def test_newer_progress_replaces_that_of_its_sensor_only(self, store: Store) -> None:
        store.write(Batch(progress=[Progress("C1", 7, (Missing(5, 1, NOON_MS),)), Progress("F1", 3)]), NOON_MS)
        store.write(Batch(progress=[Progress("C1", 9)]), NOON_MS)
        assert store.progress() == {"C1": Progress("C1", 9), "F1": Progress("F1", 3)}

    def test_accounts_add_up(self, store: Store) -> None:
        told = Account("C1", NOON_MS, 10, 6, 2, 0, 0, 1, 0, 0, 1, 2, 3, 4, 5)
        store.write(Batch(accounts=[told]), NOON_MS)
        store.write(
            Batch(accounts=[told, told._replace(hour_ms=NOON_MS + HOUR_MS), told._replace(codifier="A1")]), NOON_MS
        )
        assert store.accounts(*EVER) == [
            told._replace(codifier="A1"),
            told.plus(told),
            told._replace(hour_ms=NOON_MS + HOUR_MS),
        ]

    def test_what_is_told_twice_in_a_batch_counts_twice(self, store: Store) -> None:
        told = Account("C1", NOON_MS, sent=2, heard=2)
        store.write(Batch(accounts=[told, told]), NOON_MS)
        assert store.accounts(*EVER) == [told.plus(told)]

    def test_what_turns_out_to_be_booked_wrongly_is_taken_back(self, store: Store) -> None:
        store.write(Batch(accounts=[Account("C1", NOON_MS, sent=5, not_kept=5)]), NOON_MS)
        store.write(Batch(accounts=[Account("C1", NOON_MS, sent=-2, not_kept=-2)]), NOON_MS)
        assert store.accounts(*EVER) == [Account("C1", NOON_MS, sent=3, not_kept=3)]

    def test_outcomes_are_booked_where_the_batch_says(self, store: Store) -> None:
        batch = Batch(
            [reading(1), reading(2), reading(2), reading(1, value=5), reading(1, codifier="F1")],
            hours_ms=[NOON_MS, NOON_MS + HOUR_MS, NOON_MS, NOON_MS + HOUR_MS, NOON_MS],
        )
        store.write(batch, NOON_MS + 9 * HOUR_MS)
        assert store.accounts(*EVER) == [
            Account("C1", NOON_MS, stored=1, duplicate=1),
            Account("F1", NOON_MS, stored=1),
            Account("C1", NOON_MS + HOUR_MS, stored=1, conflict=1),
        ]

    def test_without_hours_the_newest_account_of_the_batch_takes_the_outcomes(self, store: Store) -> None:
        accounts = [Account("C1", NOON_MS + HOUR_MS, sent=2, heard=2), Account("C1", NOON_MS, sent=1, heard=1)]
        store.write(Batch([reading(1)], accounts=accounts), NOON_MS + 9 * HOUR_MS)
        assert store.accounts(*EVER) == [accounts[1], accounts[0]._replace(stored=1)]

    def test_without_accounts_the_present_hour_takes_the_outcomes(self, store: Store) -> None:
        store.write(Batch([reading(1), Reading("C1", -1, 1, 1)]), NOON_MS + HOUR_MS - 1)
        store.write(Batch([reading(1)]), NOON_MS + HOUR_MS)
        assert store.accounts(*EVER) == [
            Account("C1", NOON_MS, stored=1, rejected=1),
            Account("C1", NOON_MS + HOUR_MS, duplicate=1),
        ]

    def test_an_import_is_booked_in_no_account_and_moves_no_cursor(self, store: Store) -> None:
        progress = Progress("C1", 9, (Missing(2, 3, NOON_MS),))
        heard = Account("C1", NOON_MS, sent=4, heard=1)
        store.write(Batch([reading(9)], [progress], [heard], hours_ms=[NOON_MS]), NOON_MS)
        imported = [reading(2), reading(2), reading(9), reading(9, value=5), Reading("C1", -1, 1, 1)]
        assert store.write(Batch(imported, is_import=True), NOON_MS) == Written(1, 2, 1, 1)
        assert store.progress() == {"C1": progress}
        assert store.accounts(*EVER) == [heard._replace(stored=1)]

    def test_what_was_imported_and_comes_by_the_bus_later_is_a_duplicate(self, store: Store) -> None:
        store.write(Batch([reading(9)], [Progress("C1", 9, (Missing(2, 3, NOON_MS),))]), NOON_MS)
        store.write(Batch([reading(2), reading(3)], is_import=True), NOON_MS)
        repaired = Account("C1", NOON_MS + HOUR_MS, repaired=3)
        batch = Batch([reading(2), reading(3), reading(4)], [Progress("C1", 9)], [repaired])
        assert store.write(batch, NOON_MS) == Written(stored=1, duplicates=2)
        assert store.accounts(NOON_MS + 1, EVER[1]) == [repaired._replace(stored=1, duplicate=2)]

    def test_an_import_that_contradicts_an_import_is_a_conflict_also_where_a_sink_misses_readings(
        self, store: Store
    ) -> None:
        holes = (Missing(2, 3, NOON_MS),)
        store.write(Batch([reading(1), reading(9)], [Progress("C1", 9, holes)]), NOON_MS)
        store.write(Batch([reading(3)], is_import=True), NOON_MS)
        other = reading(3, value=5)._replace(timestamp_ms=NOON_MS + 3500)
        assert store.write(Batch([other], is_import=True), NOON_MS) == Written(conflicts=1)

    def test_accounts_are_read_by_the_begin_of_their_hour(self, store: Store) -> None:
        hours = [Account("C1", NOON_MS + hour * HOUR_MS, sent=hour + 1) for hour in range(5)]
        store.write(Batch(accounts=hours), NOON_MS)
        assert store.accounts(NOON_MS + HOUR_MS, NOON_MS + 3 * HOUR_MS) == hours[1:4]
        assert store.accounts(NOON_MS + 1, NOON_MS + HOUR_MS - 1) == []
        assert store.accounts(-(10**30), 10**30) == hours

    @for_each_example
    @given(batches=st.lists(st.lists(readings, max_size=8), max_size=5))
    def test_everything_that_came_is_accounted_for(self, stores: Stores, batches: list[list[Reading]]) -> None:
        store = stores.fresh()
        for number, batch in enumerate(batches):
            hour_ms = NOON_MS + number // 2 * HOUR_MS
            heard = [Account(reading.codifier, hour_ms, sent=1, heard=1) for reading in batch]
            store.write(Batch(batch, accounts=heard, hours_ms=[hour_ms] * len(batch)), NOON_MS)
        assert [account for account in store.accounts(*EVER) if account.waiting or account.pending] == []
        store.close()

    def test_progress_and_accounts_survive(self, stores: Stores) -> None:
        store = stores.fresh()
        batch = Batch([reading(1)], [Progress("C1", 1)], [Account("C1", NOON_MS, sent=1, heard=1)])
        store.write(batch, NOON_MS)
        store.close()
        store = stores.again()
        assert store.progress() == {"C1": Progress("C1", 1)}
        assert store.accounts(*EVER) == [Account("C1", NOON_MS, sent=1, heard=1, stored=1)]
        store.close()

    def test_of_a_batch_that_fails_nothing_is_kept(self, stores: Stores, store: Store) -> None:
        store.write(Batch([reading(1)], [Progress("C1", 1)]), NOON_MS)
        batch = Batch(
            [reading(2), reading(1, value=5), Reading("C1", -1, 1, 1)],
            [Progress("C1", 2)],
            [Account("C1", NOON_MS, sent=3, heard=3)],
        )
        with stores.refusing(), pytest.raises(StoreError):
            store.write(batch, NOON_MS)
        assert everything(store) == [reading(1)]
        assert store.progress() == {"C1": Progress("C1", 1)}
        assert store.accounts(*EVER) == [Account("C1", NOON_MS, stored=1)]
        assert store.aside(MANY) == []

    def test_a_batch_that_failed_can_be_written_later(self, stores: Stores, store: Store) -> None:
        batch = Batch([reading(1), reading(2)], [Progress("C1", 2)], [Account("C1", NOON_MS, sent=2, heard=2)])
        with stores.refusing():
            for _ in range(3):
                with pytest.raises(StoreError):
                    store.write(batch, NOON_MS)
        assert store.write(batch, NOON_MS) == Written(stored=2)
        assert everything(store) == [reading(1), reading(2)]
        assert store.accounts(*EVER) == [Account("C1", NOON_MS, sent=2, heard=2, stored=2)]

    def test_an_error_says_what_to_do(self, stores: Stores, store: Store) -> None:
        with stores.refusing(), pytest.raises(StoreError) as caught:
            write(store, reading(1))
        assert caught.value.hint
