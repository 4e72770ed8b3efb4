"""The section `nodes`: who is on the network, what reads it, and what it says."""

from collections.abc import Iterator
from typing import Final

import msgspec

from config.check import build
from config.document import Entry, Table
from config.filters import build_filters
from config.messages import at, is_nothing, join
from config.model import Defaults, Node, Sensor
from config.options import OptionsBuilder, check_channels, takes_commands
from config.report import Report
from config.spots import Spot
from config.written import WrittenAlarms, WrittenNode, WrittenSensor
from protocol.alarms import Alarms
from protocol.codifiers import EVERYBODY, is_codifier


class NodesBuilder:
    """Builds the nodes of one configuration. What is wrong with them is noted in the report."""

    def __init__(self, defaults: Defaults, options: OptionsBuilder, report: Report) -> None:
        self._defaults = defaults
        self._options = options
        self._report = report

    def build(self, section: Spot) -> dict[str, Node]:
        """Build all nodes, in the document's order."""
        self._check_codifiers(section)
        built = (self._node(codifier, entry, section) for codifier, entry in section.table.entries.items())
        nodes = {node.codifier: node for node in built if node is not None}
        self._options.warn_of_missing()
        return nodes

    def _check_codifiers(self, section: Spot) -> None:
        first: dict[str, int] = {}
        for codifier, entry, path in _all_codifiers(section):
            if not is_codifier(codifier):
                message = at(path, f"{entry.name!r} is no codifier")
                self._report.error(entry.line, message, _ABOUT_EVERYBODY if codifier == EVERYBODY else _ABOUT_CODIFIERS)
            elif codifier in first:
                message = at(path, f"there are two sensors {codifier}")
                self._report.error(entry.line, message, f"the first is in line {first[codifier]}")
            first.setdefault(codifier, entry.line)

    def _node(self, codifier: str, entry: Entry, section: Spot) -> Node | None:
        errors = len(self._report.errors)
        written = build(WrittenNode, entry.tree, join(section.path, entry.name), self._report)
        if not isinstance(entry.tree, Table):
            return None
        spot = Spot(entry.tree, join(section.path, entry.name))
        # What is wrong with one option must not hide what is wrong with the others.
        node = self._assembled(codifier, written or WrittenNode(driver=spot.text("driver")), spot)
        if len(self._report.errors) == errors:
            check_channels(node, spot, self._report)
        return node

    def _assembled(self, codifier: str, written: WrittenNode, spot: Spot) -> Node:
        interval_s = written.interval or self._defaults.interval_s
        timeout_s = written.timeout or self._defaults.timeout_for(interval_s)
        if timeout_s < interval_s:
            message = at(spot.path, "stale before its next reading")
            self._report.warning(spot.line("timeout"), message, "timeout must exceed interval")
        return Node(
            sensor=self._sensor(codifier, written, timeout_s, spot),
            driver=written.driver,
            options=self._options.build(codifier, written.driver, spot),
            host=written.host,
            interval_s=interval_s,
            keepalive_s=written.keepalive or self._defaults.keepalive_s,
            active=written.active,
            proxies=tuple(self._proxies(spot, timeout_s)),
            control=takes_commands(written.driver) if written.control is None else written.control,
        )

    def _proxies(self, node: Spot, timeout_s: float) -> Iterator[Sensor]:
        for codifier, entry in node.entries("proxies").items():
            path = join(node.path_of("proxies"), entry.name)
            table = Table({}, entry.line) if is_nothing(entry.tree) else entry.tree
            written = build(WrittenSensor, table, path, self._report) or WrittenSensor()
            if isinstance(table, Table):
                sensor = self._sensor(codifier, written, timeout_s, Spot(table, path))
                yield msgspec.structs.replace(sensor, channel=sensor.channel or codifier)

    def _sensor(self, codifier: str, written: WrittenSensor, timeout_s: float, spot: Spot) -> Sensor:
        return Sensor(
            codifier=codifier,
            name=written.name,
            description=written.description,
            unit=written.unit,
            channel=written.channel,
            timeout_s=written.timeout or timeout_s,
            alarms=None if written.alarms is None else self._alarms(written.alarms, spot),
            filters=build_filters(spot.part("filters"), spot.path_of("filters"), self._report),
        )

    def _alarms(self, written: WrittenAlarms, spot: Spot) -> Alarms:
        if written.critical_comes_first:
            message = f"critical {written.critical} is reached before warning {written.warning}"
            self._report.warning(spot.line("alarms"), at(spot.path_of("alarms"), message), "change them over")
        return Alarms(written.warning, written.critical, written.hysteresis, written.hits)


_ABOUT_EVERYBODY: Final = "it means everybody on the network"
_ABOUT_CODIFIERS: Final = "a codifier is two printable ASCII characters"


def _all_codifiers(section: Spot) -> Iterator[tuple[str, Entry, str]]:
    """Go through the codifiers of nodes and proxies, with their entries and paths."""
    for codifier, entry in section.table.entries.items():
        path = section.path_of(codifier)
        yield codifier, entry, path
        if isinstance(entry.tree, Table):
            node = Spot(entry.tree, path)
            for proxy, proxy_entry in node.entries("proxies").items():
                yield proxy, proxy_entry, join(node.path_of("proxies"), proxy_entry.name)
