"""The environment's making, with a package index on loopback that offers a pip of our own: one that notes its tasks."""

import hashlib
import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tools.serving import serve
from tools.environment import PARTS, Environment, Trouble, Wheel

# Runs as `python pip.whl/pip` and, after it has put itself into the environment, as `python -m pip`. It notes what it
# is asked for beside the environment, and fails when the checkout says so.
NOTING_PIP = """
import pathlib, shutil, sys, sysconfig
with open("tasks", "a") as tasks:
    print(*sys.argv[1:], file=tasks)
if sys.argv[-1].endswith(".whl"):
    shutil.unpack_archive(sys.argv[-1], sysconfig.get_path("purelib"), "zip")
sys.exit(pathlib.Path("refuse").exists() and sys.argv[-1].endswith(pathlib.Path("refuse").read_text()))
"""
PYPROJECT = '[project]\nname = "small"\ndependencies = ["a"]\n[tool.ruff]\nline-length = 120\n'


def noting_pip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in {"pip/__init__.py": "", "pip/__main__.py": NOTING_PIP}.items():
            archive.writestr(zipfile.ZipInfo(name), text)  # with no time in it: the digest must stay the same
    return content.getvalue()


def write_index(directory: Path, filename: str, content: bytes) -> None:
    """Lay out a simple index with one project, pip, of one file."""
    (directory / "pip").mkdir(parents=True)
    (directory / "pip" / "index.html").write_text(f'<a href="files/{filename}#sha256=0">{filename}</a>')
    (directory / "pip" / "files").mkdir()
    (directory / "pip" / "files" / filename).write_bytes(content)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """Serve a package index on loopback; yields its address."""
    write_index(tmp_path / "index", "pip-1-py3-none-any.whl", noting_pip())
    with serve(tmp_path / "index") as address:
        yield address


@pytest.fixture
def environment(index: str, tmp_path: Path) -> Environment:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "pyproject.toml").write_text(PYPROJECT)
    (checkout / "locks").mkdir()
    for part in PARTS:
        (checkout / PARTS[part]).write_text("a==1\n")
    known = Wheel("pip", "pip-1-py3-none-any.whl", hashlib.sha256(noting_pip()).hexdigest())
    return Environment(checkout, index, known)


def tasks(environment: Environment) -> list[str]:
    """Return the last words of each task that pip was given, oldest first, and forget them."""
    notes = environment.checkout / "tasks"
    words = [line.split()[-1] for line in notes.read_text().splitlines()] if notes.exists() else []
    notes.unlink(missing_ok=True)
    return [word.rpartition("/")[2] for word in words]


PIP = "pip-1-py3-none-any.whl"
RUNTIME = ["runtime.txt", "."]
DEV = ["dev.txt"]
CHECK = ["check"]


def test_the_runtime_part_is_pip_and_the_project(environment: Environment) -> None:
    environment.provide("runtime")
    assert tasks(environment) == [PIP, *RUNTIME, *CHECK]


def test_the_dev_part_brings_the_runtime_part_with_it(environment: Environment) -> None:
    environment.provide("dev")
    assert tasks(environment) == [PIP, *RUNTIME, *DEV, *CHECK]


def test_the_dev_part_is_added_to_the_runtime_part_that_is_there(environment: Environment) -> None:
    environment.provide("runtime")
    tasks(environment)
    environment.provide("dev")
    assert tasks(environment) == [*DEV, *CHECK]


@pytest.mark.parametrize("part", PARTS)
def test_only_files_whose_hash_is_known_are_asked_for_and_nothing_that_has_to_be_built(
    part: str, environment: Environment
) -> None:
    environment.provide(part)
    asked = f"--require-hashes --only-binary :all: --requirement {environment.lock(part)}"
    assert asked in (environment.checkout / "tasks").read_text()


def test_the_checkout_is_built_with_what_is_there_and_brings_nothing_along(environment: Environment) -> None:
    environment.provide("runtime")
    assert "--no-deps --no-build-isolation --editable ." in (environment.checkout / "tasks").read_text()


def test_what_is_there_is_left_as_it_is(environment: Environment) -> None:
    environment.provide("dev")
    tasks(environment)
    environment.provide("runtime")
    environment.provide("dev")
    assert tasks(environment) == []


def test_make_sees_what_was_looked_at_again_as_new(environment: Environment) -> None:
    environment.provide("runtime")
    (environment.checkout / "pyproject.toml").touch()
    environment.provide("runtime")
    made_from = (environment.checkout / "pyproject.toml").stat().st_mtime_ns
    assert environment.stamp("runtime").stat().st_mtime_ns >= made_from


