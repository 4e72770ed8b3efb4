import subprocess
import sys

import pytest

from storage import registry
from storage.sqlite import Sqlite, SqliteOptions
from storage.store import StoreClass, StoreError


def test_a_store_is_found_by_its_name() -> None:
    found: StoreClass = registry.store_class("sqlite")
    assert found is Sqlite


def test_its_options_are_found_by_its_name() -> None:
    assert registry.options_of("sqlite") is SqliteOptions


def test_an_unknown_name_has_no_options() -> None:
    assert registry.options_of("clay tablets") is None


def test_an_unknown_name_says_which_are_known() -> None:
    with pytest.raises(StoreError, match="there is no store 'clay tablets'; known are: sqlite"):
        registry.store_class("clay tablets")


@pytest.mark.parametrize("name", registry.STORES)
def test_every_store_of_the_list_is_there(name: str) -> None:
    assert registry.store_class(name).Options is registry.options_of(name)


def test_the_list_imports_no_database() -> None:
    check = "import sys, storage.registry; sys.exit('sqlite3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
