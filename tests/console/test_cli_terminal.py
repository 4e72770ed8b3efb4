"""What `jph` prints on a terminal and elsewhere: colours, widths, nothing that a terminal would obey."""

from typing import Final

from tests.console.calling import Shell, Site
from tests.console.ptys import Terminal, shown_to_a_person

ESCAPE: Final = "\x1b"


def test_on_a_terminal_the_status_has_a_colour(shell: Shell, site: Site) -> None:
    assert f"{ESCAPE}[32mok" in shown_to_a_person(shell, "get", "C1", site.config)


def test_no_color_means_no_escape_sequences_at_all(shell: Shell, site: Site) -> None:
    assert ESCAPE not in shown_to_a_person(shell, "get", "C1", site.config, NO_COLOR="1")


def test_an_empty_no_color_forbids_nothing(shell: Shell, site: Site) -> None:
    assert ESCAPE in shown_to_a_person(shell, "get", "C1", site.config, NO_COLOR="")


def test_a_dumb_terminal_gets_none_either(shell: Shell, site: Site) -> None:
    assert ESCAPE not in shown_to_a_person(shell, "get", "C1", site.config, TERM="dumb")


def test_what_is_no_terminal_gets_none(shell: Shell, site: Site) -> None:
    ended = shell.jph("get", "C1", "F1", site.config)
    assert ESCAPE not in ended.out + ended.err


def test_json_on_a_terminal_is_json(shell: Shell, site: Site) -> None:
    assert ESCAPE not in shown_to_a_person(shell, "get", "C1", "--json", "-q", site.config)


def test_text_from_the_network_is_escaped_on_a_terminal_too(shell: Shell, site: Site) -> None:
    shown = shown_to_a_person(shell, "get", "T1", site.config)
    assert r"\x1b[31mred\x1b[0m\n[bold]bold[/bold]\u202e" in shown
    assert f"{ESCAPE}[31mred" not in shown


def test_columns_that_do_not_fit_are_left_out_and_that_is_said(shell: Shell, site: Site) -> None:
    shown = shown_to_a_person(shell, "sensors", site.config, columns=60)
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
    with Terminal() as terminal, terminal.start(shell, "get", "ZZ", "--timeout", "1h", site.config) as get:
        terminal.until("as CA")
        terminal.type("\x03")
        assert terminal.rest().strip() == "^C"
        assert get.wait() == 130


def test_jph_alone_without_a_terminal_prints_its_help(shell: Shell) -> None:
    ended = shell.jph()
    assert ended.code == 0
    assert "Usage: jph" in ended.out


def test_jph_alone_on_a_terminal_opens_the_console(shell: Shell, site: Site) -> None:
    with Terminal() as terminal, terminal.start(shell, JPH_CONFIG=str(site.present)) as console:
        terminal.until("halted")
        terminal.type("q")
        terminal.rest()
        assert console.wait() == 0


def test_the_console_needs_a_terminal_and_names_what_does_not(shell: Shell, site: Site) -> None:
    ended = shell.jph("console", site.config)
    assert (ended.code, ended.out) == (1, "")
    assert "jph watch" in ended.err
