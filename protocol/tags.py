"""Tags: six bytes in the padding of a frame that only who holds its key can make (docs/protocol.md, "Tags").

    offset  size  field
    4       1     key id; 0 means that there is no tag
    5       3     tag, its first three bytes
    21      3     tag, its last three bytes

The tag is BLAKE2s of six bytes, keyed and personalised with "jph tag", over one byte for the bus (`c` or `d`) and the
whole datagram, with zeros in the place of the tag itself.
"""

from _blake2 import blake2s  # see protocol.keys
from _operator import _compare_digest as equal_in_constant_time  # hmac's own, without hashlib
from typing import Final

from protocol.frames import Bus

TAG_BYTES: Final = 6
MAX_KEY_ID: Final = 255

_USE: Final = b"jph tag"
_BLANK: Final = bytes(3)
_CONTROL: Final = Bus.CONTROL


class Seal:
    """Makes and checks the tags of one key."""

    __slots__ = ("_hash", "_key_id", "key_id")

    def __init__(self, key_id: int, key: bytes) -> None:
        self.key_id = key_id
        self._key_id = bytes((key_id,))
        self._hash = blake2s(key=key, digest_size=TAG_BYTES, person=_USE)

    def sealed(self, bus: Bus, datagram: bytes) -> bytes:
        """Return a datagram with its tag, in place of whatever stood there."""
        tag = self._tag(bus, datagram)
        return b"".join((datagram[:4], self._key_id, tag[:3], datagram[8:21], tag[3:], datagram[24:]))

    def fits(self, bus: Bus, datagram: bytes) -> bool:
        """Tell whether the tag of a datagram was made with this key, as it is and for this bus."""
        return equal_in_constant_time(datagram[5:8] + datagram[21:24], self._tag(bus, datagram))

    def _tag(self, bus: Bus, datagram: bytes) -> bytes:
        tagging = self._hash.copy()
        place = b"c" if bus is _CONTROL else b"d"
        tagging.update(b"".join((place, datagram[:4], self._key_id, _BLANK, datagram[8:21], _BLANK, datagram[24:])))
        return tagging.digest()
