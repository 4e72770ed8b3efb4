"""Secrets of drivers, in files: tokens, passwords and headers."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from config.secret_files import SecretError, read_password_file, read_secret_file
from drivers.driver import DriverError

# A line of a file of headers; RFC 9110, 5.1 and 5.5, without what is not ASCII.
_HEADER: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([!-~](?:[ -~\t]*[!-~])?)")


def read_secret(path: Path) -> str:
    """Return what is in a file, without space around it; raises DriverError, also when others may read the file."""
    return _read(read_secret_file, path)


def read_password(path: Path) -> str:
    """Return the one line of a file; raises DriverError as `read_secret` does."""
    return _read(read_password_file, path)


def read_headers(path: Path) -> dict[str, str]:
    """Return the HTTP headers in a secret file, one `Name: value` in a line; raises DriverError, which shows none."""
    headers = {}
    for number, line in enumerate(read_secret(path).splitlines(), 1):
        match = _HEADER.fullmatch(line.strip())
        if line.strip() and match is None:
            raise DriverError(f"{path}: line {number} is no header", "write Name: value, in ASCII")
        if match is not None:
            headers[match[1]] = match[2]
    return headers


def _read(read: Callable[[Path], str], path: Path) -> str:
    try:
        return read(path)
    except SecretError as error:
        raise DriverError(error.message, error.hint) from error
