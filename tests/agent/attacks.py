"""The attacks that are tried against running agents, and what becomes of each: the table of docs/security.md.

`python -m tests.agent.attacks` writes it there.
"""

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.sink import Sink
from protocol import gate, keys
from protocol.commands import Code, pack_pair, unpack_pair
from protocol.frames import Bus, ControlFrame, DataFrame, Flag, encode
from protocol.keyring import Held
from protocol.responding import TURN_S
from protocol.tags import Seal
from storage.sqlite import open_for_reading
from tests.agent.devices import SENSOR, Devices, until
from tests.agent.hosts import Host, Operator
from tests.agent.secured import OffClock, SecuredLan, Stranger, sealed
from tests.agent.stored import numbers
from tests.agent.taking import sent, take_readings
from tests.protocol.holders import NETWORK_KEY, OTHER_KEY, node, operator, owner, reader
from tests.support.driven_time import DrivenLoop

PAGE: Final = Path(__file__).parents[2] / "docs" / "security.md"
BEGIN: Final = "<!-- attacks: written by python -m tests.agent.attacks -->\n"
END: Final = "<!-- end of attacks -->\n"

FAN: Final = "FK: {driver: fan-device, interval: 1h, control: true}"
NODES: Final = f"{FAN}\n{SENSOR}"
FLOOD: Final = 200  # more than a node answers in a second

STALE: Final = "stale"
RIVAL: Final = "another instance"


class Scene:
    """A fan FK and a sensor C1 in the shed, a sink Q1 in the cellar, the operator CC who may command FK; a stranger."""

    def __init__(self, secured: SecuredLan, devices: Devices, loop: DrivenLoop) -> None:
        self.secured = secured
        self.devices = devices
        self.loop = loop
        self.clock = OffClock(loop.clock)
        self.shed: Host
        self.cellar: Host
        self.operator: Operator
        self.stranger: Stranger
        self._before: list[str] = []

    async def begin(self) -> None:
        """Let everybody join and say something genuine."""
        self.stranger = await self.secured.stranger()
        self.cellar = await self.secured.host(
            f"Q1: {{driver: sqlite, options: {{path: {self.history}}}, interval: 1h}}", "cellar"
        )
        source = self.cellar.agent.stations["Q1"].source
        assert isinstance(source, Sink)
        await until(lambda: source.intake.resumed)
        self.shed = await self.secured.host(NODES, clock=self.clock)
        await until(lambda: len(self.devices) == 2)
        await take_readings(self.shed, self.devices, 2)
        self.operator = await self.secured.operator(NODES, ["FK"])

    @property
    def history(self) -> Path:
        """Where the sink stores."""
        return self.secured.lan.path / "history.db"

    @property
    def now_ms(self) -> int:
        """The time of the shed's clock."""
        return int(self.clock.now().wall_ms)

    @property
    def carried_out(self) -> list[str]:
        """What the fan was told, whichever life of its agent."""
        return [call for calls in self.devices.calls("FK") for call in calls if call != "close"]

    def command(self, flag: Flag = Flag.SET, target: str = "FK", number: float = 99.0) -> ControlFrame:
        """Return a command as somebody might forge it, who knows who commands."""
        return ControlFrame(1, self.now_ms, flag, "CC", target, number, active=True)

    async def genuine(self, speed: float = 40.0) -> bytes:
        """Let the operator set the fan, and return the command as the stranger heard it."""
        self.stranger.heard.clear()
        assert (await self.operator.command(Flag.SET, "FK", speed)).code is Code.TAKEN
        await self.loop.settle()
        return (await self.stranger.hears(Flag.SET)).datagram

    async def said(self, flag: str, source: str) -> bytes:
        """Return the first datagram that the stranger heard of a source with a flag, and has not passed over."""
        return (await self.stranger.hears(flag, source)).datagram

    async def plays(self, datagram: bytes, bus: Bus = Bus.CONTROL) -> None:
        """Let the stranger send a recorded datagram: the attack begins."""
        self.mark()
        await self.stranger.send(bus, datagram)

    def mark(self, *, anew: bool = False) -> None:
        """Begin to look for what comes of the attack: all that happened before was genuine."""
        if anew or not self._before:
            self._before = ["", *self.carried_out]
            self.stranger.heard.clear()

    async def restart(self, *, clock_back_s: float = 0.0, forget: bool = False) -> None:
        """Stop the agent in the shed and start it again; `forget` loses its state, as with a new card."""
        await self.shed.stop()
        if forget:
            for path in self.secured.state("shed").glob("*"):
                path.unlink()
        self.clock.by_s -= clock_back_s
        before = len(self.devices)
        self.shed = await self.secured.host(NODES, clock=self.clock)
        await until(lambda: len(self.devices) == before + 2)

    def counted(self) -> set[str]:
        """Return the kinds under which the stranger's datagrams were counted.

        Who is not concerned may lack the key of a frame and count that: no harm was meant to them.
        """
        others = [self.cellar.agent.bad_datagrams, self.operator.roster.bad_datagrams]
        found = {kind for count in others for kind in count.by_sender.get(self.stranger.address, ())} - {gate.NO_KEY}
        refused = self.operator.roster.refusals._cases
        found |= {str(kind) for sender, kind in refused if sender == self.stranger.address}
        found |= self.shed.agent.bad_datagrams.by_sender.get(self.stranger.address, {}).keys()
        lives = [station.presence.life for station in self.shed.agent.stations.values()]
        found |= {STALE} if any(life.stale for life in lives) else set()
        return found | ({RIVAL} if any(life.rivals for life in lives) else set())

    def codes(self) -> set[Code]:
        """Return the codes of all answers since the attack began."""
        answers = [heard.frame for heard in self.stranger.heard if heard.flag is Flag.ACKNOWLEDGE]
        pairs = [unpack_pair(answer.number) for answer in answers if isinstance(answer, ControlFrame)]
        return {Code(pair[1]) for pair in pairs if pair is not None}

    def fan_is_as_it_was(self) -> bool:
        """Tell whether no command was carried out since the attack began."""
        return self.carried_out == self._before[1:]

    async def is_unharmed(self) -> None:
        """Look whether everything works, and the store has what was genuine."""
        running = self.shed.agent.stations
        assert {name: station.presence.active for name, station in running.items()} == {"FK": True, "C1": True}
        assert (await self.operator.command(Flag.SET, "FK", 60.0)).code is Code.TAKEN
        assert self.carried_out[-1] == "set 60"
        await take_readings(self.shed, self.devices, 1)
        await self.shed.stop()
        await self.cellar.stop()
        assert set(sent(self.shed)) <= set(self.stored())
        assert 99.0 not in self.stored_values()

    def stored(self) -> list[int]:
        """Return the numbers of all readings of C1 in the store."""
        return numbers(self.history)

    def stored_values(self) -> list[object]:
        """Return their values, and those of FK."""
        with contextlib.closing(open_for_reading(self.history)) as opened:
            return [reading.value for name in ("C1", "FK") for reading in opened.history(name, 0, 2**62, 100_000)]


