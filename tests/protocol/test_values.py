import json
import math
import struct
import sys
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol import values
from protocol.errors import DecodeError, EncodeError
from protocol.frames import KINDS
from protocol.readings import Attributes, Value
from tests.protocol.strategies import ATTRIBUTES, FINITE, TEXTS, VALUES

POWERS_OF_TWO: Final = [2.0**exponent for exponent in range(-1074, 1024)]
NOT_FINITE: Final = [math.nan, math.inf, -math.inf]


def travel(value: Value, attributes: Attributes | None = None) -> tuple[Value, Attributes | None]:
    flag, payload = values.pack_value(value, attributes)
    return values.unpack_value(flag.encode(), payload)


def test_numbers_between_zero_and_the_largest_u32_travel_as_integers() -> None:
    assert values.pack_value(0) == ("i", bytes(4))
    assert values.pack_value(42) == ("i", bytes.fromhex("2a000000"))
    assert values.pack_value(2**32 - 1) == ("i", bytes.fromhex("ffffffff"))


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
@example(23508.052)
@example(-1)
@example(2**64)
@example(5e-324)
def test_a_number_without_attributes_is_the_same_json_as_the_standard_library_writes(number: float) -> None:
    assert values.pack_json(number, {}) == values.pack_text(json.dumps({"value": number}))


def test_a_number_of_a_kind_of_its_own_is_written_as_the_number_it_is() -> None:
    class Kelvin(float):
        def __repr__(self) -> str:
            return f"{float(self)} K"

    assert values.pack_value(Kelvin(23508.052)) == ("j", values.pack_text('{"value": 23508.052}'))
    assert values.pack_json(True, {}) == values.pack_text('{"value": 1}')


def test_a_number_with_more_digits_than_can_be_written_is_refused() -> None:
    with pytest.raises(EncodeError, match="cannot be sent as JSON"):
        values.pack_value(10 ** sys.get_int_max_str_digits())


def test_booleans_travel_as_zero_and_one() -> None:
    assert values.pack_value(False) == ("i", bytes(4))
    assert values.pack_value(True) == ("i", bytes.fromhex("01000000"))
    assert repr(travel(True, {"armed": True})) == repr((1, {"armed": True}))


@pytest.mark.parametrize("value", [21.3, 0.0, -0.0, 1.5, -273.15, 3.4e38, 1e-45, 1.1754944e-38, 16777216.0])
def test_floats_that_four_bytes_bring_back_travel_as_four_bytes(value: float) -> None:
    assert values.pack_value(value) == ("f", struct.pack("<f", value))


@pytest.mark.parametrize(
    "value",
    [
        -1,
        2**32,
        -(10**1000),
        math.pi,
        0.1 + 0.2,
        1e39,
        -1e39,
        3.4028235677973366e38,  # the first that rounds out of a float32's range
        5e-324,
        1e-46,
        16777217.0,
        21.299999237060547,  # the same four bytes as 21.3: it would come back as that
        sys.float_info.max,
        sys.float_info.min,
        sys.float_info.epsilon,
    ],
)
def test_all_other_numbers_travel_as_json(value: float) -> None:
    flag, payload = values.pack_value(value)
    assert (flag, payload[4:]) == ("j", json.dumps({"value": value}).encode())
    assert repr(travel(value)) == repr((value, {}))


def test_text_travels_as_utf_8_behind_its_length_in_bytes() -> None:
    assert values.pack_value("°C") == ("s", bytes.fromhex("03000000c2b043"))
    assert values.pack_value("") == ("s", bytes(4))


def test_what_has_attributes_travels_as_json() -> None:
    assert values.pack_value(21.5, {"voltage": 3.2})[1][4:] == b'{"value": 21.5, "voltage": 3.2}'
    assert values.pack_value("open", {})[0] == "j"


