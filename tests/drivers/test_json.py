"""The driver `json`: the Arduino of the original, other devices' JSON, and what becomes of what is none."""

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.driver import DriverError, Measurements, Place, RetryLaterError
from drivers.json import Json, JsonOptions
from drivers.text import json_text
from drivers.text.json_text import parse
from tests.drivers.devices.http import JSON, Asked, Reply, WebDevice, served
from tests.drivers.devices.json import Arduino, printed
from tests.support.driven_time import ManualClock

FIELDS = {"X2": "LitersPerSecond", "X3": "Power", "X4": "Mode"}
NOT_JSON = {"Content-Type": "text/html; charset=utf-8"}
INFINITE = float("inf")

Read = Callable[..., Measurements]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def open_json(stack: ExitStack, place: Place) -> Callable[..., Json]:
    """Give a function that runs a device, and returns a driver that asks it, with options and below a path."""

    def open_driver(device: WebDevice, path: str = "/", **options: Any) -> Json:
        url = stack.enter_context(served(device)) + path
        return stack.enter_context(closing(Json(JsonOptions(url=url, **options), place)))

    return open_driver


@pytest.fixture
def read(open_json: Callable[..., Json]) -> Read:
    """Give a function that reads an answer once, with options."""

    def read_once(body: str, headers: dict[str, str] = dict(JSON), **options: Any) -> Measurements:  # noqa: B006
        return open_json(WebDevice(lambda _: Reply(body.encode(), headers=headers)), **options).read()

    return read_once


def error_of(read: Read, body: str, *arguments: Any, **options: Any) -> str:
    with pytest.raises(DriverError) as error:
        read(body, *arguments, **options)
    return str(error.value).partition("/")[2].partition("/")[2].partition("/")[2].removeprefix(": ")


def test_an_arduinos_page_gives_its_fields(open_json: Callable[..., Json]) -> None:
    arduino = Arduino()
    driver = open_json(arduino.device(), "/X", field="FlowPerSecond", fields=FIELDS)
    assert driver.read() == {"value": 21.5, "X2": 0.12, "X3": 1, "X4": 1}
    arduino.mad.rotations, arduino.mad.power, arduino.mad.mode = 0.0, False, 3
    assert driver.read() == {"value": 0.0, "X2": 0.12, "X3": 0, "X4": 3}


def test_a_field_that_is_infinite_has_its_error_and_the_others_their_readings(open_json: Callable[..., Json]) -> None:
    arduino = Arduino()
    arduino.mad.rotations = INFINITE
    error, *others = open_json(arduino.device(), "/X", field="FlowPerSecond", fields=FIELDS).read().values()
    assert isinstance(error, DriverError)
    assert str(error).endswith("/X: FlowPerSecond: inf is no number")
    assert others == [0.12, 1, 1]


@pytest.mark.parametrize("rotations", [INFINITE, 5e9])
def test_infinity_counts_as_what_the_owner_says(open_json: Callable[..., Json], rotations: float) -> None:
    arduino = Arduino()
    arduino.mad.rotations = rotations
    assert open_json(arduino.device(), "/X", field="FlowPerSecond", infinite=0).read() == {"value": 0}


def test_nan_counts_as_nothing_whatever_infinity_does(read: Read) -> None:
    assert error_of(read, '{"a": nan}', field="a", infinite=0) == "a: nan is no number"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20016", 20016),
        ("20016.0", 20016.0),
        ("21.50", 21.5),
        ("-0.1", -0.1),
        ("1e3", 1000.0),
        ("18446744073709551617", 18446744073709551617),
        ("true", 1),
        ("false", 0),
        ('"on"', "on"),
        ('"21.5"', "21.5"),
        ('""', ""),
    ],
)
def test_a_value_is_what_stands_there(read: Read, text: str, value: object) -> None:
    (found,) = read(f'{{"a": {text}}}', field="a").values()
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a", 1),
        ("sensors[1].value", 22),
        ("sensors[?name=='out'].value | [0]", 22),
        ('"a-b"', 3),
        ("max(sensors[].value)", 22),
        ("to_number(text)", 4.5),
        ("length(sensors)", 2),
    ],
)
def test_a_path_is_a_name_or_jmespath(read: Read, path: str, value: float) -> None:
    sensors = [{"name": "in", "value": 21}, {"name": "out", "value": 22}]
    document = json.dumps({"a": 1, "a-b": 3, "text": "4.5", "sensors": sensors})
    assert read(document, field=path) == {"value": value}


