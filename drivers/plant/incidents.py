"""What happens by itself in the simulated plant, and when."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import count, takewhile
from random import Random
from typing import Final, NamedTuple


class Incident(NamedTuple):
    """Something that happens first at `first_s`, and from then on about every `every_s`, for `lasts_s`."""

    name: str
    what: str
    first_s: float
    every_s: float
    lasts_s: float


PUMP: Final = Incident("pump", "the pump of AQUA stalls: no flow, its water warms up; then it runs again", 40, 300, 20)
SILENCE: Final = Incident("silence", "the sensor of the outside air does not answer", 70, 420, 30)
DAMP: Final = Incident("damp", "the humidity of the room rises by 30 % and falls again", 85, 360, 70)

INCIDENTS: Final = (PUMP, SILENCE, DAMP)

_LATENESS: Final = 0.25  # of `every_s` at most: repetitions are not to be foretold by the eye


class Occurrence(NamedTuple):
    """One time that an incident happens, in seconds since the plant started."""

    name: str
    start_s: float
    end_s: float


class Schedule:
    """When incidents happen: the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def progress(self, incident: Incident, at_s: float) -> float | None:
        """Return how far an incident is at a time, from 0 to below 1; None while it does not happen."""
        number = max(0, int((at_s - incident.first_s) // incident.every_s))
        passed = (at_s - _start_s(self._seed, incident, number)) / incident.lasts_s
        return passed if 0 <= passed < 1 else None

    def occurrences(self, until_s: float) -> list[Occurrence]:
        """Return what begins before a time, in order."""
        found = [
            Occurrence(incident.name, start_s, start_s + incident.lasts_s)
            for incident in INCIDENTS
            for start_s in takewhile(lambda start_s: start_s < until_s, self._starts(incident))
        ]
        return sorted(found, key=lambda occurrence: occurrence.start_s)

    def _starts(self, incident: Incident) -> Iterator[float]:
        return (_start_s(self._seed, incident, number) for number in count())


@lru_cache(maxsize=64)  # the same few are asked for at every tick
def _start_s(seed: int, incident: Incident, number: int) -> float:
    start_s = incident.first_s + number * incident.every_s
    if number == 0:
        return start_s
    return start_s + Random(f"{seed} {incident.name} {number}").uniform(0, _LATENESS * incident.every_s)
