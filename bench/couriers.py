"""The programs at both ends of a journey: one sends readings, another takes them, over jph or over MQTT.

    python -m bench.couriers COURIER PLACES READINGS RATE_HZ

PLACES are the control and the data bus (239.192.71.1:7001,239.192.71.1:7002), or the broker. A rate of 0 is full speed.

Each prints `{}` when it is ready. A sender waits for a line on stdin, sends, and prints when it sent each reading; a
taker prints when it took each. All ways have the same values, and each taker keeps the last value of every sensor, as a
number where it is one. Over MQTT the payload is the bare value, or JSON with time and number.
"""

import asyncio
import json
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count, islice
from math import inf
from typing import Any, Final, NamedTuple

import msgspec

from agent.participant import Heard, Participant
from bench import load
from config.model import Configuration, Group, Network
from protocol.frames import Bus, Flag
from protocol.readings import Value

READINGS_PER_BREATH: Final = 64  # at higher rates than FAST_HZ the other work of a program has its turn so often
FAST_HZ: Final = 1000.0
LOOK_EVERY_S: Final = 0.02
SILENCE_S: Final = 2.0  # when nothing came for so long, the rest is lost
FIRST_PATIENCE_S: Final = 20.0
TOPICS: Final = "jph/#"

Publish = Callable[[str, Value], object]
Write = Callable[[Value], str]
Read = Callable[[bytes], Value]
Sent = Callable[[], Awaitable[None]]
"""Waits until nothing of what was published waits in this program any more."""


class Task(NamedTuple):
    """What is sent, and where."""

    places: tuple[Group, ...]
    readings: int
    rate_hz: float

    @property
    def network(self) -> Network:
        """Return the places as the two buses."""
        control, data = self.places
        return Network(control=control, data=data, interface="lo", ttl=1)


class Speaker(Participant):
    """A node that sends readings as an agent does: hearing only the control bus, each reading encoded and sent."""

    def publish(self, codifier: str, value: Value) -> None:
        """Send a reading."""
        self._presence.publish(codifier, value)


async def send_by_jph(task: Task) -> None:
    async def nothing_waits() -> None:
        """Return at once: the kernel has it all."""

    configuration = Configuration(network=task.network, nodes={})
    async with Speaker(configuration, "ZZ", listen=(Bus.CONTROL,)) as speaker:
        await _send(task, speaker.publish, nothing_waits)


async def take_by_jph(task: Task) -> None:
    taken_ns: list[int] = []

    def note(heard: Heard) -> None:
        if heard.frame.flag is not Flag.NUMBERING:
            taken_ns.append(time.monotonic_ns())

    async with Participant(Configuration(network=task.network, nodes={}), "ZY") as participant:
        participant.heard.append(note)
        _print({})
        watch = _Watch(task.readings, taken_ns)
        while not watch.is_over():  # noqa: ASYNC110 -- silence is no event
            await asyncio.sleep(LOOK_EVERY_S)
    _print({"ns": taken_ns, "cpu_ns": [watch.cpu_ns()]})


async def send_by_mqtt(task: Task, write: Write) -> None:
    with _connected(task) as client:

        async def nothing_waits() -> None:
            while client.want_write():  # noqa: ASYNC110 -- paho tells no event of it
                await asyncio.sleep(LOOK_EVERY_S)

        client.loop_start()
        await _send(task, lambda codifier, value: client.publish(f"jph/{codifier}", write(value)), nothing_waits)
        client.loop_stop()


async def take_by_mqtt(task: Task, read: Read) -> None:
    taken_ns: list[int] = []
    values: dict[str, Value] = {}

    def note(_client: Any, _user_data: Any, message: Any) -> None:
        values[message.topic] = read(message.payload)
        taken_ns.append(time.monotonic_ns())

    with _connected(task) as client:
        client.on_message = note
        client.on_subscribe = lambda *_: _print({})
        client.subscribe(TOPICS)
        watch = _Watch(task.readings, taken_ns)
        while not watch.is_over():
            client.loop(LOOK_EVERY_S)
    _print({"ns": taken_ns, "cpu_ns": [watch.cpu_ns()]})


