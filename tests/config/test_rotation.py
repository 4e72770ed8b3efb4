"""Changing the network's key: at every step everybody who has at least the step before is believed."""

import pytest

from config import rotation
from config.keyfile import Grant, KeyFileError, NetworkFile, Role, granted, keyring
from protocol.frames import DataFrame, Flag, encode
from protocol.gate import Gate, Mode, RefusedError

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
NODE, READER = Grant(role=Role.NODE, says=("A4",)), Grant(role=Role.READER, reads_all=True)
READING = DataFrame(9, 1_795_000_000_000, Flag.FLOAT, "A4", "@@", 21.5)

ONE = rotation.begin_network(OLD, 1)
LEARNING = rotation.begin_change(ONE, NEW, 2)
USING = rotation.use_new(LEARNING, 3)
A_DAY_LATER_MS = 3 + rotation.KEPT_MS
DONE = rotation.forget_old(USING, A_DAY_LATER_MS)
STEPS = [ONE, LEARNING, USING, DONE]


def gate(network: NetworkFile, codifier: str, grant: Grant) -> Gate:
    return Gate(Mode.REQUIRE, keyring([granted(network, codifier, grant)]))


def is_believed(node: NetworkFile, reader: NetworkFile) -> bool:
    datagram = gate(node, "A4", NODE).seal(READING.bus, encode(READING))
    try:
        gate(reader, "ZR", READER).open(READING.bus, datagram)
    except RefusedError:
        return False
    return True


@pytest.mark.parametrize("step", range(3))
def test_between_two_steps_it_does_not_matter_who_is_first(step: int) -> None:
    before, after = STEPS[step : step + 2]
    assert is_believed(before, after)
    assert is_believed(after, before)


def test_who_was_left_out_is_not_believed_in_the_end() -> None:
    assert not is_believed(ONE, DONE)
    assert not is_believed(DONE, ONE)


def test_each_step_follows_the_one_before() -> None:
    for step, state in [
        (rotation.use_new, ONE),
        (rotation.forget_old, ONE),
        (rotation.forget_old, LEARNING),
        (rotation.use_new, DONE),
    ]:
        with pytest.raises(KeyFileError, match="jph keys rotate"):
            step(state, A_DAY_LATER_MS)
    for state, advice in [(LEARNING, "--use"), (USING, "--finish")]:
        with pytest.raises(KeyFileError, match=f"jph keys rotate {advice} goes on with it"):
            rotation.begin_change(state, NEW, 3)


def test_the_old_key_stays_until_nothing_that_agents_keep_has_its_tag() -> None:
    with pytest.raises(KeyFileError, match=r"for 24 h, .*; wait so long; --now gives these up"):
        rotation.forget_old(USING, 4)
    with pytest.raises(KeyFileError, match="for 1 h, "):
        rotation.forget_old(USING, A_DAY_LATER_MS - 1)
    assert rotation.forget_old(USING, 4, at_once=True) == DONE


def test_key_ids_go_round_and_are_never_zero() -> None:
    network = ONE
    ids = []
    for number in range(300):
        network = rotation.use_new(rotation.begin_change(network, NEW, number), number)
        network = rotation.forget_old(network, number, at_once=True)
        ids.append(network.signs_with)
    assert ids[252:256] == [254, 255, 1, 2]
    assert set(ids) == set(range(1, 256))


def test_what_was_granted_is_noted_until_it_is_revoked() -> None:
    network = rotation.with_grants(ONE, [("A4", NODE), ("ZR", READER)])
    assert rotation.without_grant(network, "A4").grants == {"ZR": READER}
    with pytest.raises(KeyFileError, match="nothing was granted to A5"):
        rotation.without_grant(network, "A5")
