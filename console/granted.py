"""Who was granted what, and with which key they are heard: what `jph keys list` prints."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from config.keyfile import Grant
from console import words
from console.commands.nodes import NodeReport, hear_all, key_span, survey
from console.output import Column, Span, stdout
from console.seat import Seat

COLUMNS: Final = (Column("codifier"), Column("role"), Column("says"), Column("reads"), Column("commands"))
LIVE_COLUMNS: Final = (Column("key", right=True), Column("from"))


class Granted(NamedTuple):
    """What somebody was granted, if anything, and how they were heard, if they were and anybody listened."""

    codifier: str
    grant: Grant | None
    heard: NodeReport | None

    def document(self, *, live: bool) -> dict[str, object]:
        """Return it under the keys of docs/cli.md, "keys list"."""
        grant = self.grant
        document: dict[str, object] = {
            "codifier": self.codifier,
            "role": grant.role if grant else None,
            "says": list(grant.says) if grant else [],
            "reads": ["all"] if grant and grant.reads_all else list(grant.reads) if grant else [],
            "commands": list(grant.targets) if grant else [],
        }
        key_id, address = (self.heard.key_id, self.heard.address) if self.heard else (None, None)
        return document | ({"key_id": key_id, "address": address} if live else {})

    def cells(self, *, live: bool) -> list[Span]:
        """Return its row of the table."""
        texts = [in_words(value) for value in self.document(live=False).values()]
        if not live:
            return [*texts]
        return [*texts, key_span(self.heard.key_id if self.heard else None), self._address()]

    def _address(self) -> str:
        return (self.heard.address if self.heard else None) or words.NOTHING


async def listen(seat: Seat, seconds: float | None) -> dict[str, NodeReport]:
    """Ping everybody and return who was heard, by codifier."""
    async with seat.join() as participant:
        participant.ping()
        await hear_all(participant, seconds)
        seat.say_how_it_went(participant)
        return {report.codifier: report for report in survey(participant) if report.address is not None}


def show_grants(every: Sequence[Granted], *, live: bool, json: bool) -> None:
    """Print one line for each."""
    output = stdout()
    if json:
        for one in every:
            output.json(one.document(live=live))
    else:
        output.table((*COLUMNS, *(LIVE_COLUMNS if live else ())), [one.cells(live=live) for one in every])


def in_words(value: object) -> str:
    """Write a value of a document in a cell."""
    if isinstance(value, list):
        return " ".join(map(str, value)) or words.NOTHING
    return words.NOTHING if value is None else str(value)
