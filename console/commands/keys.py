"""`jph keys`: who may say what, and who may command whom (docs/security.md)."""

import asyncio
import os
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from config import keyfile, keystore, rotation
from config.granting import grant_for
from config.keyfile import NETWORK_NAME, Grant, GrantedFile, KeyFile, KeyFileError, NetworkFile, Role
from config.keystore import KeyStore, NoKeysError
from config.model import ConfigError, Configuration
from console import words
from console.commands.nodes import NodeReport
from console.commands.options import (
    AsOption,
    ConfigOption,
    JsonOption,
    QuietOption,
    SecondsOption,
    complete_codifier,
    one_codifier,
)
from console.granted import Granted, in_words, listen, show_grants
from console.key_problems import problems_of
from console.network_key import make_network_key, now_ms
from console.output import stdout, tell
from console.seat import find_configuration, load_or_demo, take_seat
from protocol.codifiers import is_codifier
from protocol.keys import KEY_BYTES
from storage.registry import STORES

Names: TypeAlias = Annotated[
    list[str],
    typer.Argument(metavar="CODIFIER...", parser=one_codifier, autocompletion=complete_codifier, help="Who it is for."),
]


def codifiers(text: str | None) -> tuple[str, ...]:
    """Read codifiers with commas between them."""
    return tuple(one_codifier(name) for name in text.split(",")) if text else ()


def init(*, config: ConfigOption = None, quiet: QuietOption = False) -> int:
    """Make the network's key on this computer, where nobody else can read it; nothing is ever overwritten.

    All other keys come from it. Keep a copy of the file where no thief finds it.
    """
    configuration, store = _opened(config)
    path = make_network_key(store)
    stdout().line(f"{path} is made, from which all keys come: a copy belongs where no thief finds it.")
    if not quiet:
        stdout().line("Every other computer gets its nodes' keys with:")
        own = [node.codifier for node in configuration.on_host(socket.gethostname())]
        for line in _hand_outs(configuration, (name for name in configuration.nodes if name not in own)):
            stdout().line(f"  {line}")
    return 0


def grant(
    names: Names,
    *,
    operator: Annotated[bool, typer.Option("--operator", help="For a person who commands the targets.")] = False,
    reader: Annotated[bool, typer.Option("--reader", help="For a person or program that commands nobody.")] = False,
    targets: Annotated[str | None, typer.Option(metavar="CODIFIER,...", help="Whom they may command.")] = None,
    reads: Annotated[
        str | None,
        typer.Option(metavar="CODIFIER,...", help="Whose readings a node reads; else whom its options name."),
    ] = None,
    config: ConfigOption = None,
    quiet: QuietOption = False,
) -> int:
    """Print keys for others, one line each, to be installed there; note who was granted what.

    A node may say its own readings and those of its proxies, and tells who commands it; a store may read all.
    Without --reads it may read the sensors that its options name.
    """
    if operator and reader:
        raise typer.BadParameter("--operator is for somebody who commands, --reader for somebody who does not")
    configuration, store = _opened_with_options(config)
    network = store.network()
    role = Role.OPERATOR if operator else Role.READER if reader else None
    grants = [
        (name, _merged(network, configuration, name, role, reads=codifiers(reads), targets=codifiers(targets)))
        for name in names
    ]
    network = rotation.with_grants(network, grants)
    store.write(NETWORK_NAME, network)
    for name, one in grants:
        stdout().write(keyfile.serialise(keyfile.granted(network, name, one)).decode())
    if stdout().is_terminal and not quiet:
        tell("these lines are secrets: hand them on by SSH, as `| ssh HOST jph keys install -`, and clear the screen")
    return 0


def install(
    file: Annotated[Path, typer.Argument(metavar="FILE|-", help="What was granted; - is standard input.")],
    *,
    config: ConfigOption = None,
    quiet: QuietOption = False,
) -> int:
    """Keep what was granted on this computer, readable by its owner alone."""
    _, store = _opened(config)
    text = sys.stdin.buffer.read(keystore.LARGEST_BYTES) if str(file) == "-" else _read(file)
    files = [keyfile.parse(line, str(file)) for line in text.splitlines() if line.strip()]
    if not files:
        raise KeyFileError(f"{file} is empty", "jph keys grant CODIFIER prints what is to be installed")
    for one in files:
        path = store.write(_name_of(one), one)
        if not quiet:
            tell(f"{path} is installed{_then(one)}")
    return 0


