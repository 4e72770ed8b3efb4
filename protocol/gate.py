"""The door through which every datagram comes in and goes out: its tag is looked at first, then it is decoded.

See docs/protocol.md, "Tags".
"""

from collections.abc import Collection
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from protocol.codifiers import EVERYBODY
from protocol.errors import DecodeError
from protocol.frames import (
    COMMANDS,
    HEADER_BYTES,
    MAX_FRAME_BYTES,
    Addressed,
    Bus,
    ControlFrame,
    Flag,
    Frame,
    addressed,
    decode,
    decode_control,
    key_id_of,
)

if TYPE_CHECKING:
    from protocol.keyring import Keyring  # networks without tags do without it, and save 120 KiB

UNSIGNED: Final = "unsigned"
UNKNOWN_KEY: Final = "unknown key id"
NO_KEY: Final = "no key"
FORGED: Final = "wrong tag"

REFUSALS: Final = (UNSIGNED, UNKNOWN_KEY, NO_KEY, FORGED)
"""The kinds of RefusedError."""

_WORDS: Final = {
    UNSIGNED: "has no tag",
    UNKNOWN_KEY: "is tagged with key {key_id}, which is not known",
    NO_KEY: "cannot be checked: its key was not granted",
    FORGED: "has a tag that its key did not make",
}

_COMMANDS: Final = frozenset(flag.encode() for flag in COMMANDS)


class Mode(StrEnum):
    """What a program does about tags."""

    REQUIRE = "require"  # what has no tag, or a wrong one, is not believed
    PREFER = "prefer"  # what has none is believed, a wrong one is not
    OFF = "off"  # as the original system: tags are neither made nor looked at


class RefusedError(DecodeError):
    """A frame that is not believed; `kind` is one of REFUSALS.

    `frame` is what it would have commanded, else only what its header says: nothing else of it was looked at. The words
    are put together when somebody wants to read them: of a flood nobody does.
    """

    def __init__(self, kind: str, key_id: int, frame: ControlFrame | Addressed) -> None:
        # Without the constructors of the classes above, which would cost a quarter of the whole refusal.
        self.kind = self.message = kind
        self.hint = ""
        self.key_id = key_id
        self.frame = frame

    def __str__(self) -> str:
        frame = self.frame
        to = "everybody" if frame.destination == EVERYBODY else frame.destination
        return f"{frame.flag.name.lower()} from {frame.source} to {to} {_WORDS[self.kind].format(key_id=self.key_id)}"


class Gate:
    """Opens datagrams and seals them, with the keys of one program.

    `unsigned` are codifiers of original nodes: what these say needs no tag. Nobody commands without one.
    """

    def __init__(self, mode: Mode, keyring: "Keyring | None" = None, unsigned: Collection[str] = ()) -> None:
        if keyring is None and mode is not Mode.OFF:
            raise ValueError(f"{mode} needs keys")
        self.mode = mode
        self.keyring = keyring
        self.unsigned = frozenset(codifier.encode() for codifier in unsigned)  # as they stand in a datagram

    def open(self, bus: Bus, datagram: bytes) -> Frame:
        """Turn a datagram into a frame; raises DecodeError for what is none, RefusedError for what is not believed.

        The tag comes first: of what is not believed the payload is not read.
        """
        if self.keyring is not None and HEADER_BYTES <= len(datagram) <= MAX_FRAME_BYTES:
            self._check(self.keyring, bus, datagram)
        return decode(bus, datagram)

    def seal(self, bus: Bus, datagram: bytes) -> bytes:
        """Return the datagram of a frame with its tag; as it is when there are no keys, or none for this frame."""
        if self.keyring is None:
            return datagram
        sealed = self.keyring.sealed(bus, datagram)
        return datagram if sealed is None else sealed

    def take(self, other: "Gate") -> None:
        """Use another gate's mode and keys from now on."""
        self.mode, self.keyring, self.unsigned = other.mode, other.keyring, other.unsigned

    def may_command(self, target: str, source: str) -> bool:
        """Tell whether commands from `source` to `target` can be tagged here, or need not be."""
        if self.keyring is None:
            return True
        return self.keyring.seal(self.keyring.signs_with, Flag.SET, source, target) is not None

    def _check(self, keyring: "Keyring", bus: Bus, datagram: bytes) -> None:
        if key_id_of(datagram) == 0:
            if not self._may_be_unsigned(datagram):
                raise _refusal(UNSIGNED, bus, datagram)
            return
        is_genuine = keyring.is_genuine(bus, datagram)
        if is_genuine is None:
            self._check_unverifiable(keyring, bus, datagram)
        elif not is_genuine:
            raise _refusal(FORGED, bus, datagram)

    def _may_be_unsigned(self, datagram: bytes) -> bool:
        if self.mode is Mode.PREFER:
            return True
        return datagram[17:19] in self.unsigned and datagram[16:17] not in _COMMANDS

    def _check_unverifiable(self, keyring: "Keyring", bus: Bus, datagram: bytes) -> None:
        """Take what cannot be checked for unsigned: nobody needs to believe it, and no command."""
        if self.mode is Mode.PREFER and datagram[16:17] not in _COMMANDS:
            return
        raise _refusal(NO_KEY if keyring.knows(key_id_of(datagram)) else UNKNOWN_KEY, bus, datagram)


def _refusal(kind: str, bus: Bus, datagram: bytes) -> RefusedError:
    """Say what is not believed; raises DecodeError when it is no frame at all."""
    is_command = datagram[16:17] in _COMMANDS and bus is Bus.CONTROL
    return RefusedError(kind, key_id_of(datagram), decode_control(datagram) if is_command else addressed(datagram))
