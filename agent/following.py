"""Following what is heard for what is missing, and asking the agents for it and for the past: what a screen wants."""

from collections.abc import Callable
from typing import Final

from agent.asking import Asking, Say
from agent.clock import Clock
from protocol.frames import DataFrame, Flag, Frame
from protocol.instants import Instant
from protocol.lookback import LookBack
from protocol.repair import CONSOLE_PATIENCE, CONSOLE_RANGES, Repairs, Request
from protocol.sequences import RENUMBERED_BEYOND

MAX_LOOK_BACKS: Final = 1024  # sensors of which is known how far back they were asked, about 300 bytes each


class Following:
    """What one program lacks of all sensors. At most CONSOLE_RANGES requests are under way: sinks come first.

    `answered` is called with each reading that came because it was asked for, in any order, `ended` with the look back
    that comes to its end; `random` returns 0 to 1.
    """

    def __init__(self, say: Say, clock: Clock, random: Callable[[], float]) -> None:
        self.repairs = Repairs(CONSOLE_RANGES, random, gives_up_after=CONSOLE_PATIENCE)
        self.answered: list[Callable[[DataFrame, Instant], None]] = []
        self.ended: list[Callable[[LookBack], None]] = []
        self._asking = Asking(self, say, clock)
        self._looks: dict[str, LookBack] = {}  # the one that was wanted last is the last
        self._wanted = ""

    def hear(self, frame: DataFrame, now: Instant) -> None:
        """Take a frame of the data bus."""
        self.repairs.hear(frame, now, asked=False)
        self._go_on(frame.source)

    def answer(self, frame: Frame, now: Instant) -> None:
        """Take a frame that came to this program alone: a reading, or that some are not kept."""
        if isinstance(frame, DataFrame):
            self._take(frame, now)
        elif frame.flag is Flag.UNAVAILABLE:
            self.repairs.unavailable(frame, now)
        self._go_on(frame.source)

    def look_back(self, codifier: str, since_ms: float, most: int = RENUMBERED_BEYOND) -> LookBack:
        """Ask for a sensor's readings since `since_ms` on its own clock, once it was heard; `most` of them at most.

        One sensor's past is asked for at a time: that of another one rests until it is wanted again.
        """
        look = self._looks.pop(codifier, None) or LookBack(self.repairs, codifier, since_ms, most)
        self._looks[codifier] = look
        if len(self._looks) > MAX_LOOK_BACKS:
            del self._looks[next(iter(self._looks))]
        self._wanted = codifier
        look.reach(since_ms)
        self._go_on(codifier)
        self.look()
        return look

    def look(self) -> None:
        """Ask for what is missing, now or when it is time: to be called after what was heard."""
        self._asking.look()

    def close(self) -> None:
        """Ask no more; closing twice is harmless."""
        self._asking.close()

    @property
    def due_s(self) -> float:
        """The monotonic time at which `requests` has something to do."""
        return self.repairs.due_s

    def requests(self, now: Instant) -> list[Request]:
        """Return the requests to send now; whose patience ends looks back no more."""
        requests = self.repairs.requests(now)
        self._go_on(self._wanted)
        return requests

    def _take(self, frame: DataFrame, now: Instant) -> None:
        if self.repairs.hear(frame, now, asked=True) is None:
            return
        look = self._looks.get(frame.source)
        if look is not None:
            look.take(frame.timestamp_ms)
        for callback in self.answered:
            callback(frame, now)

    def _go_on(self, codifier: str) -> None:
        look = self._looks.get(codifier)
        if look is not None and codifier == self._wanted and look.go_on():
            for callback in self.ended:
                callback(look)
