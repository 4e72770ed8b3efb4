"""The original system's JSON (`Multicast`, `Logging`, `Sensors`), rewritten as the document that this system reads.

Only keys and places change. Every key keeps its original name and line for messages, and is then checked like
any other configuration:

    {"Codifier": "A1", "ShortName": "Rad-in", "Symbol": "C",        A1:
     "SensorInterval": 5, "TimeoutWarning": 20,                       name: Rad-in
     "Type": "ADCpiReader",                                           unit: °C
     "Sensor": {"Pin": "2",                                           interval: 5
                "Proxy": [{"Codifier": "A2", "Pin": "1"}]}},    ->    timeout: 20
    {"Codifier": "A2", "ShortName": "Rad-out", "Symbol": "C",         driver: adcpi
     "Type": "Proxy", "Sensor": {"Codifier": "A1"}}                   options: {pin: 2, channels: {A2: {pin: 1}}, ...}
                                                                      proxies:
                                                                        A2: {name: Rad-out, unit: °C, channel: A2}
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from config.document import Entry, Scalar, Table, Tree, meaning, plain
from config.messages import at, join, refuse_section
from config.model import OWN_CHANNEL
from config.originals import Family, Original, families, value_of
from config.report import Report


class _Driver(NamedTuple):
    """What a Type of the original is here. `proxy_channel` is what the driver calls the value of its one proxy.

    `table` is the one within the original's `Sensor` that holds the options, when they are not in `Sensor` itself.
    With `bare` it has none of the original's options.
    `listed` names the one option that the owner's list has of a proxy, and that which has all of them by channel.
    `rewritten` has how values of the original's keys are written here, when they are not written alike.
    `quantities` is what the driver calls what the original names as `Field`: the channels are theirs, of nodes as well.
    """

    name: str
    options: Mapping[str, str] = {}  # the original's key -> the driver's
    constants: Mapping[str, str | Mapping[str, str]] = {}
    proxy_channel: str | None = None
    table: str | None = None
    bare: bool = False
    listed: tuple[str, str] | None = None
    rewritten: Mapping[str, Callable[[Tree], Tree]] = {}
    quantities: Mapping[str, str] = {}


def _json_path(tree: Tree) -> Tree:
    """Write the name of a field as the path of one: in quotes, unless it is a plain word."""
    if not isinstance(tree, Scalar) or _PLAIN_WORD.fullmatch(tree.text):
        return tree
    return _text(json.dumps(tree.text), tree.line)


def _as_text(tree: Tree) -> Tree:
    """Leave a name a name, also when it looks like a number."""
    return _text(tree.text, tree.line) if isinstance(tree, Scalar) else tree


_PLAIN_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

# What its reader did: 0 for infinity, and no answer that does not say that it is JSON.
_FAILSAFE: Final = {
    "infinite": "0",
    "content_type": "application/json",
    "connect_timeout": "2",
    "read_timeout": "10",
    "timeout": "12",
}

_SQL: Final = {"Database": "database", "User": "user", "Password": "password_file", "Host": "host", "Port": "port"}

# The original has these pins and this frequency in its code, takes 0 for what is below and 100 for what is above, and
# does at once what it is told.
_FAN: Final[Mapping[str, str | Mapping[str, str]]] = {
    "gpio": {"pin": "25", "frequency": "10000", "low": "24"},
    "clamp": "true",
    "kick_start": "false",
}

_FIELD: Final = "Field"
_NEST: Final = {
    "nestAway": OWN_CHANNEL,
    "nestTemp": "temperature",
    "nestHumidity": "humidity",
    "nestTarget": "target",
    "nestTempOutside": "outside_temperature",
    "nestHumiOutside": "outside_humidity",
}

# There is another weather every quarter of an hour: one that did not come is no alarm.
_TIMEOUTS: Final = {"outside_temperature": "35m", "outside_humidity": "35m"}

_DRIVERS: Final = {
    "TempLinux": _Driver("pipe", {"Pipe": "path"}, {"scale": "0.001"}),
    "controlSensor": _Driver("control", {"Default": "default"}),
    "ControlProgram": _Driver("console"),
    "jphPostgreSQL": _Driver("postgres", _SQL, table="SQL"),
    "postgresCalcHandler": _Driver("rollup", bare=True),
    "jphCalcHistory": _Driver("rollup", bare=True),
    "jphRedis": _Driver("redis"),
    "Flask": _Driver("web", bare=True),
    "failsafeReader": _Driver(
        "json",
        {"URL": "url", "Field": "field"},
        _FAILSAFE,
        listed=("field", "fields"),
        rewritten={"Field": _json_path},
    ),
    "ADCpiReader": _Driver("adcpi", {"Pin": "pin"}, {"bits": "12", "curve": "phobya", "divider": "2.471"}),
    "ADAfruitReader": _Driver("dht", {"Pin": "pin"}, proxy_channel="humidity"),
    "PythonNinja": _Driver("python", {"Filename": "file"}),
    "DwarfpoolReader": _Driver(
        "pool",
        {"URL": "url", "Server": "worker"},
        {"format": "dwarfpool"},
        proxy_channel="calculated",
        rewritten={"Server": _as_text},
    ),
    "NestReader": _Driver("nest", {"Password": "credentials"}, {"outside": "true"}, quantities=_NEST),
    "ZwavePower": _Driver("zwave"),
    "fanControl": _Driver("fan", constants=_FAN),
}
TYPES: Final = (*_DRIVERS, "Proxy")
"""The Types of the original system."""

_UNITS: Final = {"C": "°C"}

_SENSOR_KEYS: Final = {"ShortName": "name", "Name": "description", "Symbol": "unit", "TimeoutWarning": "timeout"}
_RHYTHM_KEYS: Final = {"SensorInterval": "interval", "KeepAliveInterval": "keepalive", "Active": "active"}
_NODE_KEYS: Final = {**_SENSOR_KEYS, **_RHYTHM_KEYS, "Control": "control", "Type": "driver"}
# These are read on their own. DataType says nothing new: every value travels as what it is.
_READ_ELSEWHERE: Final = frozenset({"Codifier", "Type", "Sensor", "DataType"})


def translate(document: Table, report: Report) -> Table:
    """Rewrite an original document; what cannot be understood is noted in the report."""
    entries = {}
    for key, entry in document.entries.items():
        if key in _SECTIONS:
            name, rewrite = _SECTIONS[key]
            entries[name] = entry._replace(tree=rewrite(entry.tree, key, report))
        elif not _is_comment(key):
            refuse_section(entry, _SECTIONS, report)
    return Table(entries, document.line)


def _unchanged(tree: Tree, _path: str, _report: Report) -> Tree:
    return tree


def _is_comment(key: str) -> bool:
    return key.startswith("__comment")


_CHANNELS: Final = {"Control-Channel": "control", "Data-Channel": "data"}


def _network(tree: Tree, path: str, report: Report) -> Tree:
    """Rewrite `{"Control-Channel": {"Address": A, "Port": P}}` as `control: A:P`."""
    groups = {}
    for key, entry in tree.entries.items() if isinstance(tree, Table) else ():
        group = None if _is_comment(key) else _group(entry, join(path, key), report)
        if group is not None:
            groups[_CHANNELS.get(key, key)] = entry._replace(tree=group)
    return Table(groups, tree.line) if isinstance(tree, Table) else tree


def _group(entry: Entry, path: str, report: Report) -> Scalar | None:
    address = value_of("Address", entry.tree, path, report)
    port = value_of("Port", entry.tree, path, report)
    if address is None or port is None:
        return None
    host = f"[{address.text}]" if ":" in address.text else address.text
    return _text(f"{host}:{port.text}", address.line)


def _text(text: str, line: int) -> Scalar:
    return Scalar(text, text, line)


def _nodes(tree: Tree, path: str, report: Report) -> Table:
    nodes = {}
    for family in families(tree, path, report):
        owner = family.owner
        nodes[owner.codifier] = Entry(owner.codifier, owner.line, _node(family, join(path, owner.codifier), report))
    return Table(nodes, tree.line)


_SECTIONS: Final[Mapping[str, tuple[str, Callable[[Tree, str, Report], Tree]]]] = {
    "Multicast": ("network", _network),
    "Logging": ("logging", _unchanged),
    "Sensors": ("nodes", _nodes),
}


def _node(family: Family, path: str, report: Report) -> Table:
    owner = family.owner
    driver = _DRIVERS.get(owner.type, _Driver(owner.type))  # a Type that nobody knows may be a driver's name
    channels = _channels(driver, family)
    proxies = {
        proxy.codifier: Entry(proxy.codifier, proxy.line, _proxy(proxy, owner, channels, join(path, "Proxy"), report))
        for proxy in family.proxies
    }
    entries = _renamed(owner, _NODE_KEYS, path, report)
    if driver.quantities and _FIELD in owner.settings:
        entries["channel"] = Entry(_FIELD, owner.line, _text(_quantity(owner.settings, driver), owner.line))
    entries["options"] = Entry("Sensor", owner.line, Table(_options(owner, driver, channels), owner.line))
    entries["proxies"] = Entry("Proxy", owner.line, Table(proxies, owner.line))
    return Table(entries, owner.line)


def _channels(driver: _Driver, family: Family) -> dict[str, str]:
    """Choose what the driver calls the values of its proxies: their codifiers, where it has no name of its own."""
    proxies, listed = family.proxies, family.owner.listed
    if driver.quantities:
        named = {codifier: _quantity(table.entries, driver) for codifier, table in listed.items()}
        return {proxy.codifier: named.get(proxy.codifier) or proxy.codifier for proxy in proxies}
    if len(proxies) == 1 and driver.proxy_channel:
        return {proxies[0].codifier: driver.proxy_channel}
    return {proxy.codifier: proxy.codifier for proxy in proxies}


def _quantity(entries: Mapping[str, Entry], driver: _Driver) -> str:
    """Return the channel that a `Field` names; one that nobody knows is its own, for the message that there is none."""
    field = str(plain(entries[_FIELD].tree)) if _FIELD in entries else ""
    return driver.quantities.get(field, field)


def _proxy(proxy: Original, owner: Original, channels: Mapping[str, str], path: str, report: Report) -> Table:
    where = join(path, proxy.codifier)
    _warn_of_own_rhythm(proxy, owner, where, report)
    entries = _renamed(proxy, _SENSOR_KEYS, where, report)
    channel = channels[proxy.codifier]
    entries["channel"] = Entry("channel", proxy.line, _text(channel, proxy.line))
    if channel in _TIMEOUTS:
        entries.setdefault("timeout", Entry("timeout", proxy.line, _text(_TIMEOUTS[channel], proxy.line)))
    return Table(entries, proxy.line)


def _warn_of_own_rhythm(proxy: Original, owner: Original, path: str, report: Report) -> None:
    theirs = plain(owner.table)
    for key, entry in proxy.table.entries.items():
        if key in _RHYTHM_KEYS and plain(entry.tree) != theirs.get(key):
            report.warning(entry.line, at(path, f"{key} of a proxy has no effect"), f"it follows {owner.codifier}")


def _renamed(original: Original, keys: Mapping[str, str], path: str, report: Report) -> dict[str, Entry]:
    entries = {}
    for key, entry in original.table.entries.items():
        if key in keys:
            entries[keys[key]] = entry._replace(tree=_REWRITTEN.get(key, _same)(entry.tree))
        elif key not in _READ_ELSEWHERE and key not in _RHYTHM_KEYS and not _is_comment(key):
            report.warning(entry.line, at(path, f"{key} is not known and has no effect"))
    if "name" not in entries and "description" in entries:
        entries["name"] = entries.pop("description")
    return entries


def _same(tree: Tree) -> Tree:
    return tree


def _unit(tree: Tree) -> Tree:
    return _text(_UNITS.get(tree.text, tree.text), tree.line) if isinstance(tree, Scalar) else tree


def _control(tree: Tree) -> Tree:
    return Scalar("", plain(tree) == "enabled", tree.line)


def _driver(tree: Tree) -> Tree:
    text = plain(tree)
    return _text(_DRIVERS[text].name, tree.line) if text in _DRIVERS else tree


_REWRITTEN: Final[Mapping[str, Callable[[Tree], Tree]]] = {"Symbol": _unit, "Control": _control, "Type": _driver}


def _options(owner: Original, driver: _Driver, channels: Mapping[str, str]) -> dict[str, Entry]:
    if driver.bare:
        return {}
    options = _translated(_opened(owner.settings, driver.table), driver)
    options |= _constants(driver.constants, owner.line)
    if driver.quantities:
        options.pop(_FIELD, None)
        return options
    own = {channels[codifier]: table for codifier, table in owner.listed.items() if codifier in channels}
    described = {
        channel: Entry(channel, table.line, Table(_translated(table.entries, driver), table.line))
        for channel, table in own.items()
        if len(table.entries) > 1
    }
    for option, entries in _by_option(described, driver):
        options[option] = Entry("Proxy", owner.line, Table(entries, owner.line))
    return options


def _constants(constants: Mapping[str, str | Mapping[str, str]], line: int) -> dict[str, Entry]:
    """Write what the original has in its code as if it stood in the document."""
    return {key: Entry(key, line, _constant(told, line)) for key, told in constants.items()}


def _constant(told: str | Mapping[str, str], line: int) -> Tree:
    return Scalar(told, meaning(told), line) if isinstance(told, str) else Table(_constants(told, line), line)


def _by_option(described: Mapping[str, Entry], driver: _Driver) -> Iterator[tuple[str, dict[str, Entry]]]:
    """Divide what the owner says of its proxies: the one option that its driver has for all of them, and the rest."""
    key, option = driver.listed or ("", "")
    values, rest = {}, {}
    for channel, entry in described.items():
        found = entry.tree.entries if isinstance(entry.tree, Table) else {}
        if found.keys() == {key}:
            values[channel] = found[key]
        else:
            rest[channel] = entry
    return ((name, entries) for name, entries in ((option, values), ("channels", rest)) if entries)


def _opened(settings: Mapping[str, Entry], name: str | None) -> Mapping[str, Entry]:
    """Put what a table within the settings holds in its place."""
    found = settings.get(name) if name else None
    if found is None or not isinstance(found.tree, Table):
        return settings
    return {key: entry for key, entry in settings.items() if key != name} | found.tree.entries


def _translated(entries: Mapping[str, Entry], driver: _Driver) -> dict[str, Entry]:
    """Give the options of a node, or of one of its channels, the driver's names for them."""
    return {
        driver.options.get(key, key): _rewritten(key, entry, driver) if key in driver.options else entry
        for key, entry in entries.items()
        if key not in _NOT_OPTIONS and not _is_comment(key)
    }


def _rewritten(key: str, entry: Entry, driver: _Driver) -> Entry:
    rewrite = driver.rewritten.get(key)
    return _freed(entry) if rewrite is None else entry._replace(tree=rewrite(entry.tree))


def _freed(entry: Entry) -> Entry:
    """Take a value out of its quotes: the original writes numbers as text."""
    tree = entry.tree
    return entry._replace(tree=tree._replace(value=meaning(tree.text))) if isinstance(tree, Scalar) else entry


_NOT_OPTIONS: Final = frozenset({"Codifier", "Proxy"})
