"""Whatever a configuration says, one gets a checked Configuration or a ConfigError, and nothing else."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from config.convert import convert
from config.dictconfig import check_logging
from config.document import parse
from config.loading import loads
from config.model import ConfigError, Configuration
from config.report import Report
from tests.config.kinds import KINDS
from tests.config.test_dictconfig import GOOD as LOGGING
from tests.config.test_legacy import DOCUMENT
from tests.config.test_loading import DESIGN
from tests.config.test_nodes import FULL

YAML = DESIGN + LOGGING
TEXTS = st.sampled_from(
    [
        "",
        "C1",
        "C2",
        "@@",
        "5s",
        "require",
        "x",
        "> 70",
        "pipe",
        "control",
        "dht",
        "Proxy",
        "TempLinux",
        "239.1.1.1:7",
        "7",
        "true",
    ]
)
KEYS = st.sampled_from(
    sorted(
        {
            "network",
            "nodes",
            "defaults",
            "rings",
            "spool",
            "logging",
            "control",
            "data",
            "interface",
            "ttl",
            "C1",
            "C2",
            "F2",
            "driver",
        }
        | {
            "options",
            "path",
            "age",
            "readings",
            "memory",
            "size",
            "proxies",
            "alarms",
            "warning",
            "filters",
            "interval",
            "version",
            "handlers",
            "root",
        }
    )
)
ORIGINAL_KEYS = st.sampled_from(
    sorted(
        {"Multicast", "Logging", "Sensors", "Control-Channel", "Data-Channel", "Address", "Port", "Codifier", "Type"}
        | {"Sensor", "Proxy", "Pipe", "Active", "Control", "ShortName", "Symbol", "SensorInterval", "__comment"}
    )
)


def documents(keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    leaves = TEXTS | st.none() | st.booleans() | st.integers(-1, 300) | st.floats(allow_nan=False, allow_infinity=False)
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5), max_leaves=30
    )


def outcome(data: bytes) -> Configuration | ConfigError:
    try:
        return loads(data, "f", KINDS.get)
    except ConfigError as error:
        return error


def is_whole(found: Configuration | ConfigError) -> bool:
    """Tell whether an error says what is wrong, and whether a configuration can be written and read again."""
    if isinstance(found, ConfigError):
        return all(problem.message and problem.severity == "error" for problem in found.problems)
    again = outcome(convert(found).encode())
    return again == found or found.original is not None


@given(documents(KEYS))
def test_any_yaml(document: Any) -> None:
    assert is_whole(outcome(json.dumps(document).encode()))


@given(st.dictionaries(ORIGINAL_KEYS, documents(ORIGINAL_KEYS), min_size=1))
def test_any_json_in_the_original_s_words(document: dict[str, Any]) -> None:
    assert is_whole(outcome(json.dumps(document).encode()))


@given(st.lists(st.sampled_from(DOCUMENT["Sensors"]), max_size=6), documents(ORIGINAL_KEYS), st.integers(0, 6))
def test_any_choice_of_the_original_s_sensors_with_something_wrong_among_them(
    sensors: list[Any], strange: Any, place: int
) -> None:
    mixed = [*sensors[:place], strange, *sensors[place:]]
    assert is_whole(outcome(json.dumps({"Sensors": mixed}).encode()))


@given(st.sampled_from([YAML, FULL]), st.data())
def test_any_slip_of_the_pen(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = start + data.draw(st.integers(0, 12))
    typed = data.draw(st.text("ab1:-[]{}&*!|>'\"%@`#?,~ \n\t°", max_size=6))
    assert is_whole(outcome((text[:start] + typed + text[end:]).encode()))


@given(
    documents(st.sampled_from(["version", "handlers", "loggers", "root", "level", "formatters", "class", "filters"]))
)
def test_any_logging(document: Any) -> None:
    report = Report("f")
    check_logging(parse(json.dumps(document).encode(), report), "logging", report)
    assert all(error.line for error in report.errors)
