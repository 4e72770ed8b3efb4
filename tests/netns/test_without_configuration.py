"""The command line on a host where nobody wrote a configuration: the default groups, and that is said."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netns.hosts import Namespace, missing

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def lonely() -> Iterator[Namespace]:
    """Give a host that has nothing but its loopback interface."""
    if reason := missing():
        pytest.skip(reason)
    host = Namespace("lonely")
    yield host
    host.close()


def command(home: Path, *arguments: str) -> list[str]:
    """Return what calls `jph` for somebody who has no configuration."""
    return program(home, "console.cli", *arguments)


def program(home: Path, module: str, *arguments: str) -> list[str]:
    """Return what starts a program for them, with keys of their own."""
    own = [f"HOME={home}", f"XDG_STATE_HOME={home}", f"JPH_KEYS={home}/keys", f"PYTHONPATH={CHECKOUT}"]
    return ["env", "--chdir", str(home), "-u", "JPH_CONFIG", *own, sys.executable, "-P", "-m", module, *arguments]


def test_the_default_groups_are_used_and_that_is_said(lonely: Namespace, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as failed:
        lonely.run(*command(tmp_path, "ping", "--all", "-c", "1", "--timeout", "100ms"))
    said = str(failed.value)
    assert "exit code 1" in said
    assert "no configuration (`jph init` writes one), so the default groups; lo (127.0.0.1, " in said
    assert "control 239.192.71.1:7001, data 239.192.71.1:7002; as CC" in said


def test_commands_of_one_host_hear_each_other_on_them(lonely: Namespace, tmp_path: Path) -> None:
    watch = lonely.start(*command(tmp_path, "watch", "--count", "2", "--json"))
    assert watch.stderr is not None
    assert watch.stdout is not None
    assert "as CC" in watch.stderr.readline()
    lonely.run(*command(tmp_path, "send", "ping", "@@", "5", "--as", "CX"))
    announced, ping = watch.stdout.readline(), watch.stdout.readline()
    assert watch.wait() == 0
    assert '"flag": "N", "source": "CX"' in announced
    assert '"flag": "P", "source": "CX", "destination": "@@"' in ping


def test_a_configuration_that_init_wrote_works_at_once(lonely: Namespace, tmp_path: Path) -> None:
    assert "jph.yaml is written" in lonely.run(*command(tmp_path, "init"))
    lonely.run(*command(tmp_path, "check"))
    lonely.start(*program(tmp_path, "agent.main"))
    heard = lonely.run(*command(tmp_path, "get", "L1", "M1", "--json", "--timeout", "20s")).splitlines()
    assert [json.loads(line)["codifier"] for line in heard] == ["L1", "M1"]
    assert lonely.run(*command(tmp_path, "halt", "L1")).startswith("L1 halt: taken in ")
    nodes = [json.loads(line) for line in lonely.run(*command(tmp_path, "nodes", "--json")).splitlines()]
    assert {node["codifier"]: node["key_id"] for node in nodes} == {"L1": 1, "M1": 1, "Q1": 1}
