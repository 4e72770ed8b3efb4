"""The directory of key files: who may read them, and what is said when it is not so."""

import os
from pathlib import Path

import pytest

from config.keyfile import Grant, GrantedFile, KeyFileError, NetworkFile, NetworkKey, Role, granted
from config.keystore import KeyStore, NoKeysError, directory
from tests.support.disks import filled, names, only_root, small_disk

NETWORK = NetworkFile(signs_with=1, signs_since_ms=1, keys=(NetworkKey(id=1, secret=bytes(range(32)), made_ms=1),))


def node(codifier: str) -> GrantedFile:
    return granted(NETWORK, codifier, Grant(role=Role.NODE, says=(codifier,)))


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    return KeyStore(tmp_path / "keys")


def test_what_was_written_is_read(store: KeyStore) -> None:
    store.write("network", NETWORK)
    store.write("C1", node("C1"))
    assert store.network() == NETWORK
    assert store.read("C1") == node("C1")


def test_only_the_owner_can_read_what_is_written(store: KeyStore) -> None:
    before = os.umask(0)
    try:
        path = store.write("C1", node("C1"))
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert store.directory.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o700, 0o644])
def test_a_file_that_others_may_read_is_refused_with_the_command_that_mends_it(store: KeyStore, mode: int) -> None:
    path = store.write("C1", node("C1"))
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=f"chmod 600 {path}$"):
        store.read("C1")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_somebody_else_is_refused(store: KeyStore) -> None:
    path = store.write("C1", node("C1"))
    os.chown(path, 65534, 65534)
    with pytest.raises(KeyFileError, match="belongs to somebody else"):
        store.read("C1")


def test_a_file_that_is_missing_is_said_with_the_command_that_brings_it(store: KeyStore) -> None:
    with pytest.raises(NoKeysError, match=r"C1.key; .*: jph keys grant C1 \| ssh THIS-HOST jph keys install -\n"):
        store.read("C1")


@pytest.mark.parametrize("codifier", ["..", "//", "@@", "%2", "~/"])
def test_a_codifier_never_leads_out_of_the_directory(store: KeyStore, codifier: str) -> None:
    assert store.path(codifier).parent == store.directory
    assert store.path(codifier).name not in ("..", ".")


def test_a_program_gets_the_files_of_its_nodes(store: KeyStore) -> None:
    for codifier in ("C1", "F1"):
        store.write(codifier, node(codifier))
    assert store.for_program(["C1", "F1"]) == [node("C1"), node("F1")]


def test_where_the_networks_key_is_nothing_else_is_needed(store: KeyStore) -> None:
    store.write("network", NETWORK)
    assert store.for_program(["C1", "F1"]) == [NETWORK]


def test_a_node_without_keys_is_named(store: KeyStore) -> None:
    store.write("C1", node("C1"))
    with pytest.raises(NoKeysError, match=r"F1\.key"):
        store.for_program(["C1", "F1"])


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KeyFileError, match="cannot be written: Not a directory"):
        KeyStore(tmp_path / "file" / "keys").write("C1", node("C1"))


def test_a_full_disk_takes_no_key_away_and_leaves_no_part_of_a_new_one(tmp_path: Path) -> None:
    only_root()
    with small_disk(tmp_path / "disk", "64k") as disk:
        store = KeyStore(disk)
        store.write("C1", node("C1"))
        with filled(disk):
            with pytest.raises(KeyFileError, match="cannot be written: No space left on device"):
                store.write("C1", node("F1"))
            assert names(disk) == ["C1.key", "filler"]
        assert store.read("C1") == node("C1")


def test_nothing_is_written_where_a_link_in_the_directory_leads(store: KeyStore, tmp_path: Path) -> None:
    store.directory.mkdir()
    (tmp_path / "elsewhere").write_text("what is there")
    store.path("C1").symlink_to(tmp_path / "elsewhere")
    store.write("C1", node("C1"))
    assert (tmp_path / "elsewhere").read_text() == "what is there"
    assert store.read("C1") == node("C1")


def test_names_lists_what_is_there(store: KeyStore) -> None:
    store.write("network", NETWORK)
    assert store.names() == [str(store.path("network"))]


@pytest.mark.parametrize(
    ("named", "environ", "expected"),
    [
        ("/a/keys", {}, "/a/keys"),
        ("~/keys", {"HOME": "/home/ann"}, "/home/ann/keys"),
        ("/a/keys", {"JPH_KEYS": "/b/keys"}, "/b/keys"),
        (None, {"JPH_KEYS": "~/keys", "HOME": "/home/ann"}, "/home/ann/keys"),
    ],
)
def test_the_directory_is_where_somebody_says(named: str | None, environ: dict[str, str], expected: str) -> None:
    assert directory(named, environ) == Path(expected)


def test_else_it_is_where_there_is_one(tmp_path: Path) -> None:
    own = tmp_path / ".config/jph/keys"
    own.mkdir(parents=True)
    assert directory(None, {"HOME": str(tmp_path)}) == own


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_looks_at_the_files_of_whom_the_directory_belongs_to(store: KeyStore) -> None:
    path = store.write("C1", node("C1"))
    for place in (path, store.directory):
        os.chown(place, 65534, 65534)
    assert store.read("C1") == node("C1")


def test_what_was_granted_here_is_listed_without_what_cannot_be_used(store: KeyStore) -> None:
    store.write("network", NETWORK)
    store.write("C1", node("C1"))
    store.write("F1", node("F1")).chmod(0o644)
    assert store.granted() == [node("C1")]


def test_where_there_is_no_directory_nobody_has_a_file(store: KeyStore) -> None:
    assert (store.has("C1"), store.granted()) == (False, [])


def test_without_the_networks_key_it_is_said_where_to_go(store: KeyStore) -> None:
    with pytest.raises(NoKeysError, match=r"on the computer that has it; a new network begins with: jph keys init$"):
        store.network()
