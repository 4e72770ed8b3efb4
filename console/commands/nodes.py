import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from agent.participant import Heard, Participant
from console import words
from console.commands.options import AsOption, ConfigOption, JsonOption, QuietOption, SecondsOption
from console.listening import listen_until, node_state
from console.output import Column, Output, Span, plain, status_span, stdout, tell
from console.seat import Seat, take_seat
from protocol.frames import ControlFrame
from protocol.gate import Mode
from protocol.members import NodeRecord
from protocol.troubles import Said, Trouble

USUAL_WAIT_S: Final = 2.0  # an answer to a ping takes milliseconds
STRANGERS_WAIT_S: Final = 0.3  # for nodes that no configuration names, when all the others have answered

COLUMNS: Final = (
    Column("codifier"),
    Column("state"),
    Column("trouble"),
    Column("name"),
    Column("host"),
    Column("round trip", right=True),
    Column("clock", right=True),
    Column("sensors", right=True),
    Column("loss", right=True),
    Column("key", right=True),
    Column("from"),
    Column("started", right=True),
    Column("configured", right=True),
    Column("rivals", right=True),
)
SELDOM: Final = frozenset({"trouble", "key", "started", "configured", "rivals"})


class NodeReport(NamedTuple):
    """All that was learned of a node; the names are the keys of the JSON.

    `state` is alive, halted, gone or unheard. `started_ms` is when its start was heard here and `config_time_ms` when
    it read its configuration, on its clock: both are known only of nodes that said so while this program listened.
    `troubles` is what the node says is wrong with it. `key_id` is that of the tags of what it says, 0 without tags, and
    None where nobody looks at them.
    """

    codifier: str
    name: str
    host: str
    state: str
    address: str | None
    rtt_ms: float | None
    offset_ms: float | None
    started_ms: int | None
    config_time_ms: int | None
    sensors: int
    loss: float
    rivals: int
    key_id: int | None = None
    troubles: tuple[Said, ...] = ()
    spool_bytes_per_day: int | None = None


def nodes(
    *,
    seconds: SecondsOption = None,
    json: JsonOption = False,
    config: ConfigOption = None,
    speak_as: AsOption = None,
    quiet: QuietOption = False,
) -> int:
    """Ping everybody, listen until all nodes of the configuration have answered, at most 2s, and print each.

    The loss is that of the frames on the control bus since the command began: `--seconds` gives it time, and lets
    nodes say when they started and read their configuration.
    """
    seat = take_seat(config, speak_as, quiet=quiet)
    return asyncio.run(listen(seat, seconds, stdout(), json=json))


async def listen(seat: Seat, seconds: float | None, output: Output, *, json: bool) -> int:
    """Ping, listen, print; fail when no node was heard."""
    async with seat.join() as participant:
        participant.ping()
        await hear_all(participant, seconds)
        reports = survey(participant)
        hidden = show(output, reports, json=json)
        output.flush()
        seat.say_how_it_went(participant, hidden)
        return conclude(reports)


def conclude(reports: Sequence[NodeReport]) -> int:
    """Return the exit code, and say when nobody is there."""
    if any(one.state != "unheard" for one in reports):
        return 0
    tell(f"no node was heard; {words.NOBODY_HEARD}")
    return 1


async def hear_all(participant: Participant, seconds: float | None) -> None:
    """Listen until each expected node was heard, or for so many seconds."""
    silent = {node.codifier for node in participant.configuration.nodes.values() if not node.is_operator}

    def all_heard(heard: Heard) -> bool:
        if isinstance(heard.frame, ControlFrame):
            silent.discard(heard.frame.source)
        return not silent

    if seconds is not None or not silent:
        await asyncio.sleep(seconds or USUAL_WAIT_S)
    elif await listen_until(participant, all_heard, USUAL_WAIT_S):
        await asyncio.sleep(STRANGERS_WAIT_S)


def survey(participant: Participant) -> list[NodeReport]:
    """Return what is known of each node but this program: those of the configuration, then the others heard.

    A codifier for operators is a node only as long as an operator's program speaks under it.
    """
    configured, known = participant.configuration.nodes, participant.roster.nodes
    codifiers = [*configured, *sorted(codifier for codifier in known if codifier not in configured)]
    records = [known[codifier] for codifier in codifiers if codifier != participant.codifier]
    return [report(participant, record) for record in records if record.heard_s is not None or not record.operator]


def report(participant: Participant, record: NodeRecord) -> NodeReport:
    """Return what is known of one node at this moment."""
    node = participant.configuration.nodes.get(record.codifier)
    now_s = participant.clock.now().monotonic_s
    spool_kib = record.diagnosed.measured(Trouble.SPOOL_WRITES, now_s)
    return NodeReport(
        codifier=record.codifier,
        name=node.name if node else "",
        host=(node.host if node else None) or "",
        state=node_state(record, now_s),
        address=words.address(record.sender),
        rtt_ms=words.rounded(record.round_trips.last_ms),
        offset_ms=words.rounded(record.round_trips.offset_ms),
        started_ms=words.whole(record.started_wall_ms),
        config_time_ms=words.whole(record.config_time_ms),
        sensors=sum(1 for sensor in participant.roster.sensors.values() if sensor.node == record.codifier),
        loss=record.tracker.loss(),
        rivals=record.rivals,
        key_id=None if participant.gate.mode is Mode.OFF else record.key_id,
        troubles=record.diagnosed.troubles(now_s),
        spool_bytes_per_day=None if spool_kib is None else 1024 * spool_kib,
    )


def show(output: Output, reports: Sequence[NodeReport], *, json: bool) -> int:
    """Print the reports; return how many columns had no room."""
    if not json:
        return output.table(*told(COLUMNS, [cells(report) for report in reports]))
    for one in reports:
        output.json(one._asdict() | {"troubles": [_document(said) for said in one.troubles]})
    return 0


def key_span(key_id: int | None) -> Span:
    """Say with which key somebody tags what they say."""
    return ("unsigned", "bold yellow") if key_id == 0 else words.NOTHING if key_id is None else str(key_id)


def _troubles_span(troubles: Sequence[Said]) -> Span:
    return ("; ".join(said.text for said in troubles), "bold red") if troubles else words.NOTHING


def _document(said: Said) -> dict[str, object]:
    return {"code": said.code, "text": said.text, "amount": said.amount}


def told(columns: Sequence[Column], rows: Sequence[list[Span]]) -> tuple[list[Column], list[list[Span]]]:
    """Leave out the columns of what nodes say seldom, unless one of them has just said it."""
    shown = [
        place
        for place, column in enumerate(columns)
        if column.heading not in SELDOM or any(plain(row[place]) not in (words.NOTHING, "0") for row in rows)
    ]
    return [columns[place] for place in shown], [[row[place] for place in shown] for row in rows]


def cells(one: NodeReport) -> list[Span]:
    """Return a node's row of the table."""
    return [
        one.codifier,
        status_span(one.state),
        _troubles_span(one.troubles),
        one.name,
        one.host,
        words.milliseconds(one.rtt_ms),
        words.milliseconds(one.offset_ms, signed=True),
        str(one.sensors),
        words.share(one.loss),
        key_span(one.key_id),
        one.address or words.NOTHING,
        words.clock_time(one.started_ms),
        words.date_and_time(one.config_time_ms),
        str(one.rivals),
    ]
