from typing import NamedTuple


class Instant(NamedTuple):
    """One moment on the two clocks of this computer, read together.

    `monotonic_s` (seconds, arbitrary start) measures ages and timers; `wall_ms` (milliseconds since
    1970-01-01 UTC) is only compared with timestamps: it may step.
    """

    monotonic_s: float
    wall_ms: float
