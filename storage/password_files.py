"""Passwords of databases: each in a file of its own, because options are shown, logged and come from the network."""

from pathlib import Path
from typing import Final

from storage.store import StoreError, Trouble

_OTHERS: Final = 0o077  # the permissions of everybody but the owner
_ADVICE: Final = "write it there, mode 0600"


def read_password(path: Path) -> str:
    """Return the one line of a file; raises StoreError when there is none, or when others may read it."""
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no UTF-8 text"
        message = f"the password in {path} cannot be read: {reason}"
        raise StoreError(message, _ADVICE, Trouble.STORE_LOGIN) from error
    if mode & _OTHERS:
        message = f"others may read the password in {path} (mode {mode & 0o777:04o})"
        raise StoreError(message, f"chmod 600 {path}", Trouble.STORE_LOGIN)
    if not text:
        raise StoreError(f"there is no password in {path}", _ADVICE, Trouble.STORE_LOGIN)
    return text
