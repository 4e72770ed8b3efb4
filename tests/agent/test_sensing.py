"""A node that reads a driver: when, what of it is sent, and how it ends; in time that the test drives."""

import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from agent.listening import Listening, Reach
from agent.sensing import Sensing
from agent.supervisor import CLOSING_S, QUARANTINE_AFTER
from agent.surroundings import Surroundings
from agent.threads import DaemonThreads
from config.model import FilterStep, Node, Sensor
from drivers.driver import DriverError, Measured
from protocol.frames import ControlFrame, DataFrame, Flag
from protocol.gate import Gate, Mode
from protocol.life import PROBE_S
from protocol.troubles import Said, Trouble, unpack
from tests.agent.devices import Device, DeviceOptions, Devices, Fan, until
from tests.agent.devices import devices as devices  # noqa: PLC0414 - a fixture
from tests.agent.wire import Wire, presence
from tests.support.driven_time import DrivenLoop

Make = Callable[[Node], "Bench"]


class Bench:
    """One node's readings, and the wire that they go to."""

    def __init__(self, node: Node, loop: DrivenLoop, threads: DaemonThreads, path: Path) -> None:
        self.wire = Wire()
        self.presence = presence(node.codifier, self.wire, loop)
        surroundings = Surroundings(path, clock=loop.clock, random_number=lambda _: 0, threads=threads)
        reach = Reach(Listening(), Gate(Mode.OFF), lambda work, name: loop.create_task(work, name=name))
        self.sensing = Sensing(node, self.presence, surroundings, reach)
        self.run = loop.create_task(self.sensing.run())

    async def close(self) -> None:
        self.run.cancel()
        await self.sensing.close()
        self.presence.close()


@pytest.fixture
async def make(driven_time: DrivenLoop, devices: Devices, tmp_path: Path) -> AsyncIterator[Make]:
    made = []
    threads = DaemonThreads("test")

    def make(node: Node) -> Bench:
        made.append(Bench(node, driven_time, threads, tmp_path))
        return made[-1]

    yield make
    for bench in made:
        closing = driven_time.create_task(bench.close())
        await driven_time.advance(CLOSING_S)
        await closing
    threads.close()


def node(driver: str = "device", *proxies: Sensor, filters: tuple[FilterStep, ...] = ()) -> Node:
    options = DeviceOptions(value=21.5)
    return Node(
        sensor=Sensor(codifier="C1", filters=filters), driver=driver, options=options, interval_s=1.0, proxies=proxies
    )


HUMIDITY = Sensor(codifier="F2", channel="humidity")


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


async def test_the_driver_is_read_every_interval(make: Make, devices: Devices, driven_time: DrivenLoop) -> None:
    bench = make(node())
    for second in range(3):
        assert await bench.wire.readings(1) == [("C1", 21.5)]
        assert devices["C1"].reads == second + 1
        await driven_time.advance(1.0)


async def test_readings_are_numbered_and_announced_before_the_first(make: Make, driven_time: DrivenLoop) -> None:
    bench = make(node())
    first = await bench.wire.number(2)
    await driven_time.advance(1.0)
    assert [(frame.flag, frame.sequence) for frame in [*first, *await bench.wire.number(1)]] == [
        (Flag.NUMBERING, 0),
        (Flag.FLOAT, 1),
        (Flag.FLOAT, 2),
    ]


async def test_each_proxy_has_the_value_of_its_channel(make: Make, devices: Devices, driven_time: DrivenLoop) -> None:
    bench = make(node("device", HUMIDITY))
    await bench.wire.readings(1)
    devices["C1"].values = {"value": 21.5, "humidity": 48}
    await driven_time.advance(1.0)
    assert await bench.wire.readings(2) == [("C1", 21.5), ("F2", 48)]


async def test_a_channel_without_a_value_sends_nothing(make: Make, devices: Devices, driven_time: DrivenLoop) -> None:
    bench = make(node("device", HUMIDITY))
    await bench.wire.readings(1)
    devices["C1"].values = {"humidity": 48}
    await driven_time.advance(1.0)
    assert await bench.wire.readings(1) == [("F2", 48)]


async def test_attributes_travel_with_the_value(make: Make, devices: Devices, driven_time: DrivenLoop) -> None:
    bench = make(node())
    await bench.wire.readings(1)
    devices["C1"].values = {"value": Measured(21.5, {"voltage": 3.2})}
    await driven_time.advance(1.0)
    (frame,) = await bench.wire.number(1)
    assert isinstance(frame, DataFrame)
    assert (frame.flag, frame.value, frame.attributes) == (Flag.JSON, 21.5, {"voltage": 3.2})


