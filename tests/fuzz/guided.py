"""`python -m tests.fuzz.guided`: let atheris look for inputs that reach code which no input reached before.

Slower by far than `python -m tests.fuzz`, which changes genuine inputs at random, and better at what takes several
steps. `make fuzz-guided` installs atheris, which there is for x86-64 alone. It imports what it is to watch itself.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final

from tests.fuzz.mutation import MAX_INPUT_BYTES, random_moves
from tests.fuzz.promises import FINDINGS

CHECKOUT: Final = Path(__file__).parents[2]
INSTRUMENTED: Final = ("protocol", "config", "drivers")
SECONDS: Final = 120
SEEDS: Final = 50  # random moves, where there are no genuine inputs


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz one target after the other, each in a process of its own; 1 when anything was found."""
    wanted = _parser().parse_args(arguments)
    if wanted.here:
        fuzz_here(wanted.here, wanted.seconds)
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - fuzz_here imports it in its own way

    failed = [name for name in wanted.targets or TARGETS if _fuzz_apart(name, wanted.seconds)]
    print(f"found something in: {', '.join(failed) or 'nothing'}")
    return 1 if failed else 0


def fuzz_here(name: str, seconds: int) -> None:
    """Fuzz a target until the time is over, and end this process; 0 only when nothing was found."""
    import atheris  # noqa: PLC0415 - it is not there for every machine

    with atheris.instrument_imports(include=list(INSTRUMENTED)):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - what is imported here is instrumented

    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as corpus:
        for number, data in enumerate(target.genuine() or moves()):
            (Path(corpus) / str(number)).write_bytes(data)
        atheris.Setup([*options(name, seconds), corpus], target.run)
        atheris.Fuzz()


def options(name: str, seconds: int) -> list[str]:
    """Return libFuzzer's command line: what it finds is written where the tests take it from."""
    folder = FINDINGS / name.replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    return [name, f"-max_total_time={seconds}", f"-max_len={MAX_INPUT_BYTES}", f"-artifact_prefix={folder}/"]


def moves() -> Iterator[bytes]:
    """Return inputs to begin with for a target that draws its moves from them."""
    random = Random(0)
    for _ in range(SEEDS):
        yield random_moves(random)


def _fuzz_apart(name: str, seconds: int) -> bool:
    print(f"{name}: {seconds} s", flush=True)
    command = [sys.executable, "-m", "tests.fuzz.guided", "--here", name, "--seconds", str(seconds)]
    return subprocess.run(command, cwd=CHECKOUT, check=False).returncode != 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all without any")
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"for each target ({SECONDS})")
    parser.add_argument("--here", metavar="TARGET", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
