"""Only what is locked gets in: the real pip, at a package index on loopback that changes its files."""

import hashlib
import io
import os
import shutil
import zipfile
from collections.abc import Iterator
from importlib.metadata import files
from pathlib import Path

import pytest

from tests.tools.serving import serve
from tools.environment import PARTS, PIP, Environment, Trouble, Wheel
from tools.lock import constraints

CHECKOUT = Path(__file__).parents[2]

# A build backend in the checkout itself: what these tests install must not need the one that jph is built with.
BACKEND = """
import zipfile

def build_editable(directory, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(f"{directory}/small-1-py3-none-any.whl", "w") as wheel:
        for name, text in {
            "small-1.dist-info/METADATA": "Metadata-Version: 2.1\\nName: small\\nVersion: 1\\nRequires-Dist: a\\n",
            "small-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
            "small-1.dist-info/RECORD": "",
        }.items():
            wheel.writestr(name, text)
    return "small-1-py3-none-any.whl"
"""
PYPROJECT = """
[project]
name = "small"
version = "1"
dependencies = ["a"]

[build-system]
requires = ["nobody-has-this"]
build-backend = "backend"
backend-path = ["."]
"""


def wheel_of(name: str, code: str = "") -> bytes:
    """Return a wheel of one module."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        texts = {
            f"{name}.py": code,
            f"{name}-1.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
            f"{name}-1.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{name}-1.dist-info/RECORD": "",
        }
        for path, text in texts.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return content.getvalue()


def sdist_of(name: str) -> bytes:
    """Return what stands for a source distribution: nobody gets so far as to look into it."""
    return name.encode()


@pytest.fixture(scope="module")
def real_pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the pip that runs these tests as the wheel that it came from, but for the time stamps."""
    path = tmp_path_factory.mktemp("pip") / PIP.filename
    with zipfile.ZipFile(path, "w") as archive:
        for file in files("pip") or ():
            if file.parts[0] != ".." and file.suffix != ".pyc":
                archive.write(file.locate(), file)
    return path


class Index:
    """A package index made of files, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def offer(self, project: str, filename: str, content: bytes) -> None:
        """Let the index have this file, and nothing else, of a project."""
        (self.folder / project).mkdir(parents=True, exist_ok=True)
        (self.folder / project / filename).write_bytes(content)
        link = f'<a href="{filename}#sha256={digest_of(content)}">{filename}</a>'
        (self.folder / project / "index.html").write_text(f"<!DOCTYPE html><html><body>{link}</body></html>")


@pytest.fixture
def index(tmp_path: Path) -> Index:
    index = Index(tmp_path / "index")
    index.offer("a", "a-1-py3-none-any.whl", wheel_of("a"))
    index.offer("b", "b-1-py3-none-any.whl", wheel_of("b"))
    return index


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout that needs `a` to run and `b` to be worked on."""
    folder = tmp_path / "checkout"
    (folder / "locks").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / "backend.py").write_text(BACKEND)
    (folder / PARTS["runtime"]).write_text(locked("a"))
    (folder / PARTS["dev"]).write_text(locked("a") + locked("b"))
    (folder / PARTS["fuzz"]).write_text(locked("b"))
    return folder


