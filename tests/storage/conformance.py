"""What every store must do. A store joins by subclassing `StoreConformance` with its fixture `stores`."""

from collections.abc import Iterator
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol.readings import Attributes, Reading, Value
from storage.store import Store, StoreError

NOON_MS = 1_795_334_400_000
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
    timestamp_ms=st.integers(0, 20) | st.integers(2**63 - 5, 2**63 + 5) | st.integers(0, 2**64 - 1),
    sequence=st.integers(0, 3) | st.integers(0, 2**31 - 1),
    value=measured_values,
    attributes=attributes,
)

EDGE_NUMBERS = [0, 0.0, -0.0, 1, 1.0, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**300, 5e-324, 1.7976931348623157e308]
EDGE_TEXTS = ["", "21.5", "1", "true", "°C", "a\x00b", "\ud800", "ff" * 500]

# The store of an example is made by the example itself; the fixture only knows where.
for_each_example = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Stores(Protocol):
    """Where the stores under test are."""

    def fresh(self) -> Store:
        """Open a store that holds nothing."""

    def again(self) -> Store:
        """Open the store that was opened last once more."""


def reading(sequence: int, value: Value = 21.5, codifier: str = "C1", attributes: Attributes | None = None) -> Reading:
    return Reading(codifier, NOON_MS + 1000 * sequence, sequence, value, attributes)


def everything(store: Store) -> list[Reading]:
    return [reading for codifier in store.codifiers() for reading in store.history(codifier, *EVER, MANY)]


def exactly(reading: Reading) -> str:
    """Tell 1 from 1.0 and 0.0 from -0.0, which are equal to Python."""
    return repr(reading)


def identity(reading: Reading) -> tuple[str, int, int]:
    return reading[:3]


