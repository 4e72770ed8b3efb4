"""Where the log goes: as the configuration says, to the journal, or to whoever looks at standard error."""

import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from agent import logs
from agent.records import log_lines
from tests.console.hostile import ESCAPED, HOSTILE, unprintable

# The original's section `Logging`, as far as it matters here: its formats, its handlers, its root.
ORIGINAL: Mapping[str, Any] = {
    "version": 1,
    "disable_existing_loggers": True,
    "formatters": {
        "brief": {
            "class": "logging.Formatter",
            "datefmt": "%I:%M:%S",
            "format": "%(name)s[%(process)d]: (%(codifier)s) %(levelname)s %(message)s",
        },
        "verbose": {
            "class": "logging.Formatter",
            "datefmt": "%I:%M:%S",
            "format": "%(name)s %(codifier)s %(levelname)s (%(lineno)d) %(message)s",
        },
    },
    "handlers": {
        "operator": {
            "level": "ERROR",
            "class": "logging.StreamHandler",
            "formatter": "verbose",
            "stream": "ext://sys.stdout",
        },
        "syslog": {
            "level": "INFO",
            "class": "logging.handlers.SysLogHandler",
            "facility": "daemon",
            "formatter": "brief",
            "address": "/dev/log",
        },
    },
    "loggers": {"jph": {"handlers": ["syslog"], "level": "INFO"}},
    "root": {"handlers": ["operator"], "level": "NOTSET"},
}


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root, own, factory = logging.getLogger(), logging.getLogger("jph"), logging.getLogRecordFactory()
    handlers, levels = list(root.handlers), (root.level, own.level)
    yield
    for logger in (root, own):
        for handler in set(logger.handlers) - set(handlers):
            logger.removeHandler(handler)
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    own.setLevel(levels[1])
    own.propagate = True
    logging.setLogRecordFactory(factory)


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Give what was written to standard error, which is no journal."""
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    return lambda: capsys.readouterr().err


@pytest.fixture
def syslog(tmp_path: Path) -> Iterator[socket.socket]:
    """Give the socket of a syslog daemon."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(tmp_path / "log"))
        yield daemon


def with_syslog_at(path: object) -> Mapping[str, Any]:
    handlers: Any = ORIGINAL["handlers"]
    return {**ORIGINAL, "handlers": {**handlers, "syslog": {**handlers["syslog"], "address": str(path)}}}


def test_without_more_it_goes_to_standard_error_with_time_and_level(stderr: Callable[[], str]) -> None:
    logs.set_up("C1", None, debug=False)
    logging.getLogger("jph.node").info("C1 is on the bus")
    date, time, *rest = stderr().split(" ", 3)
    assert (len(date), len(time), rest) == (10, 12, ["INFO", "C1 is on the bus\n"])


def test_what_is_for_developers_is_not_said(stderr: Callable[[], str]) -> None:
    logs.set_up("C1", None, debug=False)
    logging.getLogger("jph.node").debug("details")
    logging.getLogger("urllib3").info("others' details")
    assert stderr() == ""


def test_with_debug_everything_of_jph_is_said(stderr: Callable[[], str]) -> None:
    logs.set_up("C1", ORIGINAL, debug=True)
    logging.getLogger("jph.node").debug("details")
    assert stderr().endswith("DEBUG details\n")


def test_the_original_s_formats_know_the_codifier(syslog: socket.socket, stderr: Callable[[], str]) -> None:
    logs.set_up("C1,FK", with_syslog_at(syslog.getsockname()), debug=False)
    logging.getLogger("jph.node").warning("the driver fails")
    daemon_warning = 3 * 8 + 4
    assert syslog.recv(1024) == (
        f"<{daemon_warning}>jph.node[{os.getpid()}]: (C1,FK) WARNING the driver fails\0".encode()
    )


def test_loggers_that_exist_already_are_not_silenced(syslog: socket.socket, stderr: Callable[[], str]) -> None:
    logger = logging.getLogger("jph.bus")
    logs.set_up("C1", with_syslog_at(syslog.getsockname()), debug=False)
    logger.error("the buses do not work")
    assert b"the buses do not work" in syslog.recv(1024)


