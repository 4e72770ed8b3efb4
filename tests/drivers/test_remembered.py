import logging
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.remembered import RememberedNumber

numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**300), 10**300)
for_each_example = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def only_file(directory: Path) -> Path:
    (path,) = directory.iterdir()
    return path


def test_nothing_is_recalled_before_something_was_remembered(tmp_path: Path) -> None:
    assert RememberedNumber(tmp_path, "FK").recall() is None


@for_each_example
@given(numbers)
def test_a_number_comes_back_exactly(tmp_path: Path, number: float) -> None:
    RememberedNumber(tmp_path, "FK").remember(number)
    assert repr(RememberedNumber(tmp_path, "FK").recall()) == repr(number)


def test_the_last_number_counts(tmp_path: Path) -> None:
    remembered = RememberedNumber(tmp_path, "FK")
    for number in (1, 2, 3):
        remembered.remember(number)
    assert RememberedNumber(tmp_path, "FK").recall() == 3


def test_missing_directories_are_made(tmp_path: Path) -> None:
    RememberedNumber(tmp_path / "a" / "b", "FK").remember(1)
    assert RememberedNumber(tmp_path / "a" / "b", "FK").recall() == 1


@pytest.mark.parametrize("codifier", ["/x", "..", "./", "%2", "~~", '";'])
def test_every_codifier_has_a_file_of_its_own_in_the_directory(tmp_path: Path, codifier: str) -> None:
    RememberedNumber(tmp_path, codifier).remember(1)
    RememberedNumber(tmp_path, "FK").remember(2)
    assert len(list(tmp_path.iterdir())) == 2
    assert RememberedNumber(tmp_path, codifier).recall() == 1


def test_the_file_says_to_people_what_it_is(tmp_path: Path) -> None:
    RememberedNumber(tmp_path, "FK").remember(80.5)
    assert only_file(tmp_path).name == "FK.value"
    assert only_file(tmp_path).read_text().startswith("FK 80.5 ")


def test_the_same_number_is_not_written_twice(tmp_path: Path) -> None:
    remembered = RememberedNumber(tmp_path, "FK")
    remembered.remember(1)
    only_file(tmp_path).unlink()
    remembered.remember(1)
    assert list(tmp_path.iterdir()) == []


def test_a_number_that_was_recalled_is_not_written_again(tmp_path: Path) -> None:
    RememberedNumber(tmp_path, "FK").remember(1)
    remembered = RememberedNumber(tmp_path, "FK")
    remembered.recall()
    only_file(tmp_path).unlink()
    remembered.remember(1)
    assert list(tmp_path.iterdir()) == []


@for_each_example
@given(st.data())
def test_a_damaged_file_is_none_and_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, data: st.DataObject
) -> None:
    caplog.clear()
    RememberedNumber(tmp_path, "FK").remember(80.0)
    whole = only_file(tmp_path).read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[place]))
    only_file(tmp_path).write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
    assert RememberedNumber(tmp_path, "FK").recall() is None
    assert "FK: the value that was set is lost, the default is taken: " in caplog.text
    assert f"{only_file(tmp_path)} is damaged" in caplog.text


def test_a_file_that_was_cut_off_is_none(tmp_path: Path) -> None:
    RememberedNumber(tmp_path, "FK").remember(80.0)
    whole = only_file(tmp_path).read_bytes()
    for size in range(len(whole)):
        only_file(tmp_path).write_bytes(whole[:size])
        assert RememberedNumber(tmp_path, "FK").recall() is None


def test_the_file_of_another_codifier_is_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    RememberedNumber(tmp_path, "FK").remember(80.0)
    only_file(tmp_path).rename(tmp_path / "FJ.value")
    assert RememberedNumber(tmp_path, "FJ").recall() is None
    assert "FJ: the value that was set is lost" in caplog.text


def test_a_directory_that_cannot_be_made_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    (tmp_path / "file").touch()
    remembered = RememberedNumber(tmp_path / "file" / "state", "FK")
    remembered.remember(1)
    remembered.remember(2)
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["FK"]
    assert "the value 1 will not survive a restart" in caplog.text


def test_what_failed_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    remembered = RememberedNumber(tmp_path / "state", "FK")
    remembered.remember(1)
    (tmp_path / "state").unlink()
    remembered.remember(1)
    assert RememberedNumber(tmp_path / "state", "FK").recall() == 1


def test_a_file_left_by_a_power_cut_while_writing_does_no_harm(tmp_path: Path) -> None:
    RememberedNumber(tmp_path, "FK").remember(1)
    (tmp_path / ".FK.value.0123abcd.part").write_bytes(b"FK 9")
    assert RememberedNumber(tmp_path, "FK").recall() == 1
    remembered = RememberedNumber(tmp_path, "FK")
    remembered.remember(2)
    assert RememberedNumber(tmp_path, "FK").recall() == 2
