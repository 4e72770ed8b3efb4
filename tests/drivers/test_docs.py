"""docs/drivers.md is true: its examples load and run, and its tables have all options, channels and limits."""

import re
import sys
import types
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from agent.configuration import kinds
from agent.supervisor import QUARANTINE_AFTER, QUARANTINE_S, SHORTEST_DEADLINE_S
from config.loading import loads
from drivers import registry
from drivers.commands import MAX_HEARD_BYTES
from drivers.driver import DriverError, Place
from drivers.files import MAX_BYTES
from drivers.incidents import PUMP, SILENCE
from drivers.pipe import PipeOptions
from drivers.plant import DAMP_PERCENT, PARTS
from drivers.simulated_fan import SimulatedFanOptions
from storage.registry import STORES
from tests.support.driven_time import ManualClock

PAGE: Final = (Path(__file__).parents[2] / "docs/drivers.md").read_text(encoding="utf-8")
YAML_EXAMPLES: Final = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
(PYTHON_EXAMPLE,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

NAMES: Final = [*registry.DRIVERS, *STORES]


def section(name: str) -> str:
    return PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def option_names(name: str) -> tuple[str, ...]:
    options = kinds(name)
    assert options is not None
    return options.__struct_encode_fields__


@pytest.mark.parametrize("example", YAML_EXAMPLES, ids=range(len(YAML_EXAMPLES)))
def test_every_example_loads_without_a_problem(example: str) -> None:
    told = [warning.message for warning in loads(example.encode(), "docs", kinds).warnings]
    assert all("only announces" in message for message in told), told


@pytest.mark.parametrize("name", NAMES)
def test_every_driver_and_store_has_a_section_with_an_example(name: str) -> None:
    assert f"driver: {name}" in section(name)
    assert f"[`{name}`](#{name})" in PAGE


@pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name in NAMES if name != "simulated-fan" for option in option_names(name)]
)
def test_every_option_is_explained(name: str, option: str) -> None:
    assert f"`{option}`" in section(name)


@pytest.mark.parametrize("name", ["json", "pool"])
def test_an_option_says_of_itself_what_its_table_says(name: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", section(name), re.MULTILINE)
    options = registry.driver_class(name).Options
    described = [(field.encode_name, description(field.type)) for field in msgspec.structs.fields(options)]
    assert set(described) <= set(rows)


def description(kind: Any) -> str:
    (found,) = (meta.description for meta in kind.__metadata__ if meta.description)
    return str(found)


def test_the_fan_has_the_options_of_control_and_its_own_defaults() -> None:
    assert set(option_names("simulated-fan")) == {*option_names("control"), "plant"}
    defaults = SimulatedFanOptions()
    for option in ("default", "min", "max", "safe"):
        assert f"`{option}: {getattr(defaults, option)}`" in section("simulated-fan")


@pytest.mark.parametrize("part", [part for part in PARTS if part != "fan"])
def test_every_part_of_the_plant_is_explained_with_its_channels(part: str) -> None:
    (row,) = (line for line in section("simulated").splitlines() if re.match(rf"\|[^|]*`{part}`[^|]*\|", line))
    for channel in PARTS[part]:
        prefix, _, suffix = channel.partition("_")
        assert f"`{channel}`" in row or (f"`{prefix}`" in row and f"`_{suffix}`" in row)


def test_its_limits_are_those_of_the_code() -> None:
    for limit in (
        f"At most {MAX_BYTES // 1024} KiB of a file",
        f"more than {MAX_HEARD_BYTES // 2**20} MiB",
        f"may take ({PipeOptions(path='/x').timeout:g} s)",
        f"stalls for {PUMP.lasts_s} s",
        f"silent for {SILENCE.lasts_s} s",
        f"rises by {DAMP_PERCENT:g} %",
        f"at least {SHORTEST_DEADLINE_S:g} s",
    ):
        assert limit in PAGE
    assert (QUARANTINE_AFTER, QUARANTINE_S) == (5, 60)  # "five failures in a row", "for a minute"


@pytest.fixture
def uptime() -> Any:
    """Give the class that the page shows how to write."""
    module = types.ModuleType("uptime")
    sys.modules["uptime"] = module  # where the types of the options are looked up
    exec(compile(PYTHON_EXAMPLE, "docs/drivers.md", "exec"), module.__dict__)  # noqa: S102 - our own page
    yield module.Uptime
    del sys.modules["uptime"]


def test_the_driver_that_is_shown_works(uptime: Any, tmp_path: Path, clock: ManualClock) -> None:
    place = Place("U1", tmp_path, clock.monotonic, root=tmp_path)
    driver = uptime(uptime.Options(unit="hours"), place)
    with pytest.raises(DriverError, match="No such file or directory; see whether /proc is mounted"):
        driver.read()
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/uptime").write_text("5400.12 10000.00\n")
    assert driver.read() == {"value": 1.5}
    driver.close()


def test_the_driver_that_is_shown_checks_its_options(uptime: Any) -> None:
    configuration = "nodes: {U1: {driver: uptime, options: {unit: days}}}"
    loaded = loads(configuration.encode(), "docs", {"uptime": uptime.Options}.get)
    assert loaded.nodes["U1"].options == uptime.Options(unit="days")


def test_the_entry_point_group_is_the_registrys() -> None:
    assert f'[project.entry-points."{registry.ENTRY_POINTS}"]' in PAGE