@pytest.mark.parametrize(
    ("body", "path", "said"),
    [
        ('{"b": 1, "c": 2}', "a", "a: there is nothing; there are b, c"),
        ('{"a": null, "b": 1}', "a", "a: there is nothing; there are a, b"),
        ('{"a": {"b": {"d": 1}}, "e": 1}', "a.b.c", "a.b.c: there is nothing; there are d"),
        ('{"a": {"x": 1}, "e": 1}', "a.b.c", "a.b.c: there is nothing; there are x"),
        ("[1, 2]", "a", "a: there is nothing; there is no mapping"),
        ("{}", "a", "a: there is nothing; there is no mapping"),
        ('{"a": [1]}', "a", "a: a list is no value: name one that is in it"),
        ('{"a": {"b": 1}}', "a", "a: a mapping is no value: name one that is in it"),
        ('{"a": 1e999}', "a", "a: inf is no number"),
        ('{"a": 1' + "0" * 400 + "}", "a", "a: the number is too large"),
        ('{"a": NaN}', "a", "a: nan is no number"),
        ('{"a": 1}', "abs(b)", "abs(b): In function abs(), invalid type for value: None"),
        ('{"a": "\\u001b[31m' + "x" * 500 + '"}', "abs(a)", "invalid type for value: \\x1b[31mxxx"),
        ('{"\\u001b[31m": 1}', "a", "a: there is nothing; there are \\x1b[31m"),
        (
            json.dumps({f"k{n:02}": n for n in range(30)}),
            "a",
            "there are k00, k01, k02, k03, k04, k05, k06, k07, k08, k09 and 20 more",
        ),
        (json.dumps({"k" * 100: 1}), "a", "there are " + "k" * 40),
    ],
)
def test_what_is_no_value_is_an_error_that_names_the_path_and_what_there_is(
    read: Read, body: str, path: str, said: str
) -> None:
    found = error_of(read, body, field=path)
    assert said in found
    assert len(found) < 200


@pytest.mark.parametrize(
    ("body", "options", "said"),
    [
        ("<html>\x1b[31m", {}, "answers what is no JSON, '<html>\\x1b[31m': Expecting value: line 1 column 1 (char 0)"),
        ("", {}, "answers what is no JSON, '': Expecting value"),
        ("[" * 100_000, {}, "': it is nested too deeply"),
        ("1" * 5000, {}, "answers what is no JSON"),
        ("{'a': 1}", {}, "answers what is no JSON"),
        ('{"a": 1,}', {"repair": False}, "`repair: true` reads JSON that is not quite JSON"),
    ],
)
def test_what_is_no_json_is_an_error_that_shows_its_beginning(
    read: Read, body: str, options: dict[str, Any], said: str
) -> None:
    assert said in error_of(read, body, **options)


def test_any_content_type_is_taken_unless_one_is_wanted(read: Read) -> None:
    assert read("1", NOT_JSON) == {"value": 1}
    assert read("1", {"Content-Type": "Application/JSON;charset=utf-8"}, content_type="application/json") == {
        "value": 1
    }
    assert error_of(read, "1", NOT_JSON, content_type="application/json") == (
        " answers text/html and not application/json; see whether the URL is right; without `content_type` any is taken"
    )
    assert "answers no content type and" in error_of(read, "1", {}, content_type="application/json")


def test_a_document_that_the_server_says_is_the_same_is_a_reading(open_json: Callable[..., Json]) -> None:
    """The sensor was looked at, and its value is what it was."""

    def answer(asked: Asked) -> Reply:
        if asked.headers.get("if-none-match") == '"7"':
            return Reply(status=304, headers={})
        return Reply(b'{"a": 21.5}', headers={**JSON, "ETag": '"7"'})

    device = WebDevice(answer)
    driver = open_json(device, field="a", content_type="application/json")
    assert [driver.read() for _ in range(3)] == [{"value": 21.5}] * 3
    device.answer = lambda _: Reply(status=500)
    with pytest.raises(DriverError):
        driver.read()


def test_headers_of_the_secret_file_are_sent_and_a_new_secret_holds_at_once(
    open_json: Callable[..., Json], tmp_path: Path
) -> None:
    path = tmp_path / "headers"
    path.touch(0o600)
    device = WebDevice(lambda _: Reply(b"1"))
    driver = open_json(device, headers_file=str(path))
    for token in ("one", "two"):
        path.write_text(f"Authorization: Bearer {token}\n")
        driver.read()
    assert [asked.headers["authorization"] for asked in device.asked] == ["Bearer one", "Bearer two"]


