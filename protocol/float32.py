"""Four-byte floats as the decimals that were meant (docs/protocol.md, "The flag f"): 21.3, not 21.299999237060547."""

import math
import struct
from typing import Final

_F32: Final = struct.Struct("<f")
_SMALLEST_NORMAL: Final = 2.0**-126
_SUBNORMAL_DIGITS: Final = range(1, 9)
_NORMAL_DIGITS: Final = range(6, 9)  # six decimal digits always survive a normal float32, nine always suffice

# Above a power of two the floats lie twice as far apart as below it. Beside these three that makes an
# eight-digit decimal pack to the same bytes although another one is nearer and does not.
_WIDER_ABOVE: Final = {2.0**-96: 1.2621775e-29, 2.0**87: 1.5474251e26, 2.0**90: 1.2379401e27}

# Sensors repeat themselves. 4,096 values take about 0.5 MiB; when so many are known, all are forgotten.
_MAX_KNOWN: Final = 4096
_known: dict[bytes, float] = {}


def pack(value: float) -> bytes:
    """Round to the nearest float32; raises OverflowError when that is none."""
    return _F32.pack(value)


def exact(four_bytes: bytes) -> float:
    """Return the number that these bytes hold, to the last binary digit; raises struct.error as `shortest`."""
    number: float = _F32.unpack(four_bytes)[0]
    return number


def shortest(four_bytes: bytes) -> float:
    """Return the shortest decimal that packs to these bytes, the nearest of several, as a Python float.

    NaN and infinities come out as they are. Raises struct.error unless there are four bytes.
    """
    value = _known.get(four_bytes)
    return _learn(four_bytes) if value is None else value


def is_lossless(value: float) -> bool:
    """Tell whether `shortest` gives this finite number back from what `pack` makes of it."""
    try:
        return shortest(_F32.pack(value)) == value
    except OverflowError:
        return False


def _learn(four_bytes: bytes) -> float:
    value = _shortest(four_bytes)
    if len(_known) >= _MAX_KNOWN:
        _known.clear()
    _known[four_bytes] = value
    return value


def _shortest(four_bytes: bytes) -> float:
    number = exact(four_bytes)
    if not math.isfinite(number):
        return number
    magnitude = abs(number)
    if magnitude in _WIDER_ABOVE:
        return math.copysign(_WIDER_ABOVE[magnitude], number)
    for digits in _NORMAL_DIGITS if magnitude >= _SMALLEST_NORMAL else _SUBNORMAL_DIGITS:
        candidate = float(f"{number:.{digits}g}")
        if _packs_to(candidate, four_bytes):
            return candidate
    return float(f"{number:.9g}")


def _packs_to(candidate: float, four_bytes: bytes) -> bool:
    try:
        return _F32.pack(candidate) == four_bytes
    except OverflowError:  # rounding up left the range of a float32
        return False
