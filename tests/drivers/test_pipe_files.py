"""The driver `pipe` on files and FIFOs."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.driver import DriverError, Measured, Place
from drivers.pipe import Pipe, PipeOptions
from drivers.text.files import MAX_BYTES, first_words
from tests.support.driven_time import ManualClock

MEMINFO = """\
MemTotal:       24689844 kB
MemFree:          181236 kB
MemAvailable:   15204332 kB
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "source"


@pytest.fixture
def fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


@pytest.fixture
def pipe(path: Path, place: Place) -> Iterator[Pipe]:
    """Give a driver without further options on `path`, for which no time passes."""
    with closing(Pipe(PipeOptions(path=str(path)), place, standing_still())) as pipe:
        yield pipe


def standing_still() -> Callable[[], float]:
    """Return a clock that stays at now: what is written from now on is new, however slow the computer is."""
    now_s = time.time()
    return lambda: now_s


@pytest.fixture
def write(fifo: Path) -> Iterator[Callable[[bytes], int]]:
    """Give a program that holds the FIFO open and writes to it."""
    descriptor = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    yield lambda data: os.write(descriptor, data)
    os.close(descriptor)


def read_once(options: PipeOptions, place: Place) -> object:
    with closing(Pipe(options, place)) as pipe:
        return pipe.read()


def test_a_file_with_one_number_is_a_reading(path: Path, pipe: Pipe) -> None:
    path.write_text("52312\n")
    assert pipe.read() == {"value": 52312}


def test_the_original_systems_temperature_is_thousandths(path: Path, place: Place) -> None:
    path.write_text("20016\n")
    assert read_once(PipeOptions(path=str(path), scale=0.001), place) == {"value": 20.016}


def test_scale_and_offset_turn_fahrenheit_into_celsius(path: Path, place: Place) -> None:
    path.write_text("212")
    assert read_once(PipeOptions(path=str(path), scale=0.5, offset=-6), place) == {"value": 100.0}


@pytest.mark.parametrize(("text", "number"), [("7\n", 7), ("7.0\n", 7.0), ("  -3 \n\n", -3), ("1e3", 1000.0)])
def test_whole_numbers_are_ints_and_others_floats(path: Path, pipe: Pipe, text: str, number: float) -> None:
    path.write_text(text)
    assert repr(pipe.read()) == repr({"value": number})


def test_a_file_is_read_anew_each_time(path: Path, pipe: Pipe) -> None:
    path.write_text("1")
    assert pipe.read() == {"value": 1}
    path.write_text("2")
    assert pipe.read() == {"value": 2}


def test_a_file_that_was_replaced_is_found(path: Path, pipe: Pipe) -> None:
    path.write_text("1")
    pipe.read()
    path.unlink()
    path.write_text("2")
    assert pipe.read() == {"value": 2}


def test_a_field_is_counted_from_1(path: Path, place: Place) -> None:
    path.write_text("0.42 0.31 0.28 2/313 12345\n")
    assert read_once(PipeOptions(path=str(path), field=2), place) == {"value": 0.31}


def test_several_fields_are_several_channels(path: Path, place: Place) -> None:
    path.write_text("0.42 0.31 0.28 2/313 12345\n")
    options = PipeOptions(path=str(path), fields={"value": 1, "load15": 3})
    assert read_once(options, place) == {"value": 0.42, "load15": 0.28}


def test_a_pattern_finds_the_number_in_a_line(path: Path, place: Place) -> None:
    path.write_text(MEMINFO)
    assert read_once(PipeOptions(path=str(path), pattern=r"^MemFree:\s+(\d+)"), place) == {"value": 181236}


def test_several_patterns_are_several_channels(path: Path, place: Place) -> None:
    path.write_text(MEMINFO)
    patterns = {"total": r"^MemTotal:\s+(\d+)", "available": r"^MemAvailable:\s+(\d+)"}
    options = PipeOptions(path=str(path), patterns=patterns, scale=1024)
    assert read_once(options, place) == {"total": 24689844 * 1024, "available": 15204332 * 1024}


def test_this_machine_can_be_read(place: Place) -> None:
    assert isinstance(read_once(PipeOptions(path="/proc/loadavg", field=1), place), dict)
    assert isinstance(read_once(PipeOptions(path="/proc/meminfo", pattern=r"^MemTotal:\s+(\d+)"), place), dict)


