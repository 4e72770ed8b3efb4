"""Whether a bus works and when to try again: the decisions, without sockets and without a clock."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

FIRST_RETRY_S: Final = 0.5
LAST_RETRY_S: Final = 30.0
"""Soon for a cable that is put back, seldom enough that a Pi without a network does not notice."""

SILENCE_S: Final = 60.0
"""Without anything heard for so long, join again: switches forget members where nobody asks for them (IGMP querier)."""


class BusState(NamedTuple):
    """Whether the buses work both ways; `reason` says what is wrong and is empty when they do."""

    up: bool
    reason: str = ""


@dataclass(slots=True)
class Membership:
    """What is wrong with joining and with sending, and the back-off until the next attempt to mend it.

    Times are monotonic seconds. Retries follow after 0.5 s, then after twice as long up to 30 s, until joining and
    sending both work.
    """

    retry_at_s: float | None = None
    _not_joined: str = "not joined yet"
    _not_sent: str = ""
    _weakness: str = ""
    _retry_s: float = field(default=FIRST_RETRY_S)

    @property
    def state(self) -> BusState:
        """Return what the operator is told: the gravest trouble."""
        reason = self._not_joined or self._not_sent or self._weakness
        return BusState(not reason, reason)

    def joined(self, weakness: str = "") -> None:
        """Take note of a join on an interface that is new or has changed; `weakness` is what speaks against it."""
        self._not_joined = self._not_sent = ""
        self._weakness = weakness
        self._mended()

    def unchanged(self, now_s: float) -> None:
        """Find everything joined as it was: only a datagram that goes out proves that sending works again."""
        self._not_joined = ""
        if self._not_sent:
            self._try_again(now_s)
        else:
            self._mended()

    def join_failed(self, now_s: float, reason: str) -> None:
        """Take note that the groups cannot be joined, or that nothing can be sent from the interface."""
        self._not_joined = reason
        self._try_again(now_s)

    def send_failed(self, now_s: float, reason: str) -> None:
        """Take note of a datagram that could not be sent; an attempt that is already due is not put off."""
        self._not_sent = reason
        if self.retry_at_s is None:
            self._try_again(now_s)

    def sent(self) -> None:
        """Take note that sending works again."""
        self._not_sent = ""
        if not self._not_joined:
            self._mended()

    def _try_again(self, now_s: float) -> None:
        self.retry_at_s = now_s + self._retry_s
        self._retry_s = min(2 * self._retry_s, LAST_RETRY_S)

    def _mended(self) -> None:
        self.retry_at_s = None
        self._retry_s = FIRST_RETRY_S
