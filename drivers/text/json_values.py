"""What stands in a JSON document, as a reading."""

import math
from collections.abc import Mapping
from typing import Any, Final

from protocol.readings import Value


def reading(found: Any, infinite: float | None = None) -> Value:
    """Return what can be a reading; raises ValueError for what cannot. True is 1, as everywhere on the bus.

    `infinite` is what infinity counts as; without it, it is no reading.
    """
    if isinstance(found, str):
        return found
    if not isinstance(found, int | float):
        kind = _KINDS.get(type(found), type(found).__name__)
        raise ValueError(f"a {kind} is no value: name one that is in it")  # noqa: TRY004 - it is the device's fault
    if isinstance(found, float) and math.isinf(found) and infinite is not None:
        return infinite
    return _finite(found)


def _finite(number: float) -> int | float:
    try:
        if math.isfinite(number):
            return int(number) if isinstance(number, bool) else number
    except OverflowError:  # more digits than a float has room for
        raise ValueError("the number is too large") from None
    raise ValueError(f"{number} is no number")


_KINDS: Final[Mapping[type, str]] = {list: "list", dict: "mapping", type(None): "null"}
