"""The text of a configuration as it came, before anything in it was understood."""

from pathlib import Path
from typing import NamedTuple

from config.model import ConfigError, Problem


class Text(NamedTuple):
    """The bytes of a configuration, what its source is called, and what to know about how they came.

    `copy` is where they are to be kept once they proved good; None for what is a file already.
    """

    data: bytes
    source: str
    warnings: tuple[Problem, ...] = ()
    copy: Path | None = None


def unreadable(source: str, message: str, advice: str) -> ConfigError:
    """Return the error for a source of which nothing can be read."""
    return ConfigError((Problem(source, 0, message, advice),))
