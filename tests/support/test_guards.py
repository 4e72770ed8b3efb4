"""The guards over all tests, tried on tests that do what they must not."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]

CONFTEST = "from tests.conftest import *\n"
MISDEEDS = """\
import asyncio, socket, threading, time

held = []

def test_leaves_a_socket(): held.append(socket.socket())

def test_drops_a_socket(): socket.socket()

async def test_leaves_a_file(): held.append(open("/etc/hostname"))

def test_leaves_a_thread(): threading.Thread(target=threading.Event().wait, name="stray", daemon=True).start()

async def test_leaves_a_task(): held.append(asyncio.create_task(asyncio.sleep(100), name="stray"))

async def test_ignores_an_error():
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)

async def test_sleeps_in_the_loop(): time.sleep(0)

async def test_resolves_a_name_in_the_loop(): socket.getaddrinfo("127.0.0.1", 0)

async def test_behaves():
    await asyncio.to_thread(time.sleep, 0)
    await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 0)
    with socket.socket():
        await asyncio.sleep(0)

def test_sleeps_outside_a_loop(): time.sleep(0)
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Run the misdeeds by a pytest of their own and return what it says."""
    folder = tmp_path_factory.mktemp("misdeeds")
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_misdeeds.py").write_text(MISDEEDS)
    settings = ("-c", str(PROJECT / "pyproject.toml"), "--rootdir", str(folder), "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", *settings, "-rA", "--tb=short", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "COLUMNS": "200", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def outcome(report: str, name: str) -> tuple[str, str]:
    """Return the worst that the report's last lines say of a test, and the reason."""
    said: list[tuple[str, str]] = re.findall(rf"^(PASSED|FAILED|ERROR) \S*::{name}(?: - (.*))?$", report, re.MULTILINE)
    assert said, f"{name} did not run:\n{report}"
    return min(said)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("test_leaves_a_socket", "left behind: file"),
        ("test_drops_a_socket", "unclosed"),
        ("test_leaves_a_file", "left behind: file"),
        ("test_leaves_a_thread", "left behind: thread stray"),
        ("test_leaves_a_task", "task left running: .*stray"),
        ("test_ignores_an_error", "nobody caught: .*"),
        ("test_sleeps_in_the_loop", "time.sleep blocks the event loop"),
        ("test_resolves_a_name_in_the_loop", "name resolution blocks the event loop"),
    ],
)
def test_a_misdeed_fails_and_is_named(report: str, name: str, reason: str) -> None:
    assert outcome(report, name)[0] in ("ERROR", "FAILED")
    assert re.search(reason, report)


@pytest.mark.parametrize("name", ["test_behaves", "test_sleeps_outside_a_loop"])
def test_good_behaviour_passes(report: str, name: str) -> None:
    assert outcome(report, name) == ("PASSED", "")
