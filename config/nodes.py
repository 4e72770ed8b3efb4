"""The section `nodes`: who is on the network, what reads it, and what it says."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from config.channels import check_channels
from config.check import build
from config.document import Entry, Scalar, Table, Tree, plain
from config.filters import build_filters
from config.messages import at, is_nothing, join, suggestion
from config.model import Defaults, Kinds, Node, Options, Sensor
from config.report import Report
from config.written import WrittenAlarms, WrittenNode, WrittenSensor
from protocol.alarms import Alarms
from protocol.codifiers import EVERYBODY, is_codifier
from protocol.errors import JphError

BUILT_IN: Final = ("console", "control", "pipe", "simulated", "simulated-fan", "sqlite")
"""Drivers and stores of this version, for advice on a name that is not known."""

PLANNED: Final = (
    *("adcpi", "dht", "exec", "fan", "gpio", "hwmon", "iio", "json", "mqtt", "nest", "pool", "postgres"),
    *("python", "redis", "rollup", "system", "w1", "web", "zwave"),
)
"""Drivers and stores of later versions: a node that uses one is known by name, but does not run."""

_ACTUATORS: Final = frozenset({"control", "fan", "simulated-fan"})


def takes_commands(driver: str) -> bool:
    """Tell whether a node takes set and step when the file does not say `control`."""
    return driver in _ACTUATORS


class NodesBuilder:
    """Builds the nodes of one configuration. What is wrong with them is noted in the report.

    Without `kinds` the options of drivers are handed on unchecked. `lenient` takes drivers that nobody knows, with a
    warning: a document of the original system names programs that were never part of this one.
    """

    def __init__(self, defaults: Defaults, kinds: Kinds | None, report: Report, *, lenient: bool) -> None:
        self._defaults = defaults
        self._kinds = kinds
        self._report = report
        self._lenient = lenient
        self._missing: dict[str, list[tuple[int, str]]] = {}  # driver -> lines and codifiers that name it

    def build(self, table: Table, path: str) -> dict[str, Node]:
        """Build all nodes, in the document's order."""
        self._check_codifiers(table, path)
        built = (self._node(codifier, entry, join(path, entry.name)) for codifier, entry in table.entries.items())
        nodes = {node.codifier: node for node in built if node is not None}
        self._warn_of_missing_drivers()
        return nodes

    def _check_codifiers(self, table: Table, path: str) -> None:
        first: dict[str, int] = {}
        for codifier, entry, where in _all_codifiers(table, path):
            if not is_codifier(codifier):
                self._report.error(entry.line, at(where, f"{entry.name!r} is no codifier"), _codifier_advice(codifier))
            elif codifier in first:
                advice = f"the first is in line {first[codifier]}"
                self._report.error(entry.line, at(where, f"there are two sensors {codifier}"), advice)
            first.setdefault(codifier, entry.line)

    def _node(self, codifier: str, entry: Entry, path: str) -> Node | None:
        table = entry.tree
        written = build(WrittenNode, table, path, self._report)
        if not isinstance(table, Table):
            return None
        if written is None:  # go on with what can be checked all the same
            written = WrittenNode(driver=_text_of("driver", table))
        interval_s = written.interval or self._defaults.interval_s
        timeout_s = written.timeout or self._defaults.timeout_for(interval_s)
        if timeout_s < interval_s:
            line = _line_of("timeout", table)
            self._report.warning(line, at(path, "stale before its next reading"), "timeout must exceed interval")
        node = Node(
            sensor=self._sensor(codifier, written, timeout_s, table, path),
            driver=written.driver,
            options=self._options(codifier, written.driver, table, path),
            host=written.host,
            interval_s=interval_s,
            keepalive_s=written.keepalive or self._defaults.keepalive_s,
            active=written.active,
            proxies=tuple(self._proxies(table, timeout_s, _place("proxies", table, path))),
            control=takes_commands(written.driver) if written.control is None else written.control,
        )
        check_channels(node, _line_of("channel", table), _tables_in("proxies", table), path, self._report)
        return node

    def _proxies(self, node: Table, timeout_s: float, path: str) -> Iterator[Sensor]:
        for codifier, entry in _tables_in("proxies", node).items():
            where = join(path, entry.name)
            table = Table({}, entry.line) if is_nothing(entry.tree) else entry.tree
            written = build(WrittenSensor, table, where, self._report) or WrittenSensor()
            if isinstance(table, Table):
                sensor = self._sensor(codifier, written, timeout_s, table, where)
                yield msgspec.structs.replace(sensor, channel=sensor.channel or codifier)

    def _sensor(self, codifier: str, written: WrittenSensor, timeout_s: float, table: Table, path: str) -> Sensor:
        return Sensor(
            codifier=codifier,
            name=written.name,
            description=written.description,
            unit=written.unit,
            channel=written.channel,
            timeout_s=written.timeout or timeout_s,
            alarms=self._alarms(written.alarms, _line_of("alarms", table), _place("alarms", table, path)),
            filters=build_filters(_part("filters", table), _place("filters", table, path), self._report),
        )

    def _alarms(self, written: WrittenAlarms | None, line: int, path: str) -> Alarms | None:
        if written is None:
            return None
        if written.critical_comes_first:
            message = f"critical {written.critical} is reached before warning {written.warning}"
            self._report.warning(line, at(path, message), "change them over")
        return Alarms(written.warning, written.critical, written.hysteresis, written.hits)

    def _options(self, codifier: str, driver: str, table: Table, path: str) -> Options:
        options = _part("options", table)
        if options is None or is_nothing(options):
            options = Table({}, table.line)
        if self._kinds is None or not driver:
            return plain(options) or None
        line = _line_of("driver", table)
        try:
            kind = self._kinds(driver)
        except JphError as error:  # somebody else's driver, which cannot be loaded here
            self._report.error(line, at(_place("driver", table, path), error.message), error.hint)
            return None
        if kind is not None:
            return build(kind, options, _place("options", table, path), self._report)
        self._note_missing(driver, line, codifier, _place("driver", table, path))
        return plain(options) or None

    def _note_missing(self, driver: str, line: int, codifier: str, path: str) -> None:
        if self._lenient or driver in PLANNED:
            self._missing.setdefault(driver, []).append((line, codifier))
            return
        advice = suggestion(driver, (*BUILT_IN, *PLANNED))
        self._report.error(line, at(path, f"{driver!r} is no driver and no store"), advice)

    def _warn_of_missing_drivers(self) -> None:
        """Say which nodes cannot run: once for each driver, since a real network has many of a kind."""
        for driver, uses in self._missing.items():
            codifiers = ", ".join(codifier for _, codifier in uses)
            message = f"the driver {driver!r} is not in this version: {codifiers} cannot run here"
            self._report.warning(uses[0][0], message, "what others send is shown")


def _all_codifiers(table: Table, path: str) -> Iterator[tuple[str, Entry, str]]:
    for codifier, entry in table.entries.items():
        where = join(path, entry.name)
        yield codifier, entry, where
        for proxy, proxy_entry in _tables_in("proxies", entry.tree).items():
            yield proxy, proxy_entry, join(join(where, "proxies"), proxy_entry.name)


def _part(key: str, tree: Tree) -> Tree | None:
    entry = tree.entries.get(key) if isinstance(tree, Table) else None
    return entry.tree if entry else None


def _tables_in(key: str, tree: Tree) -> Mapping[str, Entry]:
    part = _part(key, tree)
    return part.entries if isinstance(part, Table) else {}


def _text_of(key: str, table: Table) -> str:
    part = _part(key, table)
    return part.text if isinstance(part, Scalar) else ""


def _codifier_advice(codifier: str) -> str:
    if codifier == EVERYBODY:
        return "it means everybody on the network"
    return "a codifier is two printable ASCII characters"


def _place(key: str, table: Table, path: str) -> str:
    return join(path, table.entries[key].name if key in table.entries else key)


def _line_of(key: str, table: Table) -> int:
    return table.entries[key].line if key in table.entries else table.line
