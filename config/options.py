"""What drivers and stores are told: options, checked by the type that belongs to the driver's name."""

from collections.abc import Collection
from typing import Final

from config.check import build
from config.document import Table, plain
from config.messages import at, is_nothing, join, suggestion
from config.model import OWN_CHANNEL, Kinds, Node, Options
from config.report import Report
from config.spots import Spot
from protocol.errors import JphError

BUILT_IN: Final = (
    "adcpi",
    "console",
    "control",
    "dht",
    "exec",
    "fan",
    "gpio",
    "hwmon",
    "iio",
    "json",
    "mqtt",
    "nest",
    "pipe",
    "pool",
    "postgres",
    "python",
    "redis",
    "rollup",
    "simulated",
    "simulated-fan",
    "sqlite",
    "system",
    "w1",
    "web",
    "zwave",
)
"""Drivers and stores of this version, for advice on a name that is not known."""

ANNOUNCED: Final = {
    "rollup": "every store computes its roll-ups by itself",
    "web": "there is no web server in this version",
}
"""Drivers of the original whose nodes only announce themselves here, and why."""

_ACTUATORS: Final = frozenset({"control", "fan", "simulated-fan"})


def takes_commands(driver: str) -> bool:
    """Tell whether a node takes set and step when the file does not say `control`."""
    return driver in _ACTUATORS


class OptionsBuilder:
    """Builds the options of one configuration's nodes, and remembers which drivers are missing.

    Without `kinds` options are handed on unchecked. `lenient` takes drivers that nobody knows, with a warning: a
    document of the original system names programs that were never part of this one.
    """

    def __init__(self, kinds: Kinds | None, report: Report, *, lenient: bool) -> None:
        self._kinds = kinds
        self._report = report
        self._lenient = lenient
        self._uses: dict[str, list[tuple[int, str]]] = {}  # driver that does nothing here -> lines and codifiers

    def build(self, codifier: str, driver: str, node: Spot) -> Options:
        """Build a node's options; None when there are none, or errors were noted."""
        options = node.part("options")
        if options is None or is_nothing(options):
            options = Table({}, node.table.line)
        if self._kinds is None or not driver:
            return plain(options) or None
        try:
            kind = self._kinds(driver)
        except JphError as error:  # somebody else's driver, which cannot be loaded here
            self._report.error(node.line("driver"), at(node.path_of("driver"), error.message), error.hint)
            return None
        if driver in ANNOUNCED:
            self._note(driver, codifier, node)
        if kind is not None:
            return build(kind, options, node.path_of("options"), self._report)
        self._note_missing(codifier, driver, node)
        return plain(options) or None

    def warn_of_missing(self) -> None:
        """Say which nodes do nothing here: once for each driver, since a real network has many of a kind."""
        for driver, uses in self._uses.items():
            codifiers = ", ".join(codifier for _, codifier in uses)
            if driver in ANNOUNCED:
                message = f"the driver {driver!r} only announces {codifiers}"
                self._report.warning(uses[0][0], message, ANNOUNCED[driver])
            else:
                message = f"the driver {driver!r} is not in this version: {codifiers} cannot run here"
                self._report.warning(uses[0][0], message, "what others send is shown")

    def _note(self, driver: str, codifier: str, node: Spot) -> None:
        self._uses.setdefault(driver, []).append((node.line("driver"), codifier))

    def _note_missing(self, codifier: str, driver: str, node: Spot) -> None:
        if self._lenient:
            self._note(driver, codifier, node)
            return
        message = at(node.path_of("driver"), f"{driver!r} is no driver and no store")
        self._report.error(node.line("driver"), message, suggestion(driver, BUILT_IN))


def check_channels(node: Node, spot: Spot, report: Report) -> None:
    """Note the sensors of a node whose channel its driver does not give: they would never be read.

    Options tell by a method `channels()` which channels a driver with them gives; without it, and when it names none,
    they are not known before the device is read.
    """
    give = getattr(node.options, "channels", None)
    known: Collection[str] = sorted(give()) if callable(give) else ()
    if not known:
        return
    own = node.sensor.channel or OWN_CHANNEL
    if own not in known and (node.sensor.channel or not node.proxies):
        _refuse_channel(own, known, spot.line("channel"), spot.path, report)
    for proxy in node.proxies:
        if proxy.channel not in known:
            line = spot.entries("proxies")[proxy.codifier].line
            _refuse_channel(str(proxy.channel), known, line, join(spot.path_of("proxies"), proxy.codifier), report)


def _refuse_channel(channel: str, known: Collection[str], line: int, path: str, report: Report) -> None:
    report.error(line, at(path, f"the driver gives no channel {channel!r}"), suggestion(channel, known))
