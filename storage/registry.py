"""Every store that a configuration can name. A store's module is imported when it is first used."""

from importlib import import_module
from typing import Any, Final, NamedTuple, cast

import msgspec

from storage.store import StoreClass, StoreError


class Entry(NamedTuple):
    """Where a store and its options are. The options are read on every host, so their module needs no database.

    `extra` is what has to be installed beside jph for the store. `hears` tells that it has the ability HEARD.
    """

    store: str
    options: str
    extra: str | None = None
    hears: bool = False


STORES: Final[dict[str, Entry]] = {
    "sqlite": Entry("storage.sqlite:Sqlite", "storage.sqlite:SqliteOptions"),
    "postgres": Entry("storage.postgres:Postgres", "storage.postgres_options:PostgresOptions", extra="postgres"),
    "redis": Entry("storage.redis:Redis", "storage.redis_options:RedisOptions", extra="redis", hears=True),
}


def store_class(name: str) -> StoreClass:
    """Return the class that a configuration calls `name`; raises StoreError when there is none."""
    if name not in STORES:
        raise StoreError(f"there is no store {name!r}", f"known are: {', '.join(sorted(STORES))}")
    try:
        return cast(StoreClass, _named(STORES[name].store))
    except ImportError as error:
        if STORES[name].extra is None:
            raise
        message = f"the store {name!r} needs a package that is not installed: {error}"
        raise StoreError(message, f'pip install "jph[{STORES[name].extra}]"') from error


def options_of(name: str) -> type[msgspec.Struct] | None:
    """Return the options that the store `name` takes, None when there is no such store."""
    return cast(type[msgspec.Struct], _named(STORES[name].options)) if name in STORES else None


def _named(reference: str) -> Any:
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)
