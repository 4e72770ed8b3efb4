"""The entries of the original's `Sensors`, and who among them speaks for whom.

A proxy says under `Sensor` who its owner is; the owner lists under `Sensor.Proxy` what is special about each proxy
(its pin, its field). A proxy that is not listed is one all the same.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from config.document import Array, Entry, Scalar, Table, Tree, plain
from config.messages import at, join, shown
from config.report import Report

PROXY: Final = "Proxy"


class Original(NamedTuple):
    """One entry of `Sensors`."""

    codifier: str
    type: str
    table: Table

    @property
    def line(self) -> int:
        """Where the document names it."""
        return self.table.entries["Codifier"].line

    @property
    def settings(self) -> Mapping[str, Entry]:
        """What stands under `Sensor`: where its values come from."""
        entry = self.table.entries.get("Sensor")
        return entry.tree.entries if entry and isinstance(entry.tree, Table) else {}

    @property
    def owner(self) -> str:
        """The codifier of the sensor whose proxy it is; empty when it names none."""
        entry = self.settings.get("Codifier")
        return str(plain(entry.tree)) if entry else ""

    @property
    def listed(self) -> Mapping[str, Table]:
        """The tables of its list of proxies, by codifier."""
        entry = self.settings.get("Proxy")
        items = entry.tree.items if entry and isinstance(entry.tree, Array) else ()
        return {str(plain(item).get("Codifier")): item for item in items if isinstance(item, Table)}


class Family(NamedTuple):
    """A sensor and its proxies: first those that it lists, in its order."""

    owner: Original
    proxies: tuple[Original, ...]


def families(tree: Tree, path: str, report: Report) -> list[Family]:
    """Read the list of sensors; what is wrong with it is noted in the report."""
    if not isinstance(tree, Array):
        report.error(tree.line, at(path, f"a list is expected here, not {shown(tree)}"))
        return []
    originals = _by_codifier(tree, path, report)
    proxies = _by_owner(originals, path, report)
    owners = [original for original in originals.values() if original.type != PROXY]
    for owner in owners:
        _check_listed(owner, originals, join(path, owner.codifier), report)
    return [Family(owner, tuple(_in_order(owner, proxies.get(owner.codifier, {})))) for owner in owners]


def value_of(key: str, tree: Tree, path: str, report: Report) -> Scalar | None:
    """Return the value of a key that must be there; None when an error was noted."""
    entry = tree.entries.get(key) if isinstance(tree, Table) else None
    if entry is None:
        report.error(tree.line, at(path, f"{key!r} is missing"))
    elif not isinstance(entry.tree, Scalar):
        report.error(entry.line, at(join(path, key), f"one value is expected here, not {shown(entry.tree)}"))
    else:
        return entry.tree
    return None


def _by_codifier(array: Array, path: str, report: Report) -> dict[str, Original]:
    originals: dict[str, Original] = {}
    for number, tree in enumerate(array.items):
        original = _original(tree, f"{path}[{number}]", report)
        if original is None:
            continue
        first = originals.setdefault(original.codifier, original)
        if first is not original:
            message = at(path, f"there are two sensors {original.codifier}")
            report.error(original.line, message, f"the first is in line {first.line}")
    return originals


def _original(tree: Tree, path: str, report: Report) -> Original | None:
    codifier = value_of("Codifier", tree, path, report)
    type_ = value_of("Type", tree, f"{path} {codifier.text}" if codifier else path, report)
    if codifier is None or type_ is None or not isinstance(tree, Table):
        return None
    return Original(codifier.text, type_.text, tree)


def _by_owner(originals: Mapping[str, Original], path: str, report: Report) -> dict[str, dict[str, Original]]:
    found: dict[str, dict[str, Original]] = {}
    for proxy in originals.values():
        if proxy.type == PROXY:
            owner = _owner_of(proxy, originals, join(path, proxy.codifier), report)
            found.setdefault(owner, {})[proxy.codifier] = proxy
    return found


def _owner_of(proxy: Original, originals: Mapping[str, Original], path: str, report: Report) -> str:
    owner = proxy.owner
    if not owner:
        report.error(proxy.line, at(path, "a proxy of nobody"), 'name its owner: "Sensor": {"Codifier": "F1"}')
    elif owner not in originals:
        report.error(proxy.line, at(path, f"a proxy of {owner!r}, which is not there"), "name a sensor as its owner")
    elif originals[owner].type == PROXY:
        report.error(proxy.line, at(path, f"a proxy of {owner}, which is a proxy itself"), f"name the owner of {owner}")
    return owner


def _check_listed(owner: Original, originals: Mapping[str, Original], path: str, report: Report) -> None:
    for codifier, table in owner.listed.items():
        listed = originals.get(codifier)
        if listed is None:
            message = at(path, f"lists the proxy {codifier}, which is not described: left out")
            report.warning(table.line, message, f"add a sensor {codifier} of the Type Proxy")
        elif listed.type != PROXY or listed.owner != owner.codifier:
            advice = f'{codifier} needs "Type": "Proxy", "Sensor": {{"Codifier": "{owner.codifier}"}}'
            report.error(table.line, at(path, f"lists {codifier}, which is no proxy of it"), advice)


def _in_order(owner: Original, proxies: Mapping[str, Original]) -> Iterator[Original]:
    listed = owner.listed
    yield from (proxies[codifier] for codifier in listed if codifier in proxies)
    yield from (proxy for codifier, proxy in proxies.items() if codifier not in listed)
