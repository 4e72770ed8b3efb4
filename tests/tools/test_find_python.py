import subprocess
import sys
from pathlib import Path

import pytest

FIND_PYTHON = Path(__file__).parents[2] / "tools" / "find-python"
NOT_SELECTED = "exit 127"  # what a pyenv shim does for a version that is installed but not selected


def put(directory: Path, name: str, does: str) -> Path:
    """Put a program into `directory` that does what a Python would do when it is asked for its version."""
    program = directory / name
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o755)
    return program


def find(path: Path, python: str | None = None) -> subprocess.CompletedProcess[str]:
    surroundings = {"PATH": str(path)} | ({} if python is None else {"PYTHON": python})
    return subprocess.run([FIND_PYTHON], env=surroundings, capture_output=True, text=True, check=False)


def test_the_newest_that_is_there_is_found(tmp_path: Path) -> None:
    put(tmp_path, "python3", "echo 3011")
    newest = put(tmp_path, "python3.13", "echo 3013")
    put(tmp_path, "python3.12", "echo 3012")
    assert find(tmp_path).stdout == f"{newest}\n"


def test_the_plain_name_is_preferred_among_equals(tmp_path: Path) -> None:
    plain = put(tmp_path, "python3", "echo 3011")
    put(tmp_path, "python3.11", "echo 3011")
    assert find(tmp_path).stdout == f"{plain}\n"


def test_one_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "python3.13", NOT_SELECTED)
    older = put(tmp_path, "python3", "echo 3011")
    assert find(tmp_path).stdout == f"{older}\n"


def test_the_one_that_is_named_is_taken_though_a_newer_one_is_there(tmp_path: Path) -> None:
    put(tmp_path, "python3", "echo 3013")
    named = put(tmp_path, "my python", "echo 3011")
    assert find(tmp_path, python=str(named)).stdout == f"{named}\n"


@pytest.mark.parametrize("does", ["echo 3010", "echo 2007", NOT_SELECTED])
def test_without_a_python_that_will_do_it_says_what_to_install(does: str, tmp_path: Path) -> None:
    put(tmp_path, "python3", does)
    outcome = find(tmp_path)
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert "needs Python 3.11 or newer; none runs here (tried: python3 python3.13 python3.12" in outcome.stderr
    assert "apt-get install python3" in outcome.stderr


def test_a_named_one_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    put(tmp_path, "python3", "echo 3011")
    assert "(tried: /opt/python)" in find(tmp_path, python="/opt/python").stderr


def test_a_real_python_answers_as_expected(tmp_path: Path) -> None:
    assert find(tmp_path, python=sys.executable).stdout == f"{sys.executable}\n"
