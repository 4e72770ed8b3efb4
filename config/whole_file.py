"""Files that are there whole or not at all, whenever the power fails."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Lend a file that takes the place of what is at `path`, and is on the disk, when the block has ended in order.

    When the block raises, or the disk refuses, what was there stays, and what was written is taken away. A power cut
    leaves the one file or the other, and perhaps a part beside it, `.NAME.*.part`, which nothing reads.

    The new file has `mode` less the umask; its folder must be there, and readable. A link is replaced and not followed,
    so that root is led nowhere else: where it shall stay, `path` is what it leads to. Of several writers at the same
    time the last one has the name.

    Raises OSError. Only one of the last step, in which the folder goes to the disk, leaves the new file in its place.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    part = path.with_name(f".{path.name}.{os.urandom(4).hex()}.part")
    try:
        with open(part, "xb", opener=partial(os.open, mode=mode)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(folder)
    finally:
        with suppress(OSError):  # it has its name now, or the disk refuses this too
            part.unlink()
        os.close(folder)


def _sync_folder(folder: int) -> None:
    """Make names durable: they stand in the folder, not in the files."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno != errno.EINVAL:  # this file system writes names in its own time: fsync(2)
            raise
