"""What a demo leaves for other programs while it runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from console import demo_traces


def test_a_demo_is_found_as_long_as_it_runs(tmp_path: Path) -> None:
    with demo_traces.left(tmp_path, tmp_path / "jph.yaml"):
        found = demo_traces.running(tmp_path)
        assert found is not None
        assert (found.configuration, found.pid) == (str(tmp_path / "jph.yaml"), os.getpid())
    assert demo_traces.running(tmp_path) is None


def test_where_there_never_was_a_demo_there_is_none(tmp_path: Path) -> None:
    assert demo_traces.running(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"configuration": "x", "pid": 1, "started": 1, "more": 2}', "1"]
)
def test_traces_that_cannot_be_read_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / demo_traces.TRACES).write_text(text, "ascii")
    assert demo_traces.running(tmp_path) is None


def test_traces_of_a_demo_that_was_killed_are_none(tmp_path: Path) -> None:
    code = "import sys, time; from pathlib import Path; from console import demo_traces\n"
    code += "with demo_traces.left(Path(sys.argv[1]), Path('x')): print('left', flush=True); sys.stdin.read()"
    called = [sys.executable, "-c", code, str(tmp_path)]
    checkout = Path(__file__).parents[2]
    with subprocess.Popen(called, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=checkout) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"left\n"
        assert demo_traces.running(tmp_path) is not None
        process.kill()
        process.wait()
    assert (tmp_path / demo_traces.TRACES).exists()
    assert demo_traces.running(tmp_path) is None


def test_another_process_with_the_same_number_is_no_demo(tmp_path: Path) -> None:
    with demo_traces.left(tmp_path, tmp_path / "jph.yaml"):
        traces = tmp_path / demo_traces.TRACES
        started = demo_traces.process_started(os.getpid())
        traces.write_text(traces.read_text("utf-8").replace(str(started), "1"), "utf-8")
        assert demo_traces.running(tmp_path) is None


def test_a_process_that_does_not_exist_never_started() -> None:
    assert demo_traces.process_started(2**30) is None


def test_the_directory_is_one_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert demo_traces.directory() == tmp_path / "jph" / "demo"
