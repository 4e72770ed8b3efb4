"""The same readings over jph and over MQTT with QoS 0: a sender and a taker, each a process, on one machine.

MQTT is mosquitto and paho, with TCP_NODELAY on every connection. Its payload is the bare value, which is the best that
can be done for it, and for comparison JSON that says as much as a frame of jph's: value, time and number.
"""

import shutil
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from bench import load, processes
from bench.figures import CannotMeasureError, Figure, Measurement, Samples, at_least, at_most, ratios
from bench.rounds import alternate
from config.model import Group

FIGURES: Final = (
    Figure("speedup", "", "readings/s end to end, jph's divided by MQTT's", at_least(5)),
    Figure("speedup_json", "", "the same against MQTT with time and number in JSON, as jph's frames have them"),
    Figure("latency_ratio", "", "median latency, jph's divided by MQTT's", at_most(1)),
    Figure("jph_readings_per_s", "readings/s", "jph, sender to taker at full speed"),
    Figure("mqtt_readings_per_s", "readings/s", "MQTT, the same"),
    Figure("mqtt_json_readings_per_s", "readings/s", "MQTT with JSON"),
    Figure("jph_lost", "readings", "of them lost, jph"),
    Figure("mqtt_lost", "readings", "of them lost, MQTT"),
    Figure("jph_cpu_us", "us/reading", "processor time of all processes for a reading, jph: sender and taker"),
    Figure("mqtt_cpu_us", "us/reading", "MQTT: sender, broker and taker"),
    Figure("jph_latency_ms", "ms", "jph, median from sender to taker at 200 readings/s"),
    Figure("mqtt_latency_ms", "ms", "MQTT, the same"),
    Figure("jph_latency_p99_ms", "ms", "jph, the latency that one in a hundred exceeds"),
    Figure("mqtt_latency_p99_ms", "ms", "MQTT, the same"),
)

LOOPBACK: Final = "127.0.0.1"
FULL_SPEED: Final = 0.0
MODERATE_HZ: Final = 200.0
BROKER_PATIENCE_S: Final = 10.0
KNOCK_EVERY_S: Final = 0.02

CONFIGURATION: Final = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 0
set_tcp_nodelay true
log_type none
"""


class Extent(NamedTuple):
    """How much is measured."""

    rounds: int
    readings: int
    moderate_rounds: int
    moderate_readings: int


class Journey(NamedTuple):
    """When each reading was sent, and when each that arrived was taken, in ns of the same clock."""

    sent_ns: list[int]
    taken_ns: list[int]
    cpu_ns: int

    @property
    def cpu_us(self) -> float:
        """Return the processor time that a reading took, in all processes together."""
        return self.cpu_ns / len(self.sent_ns) / 1000

    @property
    def readings_per_s(self) -> float:
        """Return how many arrived in a second, from the first that was sent to the last that was taken."""
        return len(self.taken_ns) / (self.taken_ns[-1] - self.sent_ns[0]) * 1e9

    @property
    def lost(self) -> int:
        """Return how many did not arrive."""
        return len(self.sent_ns) - len(self.taken_ns)

    def latency_ms(self, percentile: int) -> float:
        """Return the time from sending to taking that so many of a hundred readings stay below; none may be lost."""
        if self.lost:
            raise CannotMeasureError(f"{self.lost} of {len(self.sent_ns)} readings were lost at {MODERATE_HZ:g}/s")
        delays_ns = [taken - sent for sent, taken in zip(self.sent_ns, self.taken_ns, strict=True)]
        return statistics.quantiles(delays_ns, n=100)[percentile - 1] / 1e6


class Way(NamedTuple):
    """How readings travel: the couriers' name, what they are told, and the process in between if there is one."""

    name: str
    places: tuple[Group, ...]
    broker: int | None = None


def measure(extent: Extent) -> Samples:
    """Return the samples of FIGURES."""
    with load.loopback_network() as network, broker() as mqtt:
        jph = Way("jph", (network.control, network.data))
        ways = (jph, mqtt, mqtt._replace(name="mqtt-json"))
        fast = _alternate(ways, extent.rounds, extent.readings, FULL_SPEED)
        moderate = _alternate((jph, mqtt), extent.moderate_rounds, extent.moderate_readings, MODERATE_HZ)
    return _samples(fast, moderate)


