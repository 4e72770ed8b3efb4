"""Lines of JSON that are no readings, or nearly none."""

import io

import pytest

from console.formats.json_lines import line, read
from console.formats.lines import BadLine
from protocol.readings import Reading

WHOLE = '"codifier": "C1", "timestamp_ms": 5, "sequence": 1'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "no JSON object"),
        ("{", "Expecting property name"),
        ('{"timestamp_ms": 5, "value": 1}', "no text as 'codifier'"),
        ('{"codifier": "C1", "timestamp_ms": 5.5, "value": 1}', "no whole number as 'timestamp_ms'"),
        ('{"codifier": "C1", "timestamp_ms": true, "value": 1}', "no whole number as 'timestamp_ms'"),
        (f'{{{WHOLE}, "value": null}}', "no number or text as 'value'"),
        (f'{{{WHOLE}, "value": true}}', "no number or text as 'value'"),
        (f'{{{WHOLE}, "value": NaN}}', "NaN is no JSON number"),
        (f'{{{WHOLE}, "value": 1e999}}', "1e999 is too large"),
        (f'{{{WHOLE}, "value": 1, "attributes": []}}', "no object as 'attributes'"),
        (f'{{{WHOLE}, "value": 1, "value": 2}}', "a name occurs twice"),
        ('{"a":' * 100_000, "more than 17 objects and lists inside each other"),
    ],
)
def test_what_is_no_reading_is_told_with_its_number_and_reason(text: str, reason: str) -> None:
    [good, bad] = read(io.BytesIO(f'{{{WHOLE}, "value": 1}}\n{text}\n'.encode()))
    assert good == Reading("C1", 5, 1, 1)
    assert isinstance(bad, BadLine)
    assert (bad.number, bad.reason[: len(reason)]) == (2, reason)


def test_a_reading_without_sequence_has_one_of_its_time() -> None:
    [found] = read(io.BytesIO(b'{"codifier": "C1", "timestamp_ms": 2147483653, "value": 1}'))
    assert found == Reading("C1", 2**31 + 5, 5, 1)


def test_attributes_as_deep_as_the_wire_carries_them_come_back() -> None:
    inner: object = 1
    for _ in range(15):
        inner = [inner]
    reading = Reading("C1", 5, 1, 1, {"a": inner})
    assert list(read(io.BytesIO(line(reading).encode()))) == [reading]