def test_another_root_is_read_instead(tmp_path: Path, place: Place) -> None:
    (tmp_path / "sys").mkdir()
    (tmp_path / "sys" / "temp").write_text("7")
    elsewhere = Place(place.codifier, place.state_directory, place.monotonic, root=tmp_path)
    assert read_once(PipeOptions(path="/sys/temp"), elsewhere) == {"value": 7}


@pytest.mark.parametrize("text", ["", "\n", "  \n\n"])
def test_an_empty_file_is_an_error(path: Path, pipe: Pipe, text: str) -> None:
    path.write_text(text)
    with pytest.raises(DriverError, match=f"{path}: it holds no number"):
        pipe.read()


@pytest.mark.parametrize("text", ["warm", "1,5", "0x20", "true", "\x00", "\ufffd"])
def test_a_file_without_a_number_is_an_error(path: Path, pipe: Pipe, text: str) -> None:
    path.write_text(text)
    with pytest.raises(DriverError, match="is not a number"):
        pipe.read()


def test_several_words_are_an_error_that_says_what_to_do(path: Path, pipe: Pipe) -> None:
    path.write_text("21.5 °C\n")
    with pytest.raises(DriverError, match=r"'21.5 °C' is not a number; say which word is the number with `field`"):
        pipe.read()


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999"])
def test_what_is_not_finite_is_an_error(path: Path, pipe: Pipe, text: str) -> None:
    path.write_text(text)
    with pytest.raises(DriverError, match=r"is not a finite number|too large"):
        pipe.read()


def test_bytes_that_are_no_text_are_an_error(path: Path, pipe: Pipe) -> None:
    path.write_bytes(b"\xff\xfe21.5")
    with pytest.raises(DriverError, match="is not a number"):
        pipe.read()


def test_a_field_that_is_not_there_is_an_error(path: Path, place: Place) -> None:
    path.write_text("1 2")
    with pytest.raises(DriverError, match="there is no field 3, only 2"):
        read_once(PipeOptions(path=str(path), field=3), place)


def test_a_number_that_is_none_in_its_field_needs_no_advice(path: Path, place: Place) -> None:
    path.write_text("1 x")
    with pytest.raises(DriverError) as failure:
        read_once(PipeOptions(path=str(path), field=2), place)
    assert failure.value.hint == ""


def test_a_pattern_that_is_not_found_is_an_error(path: Path, place: Place) -> None:
    path.write_text(MEMINFO)
    with pytest.raises(DriverError, match="the pattern 'SwapFree: "):
        read_once(PipeOptions(path=str(path), pattern=r"SwapFree: (\d+)"), place)


def test_a_pattern_whose_group_found_nothing_is_an_error(path: Path, place: Place) -> None:
    path.write_text("temp")
    with pytest.raises(DriverError, match="it holds no number"):
        read_once(PipeOptions(path=str(path), pattern=r"temp=?(\d+)?"), place)


def test_a_missing_file_is_an_error_that_names_it(path: Path, pipe: Pipe) -> None:
    with pytest.raises(DriverError, match=f"{path}: No such file or directory; see whether the path is right"):
        pipe.read()


def test_a_file_that_comes_later_is_read(path: Path, pipe: Pipe) -> None:
    with pytest.raises(DriverError):
        pipe.read()
    path.write_text("5")
    assert pipe.read() == {"value": 5}


@pytest.mark.parametrize("path", [Path("/dev/zero"), Path("/proc")])
def test_devices_and_directories_are_refused(path: Path, pipe: Pipe) -> None:
    with pytest.raises(DriverError, match=f"{path} is neither a file nor a FIFO"):
        pipe.read()


def test_only_the_first_4_kib_of_a_file_count(path: Path, place: Place) -> None:
    path.write_text("1 2 3 " + "x" * 10_000_000)
    assert read_once(PipeOptions(path=str(path), field=3), place) == {"value": 3}


def test_a_number_that_the_limit_cuts_in_two_is_none(path: Path, place: Place) -> None:
    path.write_text("1 " + " " * (MAX_BYTES - 4) + "1234")
    with pytest.raises(DriverError, match="there is no field 2"):
        read_once(PipeOptions(path=str(path), field=2), place)


