from pathlib import Path

import pytest

from drivers.driver import DriverError, Place


def place(root: str = "/") -> Place:
    return Place("C1", Path("/var/lib/jph"), lambda: 0.0, Path(root))


def test_a_path_lies_where_it_says() -> None:
    assert place().locate("/sys/class/thermal") == Path("/sys/class/thermal")


def test_a_path_lies_under_another_root_when_there_is_one() -> None:
    assert place("/fake").locate("/sys/class/thermal") == Path("/fake/sys/class/thermal")


def test_a_tilde_is_the_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/pi")
    assert place("/fake").locate("~/temperature") == Path("/fake/home/pi/temperature")


def test_a_home_directory_that_nobody_knows_is_said() -> None:
    with pytest.raises(DriverError, match=r"~nobody-of-this-name/x: .*; name the whole path"):
        place().locate("~nobody-of-this-name/x")
