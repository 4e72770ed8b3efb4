"""What one program holds of the network's keys, and which of them belongs to a frame (docs/protocol.md, "Keys")."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

from protocol import keys
from protocol.codifiers import EVERYBODY
from protocol.frames import COMMANDS, Bus, Flag, addressed, key_id_of
from protocol.tags import Seal

MAX_SEALS: Final = 8_192
"""Kinds of frames whose seal is kept ready, about 500 bytes each, of those alone that were genuine: whoever invents
codifiers costs time. Beyond, all are made anew."""

_SAID_TO: Final = frozenset({Flag.PING, Flag.REPEAT})
_KEY_ID: Final = slice(4, 5)
_KIND: Final = slice(16, 21)  # of a datagram: flag, source and destination

Place: TypeAlias = tuple[int, str, str]
"""What one key is for: key id, whose it is, and who commands with it, empty for a data key."""


class Held(NamedTuple):
    """What a program holds under one key id. What it was not granted is None or not in the mappings.

    `data` has data keys by codifier, `@@` for pings to everybody; `commands` command keys by target; `orders` order
    keys by (target, source).
    """

    key_id: int
    data_root: bytes | None = None
    command_root: bytes | None = None
    data: Mapping[str, bytes] = {}
    commands: Mapping[str, bytes] = {}
    orders: Mapping[tuple[str, str], bytes] = {}

    def data_key(self, codifier: str) -> bytes | None:
        """Return the key of what a codifier says, or None when it was not granted."""
        key = self.data.get(codifier)
        return keys.data_key(self.data_root, codifier) if key is None and self.data_root is not None else key

    def order_key(self, target: str, source: str) -> bytes | None:
        """Return the key of commands from one to the other, or None when it was not granted."""
        key = self.orders.get((target, source))
        if key is not None:
            return key
        target_key = self.commands.get(target)
        if target_key is None and self.command_root is not None:
            target_key = keys.command_key(self.command_root, target)
        return None if target_key is None else keys.order_key(target_key, source)


class Keyring:
    """Checks and makes tags: of a frame that was heard under its own key id, of a new one under `signs_with`."""

    def __init__(self, held: Iterable[Held], signs_with: int) -> None:
        self.signs_with = signs_with
        self._signs_with = bytes((signs_with,))
        self._held = {one.key_id: one for one in held}
        self._seals: dict[Place, Seal] = {}
        self._ready: dict[bytes, Seal] = {}  # by key id, flag, source and destination, as they stand in a datagram

    @property
    def key_ids(self) -> tuple[int, ...]:
        """The key ids that are valid here, the newest last."""
        return tuple(self._held)

    def knows(self, key_id: int) -> bool:
        """Tell whether a key id is valid here."""
        return key_id in self._held

    def targets(self, source: str) -> list[str]:
        """Name whom a source was granted to command under the key that tags are made with, one by one; sorted."""
        held = self._held.get(self.signs_with)
        return [] if held is None else sorted(target for target, commander in held.orders if commander == source)

    def is_genuine(self, bus: Bus, datagram: bytes) -> bool | None:
        """Tell whether a datagram has the tag that belongs to it; None when this program was not granted its key.

        A datagram has a header at least. Raises DecodeError when that cannot be one of a frame.
        """
        kind = datagram[_KEY_ID] + datagram[_KIND]
        seal = self._ready.get(kind)
        if seal is not None:
            return seal.fits(bus, datagram)
        place = _place(key_id_of(datagram), *addressed(datagram))
        seal = self._seal(place)
        is_genuine = None if seal is None else seal.fits(bus, datagram)
        if seal is not None and is_genuine:
            self._keep_ready(kind, place, seal)
        return is_genuine

    def sealed(self, bus: Bus, datagram: bytes) -> bytes | None:
        """Return the datagram of a frame with its tag, or None when this program was not granted its key."""
        kind = self._signs_with + datagram[_KIND]
        seal = self._ready.get(kind)
        if seal is None:
            place = _place(self.signs_with, *addressed(datagram))
            seal = self._seal(place)
            if seal is None:
                return None
            self._keep_ready(kind, place, seal)
        return seal.sealed(bus, datagram)

    def seal(self, key_id: int, flag: Flag, source: str, destination: str) -> Seal | None:
        """Return the seal that belongs to a frame, or None when this program was not granted its key."""
        return self._seal(_place(key_id, flag, source, destination))

    def _seal(self, place: Place) -> Seal | None:
        return self._seals.get(place) or self._make(*place)

    def _make(self, key_id: int, codifier: str, commander: str) -> Seal | None:
        held = self._held.get(key_id)
        if held is None or (commander and codifier == EVERYBODY):  # nobody commands all at once
            return None
        key = held.order_key(codifier, commander) if commander else held.data_key(codifier)
        return None if key is None else Seal(key_id, key)

    def _keep_ready(self, kind: bytes, place: Place, seal: Seal) -> None:
        if len(self._ready) >= MAX_SEALS:
            self._ready.clear()
            self._seals.clear()
        self._ready[kind] = self._seals[place] = seal


def _place(key_id: int, flag: Flag, source: str, destination: str) -> Place:
    if flag in COMMANDS:
        return key_id, destination, source
    return key_id, destination if flag in _SAID_TO else source, ""
