"""`jph-agent install`: lets systemd run the nodes of this host, each process with no more rights than it needs."""

import argparse
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agent.choosing import choose
from agent.configuration import load_configuration
from agent.units import TARGET, USER, Instance, Unit, instances, units
from config.keystore import PLACES, KeyStore
from config.model import Configuration
from protocol.errors import JphError
from protocol.gate import Mode
from protocol.printable import visible_lines

UNITS: Final = Path("/etc/systemd/system")
USUAL_CONFIG: Final = "/etc/jph/jph.yaml"


class NotInstalledError(JphError):
    """systemd was not told everything."""


def main(arguments: Sequence[str]) -> int:
    """Print the units, or write and start them; returns the exit code."""
    wanted = _parser().parse_args(arguments)
    try:
        configuration = load_configuration(wanted.config)
        nodes = list(choose(configuration, [], wanted.host))
        found = instances(nodes)
        files = list(units(found, _agent(), _source(configuration, wanted.config)))
        if wanted.enable:
            _enable(files, found)
            _prepare_keys(configuration, [node.codifier for node in nodes], wanted.host)
        else:
            _print(files)
    except JphError as error:
        print(f"jph-agent: {visible_lines(str(error))}", file=sys.stderr)  # noqa: T201 - a person called it
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jph-agent install",
        description="Let systemd run the nodes of this host: one process for all sensors, one for each store.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--print", action="store_true", help="print the units, with the path of each above it")
    what.add_argument("--enable", action="store_true", help="write them, add the user jph, start everything (as root)")
    parser.add_argument("--config", metavar="SOURCE", help="path or URL of the configuration (default: JPH_CONFIG)")
    parser.add_argument("--host", default=socket.gethostname(), help="install the nodes of this host instead")
    return parser


def _agent() -> Path:
    """Return the program that was called, which is the one to be run at every start."""
    return Path(sys.argv[0]).resolve()


def _source(configuration: Configuration, named: str | None) -> str:
    source = named or configuration.source or USUAL_CONFIG
    return source if "://" in source else str(Path(source).expanduser().absolute())


def _print(files: Sequence[Unit]) -> None:
    for unit in files:
        print(f"# {UNITS / unit.path}\n{unit.text}")  # noqa: T201 - it is what was asked for


def _enable(files: Sequence[Unit], found: Sequence[Instance]) -> None:
    if os.geteuid() != 0:
        raise NotInstalledError("only root may tell systemd what to run", "sudo jph-agent install --enable")
    if shutil.which("systemctl") is None:
        raise NotInstalledError("there is no systemd here", "jph-agent install --print shows what to run otherwise")
    _add_user()
    for unit in files:
        path = UNITS / unit.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(unit.text, "utf-8")
    services = [instance.service for instance in found]
    _run("systemctl", "daemon-reload")
    _run("systemctl", "enable", "--now", TARGET, *services)
    print(f"runs at every start: {', '.join(services)}; journalctl -u 'jph-agent@*' shows the log")  # noqa: T201 - a person called it


def _prepare_keys(configuration: Configuration, codifiers: Sequence[str], host: str) -> None:
    """Make the directory of the keys, and say how those come there that are missing."""
    if configuration.security.mode is Mode.OFF:
        return
    store = KeyStore(Path(configuration.security.keys or PLACES[-1]))
    make_key_directory(store.directory, USER)
    missing = [codifier for codifier in codifiers if not store.has(codifier)]
    if missing:
        print(  # noqa: T201 - a person called it
            f"they need keys, from the computer with network.key: "
            f"jph keys grant {' '.join(missing)} | ssh {host} sudo jph keys install -"
        )


def make_key_directory(place: Path, owner: str) -> None:
    """Let a directory be there that `owner` alone can read: what root installs there is given to them."""
    _run("install", "-d", "-m", "700", "-o", owner, str(place))


def _add_user() -> None:
    if _succeeds("getent", "passwd", USER):
        return
    home = ("--system", "--home-dir", "/var/lib/jph", "--shell", "/usr/sbin/nologin")
    _run("useradd", *home, USER)


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603 - words of this module


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - words of this module
    if done.returncode != 0:
        raise NotInstalledError(f"{' '.join(command)}: {done.stderr.strip()}", "see journalctl -xe")
