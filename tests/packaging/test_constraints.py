"""constraints.txt has what pyproject.toml asks for, in versions that it allows."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).parents[2]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))
GROUPS = PROJECT["dependency-groups"]
REQUIREMENTS = [
    *PROJECT["build-system"]["requires"],
    *PROJECT["project"]["dependencies"],
    *(line for extra in PROJECT["project"]["optional-dependencies"].values() for line in extra),
    *(line for line in GROUPS["dev"] if isinstance(line, str)),
]


def tried() -> dict[str, Requirement]:
    """Return the lines of constraints.txt by the name of the package."""
    lines = (CHECKOUT / "constraints.txt").read_text("utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if not line.startswith("#")]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def test_what_builds_the_wheel_is_a_group_so_that_it_can_be_locked() -> None:
    assert GROUPS["build"] == PROJECT["build-system"]["requires"]


@pytest.mark.parametrize("required", REQUIREMENTS)
def test_what_is_required_was_tried_in_a_version_that_is_allowed(required: str) -> None:
    requirement = Requirement(required)
    [exactly] = tried()[canonicalize_name(requirement.name)].specifier
    assert requirement.specifier.contains(exactly.version)


def test_only_single_versions_are_listed() -> None:
    loose = [name for name, line in tried().items() if [part.operator for part in line.specifier] != ["=="]]
    assert loose == []
