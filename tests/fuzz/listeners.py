"""What hears everything for as long as it runs: the roster, and what asks for readings that did not arrive."""

from collections import Counter
from collections.abc import Callable, Iterable
from math import isnan
from typing import Final

from protocol.accounts import MAX_UNTAKEN_HOURS, Account
from protocol.alarms import Alarms, Condition
from protocol.codifiers import EVERYBODY
from protocol.events import Event
from protocol.frames import ControlFrame, DataFrame, Flag
from protocol.holes import NO_HOUR_MS
from protocol.instants import Instant
from protocol.patience import MAX_RANGES
from protocol.profiles import NodeProfile, SensorProfile
from protocol.repair import MAX_HOLES, MAX_SENSORS, SINK_RANGES, Repairs
from protocol.requests import MAX_REQUESTED
from protocol.roster import MAX_PINGS_TO_UNKNOWN, MAX_UNEXPECTED, Roster
from protocol.roundtrips import KEPT_ROUND_TRIPS, MAX_OUTSTANDING, OFFSET_SAMPLES
from protocol.sequences import MODULUS
from protocol.tracking import MAX_GAPS
from protocol.wanted import MAX_GIVEN_UP
from tests.fuzz.promises import promise
from tests.fuzz.tape import Tape
from tests.fuzz.traffic import NUMBERS, SENDERS, WALL_MS, frames, time_passes

START: Final = Instant(100.0, WALL_MS)
ALARMS: Final = Alarms(Condition(">", 70), Condition("==", 0), hits=2)
NODES: Final = (NodeProfile("C1", 60.0), NodeProfile("CC", operator=True))
SENSORS: Final = (SensorProfile("C1", "C1", 20.0, ALARMS), SensorProfile("F2", "C1"))


# The roster


def watch_any(data: bytes) -> None:
    """Let a roster hear whatever comes, be pinged and asked, while clocks are set."""
    tape, roster, now = Tape(data), Roster(NODES, SENSORS), START
    while not tape.ended:
        now = time_passes(tape, now)
        for event in tape.pick(ROSTER_MOVES)(roster, tape, now):
            promise(event.detail.isprintable(), f"an event that cannot be shown: {event}")
    _check_roster(roster, now)


def _hear(roster: Roster, tape: Tape, now: Instant) -> Iterable[Event]:
    sender = tape.pick(SENDERS)
    return [event for frame in frames(tape) for event in roster.hear(frame, sender, now)]


def _tick(roster: Roster, _: Tape, now: Instant) -> Iterable[Event]:
    return roster.tick(now)


def _ping(roster: Roster, tape: Tape, now: Instant) -> Iterable[Event]:
    codifier, number = tape.pick(("C1", "F2", EVERYBODY)), tape.pick((now.wall_ms, *NUMBERS))
    for _ in range(tape.run_length()):
        roster.pinged(codifier, number, now)
    return ()


ROSTER_MOVES: Final[tuple[Callable[[Roster, Tape, Instant], Iterable[Event]], ...]] = (
    _hear,
    _hear,
    _hear,
    _tick,
    _ping,
)


def _check_roster(roster: Roster, now: Instant) -> None:
    records = [*roster.nodes.values(), *roster.sensors.values()]
    promise(len(records) <= MAX_UNEXPECTED + len(NODES) + len(SENSORS), f"{len(records)} records")
    promise(len(roster._pings_to_unknown) <= MAX_PINGS_TO_UNKNOWN, "pings to unknown nodes")
    for record in records:
        tracker = record.tracker
        promise(min(tracker.missing, tracker.received, tracker.duplicates) >= 0, "counted below zero")
        promise(0 <= tracker.loss() <= 1, f"a loss of {tracker.loss()}")
        promise(len(tracker._gaps) <= MAX_GAPS, f"{len(tracker._gaps)} gaps")
    for node in roster.nodes.values():
        promise(len(node.round_trips._outstanding) <= MAX_OUTSTANDING, "pings that wait")
        promise(len(node.round_trips._recent or ()) <= KEPT_ROUND_TRIPS, "round trips")
        promise(len(node.round_trips._offsets) <= OFFSET_SAMPLES, "offsets")
        node.round_trips.summary()
    for sensor in roster.sensors.values():
        age_s = sensor.age_s(now.monotonic_s)
        promise(age_s is None or age_s >= 0, f"an age of {age_s}")


