"""The driver `pipe` on commands."""

import os
import select
import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from drivers.driver import DriverError, Measurements, Place
from drivers.pipe import Pipe, PipeOptions
from drivers.text.files import MAX_BYTES
from tests.support.driven_time import ManualClock

PATIENCE_S = 30.0  # only a failing test waits so long


def run(place: Place, command: str, **options: object) -> Measurements:
    with closing(Pipe(PipeOptions(command=command, **options), place)) as pipe:  # type: ignore[arg-type] # any of them
        return pipe.read()


@contextmanager
def reading(pipe: Pipe) -> Iterator[list[str]]:
    """Let another thread read; at the end the list has the message with which that failed."""
    failures: list[str] = []

    def read() -> None:
        try:
            pipe.read()
        except DriverError as error:
            failures.append(error.message)

    reader = threading.Thread(target=read)
    reader.start()
    yield failures
    reader.join()
    pipe.close()


def ends(process_id: int) -> bool:
    """Wait until a process has ended; a kill is on its way a moment longer than the call that sends it."""
    try:
        descriptor = os.pidfd_open(process_id)
    except ProcessLookupError:
        return True
    with os.fdopen(descriptor) as process:
        return bool(select.select([process], [], [], PATIENCE_S)[0])


def test_what_a_command_prints_is_a_reading(place: Place) -> None:
    assert run(place, "echo 21.5") == {"value": 21.5}


def test_the_original_systems_way_works(tmp_path: Path, place: Place) -> None:
    (tmp_path / "temp").write_text("52312\n")
    assert run(place, f"/bin/cat {tmp_path}/temp", scale=0.001) == {"value": 52.312}


def test_words_are_split_as_a_shell_does(place: Place) -> None:
    assert run(place, r"printf '%s %s' '1 2' 3", field=3) == {"value": 3}


def test_no_shell_sees_the_command(tmp_path: Path, place: Place) -> None:
    assert run(place, f"echo 1 ; touch {tmp_path}/made > $HOME", field=1) == {"value": 1}
    assert not (tmp_path / "made").exists()


def test_numbers_have_a_point_whatever_the_locale(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert run(place, "printenv LC_ALL", pattern=r"UTF-(\d)") == {"value": 8}
    with pytest.raises(DriverError, match=r"'C\.UTF-8' is not a number"):
        run(place, "printenv LC_ALL")


def test_a_command_gets_no_input(place: Place) -> None:
    assert run(place, "wc -c") == {"value": 0}


def test_a_command_that_prints_nothing_is_an_error(place: Place) -> None:
    with pytest.raises(DriverError, match="`true`: it holds no number"):
        run(place, "true")


def test_a_command_that_fails_says_why_in_its_own_words(place: Place) -> None:
    script = "echo 21.5; echo no sensor on the bus >&2; echo second line >&2; exit 3"
    with pytest.raises(DriverError, match=r"ended with exit code 3: no sensor on the bus$"):
        run(place, f"sh -c '{script}'")


def test_a_command_that_fails_without_words_is_an_error(place: Place) -> None:
    with pytest.raises(DriverError, match=r"`false` ended with exit code 1$"):
        run(place, "false")


def test_a_command_that_dies_of_a_signal_says_of_which(place: Place) -> None:
    with pytest.raises(DriverError, match="was ended: Terminated"):
        run(place, "sh -c 'kill -TERM $$'")


def test_a_complaint_does_not_fill_the_log(place: Place) -> None:
    with pytest.raises(DriverError) as failure:
        run(place, "sh -c 'head -c 100000 /dev/zero | tr \"\\0\" x >&2; exit 1'")
    assert len(failure.value.message) < 400


def test_a_command_that_is_not_there_is_an_error(place: Place) -> None:
    with pytest.raises(DriverError, match="`no-such-program-anywhere 1` does not start: No such file") as failure:
        run(place, "no-such-program-anywhere 1")
    assert failure.value.hint == "install the program, or name it with its whole path"


def test_a_file_that_is_no_program_is_an_error(place: Place, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("#!/bin/sh\n", "ascii")
    with pytest.raises(DriverError, match="does not start: Permission denied; make it executable"):
        run(place, f"{tmp_path}/text")


def test_warnings_of_a_command_that_succeeds_do_not_matter(place: Place) -> None:
    assert run(place, "sh -c 'echo careful >&2; echo 7'") == {"value": 7}


def test_only_the_first_4_kib_count(place: Place) -> None:
    script = f'import sys; sys.stdout.write("1 2 " + "x" * {10 * MAX_BYTES})'
    assert run(place, f"python3 -c '{script}'", field=2) == {"value": 2}


def test_a_command_that_prints_without_end_is_ended(place: Place) -> None:
    with pytest.raises(DriverError, match="`yes` says more than 1048576 bytes"):
        run(place, "yes")


def test_a_command_that_takes_too_long_is_ended_with_its_children(
    tmp_path: Path, place: Place, clock: ManualClock
) -> None:
    started, go_on = tmp_path / "started", tmp_path / "go_on"
    os.mkfifo(started)
    os.mkfifo(go_on)
    script = f"sleep 1000 & echo $$ $! > {started}; read _ < {go_on}; echo still at it; wait"
    with reading(Pipe(PipeOptions(command=f"sh -c '{script}'", timeout=600), place)) as failures:
        processes = started.read_text().split()
        clock.pass_time(600)
        go_on.write_text("\n")
    assert failures[0].endswith("took more than 600 s")
    assert all(ends(int(process_id)) for process_id in processes)


def test_a_command_that_says_everything_and_stays_is_ended(place: Place) -> None:
    with pytest.raises(DriverError, match=r"took more than 0\.2 s"):
        run(place, "sh -c 'echo 1; exec >&- 2>&-; sleep 1000'", timeout=0.2)


def test_closing_ends_a_command_that_runs(tmp_path: Path, place: Place) -> None:
    started = tmp_path / "started"
    os.mkfifo(started)
    pipe = Pipe(PipeOptions(command=f"sh -c 'echo $$ > {started}; sleep 1000'", timeout=600), place)
    with reading(pipe) as failures:
        process_id = int(started.read_text())
        pipe.close()
    assert failures[0].endswith(f"was ended: {signal.strsignal(signal.SIGKILL)}")
    assert ends(process_id)


def test_each_read_runs_the_command_anew(tmp_path: Path, place: Place) -> None:
    (tmp_path / "count").write_text("")
    command = f"sh -c 'echo x >> {tmp_path}/count; wc -l < {tmp_path}/count'"
    with closing(Pipe(PipeOptions(command=command), place)) as pipe:
        assert [pipe.read(), pipe.read()] == [{"value": 1}, {"value": 2}]


def test_a_command_is_not_run_once_it_is_closed(place: Place) -> None:
    pipe = Pipe(PipeOptions(command="echo 1"), place)
    pipe.close()
    with pytest.raises(DriverError, match="`echo 1` is not run any more"):
        pipe.read()