def _alternate(ways: tuple[Way, ...], rounds: int, readings: int, rate_hz: float) -> dict[str, list[Journey]]:
    journeys = {way.name: partial(travel, way, readings, rate_hz) for way in ways}
    return alternate(rounds, journeys, warm_up=False)  # each journey begins with new processes


def _samples(fast: dict[str, list[Journey]], moderate: dict[str, list[Journey]]) -> Samples:
    speed = {way: [journey.readings_per_s for journey in journeys] for way, journeys in fast.items()}
    median_ms = {way: [journey.latency_ms(50) for journey in journeys] for way, journeys in moderate.items()}
    return {
        "speedup": ratios(speed["jph"], speed["mqtt"]),
        "speedup_json": ratios(speed["jph"], speed["mqtt-json"]),
        "latency_ratio": ratios(median_ms["jph"], median_ms["mqtt"]),
        "mqtt_json_readings_per_s": speed["mqtt-json"],
        **{f"{way}_readings_per_s": speed[way] for way in moderate},
        **{f"{way}_lost": [journey.lost for journey in fast[way]] for way in moderate},
        **{f"{way}_cpu_us": [journey.cpu_us for journey in fast[way]] for way in moderate},
        **{f"{way}_latency_ms": values for way, values in median_ms.items()},
        **{f"{way}_latency_p99_ms": [journey.latency_ms(99) for journey in moderate[way]] for way in moderate},
    }


def travel(way: Way, readings: int, rate_hz: float) -> Journey:
    """Send so many readings from one new process to another; a rate of 0 is full speed."""
    with ExitStack() as stack:
        taker = stack.enter_context(processes.courier(f"{way.name}-taker", way.places, readings, rate_hz))
        taker.hear()
        sender = stack.enter_context(processes.courier(f"{way.name}-sender", way.places, readings, rate_hz))
        sender.hear()
        broker_s = _cpu_s(way.broker)
        sender.go()
        sent, taken = sender.hear(), taker.hear()
    if not taken["ns"]:
        raise CannotMeasureError(f"nothing arrived over {way.name}")
    between_ns = (_cpu_s(way.broker) - broker_s) * 1e9
    return Journey(sent["ns"], taken["ns"], sent["cpu_ns"][0] + taken["cpu_ns"][0] + int(between_ns))


def _cpu_s(pid: int | None) -> float:
    return 0.0 if pid is None else processes.cpu_s(pid)


@contextmanager
def broker() -> Iterator[Way]:
    """Run mosquitto on a free port of loopback, and give the way over it."""
    port = _free_port()
    with TemporaryDirectory() as directory:
        configuration = Path(directory, "mosquitto.conf")
        configuration.write_text(CONFIGURATION.format(port=port), "utf-8")
        with processes.running([mosquitto(), "-c", configuration]) as program:
            _await_broker(port, program)
            yield Way("mqtt", (Group(LOOPBACK, port),), program.pid)


def mosquitto() -> str:
    """Return where mosquitto is: Debian has it where not every user's PATH looks."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise CannotMeasureError("mosquitto is not installed", "apt-get install mosquitto")
    return found


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


def _await_broker(port: int, program: processes.Running) -> None:
    until_s = time.monotonic() + BROKER_PATIENCE_S
    while time.monotonic() < until_s:
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
        except ConnectionRefusedError:
            time.sleep(KNOCK_EVERY_S)
        else:
            return
    raise CannotMeasureError(f"mosquitto does not listen: {program.last_words()}")


MEASUREMENT: Final = Measurement(
    "mqtt",
    "Against MQTT: mosquitto and paho, QoS 0, the same values",
    FIGURES,
    partial(measure, Extent(rounds=5, readings=40_000, moderate_rounds=3, moderate_readings=500)),
    partial(measure, Extent(rounds=1, readings=200, moderate_rounds=1, moderate_readings=20)),
)
