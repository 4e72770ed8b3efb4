"""A node that reads a failing device for simulated minutes, and a model that says what that must come to.

The device fails as a plan of errors says, transaction by transaction; node, supervisor, threads and driver are the real
ones. The model knows nothing of them but what docs/drivers.md promises: how often a driver tries, when a read is
repeated, when a driver is left alone.
"""

import asyncio
import math
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from agent.listening import Listening, Reach
from agent.presence import Presence
from agent.sensing import Sensing
from agent.supervisor import DriverState
from agent.surroundings import Surroundings
from agent.threads import DaemonThreads
from config.model import Node, Sensor
from drivers.driver import Place
from protocol.commands import Code
from protocol.frames import ControlFrame, DataFrame, Flag
from protocol.gate import Gate, Mode
from tests.agent.wire import Wire
from tests.drivers.trying import Bench, Case, Trial
from tests.support.driven_time import ManualClock

MINUTES: Final = 10
ERROR_SHARE: Final = 0.1
SINGLE_SHARE: Final = 0.08


@dataclass
class Errors:
    """Which transactions of a device fail: some by themselves, and all of a time in which it is unplugged.

    Together that is about one in ten, since a device that is unplugged is soon left alone. The same seed gives the same
    errors.
    """

    clock: ManualClock
    seed: int = 1
    transactions: int = 0
    failed: int = 0
    outage_s: tuple[float, float] = (300.0, 370.0)
    _random: Random = field(init=False)
    _start_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        self._start_s = self.clock.monotonic_s

    def __call__(self) -> bool:
        """Tell of the next transaction whether it fails."""
        self.transactions += 1
        begin_s, end_s = self.outage_s
        is_unplugged = begin_s <= self.clock.monotonic_s - self._start_s < end_s
        fails = (self._random.random() < SINGLE_SHARE) or is_unplugged
        self.failed += fails
        return fails


class Counts(NamedTuple):
    """What ten minutes came to. The retries are the transactions beyond one for each reading and failure."""

    readings: int
    transactions: int
    failures: int
    quarantines: int


class Soak(NamedTuple):
    """How a driver is soaked: its case, whose set-up is given the errors, and what the driver promises.

    A read makes up to `attempts`, `pause_s` apart, until one does not fail. Each consists of transactions, with so many
    seconds before each as `waits_s` says; the first that fails ends it. What is `left` safely takes as much at its end.
    A source that is asked no more often than every `least_s` is not asked by a read that comes sooner: that one finds
    nothing new, or the failure there was.
    """

    case: Callable[["Errors"], Case]
    interval_s: float = 5.0
    attempts: int = 1
    pause_s: float = 0.0
    waits_s: tuple[float, ...] = (0.0,)
    left: bool = False
    least_s: float = 0.0


def expected(soak: Soak, errors: Errors) -> Counts:
    """Work out what a soak must come to, from the promises alone."""
    clock = errors.clock
    readings = failures = quarantines = in_a_row = 0
    not_before_s = due_s = clock.monotonic_s
    end_s = due_s + 60 * MINUTES
    asked_s, is_well = -math.inf, True
    while due_s < end_s:
        clock.pass_time(max(0.0, due_s - clock.monotonic_s))
        if clock.monotonic_s >= not_before_s:
            is_asked = clock.monotonic_s >= asked_s + soak.least_s
            if is_asked:
                asked_s, is_well = clock.monotonic_s, _succeeds(soak, errors)
            if is_well:
                readings, in_a_row, not_before_s = readings + is_asked, 0, 0.0
            else:
                failures, in_a_row = failures + 1, in_a_row + 1
                quarantines += in_a_row >= 5
                not_before_s = clock.monotonic_s + _pause_s(in_a_row, soak.interval_s)
                if in_a_row >= 5 and soak.left:
                    _succeeds(soak, errors)
        due_s = max(due_s + soak.interval_s, clock.monotonic_s)
    if in_a_row < 5 and soak.left:
        _succeeds(soak, errors)
    return Counts(readings, errors.transactions, failures, quarantines)


def _pause_s(failures: int, interval_s: float) -> float:
    """Return for how long a driver is left alone after so many failures in a row."""
    return 60.0 if failures >= 5 else min(interval_s * 2 ** (failures - 1), 30.0) - interval_s / 2


def _succeeds(soak: Soak, errors: Errors) -> bool:
    for attempt in range(soak.attempts):
        if attempt:
            errors.clock.pass_time(soak.pause_s)
        if all(_passes(wait_s, errors) for wait_s in soak.waits_s):
            return True
    return False


def _passes(wait_s: float, errors: Errors) -> bool:
    errors.clock.pass_time(wait_s)
    return not errors()


class Site:
    """A node of the soaked driver on its bench."""

    def __init__(self, name: str, soak: Soak, path: Path, stack: ExitStack, threads: DaemonThreads) -> None:
        root = path / "root"
        root.mkdir()
        self.clock = ManualClock()
        self.errors = Errors(self.clock)
        self.wire = Wire()
        surroundings = Surroundings(
            path / "state", clock=self.clock, root=root, sleep=self.clock.pass_time, threads=threads
        )
        place = Place("FK", path / "state", self.clock.monotonic, root, self.clock.pass_time)
        trial = Trial(name, soak.case(self.errors), Bench(root / "source", place, self.clock, stack))
        trial.prepare()
        presence = Presence(
            "FK",
            60.0,
            bus=self.wire,
            clock=self.clock,
            spawn=_spawn,
            random_number=lambda _: 0,
            carry_out=_carry_out,
            give_way=lambda _: None,
        )
        node = Node(sensor=Sensor(codifier="FK"), driver=name, options=trial.options, interval_s=soak.interval_s)
        reach = Reach(Listening(), Gate(Mode.OFF), _spawn)
        self.sensing = Sensing(node, presence, surroundings, reach)


def _spawn(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(work, name=name)


async def _carry_out(command: ControlFrame) -> Code:
    raise AssertionError(command)


async def soaked(site: Site, interval_s: float) -> Counts:
    """Let ten minutes pass and count. Nothing waits: time passes when the driver waits, and between two reads."""
    supervisor = site.sensing._supervisor
    quarantines = 0
    due_s = site.clock.monotonic_s
    end_s = due_s + 60 * MINUTES
    reads_before = site.errors.transactions
    while due_s < end_s:
        site.clock.pass_time(max(0.0, due_s - site.clock.monotonic_s))
        failures = supervisor.failures
        await site.sensing.publish_now()
        quarantines += supervisor.failures > failures and supervisor.state is DriverState.QUARANTINED
        due_s = max(due_s + interval_s, site.clock.monotonic_s)
    await site.sensing.close()
    return Counts(_readings(site.wire), site.errors.transactions - reads_before, supervisor.failures, quarantines)


def _readings(wire: Wire) -> int:
    return sum(1 for frame in wire.take() if isinstance(frame, DataFrame) and frame.flag is not Flag.NUMBERING)
