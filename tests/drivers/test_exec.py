"""The driver `exec`; how a command is run is claimed in test_pipe_commands.py."""

import shlex
import sys
from contextlib import closing

import pytest

from drivers.driver import DriverError, Measurements, Place
from drivers.exec import MAX_JSON_BYTES, Exec, ExecOptions
from protocol.readings import Value

JSON = '{"temperature": 21.5, "ok": true, "place": "attic", "fans": [{"rpm": 900}, {"rpm": 1100}], "none": null}'


def run(place: Place, command: str | tuple[str, ...], **options: object) -> Measurements:
    with closing(Exec(ExecOptions(command=command, **options), place)) as driver:  # type: ignore[arg-type] # any of them
        return driver.read()


def echo(text: str) -> tuple[str, str]:
    return ("echo", text)


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        ("21.5", 21.5),
        ("+.5", 0.5),
        (" 42 ", 42),
        ("20016000000000000000000001", 20016000000000000000000001),
        ("true", 1),
        ('"open"', "open"),
    ],
)
def test_one_number_or_one_value_of_json_is_a_reading(printed: str, value: Value, place: Place) -> None:
    assert run(place, echo(printed)) == {"value": value}


def test_a_document_has_several_channels(place: Place) -> None:
    fields = {"value": "temperature", "ok": "ok", "place": "place", "rpm": "fans[1].rpm", "fastest": "max(fans[].rpm)"}
    assert run(place, echo(JSON), fields=fields) == {
        "value": 21.5,
        "ok": 1,
        "place": "attic",
        "rpm": 1100,
        "fastest": 1100,
    }


def test_the_node_s_own_value_may_stand_beside_others(place: Place) -> None:
    assert run(place, echo(JSON), field="temperature", fields={"rpm": "fans[0].rpm"}) == {"value": 21.5, "rpm": 900}


def test_a_field_that_is_not_there_is_an_error_of_its_channel_alone(place: Place) -> None:
    measured = run(place, echo(JSON), field="temperature", fields={"humidity": "humidity", "fans": "fans"})
    assert measured["value"] == 21.5
    assert isinstance(measured["humidity"], DriverError)
    assert "humidity: there is nothing; there are fans, none, ok, place, temperature" in str(measured["humidity"])
    assert "fans: a list is no value: name one that is in it" in str(measured["fans"])


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        ("", "it prints nothing"),
        ("warm", "'warm' is neither a number nor JSON"),
        ("nan", "'nan' is neither a number nor JSON"),
        ("NaN", "nan is no number"),
        ("1e999", "inf is no number"),
        ("[1]", "a list is no value"),
        ("null", "a null is no value"),
        ("\x1b[31m", r"'\\x1b\[31m' is neither"),
    ],
)
def test_what_is_no_value_is_an_error(printed: str, message: str, place: Place) -> None:
    with pytest.raises(DriverError, match=message):
        run(place, echo(printed))


def test_when_no_field_is_there_it_is_an_error(place: Place) -> None:
    with pytest.raises(DriverError, match="humidity: there is nothing"):
        run(place, echo(JSON), field="humidity")


def test_words_of_a_list_are_handed_on_as_they_are(place: Place) -> None:
    script = "import json, sys; print(json.dumps(sys.argv[1:]))"
    measured = run(
        place, (sys.executable, "-c", script, "a b", "$HOME", "'"), fields={"x": "[0]", "y": "[1]", "z": "[2]"}
    )
    assert measured == {"x": "a b", "y": "$HOME", "z": "'"}


def test_the_first_line_of_the_complaint_is_told(place: Place) -> None:
    with pytest.raises(DriverError, match=r"ended with exit code 3: no sensor on the bus$"):
        run(place, "sh -c 'echo 1; echo no sensor on the bus >&2; echo more >&2; exit 3'")


def test_output_counts_with_the_exit_codes_that_are_named(place: Place) -> None:
    assert run(place, "sh -c 'echo 7; exit 2'", exit_codes=[2]) == {"value": 7}
    assert run(place, "echo 7", exit_codes=[2]) == {"value": 7}
    with pytest.raises(DriverError, match="ended with exit code 1"):
        run(place, "sh -c 'echo 7; exit 1'", exit_codes=[2])


def test_a_document_may_be_long_and_one_that_is_too_long_is_an_error(place: Place) -> None:
    script = 'print(\'{{"a": 1, "b": "{}"}}\'.format("x" * {}))'
    long = shlex.join([sys.executable, "-c", script.replace("* {}", f"* {MAX_JSON_BYTES - 100}")])
    assert run(place, long, field="a") == {"value": 1}
    longer = shlex.join([sys.executable, "-c", script.replace("* {}", f"* {MAX_JSON_BYTES}")])
    with pytest.raises(DriverError, match="prints more than 65536 bytes; have it print only the values"):
        run(place, longer, field="a")
