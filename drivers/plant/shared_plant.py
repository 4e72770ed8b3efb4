"""One plant for all drivers of a process that name it: the fan of one node cools the water that another measures."""

import threading
from binascii import crc32
from collections.abc import Callable
from typing import Final
from weakref import WeakValueDictionary

from drivers.driver import Measurements
from drivers.plant.plant import PARTS, Plant


class SharedPlant:
    """A plant whose time is a clock's. Any thread may ask it."""

    def __init__(self, name: str, monotonic: Callable[[], float]) -> None:
        self._plant = Plant(seed=crc32(name.encode()))
        self._monotonic = monotonic
        self._started_s = monotonic()
        self._lock = threading.Lock()

    def read(self, part: str) -> Measurements:
        """Return what the sensors of a part measure now; those that do not answer are missing."""
        with self._lock:
            self._catch_up()
            measured = {channel: quantity(self._plant) for channel, quantity in PARTS[part].items()}
        return {channel: value for channel, value in measured.items() if value is not None}

    def drive_fan(self, percent: float) -> None:
        """Tell the fan its speed from now on."""
        with self._lock:
            self._catch_up()
            self._plant.fan_percent = percent

    def _catch_up(self) -> None:
        self._plant.advance(max(0.0, self._monotonic() - self._started_s - self._plant.elapsed_s))


# Drivers are built one by one from their options and share nothing else, so the name is how they find each other.
# Weak: a plant lives as long as a driver of it, and one that is started again starts anew.
_plants: Final[WeakValueDictionary[str, SharedPlant]] = WeakValueDictionary()
_plants_lock: Final = threading.Lock()


def join_plant(name: str, monotonic: Callable[[], float]) -> SharedPlant:
    """Return the plant of this name; the first who asks starts it, and its clock is the plant's."""
    with _plants_lock:
        plant = _plants.get(name)
        if plant is None:
            plant = _plants[name] = SharedPlant(name, monotonic)
        return plant
