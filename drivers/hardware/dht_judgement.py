"""Which answers of a DHT sensor are believed: its checksum has 8 bits, and passes what the sensor never measured."""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from drivers.hardware.dht_backends import Climate, TransactionError

LOWEST_C, HIGHEST_C = Decimal(-40), Decimal(80)  # AM2302's datasheet: what it measures
HIGHEST_PERCENT: Final = Decimal(100)

# What sensors say whose transfer went wrong with a good checksum, in °C and %.
_NONSENSE: Final = frozenset({(Decimal(0), Decimal(1)), (Decimal(0), Decimal(2)), (Decimal("0.1"), Decimal(1))})

JUMP_C: Final = Decimal(5)
JUMP_PERCENT: Final = Decimal(20)
_REMEMBERED: Final = 3  # good answers, from whose median a jump is counted


def check(climate: Climate) -> None:
    """Raise TransactionError for what such a sensor cannot measure."""
    celsius, percent = climate
    if not (LOWEST_C <= celsius <= HIGHEST_C and 0 <= percent <= HIGHEST_PERCENT) or climate in _NONSENSE:
        raise TransactionError(
            f"the sensor said {_words(climate)}, which it cannot measure", "look at its wiring and its power"
        )


class Judgement:
    """Believes an answer that is near the last ones, and a jump when the answer after it agrees."""

    def __init__(self) -> None:
        self._believed: deque[Climate] = deque(maxlen=_REMEMBERED)
        self._suspect: Climate | None = None

    def believe(self, climate: Climate) -> None:
        """Take an answer; raises TransactionError for a jump that the next answer has not confirmed yet."""
        if not self._believed or _is_near(climate, self._usual()):
            self._believed.append(climate)
        elif self._suspect is not None and _is_near(climate, self._suspect):
            self._believed = deque([self._suspect, climate], maxlen=_REMEMBERED)
        else:
            usual, self._suspect = self._usual(), climate
            raise TransactionError(
                f"a jump from {_words(usual)} to {_words(climate)}", "it is believed when the next answer agrees"
            )
        self._suspect = None

    def _usual(self) -> Climate:
        return Climate(*(_median(values) for values in zip(*self._believed, strict=True)))


def _median(values: Iterable[Decimal]) -> Decimal:
    """Return the mean of the two in the middle, or of the one with itself; `statistics` costs 0.3 MiB."""
    in_order = sorted(values)
    return (in_order[(len(in_order) - 1) // 2] + in_order[len(in_order) // 2]) / 2


def _is_near(one: Climate, other: Climate) -> bool:
    return abs(one.celsius - other.celsius) <= JUMP_C and abs(one.percent - other.percent) <= JUMP_PERCENT


def _words(climate: Climate) -> str:
    return f"{climate.celsius:f} °C and {climate.percent:f} %"