def read_bare(payload: bytes) -> Value:
    """Read a payload that is the value and nothing else, as `str` writes it."""
    try:
        return float(payload)
    except ValueError:
        return payload.decode()


def json_writer() -> Write:
    """Return what writes a value with its time and a number, which a frame has as well."""
    numbers = count()

    def write(value: Value) -> str:
        return json.dumps({"value": value, "timestamp_ms": time.time_ns() // 1_000_000, "sequence": next(numbers)})

    return write


def read_json(payload: bytes) -> Value:
    """Read what `json_writer` writes."""
    value: Value = json.loads(payload)["value"]
    return value


async def _send(task: Task, publish: Publish, sent: Sent) -> None:
    names = load.codifiers(load.SENSORS)
    readings = [(names[place], value) for place, value in islice(load.values(), task.readings)]
    _print({})
    sys.stdin.readline()
    sent_ns: list[int] = []
    rate_hz = task.rate_hz or inf
    breath = 1 if rate_hz < FAST_HZ else READINGS_PER_BREATH
    begin_s, begin_ns = time.monotonic(), time.process_time_ns()
    for number, (codifier, value) in enumerate(readings):
        if number % breath == 0:
            await asyncio.sleep(begin_s + number / rate_hz - time.monotonic())
        sent_ns.append(time.monotonic_ns())
        publish(codifier, value)
    await sent()
    _print({"ns": sent_ns, "cpu_ns": [time.process_time_ns() - begin_ns]})


class _Watch:
    """Knows when nothing more will come."""

    def __init__(self, count: int, taken_ns: list[int]) -> None:
        self._count = count
        self._taken_ns = taken_ns
        self._last = 0
        self._until_s = time.monotonic() + FIRST_PATIENCE_S
        self._begin_ns = time.process_time_ns()

    def cpu_ns(self) -> int:
        """Return the processor time since this began to watch."""
        return time.process_time_ns() - self._begin_ns

    def is_over(self) -> bool:
        """Tell whether all came, or nothing for too long."""
        if len(self._taken_ns) > self._last:
            self._last = len(self._taken_ns)
            self._until_s = time.monotonic() + SILENCE_S
        return self._last >= self._count or time.monotonic() > self._until_s


def do_not_delay(_client: Any, _user_data: Any, opened: Any) -> None:
    """Send small messages at once: TCP would hold them back, which would cost MQTT 40 ms now and then."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@contextmanager
def _connected(task: Task) -> Iterator[Any]:
    """Connect to the broker."""
    from paho.mqtt.client import Client  # noqa: PLC0415 -- jph's side runs without it
    from paho.mqtt.enums import CallbackAPIVersion  # noqa: PLC0415

    client = Client(CallbackAPIVersion.VERSION2)
    client.on_socket_open = do_not_delay
    [broker] = task.places
    client.connect(broker.address, broker.port)
    try:
        while not client.is_connected():
            client.loop(LOOK_EVERY_S)
        yield client
    finally:
        client.disconnect()


def _print(document: dict[str, list[int]]) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(document) + b"\n")
    sys.stdout.buffer.flush()


COURIERS: Final[dict[str, Callable[[Task], Awaitable[None]]]] = {
    "jph-sender": send_by_jph,
    "jph-taker": take_by_jph,
    "mqtt-sender": partial(send_by_mqtt, write=str),
    "mqtt-taker": partial(take_by_mqtt, read=read_bare),
    "mqtt-json-sender": partial(send_by_mqtt, write=json_writer()),
    "mqtt-json-taker": partial(take_by_mqtt, read=read_json),
}


def main() -> None:
    name, places, readings, rate_hz = sys.argv[1:]
    task = Task(tuple(map(_group, places.split(","))), int(readings), float(rate_hz))
    asyncio.run(_run(COURIERS[name], task))


def _group(place: str) -> Group:
    address, _, port = place.rpartition(":")
    return Group(address, int(port))


async def _run(courier: Callable[[Task], Awaitable[None]], task: Task) -> None:
    await courier(task)


if __name__ == "__main__":
    main()
