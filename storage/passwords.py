"""Passwords of users, kept as salted scrypt hashes: `$scrypt$ln=15,r=8,p=3$SALT$HASH`, base64 without padding.

scrypt is memory-hard and part of Python's own hashlib, so that a Pi needs no other library for it. 2**15 blocks of
8 * 128 bytes are 32 MiB, three times over: what OWASP's cheat sheet gives as equal to 2**17 once, in a quarter of the
memory, about 0.3 s of a desktop and 2 s of a Pi 3. The cost stands in each hash, so that it can be raised later.

No password has the character NUL: scrypt begins with HMAC (RFC 7914), which fills a short key up with zeros (RFC 2104),
so that a password would have the hash of the same one with NULs at its end.
"""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Final

LOG2_BLOCKS: Final = 15
BLOCK_SIZE: Final = 8
PASSES: Final = 3
SALT_BYTES: Final = 16
HASH_BYTES: Final = 32
NUL: Final = "\0"
LARGEST_MEMORY: Final = 2**27  # bytes, 128 MiB: a hash in the database cannot make this program ask for more


def hash_password(password: str) -> str:
    """Return the hash of a password, under a salt of its own: 91 characters; raises ValueError where it has a NUL."""
    salt = secrets.token_bytes(SALT_BYTES)
    hashed = _scrypt(password, salt, LOG2_BLOCKS, BLOCK_SIZE, PASSES)
    return f"$scrypt$ln={LOG2_BLOCKS},r={BLOCK_SIZE},p={PASSES}${_to_text(salt)}${_to_text(hashed)}"


def verify_password(password: str, stored: str) -> bool:
    """Tell whether a hash is that of a password; one of another kind is that of none."""
    try:
        empty, scheme, cost, salt, hashed = stored.split("$")
        (_, log2_blocks), (_, block_size), (_, passes) = (each.split("=") for each in cost.split(","))
        if (empty, scheme) != ("", "scrypt"):
            return False
        found = _scrypt(password, _from_text(salt), int(log2_blocks), int(block_size), int(passes))
        return hmac.compare_digest(found, _from_text(hashed))
    except (ValueError, OverflowError, Base64Error):
        return False


def _scrypt(password: str, salt: bytes, log2_blocks: int, block_size: int, passes: int) -> bytes:
    if NUL in password:
        raise ValueError("a password cannot have the character NUL")
    cost = {"n": 1 << min(log2_blocks, 32), "r": block_size, "p": passes}
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"), salt=salt, maxmem=LARGEST_MEMORY, dklen=HASH_BYTES, **cost
    )


def _to_text(binary: bytes) -> str:
    return b64encode(binary).decode().rstrip("=")


def _from_text(text: str) -> bytes:
    return b64decode(text + "=" * (-len(text) % 4), validate=True)
