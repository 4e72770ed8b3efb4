import sys
from pathlib import Path

import pytest

from drivers.driver import DriverError
from drivers.libraries import how_to_install, library


def test_a_library_is_imported() -> None:
    assert library("json", "json") is sys.modules["json"]


def test_one_that_is_not_installed_is_told_with_what_brings_it() -> None:
    with pytest.raises(DriverError, match=r'no_such_library is not installed; pip install "jph\[adcpi\]"'):
        library("no_such_library", "adcpi")


@pytest.mark.parametrize(
    ("version", "said"), [((3, 12), 'pip install "jph[fan]"'), ((3, 13), "sudo apt-get install python3-lgpio; docs/")]
)
def test_lgpio_comes_from_debian_where_pypi_has_none(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int], said: str
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    assert how_to_install("lgpio", "fan").startswith(said)
    assert how_to_install("gpiozero", "fan") == 'pip install "jph[fan]"'


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import no_such_part", r"broken cannot be used: No module named 'no_such_part'; pip install"),
        ("raise RuntimeError('no Raspberry Pi')", "broken cannot be used: RuntimeError: no Raspberry Pi"),
    ],
)
def test_one_that_does_not_work_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, said: str
) -> None:
    (tmp_path / "broken.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(DriverError, match=said):
        library("broken", "dht")
