"""Where an export goes: a file that is there wholly or not at all, or standard output."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from config.whole_file import whole_file
from protocol.errors import JphError


class FileError(JphError):
    """A file cannot be read or written, or is there already."""


@contextmanager
def fresh_file(path: Path, *, is_forced: bool) -> Iterator[BinaryIO]:
    """Lend a file that gets its name when the block ends in order; else nothing is left of it. Raises FileError.

    What has the name already is overwritten only when that is forced, and then as a whole.
    """
    path = path.resolve()
    _refuse_to_overwrite(path, is_forced=is_forced)
    with explained(path), whole_file(path) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())  # it may take long: what comes meanwhile is seen
        _refuse_to_overwrite(path, is_forced=is_forced)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the system says of a file into a FileError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}", "see that it is there, and its rights") from error


def _refuse_to_overwrite(path: Path, *, is_forced: bool) -> None:
    if path.exists() and not path.is_file():
        raise FileError(f"{path} is no file", "name one, or leave out --output and use standard output")
    if path.exists() and not is_forced:
        raise FileError(f"{path} is there already", "name another file, or overwrite it with --force")
