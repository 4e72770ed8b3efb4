"""Make this checkout's virtual environment: ``tools/environment.py runtime`` or ``dev``.

Needs Python's standard library only, and of that not ensurepip, which Debian keeps in a package of its own
(python3-venv): pip comes from the package index as one wheel that is known by its digest.

Nothing is installed whose hash does not stand in locks/. Nothing is built but this checkout, with a build backend that
was installed so: what a build fetches for itself has no hash that somebody looks at.

A stamp in the environment says for what a part of it is whole. Without the right stamp - interrupted, made by another
Python, in another place, for other requirements - it is thrown away and made again: nothing is ever half repaired.
"""

import fcntl
import hashlib
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import tomllib
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import NamedTuple
from urllib.parse import urljoin
from urllib.request import urlopen

CHECKOUT = Path(__file__).resolve().parent.parent
PYPI = "https://pypi.org/simple"
TIMEOUT_S = 30

# What is installed, part by part, and in which versions; a later part needs the ones before it.
PARTS = {
    "runtime": "locks/runtime.txt",
    "dev": "locks/dev.txt",
    "fuzz": "locks/fuzz.txt",
}
LOCKED = ("--require-hashes", "--only-binary", ":all:", "--requirement")
THE_CHECKOUT = ("--no-deps", "--no-build-isolation", "--editable", ".")
# What in pyproject.toml decides what is installed; the settings of the linters, for example, do not.
DECISIVE_TABLES = ("build-system", "project", "dependency-groups")


class Wheel(NamedTuple):
    """A file on a package index and the digest that it must have."""

    project: str
    filename: str
    sha256: str


PIP = Wheel("pip", "pip-26.3-py3-none-any.whl", "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13")


# What to do about what pip says.
ADVICE = {
    "DO NOT MATCH THE HASHES": (
        "The index, or somebody on the way to it, gave a file that is not the one whose hash stands in locks/. It was "
        "not installed. Run `.venv/bin/pip cache purge`, set PIP_INDEX_URL to another index (the original one is "
        f"{PYPI}), and run make again. If it is the same there, tell the maintainers of jph, and do not make the "
        "locks anew before it is known who changed the file."
    ),
    "No matching distribution found": (
        "The index has no ready-made file of it for this Python and this machine, and make builds none, because what a "
        "build fetches has no hash. Use another Python (make PYTHON=python3.12 test), or install jph without make: "
        'docs/operations.md, "Installing".'
    ),
}
OTHER_HASHES = re.compile(r"^ *Expected +or .*\n", re.MULTILINE)  # of the files for all other machines: up to a hundred
STALE_LOCKS = "locks/ lack what pyproject.toml asks for. Run `make constraints ARGS=--no-upgrade`."
OTHER_ADVICE = "pip could not install what is needed; its reason stands above. Then run make again."


