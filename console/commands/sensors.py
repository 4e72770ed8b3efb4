import asyncio
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from agent.participant import Participant
from console import words
from console.commands.options import AsOption, ConfigOption, JsonOption, QuietOption, SecondsOption
from console.listening import Missing, judged, listen_until, never, node_state, readable
from console.output import Column, Output, Span, status_span, stdout, tell
from console.seat import Seat, take_seat
from protocol.members import NodeRecord, SensorRecord
from protocol.readings import Value

USUAL_WAIT_S: Final = 6.0  # a sensor's default interval and a second

COLUMNS: Final = (
    Column("codifier"),
    Column("value", right=True),
    Column("unit"),
    Column("status"),
    Column("age", right=True),
    Column("node"),
    Column("name"),
    Column("loss", right=True),
    Column("received", right=True),
    Column("missing", right=True),
    Column("late", right=True),
    Column("doubled", right=True),
    Column("bad", right=True),
    Column("renumbered", right=True),
    Column("sequence", right=True),
    Column("from"),
)


class SensorReport(NamedTuple):
    """All that was learned of a sensor; the names are the keys of the JSON (`address` is "from" in the table)."""

    codifier: str
    name: str
    node: str
    value: Value | None
    unit: str
    timestamp_ms: int | None
    age_s: float | None
    status: str
    received: int = 0
    missing: int = 0
    loss: float = 0.0
    late: int = 0
    duplicates: int = 0
    bad: int = 0
    renumbered: int = 0
    sequence: int | None = None
    address: str | None = None


def sensors(
    *,
    seconds: SecondsOption = None,
    json: JsonOption = False,
    config: ConfigOption = None,
    speak_as: AsOption = None,
    quiet: QuietOption = False,
) -> int:
    """Listen until all sensors of the configuration were heard, at most 6s, and print what is known of each.

    The counts begin when the command begins: `--seconds` gives them time.
    """
    seat = take_seat(config, speak_as, quiet=quiet)
    return asyncio.run(listen(seat, seconds, stdout(), json=json))


async def listen(seat: Seat, seconds: float | None, output: Output, *, json: bool) -> int:
    """Ping everybody, listen, print; fail when nothing was heard."""
    async with seat.join() as participant:
        expected = readable(seat.configuration)
        participant.ping()
        done = Missing(participant, expected) if expected and seconds is None else never
        await listen_until(participant, done, seconds or USUAL_WAIT_S)
        reports = survey(participant, expected)
        hidden = show(output, reports, json=json)
        output.flush()
        seat.say_how_it_went(participant, hidden)
        return conclude(reports)


def conclude(reports: Sequence[SensorReport]) -> int:
    """Return the exit code, and say when nothing came."""
    if any(one.received for one in reports):
        return 0
    tell(f"no reading was heard; {words.NOBODY_HEARD}")
    return 1


def survey(participant: Participant, expected: Sequence[str]) -> list[SensorReport]:
    """Return what is known: the expected sensors in the configuration's order, then all others that were heard."""
    roster = participant.roster
    others = sorted(record.codifier for record in roster.sensors.values() if record.tracker.received)
    codifiers = dict.fromkeys([*expected, *others])
    reports = [report(participant, roster.sensors[codifier]) for codifier in codifiers]
    return [*reports, *(announced(participant, record) for record in announcing(participant, codifiers))]


def announcing(participant: Participant, listed: Collection[str]) -> list[NodeRecord]:
    """Return the nodes that are there and have no readings, but for this program."""
    nodes = participant.configuration.nodes.values()
    silent = [node.codifier for node in nodes if not node.has_readings and node.codifier not in listed]
    records = [participant.roster.nodes[codifier] for codifier in silent if codifier != participant.codifier]
    return [record for record in records if record.heard_s is not None]


def announced(participant: Participant, record: NodeRecord) -> SensorReport:
    """Return what is known of a node without readings at this moment: whether it is there."""
    now_s = participant.clock.now().monotonic_s
    node = participant.configuration.nodes[record.codifier]
    return SensorReport(
        codifier=record.codifier,
        name=node.name,
        node=record.codifier,
        value=None,
        unit=node.unit,
        timestamp_ms=None,
        age_s=None,
        status=node_state(record, now_s),
        address=words.address(record.sender),
    )


def report(participant: Participant, record: SensorRecord) -> SensorReport:
    """Return what is known of one sensor at this moment."""
    now_s = participant.clock.now().monotonic_s
    sensor, tracker = participant.configuration.sensor(record.codifier), record.tracker
    return SensorReport(
        codifier=record.codifier,
        name=sensor.name if sensor else "",
        node=record.node,
        value=record.value,
        unit=sensor.unit if sensor else "",
        timestamp_ms=record.timestamp_ms,
        age_s=words.rounded(record.age_s(now_s)),
        status=judged(participant, record.codifier, now_s),
        received=tracker.received,
        missing=tracker.missing,
        loss=tracker.loss(),
        late=tracker.late,
        duplicates=tracker.duplicates,
        bad=record.bad,
        renumbered=tracker.renumbered,
        sequence=tracker.last,
        address=words.address(record.sender),
    )


def show(output: Output, reports: Sequence[SensorReport], *, json: bool) -> int:
    """Print the reports; return how many columns had no room."""
    if not json:
        return output.table(COLUMNS, [cells(report) for report in reports])
    for one in reports:
        output.json(one._asdict())
    return 0


def cells(one: SensorReport) -> list[Span]:
    """Return a sensor's row of the table."""
    return [
        one.codifier,
        words.reading(one.value),
        one.unit,
        status_span(one.status),
        words.age(one.age_s),
        one.node,
        one.name,
        words.share(one.loss),
        str(one.received),
        str(one.missing),
        str(one.late),
        str(one.duplicates),
        str(one.bad),
        str(one.renumbered),
        words.NOTHING if one.sequence is None else str(one.sequence),
        one.address or words.NOTHING,
    ]