Play = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Attack:
    """What is tried, and what becomes of it: how it is counted, with which codes it is answered.

    `note` says what else is to be known; `harm` what it achieves, and is empty for nearly all.
    """

    name: str
    tried: str
    play: Play
    counted: frozenset[str] = frozenset()
    codes: frozenset[Code] = frozenset()
    note: str = ""
    harm: str = ""

    @property
    def row(self) -> str:
        """The row of the table."""
        return f"| {self.name} | {self.tried} | {self._becomes()} |\n"

    def _becomes(self) -> str:
        counted = " or ".join(f"`{kind}`" for kind in sorted(self.counted))
        answered = ", ".join(f"{code.value} ({code.name.lower().replace('_', ' ')})" for code in sorted(self.codes))
        parts = [
            f"**{self.harm}**" if self.harm else "nothing",
            f"counted as {counted}" if counted else "",
            f"answered with code {answered}" if answered else "",
            self.note,
        ]
        return "; ".join(filter(None, parts))


def attack(  # noqa: PLR0917 - the columns of the table
    name: str,
    tried: str,
    play: Play,
    counted: str | Sequence[str] = (),
    code: Code | None = None,
    note: str = "",
    harm: str = "",
) -> Attack:
    """Write a row: at most one code."""
    kinds = frozenset([counted] if isinstance(counted, str) else counted)
    return Attack(name, tried, play, kinds, frozenset() if code is None else frozenset([code]), note, harm)


def says(frame: Callable[[Scene], ControlFrame | DataFrame], *held: Held) -> Play:
    """Let the stranger say something, sealed with what it holds."""

    async def play(scene: Scene) -> None:
        scene.mark()
        await scene.stranger.say(frame(scene), *held)

    return play


