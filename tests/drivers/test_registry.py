import re
import subprocess
import sys

import pytest

from drivers import registry
from drivers.driver import DriverError, DriverOptions
from drivers.pipe import Pipe, PipeOptions


def test_a_driver_is_found_by_its_name() -> None:
    assert registry.driver_class("pipe") is Pipe


def test_its_options_are_found_by_its_name() -> None:
    assert registry.options_of("pipe") is PipeOptions


def test_an_unknown_name_has_no_options() -> None:
    assert registry.options_of("crystal ball") is None


def test_an_unknown_name_says_which_are_known() -> None:
    with pytest.raises(DriverError, match=r"no driver 'crystal ball'; known are adcpi, console, .*simulated"):
        registry.driver_class("crystal ball")


@pytest.mark.usefixtures("other_package")
@pytest.mark.parametrize(("name", "meant"), [("pip", "pipe"), ("simulate", "simulated"), ("clocks", "clock")])
def test_a_name_that_is_nearly_one_says_which(name: str, meant: str) -> None:
    with pytest.raises(DriverError) as failure:
        registry.driver_class(name)
    assert failure.value.hint == f"did you mean {meant!r}?"


@pytest.mark.parametrize("name", registry.DRIVERS)
def test_every_driver_of_the_list_is_there(name: str) -> None:
    assert registry.driver_class(name).Options is registry.options_of(name)


@pytest.mark.usefixtures("other_package")
def test_other_packages_bring_drivers_of_their_own() -> None:
    assert registry.driver_class("clock").__name__ == "Clock"  # type: ignore[attr-defined] # it is a class
    assert registry.options_of("clock") is DriverOptions


@pytest.mark.usefixtures("other_package")
def test_a_driver_of_another_package_takes_no_name_of_ours() -> None:
    assert registry.driver_class("pipe") is Pipe
    assert registry.options_of("pipe") is PipeOptions


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sundial", "No module named 'the_library_of_the_sun'; the package clockwork brings it"),
        ("hourglass", "RuntimeError: no sand"),
        ("candle", "candle:Candle is no driver: its `Options` are no msgspec.Struct"),
        ("shadow", "has no attribute 'Shadow'"),
    ],
)
@pytest.mark.usefixtures("other_package")
def test_a_driver_that_cannot_be_loaded_says_why(name: str, said: str) -> None:
    with pytest.raises(DriverError, match=re.escape(said)):
        registry.driver_class(name)


def test_one_of_ours_that_cannot_be_loaded_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.DRIVERS, "adcpi", "no_such_module:Adc")
    with pytest.raises(DriverError, match=r"No module named 'no_such_module'; pip install \"jph\[adcpi\]\""):
        registry.driver_class("adcpi")


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


@pytest.mark.parametrize(
    ("driver", "module"),
    [
        ("control", "zlib"),
        ("dht", "statistics"),
        ("fan", "zlib"),
        ("gpio", "zlib"),
        ("pipe", "shlex"),
        ("simulated", "zlib"),
        ("zwave", "difflib"),
    ],
)
def test_a_driver_does_not_load_what_it_seldom_needs(driver: str, module: str) -> None:
    check = f"import sys; from drivers.registry import driver_class; driver_class({driver!r}); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert module not in ran.stdout.split()