class StoreConformance:
    @pytest.fixture
    def store(self, stores: Stores) -> Iterator[Store]:
        store = stores.fresh()
        yield store
        store.close()

    def test_an_empty_store_has_no_sensors_and_no_history(self, store: Store) -> None:
        assert store.codifiers() == []
        assert store.history("C1", *EVER, MANY) == []

    def test_a_reading_comes_back_as_it_was_written(self, store: Store) -> None:
        written = Reading("C1", NOON_MS, 7, 48.312, {"unit": "°C", "raw": [1, None, True]})
        store.write([written])
        assert store.history("C1", *EVER, MANY) == [written]

    def test_write_tells_how_many_readings_were_new(self, store: Store) -> None:
        assert store.write([reading(1), reading(2)]) == 2
        assert store.write([reading(2), reading(3)]) == 1

    def test_nothing_to_write_is_no_error(self, store: Store) -> None:
        assert store.write([]) == 0

    def test_a_batch_that_is_written_twice_is_stored_once(self, store: Store) -> None:
        batch = [reading(sequence) for sequence in range(100)]
        store.write(batch)
        assert store.write(batch) == 0
        assert store.history("C1", *EVER, MANY) == batch

    def test_a_reading_that_stands_twice_in_a_batch_is_stored_once(self, store: Store) -> None:
        assert store.write([reading(1), reading(1)]) == 1
        assert store.history("C1", *EVER, MANY) == [reading(1)]

    def test_of_two_readings_with_one_identity_the_first_stays(self, store: Store) -> None:
        store.write([reading(1, value=20)])
        store.write([reading(1, value=30)])
        assert store.history("C1", *EVER, MANY) == [reading(1, value=20)]

    def test_readings_differ_by_sensor_by_time_and_by_sequence(self, store: Store) -> None:
        different = [
            Reading("C1", NOON_MS, 1, 1),
            Reading("C2", NOON_MS, 1, 1),
            Reading("C1", NOON_MS + 1, 1, 1),
            Reading("C1", NOON_MS, 2, 1),
        ]
        assert store.write(different) == 4
        assert sorted(everything(store)) == sorted(different)

    def test_readings_of_one_millisecond_are_in_the_order_of_their_numbers(self, store: Store) -> None:
        burst = [Reading("C1", NOON_MS, sequence, sequence) for sequence in range(5)]
        store.write(burst[::-1])
        assert store.history("C1", *EVER, MANY) == burst

    @for_each_example
    @given(batches=st.lists(st.lists(readings, max_size=8), max_size=5), data=st.data())
    def test_the_order_of_arrival_does_not_change_what_is_stored(
        self, stores: Stores, batches: list[list[Reading]], data: st.DataObject
    ) -> None:
        unique = {identity(reading): reading for batch in batches for reading in batch}
        arrivals = [unique[identity(reading)] for batch in batches for reading in batch]
        store = stores.fresh()
        new = sum(store.write([reading]) for reading in data.draw(st.permutations(arrivals)))
        assert new == len(unique)
        assert [identity(reading) for reading in everything(store)] == sorted(unique)
        assert sum(store.write(batch) for batch in batches) == 0
        store.close()

    @for_each_example
    @given(batch=st.lists(readings, max_size=8, unique_by=identity))
    def test_every_value_comes_back_exactly_and_with_its_type(self, stores: Stores, batch: list[Reading]) -> None:
        store = stores.fresh()
        store.write(batch)
        assert sorted(map(exactly, everything(store))) == sorted(map(exactly, batch))
        store.close()

    @pytest.mark.parametrize("value", [*EDGE_NUMBERS, *EDGE_TEXTS])
    def test_values_at_the_edge_of_what_databases_know(self, store: Store, value: Value) -> None:
        store.write([reading(1, value=value)])
        assert [exactly(found) for found in everything(store)] == [exactly(reading(1, value=value))]

    def test_no_attributes_and_empty_attributes_are_two_things(self, store: Store) -> None:
        batch = [reading(1, attributes=None), reading(2, attributes={})]
        store.write(batch)
        assert [found.attributes for found in everything(store)] == [None, {}]

    def test_a_timestamp_of_garbage_is_kept_and_sorts_last(self, store: Store) -> None:
        timestamps = [0, NOON_MS, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1]
        batch = [Reading("C1", timestamp_ms, 1, 1) for timestamp_ms in timestamps]
        assert store.write(batch[::-1]) == len(batch)
        assert store.history("C1", *EVER, MANY) == batch
        assert store.history("C1", 2**63, 2**64 - 2, MANY) == batch[3:5]
        assert store.history("C1", 0, NOON_MS, MANY) == batch[:2]

    def test_a_limit_gives_the_newest_readings_oldest_first(self, store: Store) -> None:
        batch = [reading(sequence) for sequence in range(10)]
        store.write(batch)
        assert store.history("C1", *EVER, 3) == batch[7:]

    @pytest.mark.parametrize("limit", [0, -1])
    def test_a_limit_of_nothing_gives_nothing(self, store: Store, limit: int) -> None:
        store.write([reading(1)])
        assert store.history("C1", *EVER, limit) == []

    def test_both_bounds_of_a_range_belong_to_it(self, store: Store) -> None:
        batch = [reading(sequence) for sequence in range(10)]
        store.write(batch)
        assert store.history("C1", batch[2].timestamp_ms, batch[5].timestamp_ms, MANY) == batch[2:6]

    def test_a_range_that_ends_before_it_begins_is_empty(self, store: Store) -> None:
        store.write([reading(1)])
        assert store.history("C1", NOON_MS + 5000, NOON_MS, MANY) == []

    def test_bounds_and_limits_beyond_the_wire_are_no_error(self, store: Store) -> None:
        store.write([reading(1)])
        assert store.history("C1", -(10**30), 10**30, 10**30) == [reading(1)]

    def test_a_history_holds_one_sensor_only(self, store: Store) -> None:
        store.write([reading(1, codifier="C1"), reading(1, codifier="C2")])
        assert store.history("C2", *EVER, MANY) == [reading(1, codifier="C2")]

    def test_capital_and_small_letters_are_two_sensors(self, store: Store) -> None:
        store.write([reading(1, codifier="ab"), reading(1, codifier="AB")])
        assert store.history("ab", *EVER, MANY) == [reading(1, codifier="ab")]

    def test_sensors_are_listed_once_and_sorted(self, store: Store) -> None:
        store.write([reading(sequence, codifier=name) for name in ("X1", "A1", "a1") for sequence in range(3)])
        assert store.codifiers() == ["A1", "X1", "a1"]

    @pytest.mark.parametrize("codifier", ["';", "--", "%_", '"x', "\\\\", "../"[:2]])
    def test_any_codifier_is_only_a_name(self, store: Store, codifier: str) -> None:
        store.write([reading(1, codifier=codifier), reading(1, codifier="C1")])
        assert store.codifiers() == sorted([codifier, "C1"])
        assert store.history(codifier, *EVER, MANY) == [reading(1, codifier=codifier)]

    def test_a_large_batch_is_stored_whole(self, store: Store) -> None:
        batch = [reading(sequence, codifier=f"{sequence % 90 + 33:c}1") for sequence in range(10_000)]
        assert store.write(batch) == 10_000
        assert len(everything(store)) == 10_000

    def test_a_store_that_is_opened_again_has_everything(self, stores: Stores) -> None:
        store = stores.fresh()
        store.write([reading(1)])
        store.close()
        store = stores.again()
        assert everything(store) == [reading(1)]
        assert store.write([reading(1), reading(2)]) == 1
        store.close()

    def test_closing_twice_is_harmless(self, stores: Stores) -> None:
        store = stores.fresh()
        store.close()
        store.close()

    def test_a_closed_store_says_so(self, stores: Stores) -> None:
        store = stores.fresh()
        store.close()
        with pytest.raises(StoreError):
            store.write([reading(1)])
        with pytest.raises(StoreError):
            store.history("C1", *EVER, MANY)
