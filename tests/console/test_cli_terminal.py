"""What `jph` prints on a terminal and elsewhere: colours, widths, nothing that a terminal would obey."""

import contextlib
import fcntl
import os
import pty
import subprocess
import termios
from collections.abc import Iterator
from typing import Final

from tests.console.calling import Shell, Site

ESCAPE: Final = "\x1b"


def test_on_a_terminal_the_status_has_a_colour(shell: Shell, site: Site) -> None:
    assert f"{ESCAPE}[32mok" in on_terminal(shell, "get", "C1", site.config)


def test_no_color_means_no_escape_sequences_at_all(shell: Shell, site: Site) -> None:
    assert ESCAPE not in on_terminal(shell, "get", "C1", site.config, NO_COLOR="1")


def test_an_empty_no_color_forbids_nothing(shell: Shell, site: Site) -> None:
    assert ESCAPE in on_terminal(shell, "get", "C1", site.config, NO_COLOR="")


def test_a_dumb_terminal_gets_none_either(shell: Shell, site: Site) -> None:
    assert ESCAPE not in on_terminal(shell, "get", "C1", site.config, TERM="dumb")


def test_what_is_no_terminal_gets_none(shell: Shell, site: Site) -> None:
    ended = shell.jph("get", "C1", "F1", site.config)
    assert ESCAPE not in ended.out + ended.err


def test_json_on_a_terminal_is_json(shell: Shell, site: Site) -> None:
    assert ESCAPE not in on_terminal(shell, "get", "C1", "--json", "-q", site.config)


def test_text_from_the_network_is_escaped_on_a_terminal_too(shell: Shell, site: Site) -> None:
    shown = on_terminal(shell, "get", "T1", site.config)
    assert r"\x1b[31mred\x1b[0m\n[bold]bold[/bold]\u202e" in shown
    assert f"{ESCAPE}[31mred" not in shown


def test_columns_that_do_not_fit_are_left_out_and_that_is_said(shell: Shell, site: Site) -> None:
    shown = on_terminal(shell, "sensors", site.config, columns=60)
    lines = shown.splitlines()
    assert "more columns in a wider window" in lines[-1]
    assert "codifier" in lines[1]
    assert "sequence" not in shown


def test_wide_characters_keep_the_columns_straight(shell: Shell, site: Site) -> None:
    ended = shell.jph("sensors", "--seconds", "300ms", site.config)
    rows = ended.out.splitlines()
    wide = next(row for row in rows if row.startswith("F2"))
    narrow = next(row for row in rows if row.startswith("C1"))
    assert wide[: wide.index("0 %")].count("温度") == 1
    assert wide.index("0 %") + 2 == narrow.index("0 %")  # two characters of it take two columns each


def test_a_terminal_that_cannot_show_a_character_gets_it_escaped(shell: Shell, site: Site) -> None:
    ended = shell.jph("get", "C1", site.config, PYTHONIOENCODING="ascii")
    assert r"\xb0C" in ended.out


def test_interrupted_while_it_waits_it_ends_without_a_word(shell: Shell, site: Site) -> None:
    with (
        terminal() as (controller, side),
        _at_terminal(shell, side, "get", "ZZ", "--timeout", "1h", site.config) as get,
    ):
        shown = ""
        while "as CA" not in shown:
            shown += os.read(controller, 4096).decode()
        os.write(controller, b"\x03")
        assert get.wait() == 130
        assert "Traceback" not in shown


def test_jph_alone_without_a_terminal_prints_its_help(shell: Shell) -> None:
    ended = shell.jph()
    assert ended.code == 0
    assert "Usage: jph" in ended.out


def test_the_console_needs_a_terminal_and_names_what_does_not(shell: Shell, site: Site) -> None:
    ended = shell.jph("console", site.config)
    assert (ended.code, ended.out) == (1, "")
    assert "jph watch" in ended.err


def on_terminal(shell: Shell, *arguments: str, columns: int = 200, **environment: str) -> str:
    """Call `jph` on a terminal and return all that was shown on it."""
    with terminal(columns) as (controller, side), _at_terminal(shell, side, *arguments, **environment) as process:
        os.close(side)
        shown = b"".join(iter(lambda: _read(controller), b"")).decode()
        assert process.wait() == 0
    return shown


@contextlib.contextmanager
def terminal(columns: int = 200) -> Iterator[tuple[int, int]]:
    """Give a terminal: the end of the person, and that of the program."""
    controller, side = pty.openpty()
    termios.tcsetwinsize(controller, (50, columns))
    try:
        yield controller, side
    finally:
        os.close(controller)
        with contextlib.suppress(OSError):  # closed already
            os.close(side)


def _at_terminal(shell: Shell, side: int, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """Start `jph` as a shell does: the terminal is its own, and Ctrl-C reaches it."""
    surroundings = {**shell.environment, "TERM": "xterm-256color", **environment}
    return shell.start(
        *arguments,
        stdin=side,
        stdout=side,
        stderr=side,
        env=surroundings,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )


def _take_terminal() -> None:
    """Make standard input the controlling terminal of this new session (tty_ioctl(4), TIOCSCTTY)."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read(controller: int) -> bytes:
    try:
        return os.read(controller, 4096)
    except OSError:  # EIO: the program's end is closed
        return b""
