import asyncio
from collections.abc import Sequence
from typing import Annotated, Final, NamedTuple

import typer

from agent.participant import Participant
from console import words
from console.addressees import remark_on_strangers
from console.commands.options import AsOption, ConfigOption, JsonOption, QuietOption, SomeCodifiers, duration
from console.listening import Missing, is_node_there, judged, listen_until, never, readable, usual_wait_s
from console.output import Column, Output, Span, status_span, stdout, tell
from console.seat import Seat, take_seat
from protocol.members import Status
from protocol.readings import Value

COLUMNS: Final = (
    Column("codifier"),
    Column("value", right=True),
    Column("unit"),
    Column("status"),
    Column("age", right=True),
    Column("name"),
)


class Got(NamedTuple):
    """What is known of a sensor's last value; the names are the keys of the JSON but for the last.

    `node_is_there` tells whether anything was heard of the node that sends its readings.
    """

    codifier: str
    name: str
    value: Value | None
    unit: str
    timestamp_ms: int | None
    age_s: float | None
    status: str
    node_is_there: bool


def get(
    codifiers: SomeCodifiers = None,
    *,
    timeout: Annotated[
        float | None,
        typer.Option(
            metavar="DURATION", parser=duration, help="Wait at most so long; else 6s, or the sensors' interval."
        ),
    ] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
    speak_as: AsOption = None,
    quiet: QuietOption = False,
) -> int:
    """Wait until each of them was heard; fail (exit code 1) when one was not heard in time.

    A sensor whose node says that it is halted is not waited for. Alarms are judged by the reading that was heard, also
    those that take several `hits`. Without configuration everything is printed that
    was heard until the time is over.
    """
    seat = take_seat(config, speak_as, quiet=quiet)
    named = list(dict.fromkeys(codifiers or ()))
    remark_on_strangers(seat.configuration, named)
    wait_s = timeout or usual_wait_s(seat.configuration, named)
    got = asyncio.run(listen(seat, named or readable(seat.configuration), wait_s))
    show(stdout(), got, json=json)
    return conclude(got, wait_s)


async def listen(seat: Seat, wanted: Sequence[str], wait_s: float) -> list[Got]:
    """Return what is known of the wanted sensors once all were heard or the time is over; without any, of all heard."""
    async with seat.join() as participant:
        missing = Missing(participant, wanted)
        if wanted:
            missing.ask_for_state(participant)
        await listen_until(participant, missing if wanted else never, wait_s)
        return [known(participant, codifier) for codifier in wanted or heard(participant)]


def heard(participant: Participant) -> list[str]:
    """Return the sensors of which a value is known."""
    return sorted(sensor.codifier for sensor in participant.roster.sensors.values() if sensor.heard_s is not None)


def known(participant: Participant, codifier: str) -> Got:
    """Return what is known of a sensor at this moment."""
    now_s = participant.clock.now().monotonic_s
    sensor = participant.configuration.sensor(codifier)
    record = participant.roster.sensors.get(codifier)
    return Got(
        codifier=codifier,
        name=sensor.name if sensor else "",
        value=record.value if record else None,
        unit=sensor.unit if sensor else "",
        timestamp_ms=record.timestamp_ms if record else None,
        age_s=words.rounded(record.age_s(now_s)) if record else None,
        status=judged(participant, codifier, now_s),
        node_is_there=is_node_there(participant, codifier),
    )


def show(output: Output, got: Sequence[Got], *, json: bool) -> None:
    """Print the last values."""
    if not json:
        output.table(COLUMNS, [cells(sensor) for sensor in got])
        return
    for sensor in got:
        document = sensor._asdict()
        del document["node_is_there"]
        output.json(document)


def cells(got: Got) -> list[Span]:
    """Return a sensor's row of the table."""
    return [got.codifier, words.reading(got.value), got.unit, status_span(got.status), words.age(got.age_s), got.name]


def conclude(got: Sequence[Got], wait_s: float) -> int:
    """Return the exit code, and say of which sensors there is no value."""
    empty = [sensor for sensor in got if sensor.value is None]
    halted = [sensor.codifier for sensor in empty if sensor.status == Status.HALTED]
    failing = [sensor.codifier for sensor in empty if sensor.status != Status.HALTED and sensor.node_is_there]
    silent = [sensor.codifier for sensor in empty if sensor.status != Status.HALTED and not sensor.node_is_there]
    if halted:
        tell(f"halted, `jph start` lets them send: {words.listed(halted)}")
    if failing:
        tell(
            f"no reading within {words.age(wait_s)}: {words.listed(failing)}; "
            "the node is there and may not be able to read it: see its log"
        )
    if silent:
        tell(f"not heard within {words.age(wait_s)}: {words.listed(silent)}; `jph nodes` tells who is there")
    if not got:
        tell(f"nothing was heard within {words.age(wait_s)}; {words.NOBODY_HEARD}")
    return 1 if empty or not got else 0
