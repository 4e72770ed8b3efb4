from protocol.codifiers import EVERYBODY
from protocol.frames import DataFrame, Flag, encode, encode_reading
from protocol.readings import Attributes, Reading, Value
from protocol.sequences import after


class Numbering:
    """Numbers the readings of one sensor: `n` before the first, then one more for each."""

    __slots__ = ("_announced", "codifier", "last")

    def __init__(self, codifier: str, last: int) -> None:
        """Continue after `last`: a random number below 2**31 for a new numbering, or the one that was kept."""
        self.codifier = codifier
        self.last = last
        self._announced = False

    def datagrams(self, value: Value, attributes: Attributes | None, timestamp_ms: int) -> tuple[bytes, ...]:
        """Return the datagrams that publish a reading; raises EncodeError, and then no number is used."""
        sequence = after(self.last)
        reading = encode_reading(Reading(self.codifier, timestamp_ms, sequence, value, attributes))
        announcement = () if self._announced else (encode(self.announcement(timestamp_ms)),)
        self.last, self._announced = sequence, True
        return (*announcement, reading)

    def announcement(self, timestamp_ms: int) -> DataFrame:
        """Return the `n` that names the last sequence used: sent before the first reading and after the last."""
        return DataFrame(self.last, timestamp_ms, Flag.NUMBERING, self.codifier, EVERYBODY, self.last)
