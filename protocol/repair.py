"""Asking for readings that did not arrive: which, when, and when to give up (docs/protocol.md, "Repair").

Pure: fed with frames and moments, it returns the requests to send. Used by every sink and by the console.
"""

from collections import deque
from collections.abc import Callable, Iterable
from math import inf, isfinite
from typing import Final

from protocol.accounts import Account, Ledger
from protocol.commands import unpack_pair
from protocol.frames import ControlFrame, DataFrame, Flag
from protocol.holes import NEVER_S, PAST_MS, Missing
from protocol.instants import Instant
from protocol.requests import MAX_REQUESTED, Request
from protocol.sensor_repair import Progress, SensorRepair
from protocol.sequences import RENUMBERED_BEYOND

__all__ = [
    "BACKFILL",
    "CONSOLE_PATIENCE",
    "CONSOLE_RANGES",
    "MAX_HOLES",
    "MAX_HOLES_IN_ALL",
    "MAX_REQUESTED",
    "MAX_SENSORS",
    "SINK_RANGES",
    "Missing",
    "Progress",
    "Repairs",
    "Request",
]

SINK_RANGES: Final = 256  # requests under way at once: at 40 % loss 1,000 sensors at 1 Hz need a third of them
CONSOLE_RANGES: Final = 2  # what a person looks at can wait for what is to be stored
CONSOLE_PATIENCE: Final = 12  # failures in a row, in 6 s: 1 of 130 times at 40 % loss, and always an original node's
BACKFILL: Final = 64  # readings that a sink asks for before the first one of a numbering: one request
MAX_SENSORS: Final = 94 * 94 - 1  # codifiers that there can be: at 1.6 KiB each nobody needs to be turned away
MAX_HOLES: Final = 1024  # per sensor, about 200 bytes each: half a minute of losing every other reading at 60 Hz
MAX_HOLES_IN_ALL: Final = 65_536  # from here on no sensor may have more than its share of them