def revoke(name: Names, *, config: ConfigOption = None, quiet: QuietOption = False) -> int:
    """Forget that somebody was granted anything, and begin a change of the key that leaves them out."""
    _, store = _opened(config)
    network = store.network()
    for one in name:
        network = rotation.without_grant(network, one)
    if not rotation.is_changing(network):
        network = rotation.begin_change(network, os.urandom(KEY_BYTES), now_ms())
    store.write(NETWORK_NAME, network)
    if not quiet:
        tell(f"what {words.listed(name)} holds is good until the old key is forgotten: go on as after jph keys rotate")
    return _print_change(config, network)


def rotate(
    *,
    use: Annotated[bool, typer.Option("--use", help="Tag with the new key: everybody has learned it.")] = False,
    finish: Annotated[bool, typer.Option("--finish", help="Forget the old key: nobody tags with it.")] = False,
    at_once: Annotated[bool, typer.Option("--now", help="Do not wait for what agents keep with old tags.")] = False,
    config: ConfigOption = None,
) -> int:
    """Change the network's key in three steps: learn the new one, --use it, --finish with the old one.

    After each step hand out the keys again, as it prints; in which order does not matter. Between two steps everybody
    believes everybody. `jph nodes` shows who still tags with the old one.
    """
    if use and finish:
        raise typer.BadParameter("one step at a time: --use, and --finish when everybody has it")
    _, store = _opened(config)
    network = store.network()
    if finish:
        network = rotation.forget_old(network, now_ms(), at_once=at_once)
    elif use:
        network = rotation.use_new(network, now_ms())
    else:
        network = rotation.begin_change(network, os.urandom(KEY_BYTES), now_ms())
    store.write(NETWORK_NAME, network)
    return _print_change(config, network)


