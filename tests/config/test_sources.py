"""Where a configuration is looked for, and what is said when it cannot be read."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.document import LARGEST_DOCUMENT_BYTES
from config.loading import load
from config.model import ConfigError, NoConfigurationError, Problem
from config.sources import PLACES, read, state_directory

GOOD = b"nodes: {C1: {driver: console}}\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a home directory, with an empty working directory below it."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def put(path: Path, data: bytes = GOOD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def refused(source: str | None, **environ: str) -> Problem:
    with pytest.raises(ConfigError) as error:
        read(source, environ)
    [problem] = error.value.problems
    return problem


def test_a_path_is_read(home: Path) -> None:
    path = put(home / "a.yaml")
    assert read(str(path), {})[:2] == (GOOD, str(path))


def test_a_path_may_begin_with_the_home_directory(home: Path) -> None:
    path = put(home / "a.yaml")
    assert read("~/a.yaml", {"HOME": str(home)}).source == str(path)


@pytest.mark.parametrize("form", ["file://{}", "file:{}", "FILE://localhost{}"])
def test_a_file_url_is_read(home: Path, form: str) -> None:
    path = put(home / "with space.yaml")
    url = form.format(str(path).replace(" ", "%20"))
    assert read(url, {})[:2] == (GOOD, str(path))


def test_a_file_url_of_another_host_is_refused() -> None:
    problem = refused("file://server/etc/jph.yaml")
    assert str(problem) == (
        "file://server/etc/jph.yaml: this is a file of the host server; write file:///path for one of this host"
    )


def test_what_is_named_comes_before_the_variable(home: Path) -> None:
    named, other = put(home / "named.yaml"), put(home / "other.yaml")
    assert read(str(named), {"JPH_CONFIG": str(other)}).source == str(named)


def test_the_variable_comes_before_the_usual_places(home: Path) -> None:
    put(home / "work/jph.yaml")
    path = put(home / "variable.yaml")
    assert read(None, {"JPH_CONFIG": str(path)}).source == str(path)


def test_an_empty_variable_names_nothing(home: Path) -> None:
    put(home / "work/jph.yaml")
    assert read(None, {"JPH_CONFIG": ""}).source == "jph.yaml"


def test_the_working_directory_comes_before_the_home_directory(home: Path) -> None:
    environ = {"HOME": str(home)}
    mine = put(home / ".config/jph/jph.yaml")
    assert read(None, environ).source == str(mine)
    put(home / "work/jph.yaml")
    assert read(None, environ).source == "jph.yaml"


def test_the_whole_computer_s_configuration_comes_last() -> None:
    assert PLACES[-1] == "/etc/jph/jph.yaml"


def test_when_nothing_is_found_it_is_said_where_was_looked(home: Path) -> None:
    with pytest.raises(NoConfigurationError) as error:
        read(None, {"HOME": str(home)})
    for place in (*PLACES, "JPH_CONFIG", "jph init", "--config"):
        assert place in str(error.value)


def test_a_file_that_is_found_but_cannot_be_read_is_not_passed_over(home: Path) -> None:
    (home / "work/jph.yaml").symlink_to("nowhere")
    put(home / ".config/jph/jph.yaml")
    assert refused(None, HOME=str(home)).message == "cannot be read: No such file or directory"


def test_a_missing_file_is_said_to_be_missing(home: Path) -> None:
    path = home / "gone.yaml"
    assert refused(str(path)) == Problem(
        str(path), 0, "cannot be read: No such file or directory", "name another file or URL"
    )


def test_a_file_that_the_variable_names_is_said_to_come_from_there(home: Path) -> None:
    assert refused(None, JPH_CONFIG=str(home / "gone.yaml")).advice == "JPH_CONFIG names it"


def test_a_directory_is_said_to_be_one(home: Path) -> None:
    assert refused(str(home)).message == "cannot be read: it is a directory"


def test_a_path_with_a_nul_is_no_path() -> None:
    assert refused("a\0b").message.startswith("cannot be read: ")


def test_a_fifo_without_a_writer_does_not_wait(home: Path) -> None:
    os.mkfifo(home / "fifo")
    assert refused(str(home / "fifo")).message == "cannot be read: it is no regular file"


def test_a_device_is_not_read_for_ever() -> None:
    assert refused("/dev/zero").message == "cannot be read: it is no regular file"


@pytest.fixture
def ordinary_user(home: Path) -> Iterator[None]:
    """Be a user who may not read `secret.yaml`: root may read everything."""
    put(home / "secret.yaml").chmod(0)
    user = os.geteuid()
    os.seteuid(user or 65534)
    yield
    os.seteuid(user)


def test_a_file_without_permission_is_said_to_be_so(home: Path, ordinary_user: None) -> None:
    assert refused(str(home / "secret.yaml")).message == "cannot be read: Permission denied"


def test_a_huge_file_is_not_read_whole(home: Path) -> None:
    path = put(home / "huge.yaml", b"#" * (LARGEST_DOCUMENT_BYTES + 1000))
    assert len(read(str(path), {}).data) == LARGEST_DOCUMENT_BYTES + 1
    with pytest.raises(ConfigError, match="larger than 4 MiB"):
        load(str(path), environ={})


@pytest.mark.parametrize(
    ("environ", "directory"),
    [
        ({"XDG_STATE_HOME": "/x", "HOME": "/h"}, "/x/jph"),
        ({"STATE_DIRECTORY": "/var/lib/jph", "XDG_STATE_HOME": "/x"}, "/var/lib/jph"),
        ({"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, "/var/lib/a"),
    ],
)
def test_the_state_directory_is_where_the_environment_says(environ: dict[str, str], directory: str) -> None:
    assert state_directory(environ) == Path(directory)


def test_the_state_directory_of_a_user_is_in_the_home_directory(ordinary_user: None) -> None:
    assert state_directory({"HOME": "/h"}) == Path("/h/.local/state/jph")


def test_the_state_directory_of_root_is_the_system_s() -> None:
    mine = "/var/lib/jph" if os.geteuid() == 0 else "/h/.local/state/jph"
    assert state_directory({"HOME": "/h"}) == Path(mine)
