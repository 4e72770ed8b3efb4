"""What is read from files: keys and configurations."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Final

from agent.configuration import kinds
from config.convert import convert
from config.keyfile import KeyFileError, NetworkFile, granted, keyring, parse, serialise
from config.loading import loads
from config.model import ConfigError, Configuration
from drivers.registry import DRIVERS
from storage.registry import STORES
from tests.config.test_dictconfig import GOOD as LOGGING
from tests.config.test_keyfile import BOTH, CALCULATING, NETWORK, NODE, OPERATOR, READER, SECRET, SINK
from tests.config.test_legacy import DOCUMENT
from tests.config.test_loading import DESIGN
from tests.config.test_nodes import FULL
from tests.fuzz.promises import promise

CHECKOUT: Final = Path(__file__).parents[2]
KINDS: Final = {name: kinds(name) for name in (*DRIVERS, *STORES)}  # others would be looked for on disk, each time
SECRETS: Final = tuple(b64encode(secret).decode()[:16] for secret in (SECRET, SECRET[::-1]))
SECURE: Final = b"""
security: {mode: require, keys: ~/keys, unsigned: [C1]}
rings: {age: 12h, readings: 5000, memory: 4MiB}
spool: {path: /var/lib/jph/spool, every: 1m}
x-mine: &shared {driver: simulated, host: [a, b]}
nodes:
  C1: {<<: *shared, interval: 1s}
  FK: {driver: control, options: {default: 20, min: 0, max: 90, lease: 1h}}
"""
GRANTS: Final = {"F1": NODE, "B1": CALCULATING, "Q1": SINK, "CK": OPERATOR, "ZR": READER}


def key_files() -> list[bytes]:
    """Return a file of each kind."""
    networks = (NETWORK, BOTH, NetworkFile(signs_with=2, signs_since_ms=1, keys=BOTH.keys, grants=GRANTS))
    small = NetworkFile(signs_with=1, signs_since_ms=1, keys=NETWORK.keys, grants={"B1": CALCULATING})
    return [
        serialise(small),
        *(serialise(network) for network in networks),
        *(serialise(granted(BOTH, codifier, grant)) for codifier, grant in GRANTS.items()),
    ]


def read_any_keys(data: bytes) -> None:
    """Read a key file. What is one can be used; what is none is said without what is in it."""
    try:
        file = parse(data, "here")
        keyring([file])
        if isinstance(file, NetworkFile):
            for codifier, grant in file.grants.items():
                parse(serialise(granted(file, codifier, grant)), "there")
    except KeyFileError as error:
        promise(not any(secret in str(error) for secret in SECRETS), f"a key is shown: {error}")


def configurations() -> list[bytes]:
    """Return configurations with everything that one can say, in YAML and in the original's JSON."""
    demo = (CHECKOUT / "config" / "demo.yaml").read_bytes()
    original = [b'{"Multicast": %b, "Sensors": [%b]}' % pair for pair in _originals()]
    return [DESIGN.encode(), FULL.encode(), (DESIGN + LOGGING).encode(), SECURE, demo[:2000], *original]


def load_any(data: bytes) -> None:
    """Load a configuration. One that is good can be written and is the same when it is loaded again."""
    loaded = _loaded(data)
    if isinstance(loaded, ConfigError):
        promise(all(one.message and one.severity == "error" for one in loaded.problems), f"an empty error: {loaded}")
        promise(loaded.problems, "an error that does not say what is wrong")
        return
    again = _loaded(convert(loaded).encode())
    promise(again == loaded or loaded.original is not None, f"converted it is another one: {again}")


def _loaded(data: bytes) -> Configuration | ConfigError:
    try:
        return loads(data, "f", KINDS.get)
    except ConfigError as error:
        return error


def _originals() -> list[tuple[bytes, bytes]]:
    """Return the network and the sensors of the original's configuration, few at a time."""
    network = json.dumps(DOCUMENT["Multicast"]).encode()
    sensors = [json.dumps(sensor).encode() for sensor in DOCUMENT["Sensors"]]
    return [(network, b",\n".join(sensors[first : first + 3])) for first in range(0, len(sensors), 3)]