async def test_a_value_that_was_measured_before_keeps_its_time(
    make: Make, devices: Devices, driven_time: DrivenLoop
) -> None:
    bench = make(node())
    await bench.wire.readings(1)
    devices["C1"].values = {"value": Measured(21.5, timestamp_ms=1_700_000_000_123)}
    await driven_time.advance(1.0)
    (frame,) = await bench.wire.number(1)
    assert (frame.flag, frame.timestamp_ms) == (Flag.FLOAT, 1_700_000_000_123)


async def test_a_driver_that_wakes_its_node_is_read_at_once_and_then_in_its_rhythm(
    make: Make, devices: Devices, driven_time: DrivenLoop
) -> None:
    bench = make(node())
    await bench.wire.readings(1)
    devices["C1"].values = {"value": 22.5}
    threading.Thread(target=devices["C1"].wake).start()
    assert await bench.wire.readings(1) == [("C1", 22.5)]
    await driven_time.advance(1.0)
    assert await bench.wire.readings(1) == [("C1", 22.5)]
    assert devices["C1"].reads == 3


async def test_filters_stand_between_driver_and_bus(make: Make, devices: Devices, driven_time: DrivenLoop) -> None:
    bench = make(node(filters=(FilterStep("scale", 0.5), FilterStep("skip_initial", 1))))
    await until(lambda: len(devices) == 1 and devices["C1"].reads == 1)
    await driven_time.advance(1.0)
    assert await bench.wire.readings(1) == [("C1", 10.75)]


async def test_text_passes_the_filters_untouched(make: Make, devices: Devices, driven_time: DrivenLoop) -> None:
    bench = make(node(filters=(FilterStep("scale", 0.5),)))
    await bench.wire.readings(1)
    devices["C1"].values = {"value": "open"}
    await driven_time.advance(1.0)
    assert await bench.wire.readings(1) == [("C1", "open")]


async def test_a_halted_node_does_not_read(make: Make, devices: Devices, driven_time: DrivenLoop) -> None:
    bench = make(node())
    await bench.wire.readings(1)
    bench.presence.set_active(active=False)
    await driven_time.advance(10.0)
    assert devices["C1"].reads == 1


async def test_what_moves_something_is_read_while_its_node_is_halted_and_nothing_is_told(
    make: Make, devices: Devices, driven_time: DrivenLoop
) -> None:
    bench = make(node("fan-device"))
    await bench.wire.readings(1)
    bench.presence.set_active(active=False)
    bench.wire.take()
    await driven_time.advance(1.0)
    await until(lambda: devices["C1"].reads == 2)
    await driven_time.advance(1.0)
    await until(lambda: devices["C1"].reads == 3)
    assert bench.wire.take() == []


async def test_what_was_halted_before_it_moved_anything_is_left_alone(
    make: Make, devices: Devices, driven_time: DrivenLoop
) -> None:
    bench = make(node("fan-device"))
    bench.presence.set_active(active=False)
    await driven_time.advance(10.0)
    assert len(devices) == 0


async def test_what_was_being_read_when_the_node_was_halted_is_not_sent(
    make: Make, devices: Devices, driven_time: DrivenLoop
) -> None:
    bench = make(node())
    await bench.wire.readings(1)
    devices["C1"].trouble = release = threading.Event()
    reading = driven_time.create_task(bench.sensing.publish_now())
    await until(lambda: devices["C1"].reads == 2)
    bench.presence.set_active(active=False)
    bench.wire.take()
    release.set()
    await reading
    assert bench.wire.take() == []


async def test_a_slow_read_delays_the_next_and_is_not_made_up_for(
    make: Make, devices: Devices, driven_time: DrivenLoop
) -> None:
    bench = make(node())
    await bench.wire.readings(1)
    device = devices["C1"]
    device.trouble = release = threading.Event()
    await driven_time.advance(1.0)
    await until(lambda: device.reads == 2)
    await driven_time.advance(3.5)
    device.trouble = None
    release.set()
    assert await bench.wire.readings(1) == [("C1", 21.5)]
    await until(lambda: device.reads == 3)
    await bench.wire.readings(1)
    await driven_time.advance(0.9)
    assert device.reads == 3


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf"), None, [21.5], 21.5j], ids=repr)
async def test_what_is_no_value_is_not_sent_and_said_once(
    make: Make, devices: Devices, driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture, nonsense: object
) -> None:
    bench = make(node("device", HUMIDITY))
    await bench.wire.readings(1)
    devices["C1"].values = {"value": nonsense, "humidity": 48}
    for _ in range(3):
        await driven_time.advance(1.0)
        assert await bench.wire.readings(1) == [("F2", 48)]
    expected = [] if nonsense is None else [f"C1: no reading: {nonsense!r} is neither a finite number nor text"]
    assert messages(caplog) == expected


