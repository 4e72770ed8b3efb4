"""Every kind of store that the conformance suites run over: a row for each."""

from typing import Final, NamedTuple

from storage.store import Ability


class Kind(NamedTuple):
    """The fixture that gives `tests.storage.conformance.Stores`, and what these stores can do."""

    fixture: str
    abilities: frozenset[Ability]


KINDS: Final = {
    "redis": Kind("redis_stores", frozenset({Ability.HISTORY, Ability.HEARD})),
    "sqlite": Kind("sqlite_stores", frozenset({Ability.HISTORY, Ability.ROLLUPS})),
    "postgres": Kind("postgres_stores", frozenset({Ability.HISTORY, Ability.ROLLUPS})),
}


def kinds_with(ability: Ability) -> list[str]:
    """Name the kinds that can do something."""
    return [name for name, kind in KINDS.items() if ability in kind.abilities]
