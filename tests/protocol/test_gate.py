"""What is believed under each mode, and what is said about what is not."""

from struct import unpack
from typing import Final

import pytest

from protocol import gate
from protocol.errors import DecodeError
from protocol.frames import COMMANDS, Bus, ControlFrame, DataFrame, Flag, Frame, encode
from protocol.gate import Gate, Mode, RefusedError
from protocol.keyring import Keyring
from protocol.keys import command_key, command_root, order_key
from protocol.tags import Seal
from tests.protocol.holders import NETWORK_KEY, OTHER_KEY, node, operator, owner, reader, ring
from tests.protocol.recorded import RECORDED, Recorded

READING = DataFrame(9, 1_795_000_000_000, Flag.FLOAT, "A4", "@@", 21.5)
COMMAND = ControlFrame(5, 1_795_000_000_000, Flag.SET, "CK", "FK", 80.0, active=True)
OWNER = Gate(Mode.REQUIRE, ring(owner()))
ORIGINAL: Final = "IQc2s2sI"
"""The header as the original reads it: with the alignment of the machine, which pads where a tag is."""


def sent(frame: Frame, by: Gate = OWNER) -> bytes:
    return by.seal(frame.bus, encode(frame))


def kind(of: Gate, bus: Bus, datagram: bytes) -> str:
    with pytest.raises(RefusedError) as refused:
        of.open(bus, datagram)
    return refused.value.kind


@pytest.mark.parametrize("mode", [Mode.REQUIRE, Mode.PREFER])
@pytest.mark.parametrize(("frame", "keyring"), [(READING, ring(reader())), (COMMAND, ring(node("FK")))])
def test_what_is_genuine_is_believed(mode: Mode, frame: Frame, keyring: Keyring) -> None:
    opened = Gate(mode, keyring).open(frame.bus, sent(frame))
    assert opened._replace(tag=bytes(7)) == frame


@pytest.mark.parametrize("frame", [READING, COMMAND])
def test_without_tags_everything_is_as_it_was(frame: Frame) -> None:
    off = Gate(Mode.OFF)
    assert sent(frame, off) == encode(frame)
    assert off.open(frame.bus, encode(frame)) == frame
    assert off.open(frame.bus, sent(frame)) != frame  # the tag of others is handed on
    assert off.may_command("FK", "CK")


@pytest.mark.parametrize("frame", [READING, COMMAND])
def test_what_has_no_tag_is_believed_only_where_tags_are_not_required(frame: Frame) -> None:
    assert kind(OWNER, frame.bus, encode(frame)) == gate.UNSIGNED
    assert Gate(Mode.PREFER, ring(owner())).open(frame.bus, encode(frame)) == frame


def test_listed_original_nodes_are_believed_without_a_tag_but_command_nothing() -> None:
    listing = Gate(Mode.REQUIRE, ring(owner()), unsigned=["A4", "CK"])
    assert listing.open(Bus.DATA, encode(READING)) == READING
    assert kind(listing, Bus.CONTROL, encode(COMMAND)) == gate.UNSIGNED
    ping = COMMAND._replace(flag=Flag.PING)
    assert listing.open(Bus.CONTROL, encode(ping)) == ping


@pytest.mark.parametrize("mode", [Mode.REQUIRE, Mode.PREFER])
def test_a_wrong_tag_is_never_believed(mode: Mode) -> None:
    forged = sent(READING, Gate(mode, ring(owner(1, OTHER_KEY))))
    assert kind(Gate(mode, ring(reader()), unsigned=["A4"]), Bus.DATA, forged) == gate.FORGED


def test_a_key_that_is_not_known_is_named() -> None:
    of_another = sent(READING, Gate(Mode.REQUIRE, ring(owner(2, OTHER_KEY), signs_with=2)))
    with pytest.raises(RefusedError, match="float from A4 to everybody is tagged with key 2, which is not known"):
        OWNER.open(Bus.DATA, of_another)


def test_what_cannot_be_checked_is_unsigned_where_tags_are_not_required() -> None:
    assert kind(Gate(Mode.REQUIRE, ring(node("C1"))), Bus.DATA, sent(READING)) == gate.NO_KEY
    assert Gate(Mode.PREFER, ring(node("C1"))).open(Bus.DATA, sent(READING)).source == "A4"


