"""Secrets: each in a file of its own, because options are shown, logged and come from the network."""

import os
import re
import stat
from pathlib import Path
from typing import Final

from drivers.driver import DriverError

MAX_SECRET_BYTES: Final = 16_384  # a token is some hundred, a few headers with one some thousand
_OTHERS: Final = 0o077  # the permissions of everybody but the owner

# A line of a file of headers; RFC 9110, 5.1 and 5.5, without what is not ASCII.
_HEADER: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([!-~](?:[ -~\t]*[!-~])?)")


def read_secret(path: Path) -> str:
    """Return what is in a file, without space around it; raises DriverError, also when others may read the file."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(MAX_SECRET_BYTES + 1) if stat.S_ISREG(mode) else b""
    except OSError as error:
        raise DriverError(f"the secret in {path} cannot be read: {error.strerror}", _WRITE) from error
    if not stat.S_ISREG(mode):
        raise DriverError(f"{path} is no file", _WRITE)
    if mode & _OTHERS:
        raise DriverError(f"others may read the secret in {path} (mode {mode & 0o777:04o})", f"chmod 600 {path}")
    return _text(data, path)


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


_WRITE: Final = "write it there, mode 0600, for the user of the agent"


def _without_waiting(path: str, flags: int) -> int:
    """Open without waiting for a writer, should it be a FIFO."""
    return os.open(path, flags | os.O_NONBLOCK)


def _text(data: bytes, path: Path) -> str:
    if len(data) > MAX_SECRET_BYTES:
        raise DriverError(f"{path} is larger than {MAX_SECRET_BYTES // 1024} KiB, and no secret")
    try:
        text = data.decode().strip()
    except UnicodeDecodeError as error:
        raise DriverError(f"the secret in {path} is no UTF-8 text", _WRITE) from error
    if not text:
        raise DriverError(f"there is no secret in {path}", _WRITE)
    return text
