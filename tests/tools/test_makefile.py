"""When the Makefile looks at the environment, and when it leaves it alone because a look costs time."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
MADE_FROM = [
    "Makefile",
    "pyproject.toml",
    "locks/runtime.txt",
    "locks/dev.txt",
    "locks/fuzz.txt",
    "tools/environment.py",
    "tools/find-python",
]


def make(checkout: Path, *arguments: str) -> str:
    """Return what make says, without what a make around these tests has put into the surroundings."""
    surroundings = {"PATH": os.environ["PATH"]}
    command = ["make", *arguments]
    return subprocess.run(command, cwd=checkout, env=surroundings, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout with an environment that is whole, as far as make can see."""
    for name in MADE_FROM:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy2(CHECKOUT / name, tmp_path / name)
    environment = tmp_path / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(sys.executable)
    (environment / "pyvenv.cfg").write_text(f"command = /usr/bin/python3 -m venv {environment}\n")
    for part in ("runtime", "dev"):
        (environment / part).touch()
    return tmp_path


def looks_again(checkout: Path, *arguments: str) -> bool:
    return "tools/environment.py" in make(checkout, "--dry-run", *arguments)


@pytest.mark.parametrize("target", ["demo", "test", "check", "bench", "soak", "fuzz", "pictures", "wheel"])
def test_nothing_is_looked_at_while_the_environment_is_whole(target: str, checkout: Path) -> None:
    assert not looks_again(checkout, target)


def test_the_demo_needs_the_runtime_part_only(checkout: Path) -> None:
    (checkout / ".venv" / "dev").unlink()
    assert not looks_again(checkout, "demo")
    assert looks_again(checkout, "test")


def lose_stamp(checkout: Path) -> None:
    (checkout / ".venv" / "runtime").unlink()


def lose_python(checkout: Path) -> None:
    (checkout / ".venv" / "bin" / "python").unlink()
    (checkout / ".venv" / "bin" / "python").symlink_to("/no/such/python")


def come_from_elsewhere(checkout: Path) -> None:
    (checkout / ".venv" / "pyvenv.cfg").write_text("command = /usr/bin/python3 -m venv /elsewhere/.venv\n")


def lose_settings(checkout: Path) -> None:
    (checkout / ".venv" / "pyvenv.cfg").unlink()


def change_requirements(checkout: Path) -> None:
    later_s = (checkout / ".venv" / "runtime").stat().st_mtime + 1
    os.utime(checkout / "pyproject.toml", (later_s, later_s))


DAMAGES = [lose_stamp, lose_python, come_from_elsewhere, lose_settings, change_requirements]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("target", ["demo", "test"])
def test_what_does_not_fit_any_more_is_looked_at(damage: Callable[[Path], None], target: str, checkout: Path) -> None:
    damage(checkout)
    assert looks_again(checkout, target)


def test_what_development_alone_needs_may_change_without_the_demo_being_held_up(checkout: Path) -> None:
    later_s = (checkout / ".venv" / "dev").stat().st_mtime + 1
    os.utime(checkout / "locks" / "dev.txt", (later_s, later_s))
    assert not looks_again(checkout, "demo")
    assert looks_again(checkout, "test")


def test_a_python_that_is_named_is_looked_at(checkout: Path) -> None:
    assert looks_again(checkout, "demo", "PYTHON=python3")


def test_arguments_are_handed_on(checkout: Path) -> None:
    said = make(checkout, "--dry-run", "demo", "ARGS=--headless --seconds 20")
    assert said == ".venv/bin/jph demo --headless --seconds 20\n"


def test_make_alone_lists_every_target(checkout: Path) -> None:
    declared = re.findall(r"^\.PHONY: (.*)$", (checkout / "Makefile").read_text(), re.MULTILINE)
    targets = {target for line in declared for target in line.split()} - {"look-again"}
    assert targets == set(re.findall(r"^  make (\S+)", make(checkout), re.MULTILINE))
