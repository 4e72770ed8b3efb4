"""Nodes that use other sensors and command other nodes; on real sockets, in time that the test drives."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Final, TypeVar

import msgspec
import pytest

from agent.commanding import MAX_UNDER_WAY
from agent.sensing import Sensing
from drivers.driver import DriverError, DriverOptions, Latest, Measurements, Network, Place
from drivers.registry import DRIVERS
from protocol.commands import Code
from protocol.frames import Bus, ControlFrame, DataFrame, Flag, encode_reading
from protocol.pending import GIVES_UP_AFTER_S
from protocol.readings import Reading
from tests.agent.devices import SENSOR, Devices, until
from tests.agent.devices import devices as devices  # noqa: PLC0414 - a fixture
from tests.agent.hosts import Host, Lan
from tests.agent.hosts import lan as lan  # noqa: PLC0414 - a fixture
from tests.agent.secured import SecuredLan
from tests.agent.secured import secured as secured  # noqa: PLC0414 - a fixture
from tests.support.driven_time import START_MS, DrivenLoop

pytestmark = pytest.mark.usefixtures("devices", "listener")

T = TypeVar("T")

START: Final = int(START_MS)

OTHER = "C2: {driver: device, interval: 1s}"
FAN = "FK: {driver: fan-device, interval: 1h, control: true}"
LISTENER = "PA: {driver: listener, interval: 1h, options: {uses: [C1]}, proxies: {PB: {channel: b}}}"
ALL_EARS = LISTENER.replace("[C1]", '["@@"]')


class ListenerOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    uses: tuple[str, ...]

    def inputs(self) -> frozenset[str]:
        return frozenset(self.uses)

    def channels(self) -> frozenset[str]:
        return frozenset({"value", "b"})


class Listener:
    """Measures nothing, and lends its network to the test."""

    Options: ClassVar[type[msgspec.Struct]] = ListenerOptions
    networks: ClassVar[dict[str, Network]] = {}

    def __init__(self, _: ListenerOptions, place: Place) -> None:
        self.networks[place.codifier] = place.network

    def read(self) -> Measurements:
        return {}

    def close(self) -> None:
        pass


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let configurations name the driver `listener`."""
    monkeypatch.setitem(DRIVERS, "listener", f"{__name__}:Listener")
    yield
    Listener.networks.clear()


async def network_of(codifier: str = "PA") -> Network:
    """Wait until a listener was built, and return its network."""
    await until(lambda: codifier in Listener.networks)
    return Listener.networks[codifier]


async def heard(network: Network, codifier: str, value: object = 21.5) -> Latest:
    """Wait until a value of a sensor was heard."""

    def latest() -> Latest | None:
        found = network.latest(codifier)
        return found if found is not None and found.value == value else None

    await until(lambda: latest() is not None)
    found = latest()
    assert found is not None
    return found


async def in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """Do what a driver does, in a thread as it does."""
    return await asyncio.to_thread(function, *arguments)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]


def source_of(host: Host, codifier: str = "PA") -> Sensing:
    source = host.agent.stations[codifier].source
    assert isinstance(source, Sensing)
    return source


# What is heard


async def test_a_node_sees_the_readings_of_another_process_with_their_time_and_age(
    lan: Lan, driven_time: DrivenLoop
) -> None:
    await lan.host(LISTENER)
    network = await network_of()
    assert network.latest("C1") is None
    await lan.host(SENSOR.replace("1s", "1h"))
    first = await heard(network, "C1")
    assert START_MS < first.timestamp_ms <= driven_time.clock.now().wall_ms
    await driven_time.advance(3.0)
    later = network.latest("C1")
    assert later is not None
    assert later.timestamp_ms == first.timestamp_ms
    assert later.age_s - first.age_s == pytest.approx(3.0)


async def test_a_node_sees_the_readings_of_its_own_process(lan: Lan) -> None:
    await lan.host(f"{SENSOR}\n{LISTENER}")
    assert (await heard(await network_of(), "C1")).value == 21.5


async def test_it_is_asked_from_the_thread_of_a_driver(lan: Lan) -> None:
    await lan.host(f"{SENSOR}\n{LISTENER}")
    network = await network_of()
    expected = await heard(network, "C1")
    found = await in_thread(network.latest, "C1")
    assert found is not None
    assert found.value == expected.value


