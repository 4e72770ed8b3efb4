"""Written as YAML and read again, a configuration says the same."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.configuration import kinds
from config.convert import as_yaml, convert, written
from config.document import parse, plain
from config.durations import LONGEST_S, Bytes, Seconds
from config.loading import load, loads
from config.model import (
    SMALLEST_SPOOL_BYTES,
    Clamp,
    Configuration,
    Defaults,
    Delta,
    FilterStep,
    Group,
    Network,
    Node,
    RingLimits,
    Security,
    Sensor,
    SpoolPlace,
)
from config.report import Report
from protocol.alarms import COMPARISONS, Alarms, Condition
from protocol.gate import Mode
from tests.config.kinds import KINDS, ConsoleOptions, ControlOptions, PipeOptions, StoreOptions, loaded
from tests.config.test_legacy import FILE
from tests.config.test_loading import DESIGN
from tests.config.test_nodes import FULL

LINES = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029"), max_size=20).map(
    str.strip
)
WORDS = (
    st.sampled_from(["", "1e3", "0x1F", "yes", "null", "~", "<<", "1:30", ">", "- a", "a: b", "#", "@", "%", "°C"])
    | LINES
)
DURATIONS = st.floats(0, LONGEST_S, exclude_min=True) | st.integers(1, 10_000).map(float)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
CODIFIERS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=2, max_size=2).filter(
    lambda codifier: codifier != "@@"
)
CONDITIONS = st.builds(Condition, st.sampled_from(COMPARISONS), NUMBERS)
ALARMS = st.builds(Alarms, CONDITIONS, st.none() | CONDITIONS, st.floats(0, 1e9), st.integers(1, 99))
STEPS = st.one_of(
    st.builds(FilterStep, st.sampled_from(["scale", "offset"]), NUMBERS),
    st.builds(FilterStep, st.just("round"), st.integers(0, 15)),
    st.builds(FilterStep, st.sampled_from(["median", "moving_average"]), st.integers(1, 1000)),
    st.builds(FilterStep, st.just("clamp"), st.builds(Clamp, min=st.none(), max=NUMBERS, drop=st.booleans())),
    st.builds(FilterStep, st.just("delta"), st.builds(Delta, by=st.floats(0, 9), heartbeat_s=st.none() | DURATIONS)),
    st.builds(FilterStep, st.just("throttle"), DURATIONS),
    st.builds(FilterStep, st.just("skip_initial"), st.integers(0, 99)),
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64) | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
SECURITY = st.builds(
    Security,
    mode=st.sampled_from(Mode),
    keys=st.none() | st.sampled_from(["/etc/jph/keys", "~/keys", "/a b: c"]),
    unsigned=st.just(()),
)
DRIVERS: st.SearchStrategy[tuple[str, Any]] = st.one_of(
    st.tuples(st.just("console"), st.just(ConsoleOptions())),
    st.tuples(st.just("pipe"), st.builds(PipeOptions, path=WORDS, command=st.none(), scale=NUMBERS)),
    st.tuples(st.just("control"), st.builds(ControlOptions, default=NUMBERS, lease=st.none() | DURATIONS)),
    st.tuples(st.just("sqlite"), st.builds(StoreOptions, path=WORDS, cache=st.integers(1, 2**40))),
)


@st.composite
def sensors(draw: st.DrawFn, codifier: str, *, proxy: bool) -> Sensor:
    return Sensor(
        codifier=codifier,
        name=draw(WORDS),
        description=draw(WORDS),
        unit=draw(WORDS),
        channel=draw(WORDS.filter(bool)) if proxy else draw(st.none() | WORDS),
        timeout_s=draw(DURATIONS),
        alarms=draw(st.none() | ALARMS),
        filters=tuple(draw(st.lists(STEPS, max_size=3))),
    )


@st.composite
def nodes(draw: st.DrawFn, codifiers: list[str]) -> Node:
    driver, options = draw(DRIVERS)
    return Node(
        sensor=draw(sensors(codifiers[0], proxy=False)),
        driver=driver,
        options=options,
        host=draw(st.none() | WORDS),
        interval_s=draw(DURATIONS),
        keepalive_s=draw(DURATIONS),
        active=draw(st.booleans()),
        control=draw(st.booleans()),
        proxies=tuple(draw(sensors(codifier, proxy=True)) for codifier in codifiers[1:]),
    )


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    families = draw(
        st.lists(st.lists(CODIFIERS, min_size=1, max_size=3), max_size=3, unique_by=lambda family: family[0])
    )
    seen: set[str] = set()
    distinct = [[one for one in family if not (one in seen or seen.add(one))] for family in families]  # type: ignore[func-returns-value]  # set.add says nothing
    return Configuration(
        network=draw(
            st.builds(
                Network,
                control=st.builds(Group, st.just("239.1.2.3"), st.integers(1, 9999)),
                data=st.builds(Group, st.just("ff15::7"), st.integers(10_000, 65_535)),
                interface=st.none() | WORDS,
                ttl=st.integers(0, 255),
            )
        ),
        defaults=draw(st.builds(Defaults, interval_s=DURATIONS, keepalive_s=DURATIONS, timeout_s=DURATIONS)),
        security=draw(SECURITY),
        rings=draw(
            st.builds(RingLimits, age_s=DURATIONS, readings=st.integers(1, 100_000), memory_bytes=st.integers(1, 2**40))
        ),
        spool=draw(
            st.none()
            | st.builds(
                SpoolPlace,
                path=st.sampled_from(["/var/lib/jph/spool", "~/spool", "/a b: c"]),
                interval_s=DURATIONS,
                size_bytes=st.integers(SMALLEST_SPOOL_BYTES, 2**40),
            )
        ),
        nodes={family[0]: draw(nodes(family)) for family in distinct if family},
        logging=draw(st.none() | st.just({"version": 1, "root": {"level": "DEBUG", "handlers": []}})),
    )


@given(configurations())
def test_every_configuration_is_read_as_it_was_written(configuration: Configuration) -> None:
    text = convert(configuration)
    assert loads(text.encode(), "jph.yaml", KINDS.get) == configuration, text


@pytest.mark.parametrize("text", [DESIGN, FULL, "nodes: {}"])
def test_what_was_read_from_yaml_is_written_as_the_same(text: str) -> None:
    configuration = loaded(text)
    assert loaded(convert(configuration)) == configuration


def test_the_original_s_json_becomes_yaml_that_says_the_same() -> None:
    original = load(str(FILE), kinds)
    converted = loads(convert(original).encode(), "jph.yaml", kinds)
    assert converted == original
    assert converted.original is None


def test_options_that_nobody_checked_are_written_as_they_are() -> None:
    original = load(str(FILE))
    assert loads(convert(original).encode()) == original


def test_what_is_written_is_what_a_person_would_write() -> None:
    assert (
        convert(loaded(FULL))
        == """\
