"""What a sink heard, on its way to the store: followed for gaps, and put together into batches."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from protocol.frames import ControlFrame, DataFrame, Flag, Frame
from protocol.holes import NEVER_S
from protocol.instants import Instant
from protocol.readings import Reading
from protocol.repair import BACKFILL, SINK_RANGES, Progress, Repairs, Request
from protocol.skipped import Skipped
from storage.store import Batch, Heard

MAX_WAITING: Final = 100_000  # frames, about 25 MiB: 100 s of 1,000 sensors at 1 Hz while a store is away
BATCH: Final = 5_000  # frames in one transaction


class _Arrival(NamedTuple):
    """A frame with how and when it came."""

    frame: Frame
    now: Instant
    asked: bool


class Intake:
    """Follows what is heard, and gives batches of which each says exactly how far its readings go.

    Before `resume` frames wait as they came, because only the store knows how far it had got. At most `max_waiting`
    frames wait; a reading beyond that is left to its agent, which keeps it: it counts as missing, and is asked for
    once there is room. `left` counts these. `hears` tells that the store wants more than readings.
    """

    def __init__(
        self, random: Callable[[], float], *, hears: bool = False, max_waiting: int = MAX_WAITING, batch: int = BATCH
    ) -> None:
        self.repairs = Repairs(SINK_RANGES, random, BACKFILL)
        self.left = 0
        self.resumed = False
        self._hears = hears
        self._max_waiting = max_waiting
        self._batch = batch
        self._early: deque[_Arrival] = deque()
        self._readings: list[Reading] = []
        self._hours_ms: list[int] = []
        self._heard: list[Heard] = []
        self._sealed: deque[Batch] = deque()
        self._in_sealed = 0
        self._skipped = Skipped()

    @property
    def waiting(self) -> int:
        """How many frames wait for the store."""
        return len(self._early) + len(self._readings) + len(self._heard) + self._in_sealed

    @property
    def due_s(self) -> float:
        """The monotonic time at which `requests` has something to do; whatever is heard may bring it nearer."""
        return self.repairs.due_s if self._has_room else NEVER_S

    @property
    def _has_room(self) -> bool:
        """Tell whether what is asked for will find room when it comes."""
        return self.resumed and self.waiting < self._max_waiting // 2

    def resume(self, progress: Iterable[Progress]) -> None:
        """Begin where the store has got to, with what was heard meanwhile."""
        self.repairs.resume(progress)
        self.resumed = True
        early, self._early = self._early, deque()
        for arrival in early:
            self._follow(*arrival)

    def hear(self, frame: Frame, now: Instant, *, asked: bool = False) -> None:
        """Take a frame of one of the buses, or one that came to this program alone because it was asked for."""
        if self.waiting >= self._max_waiting:
            self._skip(frame, asked=asked)
        elif not self.resumed:
            self._early.append(_Arrival(frame, now, asked))
        else:
            self._skipped.take_up(self.repairs, now)
            self._follow(frame, now, asked=asked)

    def requests(self, now: Instant) -> list[Request]:
        """Return what to ask for now: nothing while there would be no room for the answers."""
        if not self._has_room:
            return []
        self._skipped.take_up(self.repairs, now)
        return self.repairs.requests(now)

    def seal(self) -> None:
        """Make a batch of what has come so far."""
        if self.resumed:
            self._seal()

    def batch(self) -> Batch | None:
        """Return the batch that is to be stored next; the same one until `stored`."""
        return self._sealed[0] if self._sealed else None

    def stored(self) -> None:
        """Forget that batch: it is in the store."""
        self._in_sealed -= _size(self._sealed.popleft())

    def _follow(self, frame: Frame, now: Instant, asked: bool) -> None:  # noqa: FBT001 - a field of _Arrival
        if isinstance(frame, DataFrame):
            self._follow_sensor(frame, now, asked=asked)
        elif frame.flag is Flag.UNAVAILABLE and asked:
            self.repairs.unavailable(frame, now)
        if self._hears and not asked and (isinstance(frame, ControlFrame) or frame.flag is Flag.NUMBERING):
            self._heard.append(frame)
        if len(self._readings) + len(self._heard) >= self._batch:
            self._seal()

    def _follow_sensor(self, frame: DataFrame, now: Instant, *, asked: bool) -> None:
        hour_ms = self.repairs.hear(frame, now, asked=asked)
        if hour_ms is not None:
            self._readings.append(frame.reading())
            self._hours_ms.append(hour_ms)

    def _skip(self, frame: Frame, *, asked: bool) -> None:
        if isinstance(frame, DataFrame) and not asked:
            self._skipped.skip(frame)
            self.left += 1

    def _seal(self) -> None:
        batch = Batch(
            self._readings, self.repairs.progress(), self.repairs.accounts(), self._heard, hours_ms=self._hours_ms
        )
        self._readings, self._hours_ms, self._heard = [], [], []
        if any(batch):
            self._sealed.append(batch)
            self._in_sealed += _size(batch)


def _size(batch: Batch) -> int:
    return len(batch.readings) + len(batch.heard)