class Repairs:
    """What is missing of all sensors that one program follows.

    At most `max_ranges` requests are under way at once, and each sensor gets its turn. `backfill` is how many
    readings before the first one of a numbering are asked for as well. `random` returns 0 to 1. A sensor that leaves
    `gives_up_after` requests in a row unanswered is asked no more until it has been silent for a while and, if it never
    answered, until its numbering begins anew.
    """

    def __init__(
        self, max_ranges: int, random: Callable[[], float], backfill: int = 0, gives_up_after: float = inf
    ) -> None:
        self.max_ranges = max_ranges
        self.requested = 0
        self._random = random
        self._backfill = backfill
        self._gives_up_after = gives_up_after
        self._ledger = Ledger()
        self._sensors: dict[str, SensorRepair] = {}
        self._open: dict[str, SensorRepair] = {}  # those with holes, the one that was asked longest ago first
        self._holes = 0
        self._under_way = 0

    # What arrives

    def hear(self, frame: DataFrame, now: Instant, *, asked: bool) -> int | None:
        """Take a frame of a sensor; when it is a reading to be stored, new here and no NaN, return its account's hour.

        `asked` says that it did not come to the group but to this program alone.
        """
        sensor = self._sensors.get(frame.source) or self._follow(frame.source)
        hour_ms = self._take(sensor, frame, now, asked=asked)
        if sensor.wanted.unsettled:
            self._settle(sensor)
            self._limit(sensor)
        if hour_ms is not None and isinstance(frame.value, float) and not isfinite(frame.value):
            self._ledger.book(frame.source, hour_ms, bad=1)
            return None
        return hour_ms

    def unavailable(self, frame: ControlFrame, now: Instant) -> None:
        """Take a `U`: readings of its source are not kept. What nobody asked for stays as it is."""
        sensor = self._sensors.get(frame.source)
        pair = unpack_pair(frame.number)
        if sensor is None or pair is None:
            return
        sensor.unavailable(*pair, now)
        self._settle(sensor)
        self._limit(sensor)

    # What is wanted

    def ask_back(self, codifier: str, count: int) -> None:
        """Ask for the last `count` readings of a sensor, as far as they are not known; now, or once it is heard."""
        sensor = self._sensors.get(codifier) or self._follow(codifier)
        sensor.ask_back(min(count, RENUMBERED_BEYOND))
        self._settle(sensor)

    def reach_back(self, codifier: str, count: int) -> int:
        """Ask for `count` readings before all that are known of a sensor, to show them; they are in no account.

        Returns for how many, 0 before it was heard.
        """
        sensor = self._sensors.get(codifier)
        if sensor is None:
            return 0
        reached = sensor.reach_back(count)
        self._settle(sensor)
        return reached

    def let_go(self, codifier: str) -> None:
        """Ask no more for what is only to be shown."""
        sensor = self._sensors.get(codifier)
        if sensor is not None:
            sensor.let_go()
            self._settle(sensor)

    @property
    def due_s(self) -> float:
        """The monotonic time at which `requests` has something to do; whatever is heard may bring it nearer."""
        if self._under_way >= self.max_ranges:
            return min((sensor.wanted.agenda.expires_s for sensor in self._open.values()), default=NEVER_S)
        return min(
            (min(sensor.wanted.agenda.expires_s, sensor.wanted.agenda.asks_s) for sensor in self._open.values()),
            default=NEVER_S,
        )

    def requests(self, now: Instant) -> list[Request]:
        """Return the requests to send now, one of each sensor in turn."""
        self._expire(now.monotonic_s)
        waiting = deque(sensor for sensor in self._open.values() if sensor.wanted.agenda.asks_s <= now.monotonic_s)
        found: list[Request] = []
        while waiting and self._under_way < self.max_ranges:
            sensor = waiting.popleft()
            request = sensor.wanted.ask(now.monotonic_s)
            if request is not None:
                found.append(request)
                waiting.append(sensor)
                self._open[sensor.codifier] = self._open.pop(sensor.codifier)
                self._settle(sensor)
        self.requested += len(found)
        return found

    # Where it stands

    @property
    def unasked(self) -> int:
        """How many answers came that nobody had asked for: somebody invents them."""
        return sum(sensor.unasked for sensor in self._sensors.values())

    def missing(self, codifier: str) -> int:
        """Return how many readings of a sensor are missing and may still come."""
        sensor = self._sensors.get(codifier)
        return 0 if sensor is None else sensor.wanted.readings

    def reaching(self, codifier: str) -> int:
        """Return how many readings of a sensor are asked for that are only to be shown."""
        sensor = self._sensors.get(codifier)
        return 0 if sensor is None else sensor.wanted.past

    def lowest(self, codifier: str) -> int:
        """Return the position up to which a sensor was asked back; an answer may show that there is nothing before."""
        sensor = self._sensors.get(codifier)
        return 0 if sensor is None else sensor.lowest

    def gave_up(self, codifier: str) -> bool:
        """Tell whether a sensor is asked no more, because it did not answer."""
        sensor = self._sensors.get(codifier)
        return sensor is not None and sensor.wanted.is_given_up

    def progress(self) -> list[Progress]:
        """Return how far each sensor was followed, of those where it changed since this was last called."""
        changed = [sensor for sensor in self._sensors.values() if sensor.changed]
        for sensor in changed:
            sensor.changed = False
        return [progress for sensor in changed if (progress := sensor.progress()) is not None]

    def resume(self, progress: Iterable[Progress]) -> None:
        """Continue where a store says that each sensor was left; call it before anything is heard."""
        for one in progress:
            sensor = self._follow(one.codifier)
            sensor.resume(one)
            self._settle(sensor)

    def accounts(self) -> list[Account]:
        """Return what is to be added to the accounts since this was last called."""
        return [account for account in self._ledger.take() if account.hour_ms != PAST_MS]

    # Inside

    def _follow(self, codifier: str) -> SensorRepair:
        sensor = SensorRepair(codifier, self._ledger, self._random, self._backfill, self._gives_up_after)
        return self._sensors.setdefault(codifier, sensor)

    def _take(self, sensor: SensorRepair, frame: DataFrame, now: Instant, *, asked: bool) -> int | None:
        if asked:
            return sensor.answer(frame, now)
        if frame.flag is Flag.NUMBERING:
            sensor.announce(frame, now)
            return None
        return sensor.hear(frame, now)

    def _expire(self, now_s: float) -> None:
        for sensor in [sensor for sensor in self._open.values() if sensor.wanted.agenda.expires_s <= now_s]:
            sensor.wanted.expire(now_s)
            self._settle(sensor)

    def _settle(self, sensor: SensorRepair) -> None:
        """Look again at what is going on with a sensor after something changed."""
        before, agenda = sensor.wanted.agenda, sensor.wanted.settle()
        self._holes += agenda.holes - before.holes
        self._under_way += agenda.under_way - before.under_way
        if agenda.holes:
            self._open.setdefault(sensor.codifier, sensor)
        else:
            self._open.pop(sensor.codifier, None)

    def _limit(self, sensor: SensorRepair) -> None:
        while sensor.wanted.agenda.holes > self._share():
            sensor.wanted.give_up_smallest()
            self._settle(sensor)

    def _share(self) -> int:
        """Return how many holes a sensor may have now."""
        return MAX_HOLES if self._holes <= MAX_HOLES_IN_ALL else MAX_HOLES_IN_ALL // len(self._sensors)