def says_with_key(frame: Callable[[Scene], ControlFrame | DataFrame], key: bytes) -> Play:
    """Let the stranger say something, sealed with a key that it has, whether it belongs to the frame or not."""

    async def play(scene: Scene) -> None:
        said = frame(scene)
        scene.mark()
        await scene.stranger.send(said.bus, Seal(1, key).sealed(said.bus, encode(said)))

    return play


def replaced(change: Callable[[bytearray], None]) -> Play:
    """Let the stranger change a genuine command before it plays it again."""

    async def play(scene: Scene) -> None:
        datagram = bytearray(await scene.genuine())
        change(datagram)
        await scene.plays(bytes(datagram))

    return play


# The keys that somebody may have

_DATA: Final = keys.data_root(NETWORK_KEY)
_COMMAND: Final = keys.command_root(NETWORK_KEY)
DATA_KEYS: Final = {name: keys.data_key(_DATA, name) for name in ("C1", "FK")}
TARGET_KEYS: Final = {name: keys.command_key(_COMMAND, name) for name in ("C1", "FK", "@@")}


def _reading(scene: Scene, source: str = "C1", ahead: int = 1) -> DataFrame:
    """Return a reading that nobody took, so far ahead of the last one."""
    last = scene.shed.agent.repeating.last(source) or 0
    return DataFrame((last + ahead) % 2**31, scene.now_ms, Flag.FLOAT, source, "@@", 99.0)


# What is played