# Repair


def repair_any(data: bytes) -> None:
    """Let a receiver hear and ask, be answered and refused, stop and go on; its accounts add up all the while."""
    tape, now = Tape(data), START
    random = Tape(data)
    repairs = Repairs(tape.pick((SINK_RANGES, 2)), lambda: random.number() / 256, tape.pick((0, 64)))
    accounts: list[Account] = []
    while not tape.ended:
        now = time_passes(tape, now)
        tape.pick(REPAIR_MOVES)(repairs, tape, now)
        accounts += repairs.accounts() if tape.number() < 64 else ()
    _check_repairs(repairs, [*accounts, *repairs.accounts()])


def _listen(repairs: Repairs, tape: Tape, now: Instant) -> None:
    asked = tape.number() < 64
    for frame in frames(tape):
        if isinstance(frame, DataFrame):
            repairs.hear(frame, now, asked=asked)
        elif frame.flag is Flag.UNAVAILABLE:
            repairs.unavailable(frame, now)


def _ask(repairs: Repairs, tape: Tape, now: Instant) -> None:
    """Ask for what is due, and have some of it answered and some refused."""
    for codifier, first, count in repairs.requests(now):
        promise(1 <= count <= MAX_REQUESTED and first in range(MODULUS), f"a request for {count} from {first} on")
        if tape.ended:
            continue
        sequence = first + tape.number() % (count + 1)
        answer = DataFrame(sequence % MODULUS, int(now.wall_ms), Flag.INTEGER, codifier, EVERYBODY, 7)
        refusal = ControlFrame(0, 0, Flag.UNAVAILABLE, codifier, EVERYBODY, float(first + tape.number() * 2**32), True)
        if tape.number() % 2:
            repairs.hear(answer, now, asked=True)
        else:
            repairs.unavailable(refusal, now)


def _ask_back(repairs: Repairs, tape: Tape, _: Instant) -> None:
    repairs.ask_back(tape.pick(("C1", "F2")), tape.number(3))


def _go_on(repairs: Repairs, _: Tape, now: Instant) -> None:
    """Continue elsewhere from where this one stands."""
    again = Repairs(SINK_RANGES, lambda: 0.0, 64)
    again.resume(repairs.progress())
    again.requests(now)


REPAIR_MOVES: Final[tuple[Callable[[Repairs, Tape, Instant], None], ...]] = (_listen, _listen, _ask, _ask_back, _go_on)


def _check_repairs(repairs: Repairs, accounts: list[Account]) -> None:
    wanted = {codifier: sensor.wanted for codifier, sensor in repairs._sensors.items()}
    pending: Counter[str] = Counter()
    for account in accounts:
        pending[account.codifier] += account.pending
    promise(len(wanted) <= MAX_SENSORS, f"{len(wanted)} sensors")
    for codifier, one in wanted.items():
        missing = sum(count for _, count, hour_ms in one.kept() if hour_ms != NO_HOUR_MS)
        promise(pending[codifier] == missing, f"{pending[codifier]} of {codifier} are pending, {missing} are missing")
        promise(len(one._holes) <= MAX_HOLES + MAX_RANGES, f"{len(one._holes)} holes")
        promise(len(one._given_up) <= MAX_GIVEN_UP, f"{len(one._given_up)} ranges that were given up")
        promise(len(repairs._ledger._pages.get(codifier, ())) <= MAX_UNTAKEN_HOURS, "hours that nobody took")
    promise(repairs._holes == sum(len(one._holes) for one in wanted.values()), "the holes are counted wrongly")
    promise(0 <= repairs._under_way <= repairs.max_ranges, f"{repairs._under_way} requests are under way")
    promise(not isnan(repairs.due_s), "due at no time")
