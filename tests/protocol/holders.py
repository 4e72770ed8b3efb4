"""The keys of a network as they are granted: to a node, an operator, a reader."""

from collections.abc import Sequence
from typing import Final

from protocol import keys
from protocol.codifiers import EVERYBODY
from protocol.frames import Frame, encode
from protocol.gate import FORGED, NO_KEY, UNKNOWN_KEY, UNSIGNED, Gate, Mode, RefusedError
from protocol.keyring import Held, Keyring

NETWORK_KEY: Final = bytes(range(32))
OTHER_KEY: Final = bytes(range(1, 33))


def owner(key_id: int = 1, network_key: bytes = NETWORK_KEY) -> Held:
    """Hold everything, as the one who made the network."""
    return Held(key_id, keys.data_root(network_key), keys.command_root(network_key))


def node(codifier: str, *proxies: str, key_id: int = 1, network_key: bytes = NETWORK_KEY) -> Held:
    """Hold what a node needs: what it and its proxies say, pings to everybody, and who commands it."""
    data = keys.data_root(network_key)
    said = {name: keys.data_key(data, name) for name in (codifier, *proxies, EVERYBODY)}
    return Held(key_id, data=said, commands={codifier: keys.command_key(keys.command_root(network_key), codifier)})


def operator(codifier: str, targets: Sequence[str], key_id: int = 1, network_key: bytes = NETWORK_KEY) -> Held:
    """Hold what a person needs who reads all and commands some."""
    root = keys.command_root(network_key)
    orders = {(target, codifier): keys.order_key(keys.command_key(root, target), codifier) for target in targets}
    return Held(key_id, data_root=keys.data_root(network_key), orders=orders)


def reader(key_id: int = 1, network_key: bytes = NETWORK_KEY) -> Held:
    """Hold what a store or an onlooker needs."""
    return Held(key_id, data_root=keys.data_root(network_key))


def ring(*held: Held, signs_with: int = 1) -> Keyring:
    """Make a keyring of what is held under each key id."""
    return Keyring(held, signs_with)


def refusal(kind: str, frame: Frame) -> tuple[RefusedError, bytes]:
    """Have a frame refused as one of this kind, and return what was said and the datagram."""
    plain = encode(frame)
    of_another = Gate(Mode.REQUIRE, ring(owner(1, OTHER_KEY)))
    datagrams = {
        UNSIGNED: plain,
        FORGED: of_another.seal(frame.bus, plain),
        UNKNOWN_KEY: Gate(Mode.REQUIRE, ring(owner(7), signs_with=7)).seal(frame.bus, plain),
        NO_KEY: Gate(Mode.REQUIRE, ring(owner())).seal(frame.bus, plain),
    }
    held = node("ZZ") if kind == NO_KEY else owner()
    try:
        Gate(Mode.REQUIRE, ring(held)).open(frame.bus, datagrams[kind])
    except RefusedError as error:
        return error, datagrams[kind]
    raise AssertionError(f"{frame} was believed")
