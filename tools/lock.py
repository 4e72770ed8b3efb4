"""Make the locks anew: `python -m tools.lock`, with options of `uv pip compile` in place of --upgrade if there are any.

A lock has versions and the hashes of all files of them, for every platform and every Python from 3.11 on. All follow
from pyproject.toml and from each other, in the order of LOCKS, and constraints.txt, for those who do not install with
make, from the first. uv does it, in an environment that is thrown away: nothing else needs it.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tools.environment import CHECKOUT, LOCKED, Environment, Trouble, say

OLDEST_PYTHON: Final = "3.11"
COMPILE: Final = ("pip", "compile", "--quiet", "--universal", "--generate-hashes", "--python-version", OLDEST_PYTHON)
COMMAND: Final = ("--custom-compile-command", "make constraints")

# What each lock is for: the whole, of it what jph needs to be built and run, and what few people need besides.
LOCKS: Final = {
    "dev": ("pyproject.toml", "--all-extras", "--group", "dev"),
    "runtime": ("pyproject.toml", "--group", "build", "--constraint", "locks/dev.txt"),
    "fuzz": ("--group", "fuzz"),
    "locking": ("--group", "locking"),
}

HEADING: Final = """\
# The versions that jph was last tried with, from locks/dev.txt; `make constraints` makes both. For pip's --constraint
# where files have other hashes, as those of piwheels have. The wheel keeps the ranges of pyproject.toml.
"""


def lock(options: Sequence[str]) -> None:
    """Write locks/ and constraints.txt; raises Trouble."""
    with tempfile.TemporaryDirectory() as directory:
        uv = _install_uv(Environment(Path(directory)))
        for name, sources in LOCKS.items():
            say(f"making locks/{name}.txt")
            _run(str(uv), *COMPILE, *COMMAND, *sources, *options, "--output-file", f"locks/{name}.txt")
    locked = (CHECKOUT / "locks" / "dev.txt").read_text("utf-8")
    (CHECKOUT / "constraints.txt").write_text(HEADING + "".join(constraints(locked)), "utf-8")


def constraints(locked: str) -> Iterator[str]:
    """Return the lines of a lock without its hashes."""
    for line in locked.splitlines():
        if line and not line.startswith(("#", " ")):
            yield line.removesuffix("\\").rstrip() + "\n"


def _install_uv(environment: Environment) -> Path:
    environment.make_bare()
    environment.run("-m", "pip", "install", "-qq", *LOCKED, str(CHECKOUT / "locks" / "locking.txt"))
    return environment.path / "bin" / "uv"


def _run(*command: str) -> None:
    if subprocess.run(command, cwd=CHECKOUT, check=False).returncode:  # noqa: S603 - our own words
        raise Trouble("uv found no versions that fit together; its reason stands above. Mend pyproject.toml.")


def main() -> None:
    """Make the locks, or say in one message why it cannot be done."""
    try:
        lock(sys.argv[1:] or ["--upgrade"])
    except Trouble as trouble:
        sys.exit(f"jph: {trouble}")


if __name__ == "__main__":
    main()
