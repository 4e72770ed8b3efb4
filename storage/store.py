"""What a store is: readings in, history out (docs/configuration.md, "Sinks")."""

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import msgspec

from protocol.errors import JphError
from protocol.readings import Reading


class StoreError(JphError):
    """The store could not be opened, written or read; the readings at hand are still the caller's."""


class History(Protocol):
    """What can be read from a store, also by another process while a sink writes to it.

    All methods block and raise StoreError; one thread at a time may be inside.
    """

    def history(self, codifier: str, since_ms: int, until_ms: int, limit: int) -> list[Reading]:
        """Return the newest `limit` readings of one sensor, oldest first, within both bounds inclusive.

        What was written is given back exactly: an int is an int, a float the same float, text text.
        """

    def codifiers(self) -> list[str]:
        """Return every sensor that has readings, sorted."""

    def close(self) -> None:
        """Let go of files and connections; a second time does nothing."""


class Store(History, Protocol):
    """A place that keeps readings. Built from its `Options`: `Sqlite(options)`; raises StoreError."""

    Options: ClassVar[type[msgspec.Struct]]

    def write(self, readings: Sequence[Reading]) -> int:
        """Keep all readings in one transaction and return how many of them were new.

        A reading is the same as another when codifier, timestamp and sequence are: the one that came first
        stays, so that writing twice and writing in any order end in the same store. After a StoreError
        nothing of the batch was kept and the same batch may be written again.
        """


class StoreClass(Protocol):
    """The class of a store."""

    Options: ClassVar[type[msgspec.Struct]]

    def __call__(self, options: Any) -> Store:
        """Open the store that its options name; raises StoreError."""
