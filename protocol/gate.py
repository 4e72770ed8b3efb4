"""The door through which every datagram comes in and goes out: decoded, and its tag looked at before it is believed.

See docs/protocol.md, "Tags".
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from protocol.codifiers import EVERYBODY
from protocol.errors import DecodeError
from protocol.frames import COMMANDS, Bus, Flag, Frame, addressed, decode
from protocol.keyring import Keyring
from protocol.tags import key_id_of

UNSIGNED: Final = "unsigned"
UNKNOWN_KEY: Final = "unknown key id"
NO_KEY: Final = "no key"
FORGED: Final = "wrong tag"

REFUSALS: Final = (UNSIGNED, UNKNOWN_KEY, NO_KEY, FORGED)
"""The kinds of RefusedError."""


class Mode(StrEnum):
    """What a program does about tags."""

    REQUIRE = "require"  # what has no tag, or a wrong one, is not believed
    PREFER = "prefer"  # what has none is believed, a wrong one is not
    OFF = "off"  # as the original system: tags are neither made nor looked at


class RefusedError(DecodeError):
    """A frame that is not believed; `kind` is one of REFUSALS."""

    def __init__(self, kind: str, message: str, frame: Frame) -> None:
        super().__init__(kind, message)
        self.frame = frame


class Gate:
    """Opens datagrams and seals them, with the keys of one program.

    `unsigned` are codifiers of original nodes: what these say needs no tag. Nobody commands without one.
    """

    def __init__(self, mode: Mode, keyring: Keyring | None = None, unsigned: Collection[str] = ()) -> None:
        if keyring is None and mode is not Mode.OFF:
            raise ValueError(f"{mode} needs keys")
        self.mode = mode
        self.keyring = keyring
        self.unsigned = frozenset(unsigned)

    def open(self, bus: Bus, datagram: bytes) -> Frame:
        """Turn a datagram into a frame; raises DecodeError for what is none, RefusedError for what is not believed."""
        frame = decode(bus, datagram)
        if self.keyring is not None:
            self._check(self.keyring, bus, datagram, frame)
        return frame

    def seal(self, bus: Bus, datagram: bytes) -> bytes:
        """Return the datagram of a frame with its tag; as it is when there are no keys, or none for this frame."""
        if self.keyring is None:
            return datagram
        flag, source, destination = addressed(datagram)
        seal = self.keyring.seal(self.keyring.signs_with, flag, source, destination)
        return datagram if seal is None else seal.sealed(bus, datagram)

    def take(self, other: "Gate") -> None:
        """Use another gate's mode and keys from now on."""
        self.mode, self.keyring, self.unsigned = other.mode, other.keyring, other.unsigned

    def may_command(self, target: str, source: str) -> bool:
        """Tell whether commands from `source` to `target` can be tagged here, or need not be."""
        if self.keyring is None:
            return True
        return self.keyring.seal(self.keyring.signs_with, Flag.SET, source, target) is not None

    def _check(self, keyring: Keyring, bus: Bus, datagram: bytes, frame: Frame) -> None:
        key_id = key_id_of(datagram)
        if key_id == 0:
            self._check_unsigned(frame)
            return
        seal = keyring.seal(key_id, frame.flag, frame.source, frame.destination)
        if seal is None:
            self._check_unverifiable(keyring, key_id, frame)
        elif not seal.fits(bus, datagram):
            raise RefusedError(FORGED, f"{_named(frame)} has a tag that its key did not make", frame)

    def _check_unsigned(self, frame: Frame) -> None:
        if self.mode is Mode.PREFER:
            return
        if frame.source not in self.unsigned or frame.flag in COMMANDS:
            raise RefusedError(UNSIGNED, f"{_named(frame)} has no tag", frame)

    def _check_unverifiable(self, keyring: Keyring, key_id: int, frame: Frame) -> None:
        """Take what cannot be checked for unsigned: nobody needs to believe it, and no command."""
        if self.mode is Mode.PREFER and frame.flag not in COMMANDS:
            return
        if not keyring.knows(key_id):
            raise RefusedError(UNKNOWN_KEY, f"{_named(frame)} is tagged with key {key_id}, which is not known", frame)
        raise RefusedError(NO_KEY, f"{_named(frame)} cannot be checked: its key was not granted", frame)


def _named(frame: Frame) -> str:
    to = "everybody" if frame.destination == EVERYBODY else frame.destination
    return f"{frame.flag.name.lower()} from {frame.source} to {to}"
