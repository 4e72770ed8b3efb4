"""Frames: what is recorded from the original system, what hypothesis thinks of, and what is no frame.

Frames are compared by `repr`: it tells 0.0 from -0.0 and 1 from 1.0 and True, and one NaN is like another.
"""

import json
import math
import struct
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import DecodeError, EncodeError, JphError
from protocol.frames import (
    COMMANDS,
    CONTROL_FLAGS,
    DATA_FLAGS,
    HEADER_BYTES,
    KINDS,
    LATEST_TIMESTAMP_MS,
    MAX_FRAME_BYTES,
    NO_TAG,
    Bus,
    ControlFrame,
    DataFrame,
    Flag,
    Frame,
    decode,
    decode_control,
    decode_data,
    encode,
    encode_reading,
    reading_frame,
)
from protocol.readings import Reading, Value
from tests.protocol.recorded import RECORDED, Recorded
from tests.protocol.strategies import FRAMES, READINGS, SEQUENCES, TAGS

CONTROL: Final = ControlFrame(7, 1795334500491, Flag.NEW, "C1", "@@", 1795334500478.0, True)
DATA: Final = DataFrame(7, 1795334500510, Flag.FLOAT, "C1", "@@", 48.312)
OTHER_BUS: Final = {Bus.CONTROL: Bus.DATA, Bus.DATA: Bus.CONTROL}

every_recorded_frame: Final = pytest.mark.parametrize(
    "recorded", RECORDED, ids=lambda recorded: f"{recorded.frame.flag.value}-{recorded.frame.sequence}"
)
any_recorded_frame: Final = st.sampled_from(RECORDED)


def header(
    *,
    sequence: int = 7,
    timestamp_ms: int = 1795334500510,
    flag: bytes = b"i",
    source: bytes = b"C1",
    destination: bytes = b"@@",
    length: int = 4,
) -> bytes:
    return struct.pack("<I4xQ1s2s2s3xI", sequence, timestamp_ms, flag, source, destination, length)


def with_tag(datagram: bytes, tag: bytes) -> bytes:
    return datagram[:4] + tag[:4] + datagram[8:21] + tag[4:] + datagram[24:]


def behind_its_length(encoded: bytes) -> bytes:
    return len(encoded).to_bytes(4, "little") + encoded


def kind_of(bus: Bus, datagram: bytes) -> str | None:
    """Decode and return the kind of what is wrong, or None for a frame; anything else that is raised is a failure."""
    try:
        decode(bus, datagram)
    except DecodeError as error:
        return error.kind
    return None


def assert_is_a_frame_or_refused(bus: Bus, datagram: bytes) -> None:
    kind = kind_of(bus, datagram)
    if kind is None:
        assert_encodes_back(decode(bus, datagram), datagram)
    else:
        assert kind in KINDS


def assert_encodes_back(frame: Frame, datagram: bytes) -> None:
    again = encode(frame)
    assert repr(decode(frame.bus, again)) == repr(frame)
    if not has_several_spellings(frame):
        assert again == datagram


def has_several_spellings(frame: Frame) -> bool:
    """Tell whether other bytes mean the same: JSON has spaces and escapes, and NaN has bits that are not kept."""
    if isinstance(frame, ControlFrame):
        return False
    return frame.flag is Flag.JSON or (isinstance(frame.value, float) and math.isnan(frame.value))


