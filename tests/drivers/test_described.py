"""Drivers in words: what their options take, which libraries they need, and which cannot be loaded."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest

from config.durations import Bytes, Seconds
from drivers import registry
from drivers.described import Description, Library, Option, describe, describe_all, libraries, options_in_words
from drivers.driver import DriverError


class Colour(Enum):
    """Colours."""

    RED = "red"
    BLUE = "blue"


class Inner(msgspec.Struct):
    """A table within the options."""

    path: Annotated[str, msgspec.Meta(description="where it lies")]
    inner: "Inner | None" = None


class Options(msgspec.Struct, kw_only=True):
    """Options of every kind."""

    needed: str
    number: int | float = 1.0
    flag: bool = False
    frequency: Annotated[float, msgspec.Meta(gt=0, le=1_000_000)] = 25_000.0
    many: Annotated[Annotated[int, msgspec.Meta(ge=1, le=12)] | None, msgspec.Meta(description="how many")] = None
    wait: Annotated[Seconds | None, msgspec.Meta(description="how long")] = 90.0
    room: Bytes = 8 * 2**20
    way: Literal["up", "down"] = "up"
    colour: Colour = Colour.RED
    either: str | list[int] = msgspec.field(default_factory=list, name="either-or")
    tables: dict[str, Inner] = msgspec.field(default_factory=dict)
    listed: list[Inner] = msgspec.field(default_factory=list)
    one: Inner | None = None
    whatever: Any = None


DESCRIBED = {option.name: option for option in options_in_words(Options)}


@pytest.mark.parametrize(
    ("name", "kind", "default"),
    [
        ("needed", "text", None),
        ("number", "number", "1"),
        ("flag", "true | false", "false"),
        ("frequency", "number, more than 0, at most 1000000", "25000"),
        ("many", "whole number, at least 1, at most 12", None),
        ("wait", "duration", "90s"),
        ("room", "size", "8MiB"),
        ("way", "down | up", "up"),
        ("colour", "red | blue", "red"),
        ("either-or", "text or list (whole number)", None),
        ("tables", "mapping of names (mapping)", None),
        ("tables.*.path", "text", None),
        ("listed.*.path", "text", None),
        ("one.path", "text", None),
        ("whatever", "value", None),
    ],
)
def test_an_option_is_told_with_its_type_and_its_default(name: str, kind: str, default: str | None) -> None:
    assert (DESCRIBED[name].kind, DESCRIBED[name].default) == (kind, default)


def test_an_option_is_told_with_its_meaning() -> None:
    assert [DESCRIBED[name].meaning for name in ("many", "wait", "one.path", "flag")] == [
        "how many",
        "how long",
        "where it lies",
        "",
    ]


def test_only_an_option_without_a_default_is_required() -> None:
    assert [name for name, option in DESCRIBED.items() if option.required and "." not in name] == ["needed"]


def test_a_table_that_contains_itself_is_told_once() -> None:
    assert "one.inner" in DESCRIBED
    assert "one.inner.path" not in DESCRIBED


def test_a_driver_is_described() -> None:
    described = describe("control")
    assert described.summary.startswith("A value that operators and programs set")
    assert (described.package, described.channels, described.commands) == (None, ("value",), True)
    assert described.options[0] == Option("default", "number", None, True, "the value until the first command")


def test_channels_that_depend_on_options_are_not_told() -> None:
    assert describe("pipe").channels is None
    assert describe("w1").channels is None
    assert describe("dht").channels == ("humidity", "success", "value")
    assert describe("console").channels == ()
    assert describe("simulated-fan").channels == ("rotations", "value")


def test_a_name_that_no_driver_has_is_an_error() -> None:
    with pytest.raises(DriverError, match="no driver 'crystal ball'"):
        describe("crystal ball")


def test_the_libraries_of_an_extra_are_those_of_the_package() -> None:
    assert [library.name for library in libraries("gpio")] == ["gpiozero", "lgpio"]
    assert libraries("redis") == (Library("redis", __import__("redis").__version__),)
    assert libraries("pipe") == ()


def test_a_library_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.requires", lambda _: ["no.such-thing [x]>=1; extra == 'pipe'"])
    assert libraries("pipe") == (Library("no.such-thing", None),)


@pytest.mark.usefixtures("other_package")
def test_drivers_of_other_packages_are_described_with_their_package() -> None:
    described = {each.name: each for each in describe_all() if each.package is not None}
    assert described["clock"].summary == "The time."
    assert {each.package for each in described.values()} == {"clockwork"}


@pytest.mark.usefixtures("other_package")
def test_a_driver_that_cannot_be_loaded_is_told_among_the_others() -> None:
    described = {each.name: each for each in describe_all()}
    assert "No module named 'the_library_of_the_sun'; the package clockwork brings it" in described["sundial"].problem
    assert "RuntimeError: no sand" in described["hourglass"].problem
    assert "`Options` are no msgspec.Struct" in described["candle"].problem
    assert not described["clock"].problem
    assert set(registry.DRIVERS) < described.keys()


@pytest.mark.usefixtures("other_package")
def test_a_driver_that_has_the_name_of_one_of_ours_is_told_not_to_be_used() -> None:
    ours, theirs = (each for each in describe_all() if each.name == "pipe")
    assert ours == describe("pipe")
    assert theirs == Description(
        "pipe",
        package="clockwork",
        problem="jph has a driver of this name, which is used instead of that of clockwork",
    )


def test_every_driver_of_ours_says_what_it_is_and_what_each_option_means(tmp_path: Path) -> None:
    del tmp_path
    for name in registry.DRIVERS:
        described = describe(name)
        assert described.summary
        assert [option.name for option in described.options if not option.meaning] == []
