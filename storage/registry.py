"""Every store that a configuration can name. A store's module is imported when it is first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import msgspec

from storage.errors import StoreError

if TYPE_CHECKING:  # the contract brings what is asked for again: 0.5 MiB for sinks alone
    from storage.store import History, StoreClass


class Entry(NamedTuple):
    """Where a store and its options are. The options are read on every host, so their module needs no database.

    `history` reads from the store beside a sink that writes. `extra` is what has to be installed beside jph for it.
    `hears` tells that it has the ability HEARD. `summary` says what it is to who looks for one.
    """

    store: str
    options: str
    history: str
    extra: str | None = None
    hears: bool = False
    summary: str = ""


STORES: Final[dict[str, Entry]] = {
    "sqlite": Entry(
        "storage.sqlite:Sqlite",
        "storage.sqlite:SqliteOptions",
        "storage.sqlite:history_of",
        summary="a store: it keeps what it hears in a file",
    ),
    "postgres": Entry(
        "storage.postgres:Postgres",
        "storage.postgres_options:PostgresOptions",
        "storage.postgres:PostgresHistory",
        extra="postgres",
        summary="a store: it keeps what it hears in a PostgreSQL database",
    ),
    "redis": Entry(
        "storage.redis:Redis",
        "storage.redis_options:RedisOptions",
        "storage.redis:Redis",
        extra="redis",
        hears=True,
        summary="a store: it shows the last state of everybody, and the newest readings",
    ),
}


def store_class(name: str) -> "StoreClass":
    """Return the class that a configuration calls `name`; raises StoreError when there is none."""
    entry = _entry(name)
    return cast("StoreClass", _imported(name, entry.store, entry.extra))


def open_history(name: str, options: Any) -> "History":
    """Open what the store `name` with these options keeps, for reading alone; raises StoreError."""
    entry = _entry(name)
    return cast("History", _imported(name, entry.history, entry.extra)(options))


def options_of(name: str) -> type[msgspec.Struct] | None:
    """Return the options that the store `name` takes, None when there is no such store."""
    return cast(type[msgspec.Struct], _named(STORES[name].options)) if name in STORES else None


def _entry(name: str) -> Entry:
    if name not in STORES:
        raise StoreError(f"there is no store {name!r}", f"known are: {', '.join(sorted(STORES))}")
    return STORES[name]


def _imported(name: str, reference: str, extra: str | None) -> Any:
    try:
        return _named(reference)
    except ImportError as error:
        if extra is None:
            raise
        message = f"the store {name!r} needs a package that is not installed: {error}"
        raise StoreError(message, f'pip install "jph[{extra}]"') from error


def _named(reference: str) -> Any:
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)