@given(FINITE)
@example(-0.0)
@example(5e-324)
@example(sys.float_info.max)
@example(-sys.float_info.min)
def test_every_finite_float_survives(value: float) -> None:
    assert repr(travel(value)[0]) == repr(value)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_every_float32_survives_with_all_its_digits(value: float) -> None:
    assert repr(travel(value)[0]) == repr(value)


@given(st.floats(-(2.0**-120), 2.0**-120))
def test_numbers_about_and_below_the_smallest_float32_survive(value: float) -> None:
    assert repr(travel(value)[0]) == repr(value)


@pytest.mark.parametrize("sign", [1, -1])
def test_all_powers_of_two_and_their_neighbours_survive(sign: int) -> None:
    around = [f(sign * power) for power in POWERS_OF_TWO for f in (below, float, above)]
    assert [travel(value)[0] for value in around] == around


def below(value: float) -> float:
    return math.nextafter(value, -math.inf)


def above(value: float) -> float:
    return math.nextafter(value, math.inf) if value < sys.float_info.max else value


@given(st.integers() | st.integers(-(10**1100), 10**1100))
@example(2**32 - 1)
@example(2**32)
@example(2**53 + 1)
def test_every_int_survives_as_an_int(value: int) -> None:
    assert repr(travel(value)[0]) == repr(value)


@given(TEXTS)
@example("\x00\x1b[2J\u202e")
@example("80")
def test_every_text_survives(value: str) -> None:
    assert travel(value) == (value, None)


@given(VALUES, ATTRIBUTES)
def test_every_value_survives_with_its_attributes(value: Value, attributes: Attributes) -> None:
    assert repr(travel(value, attributes)) == repr((value, attributes))


@pytest.mark.parametrize("value", NOT_FINITE)
@pytest.mark.parametrize("attributes", [None, {}, {"voltage": 3.2}])
def test_what_is_not_finite_is_not_sent(value: float, attributes: Attributes | None) -> None:
    with pytest.raises(EncodeError, match="is not a finite number; readings are finite numbers or text"):
        values.pack_value(value, attributes)


@pytest.mark.parametrize("value", [None, b"21.5", [21.5], 1j])
def test_what_is_neither_number_nor_text_is_not_sent(value: Value) -> None:
    with pytest.raises(EncodeError, match="is no value"):
        values.pack_value(value)


@pytest.mark.parametrize("attributes", [None, {}])
def test_half_a_surrogate_pair_is_not_sent(attributes: Attributes | None) -> None:
    with pytest.raises(EncodeError, match="surrogates not allowed"):
        values.pack_value("\ud800", attributes)


@pytest.mark.parametrize("attributes", [{"value": 1}, {"a": math.nan}, {"a": object()}])
def test_attributes_that_a_reader_would_refuse_are_not_sent(attributes: Attributes) -> None:
    with pytest.raises(EncodeError, match="the reading cannot be sent as JSON"):
        values.pack_value(1, attributes)


def deep(levels: int) -> Attributes:
    attributes: Attributes = {}
    for _ in range(levels):
        attributes = {"a": attributes}
    return attributes


@pytest.mark.parametrize("levels", [16, 100_000])
def test_attributes_that_are_too_deep_are_not_sent(levels: int) -> None:
    with pytest.raises(EncodeError, match="the reading cannot be sent as JSON"):
        values.pack_value(1, deep(levels))


@pytest.mark.parametrize(
    ("flag", "value", "payload"),
    [
        ("i", 7, "07000000"),
        ("n", 7, "07000000"),
        ("f", 21.3, "6666aa41"),
        ("f", 21.299999237060547, "6666aa41"),
        ("f", 3, "00004040"),
        ("f", math.inf, "0000807f"),
        ("s", "80", "020000003830"),
        ("j", 7, "0c000000" + b'{"value": 7}'.hex()),
    ],
)
def test_a_flag_that_was_named_is_taken(flag: str, value: Value, payload: str) -> None:
    assert values.pack_flag(flag, value, None).hex() == payload


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("i", -1),
        ("i", 2**32),
        ("i", 1.0),
        ("i", "1"),
        ("n", -1),
        ("f", 0.1 + 0.2),
        ("f", 2**24 + 1),
        ("f", 10**400),
        ("f", 1e39),
        ("f", "1.0"),
        ("s", 80),
        ("j", math.nan),
        ("N", 1.0),
        ("x", 1),
    ],
)
def test_a_value_that_the_flag_cannot_carry_exactly_is_refused(flag: str, value: Value) -> None:
    with pytest.raises(EncodeError):
        values.pack_flag(flag, value, None)


