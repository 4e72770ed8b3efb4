"""The original system's JSON (`Multicast`, `Logging`, `Sensors`), rewritten as the document that this system reads.

Only keys and places change. Every key keeps its original name and line for messages, and is then checked like
any other configuration:

    {"Codifier": "A1", "ShortName": "Rad-in", "Symbol": "C",        A1:
     "SensorInterval": 5, "TimeoutWarning": 20,                       name: Rad-in
     "Type": "ADCpiReader",                                           unit: °C
     "Sensor": {"Pin": "2",                                           interval: 5
                "Proxy": [{"Codifier": "A2", "Pin": "1"}]}},    ->    timeout: 20
    {"Codifier": "A2", "ShortName": "Rad-out", "Symbol": "C",         driver: adcpi
     "Type": "Proxy", "Sensor": {"Codifier": "A1"}}                   options: {Pin: "2", channels: {A2: {Pin: "1"}}}
                                                                      proxies:
                                                                        A2: {name: Rad-out, unit: °C, channel: A2}
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from config.document import Entry, Scalar, Table, Tree, meaning, plain
from config.messages import at, join, refuse_section
from config.originals import Family, Original, families, value_of
from config.report import Report


class _Driver(NamedTuple):
    """What a Type of the original is here. `proxy_channel` is what the driver calls the value of its one proxy.

    `table` is the one within the original's `Sensor` that holds the options, when they are not in `Sensor` itself.
    """

    name: str
    options: Mapping[str, str] = {}  # the original's key -> the driver's
    constants: Mapping[str, str] = {}
    proxy_channel: str | None = None
    table: str | None = None


_SQL: Final = {"Database": "database", "User": "user", "Password": "password_file", "Host": "host", "Port": "port"}

_DRIVERS: Final = {
    "TempLinux": _Driver("pipe", {"Pipe": "path"}, {"scale": "0.001"}),
    "controlSensor": _Driver("control", {"Default": "default"}),
    "ControlProgram": _Driver("console"),
    "jphPostgreSQL": _Driver("postgres", _SQL, table="SQL"),
    "postgresCalcHandler": _Driver("rollup"),
    "jphCalcHistory": _Driver("rollup"),
    "jphRedis": _Driver("redis"),
    "Flask": _Driver("web"),
    "failsafeReader": _Driver("json"),
    "ADCpiReader": _Driver("adcpi"),
    "ADAfruitReader": _Driver("dht", proxy_channel="humidity"),
    "PythonNinja": _Driver("python", {"Filename": "file"}),
    "DwarfpoolReader": _Driver("pool", proxy_channel="calculated"),
    "NestReader": _Driver("nest"),
    "ZwavePower": _Driver("zwave"),
    "fanControl": _Driver("fan"),
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
    channels = _channels(driver, family.proxies)
    proxies = {
        proxy.codifier: Entry(proxy.codifier, proxy.line, _proxy(proxy, owner, channels, join(path, "Proxy"), report))
        for proxy in family.proxies
    }
    entries = _renamed(owner, _NODE_KEYS, path, report)
    entries["options"] = Entry("Sensor", owner.line, Table(_options(owner, driver, channels), owner.line))
    entries["proxies"] = Entry("Proxy", owner.line, Table(proxies, owner.line))
    return Table(entries, owner.line)


def _channels(driver: _Driver, proxies: tuple[Original, ...]) -> dict[str, str]:
    """Choose what the driver calls the values of its proxies: their codifiers, where it has no name of its own."""
    if len(proxies) == 1 and driver.proxy_channel:
        return {proxies[0].codifier: driver.proxy_channel}
    return {proxy.codifier: proxy.codifier for proxy in proxies}


def _proxy(proxy: Original, owner: Original, channels: Mapping[str, str], path: str, report: Report) -> Table:
    where = join(path, proxy.codifier)
    _warn_of_own_rhythm(proxy, owner, where, report)
    entries = _renamed(proxy, _SENSOR_KEYS, where, report)
    entries["channel"] = Entry("channel", proxy.line, _text(channels[proxy.codifier], proxy.line))
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
    options = {
        driver.options.get(key, key): _freed(entry) if key in driver.options else entry
        for key, entry in _settings(_opened(owner.settings, driver.table))
    }
    for key, text in driver.constants.items():
        options[key] = Entry(key, owner.line, Scalar(text, meaning(text), owner.line))
    own = {channels[codifier]: table for codifier, table in owner.listed.items() if codifier in channels}
    described = {channel: _without_codifier(channel, table) for channel, table in own.items() if len(table.entries) > 1}
    if described:
        options["channels"] = Entry("Proxy", owner.line, Table(described, owner.line))
    return options


def _opened(settings: Mapping[str, Entry], name: str | None) -> Mapping[str, Entry]:
    """Put what a table within the settings holds in its place."""
    found = settings.get(name) if name else None
    if found is None or not isinstance(found.tree, Table):
        return settings
    return {key: entry for key, entry in settings.items() if key != name} | found.tree.entries


def _settings(entries: Mapping[str, Entry]) -> Iterator[tuple[str, Entry]]:
    return ((key, entry) for key, entry in entries.items() if key not in _NOT_OPTIONS and not _is_comment(key))


def _freed(entry: Entry) -> Entry:
    """Take a value out of its quotes: the original writes numbers as text."""
    tree = entry.tree
    return entry._replace(tree=tree._replace(value=meaning(tree.text))) if isinstance(tree, Scalar) else entry


def _without_codifier(channel: str, table: Table) -> Entry:
    return Entry(channel, table.line, Table(dict(_settings(table.entries)), table.line))


_NOT_OPTIONS: Final = frozenset({"Codifier", "Proxy"})