@pytest.mark.parametrize("flag", sorted(COMMANDS))
def test_a_command_that_cannot_be_checked_is_believed_nowhere(flag: Flag) -> None:
    command = COMMAND._replace(flag=flag)
    assert kind(Gate(Mode.PREFER, ring(node("C1"))), Bus.CONTROL, sent(command)) == gate.NO_KEY


def test_while_keys_are_changed_both_are_valid() -> None:
    both = ring(reader(1), reader(2, OTHER_KEY), signs_with=2)
    old, new = Gate(Mode.REQUIRE, ring(owner(1))), Gate(Mode.REQUIRE, ring(owner(2, OTHER_KEY), signs_with=2))
    opened = [Gate(Mode.REQUIRE, both).open(Bus.DATA, sent(READING, by)) for by in (old, new)]
    assert [frame.tag[0] for frame in opened] == [1, 2]


def test_who_was_not_granted_a_key_sends_without_a_tag_and_knows_it() -> None:
    by = Gate(Mode.REQUIRE, ring(operator("CK", ["FG"])))
    assert sent(COMMAND, by) == encode(COMMAND)
    assert not by.may_command("FK", "CK")
    assert by.may_command("FG", "CK")


def test_a_frame_that_is_refused_is_still_told() -> None:
    with pytest.raises(RefusedError) as refused:
        OWNER.open(Bus.CONTROL, encode(COMMAND))
    assert refused.value.frame == COMMAND
    assert refused.value.kind in gate.REFUSALS


def test_what_is_no_frame_is_still_none() -> None:
    with pytest.raises(DecodeError) as refused:
        OWNER.open(Bus.CONTROL, b"nothing")
    assert refused.value.kind == "short"


def test_tags_need_keys() -> None:
    with pytest.raises(ValueError, match="require needs keys"):
        Gate(Mode.REQUIRE)


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded.frame.flag.name.lower())
def test_a_frame_of_the_original_that_is_tagged_is_still_read_by_who_ignores_tags(recorded: Recorded) -> None:
    """By the original's own reading of the header, in which the tag is padding, and where tags are off."""
    datagram, frame = recorded.datagram, recorded.frame
    tagged = Seal(1, NETWORK_KEY).sealed(frame.bus, datagram)
    assert tagged != datagram
    assert (unpack(ORIGINAL, tagged[:28]), tagged[28:]) == (unpack(ORIGINAL, datagram[:28]), datagram[28:])
    opened = Gate(Mode.OFF).open(frame.bus, tagged)
    assert repr(opened._replace(tag=bytes(7))) == repr(frame)


def test_nobody_commands_everybody() -> None:
    """Not even who has the network's key: a command that was heard by one could be played to another."""
    everybody = COMMAND._replace(destination="@@")
    assert sent(everybody) == encode(everybody)
    assert not OWNER.may_command("@@", "CK")
    sealed = Seal(1, order_key(command_key(command_root(NETWORK_KEY), "@@"), "CK")).sealed(
        Bus.CONTROL, encode(everybody)
    )
    assert kind(OWNER, Bus.CONTROL, sealed) == gate.NO_KEY
    assert kind(OWNER, Bus.CONTROL, encode(everybody)) == gate.UNSIGNED


def test_of_what_is_not_believed_the_payload_is_not_read() -> None:
    header = encode(READING)[:24]
    for payload in (b"", b"\xff\xff\xff\xff", b"{" * 1_100):
        assert kind(OWNER, Bus.DATA, header + len(payload).to_bytes(4, "little") + payload) == gate.UNSIGNED


@pytest.mark.parametrize(
    ("place", "with_what", "expected"),
    [(slice(16, 17), b"x", "unknown flag"), (slice(17, 19), b"\0\0", "codifier"), (slice(28, 29), b"", "length")],
)
def test_what_is_no_frame_is_not_called_unsigned(place: slice, with_what: bytes, expected: str) -> None:
    datagram = bytearray(encode(COMMAND))
    datagram[place] = with_what
    with pytest.raises(DecodeError) as refused:
        OWNER.open(Bus.CONTROL, bytes(datagram))
    assert refused.value.kind == expected
