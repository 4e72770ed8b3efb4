"""What is wrong with the key files of a computer, and with the lack of them: what `jph keys check` lists."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from config.inputs import inputs_of
from config.keyfile import GrantedFile, KeyFile, KeyFileError
from config.keystore import KeyStore
from config.model import Configuration, Node
from console.words import listed
from protocol.codifiers import EVERYBODY
from protocol.gate import Mode

_EFFECT: Final = {Mode.REQUIRE: "which cannot run without", Mode.PREFER: "which speak without tags"}


def problems_of(store: KeyStore, configuration: Configuration, host: str) -> Iterator[str]:
    """Go through what is wrong, each with what mends it."""
    usable: dict[str, KeyFile] = {}
    for name in store.names():
        try:
            usable[Path(name).name] = store.read_path(Path(name))
        except KeyFileError as error:
            yield str(error)
    yield from _missing(store, configuration, host)
    if configuration.security.mode is Mode.REQUIRE and not store.holds_network():
        yield from _unreadable(store, usable, configuration, host)
    yield from _contradictions(usable)


def _missing(store: KeyStore, configuration: Configuration, host: str) -> Iterator[str]:
    """Find the nodes of this host that have no keys although they need some."""
    mode = configuration.security.mode
    if mode is Mode.OFF or store.holds_network():
        return
    here = [node.codifier for node in configuration.on_host(host) if not node.is_operator]
    without = [codifier for codifier in here if not store.has(codifier)]
    if without:
        yield (
            f"there are no keys for {listed(without)}, {_EFFECT[mode]}; on the computer with network.key: "
            f"jph keys grant {' '.join(without)} | ssh {host} jph keys install -"
        )


def _unreadable(
    store: KeyStore, usable: Mapping[str, KeyFile], configuration: Configuration, host: str
) -> Iterator[str]:
    """Find the nodes of this host that use readings which they cannot verify; one process may run all of them."""
    here = [(node, usable.get(store.path(node.codifier).name)) for node in configuration.on_host(host)]
    granted = [(node, file) for node, file in here if isinstance(file, GrantedFile)]
    held = [keys for _, file in granted for keys in file.keys]
    if any(keys.data_root for keys in held):
        return
    verified = {*configuration.security.unsigned, *(name for keys in held for name in keys.data), EVERYBODY}
    for node, file in granted:
        lacking = sorted(inputs_of(node) - verified)
        if lacking:
            yield (
                f"{node.codifier} uses the readings of {listed(lacking)} and has no keys to verify them; "
                f"on the computer with network.key: jph keys grant {_wider(node, file)} | ssh {host} jph keys install -"
            )


def _wider(node: Node, file: GrantedFile) -> str:
    """Return the grant of a node with all that it uses, and what it has already."""
    own = {EVERYBODY, *(sensor.codifier for sensor in node.sensors)}
    targets = {name for keys in file.keys for name in keys.orders}
    reads = (inputs_of(node) | {name for keys in file.keys for name in keys.data}) - own - targets
    commands = f" --targets {','.join(sorted(targets))}" if targets else ""
    return f"{node.codifier} --reads {','.join(sorted(reads))}{commands}"


def _contradictions(usable: dict[str, KeyFile]) -> Iterator[str]:
    """Find files of another step of a change of the key, or of another network, than the others."""
    states: dict[str, list[str]] = {}
    for name, file in usable.items():
        states.setdefault(_state(file), []).append(name)
    if len(states) > 1:
        what = "; ".join(f"{listed(names)}: {state}" for state, names in states.items())
        yield f"the key files do not agree: {what}; have those of the older step granted and installed again"


def _state(file: KeyFile) -> str:
    """Say which keys are valid by a file, and which of them makes tags."""
    ids = " and ".join(str(key.id) for key in file.keys)
    return f"key {ids}" if len(file.keys) == 1 else f"keys {ids}, tags with {file.signs_with}"
