"""Secrets: each in a file of its own, because options are shown, logged and come from the network."""

import os
import stat
from pathlib import Path
from typing import Final

from protocol.errors import JphError

MAX_SECRET_BYTES: Final = 16_384  # a token is some hundred, a few headers with one some thousand
_OTHERS: Final = 0o077  # the permissions of everybody but the owner
_WRITE: Final = "write it there, mode 0600, for the user of the agent"


class SecretError(JphError):
    """A file has no secret, or one that others may know."""


def read_secret_file(path: Path) -> str:
    """Return what is in a file, without the space around it; raises SecretError, also when others may read the file."""
    return _something(_text(path, "secret").strip(), path, "secret")


def read_password_file(path: Path) -> str:
    """Return the one line of a file, with the space that is in it; raises SecretError as `read_secret_file` does."""
    return _something(_text(path, "password").removesuffix("\n").removesuffix("\r"), path, "password")


def _something(text: str, path: Path, kind: str) -> str:
    if not text:
        raise SecretError(f"there is no {kind} in {path}", _WRITE)
    return text


def _text(path: Path, kind: str) -> str:
    data = _bytes(path, kind)
    if len(data) > MAX_SECRET_BYTES:
        raise SecretError(f"{path} is larger than {MAX_SECRET_BYTES // 1024} KiB, and no {kind}")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise SecretError(f"the {kind} in {path} is no UTF-8 text", _WRITE) from error


def _bytes(path: Path, kind: str) -> bytes:
    """Read a byte more than is allowed at most. What is looked at and what is read is the same open file."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(MAX_SECRET_BYTES + 1) if stat.S_ISREG(mode) else b""
    except OSError as error:
        raise SecretError(f"the {kind} in {path} cannot be read: {error.strerror}", _WRITE) from error
    if not stat.S_ISREG(mode):
        raise SecretError(f"{path} is no file", _WRITE)
    if mode & _OTHERS:
        raise SecretError(f"others may read the {kind} in {path} (mode {mode & 0o777:04o})", f"chmod 600 {path}")
    return data


def _without_waiting(path: str, flags: int) -> int:
    """Open without waiting for a writer, should it be a FIFO."""
    return os.open(path, flags | os.O_NONBLOCK)