async def _flips(scene: Scene) -> None:
    genuine = await scene.genuine()
    scene.mark()
    for bit in range(8 * len(genuine)):
        flipped = bytearray(genuine)
        flipped[bit // 8] ^= 1 << bit % 8
        await scene.stranger.send(Bus.CONTROL, bytes(flipped))


async def _at_once(scene: Scene) -> None:
    await scene.plays(await scene.genuine())


async def _after_newer_ones(scene: Scene) -> None:
    first = await scene.genuine()
    await scene.genuine(50.0)
    await scene.plays(first)


async def _after_a_minute(scene: Scene) -> None:
    first = await scene.genuine()
    await scene.loop.advance(60.0)
    await scene.plays(first)


def _after_restart(*, clock_back_s: float = 0.0, forget: bool = False) -> Play:
    async def play(scene: Scene) -> None:
        genuine = await scene.genuine()
        await scene.restart(clock_back_s=clock_back_s, forget=forget)
        await scene.plays(genuine)

    return play


async def _clock_set_back(scene: Scene) -> None:
    genuine = await scene.genuine()
    await scene.loop.advance(600.0)
    scene.clock.by_s -= 600.0
    await scene.plays(genuine)


async def _reflects(scene: Scene) -> None:
    await scene.loop.settle()
    own = [heard for heard in scene.stranger.heard if heard.source in {"C1", "FK"}]
    assert {heard.flag for heard in own} >= {Flag.NEW, Flag.ALIVE, Flag.NUMBERING, Flag.FLOAT}
    scene.mark()
    for heard in own:
        await scene.stranger.send(heard.bus, heard.datagram)


async def _other_bus(scene: Scene) -> None:
    await scene.plays(await scene.genuine(), Bus.DATA)


async def _reading_on_control(scene: Scene) -> None:
    await scene.plays(await scene.said(Flag.FLOAT, "C1"))


def _to_c1(datagram: bytearray) -> None:
    datagram[19:21] = b"C1"


def _key_id(number: int) -> Callable[[bytearray], None]:
    def change(datagram: bytearray) -> None:
        datagram[4] = number

    return change


async def _broadcast_replay(scene: Scene) -> None:
    datagram = bytearray(await scene.genuine())
    datagram[19:21] = b"@@"
    await scene.plays(bytes(datagram))


async def _forged_answer(scene: Scene) -> None:
    """While the fan's agent does not answer, because it is stopped."""
    await scene.genuine()
    step = scene.operator.send(Flag.STEP, "ZZ", 1.0)
    giving = scene.loop.create_task(scene.operator.command(Flag.SET, "FK", 50.0))
    await scene.loop.settle()
    scene.mark()
    for sequence in range(step.sequence, step.sequence + 4):
        number = pack_pair(sequence % 2**31, Code.OUT_OF_RANGE)
        frame = ControlFrame(1, scene.now_ms, Flag.ACKNOWLEDGE, "FK", "CC", number, active=True)
        await scene.stranger.say(frame)
        await scene.stranger.send(Bus.CONTROL, Seal(1, DATA_KEYS["C1"]).sealed(Bus.CONTROL, encode(frame)))
    assert (await giving).code is Code.TAKEN
    assert scene.carried_out[-1] == "set 50"
    scene.mark(anew=True)


async def _forged_refusal(scene: Scene) -> None:
    """Say to the sink that what it asks for is not kept, on the port from which it asks."""
    await scene.loop.settle()
    address = scene.cellar.agent.bus.address
    assert address is not None
    scene.mark()
    number = pack_pair(sent(scene.shed)[0], 2)
    await scene.stranger.send_to(address, encode(_said(scene, Flag.UNAVAILABLE, "C1", "Q1", number)))


def _said(scene: Scene, flag: Flag, source: str, destination: str, number: float) -> ControlFrame:
    return ControlFrame(1, scene.now_ms, flag, source, destination, number, active=True)


async def _rival_of_before(scene: Scene) -> None:
    announcement = await scene.said(Flag.NEW, "FK")
    await scene.restart()
    await scene.plays(announcement)


async def _kept_from_starting(scene: Scene) -> None:
    """Answer the `N` of a node that starts with what it said in its former life."""
    await scene.loop.settle()
    alive = await scene.said(Flag.ALIVE, "FK")
    await scene.shed.stop()
    scene.stranger.heard.clear()
    before = len(scene.devices)
    scene.shed = scene.secured.start(NODES, clock=scene.clock)
    await scene.stranger.hears(Flag.NEW, "FK")
    await scene.plays(alive)
    await scene.shed.begin()
    assert set(scene.shed.agent.stations) == {"FK", "C1"}
    await until(lambda: len(scene.devices) == before + 2)


async def _looks_alive(scene: Scene) -> None:
    await scene.loop.settle()
    alive = await scene.said(Flag.ALIVE, "FK")
    await scene.shed.stop()
    await scene.loop.advance(3_600.0)
    now_s = scene.loop.clock.monotonic_s
    assert scene.operator.roster.nodes["FK"].is_gone(now_s)
    await scene.plays(alive)
    assert not scene.operator.roster.nodes["FK"].is_gone(now_s)


async def _old_readings(scene: Scene) -> None:
    await scene.loop.settle()
    readings = [heard.datagram for heard in scene.stranger.heard if heard.source == "C1" and heard.bus is Bus.DATA]
    await scene.restart(forget=True)
    await take_readings(scene.shed, scene.devices, 1)
    scene.mark()
    for reading in readings:
        await scene.stranger.send(Bus.DATA, reading)


def _asks(scene: Scene) -> ControlFrame:
    return _said(scene, Flag.REPEAT, "Q1", "C1", pack_pair(sent(scene.shed)[0], 2))


async def _asks_without_key(scene: Scene) -> None:
    await says(_asks)(scene)
    await scene.loop.advance(5 * TURN_S)
    assert scene.stranger.answers == []


async def _asks_again(scene: Scene) -> None:
    """Play a sink's request again, from the address to which the answers are to go."""
    recorded = sealed(_asks(scene), reader())
    scene.mark()
    for _ in range(FLOOD):
        await scene.stranger.send(Bus.CONTROL, recorded)
    await scene.loop.advance(5 * TURN_S)
    assert 0 < len(scene.stranger.answers) <= 60


async def _pings_again(scene: Scene) -> None:
    await scene.genuine()
    scene.operator.ping("FK")
    ping = await scene.said(Flag.PING, "CC")
    scene.mark()
    for _ in range(3 * FLOOD):
        await scene.stranger.send(Bus.CONTROL, ping)
        await scene.loop.advance(1 / FLOOD)
    assert scene.shed.agent.stations["FK"].presence.life.pongs.refused > 2 * FLOOD


async def _commands_again(scene: Scene) -> None:
    """Play commands of before the node's start: as many as would use up what it takes in a second, and more."""
    old = [scene.command(number=number)._replace(sequence=number) for number in range(FLOOD)]
    recorded = [sealed(command, operator("CC", ["FK"])) for command in old]
    await scene.restart()
    scene.mark()
    await scene.stranger.send(Bus.CONTROL, *recorded)


async def _forged_in_numbers(scene: Scene) -> None:
    scene.mark()
    for number in range(FLOOD):
        await scene.stranger.say(scene.command()._replace(sequence=number))


async def _stolen(scene: Scene) -> None:
    await says(_reading, node("C1"))(scene)
    await says(lambda scene: scene.command(Flag.HALT, "C1"), node("C1"))(scene)
    await until(lambda: not scene.shed.agent.stations["C1"].presence.active)
    await scene.shed.stop()
    await scene.cellar.stop()
    assert 99.0 in scene.stored_values()


async def _clock_back_and_state_lost(scene: Scene) -> None:
    genuine = await scene.genuine()
    await scene.loop.advance(600.0)
    await scene.restart(clock_back_s=605.0, forget=True)
    await scene.plays(genuine)
    await until(lambda: not scene.fan_is_as_it_was())


ATTACKS: Final = (
    attack("forge", "a command without a tag", says(Scene.command), gate.UNSIGNED, Code.NOT_AUTHORISED),
    attack(
        "forge",
        "a command with the key of another network",
        says(Scene.command, owner(1, OTHER_KEY)),
        gate.FORGED,
        Code.NOT_AUTHORISED,
    ),
    attack("forge", "a reading without a tag", says(_reading), gate.UNSIGNED),
    attack("forge", "a reading with the key of another network", says(_reading, owner(1, OTHER_KEY)), gate.FORGED),
    attack(
        "forge",
        "an `n` or a reading 90,000 numbers ahead, so that stores ask for what never was",
        says(lambda scene: _reading(scene, ahead=90_000)._replace(flag=Flag.NUMBERING, value=1)),
        gate.UNSIGNED,
    ),
    attack(
        "wrong key id",
        "a genuine command under a key id that is not valid",
        replaced(_key_id(2)),
        gate.UNKNOWN_KEY,
        Code.NOT_AUTHORISED,
    ),
    attack(
        "strip",
        "a genuine command without its key id",
        replaced(_key_id(0)),
        gate.UNSIGNED,
        Code.NOT_AUTHORISED,
    ),
    attack(
        "bit flips",
        "a genuine command 296 times, each time with another bit turned",
        _flips,
        (*gate.REFUSALS, "codifier", "unknown flag", "length", "timestamp", "payload"),
        Code.NOT_AUTHORISED,
    ),
    attack("replay at once", "a genuine command", _at_once, (), Code.TAKEN, "as the first time; it is not done again"),
    attack(
        "replay later",
        "a genuine command, after a newer one",
        _after_newer_ones,
        (),
        Code.TAKEN,
        "as the first time; it is not done again",
    ),
    attack(
        "replay later",
        "a genuine command, after a minute",
        _after_a_minute,
        (),
        Code.TAKEN,
        "as the first time; it is not done again",
    ),
    attack(
        "replay later",
        "a genuine command, after the target's clock was set back to its time",
        _clock_set_back,
        (),
        Code.TAKEN,
        "as the first time; it is not done again",
    ),
    attack(
        "replay after restart",
        "a genuine command",
        _after_restart(),
        note="it is known, and nobody knows any more how it ended: no answer",
    ),
    attack(
        "replay after restart",
        "the same, and the clock was set back",
        _after_restart(clock_back_s=60.0),
        note="the same, whatever the clock says",
    ),
    attack(
        "replay after restart",
        "a genuine command, and the state directory was lost",
        _after_restart(forget=True),
        STALE,
        Code.STALE,
        "it is older than the start",
    ),
    attack(
        "replay after restart",
        "the same, and the clock was set back to before the command",
        _clock_back_and_state_lost,
        (),
        Code.TAKEN,
        "a Pi without a clock needs its state directory, or the time before its agent starts",
        "the command is carried out again, within 30 s of its time on that clock",
    ),
    attack(
        "reflect",
        "all that a node said, back to it",
        _reflects,
        note="a node knows its own frames, and a store what it has",
    ),
    attack(
        "cross-target",
        "a genuine command to FK, sent to C1",
        replaced(_to_c1),
        gate.FORGED,
        Code.NOT_AUTHORISED,
    ),
    attack("cross-bus", "a genuine command on the data bus", _other_bus, gate.FORGED),
    attack("cross-bus", "a genuine reading on the control bus", _reading_on_control, gate.FORGED),
    attack(
        "broadcast",
        "a command to `@@` without a tag",
        says(lambda scene: scene.command(Flag.HALT, "@@")),
        gate.UNSIGNED,
    ),
    attack("broadcast", "a genuine command, sent to `@@`", _broadcast_replay, gate.NO_KEY),
    attack(
        "broadcast",
        "a command to `@@`, tagged with what would be its key",
        says_with_key(lambda scene: scene.command(Flag.HALT, "@@"), keys.order_key(TARGET_KEYS["@@"], "CC")),
        gate.NO_KEY,
    ),
    attack(
        "not granted",
        "an operator commands C1, who was granted FK",
        says_with_key(lambda scene: scene.command(Flag.HALT, "C1"), keys.order_key(TARGET_KEYS["FK"], "CC")),
        gate.FORGED,
        Code.NOT_AUTHORISED,
    ),
    attack(
        "not granted",
        "an operator commands FK as another operator, who was granted it",
        says_with_key(Scene.command, keys.order_key(TARGET_KEYS["FK"], "CD")),
        gate.FORGED,
        Code.NOT_AUTHORISED,
    ),
    attack(
        "not granted",
        "a reader commands",
        says_with_key(Scene.command, DATA_KEYS["FK"]),
        gate.FORGED,
        Code.NOT_AUTHORISED,
    ),
    attack(
        "stolen node",
        "with the keys of C1: a reading of FK",
        says_with_key(lambda scene: _reading(scene, "FK"), DATA_KEYS["C1"]),
        gate.FORGED,
    ),
    attack(
        "stolen node",
        "with the keys of C1: a command to FK",
        says_with_key(Scene.command, keys.order_key(TARGET_KEYS["C1"], "CC")),
        gate.FORGED,
        Code.NOT_AUTHORISED,
    ),
    attack(
        "stolen node",
        "with the keys of C1: readings of C1, and commands to it",
        _stolen,
        (),
        Code.TAKEN,
        "`jph keys revoke C1`",
        "both are believed",
    ),
    attack(
        "false answer",
        "a `K` that refuses a command, while its operator waits",
        _forged_answer,
        (gate.UNSIGNED, gate.FORGED),
        note="the operator gets the genuine answer",
    ),
    attack("false answer", "a `U` to a sink, for readings that are kept", _forged_refusal, gate.UNSIGNED),
    attack(
        "duplicate",
        "an `N` of FK, at which an original node ends",
        says(lambda scene: _said(scene, Flag.NEW, "FK", "@@", scene.now_ms)),
        gate.UNSIGNED,
    ),
    attack(
        "duplicate",
        "a genuine `N` of a former life of FK",
        _rival_of_before,
        RIVAL,
        note="FK runs on, and warns of a duplicate with the address",
    ),
    attack(
        "duplicate",
        "a genuine `I` of a former life of FK, at the moment when FK starts",
        _kept_from_starting,
        note="FK asks whether that one is there, nobody answers",
    ),
    attack(
        "old status",
        "a genuine `I` of FK, an hour after it was stopped",
        _looks_alive,
        harm="FK seems to be there, for as long as it is repeated",
    ),
    attack(
        "old readings",
        "all readings of C1, after it was started with a new numbering",
        _old_readings,
        note="each is stored once, with the time at which it was measured",
    ),
    attack("ask", "an `R` without a tag", _asks_without_key, gate.UNSIGNED),
    attack(
        "ask",
        "a genuine `R`, again and again, from the address that is to be drowned",
        _asks_again,
        note="the node answers nobody with more than 500 datagrams a second, all together",
        harm="readings go to that address",
    ),
    attack(
        "use up",
        "a genuine ping, 200 times a second",
        _pings_again,
        note="at most 50 at once and 25 a second are answered: others are left their share",
    ),
    attack(
        "use up",
        "200 old commands at once, with genuine tags",
        _commands_again,
        STALE,
        Code.STALE,
        "new ones are taken",
    ),
    attack(
        "use up",
        "200 forged commands at once",
        _forged_in_numbers,
        gate.UNSIGNED,
        Code.NOT_AUTHORISED,
        "at most 50 at once and 25 a second are answered: others are left their share",
    ),
)


def render() -> str:
    """Return the table."""
    return "| attack | what is tried | what becomes of it |\n|---|---|---|\n" + "".join(one.row for one in ATTACKS)


def table_of(page: str) -> str:
    """Return the table that a page has."""
    return page.partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    """Write the table into the page."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + render() + END + rest.partition(END)[2], "utf-8")


if __name__ == "__main__":
    main()
