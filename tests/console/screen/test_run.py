import io
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from config.model import Network
from console.screen.run import NoTerminalError, _silent_log, check_terminal
from tests.console.screen.pty_program import PROJECT, console_command


def test_without_a_terminal_the_console_names_the_commands_that_need_none(network: Network) -> None:
    piped = subprocess.run(
        [sys.executable, *console_command(network)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=PROJECT,
        timeout=60,
        check=False,
    )
    assert piped.returncode == 1
    assert piped.stdout == b""
    for command in (b"jph watch", b"jph sensors", b"jph nodes", b"jph get", b"jph ping"):
        assert command in piped.stderr


def test_a_terminal_is_asked_for_before_anything_is_opened() -> None:
    with pytest.raises(NoTerminalError, match="needs a terminal"):
        check_terminal({"TERM": "xterm"})


@pytest.fixture
def root_logger() -> logging.Logger:
    """Return the logger to which everything comes in the end."""
    return logging.getLogger()


def test_log_lines_do_not_reach_the_screen_but_the_log_file(
    root_logger: logging.Logger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    to_screen, to_file = logging.StreamHandler(screen), logging.FileHandler(tmp_path / "log", encoding="utf-8")
    monkeypatch.setattr(root_logger, "handlers", [to_screen, to_file])
    with _silent_log():
        logging.getLogger("jph").warning("a cable is missing")
    to_file.close()
    assert screen.getvalue() == ""
    assert "a cable is missing" in (tmp_path / "log").read_text("utf-8")
    assert root_logger.handlers == [to_screen, to_file]


def test_without_any_log_nothing_is_written_to_the_screen(
    root_logger: logging.Logger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(root_logger, "handlers", [])
    with _silent_log():
        logging.getLogger("jph").warning("a cable is missing")
    assert capsys.readouterr().err == ""
