"""A network for tests of the console: a real roster and observer, fed with frames at times that a test decides."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from agent.orders import Answer
from agent.profiles import profiles
from config.model import Configuration, Network, Node, Sensor
from console.screen.catalogue import Catalogue
from console.screen.model import Model
from console.screen.observer import Batch, BusFacts, Observer
from console.screen.traces import Point
from drivers.control import ControlOptions
from protocol.alarms import Alarms, Condition
from protocol.commands import Code
from protocol.events import Event
from protocol.frames import ControlFrame, Flag, reading_frame
from protocol.instants import Instant
from protocol.members import Sender
from protocol.readings import Attributes, Reading, Value
from protocol.repair import CONSOLE_PATIENCE, CONSOLE_RANGES, Repairs
from protocol.roster import Roster
from protocol.troubles import Said
from storage.sqlite import SqliteOptions
from tests.protocol.holders import refusal

START: Final = Instant(1_000.0, 1_700_000_000_000.0)
ADDRESSES: Final[Mapping[str, Sender]] = {"C1": ("10.0.0.1", 4101), "F1": ("10.0.0.2", 4201)}
ELSEWHERE: Final[Sender] = ("10.0.0.9", 4900)


RANGE: Final = ControlOptions(default=30, min=0, max=100, step=0.5)


def sensor(codifier: str, name: str = "", unit: str = "", alarms: Alarms | None = None) -> Sensor:
    """Describe a sensor."""
    return Sensor(codifier=codifier, name=name, unit=unit, timeout_s=20.0, alarms=alarms)


def small_network(network: Network | None = None) -> Configuration:
    """Return the configuration of most tests: two single sensors, a node with a proxy, an actuator, the operator."""
    hot = Alarms(Condition(">", 70.0), Condition(">", 80.0))
    nodes = (
        Node(sensor=sensor("C1", "kastpi CPU", "°C", hot), driver="pipe", host="kastpi"),
        Node(sensor=sensor("C2", "kitchen CPU", "°C", hot), driver="pipe", host="kitchen"),
        Node(
            sensor=sensor("F1", "Room temperature", "°C"),
            driver="dht",
            host="kastpi",
            proxies=(sensor("F2", "Room humidity", "%"),),
        ),
        Node(sensor=sensor("FK", "Fan", "%"), driver="control", control=True, options=RANGE),
        Node(sensor=sensor("CC", "Operator"), driver="console"),
    )
    return Configuration(
        network=network or Network(), nodes={node.codifier: node for node in nodes}, source="/etc/jph/plant.yaml"
    )


def patient_network(alarms: Alarms) -> Configuration:
    """Return the configuration of a network with one sensor, C1, and its alarms."""
    return Configuration(nodes={"C1": Node(sensor=sensor("C1", alarms=alarms), driver="pipe")})


def storing_network(path: Path) -> Configuration:
    """Return the configuration of a network with a node that stores readings in a file."""
    node = Node(sensor=sensor("Q1"), driver="sqlite", options=SqliteOptions(path=str(path)))
    return Configuration(nodes={"Q1": node})


class Feed:
    """Stands where the bus's thread stands: takes frames and pings, gives batches and points."""

    codifier = "CC"

    def __init__(self, configuration: Configuration | None = None) -> None:
        self.configuration = configuration or small_network()
        self.now = START
        self.roster = Roster(*profiles(self.configuration))
        self.observer = Observer(self.roster, self.now)
        self.repairs = Repairs(CONSOLE_RANGES, lambda: 0.0, gives_up_after=CONSOLE_PATIENCE)
        self.facts = BusFacts(description="lo (127.0.0.1), control 239.192.71.1:7001, data 239.192.71.1:7002")
        self.commands: list[tuple[Flag, str, float]] = []
        self.pings: list[str] = []
        self.wanted_since_ms: dict[str, float | None] = {}
        self.code: Code | None = Code.TAKEN
        self._sequences: dict[tuple[str, bool, int], int] = {}

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now = Instant(self.now.monotonic_s + seconds, self.now.wall_ms + seconds * 1000)

    def reading(self, codifier: str, value: Value, attributes: Attributes | None = None, lost: int = 0) -> None:
        """Hear the next reading of a sensor, after `lost` ones that were not heard."""
        sequence = self._next(codifier, data=True, lost=lost)
        reading = Reading(codifier, int(self.now.wall_ms), sequence, value, attributes)
        frame = reading_frame(reading)
        events = self.roster.hear_data(frame, ADDRESSES.get(codifier, ELSEWHERE), self.now)
        self.repairs.hear(frame, self.now, asked=False)
        self.observer.heard(frame, self.now, events)

    def ask_back(self, codifier: str, count: int) -> None:
        """Ask a sensor's agent for the readings before the first one that was heard."""
        self.repairs.reach_back(codifier, count)

    def answer(self, codifier: str, value: Value, back: int, age_s: float) -> None:
        """Receive the reading that was sent `back` numbers and `age_s` before the newest, if it is missing."""
        while self.repairs.requests(self.now):
            self.wait(0.001)
        newest = self._sequences[codifier, True, 100]
        reading = Reading(codifier, int(self.now.wall_ms - age_s * 1000), newest - back, value)
        frame = reading_frame(reading)
        if self.repairs.hear(frame, self.now, asked=True) is not None:
            self.observer.answered(frame)

    def control(
        self,
        flag: Flag,
        codifier: str,
        number: float = 0.0,
        *,
        destination: str = "@@",
        active: bool = True,
        sender: Sender | None = None,
        key_id: int = 0,
    ) -> tuple[Event, ...]:
        """Hear a control frame, tagged under a key id."""
        usual = ADDRESSES.get(codifier, ELSEWHERE)
        sender = sender or usual
        sequence = self._next(codifier, data=False, first=100 if sender == usual else 5_000_000)
        tag = bytes((key_id, *bytes(6)))
        frame = ControlFrame(sequence, int(self.now.wall_ms), flag, codifier, destination, number, active, tag)
        return self._hear(frame, sender)

    def refuse(self, kind: str, flag: Flag, codifier: str, destination: str, sender: Sender) -> None:
        """Hear a control frame that is not believed."""
        frame = ControlFrame(7, int(self.now.wall_ms), flag, codifier, destination, 0.0, active=True)
        error, _ = refusal(kind, frame)
        self.roster.refuse(error, sender)

    def diagnosis(self, codifier: str, code: int, amount: int = 0) -> tuple[Event, ...]:
        """Hear a node say how it is."""
        return self.control(Flag.DIAGNOSIS, codifier, Said(code, amount).packed())

    def repeat(self, flag: Flag, codifier: str, sequence: int, number: float, *, destination: str) -> None:
        """Hear the command with this sequence, once more if it was heard before: repeats are the identical frame."""
        frame = ControlFrame(sequence, int(START.wall_ms), flag, codifier, destination, number, True)
        self._hear(frame, ADDRESSES.get(codifier, ELSEWHERE))

    def _hear(self, frame: ControlFrame, sender: Sender) -> tuple[Event, ...]:
        events = self.roster.hear_control(frame, sender, self.now)
        self.observer.heard(frame, self.now, events)
        return events

    def pong(self, codifier: str, round_trip_ms: float) -> None:
        """Ping a node and hear its answer so much later."""
        number = self.now.wall_ms
        self.roster.pinged(codifier, number, self.now)
        self.wait(round_trip_ms / 1000)
        self.control(Flag.PONG, codifier, number, destination=self.codifier)

    def batch(self) -> Batch:
        """Return what has changed."""
        self.observer.book(self.repairs.accounts())
        return self.observer.take(self.now, self.facts)

    async def take(self) -> Batch:
        """Return what has changed, as a link does."""
        return self.batch()

    async def points(self, codifier: str, since_ms: float | None = None) -> list[Point]:
        """Return what was heard of a sensor, and take note of how far back it is wanted."""
        self.wanted_since_ms[codifier] = since_ms
        return self.observer.points(codifier)

    async def ping(self, codifier: str) -> None:
        """Take note of a ping."""
        self.pings.append(codifier)

    async def command(self, flag: Flag, codifier: str, number: float = 0.0) -> Answer:
        """Take note of a command, and answer it as the test says."""
        self.commands.append((flag, codifier, number))
        return Answer(codifier, self.code, acknowledged=True, elapsed_ms=1.25, attempts=1)

    def _next(self, codifier: str, *, data: bool, lost: int = 0, first: int = 100) -> int:
        numbering = (codifier, data, first)
        self._sequences[numbering] = self._sequences.get(numbering, first) + 1 + lost
        return self._sequences[numbering]


def model_of(feed: Feed) -> Model:
    """Return a model that knows what the feed has heard so far."""
    model = Model(Catalogue(feed.configuration), feed.now)
    model.apply(feed.batch())
    return model


def lively(feed: Feed) -> Feed:
    """Let a network live for twenty seconds: one sensor hot, one lossy, one node with two sensors."""
    for codifier in ("C1", "C2", "F1", "FK"):
        feed.control(Flag.NEW, codifier, feed.now.wall_ms)
    for second in range(20):
        feed.reading("C1", 48.5 + second / 10)
        feed.reading("C2", 65.0 + second / 2)
        feed.reading("F1", 21.0 + second / 100)
        feed.reading("F2", 45, lost=second == 10)
        feed.reading("FK", 30)
        feed.wait(1.0)
    for codifier, round_trip_ms in (("C1", 0.42), ("F1", 12.5), ("FK", 0.61)):
        feed.pong(codifier, round_trip_ms)
    return feed