nodes:
  C1:
    name: kastpi CPU
    description: the processor of kastpi
    host: kastpi
    driver: pipe
    options: {path: /sys/class/thermal/thermal_zone0/temp, scale: 0.001}
    unit: °C
    interval: 1s
    keepalive: 30s
    timeout: 10s
    active: false
    alarms: {warning: '> 70', critical: '> 80', hysteresis: 2, hits: 3}
    filters:
    - {median: 3}
    - clamp: {min: -20, max: 120}
    proxies:
      C2:
        name: second
        unit: '%'
        channel: humidity
        timeout: 1m
        alarms: {warning: < 5}
        filters:
        - {round: 1}
"""
    )


def test_what_is_as_it_would_be_anyway_is_not_written() -> None:
    text = "nodes: {F1: {driver: control, interval: 5s, control: true, proxies: {F2: {channel: F2}}}}"
    assert convert(loaded(text)) == "nodes:\n  F1:\n    driver: control\n    proxies:\n      F2: {}\n"


def test_nothing_at_all_is_written_as_no_nodes() -> None:
    assert convert(Configuration()) == "nodes: {}\n"


def test_sections_stand_apart() -> None:
    text = convert(loaded("network: {interface: lo}\ndefaults: {interval: 1s}\nnodes: {C1: {driver: console}}"))
    assert text == "network: {interface: lo}\n\ndefaults: {interval: 1s}\n\nnodes:\n  C1: {driver: console}\n"


class Inner(msgspec.Struct, frozen=True):
    lease: Seconds
    inner: tuple[float, ...] = ()


class Nested(msgspec.Struct, frozen=True, kw_only=True):
    delays: list[Seconds] = []
    sizes: dict[str, Bytes] = {}
    maybe: Seconds | None = None
    one: Inner | None = None
    many: list[Inner] = []
    group: Group | None = None
    renamed_s: Seconds = msgspec.field(default=1.0, name="renamed")


def test_options_are_written_with_their_units_wherever_they_stand() -> None:
    nested = Nested(
        delays=[60.0, 0.5],
        sizes={"a": 2**20},
        maybe=90.0,
        one=Inner(3600.0, (1.0, 2.0)),
        many=[Inner(1.0)],
        group=Group("ff15::1", 7),
        renamed_s=2.0,
    )
    assert written(nested) == {
        "delays": ["1m", "500ms"],
        "sizes": {"a": "1MiB"},
        "maybe": "90s",
        "one": {"lease": "1h", "inner": [1.0, 2.0]},
        "many": [{"lease": "1s"}],
        "group": "[ff15::1]:7",
        "renamed": "2s",
    }


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_that_a_terminal_would_obey_is_escaped_and_reads_as_the_same(text: str) -> None:
    written_text = as_yaml({"options": {"text": text}})
    assert all(line.isprintable() for line in written_text.split("\n"))
    assert plain(parse(written_text.encode(), Report("test"))) == {"options": {"text": text}}
