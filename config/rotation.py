"""A network's keys over time: made, granted, changed without a moment in which anybody is not believed.

Two keys are valid while they are changed: first everybody learns the new one, then everybody tags with it, then the
old one is forgotten (docs/security.md, "Changing the key").
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from config.keyfile import Grant, KeyFileError, NetworkFile, NetworkKey
from protocol.tags import MAX_KEY_ID

KEPT_MS: Final = 86_400_000
"""For so long agents keep what they sent, unless their `rings:` say something else."""


def begin_network(secret: bytes, now_ms: int) -> NetworkFile:
    """Make the file of a new network; `secret` are 32 random bytes."""
    return NetworkFile(signs_with=1, signs_since_ms=now_ms, keys=(NetworkKey(id=1, secret=secret, made_ms=now_ms),))


def with_grants(network: NetworkFile, grants: Iterable[tuple[str, Grant]]) -> NetworkFile:
    """Note what was granted to whom."""
    return msgspec.structs.replace(network, grants={**network.grants, **dict(grants)})


def is_changing(network: NetworkFile) -> bool:
    """Tell whether two keys are valid."""
    return len(network.keys) > 1


def begin_change(network: NetworkFile, secret: bytes, now_ms: int) -> NetworkFile:
    """Add a key that everybody is to learn; tags are still made with the old one."""
    if is_changing(network):
        raise KeyFileError("the key is being changed already", f"{next_step(network)} goes on with it")
    fresh = NetworkKey(id=network.signs_with % MAX_KEY_ID + 1, secret=secret, made_ms=now_ms)
    return msgspec.structs.replace(network, keys=(*network.keys, fresh))


def use_new(network: NetworkFile, now_ms: int) -> NetworkFile:
    """Let tags be made with the new key; the old one is still valid."""
    _require_change(network)
    return msgspec.structs.replace(network, signs_with=network.keys[-1].id, signs_since_ms=now_ms)


def forget_old(network: NetworkFile, now_ms: int, *, at_once: bool = False) -> NetworkFile:
    """Let only the new key be valid.

    Not before everything that agents keep is tagged with it, unless `at_once`: what is sent again has its first tag,
    and would not be believed.
    """
    _require_change(network)
    if network.signs_with != network.keys[-1].id:
        raise KeyFileError("tags are still made with the old key", "jph keys rotate --use comes first")
    wait_ms = network.signs_since_ms + KEPT_MS - now_ms
    if wait_ms > 0 and not at_once:
        hours = -(-wait_ms // 3_600_000)
        message = f"agents may still keep readings with the old tags for {hours} h, and sinks may ask for them"
        raise KeyFileError(message, "wait so long; --now gives these up")
    return msgspec.structs.replace(network, keys=network.keys[-1:])


def without_grant(network: NetworkFile, codifier: str) -> NetworkFile:
    """Forget that somebody was granted anything: the next change of the key leaves them out."""
    if codifier not in network.grants:
        raise KeyFileError(f"nothing was granted to {codifier}", "jph keys list shows to whom")
    grants = {name: grant for name, grant in network.grants.items() if name != codifier}
    return msgspec.structs.replace(network, grants=grants)


def _require_change(network: NetworkFile) -> None:
    if not is_changing(network):
        raise KeyFileError("the key is not being changed", "jph keys rotate begins it")


def next_step(network: NetworkFile) -> str:
    """Return the command that goes on with a change of the key."""
    return "jph keys rotate " + ("--finish" if network.signs_with == network.keys[-1].id else "--use")
