"""Where a configuration comes from: a path, a `file:` or `http(s):` URL, `JPH_CONFIG`, or the usual places."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from config.document import LARGEST_DOCUMENT_BYTES
from config.model import NoConfigurationError, Problem
from config.texts import Text, unreadable

VARIABLE: Final = "JPH_CONFIG"
"""The environment variable that names the configuration when no argument does."""

PLACES: Final = ("./jph.yaml", "~/.config/jph/jph.yaml", "/etc/jph/jph.yaml")
"""Where a configuration is looked for when nothing names one, in this order."""


def read(source: str | None, environ: Mapping[str, str]) -> Text:
    """Read the configuration that `source` names, or the one that is found; raises ConfigError.

    `environ` gives `JPH_CONFIG`, `HOME` and what `state_directory` asks for.
    """
    if source:
        return _read_named(source, environ, "name another file or URL")
    if environ.get(VARIABLE):
        return _read_named(environ[VARIABLE], environ, f"{VARIABLE} names it")
    return _read_path(_found(environ), "mend or remove it")


def state_directory(environ: Mapping[str, str]) -> Path:
    """Return the directory of what must survive a restart. It need not exist."""
    if environ.get("STATE_DIRECTORY"):  # systemd made it, and may allow no other
        return Path(environ["STATE_DIRECTORY"].partition(":")[0])
    if environ.get("XDG_STATE_HOME"):
        return Path(environ["XDG_STATE_HOME"], "jph")
    return Path("/var/lib/jph") if os.geteuid() == 0 else _expanded("~/.local/state/jph", environ)


def _read_named(source: str, environ: Mapping[str, str], advice: str) -> Text:
    scheme = source.partition(":")[0].lower()
    if scheme in {"http", "https"}:
        from config.remote import read_url  # noqa: PLC0415 -- brings 7 MiB that only a configuration on a server needs

        return read_url(source, state_directory(environ))
    return _read_path(_of_file_url(source) if scheme == "file" else _expanded(source, environ), advice)


def _of_file_url(url: str) -> Path:
    """Take the path out of `file:///path`, `file://localhost/path` or `file:path`."""
    path = url.partition(":")[2]
    if path.startswith("//"):
        host, slash, path = path[2:].partition("/")
        if host not in {"", "localhost"}:
            raise unreadable(url, f"this is a file of the host {host}", "write file:///path for one of this host")
        path = slash + path
    return Path(unquote(path))


def _found(environ: Mapping[str, str]) -> Path:
    for place in PLACES:
        path = _expanded(place, environ)
        if os.path.lexists(path):
            return path
    message = f"no configuration found: {VARIABLE} is not set, and there is no {', '.join(PLACES)}"
    raise NoConfigurationError((Problem("", 0, message, "`jph init` writes one, --config names one"),))


def _expanded(path: str, environ: Mapping[str, str]) -> Path:
    if path.startswith("~/") and environ.get("HOME"):
        return Path(environ["HOME"], path[2:])
    return Path(path)


def _read_path(path: Path, advice: str) -> Text:
    try:
        return Text(_read_regular(path), str(path))
    except OSError as error:
        raise unreadable(str(path), f"cannot be read: {error.strerror}", advice) from None
    except ValueError as error:  # a path with a NUL, a FIFO
        raise unreadable(str(path), f"cannot be read: {error}", advice) from None


def _read_regular(path: Path) -> bytes:
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise ValueError("it is a directory")
    if not stat.S_ISREG(mode):
        raise ValueError("it is no regular file")  # a FIFO would wait for its writer, a device might never end
    with path.open("rb") as file:
        return file.read(LARGEST_DOCUMENT_BYTES + 1)