async def test_only_the_sensors_that_are_named_are_listened_to(lan: Lan, driven_time: DrivenLoop) -> None:
    await lan.host(LISTENER)
    network = await network_of()
    await lan.host(f"{OTHER}\n{SENSOR}")
    await heard(network, "C1")
    await driven_time.advance(2.0)
    assert (network.latest("C2"), network.fields("C2")) == (None, {})


async def test_two_nodes_of_a_process_hear_what_both_use(lan: Lan) -> None:
    second = LISTENER.replace("PA", "QA").replace("PB", "QB").replace("[C1]", "[C2]")
    await lan.host(f"{LISTENER}\n{second}\n{SENSOR}\n{OTHER}")
    assert await heard(await network_of("PA"), "C1")
    assert await heard(await network_of("QA"), "C2")


async def test_nodes_that_use_no_others_join_no_data_bus_and_keep_no_roster(
    lan: Lan, devices: Devices, driven_time: DrivenLoop
) -> None:
    host = await lan.host(SENSOR)
    await until(lambda: len(devices) == 1)
    await driven_time.advance(2.0)
    assert Bus.DATA not in host.agent.bus.counters.received
    assert source_of(host, "C1")._network is None


async def test_the_last_state_of_a_codifier_has_the_fields_of_the_original(lan: Lan, driven_time: DrivenLoop) -> None:
    operator = await lan.operator(f"{SENSOR}\nCC: {{driver: console}}")
    await lan.host(ALL_EARS)
    network = await network_of()
    await lan.host(SENSOR.replace("device,", "device, options: {value: 48.312},"))
    await heard(network, "C1", 48.312)
    await driven_time.advance(61.0)
    operator.send(Flag.HALT, "C1", 0.0)
    await until(lambda: network.fields("C1").get("IsActive") == "False")
    fields = network.fields("C1")
    assert fields["Value"] == "48.3120002746582"
    assert {name: fields[name] for name in ("Codifier", "DPacketsLost", "CPacketsLost", "IsActive")} == {
        "Codifier": "C1",
        "DPacketsLost": "0",
        "CPacketsLost": "0",
        "IsActive": "False",
    }
    times = [int(fields[name]) for name in ("DTimestamp", "DResetTime", "CResetTime", "ITimestamp")]
    assert all(START_MS <= time <= driven_time.clock.now().wall_ms for time in times)
    assert "HTimestamp" in network.fields("CC")
    assert network.fields("F9") == {}


async def test_losses_are_counted_in_the_last_state(lan: Lan) -> None:
    operator = await lan.operator("C1: {driver: device}\nCC: {driver: console}")
    await lan.host(ALL_EARS)
    network = await network_of()
    for sequence in (10, 12):
        operator.bus.send(Bus.DATA, encode_reading(Reading("C1", START + sequence, sequence, sequence)))
    await heard(network, "C1", 12)
    assert network.fields("C1") == {
        "Codifier": "C1",
        "DResetTime": str(START + 10),
        "DPacketsLost": "1",
        "Value": "12",
        "DTimestamp": str(START + 12),
    }


# Who is believed


@pytest.mark.parametrize(("reads", "believed"), [(("C1",), True), ((), True), (("PA",), False)])
async def test_under_tags_a_node_believes_whom_it_was_granted_to_read(
    secured: SecuredLan, driven_time: DrivenLoop, reads: tuple[str, ...], *, believed: bool
) -> None:
    nodes = f"{LISTENER}\n{SENSOR}"
    configuration = secured.configured(nodes, "cellar")
    host = secured.start(nodes, "cellar")
    host.codifiers = ["PA"]
    secured.place("cellar").grant(secured.file, configuration, "PA", reads=reads)
    (secured.lan.path / "keys of cellar" / "C1.key").unlink()
    await host.begin()
    network = await network_of()
    await secured.host(SENSOR)
    if believed:
        await heard(network, "C1")
        return
    await until(lambda: host.agent.bus.counters.received[Bus.DATA] > 1)
    await driven_time.settle()
    assert network.latest("C1") is None


# What is said


