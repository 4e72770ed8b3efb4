"""A network's keys over time: made, granted, changed without a moment in which anybody is not believed.

Two keys are valid while they are changed: first everybody learns the new one, then everybody tags with it, then the
old one is forgotten (docs/security.md, "Changing the key").
"""

from collections.abc import Iterable

import msgspec

from config.keyfile import Grant, KeyFileError, NetworkFile, NetworkKey
from protocol.tags import MAX_KEY_ID


def begin_network(secret: bytes, now_ms: int) -> NetworkFile:
    """Make the file of a new network; `secret` are 32 random bytes."""
    return NetworkFile(signs_with=1, keys=(NetworkKey(id=1, secret=secret, made_ms=now_ms),))


def with_grants(network: NetworkFile, grants: Iterable[tuple[str, Grant]]) -> NetworkFile:
    """Note what was granted to whom."""
    return msgspec.structs.replace(network, grants={**network.grants, **dict(grants)})


def is_changing(network: NetworkFile) -> bool:
    """Tell whether two keys are valid."""
    return len(network.keys) > 1


def begin_change(network: NetworkFile, secret: bytes, now_ms: int) -> NetworkFile:
    """Add a key that everybody is to learn; tags are still made with the old one."""
    if is_changing(network):
        raise KeyFileError("the key is being changed already", f"{_next_step(network)} goes on with it")
    fresh = NetworkKey(id=network.signs_with % MAX_KEY_ID + 1, secret=secret, made_ms=now_ms)
    return msgspec.structs.replace(network, keys=(*network.keys, fresh))


def use_new(network: NetworkFile) -> NetworkFile:
    """Let tags be made with the new key; the old one is still valid."""
    _require_change(network)
    return msgspec.structs.replace(network, signs_with=network.keys[-1].id)


def forget_old(network: NetworkFile) -> NetworkFile:
    """Let only the new key be valid."""
    _require_change(network)
    if network.signs_with != network.keys[-1].id:
        raise KeyFileError("tags are still made with the old key", "jph keys rotate --use comes first")
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


def _next_step(network: NetworkFile) -> str:
    return "jph keys rotate " + ("--finish" if network.signs_with == network.keys[-1].id else "--use")
