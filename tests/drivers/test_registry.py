import subprocess
import sys
from pathlib import Path

import pytest

from drivers import registry
from drivers.driver import DriverError, DriverOptions
from drivers.pipe import Pipe, PipeOptions

CLOCK_MODULE = """
from drivers.driver import DriverOptions

class Clock:
    Options = DriverOptions
    def __init__(self, options, place): pass
    def read(self): return {"value": 12}
    def close(self): pass
"""


@pytest.fixture
def other_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package that brings the drivers `clock`, which works, and `sundial`, which lacks something."""
    (tmp_path / "clockwork.py").write_text(CLOCK_MODULE)
    (tmp_path / "sundial.py").write_text("import the_library_of_the_sun")
    metadata = tmp_path / "clockwork-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: clockwork\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[jph.drivers]\nclock = clockwork:Clock\nsundial = sundial:Sundial\n")
    monkeypatch.syspath_prepend(tmp_path)


def test_a_driver_is_found_by_its_name() -> None:
    assert registry.driver_class("pipe") is Pipe


def test_its_options_are_found_by_its_name() -> None:
    assert registry.options_of("pipe") is PipeOptions


def test_an_unknown_name_has_no_options() -> None:
    assert registry.options_of("crystal ball") is None


def test_an_unknown_name_says_which_are_known() -> None:
    with pytest.raises(DriverError, match="no driver 'crystal ball'; known are: console, control, pipe"):
        registry.driver_class("crystal ball")


@pytest.mark.parametrize("name", registry.DRIVERS)
def test_every_driver_of_the_list_is_there(name: str) -> None:
    assert registry.driver_class(name).Options is registry.options_of(name)


@pytest.mark.usefixtures("other_package")
def test_other_packages_bring_drivers_of_their_own() -> None:
    assert registry.driver_class("clock").__name__ == "Clock"  # type: ignore[attr-defined] # it is a class
    assert registry.options_of("clock") is DriverOptions


@pytest.mark.usefixtures("other_package")
def test_a_driver_that_lacks_a_library_says_which() -> None:
    with pytest.raises(DriverError, match="'sundial' cannot be loaded: No module named 'the_library_of_the_sun'"):
        registry.options_of("sundial")


def test_the_list_imports_no_driver() -> None:
    check = f"""
import sys
import drivers.registry
loaded = {{place.partition(':')[0] for place in drivers.registry.DRIVERS.values()}} & sys.modules.keys()
assert loaded == set(), loaded
assert "{registry.ENTRY_POINTS}" and "importlib.metadata" not in sys.modules
drivers.registry.driver_class("console")
assert "drivers.pipe" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", check], check=True)
