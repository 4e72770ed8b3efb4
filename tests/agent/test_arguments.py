"""The command line of `jph-agent`: the same with and without argparse, which only options bring in."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agent.main import Wanted, _wanted

HERE = socket.gethostname()


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], Wanted([], HERE)),
        (["C1", "FK"], Wanted(["C1", "FK"], HERE)),
        (["--debug"], Wanted([], HERE, debug=True)),
        (["C1", "--config", "jph.yaml", "--takeover", "FK"], Wanted(["C1", "FK"], HERE, "jph.yaml", takeover=True)),
        (["--host=pi-shed", "--state", "/s"], Wanted([], "pi-shed", state=Path("/s"))),
        (["--", "-1"], Wanted(["-1"], HERE)),
    ],
    ids=str,
)
def test_what_is_wanted(arguments: list[str], wanted: Wanted) -> None:
    assert _wanted(arguments) == wanted


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["--hots", "x"], 2), (["--config"], 2)], ids=str)
def test_help_and_wrong_usage_end_at_once(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        _wanted(arguments)
    told = capsys.readouterr()
    assert (ended.value.code, (told.out or told.err).startswith("usage: jph-agent ")) == (code, True)


@pytest.mark.parametrize("arguments", [[], ["C1"]], ids=["nothing", "a codifier"])
def test_a_service_that_names_codifiers_at_most_does_not_pay_for_argparse(arguments: list[str]) -> None:
    tell = f"import sys; from agent.main import _wanted; _wanted({arguments}); print('argparse' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", tell], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
