"""Key files: one line of JSON each, readable by their owner alone (docs/security.md, "Key files").

The owner of a network keeps `network.key`, from which all else can be made; every other program has a file with what
it was granted.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Final, TypeAlias

import msgspec

from protocol import codifiers, keys
from protocol.errors import JphError
from protocol.keyring import Held, Keyring
from protocol.tags import MAX_KEY_ID

NETWORK_NAME: Final = "network"
"""The name of the file from which all else can be made."""

Key: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=keys.KEY_BYTES, max_length=keys.KEY_BYTES)]
KeyId: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=MAX_KEY_ID)]
Codifier: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{2}\Z")]


class KeyFileError(JphError):
    """A file that is no key file, or not to be used as it is."""


class Role(StrEnum):
    """Who is granted keys."""

    NODE = "node"  # says its own readings and is commanded
    OPERATOR = "operator"  # reads everything and commands some
    READER = "reader"  # reads everything


class Grant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody is granted: to say what `says` say, to read `reads` or everybody, to command `targets`."""

    role: Role
    says: tuple[Codifier, ...] = ()
    reads: tuple[Codifier, ...] = ()
    reads_all: bool = False
    targets: tuple[Codifier, ...] = ()


class NetworkKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The network's key under one id, and when it was made (ms since 1970-01-01 UTC)."""

    id: KeyId
    secret: Key
    made_ms: int


class NetworkFile(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="jph", tag="network key"
):
    """All keys of a network that are valid, the one that new frames are tagged with, and who was granted what.

    `signs_since_ms` is when it was said last with which key frames are tagged (ms since 1970-01-01 UTC).
    """

    signs_with: KeyId
    signs_since_ms: int
    keys: tuple[NetworkKey, ...]
    grants: Mapping[Codifier, Grant] = {}

    def held(self) -> list[Held]:
        """Return the keys as a keyring takes them."""
        return [Held(key.id, keys.data_root(key.secret), keys.command_root(key.secret)) for key in self.keys]


class GrantedKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was granted under one key id: data keys by codifier, command keys by target, order keys by target."""

    id: KeyId
    data_root: Key | None = None
    data: Mapping[Codifier, Key] = {}
    commands: Mapping[Codifier, Key] = {}
    orders: Mapping[Codifier, Key] = {}


class GrantedFile(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="jph", tag="granted keys"
):
    """What one codifier was granted."""

    codifier: Codifier
    role: Role
    signs_with: KeyId
    keys: tuple[GrantedKeys, ...]

    def held(self) -> list[Held]:
        """Return the keys as a keyring takes them."""
        return [
            Held(
                one.id,
                one.data_root,
                data=one.data,
                commands=one.commands,
                orders={(target, self.codifier): key for target, key in one.orders.items()},
            )
            for one in self.keys
        ]


KeyFile: TypeAlias = NetworkFile | GrantedFile

_decoder: Final[msgspec.json.Decoder[KeyFile]] = msgspec.json.Decoder(NetworkFile | GrantedFile)


def parse(text: bytes, name: str) -> KeyFile:
    """Read a key file; raises KeyFileError, which calls it `name` and never shows what is in it."""
    try:
        file = _decoder.decode(text)
    except UnicodeDecodeError:
        raise KeyFileError(f"{name} is no key file: it is not in UTF-8", "have it granted again") from None
    except msgspec.DecodeError as error:
        raise KeyFileError(f"{name} is no key file: {_without_values(error)}", "have it granted again") from None
    if file.signs_with not in {key.id for key in file.keys}:
        raise KeyFileError(f"{name} has no key {file.signs_with}, with which it says to sign", "have it granted again")
    return file


def serialise(file: KeyFile) -> bytes:
    """Write a key file: one line."""
    return msgspec.json.encode(file) + b"\n"


def granted(network: NetworkFile, codifier: str, grant: Grant) -> GrantedFile:
    """Make the file of one codifier."""
    return GrantedFile(
        codifier=codifier,
        role=grant.role,
        signs_with=network.signs_with,
        keys=tuple(_granted_keys(key, codifier, grant) for key in network.keys),
    )


def keyring(files: Iterable[KeyFile]) -> Keyring:
    """Put together what several files hold; all of them sign with what the first one says."""
    every = list(files)
    by_id: dict[int, Held] = {}
    for held in (held for file in every for held in file.held()):
        by_id[held.key_id] = _joined(by_id.get(held.key_id), held)
    return Keyring(by_id.values(), every[0].signs_with)


def _granted_keys(key: NetworkKey, codifier: str, grant: Grant) -> GrantedKeys:
    data, commands = keys.data_root(key.secret), keys.command_root(key.secret)
    is_commanded = grant.role is Role.NODE
    # A commander asks its target for the time and checks its confirmation: both have the tag of the target.
    names = (*grant.says, *grant.reads, *grant.targets, codifiers.EVERYBODY)
    return GrantedKeys(
        id=key.id,
        data_root=data if grant.reads_all else None,
        data={} if grant.reads_all else {name: keys.data_key(data, name) for name in names},
        commands={codifier: keys.command_key(commands, codifier)} if is_commanded else {},
        orders={name: keys.order_key(keys.command_key(commands, name), codifier) for name in grant.targets},
    )


def _joined(one: Held | None, other: Held) -> Held:
    if one is None:
        return other
    return Held(
        one.key_id,
        one.data_root or other.data_root,
        one.command_root or other.command_root,
        {**one.data, **other.data},
        {**one.commands, **other.commands},
        {**one.orders, **other.orders},
    )


def _without_values(error: msgspec.DecodeError) -> str:
    """Say what is wrong and where, without words of the file: in a damaged one a key may stand anywhere."""
    return _QUOTED.sub("", str(error)).replace("  ", " ").rstrip()[:120]


_QUOTED: Final = re.compile(r"(?<=value )'.*'|(?<=unknown field )`.*`(?= - at|\Z)", re.DOTALL)
"""What msgspec quotes of a file: a value where one of a few is expected, a field that there is not."""