def show(
    name: Annotated[
        str, typer.Argument(metavar="[CODIFIER]", help="Whose file of this computer; else the network's.")
    ] = NETWORK_NAME,
    *,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Print what a key file allows, and never a key."""
    _, store = _opened(config)
    found = store.read(name)
    if json:
        stdout().json(_document(store.path(name), found))
    else:
        for key, value in _document(store.path(name), found).items():
            stdout().line(f"{key:10} {words.visible(in_words(value))}")
    return 0


def list_grants(
    *,
    live: Annotated[bool, typer.Option("--live", help="Also who is heard, and with which key they tag.")] = False,
    seconds: SecondsOption = None,
    json: JsonOption = False,
    config: ConfigOption = None,
    speak_as: AsOption = None,
    quiet: QuietOption = False,
) -> int:
    """List who was granted what by the network's key on this computer.

    With `--live` everybody is pinged as by `jph nodes`, and who was heard without a grant is listed too: a node on this
    computer may use the network's key itself.
    """
    _, store = _opened(config)
    network = store.network()
    heard = asyncio.run(listen(take_seat(config, speak_as, quiet=quiet), seconds)) if live else None
    names = [*network.grants, *(name for name in heard or () if name not in network.grants)]
    show_grants([_grant_of(network, name, heard) for name in names], live=live, json=json)
    if not quiet:
        tell(_about_keys(network))
    return 0


def check(*, config: ConfigOption = None, quiet: QuietOption = False) -> int:
    """Look at all key files of this computer; fail (exit code 1) when somebody cannot do with them what they should.

    Each can be used, each node of this host has one where the configuration requires tags, which lets it verify what it
    reads, and all have the same keys.
    """
    configuration, store = _opened_with_options(config)
    found = len(store.names())
    if not found:
        raise NoKeysError(f"there are no key files in {store.directory}", "jph keys init makes those of a new network")
    problems = list(problems_of(store, configuration, socket.gethostname()))
    for problem in problems:
        stdout().line(("error", "bold red"), f": {problem}")
    if not quiet:
        files = "1 key file" if found == 1 else f"{found} key files"
        wrong = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        tell(f"{store.directory}: {files}, {wrong}")
    return 1 if problems else 0


def _opened(config: str | None) -> tuple[Configuration, KeyStore]:
    configuration, _ = find_configuration(config)
    return configuration, KeyStore(keystore.directory(configuration.security.keys, os.environ))


def _opened_with_options(config: str | None) -> tuple[Configuration, KeyStore]:
    """Open as `_opened` does; nodes have their options, which name what they read, where their drivers can be had."""
    from agent.configuration import load_configuration  # noqa: PLC0415 - imports drivers

    configuration, store = _opened(config)
    with suppress(ConfigError):
        configuration, _ = load_or_demo(config, load_configuration)
    return configuration, store


def _merged(
    network: NetworkFile,
    configuration: Configuration,
    name: str,
    role: Role | None,
    *,
    reads: tuple[str, ...],
    targets: tuple[str, ...],
) -> Grant:
    """Return what is asked for, or with nothing asked for, what was granted before."""
    before = network.grants.get(name)
    if before is not None and role is None and not reads and not targets:
        role, reads, targets = before.role, before.reads, before.targets
    node = configuration.nodes.get(name)
    is_store = node is not None and node.driver in STORES
    return grant_for(configuration, name, role, reads=reads, targets=targets, is_store=is_store)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise KeyFileError(
            f"{file} cannot be read: {error.strerror}", "name a file that jph keys grant wrote"
        ) from None


def _then(file: KeyFile) -> str:
    """Say when a key file that was installed is used."""
    if not isinstance(file, GrantedFile):
        return ""
    if file.role is Role.NODE:
        return f"; `jph reload {file.codifier}` or a new start lets a running agent use it"
    return f": `jph` is {file.codifier} where nothing else is said"


def _name_of(file: KeyFile) -> str:
    if isinstance(file, NetworkFile):
        return NETWORK_NAME
    if not is_codifier(file.codifier):
        raise KeyFileError(f"{words.visible(file.codifier)} is no codifier", "have it granted again")
    return file.codifier


def _hand_outs(configuration: Configuration, names: Iterable[str]) -> Iterator[str]:
    """Go through the commands that bring keys to where they are used, one for each host."""
    hosts: dict[str, list[str]] = {}
    for name in names:
        node = configuration.nodes.get(name)
        if node is not None and node.is_operator:
            continue
        hosts.setdefault((node.host if node else None) or "HOST", []).append(name)
    for host, there in hosts.items():
        yield f"jph keys grant {' '.join(there)} | ssh {host} jph keys install -"


def _print_change(config: str | None, network: NetworkFile) -> int:
    configuration, _ = find_configuration(config)
    output = stdout()
    output.line(_about_keys(network))
    output.line("Hand out the keys, and let the agents read them (jph reload):")
    for line in _hand_outs(configuration, (name for name, one in network.grants.items() if one.role is Role.NODE)):
        output.line(f"  {line}")
    for name in (name for name, one in network.grants.items() if one.role is not Role.NODE):
        output.line(f"  jph keys grant {name} > {name}.keys    # and jph keys install {name}.keys where it is used")
    if rotation.is_changing(network):
        output.line(f"Then: {rotation.next_step(network)}")
    return 0


def _about_keys(network: NetworkFile) -> str:
    ids = words.listed([str(key.id) for key in network.keys])
    return f"valid {'keys' if rotation.is_changing(network) else 'key'} {ids}; tags are made with {network.signs_with}"


def _document(path: Path, file: KeyFile) -> dict[str, object]:
    document: dict[str, object] = {
        "file": str(path),
        "codifier": file.codifier if isinstance(file, GrantedFile) else None,
        "role": file.role if isinstance(file, GrantedFile) else NETWORK_NAME,
        "key_ids": [key.id for key in file.keys],
        "signs_with": file.signs_with,
    }
    if isinstance(file, GrantedFile):
        newest = file.keys[-1]
        document["reads"] = ["all"] if newest.data_root is not None else sorted(newest.data)
        document["commands"] = sorted(newest.orders)
    return document


def _grant_of(network: NetworkFile, name: str, heard: Mapping[str, NodeReport] | None) -> Granted:
    return Granted(name, network.grants.get(name), (heard or {}).get(name))