async def test_a_reading_is_sent_at_once_and_through_its_filters(lan: Lan) -> None:
    operator = await lan.operator()
    await lan.host(LISTENER.replace("{channel: b}", "{channel: b, filters: [{clamp: {max: 10}}]}"))
    network = await network_of()
    for value in (7, 12):
        await in_thread(network.publish, "PB", value)
    await operator.hears("i", "PB")
    last = await operator.hears("f", "PB")
    assert isinstance(last, DataFrame)
    assert last.value == 10


async def test_text_is_sent_as_text(lan: Lan) -> None:
    operator = await lan.operator()
    await lan.host(LISTENER)
    (await network_of()).publish("PA", "20")
    frame = await operator.hears("s", "PA")
    assert isinstance(frame, DataFrame)
    assert frame.value == "20"


@pytest.mark.parametrize(
    ("codifier", "value", "words"),
    [
        ("C1", 1, "C1 is no sensor of PA; add it to the node's `proxies:`"),
        ("PB", float("inf"), "inf is neither a finite number nor text"),
        ("PB", None, "None is neither a finite number nor text"),
    ],
)
async def test_what_cannot_be_sent_is_an_error(lan: Lan, codifier: str, value: Any, words: str) -> None:
    await lan.host(f"{LISTENER}\n{SENSOR}")
    network = await network_of()
    with pytest.raises(DriverError) as failure:
        await in_thread(network.publish, codifier, value)
    assert str(failure.value) == words


async def test_a_halted_node_sends_nothing_beside_its_readings(lan: Lan) -> None:
    operator = await lan.operator()
    await lan.host(ALL_EARS)
    network = await network_of()
    assert (await operator.command(Flag.HALT, "PA")).ok
    network.publish("PB", 1)
    assert (await operator.command(Flag.START, "PA")).ok
    network.publish("PB", 2)
    frame = await operator.hears("i", "PB")
    assert isinstance(frame, DataFrame)
    assert frame.value == 2


async def test_a_command_is_carried_out(lan: Lan, devices: Devices) -> None:
    await lan.host(f"{ALL_EARS}\n{FAN}")
    network = await network_of()
    await until(lambda: len(devices) == 1)
    await in_thread(network.say, "A", "FK", 80.0)
    await until(lambda: devices["FK"].calls == ["set 80"])


async def test_a_command_is_repeated_until_it_is_confirmed_and_then_no_more(lan: Lan, driven_time: DrivenLoop) -> None:
    operator = await lan.operator("FK: {driver: control, options: {default: 0}}\nCC: {driver: console}")
    await lan.host(ALL_EARS)
    (await network_of()).say("A", "FK", 80.0)
    first = await operator.hears("A", "PA")
    await driven_time.advance(0.2)
    assert await operator.hears("A", "PA") == first
    await lan.host(FAN)
    await operator.hears("K", "FK")
    operator.unseen.clear()
    await driven_time.advance(GIVES_UP_AFTER_S)
    assert "A" not in operator.said("PA")


async def test_a_newer_command_takes_the_place_of_the_one_before(lan: Lan, driven_time: DrivenLoop) -> None:
    operator = await lan.operator("FK: {driver: control, options: {default: 0}}\nCC: {driver: console}")
    await lan.host(ALL_EARS)
    network = await network_of()
    network.say("A", "FK", 30.0)
    assert (await operator.hears("A", "PA")).number == 30.0  # type: ignore[union-attr] # a control frame
    network.say("A", "FK", 40.0)
    await driven_time.advance(1.0)
    numbers = [frame.number for frame in operator.unseen if isinstance(frame, ControlFrame) and frame.flag == "A"]
    assert set(numbers) == {40.0}


async def test_so_many_commands_wait_at_most(lan: Lan) -> None:
    await lan.host(ALL_EARS)
    network = await network_of()
    for _ in range(MAX_UNDER_WAY):
        network.say("E", "FK", 1.0)
    with pytest.raises(DriverError, match=f"{MAX_UNDER_WAY} commands of PA wait for their confirmation"):
        network.say("E", "FK", 1.0)