def test_a_secret_that_others_may_read_is_not_sent(open_json: Callable[..., Json], tmp_path: Path) -> None:
    path = tmp_path / "headers"
    path.write_text("X-Key: k")
    path.chmod(0o644)
    device = WebDevice(lambda _: Reply(b"1"))
    with pytest.raises(DriverError, match="chmod 600"):
        open_json(device, headers_file=str(path)).read()
    assert device.asked == []


def test_a_busy_server_says_for_how_long_it_wants_to_be_left_alone(open_json: Callable[..., Json]) -> None:
    driver = open_json(WebDevice(lambda _: Reply(status=429, headers={"Retry-After": "30"})))
    with pytest.raises(RetryLaterError) as error:
        driver.read()
    assert error.value.retry_after_s == 30


def test_a_field_may_be_named_where_the_library_is_not_installed(monkeypatch: pytest.MonkeyPatch, place: Place) -> None:
    monkeypatch.setitem(sys.modules, "jmespath", None)
    options = JsonOptions(url="http://host/", field="a.b")
    with pytest.raises(DriverError, match=r'jmespath is not installed; pip install "jph\[json\]"'):
        Json(options, place)


def test_who_only_reads_its_options_pays_for_no_library() -> None:
    """Every agent reads the options of all nodes, also of those that other hosts run."""
    program = (
        "import sys; from drivers.json import JsonOptions;"
        "JsonOptions(url='http://h/', field='a.b', fields={'c': 'd'});"
        "print([name for name in ('requests', 'urllib3', 'jmespath') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


numbers = st.floats(allow_nan=True, allow_infinity=True) | st.integers()
documents = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(documents)
def test_json_is_never_changed_by_its_repair(document: object) -> None:
    text = json.dumps(document)
    assert json.dumps(json.loads(json_text.repaired(text))) == text


def as_an_arduino_writes_it(document: Any) -> str:
    if isinstance(document, list):
        return "[" + "".join(f"{as_an_arduino_writes_it(item)} ,\n" for item in document) + "]"
    if isinstance(document, dict):
        items = (f"{json.dumps(key)}: {as_an_arduino_writes_it(item)}," for key, item in document.items())
        return "{" + " ".join(items) + " }"
    if isinstance(document, float) and document in (INFINITE, -INFINITE):
        return "inf" if document > 0 else "-inf"
    return "nan" if document != document else json.dumps(document)  # noqa: PLR0124 - that is what NaN is


@given(documents)
def test_what_an_arduino_writes_is_read_as_what_it_means(document: object) -> None:
    read = parse(as_an_arduino_writes_it(document).encode("utf-8", "surrogatepass"), repair=True)
    assert json.dumps(read) == json.dumps(document)


@given(st.binary() | st.text(alphabet='{}[]",:\\ infatvo+-.0e').map(str.encode), st.sampled_from((True, False)))
def test_any_bytes_are_read_or_refused_with_a_value_error(data: bytes, repair: bool) -> None:  # noqa: FBT001 - given
    with suppress(ValueError):
        parse(data, repair=repair)


def test_ten_minutes_with_one_request_in_ten_failing_lose_those_readings_and_no_others(
    stack: ExitStack, place: Place, clock: ManualClock
) -> None:
    """Each failed request is an error, and each other one gives what the device has at that moment."""
    chance = random.Random(5)
    fates = [chance.random() < 0.1 for _ in range(120)]
    left = iter(fates)
    arduino = Arduino(fails=lambda: next(left))
    url = stack.enter_context(served(arduino.device()))
    driver = stack.enter_context(closing(Json(JsonOptions(url=f"{url}/X", field="FlowPerSecond"), place)))
    outcomes: list[float | None] = []
    for number in range(len(fates)):
        arduino.mad.rotations = float(number)
        clock.pass_time(5)
        try:
            outcomes.append(float(driver.read()["value"]))  # type: ignore[arg-type]  # it is a number
        except DriverError:
            outcomes.append(None)
    assert outcomes == [None if failed else float(number) for number, failed in enumerate(fates)]


@pytest.mark.parametrize(
    ("number", "text"), [(1.005, "1.00"), (INFINITE, "inf"), (float("nan"), "nan"), (4294967041.0, "ovf")]
)
def test_the_device_writes_floats_as_an_arduino_does(number: float, text: str) -> None:
    assert printed(number) == text