async def test_a_channel_that_fails_alone_is_said_once_and_the_others_are_sent(
    make: Make, devices: Devices, driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture
) -> None:
    bench = make(node("device", HUMIDITY))
    await bench.wire.readings(1)
    devices["C1"].values = {"value": DriverError("pin 2: over range", "see the divider"), "humidity": 48}
    for _ in range(3):
        await driven_time.advance(1.0)
        assert await bench.wire.readings(1) == [("F2", 48)]
    assert messages(caplog) == ["C1: no reading: pin 2: over range; see the divider"]


@pytest.mark.parametrize(
    ("steps", "value"),
    [
        ((FilterStep("scale", 1e300),), 1e300),
        ((FilterStep("scale", 0.5),), 10**400),
        ((FilterStep("moving_average", 3),), 1.7e308),
    ],
    ids=["becomes infinite", "is no float", "has no sum"],
)
async def test_a_number_that_a_filter_cannot_hold_is_no_reading(  # noqa: PLR0917 - fixtures and cases
    make: Make,
    devices: Devices,
    driven_time: DrivenLoop,
    caplog: pytest.LogCaptureFixture,
    steps: tuple[FilterStep, ...],
    value: float,
) -> None:
    bench = make(node("device", HUMIDITY, filters=steps))
    await bench.wire.readings(1)
    devices["C1"].values = {"value": value, "humidity": 48}
    heard = []
    for _ in range(4):
        await driven_time.advance(1.0)
        await until(lambda: ("F2", 48) in bench.wire._readings())
        heard += await bench.wire.readings(1)
    assert not bench.run.done()
    assert ("C1", value) not in heard[-2:]
    assert len(messages(caplog)) == 1


async def test_a_trouble_that_comes_back_is_said_again(
    make: Make, devices: Devices, driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture
) -> None:
    bench = make(node("device", HUMIDITY))
    await bench.wire.readings(1)
    for value in (float("nan"), 21.5, float("nan")):
        devices["C1"].values = {"value": value, "humidity": 48}
        await driven_time.advance(1.0)
        await until(lambda: ("F2", 48) in bench.wire._readings())
        bench.wire.take()
    assert len(messages(caplog)) == 2


