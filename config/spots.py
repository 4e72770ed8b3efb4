"""A place in the document: where a table stands, and where its parts stand."""

from collections.abc import Mapping
from typing import NamedTuple

from config.document import Entry, Scalar, Table, Tree
from config.messages import join


class Spot(NamedTuple):
    """A table of the document and its path."""

    table: Table
    path: str

    def part(self, key: str) -> Tree | None:
        """Return what stands under a key."""
        entry = self.table.entries.get(key)
        return entry.tree if entry else None

    def entries(self, key: str) -> Mapping[str, Entry]:
        """Return the entries of the table under a key; none when there is no table."""
        part = self.part(key)
        return part.entries if isinstance(part, Table) else {}

    def text(self, key: str) -> str:
        """Return the text of the value under a key; none when there is no value."""
        part = self.part(key)
        return part.text if isinstance(part, Scalar) else ""

    def line(self, key: str) -> int:
        """Return the line of a key, or that of the table when the key is not there."""
        return self.table.entries[key].line if key in self.table.entries else self.table.line

    def path_of(self, key: str) -> str:
        """Return the path of a key, by the name that the document gives it."""
        return join(self.path, self.table.entries[key].name if key in self.table.entries else key)
