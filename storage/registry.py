"""Every store that a configuration can name. A store's module is imported when it is first used."""

from importlib import import_module
from typing import Final, cast

import msgspec

from storage.store import StoreClass, StoreError

STORES: Final[dict[str, str]] = {
    "sqlite": "storage.sqlite:Sqlite",
}


def store_class(name: str) -> StoreClass:
    """Return the class that a configuration calls `name`; raises StoreError when there is none."""
    if name not in STORES:
        raise StoreError(f"there is no store {name!r}", f"known are: {', '.join(sorted(STORES))}")
    module, _, attribute = STORES[name].partition(":")
    return cast(StoreClass, getattr(import_module(module), attribute))


def options_of(name: str) -> type[msgspec.Struct] | None:
    """Return the options that the store `name` takes, None when there is no such store."""
    return store_class(name).Options if name in STORES else None
