"""The conformance suites, each over all kinds of stores that can do what it is about."""

import pytest

from storage.store import Ability
from tests.storage.conformance import AccountConformance, ConflictConformance, HistoryConformance, Stores
from tests.storage.conformance_rollups import RollupConformance
from tests.storage.kinds import KINDS, kinds_with


@pytest.fixture
def stores(request: pytest.FixtureRequest) -> Stores:
    """Give the stores of the kind that a test is run with."""
    stores: Stores = request.getfixturevalue(KINDS[request.param].fixture)
    return stores


@pytest.mark.parametrize("stores", kinds_with(Ability.HISTORY), indirect=True)
class TestHistory(HistoryConformance): ...


@pytest.mark.parametrize("stores", kinds_with(Ability.HISTORY), indirect=True)
class TestConflicts(ConflictConformance): ...


@pytest.mark.parametrize("stores", KINDS, indirect=True)
class TestAccounts(AccountConformance): ...


@pytest.mark.parametrize("stores", kinds_with(Ability.ROLLUPS), indirect=True)
class TestRollups(RollupConformance): ...


@pytest.mark.parametrize(("stores", "kind"), [(name, name) for name in KINDS], indirect=["stores"])
def test_a_store_tells_what_it_can_do(stores: Stores, kind: str) -> None:
    store = stores.fresh()
    assert store.abilities == KINDS[kind].abilities
    store.close()
