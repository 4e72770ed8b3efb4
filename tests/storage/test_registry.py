import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from storage import registry
from storage.sqlite import Sqlite, SqliteOptions
from storage.store import StoreClass, StoreError


def test_a_store_is_found_by_its_name() -> None:
    found: StoreClass = registry.store_class("sqlite")
    assert found is Sqlite


def test_its_options_are_found_by_its_name() -> None:
    assert registry.options_of("sqlite") is SqliteOptions


def test_what_a_store_keeps_is_read_by_its_name(tmp_path: Path) -> None:
    options = SqliteOptions(path=str(tmp_path / "history.db"))
    with closing(registry.store_class("sqlite")(options)), closing(registry.open_history("sqlite", options)) as history:
        assert history.codifiers() == []


def test_an_unknown_name_has_no_options() -> None:
    assert registry.options_of("clay tablets") is None


def test_an_unknown_name_says_which_are_known() -> None:
    with pytest.raises(StoreError, match=r"there is no store 'clay tablets'; known are: .*sqlite"):
        registry.store_class("clay tablets")


@pytest.mark.parametrize("name", registry.STORES)
def test_every_store_of_the_list_is_there(name: str) -> None:
    assert registry.store_class(name).Options is registry.options_of(name)


@pytest.mark.parametrize("module", ["sqlite3", "storage.store", "protocol.repair"])
def test_the_list_imports_nothing_that_only_a_sink_needs(module: str) -> None:
    check = f"import sys, storage.registry; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_options_are_known_where_the_clients_of_databases_are_not_installed() -> None:
    script = """
import sys
from storage.registry import STORES, options_of
clients = {"psycopg": None, "redis": None}
sys.modules.update(clients)
sys.exit(not all(map(options_of, STORES)))
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("name", [name for name, entry in registry.STORES.items() if entry.extra])
def test_a_client_that_is_not_installed_is_said(name: str) -> None:
    script = f"""
import sys
from storage.registry import store_class
sys.modules.update(psycopg=None, redis=None)
store_class({name!r})
"""
    finished = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert "needs a package that is not installed" in finished.stderr
    assert f'pip install "jph[{registry.STORES[name].extra}]"' in finished.stderr