def test_digits_without_end_are_no_number(path: Path, pipe: Pipe) -> None:
    path.write_text("1" * (MAX_BYTES + 1))
    with pytest.raises(DriverError, match="it holds no number"):
        pipe.read()


@given(st.lists(st.text("0123456789.-", min_size=1, max_size=9), max_size=2000))
def test_every_word_that_is_given_stood_in_the_file(words: list[str]) -> None:
    text = first_words(" ".join(words).encode())
    assert text.split() == words[: len(text.split())]
    assert len(text) <= MAX_BYTES


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_content_is_a_finite_number_or_an_error(path: Path, pipe: Pipe, content: bytes) -> None:
    path.write_bytes(content)
    try:
        measured = pipe.read()
    except DriverError:
        return
    assert measured == {"value": float(content.decode().strip())}  # which strips more than `float` does


def test_a_fifo_without_a_writer_has_no_reading_and_does_not_wait(fifo: Path, pipe: Pipe) -> None:
    assert pipe.read() == {}
    assert pipe.read() == {}


def test_a_line_in_a_fifo_is_one_reading(write: Callable[[bytes], int], pipe: Pipe) -> None:
    assert pipe.read() == {}
    write(b"21.5\n")
    assert pipe.read() == {"value": 21.5}
    assert pipe.read() == {}


def test_of_several_lines_the_last_one_counts(write: Callable[[bytes], int], pipe: Pipe) -> None:
    write(b"1\n2\n3\n")
    assert pipe.read() == {"value": 3}


def test_a_line_that_has_no_end_yet_waits(write: Callable[[bytes], int], pipe: Pipe) -> None:
    write(b"21.5\n22.")
    assert pipe.read() == {"value": 21.5}
    assert pipe.read() == {}
    write(b"7\n")
    assert pipe.read() == {"value": 22.7}


WRITTEN_S = 1_526_464_007
A_CENTURY_S = 100 * 365 * 86_400.0


def written_long_ago(fifo: Path) -> None:
    """Give the FIFO the time of its last line that it had if that were written at WRITTEN_S."""
    os.utime(fifo, (WRITTEN_S, WRITTEN_S))


def test_a_line_that_waited_while_nobody_read_is_as_old_as_it_is(
    fifo: Path, write: Callable[[bytes], int], pipe: Pipe, clock: ManualClock
) -> None:
    pipe.read()
    write(b"21.5\n")
    written_long_ago(fifo)
    clock.pass_time(A_CENTURY_S)
    assert pipe.read() == {"value": Measured(21.5, timestamp_ms=WRITTEN_S * 1000)}
    write(b"22\n")
    assert pipe.read() == {"value": 22}


def test_no_line_is_older_than_the_last_read_though_the_clock_was_set_since_it_was_written(
    fifo: Path, write: Callable[[bytes], int], pipe: Pipe, clock: ManualClock
) -> None:
    pipe.read()
    write(b"21.5\n")
    written_long_ago(fifo)
    clock.pass_time(0.9)
    assert pipe.read() == {"value": 21.5}


def test_a_line_from_before_the_driver_began_is_as_old_as_it_is(
    fifo: Path, write: Callable[[bytes], int], pipe: Pipe
) -> None:
    write(b"21.5\n")
    written_long_ago(fifo)
    assert pipe.read() == {"value": Measured(21.5, timestamp_ms=WRITTEN_S * 1000)}


def test_all_channels_of_a_line_are_of_one_time(fifo: Path, write: Callable[[bytes], int], place: Place) -> None:
    write(b"1 2\n")
    written_long_ago(fifo)
    measured = read_once(PipeOptions(path=str(fifo), fields={"value": 1, "two": 2}), place)
    assert measured == {
        "value": Measured(1, timestamp_ms=WRITTEN_S * 1000),
        "two": Measured(2, timestamp_ms=WRITTEN_S * 1000),
    }


def test_where_a_fifo_does_not_keep_its_time_a_line_is_as_old_as_the_read(
    fifo: Path, write: Callable[[bytes], int], pipe: Pipe, clock: ManualClock
) -> None:
    written_long_ago(fifo)
    pipe.read()
    for number in (1, 2):
        write(b"%d\n" % number)
        written_long_ago(fifo)
        clock.pass_time(A_CENTURY_S)
        assert pipe.read() == {"value": number}