def test_errors_go_to_the_operator_as_the_original_says(
    syslog: socket.socket, stderr: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up("C1", with_syslog_at(syslog.getsockname()), debug=False)
    logging.getLogger("jph.sink").error("the disk is full")
    logging.getLogger("jph.sink").warning("nearly")
    assert capsys.readouterr().out.startswith("jph.sink C1 ERROR (")


def test_without_dev_log_the_default_is_used_and_that_is_said(tmp_path: Path, stderr: Callable[[], str]) -> None:
    logs.set_up("C1", with_syslog_at(tmp_path / "missing"), debug=False)
    logging.getLogger("jph.node").info("C1 is on the bus")
    said, line = stderr().splitlines()
    why = f"handler 'syslog': there is no {tmp_path / 'missing'}"
    assert said.endswith(f"the configuration's `Logging` cannot be used: {why}; logging to standard error")
    assert line.endswith("INFO C1 is on the bus")


def test_a_class_that_does_not_exist_is_no_reason_to_stop(stderr: Callable[[], str]) -> None:
    handlers = {"operator": {"class": "logging.NoSuchHandler"}}
    logs.set_up("C1", {"version": 1, "handlers": handlers, "root": {"handlers": ["operator"]}}, debug=False)
    assert "cannot be used: Unable to configure handler 'operator'" in stderr()


def test_it_can_be_set_up_again_as_after_a_reload(syslog: socket.socket, stderr: Callable[[], str]) -> None:
    logs.set_up("C1", None, debug=False)
    logs.set_up("C2", with_syslog_at(syslog.getsockname()), debug=False)
    logging.getLogger("jph.node").info("once")
    assert b"(C2) INFO once" in syslog.recv(1024)
    assert "once" not in stderr()


def test_standard_error_is_told_who_decides_so_that_silence_is_not_taken_for_health(
    syslog: socket.socket, stderr: Callable[[], str]
) -> None:
    logs.set_up("C1", with_syslog_at(syslog.getsockname()), debug=False)
    outlets = "syslog (from INFO), operator (from ERROR)"
    assert stderr().endswith(f"INFO the configuration's `logging` decides where the log goes: {outlets}\n")


def test_a_logging_that_says_nothing_anywhere_is_told(stderr: Callable[[], str]) -> None:
    logs.set_up("C1", {"version": 1, "root": {"handlers": []}}, debug=False)
    assert stderr().endswith("decides where the log goes: nowhere\n")


def test_in_the_journal_each_record_is_a_line_with_its_level_and_no_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (tmp_path / "journal").open("w+") as journal:
        status = os.fstat(journal.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        monkeypatch.setattr(sys, "stderr", journal)
        logs.set_up("C1", None, debug=False)
        logging.getLogger("jph.node").warning("two\nlines")
        logging.getLogger("jph.node").error("one")
        journal.seek(0)
        assert journal.read() == "<4>two\\nlines\n<3>one\n"


def test_a_terminal_that_was_started_by_a_service_is_no_journal(
    stderr: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:12345")
    logs.set_up("C1", None, debug=False)
    logging.getLogger("jph.node").info("C1 is on the bus")
    assert not stderr().startswith("<")


def test_whatever_is_logged_is_a_line_of_printable_characters(stderr: Callable[[], str]) -> None:
    logs.set_up("C1", None, debug=False)
    logging.getLogger("jph.node").warning("%s: no reading: %s", "C1", HOSTILE)
    logged = stderr()
    assert (logged.count("\n"), unprintable(logged)) == (1, [])
    assert ESCAPED in logged


def test_so_it_is_in_the_formats_and_handlers_of_a_configuration(
    syslog: socket.socket, stderr: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up("C1", with_syslog_at(syslog.getsockname()), debug=False)
    capsys.readouterr()
    logging.getLogger("jph.sink").error("the store says: %s", HOSTILE)
    assert unprintable(syslog.recv(4096).rstrip(b"\0").decode()) == []
    printed = capsys.readouterr().out
    assert (printed.count("\n"), unprintable(printed)) == (1, [])


def test_a_traceback_keeps_its_lines_and_nothing_else(stderr: Callable[[], str]) -> None:
    def fail() -> None:
        raise ValueError(HOSTILE)

    logs.set_up("C1", None, debug=False)
    try:
        fail()
    except ValueError:
        logging.getLogger("jph.node").exception("unexpected")
    logged = stderr()
    assert unprintable(logged) == []
    assert "\nTraceback (most recent call last):\n" in logged


def test_text_of_several_lines_of_our_own_is_several_records(stderr: Callable[[], str]) -> None:
    logs.set_up("C1", None, debug=False)
    log_lines(logging.getLogger("jph.node"), logging.ERROR, "this is wrong:\nthe first\nthe second")
    assert [line.partition(" ERROR ")[2] for line in stderr().splitlines()] == [
        "this is wrong:",
        "the first",
        "the second",
    ]
