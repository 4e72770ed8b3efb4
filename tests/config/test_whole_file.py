"""A file is there whole or not at all: on disks that are full, read-only or failing, and after any end."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.whole_file import whole_file
from tests.support import failing_disk
from tests.support.disks import filled, names, only_root, read_only, small_disk
from tests.support.failing_disk import FailingDisk

CHECKOUT = Path(__file__).parents[2]


def write(path: Path, data: bytes, mode: int = 0o666) -> None:
    with whole_file(path, mode) as file:
        file.write(data)


def break_off(path: Path, end: type[BaseException]) -> None:
    with whole_file(path) as file:
        file.write(b"new")
        raise end


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the path of a file that is there."""
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / "a.txt"
    path.write_bytes(b"old")
    return path


@pytest.fixture
def disk(tmp_path: Path, path: Path) -> Iterator[FailingDisk]:
    """Give the disk on which the folder of `path` lies, as it is seen in `tmp_path / "disk"`."""
    (tmp_path / "disk").mkdir()
    with failing_disk.mounted(tmp_path / "disk", path.parent) as disk:
        yield disk


@pytest.fixture
def on_disk(tmp_path: Path, disk: FailingDisk) -> Path:
    """Give the path of the file by which it is on that disk."""
    return tmp_path / "disk" / "a.txt"


def test_a_new_file_has_its_name_when_the_block_has_ended(path: Path) -> None:
    fresh = path.with_name("b.txt")
    with whole_file(fresh) as file:
        file.write(b"new")
        assert not fresh.exists()
    assert fresh.read_bytes() == b"new"


def test_who_reads_meanwhile_has_the_old_file_whole(path: Path) -> None:
    with whole_file(path) as file, path.open("rb") as reader:
        file.write(b"new")
        file.flush()
        assert reader.read() == b"old"
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_nothing_else_is_left_in_the_folder(path: Path) -> None:
    write(path, b"new")
    assert names(path.parent) == ["a.txt"]


@pytest.mark.parametrize(("mode", "umask", "found"), [(0o600, 0, 0o600), (0o666, 0o022, 0o644), (0o666, 0o077, 0o600)])
def test_the_mode_is_the_one_that_was_asked_for_less_the_umask(path: Path, mode: int, umask: int, found: int) -> None:
    path.chmod(0o777)
    before = os.umask(umask)
    try:
        with whole_file(path, mode) as file:
            assert os.fstat(file.fileno()).st_mode & 0o777 == found
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == found


