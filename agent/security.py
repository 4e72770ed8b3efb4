"""The gate of a program: opened with the key files of its codifiers, as the configuration's `security` says."""

import logging
import os
from collections.abc import Collection
from typing import Final

from config.model import Security
from protocol.gate import Gate, Mode

log: Final = logging.getLogger("jph.security")


def open_gate(security: Security, codifiers: Collection[str]) -> Gate:
    """Read the keys of a program that runs, or speaks as, these codifiers; raises KeyFileError.

    Where tags are only preferred a program without keys says so, and speaks without tags.
    """
    if security.mode is Mode.OFF:
        return Gate(Mode.OFF)
    from config import keyfile, keystore  # noqa: PLC0415 - networks without tags do without
    from protocol.keyring import Keyring  # noqa: PLC0415 - the same

    store = keystore.KeyStore(keystore.directory(security.keys, os.environ))
    try:
        keyring = keyfile.keyring(store.for_program(codifiers))
    except keystore.NoKeysError as error:
        if security.mode is Mode.REQUIRE:
            raise
        log.warning("%s; what is said here has no tags", error)
        keyring = Keyring([], 1)
    return Gate(security.mode, keyring, security.unsigned)


def commanders(security: Security, target: str) -> list[str]:
    """Name the codifiers whose key files here, where this program may read them, allow to command a target."""
    from config.keystore import KeyStore, directory  # noqa: PLC0415 - as above

    files = KeyStore(directory(security.keys, os.environ)).granted()
    return [file.codifier for file in files if any(target in keys.orders for keys in file.keys)]