class Trouble(Exception):  # noqa: N818 - told to a person, who has no use for the word error
    """What went wrong and what the person at the keyboard can do."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The virtual environment of one checkout, with pip from one package index."""

    checkout: Path
    index: str = PYPI
    pip: Wheel = PIP

    @property
    def path(self) -> Path:
        """Return where the environment is."""
        return self.checkout / ".venv"

    @property
    def python(self) -> Path:
        """Return the environment's Python."""
        return self.path / "bin" / "python"

    def lock(self, part: str) -> Path:
        """Return the file with the versions and hashes of what belongs to `part`."""
        return self.checkout / PARTS[part]

    def stamp(self, part: str) -> Path:
        """Return the file that holds the fingerprint for which `part` is whole."""
        return self.path / part

    def provide(self, part: str) -> None:
        """Make sure that `part` is there as the requirements say now, and that make sees it as new."""
        with self.one_at_a_time():
            wanted = self.fingerprint()
            if missing := self.missing_parts(part, wanted):
                self.install(missing, wanted)
            self.stamp(part).touch()

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """Let `make demo` in one terminal wait for `make test` in another, which is making the same environment."""
        with (self.checkout / "pyproject.toml").open("r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def fingerprint(self) -> str:
        """Tell environments apart that cannot stand for one another: by place, Python, requirements and versions."""
        project = tomllib.loads((self.checkout / "pyproject.toml").read_text("utf-8"))
        decisive = repr([project.get(table) for table in DECISIVE_TABLES])
        place_and_python = [str(self.checkout), sys.base_prefix, sys.version, self.pip.sha256]
        inputs = [*place_and_python, decisive, *(self.lock(part).read_text("utf-8") for part in PARTS)]
        return hashlib.sha256("\0".join(inputs).encode()).hexdigest()

    def missing_parts(self, part: str, wanted: str) -> list[str]:
        """Return the parts to install so that `part` is there: all of them when the foundation is not sound."""
        needed = list(PARTS)[: list(PARTS).index(part) + 1]
        if not self.python.exists() or not self.is_whole("runtime", wanted):
            return needed
        return [name for name in needed if not self.is_whole(name, wanted)]

    def is_whole(self, part: str, wanted: str) -> bool:
        """Tell whether `part` was installed to its end for what is `wanted` now."""
        return self.stamp(part).is_file() and self.stamp(part).read_text() == wanted

    def install(self, missing: list[str], wanted: str) -> None:
        """Install the `missing` parts; those that were whole stay so, unless all this is interrupted."""
        began_s = time.monotonic()
        if "runtime" in missing:
            self.make_bare()
        whole = [part for part in PARTS if self.is_whole(part, wanted)]
        for part in PARTS:  # until pip is done nothing is whole: an interruption must not look like success
            self.stamp(part).unlink(missing_ok=True)
        for part in missing:
            self.install_part(part)
        self.check()
        for part in [*whole, *missing]:
            self.stamp(part).write_text(wanted)
        say(f"done in {time.monotonic() - began_s:.0f} s")

    def make_bare(self) -> None:
        """Make an environment that has pip and nothing else."""
        version = ".".join(map(str, sys.version_info[:3]))
        say(f"making {self.path.name} with Python {version}; once, it takes about half a minute")
        with tempfile.TemporaryDirectory() as directory:
            wheel = fetch(self.pip, self.index, Path(directory))
            remove(self.path)
            venv.EnvBuilder(symlinks=True).create(self.path)
            self.run(f"{wheel}/pip", "install", "--quiet", "--no-index", "--no-deps", str(wheel))

    def install_part(self, part: str) -> None:
        """Let pip install what `part` needs, in the versions that were tried, if it is the very same files."""
        say(f"installing what {part} needs")
        self.run("-m", "pip", "install", "-qq", *LOCKED, str(self.lock(part)))
        if part == "runtime":
            self.run("-m", "pip", "install", "-qq", *THE_CHECKOUT)

    def check(self) -> None:
        """Find out whether the locks have all that pyproject.toml asks for."""
        self.run("-m", "pip", "check", advice=STALE_LOCKS)

    def run(self, *arguments: str, advice: str = OTHER_ADVICE) -> None:
        """Run the environment's Python; the person's own settings of pip hold, but for those that lead out of it."""
        surroundings = os.environ | {"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        command = [str(self.python), *arguments]
        outcome = subprocess.run(  # noqa: S603 - our own words
            command, cwd=self.checkout, env=surroundings, stdout=PIPE, stderr=STDOUT, text=True, check=False
        )
        if outcome.returncode:
            print(OTHER_HASHES.sub("", outcome.stdout), file=sys.stderr, end="", flush=True)
            raise Trouble(next((ADVICE[words] for words in ADVICE if words in outcome.stdout), advice))


def remove(environment: Path) -> None:
    """Remove an environment, or only the link to one that is kept elsewhere."""
    if environment.is_symlink():
        environment.unlink()
    elif environment.exists():
        shutil.rmtree(environment)


def fetch(wheel: Wheel, index: str, directory: Path) -> Path:
    """Download a wheel from a simple package index; Trouble when it cannot be had or is not the one that was meant."""
    page_url = f"{index.rstrip('/')}/{wheel.project}/"
    link = re.search(rf'href="([^"#]*{re.escape(wheel.filename)})[#"]', download(page_url).decode())
    if link is None:
        raise Trouble(f"{page_url} does not offer {wheel.filename}. Set PIP_INDEX_URL to an index that does.")
    content = download(urljoin(page_url, link[1]))
    if hashlib.sha256(content).hexdigest() != wheel.sha256:
        raise Trouble(f"{index} gave a {wheel.filename} that is not the known one. Set PIP_INDEX_URL to another index.")
    path = directory / wheel.filename
    path.write_bytes(content)
    return path


def download(url: str) -> bytes:
    """Return what is found at `url`; Trouble when the network gives nothing."""
    try:
        return read(url)
    except (OSError, HTTPException) as error:
        raise Trouble(
            f"{url} cannot be reached: {error}\n"
            "The first run needs the network to install what jph builds on. Behind a proxy set https_proxy, "
            "with a mirror of PyPI set PIP_INDEX_URL; then run make again."
        ) from error


def read(url: str) -> bytes:
    """Return what is found at `url`, from whoever answers there when this machine knows no certificates at all.

    A Debian without ca-certificates can verify nobody. The digest vouches for the wheel, and pip brings certificates
    of its own for all that follows.
    """
    try:
        return read_with(url, ssl.create_default_context(cafile=os.environ.get("PIP_CERT")))
    except OSError as error:
        if not isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError):
            raise
        return read_with(url, ssl._create_unverified_context())  # noqa: S323, SLF001 - the reason stands above


def read_with(url: str, context: ssl.SSLContext) -> bytes:
    """Return what is found at `url` on a connection of that security."""
    with urlopen(url, timeout=TIMEOUT_S, context=context) as answer:  # noqa: S310 - the index that the person set
        content: bytes = answer.read()
        return content


def say(words: str) -> None:
    """Tell the person at the keyboard what takes time."""
    print(f"jph: {words}", file=sys.stderr, flush=True)


def main() -> None:
    """Provide the part that the command line names, or say in one message why it cannot be had."""
    environment = Environment(CHECKOUT, index=os.environ.get("PIP_INDEX_URL", PYPI))
    try:
        environment.provide(sys.argv[1])
    except Trouble as trouble:
        sys.exit(f"jph: {trouble}")
    except KeyboardInterrupt:
        sys.exit("jph: interrupted; the next run begins anew")


if __name__ == "__main__":
    main()