def change_requirements(environment: Environment) -> None:
    (environment.checkout / "pyproject.toml").write_text(PYPROJECT.replace('"a"', '"b"'))


def change_versions(environment: Environment) -> None:
    environment.lock("dev").write_text("a==2\n")


def lose_python(environment: Environment) -> None:
    environment.python.unlink()
    environment.python.symlink_to("/no/such/python")


def empty(environment: Environment) -> None:
    for part in ("runtime", "dev"):
        environment.stamp(part).write_text("")


def keep_it_elsewhere(environment: Environment) -> None:
    environment.path.rename(environment.checkout / "moved away")
    environment.path.symlink_to(environment.checkout / "moved away")
    lose_python(environment)


DAMAGES = [change_requirements, change_versions, lose_python, empty, keep_it_elsewhere]


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_does_not_fit_any_more_is_made_again(
    damage: Callable[[Environment], None], environment: Environment
) -> None:
    environment.provide("dev")
    tasks(environment)
    damage(environment)
    environment.provide("dev")
    assert tasks(environment) == [PIP, *RUNTIME, *DEV, *CHECK]


def test_another_place_needs_another_environment(environment: Environment) -> None:
    environment.provide("runtime")
    moved = environment.checkout.rename(environment.checkout.with_name("moved"))
    elsewhere = Environment(moved, environment.index, environment.pip)
    tasks(elsewhere)
    elsewhere.provide("runtime")
    assert tasks(elsewhere) == [PIP, *RUNTIME, *CHECK]


def test_the_settings_of_the_linters_change_nothing(environment: Environment) -> None:
    environment.provide("runtime")
    tasks(environment)
    (environment.checkout / "pyproject.toml").write_text(PYPROJECT.replace("120", "100"))
    environment.provide("runtime")
    assert tasks(environment) == []


@pytest.mark.parametrize("fails_at", ["runtime.txt", ".", "dev.txt", "check"])
def test_what_pip_could_not_finish_is_begun_anew(fails_at: str, environment: Environment) -> None:
    refusal = environment.checkout / "refuse"
    refusal.write_text(fails_at)
    with pytest.raises(Trouble):
        environment.provide("dev")
    refusal.unlink()
    tasks(environment)
    environment.provide("dev")
    assert tasks(environment) == [PIP, *RUNTIME, *DEV, *CHECK]


def test_a_failed_dev_part_takes_the_runtime_part_with_it(environment: Environment) -> None:
    environment.provide("runtime")
    (environment.checkout / "refuse").write_text("dev.txt")
    with pytest.raises(Trouble):
        environment.provide("dev")
    assert not environment.stamp("runtime").exists()


def test_two_at_once_make_it_once(environment: Environment) -> None:
    both = [threading.Thread(target=environment.provide, args=("runtime",)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert tasks(environment) == [PIP, *RUNTIME, *CHECK]


def test_another_pip_than_the_known_one_is_refused(environment: Environment) -> None:
    other = Environment(environment.checkout, environment.index, environment.pip._replace(sha256="0" * 64))
    with pytest.raises(Trouble, match="is not the known one"):
        other.provide("runtime")
    assert not other.path.exists()


def test_an_index_without_pip_is_told_by_its_address(environment: Environment) -> None:
    newer = environment.pip._replace(filename="pip-2-py3-none-any.whl")
    with pytest.raises(Trouble, match=r"http://127\.0\.0\.1:\d+/pip/ does not offer pip-2"):
        Environment(environment.checkout, environment.index, newer).provide("runtime")


def test_without_a_network_it_says_what_is_needed(environment: Environment) -> None:
    cut_off = Environment(environment.checkout, "http://127.0.0.1:9", environment.pip)
    with pytest.raises(Trouble, match=r"(?s)127\.0\.0\.1:9/pip/ cannot be reached: .*set PIP_INDEX_URL"):
        cut_off.provide("runtime")


def test_without_a_network_what_is_there_keeps_working(environment: Environment) -> None:
    environment.provide("dev")
    cut_off = Environment(environment.checkout, "http://127.0.0.1:9", environment.pip)
    cut_off.provide("dev")


def test_without_a_network_an_environment_that_does_not_fit_is_kept(environment: Environment) -> None:
    environment.provide("runtime")
    change_requirements(environment)
    with pytest.raises(Trouble):
        Environment(environment.checkout, "http://127.0.0.1:9", environment.pip).provide("runtime")
    assert environment.python.exists()
