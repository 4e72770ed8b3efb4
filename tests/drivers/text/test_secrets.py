"""Secrets in files: nobody else may read them, and no message shows them."""

import os
from pathlib import Path

import pytest

from config.secret_files import MAX_SECRET_BYTES
from drivers.driver import DriverError
from drivers.text.secrets import read_headers, read_password, read_secret


def secret(path: Path, content: str | bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secret"


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_secret_is_what_is_in_the_file_without_space_around_it(path: Path, mode: int) -> None:
    assert read_secret(secret(path, "  töken 1\r\n\n", mode)) == "töken 1"


def test_a_password_may_begin_and_end_with_space(path: Path) -> None:
    assert read_password(secret(path, " pass word \n", 0o600)) == " pass word "


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o644])
def test_a_file_that_others_may_use_is_refused_and_what_to_do_is_said(path: Path, mode: int) -> None:
    with pytest.raises(DriverError) as error:
        read_secret(secret(path, "token", mode))
    assert str(error.value) == f"others may read the secret in {path} (mode {mode:04o}); chmod 600 {path}"


def test_a_file_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(
        DriverError, match=f"{path} cannot be read: No such file or directory; write it there, mode 0600"
    ):
        read_secret(path)


@pytest.mark.parametrize("content", ["", " \n"])
def test_an_empty_file_is_no_secret(path: Path, content: str) -> None:
    with pytest.raises(DriverError, match="there is no secret in"):
        read_secret(secret(path, content))


def test_what_is_no_text_is_no_secret(path: Path) -> None:
    with pytest.raises(DriverError, match="no UTF-8 text"):
        read_secret(secret(path, b"\xff\xfe"))


def test_a_secret_may_be_so_long_and_no_longer(path: Path) -> None:
    assert len(read_secret(secret(path, "x" * MAX_SECRET_BYTES))) == MAX_SECRET_BYTES
    with pytest.raises(DriverError, match="larger than 16 KiB"):
        read_secret(secret(path, "x" * MAX_SECRET_BYTES + "\n"))


def test_a_fifo_is_no_secret_and_is_not_waited_for(path: Path) -> None:
    os.mkfifo(path, 0o600)
    with pytest.raises(DriverError, match="is no file"):
        read_secret(path)


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(DriverError, match="Is a directory"):
        read_secret(tmp_path)


def test_headers_stand_one_in_a_line(path: Path) -> None:
    assert read_headers(secret(path, "Authorization: Bearer a.b-c==\n\n  X-Key:\tk 1 \r\n")) == {
        "Authorization": "Bearer a.b-c==",
        "X-Key": "k 1",
    }


@pytest.mark.parametrize(
    "line", ["token", ": token", "X Key: token", "X-Key:", "X-Key: tökën", "X-Key: a\x00b", "X-Key: a\x1b[31m"]
)
def test_a_line_that_is_no_header_is_named_by_its_number_and_not_shown(path: Path, line: str) -> None:
    with pytest.raises(DriverError) as error:
        read_headers(secret(path, f"X-Good: 1\n{line}\n"))
    assert str(error.value) == f"{path}: line 2 is no header; write Name: value, in ASCII"