class TestRecordedFrames:
    def test_there_is_one_of_every_flag_that_the_original_system_knows(self) -> None:
        assert {recorded.frame.flag.value for recorded in RECORDED} == set("NIPTSHCAEnifsj")

    @every_recorded_frame
    def test_decodes_to_its_fields(self, recorded: Recorded) -> None:
        assert repr(decode(recorded.frame.bus, recorded.datagram)) == repr(recorded.frame)

    @every_recorded_frame
    def test_encodes_back_to_the_same_bytes(self, recorded: Recorded) -> None:
        assert encode(decode(recorded.frame.bus, recorded.datagram)).hex() == recorded.hexadecimal

    @every_recorded_frame
    def test_is_what_its_fields_encode_to(self, recorded: Recorded) -> None:
        assert encode(recorded.frame).hex() == recorded.hexadecimal

    @given(any_recorded_frame, TAGS)
    def test_keeps_whatever_is_in_the_padding(self, recorded: Recorded, tag: bytes) -> None:
        datagram = with_tag(recorded.datagram, tag)
        frame = decode(recorded.frame.bus, datagram)
        assert frame.tag == tag
        assert repr(frame._replace(tag=NO_TAG)) == repr(recorded.frame)
        assert encode(frame) == datagram

    @every_recorded_frame
    def test_is_no_frame_when_it_was_cut_anywhere(self, recorded: Recorded) -> None:
        sizes = range(len(recorded.datagram))
        kinds = [kind_of(recorded.frame.bus, recorded.datagram[:size]) for size in sizes]
        assert kinds == ["short" if size < HEADER_BYTES else "length" for size in sizes]

    @every_recorded_frame
    def test_is_no_frame_with_a_byte_more(self, recorded: Recorded) -> None:
        assert kind_of(recorded.frame.bus, recorded.datagram + b"\0") == "length"

    @every_recorded_frame
    def test_is_no_frame_of_the_other_bus(self, recorded: Recorded) -> None:
        assert kind_of(OTHER_BUS[recorded.frame.bus], recorded.datagram) == "unknown flag"

    @every_recorded_frame
    def test_is_another_frame_or_none_with_any_bit_turned(self, recorded: Recorded) -> None:
        for bit in range(len(recorded.datagram) * 8):
            turned = bytearray(recorded.datagram)
            turned[bit // 8] ^= 1 << bit % 8
            assert_is_a_frame_or_refused(recorded.frame.bus, bytes(turned))

    def test_floats_are_the_exact_ones_to_the_last_bit(self) -> None:
        for recorded in RECORDED:
            if isinstance(recorded.frame, DataFrame) and recorded.exact is not None:
                assert encode(recorded.frame._replace(value=recorded.exact)) == recorded.datagram


class TestAnything:
    @given(FRAMES)
    def test_every_frame_decodes_to_itself(self, frame: Frame) -> None:
        datagram = encode(frame)
        assert repr(decode(frame.bus, datagram)) == repr(frame)
        assert encode(decode(frame.bus, datagram)) == datagram

    @given(READINGS)
    def test_every_reading_arrives_as_it_was(self, reading: Reading) -> None:
        arrived = decode_data(encode(reading_frame(reading))).reading()
        assert repr(arrived) == repr(reading._replace(attributes=reading.attributes or None))

    @given(READINGS)
    def test_a_reading_has_the_datagram_of_its_frame(self, reading: Reading) -> None:
        assert encode_reading(reading) == encode(reading_frame(reading))

    @given(st.sampled_from(Bus), st.binary(max_size=MAX_FRAME_BYTES + 1))
    def test_any_bytes_decode_or_are_refused(self, bus: Bus, datagram: bytes) -> None:
        assert_is_a_frame_or_refused(bus, datagram)

    @given(st.sampled_from(sorted(DATA_FLAGS)), st.binary(max_size=60) | st.binary(max_size=60).map(behind_its_length))
    def test_any_payload_decodes_or_is_refused(self, flag: Flag, payload: bytes) -> None:
        assert_is_a_frame_or_refused(Bus.DATA, header(flag=flag.encode(), length=len(payload)) + payload)

    @given(SEQUENCES, st.integers(0, 2**64 - 1), st.binary(min_size=2, max_size=2), st.binary(min_size=2, max_size=2))
    def test_any_header_decodes_or_is_refused(
        self, sequence: int, timestamp_ms: int, source: bytes, destination: bytes
    ) -> None:
        start = header(sequence=sequence, timestamp_ms=timestamp_ms, source=source, destination=destination)
        assert_is_a_frame_or_refused(Bus.DATA, start + bytes(4))

    @given(st.sampled_from(sorted(CONTROL_FLAGS)), st.binary(min_size=9, max_size=9))
    def test_any_control_payload_decodes_or_is_refused(self, flag: Flag, payload: bytes) -> None:
        assert_is_a_frame_or_refused(Bus.CONTROL, header(flag=flag.encode(), length=9) + payload)

    @given(any_recorded_frame, st.integers(0, 2**32 - 1))
    def test_a_length_that_is_not_the_payload_s_is_refused(self, recorded: Recorded, length: int) -> None:
        datagram = recorded.datagram[:24] + length.to_bytes(4, "little") + recorded.datagram[28:]
        wrong = length != len(recorded.datagram) - HEADER_BYTES
        assert kind_of(recorded.frame.bus, datagram) == ("length" if wrong else None)


MAXIMAL_LENGTH: Final = bytes.fromhex("ffffffff")

BAD: Final = [
    ("short", Bus.CONTROL, b""),
    ("short", Bus.DATA, bytes(27)),
    ("oversized", Bus.CONTROL, bytes(MAX_FRAME_BYTES + 1)),
    ("oversized", Bus.DATA, bytes(65507)),
    ("length", Bus.CONTROL, encode(CONTROL)[:24] + MAXIMAL_LENGTH + encode(CONTROL)[28:]),
    ("length", Bus.DATA, encode(DATA)[:24] + MAXIMAL_LENGTH + encode(DATA)[28:]),
    ("length", Bus.DATA, header(flag=b"s", length=5) + MAXIMAL_LENGTH + b"a"),
    ("length", Bus.DATA, header(flag=b"j", length=5) + MAXIMAL_LENGTH + b"a"),
    ("timestamp", Bus.CONTROL, header(timestamp_ms=2**64 - 1, flag=b"N", length=9) + bytes(9)),
    ("timestamp", Bus.DATA, header(timestamp_ms=LATEST_TIMESTAMP_MS + 1) + bytes(4)),
    ("codifier", Bus.CONTROL, header(flag=b"N", source=b"@@", length=9) + bytes(9)),
    ("codifier", Bus.CONTROL, header(flag=b"N", source=b"\0\0", length=9) + bytes(9)),
    ("codifier", Bus.DATA, header(source=b"C\n") + bytes(4)),
    ("codifier", Bus.DATA, header(source=b"@@") + bytes(4)),
    ("codifier", Bus.DATA, header(destination=b"\xc3\x84") + bytes(4)),
    ("unknown flag", Bus.CONTROL, header(flag=b"Z", length=9) + bytes(9)),
    ("unknown flag", Bus.CONTROL, header(flag=b"\xff", length=0)),
    ("unknown flag", Bus.DATA, header(flag=b"x") + bytes(4)),
    ("payload", Bus.CONTROL, header(flag=b"N", length=0)),
    ("payload", Bus.CONTROL, header(flag=b"N", length=8) + bytes(8)),
    ("payload", Bus.CONTROL, header(flag=b"N", length=10) + bytes(10)),
    ("payload", Bus.CONTROL, header(flag=b"N", length=9) + bytes(8) + b"\2"),
    ("payload", Bus.CONTROL, header(flag=b"A", length=9) + struct.pack("<dB", math.nan, 1)),
    ("payload", Bus.CONTROL, header(flag=b"P", length=9) + struct.pack("<dB", -math.inf, 0)),
    ("payload", Bus.DATA, header(flag=b"i", length=3) + bytes(3)),
    ("payload", Bus.DATA, header(flag=b"f", length=0)),
    ("utf-8", Bus.DATA, header(flag=b"s", length=5) + b"\1\0\0\0\xff"),
    ("utf-8", Bus.DATA, header(flag=b"j", length=5) + b"\1\0\0\0\xff"),
    ("json", Bus.DATA, header(flag=b"j", length=4) + bytes(4)),
    ("json", Bus.DATA, header(flag=b"j", length=1172) + behind_its_length(b"[" * 1168)),
    (
        "json",
        Bus.DATA,
        header(flag=b"j", length=1004) + behind_its_length(b'{"value":' + b"1" * 990 + b"x"),
    ),
]


class TestWhatIsNoFrame:
    @pytest.mark.parametrize(("kind", "bus", "datagram"), BAD)
    def test_is_refused_with_its_kind(self, kind: str, bus: Bus, datagram: bytes) -> None:
        assert kind_of(bus, datagram) == kind

    def test_every_kind_has_an_example(self) -> None:
        assert {kind for kind, _, _ in BAD} == set(KINDS)

    def test_the_error_is_one_of_jph_and_says_what_is_wrong(self) -> None:
        with pytest.raises(JphError, match="27 bytes are less than a header of 28"):
            decode(Bus.DATA, bytes(27))


class TestLimits:
    def test_a_frame_of_1200_bytes_travels(self) -> None:
        frame = DATA._replace(flag=Flag.TEXT, value="x" * 1168)
        assert len(encode(frame)) == MAX_FRAME_BYTES
        assert decode_data(encode(frame)) == frame

    @pytest.mark.parametrize("value", ["x" * 1169, 10**1200, "°" * 600])
    def test_a_larger_reading_is_not_sent(self, value: Value) -> None:
        with pytest.raises(EncodeError, match="at most 1200 can be sent"):
            encode(reading_frame(Reading("C1", 0, 0, value)))

    def test_the_largest_header_travels(self) -> None:
        frame = DATA._replace(sequence=2**32 - 1, timestamp_ms=LATEST_TIMESTAMP_MS, tag=b"\xff" * 7)
        assert decode_data(encode(frame)) == frame

    @pytest.mark.parametrize(
        "change",
        [
            {"sequence": -1},
            {"sequence": 2**32},
            {"timestamp_ms": -1},
            {"timestamp_ms": LATEST_TIMESTAMP_MS + 1},
            {"timestamp_ms": 2**64},
            {"source": "@@"},
            {"source": "C"},
            {"destination": ""},
            {"tag": b""},
            {"tag": bytes(8)},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("frame", [CONTROL, DATA], ids=["control", "data"])
    def test_a_header_that_a_reader_would_refuse_is_not_sent(self, frame: Frame, change: dict[str, object]) -> None:
        with pytest.raises(EncodeError):
            encode(frame._replace(**change))  # type: ignore[arg-type] # one field, named by the test

    @pytest.mark.parametrize("number", [math.nan, math.inf, 10**400])
    def test_a_control_frame_carries_only_finite_numbers(self, number: float) -> None:
        with pytest.raises(EncodeError, match="number"):
            encode(CONTROL._replace(number=number))

    @pytest.mark.parametrize("flag", sorted(DATA_FLAGS))
    def test_a_control_frame_has_no_data_flag(self, flag: Flag) -> None:
        with pytest.raises(EncodeError, match="does not travel on the control bus"):
            encode(CONTROL._replace(flag=flag))

    @pytest.mark.parametrize("flag", sorted(CONTROL_FLAGS))
    def test_a_data_frame_has_no_control_flag(self, flag: Flag) -> None:
        with pytest.raises(EncodeError, match="cannot be sent under the flag"):
            encode(DATA._replace(flag=flag))


class TestReadings:
    @pytest.mark.parametrize(
        ("value", "flag"),
        [(21.3, Flag.FLOAT), (42, Flag.INTEGER), (-42, Flag.JSON), (math.pi, Flag.JSON), ("open", Flag.TEXT)],
    )
    def test_travel_under_the_flag_that_carries_them(self, value: Value, flag: Flag) -> None:
        assert reading_frame(Reading("C1", 5, 7, value)).flag is flag

    def test_are_sent_to_everybody(self) -> None:
        assert reading_frame(Reading("C1", 5, 7, 21.3)) == DataFrame(7, 5, Flag.FLOAT, "C1", "@@", 21.3)

    def test_have_attributes_under_j_only(self) -> None:
        assert reading_frame(Reading("A4", 5, 7, 21.5, {"voltage": 3.2})).attributes == {"voltage": 3.2}
        assert reading_frame(Reading("A4", 5, 7, -1)).attributes == {}
        assert reading_frame(Reading("A4", 5, 7, 21.5, {})).attributes is None

    def test_of_booleans_are_integers(self) -> None:
        assert repr(reading_frame(Reading("A4", 5, 7, True)).value) == "1"

    def test_without_attributes_are_alike_under_every_flag(self) -> None:
        readings = [Reading("C1", 5, 7, value) for value in (1, -1, 1.5, math.pi, "1")]
        assert [decode_data(encode(reading_frame(reading))).reading() for reading in readings] == readings

    def test_that_are_not_finite_are_not_sent(self) -> None:
        with pytest.raises(EncodeError, match="is not a finite number"):
            reading_frame(Reading("C1", 5, 7, math.nan))

    def test_in_json_of_others_mean_the_same_in_any_order_and_spelling(self) -> None:
        text = json.dumps({"voltage": 3.2, "value": 21.5}, indent=1).encode()
        frame = decode_data(header(flag=b"j", length=4 + len(text)) + behind_its_length(text))
        assert frame.reading() == Reading("C1", 1795334500510, 7, 21.5, {"voltage": 3.2})


class TestFlags:
    def test_capitals_travel_on_the_control_bus_and_small_letters_on_the_data_bus(self) -> None:
        assert {flag.value for flag in CONTROL_FLAGS} == set("NIPTSHCAEKRUD")
        assert {flag.value for flag in DATA_FLAGS} == set("nifsj")

    def test_commands_are_control_flags(self) -> None:
        assert {flag.value for flag in COMMANDS} == set("SHCAE")

    def test_a_frame_knows_its_bus(self) -> None:
        assert (CONTROL.bus, DATA.bus) == (Bus.CONTROL, Bus.DATA)

    @pytest.mark.parametrize("flag", sorted(CONTROL_FLAGS))
    def test_every_control_flag_travels(self, flag: Flag) -> None:
        frame = CONTROL._replace(flag=flag)
        assert decode_control(encode(frame)) == frame

    def test_a_frame_without_a_tag_shares_one_empty_tag(self) -> None:
        assert decode_data(encode(DATA)).tag is NO_TAG
