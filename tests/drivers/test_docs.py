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
from drivers.driver import DriverError, Place
from drivers.plant.incidents import PUMP, SILENCE
from drivers.plant.plant import DAMP_PERCENT, PARTS
from drivers.text.commands import MAX_HEARD_BYTES
from drivers.text.files import MAX_BYTES
from storage.registry import STORES
from tests.netns.hosts import missing
from tests.support.driven_time import ManualClock
from tools import drivers_transcript

PAGE: Final = (Path(__file__).parents[2] / "docs/drivers.md").read_text(encoding="utf-8")
YAML_EXAMPLES: Final = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
(PYTHON_EXAMPLE,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

EXAMPLE: Final = Path(__file__).parents[2] / "docs/examples/jph-uptime"

NAMES: Final = [*registry.DRIVERS, *STORES]


def section(name: str) -> str:
    return PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def options_of(name: str) -> tuple[msgspec.inspect.Field, ...]:
    options = msgspec.inspect.type_info(kinds(name))
    assert isinstance(options, msgspec.inspect.StructType)
    return options.fields


def description(option: msgspec.inspect.Field) -> str:
    schema = option.type.extra_json_schema if isinstance(option.type, msgspec.inspect.Metadata) else None
    return str((schema or {}).get("description", ""))


def table_row(name: str, option: str) -> str:
    """Return what the table of options in a section says of one."""
    table = section(name).partition("\n| option | meaning |\n")[2].partition("\n\n")[0]
    (row,) = re.findall(rf"^\| `{option}` \| (.*) \|$", table, re.MULTILINE)
    return str(row)


@pytest.mark.parametrize("example", YAML_EXAMPLES, ids=range(len(YAML_EXAMPLES)))
def test_every_example_loads_without_a_problem(example: str) -> None:
    told = [warning.message for warning in loads(example.encode(), "docs", kinds).warnings]
    assert all("only announces" in message for message in told), told


@pytest.mark.parametrize("name", NAMES)
def test_every_driver_and_store_has_a_section_with_an_example(name: str) -> None:
    assert f"driver: {name}" in section(name)
    assert f"[`{name}`](#{name})" in PAGE


def test_the_table_names_each_once_in_the_order_of_the_sections() -> None:
    rows = re.findall(r"^\| \[`([\w-]+)`\]\(#\1\) \|", PAGE, re.MULTILINE)
    sections = [heading for heading in re.findall(r"^## (.+)$", PAGE, re.MULTILINE) if heading in NAMES]
    assert rows == sections
    assert sorted(rows) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_table_tells_which_take_commands(name: str) -> None:
    (row,) = re.findall(rf"^\| \[`{name}`\].*\|$", PAGE, re.MULTILINE)
    takes = name in registry.DRIVERS and hasattr(registry.driver_class(name), "set")
    assert row.endswith("| set, step |" if takes else "| |")


OPTIONS: Final = [
    pytest.param(name, each, id=f"{name}-{each.encode_name}") for name in NAMES for each in options_of(name)
]


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_every_option_has_a_row_with_the_words_of_its_declaration(name: str, option: msgspec.inspect.Field) -> None:
    assert description(option)
    assert re.fullmatch(rf"{re.escape(description(option))}( \(.+\))?", table_row(name, option.encode_name))


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_a_default_stands_in_parentheses_behind_it(name: str, option: msgspec.inspect.Field) -> None:
    default = option.default
    is_short = isinstance(default, str | int) or (isinstance(default, float) and default.is_integer())
    if not is_short or default == "":
        return
    row = table_row(name, option.encode_name)
    written = row.removeprefix(description(option)).replace("`", "").replace(" ", "")
    number = f"{default:g}" if isinstance(default, float) else str(default)
    assert number.lower() in written.lower()


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


@pytest.mark.parametrize(("kind", "file"), [("python", "jph_uptime.py"), ("toml", "pyproject.toml")])
def test_the_example_package_is_what_the_page_shows(kind: str, file: str) -> None:
    (shown,) = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    assert (EXAMPLE / file).read_text("utf-8") == shown


def test_the_entry_point_group_is_the_registrys() -> None:
    assert f'[project.entry-points."{registry.ENTRY_POINTS}"]' in PAGE


@pytest.mark.skipif(missing() != "", reason=missing())
def test_a_pi_is_shown_as_its_files_say() -> None:
    shown = "\n".join(re.findall(r"```console\n(.*?)```", section("Trying a driver"), re.DOTALL))
    for typed in drivers_transcript.transcript():
        for line in typed.splitlines():
            assert re.sub(r"\d+\.\d+ ms", "# ms", line) in re.sub(r"\d+\.\d+ ms", "# ms", shown).splitlines()
