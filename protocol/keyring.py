"""What one program holds of the network's keys, and which of them belongs to a frame (docs/protocol.md, "Keys")."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from protocol import keys
from protocol.frames import COMMANDS, Flag
from protocol.tags import Seal

MAX_SEALS: Final = 8_192
"""Seals that are kept ready, about 400 bytes each; beyond, all are made anew: whoever invents codifiers costs time."""

_SAID_TO: Final = frozenset({Flag.PING, Flag.REPEAT})


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
    """Gives the seal of a frame: of a new one under the key id `signs_with`, of one that was heard under its own."""

    def __init__(self, held: Iterable[Held], signs_with: int) -> None:
        self.signs_with = signs_with
        self._held = {one.key_id: one for one in held}
        self._seals: dict[tuple[int, str, str], Seal | None] = {}

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

    def seal(self, key_id: int, flag: Flag, source: str, destination: str) -> Seal | None:
        """Return the seal that belongs to a frame, or None when this program was not granted its key."""
        if flag in COMMANDS:
            return self._seal(key_id, destination, source)
        return self._seal(key_id, destination if flag in _SAID_TO else source, "")

    def _seal(self, key_id: int, codifier: str, commander: str) -> Seal | None:
        place = (key_id, codifier, commander)
        if place not in self._seals:
            if len(self._seals) >= MAX_SEALS:
                self._seals.clear()
            self._seals[place] = self._make(*place)
        return self._seals[place]

    def _make(self, key_id: int, codifier: str, commander: str) -> Seal | None:
        held = self._held.get(key_id)
        if held is None:
            return None
        key = held.order_key(codifier, commander) if commander else held.data_key(codifier)
        return None if key is None else Seal(key_id, key)
