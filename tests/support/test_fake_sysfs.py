"""The file system that stands for /sys does what /sys does."""

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fake_sysfs import FakeSysfs, mounted


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def files(root: Path) -> Iterator[FakeSysfs]:
    with mounted(root) as files:
        yield files


def read(path: Path) -> str:
    """Read a file once, as programs do that want to see EAGAIN: Python's own files say None for it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 4096).decode()
    finally:
        os.close(descriptor)


def write(path: Path, text: str) -> int:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        return os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def test_a_file_has_the_text_that_was_put(root: Path, files: FakeSysfs) -> None:
    files.put("/sys/class/hwmon/hwmon0/temp1_input", "25500\n")
    assert (root / "sys/class/hwmon/hwmon0/temp1_input").read_text() == "25500\n"


def test_a_text_that_changes_is_seen_at_once(root: Path, files: FakeSysfs) -> None:
    files.put("/a", "1\n")
    assert (root / "a").read_text() == "1\n"
    files.put("/a", "22\n")
    assert (root / "a").read_text() == "22\n"


def test_a_text_is_made_once_for_a_file_that_is_read_to_its_end(root: Path, files: FakeSysfs) -> None:
    files.put("/a", "x" * 3000)
    assert len((root / "a").read_text()) == 3000
    assert files.reads == {"/a": 1}


@pytest.mark.parametrize(
    "number", [errno.ETIMEDOUT, errno.EIO, errno.ENODEV, errno.EAGAIN, errno.EBUSY, errno.EREMOTEIO, errno.EACCES]
)
def test_a_read_fails_with_the_errno_that_was_put(root: Path, files: FakeSysfs, number: int) -> None:
    files.fail("/a", number)
    with pytest.raises(OSError, match=os.strerror(number)) as failure:
        read(root / "a")
    assert failure.value.errno == number


def test_every_write_is_a_value_of_its_own(root: Path, files: FakeSysfs) -> None:
    files.store("/a")
    assert write(root / "a", "20000") == 5
    assert write(root / "a", "1") == 1
    assert files.writes == [("/a", "20000"), ("/a", "1")]
    assert (root / "a").read_text() == "1"


def test_a_write_can_be_refused_with_an_errno(root: Path, files: FakeSysfs) -> None:
    def refuse(_text: str) -> None:
        raise OSError(errno.EINVAL, "")

    files.store("/a", "1", refuse)
    with pytest.raises(OSError, match="Invalid argument"):
        write(root / "a", "2")
    assert (root / "a").read_text() == "1"


def test_a_file_that_cannot_be_written_or_read_says_so(root: Path, files: FakeSysfs) -> None:
    files.put("/shown", "1")
    files.attribute("/export", None, lambda _text: None)
    with pytest.raises(PermissionError):
        write(root / "shown", "2")
    with pytest.raises(PermissionError):
        (root / "export").read_text()


def test_a_write_can_change_what_other_files_show(root: Path, files: FakeSysfs) -> None:
    files.attribute("/pwmchip0/export", None, lambda text: files.store(f"/pwmchip0/pwm{text}/period", "0\n"))
    write(root / "pwmchip0/export", "0")
    assert (root / "pwmchip0/pwm0/period").read_text() == "0\n"


def test_trouble_comes_when_the_test_wants_it(root: Path, files: FakeSysfs) -> None:
    numbers = iter([0, errno.EIO, 0])
    files.put("/a", "1")
    files.trouble = lambda _path: next(numbers)
    assert (root / "a").read_text() == "1"
    with pytest.raises(OSError, match="Input/output error"):
        (root / "a").read_text()
    assert (root / "a").read_text() == "1"


def test_directories_come_and_go_with_what_is_in_them(root: Path, files: FakeSysfs) -> None:
    files.put("/w1/28-1/name", "28-1\n")
    files.put("/w1/28-2/name", "28-2\n")
    assert sorted(path.name for path in (root / "w1").iterdir()) == ["28-1", "28-2"]
    files.remove("/w1/28-1")
    assert [path.name for path in (root / "w1").iterdir()] == ["28-2"]
    assert not (root / "w1/28-1").exists()


def test_a_link_leads_to_its_device(root: Path, files: FakeSysfs) -> None:
    files.put("/sys/devices/platform/dht11@15/name", "x")
    files.link("/sys/class/hwmon/hwmon0", "../../devices/platform/dht11@15")
    assert (root / "sys/class/hwmon/hwmon0/name").read_text() == "x"
    assert (root / "sys/class/hwmon/hwmon0").resolve() == root / "sys/devices/platform/dht11@15"


def test_a_file_that_hangs_keeps_nobody_from_reading_another(root: Path, files: FakeSysfs) -> None:
    asked, release = threading.Event(), threading.Event()

    def show() -> str:
        asked.set()
        release.wait()
        return "late"

    files.attribute("/slow", show)
    files.put("/quick", "now")
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append((root / "slow").read_text()))
    reader.start()
    asked.wait()
    assert (root / "quick").read_text() == "now"
    release.set()
    reader.join()
    assert found == ["late"]


def test_the_working_directory_stays(root: Path, files: FakeSysfs) -> None:
    assert Path.cwd() != Path("/")


def test_a_pipe_without_a_reader_is_an_error_afterwards_and_not_the_end(tmp_path: Path) -> None:
    with mounted(tmp_path):
        pass
    reader, writer = os.pipe()
    os.close(reader)
    try:
        with pytest.raises(BrokenPipeError):
            os.write(writer, b"1")
    finally:
        os.close(writer)
