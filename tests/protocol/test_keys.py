"""The hierarchy of keys: who holds one has what lies below it, and nothing else."""

from hashlib import blake2s
from itertools import combinations

from protocol import keys

NETWORK = bytes(range(32))


def test_a_key_is_the_keyed_hash_of_its_name_for_its_use() -> None:
    root = blake2s(key=NETWORK, person=b"jph data").digest()
    assert keys.data_root(NETWORK) == root
    assert keys.data_key(root, "C1") == blake2s(b"C1", key=root, person=b"jph node").digest()


def test_no_two_keys_are_the_same() -> None:
    data, commands = keys.data_root(NETWORK), keys.command_root(NETWORK)
    target = keys.command_key(commands, "FK")
    made = [
        NETWORK,
        data,
        commands,
        target,
        *(keys.data_key(data, name) for name in ("FK", "CK", "@@")),
        *(keys.command_key(commands, name) for name in ("CK", "@@")),
        *(keys.order_key(target, name) for name in ("FK", "CK")),
    ]
    assert all(len(key) == keys.KEY_BYTES for key in made)
    assert [pair for pair in combinations(made, 2) if pair[0] == pair[1]] == []
