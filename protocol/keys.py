"""Keys: all derived from one of the network, each good for one thing (docs/protocol.md, "Keys").

    data root            H(network key, "jph data")       whoever reads: tells what every codifier says
    command root         H(network key, "jph cmds")
    data key of X        H(data root, "jph node", X)      X tags what it says
    command key of X     H(command root, "jph comm", X)   X tells whose commands to it are genuine
    order key X from S   H(command key of X, "jph from", S)   S tags its commands to X, and can speak for nobody else

H is BLAKE2s with the first argument as its key and the second one as its personalisation.
"""

# What hashlib hands on, without OpenSSL, whose loading would cost an agent 600 KiB.
from _blake2 import blake2s
from typing import Final

KEY_BYTES: Final = 32

_DATA: Final = b"jph data"
_COMMANDS: Final = b"jph cmds"
_NODE: Final = b"jph node"
_TARGET: Final = b"jph comm"
_SOURCE: Final = b"jph from"


def data_root(network_key: bytes) -> bytes:
    """Return the key from which all data keys come."""
    return _derived(network_key, _DATA)


def command_root(network_key: bytes) -> bytes:
    """Return the key from which all command keys come."""
    return _derived(network_key, _COMMANDS)


def data_key(root: bytes, codifier: str) -> bytes:
    """Return the key of what a codifier says, and of pings and requests to it; `root` is the data root."""
    return _derived(root, _NODE, codifier)


def command_key(root: bytes, target: str) -> bytes:
    """Return the key with which a target checks who commands it; `root` is the command root."""
    return _derived(root, _TARGET, target)


def order_key(target_key: bytes, source: str) -> bytes:
    """Return the key of commands from one source; `target_key` is the command key of the one they go to."""
    return _derived(target_key, _SOURCE, source)


def _derived(key: bytes, use: bytes, codifier: str = "") -> bytes:
    return blake2s(codifier.encode("ascii"), key=key, person=use).digest()
