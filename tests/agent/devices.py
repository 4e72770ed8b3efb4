"""Devices for tests: drivers that do what the test says, also what real ones do at their worst."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Final

import msgspec
import pytest

from drivers.driver import DriverOptions, Measurements, OutOfRangeError, Place
from drivers.registry import DRIVERS

SENSOR: Final = "C1: {driver: device, interval: 1s}"
FAN: Final = "FK: {driver: fan-device, interval: 1s, control: true}"
BOTH: Final = f"{SENSOR}\n{FAN}"


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until a thread has done something, or the log has a line."""
    while not condition():  # noqa: ASYNC110 - neither of them tells when
        await asyncio.sleep(0)


class DeviceOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`value` is what the device measures; `note` is there so that options can differ."""

    value: float | str = 21.5
    note: str = ""

    def channels(self) -> frozenset[str]:
        return frozenset({"value", "humidity"})


class Device:
    """Measures `values`, unless `trouble` is an error to raise or an event to wait for first."""

    Options: ClassVar[type[msgspec.Struct]] = DeviceOptions
    built: ClassVar[list["Device"]] = []
    refusal: ClassVar[BaseException | None] = None

    def __init__(self, options: DeviceOptions, place: Place) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.codifier = place.codifier
        self.wake = place.wake
        self.values: Any = {"value": options.value}
        self.trouble: BaseException | threading.Event | None = None
        self.reads = 0
        self.calls: list[str] = []
        self.reading = threading.Event()
        self.built.append(self)

    def read(self) -> Measurements:
        self.reads += 1
        self.reading.set()
        if isinstance(self.trouble, threading.Event):
            self.trouble.wait()
        elif self.trouble is not None:
            raise self.trouble
        measurements: Measurements = self.values
        return measurements

    def close(self) -> None:
        self.calls.append("close")


class Fan(Device):
    """Can be set up to 100, and returns to 30 when it is closed."""

    SAFE: Final = 30.0

    def __init__(self, options: DeviceOptions, place: Place) -> None:
        super().__init__(options, place)
        self.speed = self.SAFE

    def read(self) -> Measurements:
        super().read()
        return {"value": self.speed}

    def set(self, value: float) -> None:
        self.calls.append(f"set {value:g}")
        if value > 100:
            raise OutOfRangeError(f"{value:g} is out of range 0..100")
        self.speed = value

    def step(self, by: float) -> None:
        self.set(self.speed + by)

    def close(self) -> None:
        super().close()
        self.speed = self.SAFE


class Radio(Device):
    """Is asked in the event loop, and waits there until `heard` is set."""

    def __init__(self, options: DeviceOptions, place: Place) -> None:
        super().__init__(options, place)
        self.heard = asyncio.Event()
        self.cancelled = 0

    async def read(self) -> Measurements:  # type: ignore[override] # a driver may be the one or the other
        self.reads += 1
        self.reading.set()
        try:
            await self.heard.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if isinstance(self.trouble, BaseException):
            raise self.trouble
        measurements: Measurements = self.values
        return measurements

    async def set(self, value: float) -> None:
        self.calls.append(f"set {value:g}")

    async def step(self, by: float) -> None:
        self.calls.append(f"step {by:g}")

    async def close(self) -> None:  # type: ignore[override] # the same
        asyncio.get_running_loop()
        self.calls.append("close")


class Devices:
    """The devices that the nodes of a test built."""

    def __getitem__(self, codifier: str) -> Any:
        """Return the device of a node, the last one that was built."""
        return [device for device in Device.built if device.codifier == codifier][-1]

    def __len__(self) -> int:
        return len(Device.built)

    def calls(self, codifier: str) -> list[list[str]]:
        """Return what each device of a node was asked, but for reads."""
        return [device.calls for device in Device.built if device.codifier == codifier]


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> Iterator[Devices]:
    """Let configurations name the drivers `device`, `fan-device` and `radio`."""
    for name, kind in {"device": Device, "fan-device": Fan, "radio": Radio}.items():
        monkeypatch.setitem(DRIVERS, name, f"{__name__}:{kind.__name__}")
    yield Devices()
    for device in Device.built:
        if isinstance(device.trouble, threading.Event):
            device.trouble.set()
    Device.built.clear()