def test_a_line_of_the_future_is_as_old_as_the_read(fifo: Path, write: Callable[[bytes], int], place: Place) -> None:
    write(b"21.5\n")
    with closing(Pipe(PipeOptions(path=str(fifo)), place, lambda: float(WRITTEN_S))) as pipe:
        assert pipe.read() == {"value": 21.5}


def test_a_file_that_takes_the_place_of_a_fifo_is_as_old_as_the_read(
    fifo: Path, write: Callable[[bytes], int], pipe: Pipe
) -> None:
    write(b"21.5\n")
    written_long_ago(fifo)
    pipe.read()
    fifo.unlink()
    fifo.write_text("4")
    assert pipe.read() == {"value": 4}


def test_the_writer_may_go_and_another_may_come(fifo: Path, pipe: Pipe) -> None:
    pipe.read()
    fifo.write_text("1\n")
    assert pipe.read() == {"value": 1}
    fifo.write_text("2\n")
    assert pipe.read() == {"value": 2}


def test_empty_lines_are_no_readings(write: Callable[[bytes], int], pipe: Pipe) -> None:
    write(b"5\n\n\r\n")
    assert pipe.read() == {"value": 5}
    write(b"\n\n")
    assert pipe.read() == {}


def test_a_line_that_is_no_number_is_an_error_once(write: Callable[[bytes], int], pipe: Pipe) -> None:
    write(b"warm\n")
    with pytest.raises(DriverError, match="'warm' is not a number"):
        pipe.read()
    assert pipe.read() == {}


def test_fields_are_those_of_the_last_line(write: Callable[[bytes], int], fifo: Path, place: Place) -> None:
    with closing(Pipe(PipeOptions(path=str(fifo), field=2), place, standing_still())) as pipe:
        pipe.read()
        write(b"a 1\nb 2\n")
        assert pipe.read() == {"value": 2}


def test_a_line_without_end_is_an_error_and_takes_no_memory(write: Callable[[bytes], int], pipe: Pipe) -> None:
    for _ in range(20):
        write(b"9" * MAX_BYTES)
        write(b"9")
        with pytest.raises(DriverError, match="a line of more than 4096 bytes"):
            pipe.read()
    assert len(pipe._source._fifo._unfinished) <= MAX_BYTES + 1  # type: ignore[attr-defined] # of a FIFO


def test_the_end_of_an_endless_line_is_no_number(write: Callable[[bytes], int], pipe: Pipe) -> None:
    write(b"9" * (MAX_BYTES + 1))
    with pytest.raises(DriverError, match="more than 4096 bytes"):
        pipe.read()
    write(b"21.5\n")
    with pytest.raises(DriverError, match="more than 4096 bytes"):
        pipe.read()
    write(b"21.5\n")
    assert pipe.read() == {"value": 21.5}


def test_a_fifo_that_is_made_anew_is_opened_anew(fifo: Path, pipe: Pipe) -> None:
    pipe.read()
    fifo.unlink()
    os.mkfifo(fifo)
    assert pipe.read() == {}
    fifo.write_text("3\n")
    assert pipe.read() == {"value": 3}


def test_a_file_may_take_the_place_of_a_fifo(fifo: Path, pipe: Pipe) -> None:
    pipe.read()
    fifo.unlink()
    fifo.write_text("4")
    assert pipe.read() == {"value": 4}


def test_a_fifo_that_is_gone_is_an_error(fifo: Path, pipe: Pipe) -> None:
    pipe.read()
    fifo.unlink()
    with pytest.raises(DriverError, match="No such file"):
        pipe.read()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(-999, 9999), min_size=1, max_size=30), st.data())
def test_however_lines_are_cut_the_last_whole_one_counts(
    write: Callable[[bytes], int], pipe: Pipe, numbers: list[int], data: st.DataObject
) -> None:
    written = "".join(f"{number}\n" for number in numbers).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(written)), max_size=5)))
    seen = []
    for start, end in zip([0, *cuts], [*cuts, len(written)], strict=True):
        if start < end:
            write(written[start:end])
        seen += [pipe.read()]
        whole = written[start:end].count(b"\n")
        expected = numbers[written[:end].count(b"\n") - 1]
        assert seen[-1] == ({"value": expected} if whole else {})
    assert {"value": numbers[-1]} in seen
