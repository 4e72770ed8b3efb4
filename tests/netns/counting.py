"""A driver that counts, and writes each number that it gives into a log: the truth that stores are held against.

It is installed as a package of its own would be (docs/drivers.md): `install` makes the entry point.
"""

from pathlib import Path
from typing import ClassVar, Final

import msgspec

from drivers.driver import OWN_CHANNEL, DriverOptions, Measurements, Place

NAME: Final = "counting"
STOP: Final = "stop"


class CountingOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`folder` has the logs; once there is a file `stop` in it no driver gives anything any more."""

    folder: str


class Counting:
    """Gives 1, 2, 3 and so on, and continues behind its log when it is built again."""

    Options: ClassVar[type[msgspec.Struct]] = CountingOptions

    def __init__(self, options: CountingOptions, place: Place) -> None:
        folder = Path(options.folder)
        self._stop = folder / STOP
        self._log = log_of(folder, place.codifier).open("ab", buffering=0)  # what was given survives SIGKILL
        self._given = len(taken(folder, place.codifier))

    async def read(self) -> Measurements:
        """Return the next number."""
        if self._stop.exists():
            return {}
        self._given += 1
        self._log.write(b"%d\n" % self._given)
        return {OWN_CHANNEL: self._given}

    def close(self) -> None:
        """Close the log."""
        self._log.close()


def install(folder: Path) -> None:
    """Make a package that names the driver in a folder, which has to be on PYTHONPATH."""
    metadata = folder / f"{NAME}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[jph.drivers]\n{NAME} = {__name__}:{Counting.__name__}\n")


def stop(folder: Path) -> None:
    """Let the drivers of a folder give nothing more."""
    (folder / STOP).touch()


def taken(folder: Path, codifier: str) -> list[int]:
    """Return the numbers that a driver gave so far."""
    log = log_of(folder, codifier)
    return [int(line) for line in log.read_text().splitlines()] if log.exists() else []


def count(folder: Path, codifier: str) -> int:
    """Return how many numbers a driver gave so far."""
    log = log_of(folder, codifier)
    return log.read_bytes().count(b"\n") if log.exists() else 0


def log_of(folder: Path, codifier: str) -> Path:
    """Return the log of a driver."""
    return folder / f"{codifier}.log"
