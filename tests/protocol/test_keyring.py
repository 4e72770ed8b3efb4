"""Which key belongs to which frame, and who has it."""

import pytest

from protocol.frames import COMMANDS, CONTROL_FLAGS, DATA_FLAGS, Bus, ControlFrame, Flag, encode
from protocol.keyring import MAX_SEALS, Keyring
from protocol.tags import Seal
from tests.protocol.holders import NETWORK_KEY, OTHER_KEY, node, operator, owner, reader, ring

SAID_TO = {Flag.PING, Flag.REPEAT}
SAID_BY = (CONTROL_FLAGS | DATA_FLAGS) - COMMANDS - SAID_TO


def has(keyring: Keyring, flag: Flag, source: str, destination: str) -> bool:
    return keyring.seal(1, flag, source, destination) is not None


@pytest.mark.parametrize("flag", sorted(SAID_BY))
def test_a_node_tags_what_it_and_its_proxies_say_and_nothing_else(flag: Flag) -> None:
    keyring = ring(node("F1", "F2"))
    assert has(keyring, flag, "F1", "@@")
    assert has(keyring, flag, "F2", "@@")
    assert not has(keyring, flag, "C1", "@@")


@pytest.mark.parametrize("flag", sorted(COMMANDS))
def test_a_node_checks_commands_to_it_from_anybody_and_to_nobody_else(flag: Flag) -> None:
    keyring = ring(node("FK"))
    assert has(keyring, flag, "CK", "FK")
    assert has(keyring, flag, "ZZ", "FK")
    assert not has(keyring, flag, "FK", "FG")
    assert not has(keyring, flag, "CK", "@@")


@pytest.mark.parametrize("flag", sorted(COMMANDS))
def test_an_operator_commands_its_targets_as_itself_and_nothing_else(flag: Flag) -> None:
    keyring = ring(operator("CK", ["FK", "FG"]))
    assert has(keyring, flag, "CK", "FK")
    assert has(keyring, flag, "CK", "FG")
    assert not has(keyring, flag, "CK", "C1")
    assert not has(keyring, flag, "CJ", "FK")
    assert not has(keyring, flag, "CK", "@@")


@pytest.mark.parametrize("flag", sorted(COMMANDS))
def test_a_reader_commands_nothing(flag: Flag) -> None:
    assert not has(ring(reader()), flag, "CK", "FK")


@pytest.mark.parametrize("flag", sorted(SAID_TO))
def test_who_may_read_may_ping_and_ask_again(flag: Flag) -> None:
    assert has(ring(reader()), flag, "ZZ", "C1")
    assert has(ring(reader()), flag, "ZZ", "@@")
    assert has(ring(node("C1")), flag, "ZZ", "C1")
    assert has(ring(node("C1")), flag, "ZZ", "@@")
    assert not has(ring(node("C1")), flag, "C1", "FK")


@pytest.mark.parametrize("flag", sorted(CONTROL_FLAGS))
def test_both_ends_have_the_same_key(flag: Flag) -> None:
    datagram = encode(ControlFrame(1, 1, flag, "CK", "FK", 1.0, active=True))
    sealed = [
        keyring.seal(1, flag, "CK", "FK")
        for keyring in (ring(owner()), ring(operator("CK", ["FK"])), ring(reader()), ring(node("FK")))
    ]
    assert len({seal.sealed(Bus.CONTROL, datagram) for seal in sealed if seal}) == 1


def test_each_key_id_has_its_own_keys() -> None:
    keyring = ring(owner(1), owner(2, OTHER_KEY), signs_with=2)
    datagram = encode(ControlFrame(1, 1, Flag.ALIVE, "C1", "@@", 1.0, active=True))
    seals = [keyring.seal(key_id, Flag.ALIVE, "C1", "@@") for key_id in (1, 2)]
    assert [seal is not None and seal.key_id for seal in seals] == [1, 2]
    assert len({seal.sealed(Bus.CONTROL, datagram)[5:8] for seal in seals if seal}) == 2
    assert keyring.seal(3, Flag.ALIVE, "C1", "@@") is None


CODIFIERS = [chr(first) + chr(second) for first in range(33, 127) for second in range(33, 127)]
MADE = Seal(1, NETWORK_KEY)


def alive(codifier: str, sequence: int = 1) -> bytes:
    return encode(ControlFrame(sequence, 1, Flag.ALIVE, codifier, "@@", 1.0, active=True))


def test_invented_codifiers_take_no_memory() -> None:
    keyring = ring(reader())
    invented = [MADE.sealed(Bus.CONTROL, alive(codifier)) for codifier in CODIFIERS if codifier != "@@"]
    assert not any(keyring.is_genuine(Bus.CONTROL, datagram) for datagram in invented)
    assert (keyring._ready, keyring._seals) == ({}, {})


def test_those_that_are_genuine_take_no_memory_without_bound() -> None:
    keyring = ring(owner(1), owner(2, OTHER_KEY))
    for codifier in CODIFIERS[: MAX_SEALS // 2]:
        for flag in (Flag.ALIVE, Flag.NEW, Flag.PONG):
            frame = ControlFrame(1, 1, flag, codifier, "@@", 1.0, active=True)
            if codifier != "@@":
                assert keyring.is_genuine(Bus.CONTROL, keyring.sealed(Bus.CONTROL, encode(frame)) or b"")
    assert len(keyring._seals) <= len(keyring._ready) <= MAX_SEALS


def test_what_is_kept_ready_judges_as_what_is_made_anew() -> None:
    keyring, once = ring(reader()), ring(reader())
    genuine = ring(owner()).sealed(Bus.CONTROL, alive("C1"))
    forged = MADE.sealed(Bus.CONTROL, alive("C1", 2))
    assert genuine is not None
    verdicts = [keyring.is_genuine(Bus.CONTROL, datagram) for datagram in (forged, genuine, forged, genuine)]
    assert verdicts == [False, True, False, True]
    assert [once.is_genuine(Bus.DATA, datagram) for datagram in (genuine, forged)] == [False, False]
    assert ring(node("C2")).is_genuine(Bus.CONTROL, genuine) is None
