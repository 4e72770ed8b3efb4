"""What the measurements send is what sensors send."""

from collections import Counter
from itertools import islice

from bench import load
from protocol.codifiers import is_codifier
from protocol.frames import Flag, decode_data
from protocol.tracking import Arrival, SequenceTracker


def test_codifiers_are_codifiers_and_each_is_another() -> None:
    names = load.codifiers(3844)
    assert len(set(names)) == 3844
    assert all(map(is_codifier, names))


def test_the_sensors_speak_one_after_the_other_and_their_values_are_the_same_each_time() -> None:
    first, second = (list(islice(load.values(), 450)) for _ in range(2))
    assert first == second
    assert [place for place, _ in first] == [*range(200), *range(200), *range(50)]


def test_all_flags_of_readings_are_mixed() -> None:
    flags = Counter(decode_data(datagram).flag for datagram in load.datagrams(400, now_ms=0))
    assert flags == {Flag.FLOAT: 340, Flag.INTEGER: 20, Flag.TEXT: 20, Flag.JSON: 20}


def test_each_sensor_numbers_its_readings() -> None:
    trackers = {name: SequenceTracker() for name in load.codifiers(load.SENSORS)}
    for datagram in load.datagrams(1000, now_ms=0):
        frame = decode_data(datagram)
        assert trackers[frame.source].observe(frame.sequence) is Arrival.NEXT
    assert {tracker.received for tracker in trackers.values()} == {5}


def test_the_interface_is_loopback() -> None:
    assert load.loopback().loopback