async def test_a_command_that_is_not_answered_is_said_once(
    lan: Lan, driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture
) -> None:
    await lan.host(ALL_EARS)
    network = await network_of()
    for _ in range(2):
        network.say("A", "FK", 80.0)
        await driven_time.advance(GIVES_UP_AFTER_S + 1)
    assert errors(caplog) == ["PA: set to FK: no answer"]


async def test_without_a_key_the_grant_that_is_missing_is_said_once(
    secured: SecuredLan, driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture
) -> None:
    await secured.host(FAN, "attic")
    await secured.host(ALL_EARS)
    network = await network_of()
    for _ in range(2):
        network.say("A", "FK", 80.0)
        await driven_time.settle()
    (error,) = errors(caplog)
    assert error.startswith("PA: set to FK: PA has no key to command FK; ")
    assert "jph keys grant PA --targets FK" in error


async def test_with_the_key_a_command_is_taken_under_tags(
    secured: SecuredLan, devices: Devices, driven_time: DrivenLoop
) -> None:
    nodes = f"{ALL_EARS}\n{FAN}"
    host = secured.start(nodes, "cellar")
    host.codifiers = ["PA"]
    configuration = secured.configured(nodes, "cellar")
    secured.place("cellar").grant(secured.file, configuration, "PA", targets=["FK"])
    await host.begin()
    await secured.host(FAN, "attic")
    await until(lambda: len(devices) == 1)
    (await network_of()).say("A", "FK", 80.0)
    await until(lambda: devices["FK"].calls == ["set 80"])
    assert source_of(host).node.codifier == "PA"


@pytest.mark.parametrize(
    ("flag", "codifier", "number", "words"),
    [
        ("N", "FK", 0.0, "'N' cannot be sent by a driver"),
        ("AA", "FK", 0.0, "'AA' cannot be sent by a driver"),
        ("A", "fan", 0.0, "'fan' is no codifier"),
        ("A", "FK", float("nan"), "A to FK: nan is not a finite number"),
    ],
)
async def test_what_cannot_be_said_is_an_error(lan: Lan, flag: str, codifier: str, number: float, words: str) -> None:
    await lan.host(ALL_EARS)
    network = await network_of()
    with pytest.raises(DriverError) as failure:
        network.say(flag, codifier, number)
    assert words in str(failure.value)


# The configuration


async def test_a_node_sees_the_configuration_as_the_original_wrote_it(lan: Lan) -> None:
    await lan.host(f"{ALL_EARS}\nFJ: {{driver: control, options: {{default: 35}}}}")
    network = await network_of()
    (entry,) = (entry for entry in network.configuration()["Sensors"] if entry["Codifier"] == "FJ")
    assert (entry["Type"], entry["Sensor"]) == ("controlSensor", {"Default": "35", "Proxy": []})


async def test_when_the_inputs_change_others_are_listened_to(lan: Lan) -> None:
    operator = await lan.operator()
    host = await lan.host(LISTENER)
    await network_of()
    host.configuration = lan.configured(LISTENER.replace("[C1]", "[C2]"))
    before = Listener.networks.pop("PA")
    assert (await operator.command(Flag.RELOAD, "PA")).code is Code.TAKEN
    await driven_begin(host)
    network = await network_of()
    assert network is not before
    await lan.host(f"{OTHER}\n{SENSOR}")
    await heard(network, "C2")
    assert network.latest("C1") is None


async def test_a_process_whose_last_listener_goes_leaves_the_data_bus(lan: Lan) -> None:
    operator = await lan.operator()
    host = await lan.host(f"{LISTENER}\n{SENSOR}")
    await network_of()
    host.configuration = lan.configured(SENSOR)
    bus = host.agent.bus
    assert (await operator.command(Flag.RELOAD, "C1")).code is Code.TAKEN
    await until(lambda: host.agent.bus is not bus)
    assert Bus.DATA not in host.agent.bus.counters.received


async def driven_begin(host: Host) -> None:
    """Let the nodes that were started anew settle."""
    await until(lambda: "PA" in host.agent.stations)
    await host.begin()


async def test_after_the_end_nothing_can_be_asked(lan: Lan) -> None:
    host = await lan.host(LISTENER)
    network = await network_of()
    await host.stop()
    assert await in_thread(network.latest, "C1") is None