def locked(name: str) -> str:
    """Return what a lock says of a package that has files for several machines."""
    digests = [digest_of(content) for content in (wheel_of(name), sdist_of(name), b"for another machine")]
    hashes = " \\\n".join(f"    --hash=sha256:{digest}" for digest in digests)
    return f"{name}==1 \\\n{hashes}\n    # via small\n"


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="module")
def bare(real_pip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment that has pip and nothing else: to make one takes longer than all that is tested here."""
    folder = tmp_path_factory.mktemp("bare")
    index = Index(folder / "index")
    index.offer("pip", PIP.filename, real_pip.read_bytes())
    with serve(index.folder) as address:
        environment = Environment(folder, address, Wheel("pip", PIP.filename, digest_of(real_pip.read_bytes())))
        environment.make_bare()
    return environment.path


@pytest.fixture
def environment(
    index: Index, checkout: Path, bare: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Environment]:
    """Give an environment with pip, which knows no index but the one on loopback and keeps nothing elsewhere."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "cache"))
    with serve(index.folder) as address:
        monkeypatch.setenv("PIP_INDEX_URL", address)
        environment = Environment(checkout, address)
        shutil.copytree(bare, environment.path, symlinks=True)
        yield environment


def installed(environment: Environment) -> set[str]:
    """Return the packages that are in the environment, but for pip."""
    [folder] = environment.path.glob("lib/python*/site-packages")
    return {path.name.partition("-")[0] for path in folder.glob("*.dist-info")} - {"pip"}


def test_what_is_locked_is_installed_and_the_checkout_is_built_with_what_is_there(environment: Environment) -> None:
    for part in PARTS:
        environment.install_part(part)
    environment.check()
    assert installed(environment) == {"a", "b", "small"}


@pytest.mark.parametrize(("part", "package"), [("runtime", "a"), ("dev", "b")])
def test_a_package_whose_bytes_changed_is_not_installed(
    part: str, package: str, environment: Environment, index: Index, capfd: pytest.CaptureFixture[str]
) -> None:
    index.offer(package, f"{package}-1-py3-none-any.whl", wheel_of(package, code="print('mine')"))
    with pytest.raises(Trouble, match=r"not the one whose hash stands in locks/.*set PIP_INDEX_URL to another index"):
        environment.install_part(part)
    said = capfd.readouterr().err
    assert f"{package}==1 from http://127.0.0.1" in said
    assert said.count("Expected") == 1
    assert installed(environment) == set()


def test_what_a_locked_package_asks_for_without_being_locked_is_not_installed(
    environment: Environment, checkout: Path
) -> None:
    (checkout / PARTS["dev"]).write_text(locked("a") + "b==1\n")
    with pytest.raises(Trouble):
        environment.install_part("dev")
    assert installed(environment) == set()


def test_nothing_is_built_for_what_a_build_fetches_has_no_hash(environment: Environment, index: Index) -> None:
    shutil.rmtree(index.folder / "a")
    index.offer("a", "a-1.tar.gz", sdist_of("a"))
    environment.lock("runtime").write_text(f"a==1 --hash=sha256:{digest_of(sdist_of('a'))}\n")
    with pytest.raises(Trouble, match="no ready-made file of it for this Python and this machine"):
        environment.install_part("runtime")


def test_locks_that_lack_what_the_project_asks_for_are_told(environment: Environment) -> None:
    environment.lock("runtime").write_text(locked("b"))
    environment.install_part("runtime")
    with pytest.raises(Trouble, match=r"locks/ lack what pyproject\.toml asks for"):
        environment.check()


# The locks themselves


def lines(part: str) -> list[str]:
    return list(constraints((CHECKOUT / "locks" / f"{part}.txt").read_text("utf-8")))


def test_constraints_are_the_versions_of_the_lock() -> None:
    noted = (CHECKOUT / "constraints.txt").read_text("utf-8").splitlines(keepends=True)
    assert [line for line in noted if not line.startswith("#")] == lines("dev")


def test_what_runs_is_locked_in_the_same_versions_as_what_is_tested() -> None:
    assert set(lines("runtime")) - set(lines("dev")) == set()


@pytest.mark.parametrize("part", ["runtime", "dev", "fuzz", "locking"])
def test_every_version_has_hashes(part: str) -> None:
    text = (CHECKOUT / "locks" / f"{part}.txt").read_text("utf-8")
    requirements = [block for block in text.replace("\\\n", "").splitlines() if block and block[0] not in " #"]
    assert [line for line in requirements if "--hash=sha256:" not in line] == []
    assert len(requirements) == len(lines(part))


def test_the_pip_that_installs_is_the_one_that_is_locked() -> None:
    text = (CHECKOUT / "locks" / "dev.txt").read_text("utf-8").replace("\\\n", "")
    [line] = [line for line in text.splitlines() if line.startswith("pip==")]
    assert line.startswith(f"pip=={PIP.filename.split('-')[1]} ")
    assert f"--hash=sha256:{PIP.sha256}" in line
