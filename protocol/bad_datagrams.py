from collections import Counter
from typing import Final

from protocol.errors import DecodeError
from protocol.senders import Sender

MAX_BAD_SENDERS: Final = 256  # addresses whose bad datagrams are counted apart; the rest is counted together
ELSEWHERE: Final[Sender] = ("elsewhere", 0)


class BadDatagrams:
    """Counts datagrams that are no frames, by the address that sent them and by kind."""

    def __init__(self) -> None:
        self.by_sender: dict[Sender, Counter[str]] = {}

    @property
    def total(self) -> int:
        """How many there were in all."""
        return sum(kinds.total() for kinds in self.by_sender.values())

    def count(self, error: DecodeError, sender: Sender) -> bool:
        """Count one; return True when it is the first of its kind from this sender, which is worth a log line."""
        kinds = self.by_sender.get(sender) or self._begin(sender)
        kinds[error.kind] += 1
        return kinds[error.kind] == 1

    def _begin(self, sender: Sender) -> Counter[str]:
        place = sender if len(self.by_sender) < MAX_BAD_SENDERS else ELSEWHERE
        return self.by_sender.setdefault(place, Counter())
