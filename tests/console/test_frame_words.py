"""Frames in words and as JSON."""

import pytest

from config.model import Configuration, Node, Sensor
from console.frame_words import bad_json, bad_line, frame_json, frame_line
from console.output import plain
from console.tape import Bad
from protocol.commands import Code, pack_pair
from protocol.errors import DecodeError
from protocol.frames import CONTROL_FLAGS, DATA_FLAGS, Bus, ControlFrame, DataFrame, Flag, reading_frame
from protocol.gate import FORGED, NO_KEY, UNKNOWN_KEY, UNSIGNED
from protocol.instants import Instant
from protocol.readings import Attributes, Reading, Value
from tests.protocol.holders import refusal

NOW_MS = 1_785_240_000_000
NOW = Instant(0.0, NOW_MS)
SENDER = ("10.0.0.1", 4101)
CONFIGURATION = Configuration(nodes={"C1": Node(sensor=Sensor(codifier="C1", unit="°C"), driver="pipe")})


def control(flag: Flag, number: float = 0.0, *, active: bool = True) -> ControlFrame:
    return ControlFrame(7, NOW_MS, flag, "CC", "C1", number, active)


def data(value: Value, attributes: Attributes | None = None) -> DataFrame:
    return reading_frame(Reading("C1", NOW_MS, 7, value, attributes))


def line(frame: ControlFrame | DataFrame, now_ms: float = NOW_MS) -> str:
    return "".join(map(plain, frame_line(frame, SENDER, now_ms, CONFIGURATION)))


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (control(Flag.SET, 80), "A set 80 "),
        (control(Flag.STEP, -5.5), "E step -5.5 "),
        (control(Flag.START), "S start "),
        (control(Flag.HALT), "H halt "),
        (control(Flag.RELOAD), "C reload "),
        (control(Flag.PING, 3), "P ping 3 "),
        (control(Flag.PONG, 3), "T pong 3 "),
        (control(Flag.NEW, 0), "N started, sends readings, configured 19"),
        (control(Flag.ALIVE, 0, active=False), "I alive, halted, configured 19"),
        (control(Flag.ACKNOWLEDGE, pack_pair(12, Code.TAKEN)), "K answers #12: taken "),
        (control(Flag.ACKNOWLEDGE, pack_pair(12, Code.OUT_OF_RANGE)), "K answers #12: the value is outside the range"),
        (control(Flag.ACKNOWLEDGE, pack_pair(12, 99)), "K answers 425201762316"),
        (control(Flag.REPEAT, pack_pair(100, 64)), "R repeat 64 from #100 "),
        (control(Flag.UNAVAILABLE, pack_pair(100, 3)), "U no longer there: 3 from #100 "),
        (control(Flag.REPEAT, -0.5), "R repeat -0.5 "),
        (control(Flag.DIAGNOSIS, pack_pair(120, 18)), "D store's disk full: 120 readings wait "),
        (control(Flag.DIAGNOSIS, pack_pair(18, 0)), "D no longer: store's disk full "),
        (control(Flag.DIAGNOSIS, 0.0), "D no longer: any trouble "),
        (control(Flag.DIAGNOSIS, pack_pair(3, 999)), "D trouble 999: 3 "),
        (control(Flag.DIAGNOSIS, -0.5), "D says -0.5 "),
        (data(46.2), "f 46.2 °C "),
        (data("open"), "s open °C "),
        (data(46.2, {"volts": 3.3}), "j 46.2 °C (volts: 3.3) "),
        (data(1), "i 1 °C "),
        (DataFrame(7, NOW_MS, Flag.NUMBERING, "C1", "@@", 6), "n readings count on from 6 "),
        (DataFrame(7, NOW_MS, Flag.FLOAT, "C1", "@@", float("nan")), "f nan °C (bad: no finite number) "),
    ],
)
def test_a_line_says_what_the_frame_means(frame: ControlFrame | DataFrame, words: str) -> None:
    assert words in line(frame)


@pytest.mark.parametrize("flag", sorted(CONTROL_FLAGS))
@pytest.mark.parametrize("number", [0.0, -1.0, 1e300, 0.5])
def test_every_control_frame_has_words_whatever_its_number(flag: Flag, number: float) -> None:
    assert f" {flag} " in line(control(flag, number))


def test_a_line_says_who_told_whom_and_from_where() -> None:
    assert " control CC -> C1 #7          A set 1   10.0.0.1:4101" in line(control(Flag.SET, 1))


def test_a_clock_that_differs_by_a_second_is_told() -> None:
    assert line(data(1), NOW_MS + 3_200).endswith("   10.0.0.1:4101 clock -3.2 s")
    assert line(data(1), NOW_MS + 999).endswith("   10.0.0.1:4101")


@pytest.mark.parametrize(
    ("frame", "rest"),
    [
        (control(Flag.SET, 80), {"number": 80, "active": True}),
        (data(46.2), {"value": 46.2}),
        (data("open"), {"value": "open"}),
        (data(46.2, {"volts": 3.3}), {"value": 46.2, "attributes": {"volts": 3.3}}),
        (data(2**70), {"value": 2**70}),
    ],
)
def test_json_has_the_header_and_what_the_frame_carries(
    frame: ControlFrame | DataFrame, rest: dict[str, object]
) -> None:
    header = ["bus", "flag", "source", "destination", "sequence", "timestamp_ms"]
    document = frame_json(frame, SENDER)
    assert list(document) == [*header, *rest, "from"]
    assert {key: document[key] for key in rest} == rest
    assert document["from"] == "10.0.0.1:4101"


@pytest.mark.parametrize("flag", sorted(CONTROL_FLAGS | DATA_FLAGS))
def test_flags_are_letters_in_json(flag: Flag) -> None:
    frame = control(flag) if flag in CONTROL_FLAGS else data(1)._replace(flag=flag)
    assert frame_json(frame, SENDER)["flag"] == flag.value


def test_what_is_no_frame_is_told_with_its_kind_and_size() -> None:
    error = DecodeError("short", "5 bytes are less than a header of 28")
    bad = Bad(error, b"\x1b[2J!", Bus.DATA, SENDER, NOW)
    document = bad_json(bad)
    assert document == {
        "bus": "data",
        "bad": "short",
        "reason": "5 bytes are less than a header of 28",
        "bytes": 5,
        "from": "10.0.0.1:4101",
    }
    told = "".join(map(plain, bad_line(bad, CONFIGURATION)))
    assert "bad datagram of 5 bytes: short: 5 bytes are less than a header of 28   10.0.0.1:4101" in told


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (FORGED, "refused: wrong tag"),
        (UNSIGNED, "refused: unsigned"),
        (UNKNOWN_KEY, "refused: unknown key id"),
        (NO_KEY, "not checked: its key was not granted here"),
    ],
)
def test_what_is_not_believed_is_told_with_what_it_claims_and_the_reason(kind: str, why: str) -> None:
    frame = control(Flag.SET, 80)
    error, datagram = refusal(kind, frame)
    bad = Bad(error, datagram, Bus.CONTROL, SENDER, NOW)
    told = "".join(map(plain, bad_line(bad, CONFIGURATION)))
    assert told == line(frame).replace("A set 80", f"A set 80   {why}")
    assert bad_json(bad) == {
        **frame_json(frame, SENDER),
        "refused": kind,
        "reason": str(error),
    }
