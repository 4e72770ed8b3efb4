"""What the measurements send: a network of their own on loopback, and readings such as sensors have."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice, product
from string import ascii_letters, digits
from typing import Final

from agent import netlink
from agent.netlink import Interface
from bench.figures import CannotMeasureError
from config.model import Network
from protocol import frames
from protocol.readings import Reading, Value
from tests.support.loopback import LoopbackNetworks

SENSORS: Final = 200
STATES: Final = ("idle", "pumping", "stalled")
LARGEST_COUNT: Final = 10**6


@contextmanager
def loopback_network() -> Iterator[Network]:
    """Give two groups on loopback that no other program uses."""
    networks = LoopbackNetworks()
    try:
        yield networks.new()
    finally:
        networks.close()


def loopback() -> Interface:
    """Return the loopback interface."""
    for interface in netlink.interfaces():
        if interface.loopback:
            return interface
    raise CannotMeasureError("this machine has no loopback interface", "ip link set lo up")


def codifiers(count: int) -> list[str]:
    """Return so many codifiers of letters and digits; there are 3,844."""
    characters = ascii_letters + digits
    return ["".join(pair) for pair in islice(product(characters, repeat=2), count)]


def values(seed: int = 1) -> Iterator[tuple[int, Value]]:
    """Yield for ever the place of a sensor, 0 to 199, and its next value.

    Of twenty sensors 17 are temperatures that wander by tenths, one counts, one names a state, and one has a number
    that needs all digits of a float: the four flags of the data bus, mixed as on a real network.
    """
    dice = random.Random(seed)
    temperatures = [dice.uniform(15, 80) for _ in range(SENSORS)]
    while True:
        for place in range(SENSORS):
            temperatures[place] += dice.uniform(-0.2, 0.2)
            yield place, _value(place % 20, temperatures[place], dice)


def _value(kind: int, temperature: float, dice: random.Random) -> Value:
    if kind == 17:
        return dice.randrange(LARGEST_COUNT)
    if kind == 18:
        return dice.choice(STATES)
    return temperature if kind == 19 else round(temperature, 1)


def datagrams(count: int, now_ms: int, first_sequence: int = 1) -> list[bytes]:
    """Encode so many readings, each sensor's numbered from `first_sequence` on."""
    names = codifiers(SENSORS)
    return [
        frames.encode_reading(Reading(names[place], now_ms, first_sequence + number // SENSORS, value))
        for number, (place, value) in enumerate(islice(values(), count))
    ]
