"""The wheel as others get it: built here, installed into an empty environment and run from there."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path, PurePosixPath

import pytest

CHECKOUT = Path(__file__).parents[2]
PACKAGES = {"agent", "config", "console", "drivers", "protocol", "storage"}
NO_NETWORK = ("connection broken by", "Failed to establish a new connection")  # pip's words for having no network


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command with nothing of this checkout in its surroundings."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(command, cwd=cwd, env=surroundings, capture_output=True, text=True, check=False)


def build(source: Path, destination: Path) -> Path:
    """Build the wheel of `source` into `destination` and return it."""
    outcome = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", destination, cwd=source)
    assert outcome.returncode == 0, outcome.stderr
    return only_wheel(destination)


def only_wheel(folder: Path) -> Path:
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(CHECKOUT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def contents(wheel: Path) -> set[PurePosixPath]:
    with zipfile.ZipFile(wheel) as archive:
        return {PurePosixPath(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(archive.read(name))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs' folder of an environment that has the wheel, what it requires, and nothing else."""
    environment = tmp_path_factory.mktemp("installed")
    python = environment / "bin" / "python"
    assert run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=environment).returncode == 0
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "-qq")
    outcome = run(*pip, "--constraint", CHECKOUT / "constraints.txt", wheel, cwd=environment)
    if any(words in outcome.stderr for words in NO_NETWORK):
        pytest.skip("the packages that jph requires cannot be reached")
    assert outcome.returncode == 0, outcome.stderr
    return python.parent


def test_the_packages_and_the_library_are_inside_and_nothing_else(contents: set[PurePosixPath]) -> None:
    top = {path.parts[0] for path in contents}
    assert {name for name in top if not name.endswith(".dist-info")} == PACKAGES | {"jph.py"}


def test_every_file_of_the_packages_is_inside(contents: set[PurePosixPath]) -> None:
    files = {path.relative_to(CHECKOUT) for package in PACKAGES for path in (CHECKOUT / package).rglob("*")}
    wanted = {PurePosixPath(path) for path in files if (CHECKOUT / path).is_file() and "__pycache__" not in path.parts}
    assert wanted - contents == set()


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_every_package_tells_that_it_is_typed(package: str, contents: set[PurePosixPath]) -> None:
    assert PurePosixPath(package, "py.typed") in contents


def test_the_licence_is_inside(contents: set[PurePosixPath], metadata: Message) -> None:
    assert metadata["License-Expression"] == "MIT"
    assert any(path.name == "LICENSE" for path in contents)


def test_requirements_are_ranges_but_for_the_screen(metadata: Message) -> None:
    requirements = [requirement.partition(";")[0] for requirement in metadata.get_all("Requires-Dist", [])]
    exact = {re.split(r"[^\w.-]", requirement)[0] for requirement in requirements if "==" in requirement}
    assert exact == {"textual"}


def test_the_same_source_gives_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    """Though the files are of another time, others may not read them and they are somewhere else."""
    source = tmp_path / "copy"
    source.mkdir()
    for name in ["pyproject.toml", "README.md", "LICENSE", "jph.py"]:
        shutil.copyfile(CHECKOUT / name, source / name)
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHECKOUT / name, source / name, ignore=ignored, copy_function=shutil.copyfile)
    for path in source.rglob("*.py"):
        path.chmod(0o600)
        os.utime(path, (1, 1))
    assert build(source, tmp_path / "wheel").read_bytes() == wheel.read_bytes()


@pytest.mark.parametrize(
    "surroundings",
    [
        {"TZ": "Pacific/Kiritimati"},
        {"LC_ALL": "C"},
        {"LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "0"},
        {"PYTHONHASHSEED": "1"},
        {"SOURCE_DATE_EPOCH": "1795334400"},
    ],
    ids=str,
)
def test_make_wheel_gives_the_same_bytes_whoever_makes_it_where_and_when(
    surroundings: dict[str, str], wheel: Path, tmp_path: Path
) -> None:
    """Though others may not read what they make."""
    command = ["make", "--dry-run", "wheel", f"ARGS=-d {tmp_path}"]
    recipe = run(*command, cwd=CHECKOUT).stdout.splitlines()[-1].replace(".venv/bin/python", sys.executable)
    subprocess.run(["sh", "-c", f"umask 077; {recipe}"], cwd=CHECKOUT, env=os.environ | surroundings, check=True)
    assert only_wheel(tmp_path).read_bytes() == wheel.read_bytes()


@pytest.mark.parametrize("program", ["jph", "jph-agent"])
def test_the_programs_tell_how_they_are_used(program: str, installed: Path) -> None:
    outcome = run(installed / program, "--help", cwd=installed)
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert program in outcome.stdout


@pytest.mark.parametrize("module", sorted(PACKAGES | {"jph"}))
def test_every_package_and_the_library_come_from_the_wheel(module: str, installed: Path) -> None:
    tell = f"import {module}; print({module}.__file__)"
    outcome = run(installed / "python", "-c", tell, cwd=installed)
    assert outcome.returncode == 0, outcome.stderr
    assert Path(outcome.stdout.strip()).is_relative_to(installed.parent)


def test_what_is_installed_fits_together(installed: Path) -> None:
    outcome = run(sys.executable, "-m", "pip", "--python", installed / "python", "check", cwd=installed)
    assert outcome.returncode == 0, outcome.stdout
