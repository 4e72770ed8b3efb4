"""The beginning of a network's keys: the one from which all others come."""

import os
from pathlib import Path

from agent.clock import SystemClock
from config import rotation
from config.keyfile import NETWORK_NAME, KeyFileError
from config.keystore import KeyStore
from protocol.keys import KEY_BYTES


def make_network_key(store: KeyStore) -> Path:
    """Make the key of a new network and return where it lies; raises KeyFileError, also when there is one."""
    if store.has(NETWORK_NAME):
        raise KeyFileError(f"{store.path(NETWORK_NAME)} is there already", "jph keys rotate changes the key")
    return store.write(NETWORK_NAME, rotation.begin_network(os.urandom(KEY_BYTES), now_ms()))


def now_ms() -> int:
    """Return the time of this computer's clock, for files of keys."""
    return int(SystemClock().now().wall_ms)
