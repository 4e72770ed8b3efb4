"""Passwords of databases, in files."""

from pathlib import Path

from config.secret_files import SecretError, read_password_file
from storage.store import StoreError, Trouble


def read_password(path: Path) -> str:
    """Return the one line of a file; raises StoreError when there is none, or when others may read it."""
    try:
        return read_password_file(path)
    except SecretError as error:
        raise StoreError(error.message, error.hint, Trouble.STORE_LOGIN) from error
