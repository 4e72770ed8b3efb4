"""The one door: from a source to a checked configuration."""

import ipaddress
import os
import re
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from config import sources
from config.check import build
from config.document import Entry, Scalar, Table, parse, plain
from config.messages import at, is_nothing, join, refuse_section, shown
from config.model import Configuration, Defaults, Kinds, Network, Node, Problem, RingLimits, Security, SpoolPlace
from config.nodes import NodesBuilder
from config.options import OptionsBuilder
from config.report import Report
from config.spots import Spot
from config.texts import Text

SECTIONS: Final = ("network", "security", "defaults", "rings", "spool", "nodes", "logging")

OWN_PREFIX: Final = "x-"
"""Sections that begin like this are the writer's own: a place for what `&anchors` share."""

_ORIGINAL_SECTIONS: Final = frozenset({"Multicast", "Sensors"})
"""A document with one of these is one of the original system's."""

S = TypeVar("S", bound=msgspec.Struct)


def load(
    source: str | None = None, kinds: Kinds | None = None, *, environ: Mapping[str, str] | None = None
) -> Configuration:
    """Load a configuration from a path or URL, or from where it is found, and check it as a whole.

    `kinds` gives the types by which the options of drivers and stores are checked; without it, for programs that only
    listen, they are handed on unchecked. Raises ConfigError with everything that is wrong, and its subclass
    NoConfigurationError when no configuration was named and none was found.
    """
    text = sources.read(source, os.environ if environ is None else environ)
    configuration = loads(text.data, text.source, kinds)
    return _with_warnings(configuration, (*text.warnings, *_kept(text)))


def loads(data: bytes, source: str = "", kinds: Kinds | None = None) -> Configuration:
    """Check the bytes of a configuration as `load` does. `source` is what messages call it."""
    report = Report(source)
    document = parse(data, report)
    if not isinstance(document, Table):
        report.fail(document.line, f"{shown(document)} is no configuration", "it has sections, such as nodes:")
    if _ORIGINAL_SECTIONS.isdisjoint(document.entries):
        built = _build(document, kinds, report, lenient=False)
    else:
        built = _build_original(document, kinds, report)
    return _with_warnings(built, report.settle())


def _build_original(document: Table, kinds: Kinds | None, report: Report) -> Configuration:
    from config.legacy import translate  # noqa: PLC0415 -- agents of a network that has left it behind do without

    built = _build(translate(document, report), kinds, report, lenient=True)
    return msgspec.structs.replace(built, original=plain(document))


def _kept(text: Text) -> tuple[Problem, ...]:
    if text.copy is None:
        return ()
    from config.remote import keep  # noqa: PLC0415 -- only what came from a server has a copy

    return keep(text)


def _with_warnings(configuration: Configuration, warnings: tuple[Problem, ...]) -> Configuration:
    return msgspec.structs.replace(configuration, warnings=(*warnings, *configuration.warnings))


def _build(document: Table, kinds: Kinds | None, report: Report, *, lenient: bool) -> Configuration:
    """Build every section, whatever is wrong with the others."""
    for key, entry in document.entries.items():
        if key not in SECTIONS and not key.startswith(OWN_PREFIX):
            refuse_section(entry, SECTIONS, report)
    network = _section("network", Network, document, report)
    defaults = _section("defaults", Defaults, document, report)
    security = _section("security", Security, document, report)
    nodes = _nodes(document, NodesBuilder(defaults, OptionsBuilder(kinds, report, lenient=lenient), report), report)
    _check_ports(network, document, report)
    _check_interface(network, document, report)
    _check_unsigned(security, nodes, document, report)
    return Configuration(
        network=network,
        security=security,
        defaults=defaults,
        rings=_section("rings", RingLimits, document, report),
        spool=_spool(document, report),
        nodes=nodes,
        logging=_logging(document, report),
        source=report.file,
    )


def _section(key: str, kind: type[S], document: Table, report: Report) -> S:
    """Build one section; its defaults when it is not there, or wrong."""
    entry = document.entries.get(key)
    built = None if entry is None or is_nothing(entry.tree) else build(kind, entry.tree, entry.name, report)
    return kind() if built is None else built


def _spool(document: Table, report: Report) -> SpoolPlace | None:
    """Build the spool's section, which may also be nothing but the path."""
    entry = document.entries.get("spool")
    if entry is None or is_nothing(entry.tree):
        return None
    tree = entry.tree
    if isinstance(tree, Scalar):
        tree = Table({"path": Entry("path", entry.line, tree)}, entry.line)
    return build(SpoolPlace, tree, entry.name, report)


def _nodes(document: Table, builder: NodesBuilder, report: Report) -> dict[str, Node]:
    entry = document.entries.get("nodes")
    if entry is None or is_nothing(entry.tree):
        return {}
    if not isinstance(entry.tree, Table):
        report.error(entry.line, at(entry.name, f"a mapping is expected here, not {shown(entry.tree)}"))
        return {}
    return builder.build(Spot(entry.tree, entry.name))


def _logging(document: Table, report: Report) -> Mapping[str, object] | None:
    entry = document.entries.get("logging")
    if entry is None or is_nothing(entry.tree):
        return None
    from config.dictconfig import check_logging  # noqa: PLC0415 -- most configurations leave the log as it is

    check_logging(entry.tree, entry.name, report)
    section: Mapping[str, object] = plain(entry.tree)
    return section


def _check_unsigned(security: Security, nodes: Mapping[str, Node], document: Table, report: Report) -> None:
    """Refuse codifiers of nobody: whoever is believed without a tag is to be somebody who is known."""
    known = {sensor.codifier for node in nodes.values() for sensor in node.sensors}
    for codifier in security.unsigned:
        if codifier not in known:
            entry = document.entries["security"]
            message = at(join(entry.name, "unsigned"), f"there is no sensor {codifier!r}")
            report.error(entry.line, message, "name codifiers of `nodes`")


def _check_ports(network: Network, document: Table, report: Report) -> None:
    """Refuse two groups with one port: a program that is bound to the port alone cannot tell one bus from the other."""
    if network.control.port != network.data.port:
        return
    message = f"control and data share the port {network.data.port}, and a program bound to it would hear both"
    if network.control == network.data:
        message = f"control and data are the same group, {network.data}"
    entry = document.entries["network"]
    report.error(entry.line, at(entry.name, message), "give each bus a port of its own, such as 7001 and 7002")


def _check_interface(network: Network, document: Table, report: Report) -> None:
    """Refuse what is meant as an address or a network and is none, such as 10.0.0.300."""
    wanted = network.interface
    if wanted is None or _is_address(wanted) or not _MEANT_AS_ADDRESS.fullmatch(wanted):
        return
    section = document.entries["network"]
    line = section.tree.entries["interface"].line if isinstance(section.tree, Table) else section.line
    message = at(join(section.name, "interface"), f"{wanted!r} is no address")
    report.error(line, message, "write eth0, 192.168.1.9 or 192.168.1.0/24")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


_MEANT_AS_ADDRESS: Final = re.compile(r"\d+(\.\d+){2,}(/\d*)?")
"""What nobody calls an interface, although Linux would take it for a name."""
