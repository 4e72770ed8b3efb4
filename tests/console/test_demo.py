"""The demo as a person runs it: found by other commands, alone, and ending with all that it started."""

import os
import select
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console import demo_traces
from tests.console.calling import Shell, errors, output
from tests.console.ptys import Terminal


@contextmanager
def headless(shell: Shell, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """Run `jph demo --headless` from when it runs until it has ended."""
    with shell.start("demo", "--headless", *arguments) as demo:
        try:
            line = ""
            while not line.startswith("It ends"):
                line = output(demo).readline()
                assert line, errors(demo).read()
            yield demo
        finally:
            demo.terminate()


def agent_of(demo: "subprocess.Popen[str]") -> int:
    """Return the process that a demo started."""
    [agent] = Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text("ascii").split()
    return int(agent)


@contextmanager
def watched(pid: int) -> Iterator[int]:
    """Give a descriptor that is readable once the process has ended."""
    descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def test_other_commands_find_it_by_themselves(shell: Shell) -> None:
    with headless(shell):
        nodes = shell.jph("nodes", "--json")
        got = shell.jph("get", "C1", "FK", "--json")
        taken = shell.jph("set", "FK", "80")
        halted = shell.jph("halt", "C1")
    assert {node["state"] for node in nodes.documents} == {"alive"}
    assert "the running demo's" in nodes.err
    assert [document["status"] for document in got.documents] == ["ok", "ok"]
    assert (taken.code, halted.code) == (0, 0)


def test_it_records_what_can_be_looked_at_afterwards(shell: Shell) -> None:
    with headless(shell):
        shell.jph("watch", "--from", "Q1", "--flag", "i", "--count", "3")
        ended = shell.jph("history", "C1", "--json")
    assert ended.code == 0
    assert all(isinstance(document["value"], float) for document in ended.documents)


def test_it_says_what_to_type_in_another_shell(shell: Shell) -> None:
    ended = shell.jph("demo", "--headless", "--seconds", "100ms")
    assert ended.code == 0
    first, *calls, last = ended.out.splitlines()
    assert "nodes on the loopback interface of this computer" in first
    assert [call.split()[1] for call in calls] == ["console", "nodes", "get", "ping", "set", "watch", "history"]
    assert last == "It ends after 0.1 s, or with Ctrl-C."


def test_where_another_configuration_would_be_found_it_names_its_own(shell: Shell) -> None:
    (shell.home / "jph.yaml").write_text("nodes: {CC: {driver: console}}\n", "ascii")
    ended = shell.jph("demo", "--headless", "--seconds", "100ms")
    assert f"--config {shell.home}/state/jph/demo/jph.yaml" in ended.out


def test_without_a_terminal_it_has_no_screen_and_says_so(shell: Shell) -> None:
    ended = shell.jph("demo", "--seconds", "100ms")
    assert ended.code == 0
    assert "no terminal, so no screen" in ended.err


def test_on_a_terminal_it_shows_the_console_and_ends_with_it(shell: Shell) -> None:
    with Terminal() as terminal, terminal.start(shell, "demo") as demo:
        terminal.until("Fan Outside")
        with watched(agent_of(demo)) as agent:
            terminal.type("q")
            terminal.rest()
            assert demo.wait() == 0
            assert select.select([agent], [], [], 0)[0] == [agent]


@pytest.mark.parametrize("seconds", ["1ms", "2s"])
def test_the_console_of_a_demo_ends_when_its_time_is_over(shell: Shell, seconds: str) -> None:
    with Terminal() as terminal, terminal.start(shell, "demo", "--seconds", seconds) as demo:
        terminal.rest()
        assert demo.wait() == 0


def test_a_second_one_is_refused_with_the_process_of_the_first(shell: Shell) -> None:
    with headless(shell) as demo:
        second = shell.jph("demo", "--headless")
    assert second.code == 1
    assert f"a demo is running already (process {demo.pid})" in second.err
    assert f"kill {demo.pid}" in second.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_order_with_its_agent(shell: Shell, number: signal.Signals) -> None:
    with headless(shell) as demo, watched(agent_of(demo)) as agent:
        demo.send_signal(number)
        assert demo.wait() == 0
        assert select.select([agent], [], [], 0)[0] == [agent]
    assert demo_traces.running(shell.home / "state/jph/demo") is None


def test_when_it_is_killed_its_agent_ends_too(shell: Shell) -> None:
    with headless(shell) as demo, watched(agent_of(demo)) as agent:
        demo.kill()
        demo.wait()
        assert select.select([agent], [], [])[0] == [agent]
    assert "no configuration" in shell.jph("config", "show").err


def test_when_its_agent_ends_it_says_so_and_fails(shell: Shell) -> None:
    with headless(shell) as demo:
        os.kill(agent_of(demo), signal.SIGKILL)
        assert demo.wait() == 1
        assert "the demo's agent has ended (exit code -9)" in errors(demo).read()


def test_an_agent_that_does_not_start_is_explained(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys; 'console.tether' in sys.orig_argv and sys.exit('no luck')", "ascii"
    )
    python_path = f"{tmp_path}{os.pathsep}{shell.environment['PYTHONPATH']}"
    ended = shell.jph("demo", "--headless", PYTHONPATH=python_path)
    assert ended.code == 1
    assert "the demo's agent has ended (exit code 1)" in ended.err
    assert "no luck" in ended.err


def test_a_place_that_cannot_be_had_is_explained(shell: Shell) -> None:
    (shell.home / "state").write_text("a file where the directory is to be")
    ended = shell.jph("demo", "--headless")
    assert (ended.code, "Traceback" in ended.err) == (1, False)
    assert "XDG_STATE_HOME" in ended.err


def test_each_begins_anew(shell: Shell) -> None:
    place = shell.home / "state/jph/demo"
    with headless(shell):
        shell.jph("set", "FK", "80")
    (place / "history.db").write_text("what the last one left", "ascii")
    with headless(shell):
        assert shell.jph("get", "FK", "--json").documents[0]["value"] != 80


def test_there_can_be_many_simulated_nodes(shell: Shell) -> None:
    with headless(shell, "--nodes", "50"):
        nodes = shell.jph("nodes", "--json").documents
    assert sum(node["name"].startswith("simulated ") for node in nodes) == 50


@pytest.mark.parametrize("count", ["-1", "1001", "many"])
def test_a_number_of_nodes_that_cannot_be_is_refused(shell: Shell, count: str) -> None:
    ended = shell.jph("demo", "--headless", "--nodes", count)
    assert ended.code == 2
    assert "--nodes" in ended.err