def test_a_link_is_replaced_and_what_it_leads_to_stays(path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to(path)
    write(link, b"new")
    assert not link.is_symlink()
    assert (link.read_bytes(), path.read_bytes()) == (b"new", b"old")


def test_a_link_to_nowhere_is_replaced(path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to("nowhere")
    write(link, b"new")
    assert names(path.parent) == ["a.txt", "link"]
    assert link.read_bytes() == b"new"


def test_a_path_may_be_relative(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    write(Path(path.name), b"new")
    assert path.read_bytes() == b"new"


def test_of_two_writers_at_the_same_time_the_last_one_has_the_name(path: Path) -> None:
    with whole_file(path) as first:
        first.write(b"first")
        with whole_file(path) as second:
            second.write(b"second")
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first"
    assert names(path.parent) == ["a.txt"]


@pytest.mark.parametrize("end", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_when_the_block_raises_the_old_file_stays_and_nothing_else(path: Path, end: type[BaseException]) -> None:
    with pytest.raises(end):
        break_off(path, end)
    assert path.read_bytes() == b"old"
    assert names(path.parent) == ["a.txt"]


def test_a_folder_that_is_missing_is_not_made(path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="folder/none"):
        write(path.parent / "none" / "a.txt", b"new")
    assert names(path.parent) == ["a.txt"]


def test_a_file_is_no_folder(path: Path) -> None:
    with pytest.raises(NotADirectoryError):
        write(path / "a.txt", b"new")
    assert path.read_bytes() == b"old"


def test_a_folder_is_not_replaced(path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        write(path.parent, b"new")
    assert [entry.name for entry in path.parent.parent.iterdir()] == ["folder"]
    assert path.read_bytes() == b"old"


def test_a_name_that_is_too_long_is_refused(path: Path) -> None:
    with pytest.raises(OSError, match="File name too long"):
        write(path.with_name("x" * 255), b"new")
    assert names(path.parent) == ["a.txt"]


@pytest.mark.parametrize("size_bytes", [10, 1_000_000], ids=["when it is flushed", "when it is written"])
def test_on_a_full_disk_the_old_file_stays_and_nothing_else(tmp_path: Path, size_bytes: int) -> None:
    only_root()
    with small_disk(tmp_path / "disk", "64k") as disk:
        path = disk / "a.txt"
        write(path, b"old")
        with filled(disk):
            with pytest.raises(OSError, match="No space left on device"):
                write(path, bytes(size_bytes))
            assert path.read_bytes() == b"old"
            assert names(disk) == ["a.txt", "filler"]
        write(path, b"new")
        assert path.read_bytes() == b"new"


def test_on_a_read_only_disk_the_old_file_stays(tmp_path: Path) -> None:
    only_root()
    with small_disk(tmp_path / "disk", "64k") as disk:
        path = disk / "a.txt"
        write(path, b"old")
        with read_only(disk), pytest.raises(OSError, match="Read-only file system"):
            write(path, b"new")
        assert path.read_bytes() == b"old"
        assert names(disk) == ["a.txt"]


def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_name_at_the_end(disk: FailingDisk, on_disk: Path) -> None:
    write(on_disk, b"new")
    assert disk.operations[:5] == ["create", "write", "fsync", "rename", "fsyncdir"]
    assert "unlink" not in disk.operations


@pytest.mark.parametrize("operation", ["create", "write", "fsync", "rename"])
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_whatever_the_disk_refuses_the_old_file_stays_and_nothing_else(
    disk: FailingDisk, path: Path, on_disk: Path, operation: str, number: int
) -> None:
    disk.errors[operation] = number
    with pytest.raises(OSError, match=os.strerror(number)):
        write(on_disk, b"new")
    assert path.read_bytes() == b"old"
    assert names(path.parent) == ["a.txt"]


def test_what_cannot_be_taken_away_either_does_not_hide_what_was_wrong(disk: FailingDisk, on_disk: Path) -> None:
    disk.errors |= {"fsync": errno.EIO, "unlink": errno.EROFS}
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        write(on_disk, b"new")


def test_a_name_that_may_not_last_is_an_error(disk: FailingDisk, path: Path, on_disk: Path) -> None:
    disk.errors["fsyncdir"] = errno.EIO
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        write(on_disk, b"new")
    assert path.read_bytes() == b"new"


def test_a_file_system_that_does_not_sync_folders_is_taken_as_it_is(
    disk: FailingDisk, path: Path, on_disk: Path
) -> None:
    disk.errors["fsyncdir"] = errno.EINVAL
    write(on_disk, b"new")
    assert path.read_bytes() == b"new"
    assert "fsyncdir" in disk.operations


def test_a_writer_that_is_killed_leaves_the_old_file_and_is_in_nobodys_way(path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from config.whole_file import whole_file\n"
        "with whole_file(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, path], cwd=CHECKOUT, check=False)
    part, whole = names(path.parent)
    assert (part[:7], part[-5:], whole) == (".a.txt.", ".part", "a.txt")
    assert path.read_bytes() == b"old"
    write(path, b"new")
    assert path.read_bytes() == b"new"


def test_it_loads_nothing_that_a_program_with_paths_has_not_loaded() -> None:
    code = (
        "import sys, asyncio, pathlib, typing; before = set(sys.modules); import config.whole_file;"
        "print(sorted(set(sys.modules) - before))"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert ran.stdout == "['config', 'config.whole_file']\n"
