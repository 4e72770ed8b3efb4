"""`jph drivers scan`: what is attached to this computer, as a configuration to paste."""

import socket
from collections.abc import Collection, Iterable, Mapping
from itertools import product
from pathlib import Path
from string import ascii_letters, ascii_uppercase, digits
from typing import Annotated, Any, Final, NamedTuple

import msgspec
import typer

from agent.configuration import load_configuration
from config.convert import as_yaml
from config.model import Configuration
from console.commands.options import ConfigOption, JsonOption, QuietOption
from console.output import Output, stdout, tell
from console.seat import DEFAULT_CODIFIER, find_configuration
from console.words import visible
from drivers.registry import options_of
from drivers.scanning import Channel, Finding, Hint, Seen, Unseen
from drivers.scanning import scan as look
from protocol.errors import JphError

HEAD: Final = """\
# Found by `jph drivers scan` on {host}. What you want of it belongs under `nodes:` of the configuration.
"""

NOTHING_FOUND: Final = """\
nothing was found. Looked at were 1-Wire, hwmon, iio, thermal zones, I2C, GPIO and serial devices on USB.
docs/drivers.md has the wiring of each, and the line for config.txt that switches it on; a DHT is seen once it has its
dtoverlay=dht11. This computer itself is read without anything attached: jph drivers try system value=memory"""

LETTERS: Final[Mapping[str, str]] = {
    "°C": "T",
    "%": "H",
    "hPa": "P",
    "V": "V",
    "A": "I",
    "W": "W",
    "rpm": "R",
    "lx": "L",
}
"""With which letter codifiers begin, by the unit of their values; all others with X."""

RootOption = Annotated[Path, typer.Option("--root", hidden=True, help="Look at the computer whose files are here.")]


class Named(NamedTuple):
    """A finding with the codifiers of its channels, in their order."""

    finding: Finding
    codifiers: tuple[str, ...]


class _Told(NamedTuple):
    """A hint, with the node that reads what it seems to be."""

    hint: Hint
    named: Named | None


def scan(
    *,
    json: JsonOption = False,
    config: ConfigOption = None,
    quiet: QuietOption = False,
    root: RootOption = Path("/"),
) -> int:
    """Look for sensors and devices, and print nodes for those that a driver reads, with codifiers that are free.

    What the configuration has already is left out. Chips on I2C buses are only asked whether they are there; what they
    may be, and how the kernel learns of them, stands in comments. Standard error tells what could not be looked at.
    """
    configuration = _configuration(config)
    seen = list(look(root))
    found = [one for one in seen if isinstance(one, Finding)]
    known = {codifier: one for one in found if (codifier := _reader(one, configuration))}
    taken = _taken(configuration)
    fresh = [_named(one, taken) for one in found if one not in known.values()]
    hints = [_Told(one, _named(one.finding, taken) if one.finding else None) for one in seen if isinstance(one, Hint)]
    show = _show_json if json else _show_yaml
    show(stdout(), fresh, hints)
    if not quiet:
        _tell(known, seen)
    return 0


def _configuration(source: str | None) -> Configuration:
    """Load the configuration, whose codifiers are taken; one that cannot be loaded is told of, and does not hinder."""
    try:
        return find_configuration(source, load_configuration)[0]
    except JphError as error:
        if source is not None:
            raise
        tell(f"{error.message}\nso codifiers may be taken already")
        return Configuration()


def _reader(finding: Finding, configuration: Configuration) -> str | None:
    """Return the node of this computer that reads the same already."""
    kind = options_of(finding.driver)
    options = msgspec.convert(finding.options, kind) if kind else None
    here = (node for node in configuration.nodes.values() if node.host in (None, socket.gethostname()))
    return next((node.codifier for node in here if (node.driver, node.options) == (finding.driver, options)), None)


def _taken(configuration: Configuration) -> set[str]:
    return {DEFAULT_CODIFIER} | {sensor.codifier for _, sensor in configuration.sensors()}


def _named(finding: Finding, taken: set[str]) -> Named:
    """Give each channel a codifier that is free: a letter for its unit and a digit, as long as there are some."""
    return Named(finding, tuple(_fresh(channel, taken) for channel in finding.channels))


def _fresh(channel: Channel, taken: set[str]) -> str:
    letter = LETTERS.get(channel.unit, "X")
    of_letter = (letter + second for second in digits[1:] + ascii_uppercase)
    all_others = ("".join(pair) for pair in product(ascii_letters + digits, repeat=2))
    codifier = next(one for one in (*of_letter, *all_others) if one not in taken)
    taken.add(codifier)
    return codifier


def _show_yaml(output: Output, found: Iterable[Named], hints: Iterable[_Told]) -> None:
    host = socket.gethostname()
    nodes = {one.codifiers[0]: _node(one, host) for one in found}
    output.write(HEAD.format(host=visible(host)))
    output.write(as_yaml({"nodes": nodes}))
    for hint, named in hints:
        output.line()
        for line in (hint.what, *(f"  {advice}" for advice in hint.advice)):
            output.line(f"# {line}")
        for line in as_yaml({named.codifiers[0]: _node(named, host)}).splitlines() if named else ():
            output.line(f"#   {line}")


def _node(named: Named, host: str) -> dict[str, Any]:
    finding, (_, *codifiers) = named
    own, *others = finding.channels
    proxies = {
        codifier: _sensor(channel) | {"channel": channel.channel}
        for codifier, channel in zip(codifiers, others, strict=True)
    }
    said = {**_sensor(own), "host": host, "driver": finding.driver, "options": dict(finding.options)}
    return said | ({"proxies": proxies} if proxies else {})


def _sensor(channel: Channel) -> dict[str, str]:
    """Return what a configuration says of a sensor; a name comes from the device, and stands on one line."""
    return {"name": visible(channel.name)} | ({"unit": channel.unit} if channel.unit else {})


def _show_json(output: Output, found: Iterable[Named], hints: Iterable[_Told]) -> None:
    """Print an object for each finding and each hint, under the keys of docs/cli.md."""
    host = socket.gethostname()
    for one in found:
        output.json(_node_json(one, host) | {"hint": None, "advice": []})
    for hint, named in hints:
        output.json(_node_json(named, host) | {"hint": hint.what, "advice": hint.advice})


def _node_json(named: Named | None, host: str) -> dict[str, object]:
    return {
        "codifier": named.codifiers[0] if named else None,
        "node": _node(named, host) if named else None,
    }


def _tell(known: Mapping[str, Finding], seen: Collection[Seen]) -> None:
    """Say on stderr what the configuration has already, what could not be looked at, and that nothing was found."""
    for codifier, finding in known.items():
        tell(f"{codifier} reads it already: {finding.driver}, {finding.channels[0].name}")
    for one in seen:
        if isinstance(one, Unseen):
            tell(f"{one.what}; {one.advice}" if one.advice else one.what)
    if all(isinstance(one, Unseen) for one in seen):
        tell(NOTHING_FOUND)