async def test_what_is_no_mapping_is_a_failed_read(
    make: Make, devices: Devices, driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture
) -> None:
    bench = make(node())
    await bench.wire.readings(1)
    devices["C1"].values = 21.5
    await driven_time.advance(1.0)
    await until(lambda: bool(caplog.records))
    assert messages(caplog) == ["C1: the driver gave float, not a mapping of channels to values (failing)"]
    devices["C1"].values = {"value": 22.0}
    await driven_time.advance(1.0)
    assert await bench.wire.readings(1) == [("C1", 22.0)]


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (DriverError("no such bus", "enable I2C"), "no such bus; enable I2C"),
        (KeyError("pin"), "KeyError: 'pin'"),
        (StopIteration(), "RuntimeError: StopIteration"),
        (SystemExit("no library"), "SystemExit: no library"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_whatever_a_constructor_raises_the_driver_is_tried_again(  # noqa: PLR0917 - fixtures and cases
    make: Make,
    devices: Devices,
    driven_time: DrivenLoop,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    refusal: BaseException,
    said: str,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Device, "refusal", refusal)
        bench = make(node())
        await until(lambda: bool(caplog.records))
    assert messages(caplog) == [f"C1: {said} (failing)"]
    await driven_time.advance(1.0)
    assert await bench.wire.readings(1) == [("C1", 21.5)]


async def test_an_actuator_returns_to_its_safe_value_at_the_end(make: Make, devices: Devices) -> None:
    bench = make(node("fan-device"))
    await bench.wire.readings(1)
    await bench.sensing.set(80.0)
    assert devices["C1"].speed == 80.0
    await bench.close()
    assert devices["C1"].speed == Fan.SAFE


async def test_an_actuator_whose_read_hangs_returns_to_its_safe_value_too(
    make: Make, devices: Devices, driven_time: DrivenLoop
) -> None:
    bench = make(node("fan-device"))
    await bench.wire.readings(1)
    await bench.sensing.set(80.0)
    devices["C1"].trouble = threading.Event()
    await driven_time.advance(1.0)
    await until(lambda: devices["C1"].reads == 2)
    closing = driven_time.create_task(bench.close())
    await driven_time.advance(CLOSING_S)
    await closing
    assert devices["C1"].speed == Fan.SAFE


async def test_a_command_that_waited_for_a_hanging_read_does_not_act_after_the_end(
    make: Make, devices: Devices, driven_time: DrivenLoop
) -> None:
    bench = make(node("fan-device"))
    await bench.wire.readings(1)
    devices["C1"].trouble = threading.Event()
    await driven_time.advance(1.0)
    await until(lambda: devices["C1"].reads == 2)
    command = driven_time.create_task(bench.sensing.set(80.0))
    await driven_time.settle()
    closing = driven_time.create_task(bench.close())
    await driven_time.advance(CLOSING_S)
    await closing
    with pytest.raises(DriverError):
        await command
    assert devices.calls("C1") == [["close"]]


async def test_after_the_end_nothing_is_built_or_set(make: Make, devices: Devices) -> None:
    bench = make(node("fan-device"))
    await bench.wire.readings(1)
    await bench.close()
    with pytest.raises(DriverError, match="the node is ending"):
        await bench.sensing.step(5.0)
    await bench.sensing.publish_now()
    assert len(devices) == 1


async def test_an_async_driver_lives_in_the_loop_from_read_to_close(
    make: Make, devices: Devices, driven_time: DrivenLoop
) -> None:
    bench = make(node("radio"))
    await until(lambda: len(devices) == 1 and devices["C1"].reads == 1)
    devices["C1"].heard.set()
    assert await bench.wire.readings(1) == [("C1", 21.5)]
    await bench.sensing.set(80.0)
    await bench.sensing.step(5.0)
    await bench.close()
    assert devices.calls("C1") == [["set 80", "step 5", "close"]]


async def test_an_async_driver_that_waits_is_cancelled_at_the_end(make: Make, devices: Devices) -> None:
    bench = make(node("radio"))
    await until(lambda: len(devices) == 1 and devices["C1"].reads == 1)
    await bench.close()
    assert (devices["C1"].cancelled, devices["C1"].calls) == (1, ["close"])


def said(bench: Bench) -> list[Said | None]:
    """Return what the node said of itself since the last time."""
    frames = [frame for frame in bench.wire.take() if isinstance(frame, ControlFrame)]
    return [unpack(frame.number) for frame in frames if frame.flag is Flag.DIAGNOSIS]


@pytest.fixture
async def settled(make: Make, devices: Devices, driven_time: DrivenLoop) -> Bench:
    """Give a node that is announced and has been read once."""
    bench = make(node())
    bench.presence.start()
    await driven_time.advance(PROBE_S)
    await until(lambda: len(devices) == 1)
    await bench.wire.readings(1)
    return bench


async def test_a_driver_that_fails_once_is_no_trouble_and_one_that_fails_again_is(
    settled: Bench, devices: Devices, driven_time: DrivenLoop
) -> None:
    devices["C1"].trouble = DriverError("no such device")
    while (failures := settled.sensing._supervisor.failures) < 2:
        assert said(settled) == []
        await driven_time.advance(0.5)
        await until(lambda: not settled.sensing._reading.locked())
    assert failures == 2
    assert said(settled) == [Said(Trouble.DRIVER_FAILING, 2)]


async def test_a_driver_in_quarantine_is_told_and_that_it_works_again(
    settled: Bench, devices: Devices, driven_time: DrivenLoop
) -> None:
    devices["C1"].trouble = DriverError("no such device")
    heard: list[Said | None] = []
    while Said(Trouble.DRIVER_QUARANTINED, QUARANTINE_AFTER) not in heard:
        await driven_time.advance(0.5)
        await until(lambda: not settled.sensing._reading.locked())
        heard += said(settled)
    while len(devices) < 2:  # it is built anew a minute later
        await driven_time.advance(0.5)
        await until(lambda: not settled.sensing._reading.locked())
    await driven_time.advance(1.0)
    assert Said(Trouble.OVER, Trouble.DRIVER_QUARANTINED) in said(settled)


async def test_a_driver_that_hangs_is_told(settled: Bench, devices: Devices, driven_time: DrivenLoop) -> None:
    devices["C1"].trouble = threading.Event()
    await driven_time.advance(10.0)
    assert Said(Trouble.DRIVER_HANGING, 1) in said(settled)


@pytest.mark.parametrize("without", [float("nan"), DriverError("pin 2: over range")], ids=repr)
async def test_what_is_no_value_is_told_until_it_is_one(
    settled: Bench, devices: Devices, driven_time: DrivenLoop, without: object
) -> None:
    heard: list[Said | None] = []
    devices["C1"].values = {"value": without}
    while Said(Trouble.NO_VALUE, 1) not in heard:
        await driven_time.advance(0.5)
        await until(lambda: not settled.sensing._reading.locked())
        heard += said(settled)
    devices["C1"].values = {"value": 21.5}
    while Said(Trouble.OVER, Trouble.NO_VALUE) not in heard:
        await driven_time.advance(0.5)
        await until(lambda: not settled.sensing._reading.locked())
        heard += said(settled)
    assert heard.count(Said(Trouble.NO_VALUE, 1)) == 1
