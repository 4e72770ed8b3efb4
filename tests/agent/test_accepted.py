"""The commands that were taken, on a real disk: whole after any end, and never more than are of use."""

import logging
from pathlib import Path

import pytest

from agent.accepted import Accepted, AcceptedCommands, stamps
from protocol.commands import MAX_REMEMBERED
from protocol.frames import ControlFrame, Flag
from protocol.freshness import Stamp

NOW_MS = 1_795_000_000_000


def command(number: int, source: str = "CK") -> ControlFrame:
    return ControlFrame(number, NOW_MS + number, Flag.SET, source, "FK", 80.0, active=True)


def accepted(number: int, source: str = "CK") -> Accepted:
    return Accepted(source, number, NOW_MS + number)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state/FK.commands"


def kept(path: Path) -> AcceptedCommands:
    return AcceptedCommands(path.parent, "FK")


def test_before_the_first_command_there_are_none(path: Path) -> None:
    assert kept(path).load() == []
    assert not path.parent.exists()


def test_commands_survive_in_their_order(path: Path) -> None:
    first = kept(path)
    for number in range(3):
        first.note(command(number))
    assert kept(path).load() == [accepted(number) for number in range(3)]


def test_only_the_newest_are_kept_and_the_file_stays_small(path: Path) -> None:
    writer = kept(path)
    for number in range(3 * MAX_REMEMBERED + 1):
        writer.note(command(number))
    assert len(path.read_bytes().split(b"\n\n")) <= 2 * MAX_REMEMBERED
    assert kept(path).load()[-MAX_REMEMBERED:] == [
        accepted(number) for number in range(2 * MAX_REMEMBERED + 1, 3 * MAX_REMEMBERED + 1)
    ]


@pytest.mark.parametrize("damage", [b"", b"CK 1", b"\0" * 40, b"CK 1 2 00000000\n", b"\xff\xfe\n\n", b"CK 9 "])
def test_a_line_that_a_power_cut_tore_takes_no_other_with_it(path: Path, damage: bytes) -> None:
    kept(path).note(command(1))
    with path.open("ab") as file:
        file.write(damage)
    again = kept(path)
    assert again.load() == [accepted(1)]


def test_what_follows_a_torn_line_is_kept(path: Path) -> None:
    kept(path).note(command(1))
    with path.open("ab") as file:
        file.write(b"CK 2 17950")
    again = kept(path)
    again.load()
    again.note(command(3))
    assert kept(path).load() == [accepted(1), accepted(3)]


def test_a_disk_that_refuses_is_said_once_and_the_command_is_remembered(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.parent.mkdir(exist_ok=True)
    path.parent.write_text("a file where the directory should be", "utf-8")
    writer = kept(path)
    with caplog.at_level(logging.ERROR):
        writer.load()
        writer.note(command(1))
        writer.note(command(2))
    assert [record.message.partition(":")[0] for record in caplog.records] == ["FK", "FK"]
    assert "could be played again later" in caplog.text


def test_the_stamp_of_a_source_is_its_latest() -> None:
    taken = [accepted(5), accepted(7, "CJ"), accepted(3)]
    assert stamps(taken) == {"CK": Stamp(NOW_MS + 5, 5), "CJ": Stamp(NOW_MS + 7, 7)}