@pytest.mark.parametrize(("flag", "value"), [("i", 1), ("n", 1), ("f", 1.0), ("s", "1")])
def test_only_json_carries_attributes(flag: str, value: Value) -> None:
    with pytest.raises(EncodeError, match="the flag 'j' carries them"):
        values.pack_flag(flag, value, {"voltage": 3.2})
    assert values.unpack_value(flag.encode(), values.pack_flag(flag, value, {})) == (value, None)


def text_payload(encoded: bytes) -> bytes:
    return len(encoded).to_bytes(4, "little") + encoded


@pytest.mark.parametrize(
    ("flag", "payload", "kind"),
    [
        (b"x", bytes(4), "unknown flag"),
        (b"N", bytes(4), "unknown flag"),
        (b"\xff", bytes(4), "unknown flag"),
        (b"i", b"", "payload"),
        (b"i", bytes(3), "payload"),
        (b"n", bytes(5), "payload"),
        (b"f", bytes(3), "payload"),
        (b"f", bytes(8), "payload"),
        (b"s", bytes(3), "payload"),
        (b"j", b"", "payload"),
        (b"s", bytes.fromhex("0000000041"), "length"),
        (b"s", bytes.fromhex("0200000041"), "length"),
        (b"j", bytes.fromhex("ffffffff41"), "length"),
        (b"s", text_payload(b"\xff"), "utf-8"),
        (b"s", text_payload(b"\xc0\x80"), "utf-8"),
        (b"s", text_payload(b"\xed\xa0\x80"), "utf-8"),
        (b"s", text_payload("°".encode("latin-1")), "utf-8"),
        (b"j", text_payload(b'{"value": "\xe2\x82"}'), "utf-8"),
        (b"j", text_payload(b""), "json"),
        (b"j", text_payload(b'{"value": NaN}'), "json"),
        (b"j", text_payload(b'{"value": 1, "a": 1e999}'), "json"),
        (b"j", text_payload(b"[" * 1100), "json"),
        (b"j", text_payload(b'{"value": ' + b"-" * 1000 + b"}"), "json"),
    ],
)
def test_other_payloads_are_refused(flag: bytes, payload: bytes, kind: str) -> None:
    with pytest.raises(DecodeError) as caught:
        values.unpack_value(flag, payload)
    assert caught.value.kind == kind
    assert kind in KINDS


def test_an_int_of_a_thousand_digits_is_an_int() -> None:
    digits = "9" * 1100
    assert values.unpack_value(b"j", text_payload(f'{{"value": {digits}}}'.encode())) == (int(digits), {})


@pytest.mark.parametrize(("payload", "value"), [("0000807f", "inf"), ("000080ff", "-inf"), ("0000c07f", "nan")])
def test_what_is_not_finite_is_handed_on_for_the_receiver_to_count(payload: str, value: str) -> None:
    assert repr(values.unpack_value(b"f", bytes.fromhex(payload))) == f"({value}, None)"


@given(st.sampled_from([b"i", b"n", b"f", b"s", b"j"]), st.binary(max_size=80) | st.binary().map(text_payload))
def test_what_can_be_read_can_be_written_again(flag: bytes, payload: bytes) -> None:
    try:
        value, attributes = values.unpack_value(flag, payload)
    except DecodeError:
        return
    again = values.pack_flag(flag.decode(), value, attributes)
    assert repr(values.unpack_value(flag, again)) == repr((value, attributes))
