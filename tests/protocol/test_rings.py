"""The rings of an agent share one bound of memory."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.codifiers import is_codifier
from protocol.frames import encode
from protocol.ring import CHUNK
from protocol.rings import MAX_BYTES, Rings
from tests.protocol.repairing import reading

KIB = 1024


def add(rings: Rings, codifier: str, sequences: range, value: float | str = 21.5) -> None:
    for sequence in sequences:
        rings.add(encode(reading(sequence, codifier, value=value)), 1.0)


def length(rings: Rings, codifier: str) -> int:
    return len(rings.open(codifier))


def test_each_sensor_has_a_ring_of_its_own() -> None:
    rings = Rings()
    add(rings, "C1", range(5))
    add(rings, "C2", range(100, 103))
    assert (length(rings, "C1"), length(rings, "C2")) == (5, 3)


def test_a_sensor_is_known_once_its_ring_is_opened_also_before_its_first_reading() -> None:
    rings = Rings()
    rings.open("C1")
    assert "C1" in rings
    assert "C2" not in rings
    assert rings.get("C2") is None


def test_a_sensor_that_the_agent_no_longer_has_takes_no_memory() -> None:
    rings = Rings()
    add(rings, "C1", range(500))
    rings.close("C1")
    rings.close("C1")
    assert rings.size_bytes == 0
    assert "C1" not in rings


def test_all_rings_are_told() -> None:
    rings = Rings()
    add(rings, "C1", range(5))
    add(rings, "C2", range(5))
    assert [ring.codifier for ring in rings] == ["C1", "C2"]


def test_a_sensor_may_skip_numbers() -> None:
    rings = Rings()
    add(rings, "C1", range(5))
    rings.skip_to("C1", 9)
    add(rings, "C1", range(9, 10))
    assert [sequence for sequence, _ in rings.open("C1").datagrams(0, 64)] == [0, 1, 2, 3, 4, 9]
    assert rings.size_bytes == rings.open("C1").size_bytes


def test_the_sensor_with_the_most_loses_its_oldest_readings() -> None:
    rings = Rings(max_bytes=64 * KIB)
    add(rings, "C1", range(100))
    add(rings, "C2", range(10_000))
    assert length(rings, "C1") == 100
    assert rings.open("C2").first is not None
    assert rings.open("C2").last == 9999
    assert length(rings, "C2") > 2 * CHUNK


def test_long_texts_make_room_as_well() -> None:
    rings = Rings(max_bytes=64 * KIB)
    add(rings, "C1", range(1000), "a" * 1000)
    assert rings.size_bytes <= 64 * KIB
    assert rings.open("C1").last == 999


def test_more_sensors_than_memory_has_room_for_keep_something_of_the_newest() -> None:
    rings = Rings(max_bytes=8 * KIB)
    codifiers = [f"{chr(65 + index // 26)}{chr(65 + index % 26)}" for index in range(100)]
    for codifier in codifiers:
        assert is_codifier(codifier)
        add(rings, codifier, range(3))
    assert rings.size_bytes <= 8 * KIB
    assert length(rings, codifiers[-1]) == 3


@given(st.lists(st.tuples(st.sampled_from(["C1", "C2", "C3"]), st.sampled_from([1.5, "on", "a" * 900])), max_size=300))
def test_the_memory_of_all_is_never_more_than_allowed(added: list[tuple[str, float | str]]) -> None:
    rings, numbers = Rings(max_bytes=6 * KIB), {"C1": 0, "C2": 0, "C3": 0}
    for codifier, value in added:
        add(rings, codifier, range(numbers[codifier], numbers[codifier] + 1), value)
        numbers[codifier] += 1
        assert rings.size_bytes == sum(ring.size_bytes for ring in rings) <= 6 * KIB


def test_a_numbering_that_goes_on_elsewhere_takes_no_more_memory_than_allowed() -> None:
    rings = Rings(max_bytes=6 * KIB)
    codifiers = [f"A{digit}" for digit in range(10)]
    for codifier in codifiers:
        add(rings, codifier, range(3))
    for codifier in codifiers:
        rings.skip_to(codifier, 9)
        assert rings.size_bytes == sum(ring.size_bytes for ring in rings) <= 6 * KIB


def test_by_default_an_agent_keeps_300_000_numbers() -> None:
    rings = Rings()
    add(rings, "C1", range(CHUNK))
    full_chunk = rings.size_bytes
    assert MAX_BYTES // full_chunk * CHUNK > 300_000
