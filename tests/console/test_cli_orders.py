"""`jph start`, `halt`, `reload`, `set` and `step`: confirmed, refused, or not answered."""

import json

import pytest

from tests.console.calling import Shell, Site


def value(shell: Shell, site: Site, codifier: str) -> object:
    """Return what a sensor says now."""
    return shell.jph("get", codifier, "--json", site.config).documents[0]["value"]


def test_set_says_how_long_the_confirmation_took(shell: Shell, site: Site) -> None:
    ended = shell.jph("set", "FK", "80", site.config)
    words = ended.out.split()
    assert ended.code == 0
    assert words[:5] == ["FK", "set", "80:", "taken", "in"]
    assert float(words[5]) > 0
    assert words[6] == "ms"
    assert value(shell, site, "FK") == 80


def test_several_are_commanded_at_once(shell: Shell, site: Site) -> None:
    ended = shell.jph("set", "FL", "FM", "12.5", "--json", site.config)
    assert ended.code == 0
    assert {document["codifier"] for document in ended.documents} == {"FL", "FM"}
    assert value(shell, site, "FL") == value(shell, site, "FM") == 12.5


def test_who_is_named_twice_is_commanded_once(shell: Shell, site: Site) -> None:
    assert len(shell.jph("step", "FM", "FM", "1", "--json", site.config).documents) == 1


def test_a_step_may_be_negative(shell: Shell, site: Site) -> None:
    shell.jph("set", "FN", "30", site.config)
    ended = shell.jph("step", "FN", "-5", site.config)
    assert ended.code == 0
    assert ended.out.startswith("FN step -5: taken in ")
    assert value(shell, site, "FN") == 25


def test_what_is_out_of_range_is_refused_with_the_reason(shell: Shell, site: Site) -> None:
    ended = shell.jph("set", "FK", "800", site.config)
    assert (ended.code, ended.out) == (1, "")
    assert "jph: FK set 800: the value is outside the range that the node's configuration allows" in ended.err


def test_what_cannot_be_set_says_so(shell: Shell, site: Site) -> None:
    ended = shell.jph("set", "C1", "1", "--json", site.config)
    [answer] = ended.documents
    assert ended.code == 1
    assert (answer["taken"], answer["code"], answer["acknowledged"]) == (False, 2, True)
    assert answer["reason"].startswith("this is no control sensor")


def test_an_answer_in_json_has_these_keys(shell: Shell, site: Site) -> None:
    [answer] = shell.jph("set", "FK", "55", "--json", site.config).documents
    expected = {
        "codifier": "FK",
        "command": "set",
        "number": 55.0,
        "taken": True,
        "code": 0,
        "reason": "taken",
        "acknowledged": True,
        "elapsed_ms": answer["elapsed_ms"],
        "attempts": 1,
    }
    assert answer == expected


def test_a_node_is_halted_and_started(shell: Shell, site: Site) -> None:
    halted = shell.jph("halt", "H1", "--json", site.config)
    [while_halted] = shell.jph("get", "H1", "--json", site.config).documents
    started = shell.jph("start", "H1", site.config)
    [after] = shell.jph("get", "H1", "--json", site.config).documents
    assert (halted.code, halted.documents[0]["number"], while_halted["status"]) == (0, None, "halted")
    assert (started.code, after["value"]) == (0, 2)
    assert started.out.startswith("H1 start: taken in ")


def test_a_node_reads_its_configuration_again_and_keeps_the_old_one_when_it_is_bad(shell: Shell, site: Site) -> None:
    good = site.path.read_bytes()
    try:
        site.path.write_bytes(b"nodes: [")
        refused = shell.jph("reload", "C1", site.config)
    finally:
        site.path.write_bytes(good)
    taken = shell.jph("reload", "C1", site.config)
    assert (refused.code, taken.code) == (1, 0)
    assert "the new configuration is bad, the old one is kept" in refused.err
    assert taken.out.startswith("C1 reload: taken in ")


def test_a_node_that_is_not_there_does_not_answer(shell: Shell, site: Site) -> None:
    ended = shell.jph("halt", "ZZ", "--json", site.config_with_absent)
    [answer] = ended.documents
    assert ended.code == 1
    assert (answer["taken"], answer["code"], answer["attempts"]) == (False, None, 6)


def test_one_failure_among_several_fails(shell: Shell, site: Site) -> None:
    ended = shell.jph("set", "FK", "C1", "40", site.config)
    assert ended.code == 1
    assert ended.out.startswith("FK set 40: taken")
    assert "C1 set 40: this is no control sensor" in ended.err


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["set", "FK"], "Missing argument"),
        (["set", "FK", "full"], "write 80, -5 or 21.5"),
        (["set", "FK", "nan"], "write 80, -5 or 21.5"),
        (["step", "@@", "5"], "'@@' is no codifier"),
        (["halt"], "Missing argument"),
        (["halt", "C1,F1"], "'C1,F1' is no codifier"),
        (["halt", "C1", "--now"], "--now"),
        (["set", "FK", "80", "--jsn"], "--jsn"),
    ],
)
def test_what_is_not_understood_commands_nothing(shell: Shell, arguments: list[str], advice: str) -> None:
    ended = shell.jph(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert advice in ended.err


def test_what_was_typed_cannot_touch_the_terminal(shell: Shell) -> None:
    assert r"\x1b[2J" in shell.jph("halt", "\x1b[2J").err


def test_the_answers_of_several_are_one_object_a_line(shell: Shell, site: Site) -> None:
    lines = shell.jph("set", "FL", "FN", "3", "--json", site.config).out.splitlines()
    assert {json.loads(line)["codifier"] for line in lines} == {"FL", "FN"}
