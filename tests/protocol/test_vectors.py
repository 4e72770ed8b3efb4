"""The page docs/protocol.md says what the code does: its test vectors, and its tables of flags, kinds and codes.

`python -m tests.protocol.test_vectors` writes the vectors into the page.
"""

import json
import re
import struct
from hashlib import blake2s
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from protocol import codifiers, diagnosed, diagnosis, documents, frames, freshness, keys, life, pending, sequences
from protocol.commands import MAX_REMEMBERED, Code, pack_pair
from protocol.errors import DecodeError
from protocol.frames import KINDS, Bus, ControlFrame, DataFrame, Flag, Frame, decode, encode, reading_frame
from protocol.readings import Attributes, Reading, Value
from protocol.tags import Seal
from protocol.troubles import WORDS, Said, Trouble

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "protocol.md"
BEGIN: Final = "<!-- vectors: written by python -m tests.protocol.test_vectors -->\n```json\n"
END: Final = "```\n<!-- end of vectors -->\n"

TAGS_BEGIN: Final = "<!-- tag vectors: written by python -m tests.protocol.test_vectors -->\n```json\n"
TAGS_END: Final = "```\n<!-- end of tag vectors -->\n"

NOW_MS: Final = 1795334500510
STARTED_MS: Final = 1795334500478.0
NETWORK_KEY: Final = bytes(range(32))
DATA_KEYS: Final = {name: keys.data_key(keys.data_root(NETWORK_KEY), name) for name in ("C1", "@@")}
ORDER_KEY: Final = keys.order_key(keys.command_key(keys.command_root(NETWORK_KEY), "FK"), "CC")
LISTS: Final = (b"[" * 16, b"]" * 16)


class Vector(NamedTuple):
    """A frame, and what it is an example of."""

    about: str
    frame: Frame


class TagVector(NamedTuple):
    """A frame and the key that belongs to it."""

    about: str
    key_id: int
    key: bytes
    frame: Frame


class BadVector(NamedTuple):
    """A datagram that is no frame, and the kind of error that it must be refused with."""

    about: str
    bus: Bus
    datagram: bytes
    kind: str


def said(flag: Flag, source: str, destination: str, number: float, *, active: bool = True) -> ControlFrame:
    return ControlFrame(1000, NOW_MS, flag, source, destination, number, active)


def diagnosed_as(code: int, amount: int) -> ControlFrame:
    return said(Flag.DIAGNOSIS, "Q1", "@@", Said(code, amount).packed())


def measured(value: Value, attributes: Attributes | None = None) -> DataFrame:
    return reading_frame(Reading("C1", NOW_MS, 2000, value, attributes))


def unread(
    payload: bytes, flag: bytes, *, source: bytes = b"C1", length: int | None = None, timestamp_ms: int = NOW_MS
) -> bytes:
    """Build a datagram without asking whether it is a frame."""
    length = len(payload) if length is None else length
    return struct.pack("<I4xQ1s2s2s3xI", 2000, timestamp_ms, flag, source, b"@@", length) + payload


def text(encoded: bytes) -> bytes:
    return len(encoded).to_bytes(4, "little") + encoded


VECTORS: Final = (
    Vector("a node started", said(Flag.NEW, "C1", "@@", STARTED_MS)),
    Vector("a node is alive and sends readings", said(Flag.ALIVE, "C1", "@@", STARTED_MS)),
    Vector("a node is alive and halted", said(Flag.ALIVE, "C1", "@@", STARTED_MS, active=False)),
    Vector("ping to one node", said(Flag.PING, "CC", "C1", 1795334500509.875)),
    Vector("ping to all nodes", said(Flag.PING, "CC", "@@", 1795334500509.875)),
    Vector("its answer", said(Flag.PONG, "C1", "CC", 1795334500509.875)),
    Vector("halt", said(Flag.HALT, "CC", "C1", STARTED_MS)),
    Vector("start", said(Flag.START, "CC", "C1", STARTED_MS)),
    Vector("read the configuration again", said(Flag.RELOAD, "CC", "C1", STARTED_MS)),
    Vector("set", said(Flag.SET, "CC", "FK", 55.5)),
    Vector("step", said(Flag.STEP, "CC", "FK", -2.25)),
    Vector("the command with the sequence 1000 was taken", said(Flag.ACKNOWLEDGE, "FK", "CC", pack_pair(1000, 0))),
    Vector(
        "the command with the sequence 2147483647 was refused: out of range",
        said(Flag.ACKNOWLEDGE, "FK", "CC", pack_pair(2**31 - 1, Code.OUT_OF_RANGE)),
    ),
    Vector("64 readings from 2001 on are asked for", said(Flag.REPEAT, "Q1", "C1", pack_pair(2001, 64))),
    Vector("they are not kept", said(Flag.UNAVAILABLE, "C1", "Q1", pack_pair(2001, 64))),
    Vector("the disk of its store is full, 120 readings wait", diagnosed_as(Trouble.STORE_FULL, 120)),
    Vector("its spool writes 700 KiB a day", diagnosed_as(Trouble.SPOOL_WRITES, 700)),
    Vector("the disk of its store is no longer full", diagnosed_as(Trouble.OVER, Trouble.STORE_FULL)),
    Vector("a trouble that a reader does not know, with the largest amount", diagnosed_as(2_000_000, 2**32 - 1)),
    Vector("the next reading has the sequence 2000", DataFrame(1999, NOW_MS, Flag.NUMBERING, "C1", "@@", 1999)),
    Vector("the smallest integer", measured(0)),
    Vector("the largest integer of four bytes", measured(2**32 - 1)),
    Vector("a float that four bytes carry", measured(21.3)),
    Vector("a float below zero", measured(-273.15)),
    Vector("minus zero", measured(-0.0)),
    Vector("a whole number that is a float", measured(80.0)),
    Vector("the smallest float of four bytes", measured(1e-45)),
    Vector(
        "the power of two 2**87, whose nearest eight digits 1.5474250e26 pack to other bytes", measured(1.5474251e26)
    ),
    Vector("two decimals are equally near: the even digit", measured(24480.188)),
    Vector("a float that four bytes do not carry", measured(0.1 + 0.2)),
    Vector("an integer below zero", measured(-1)),
    Vector("an integer that four bytes do not hold", measured(2**32)),
    Vector("an integer that a float of eight bytes does not hold", measured(2**53 + 1)),
    Vector("a number with attributes", measured(21.5, {"voltage": 3.2})),
    Vector("attributes with text", measured(21.5, {"unit": "°C", "ok": True, "raw": [1, None]})),
    Vector("text", measured("hello")),
    Vector("text that is not ASCII", measured("18 °C")),
    Vector("empty text", measured("")),
    Vector(
        "not a number, as an original node sends it", DataFrame(2000, NOW_MS, Flag.FLOAT, "C1", "@@", -float("nan"))
    ),
    Vector("a tag, which who uses none ignores", measured(21.3)._replace(tag=bytes.fromhex("01a1a2a3b1b2b3"))),
    Vector(
        "the largest sequence and timestamp",
        measured(1)._replace(sequence=2**31 - 1, timestamp_ms=frames.LATEST_TIMESTAMP_MS),
    ),
)

TAG_VECTORS: Final = (
    TagVector("what a node says: its data key", 1, DATA_KEYS["C1"], said(Flag.ALIVE, "C1", "@@", STARTED_MS)),
    TagVector("a reading: the same key, another bus", 1, DATA_KEYS["C1"], measured(21.3)),
    TagVector("a ping: the data key of who is asked", 1, DATA_KEYS["C1"], said(Flag.PING, "CC", "C1", 1.5)),
    TagVector("a ping to everybody", 1, DATA_KEYS["@@"], said(Flag.PING, "CC", "@@", 1.5)),
    TagVector("a request: as a ping", 1, DATA_KEYS["C1"], said(Flag.REPEAT, "Q1", "C1", pack_pair(2001, 64))),
    TagVector("a command: the order key of its source", 1, ORDER_KEY, said(Flag.SET, "CC", "FK", 55.5)),
    TagVector("the same key under another id is another tag", 255, ORDER_KEY, said(Flag.SET, "CC", "FK", 55.5)),
)

BAD_VECTORS: Final = (
    BadVector("nothing", Bus.DATA, b"", "short"),
    BadVector("a header without its last byte", Bus.DATA, unread(b"", b"i")[:27], "short"),
    BadVector("a payload that was cut", Bus.DATA, unread(b"\0\0\0", b"i", length=4), "length"),
    BadVector("a length of 2**32-1", Bus.DATA, unread(bytes(4), b"i", length=2**32 - 1), "length"),
    BadVector("text longer than its payload", Bus.DATA, unread(b"\6\0\0\0hello", b"s"), "length"),
    BadVector("a timestamp after 9999", Bus.DATA, unread(bytes(4), b"i", timestamp_ms=2**64 - 1), "timestamp"),
    BadVector("a source with a space", Bus.DATA, unread(bytes(4), b"i", source=b"C "), "codifier"),
    BadVector("everybody as source", Bus.DATA, unread(bytes(4), b"i", source=b"@@"), "codifier"),
    BadVector("a data flag that does not exist", Bus.DATA, unread(bytes(4), b"x"), "unknown flag"),
    BadVector("a control frame on the data bus", Bus.DATA, encode(said(Flag.HALT, "CC", "C1", 0.0)), "unknown flag"),
    BadVector("a control payload of eight bytes", Bus.CONTROL, unread(bytes(8), b"N"), "payload"),
    BadVector("neither active nor inactive", Bus.CONTROL, unread(bytes(8) + b"\2", b"N"), "payload"),
    BadVector("set to NaN", Bus.CONTROL, unread(struct.pack("<dB", float("nan"), 1), b"A"), "payload"),
    BadVector("an integer of three bytes", Bus.DATA, unread(bytes(3), b"i"), "payload"),
    BadVector("text in Latin-1", Bus.DATA, unread(text(b"\xb0C"), b"s"), "utf-8"),
    BadVector("JSON without a value", Bus.DATA, unread(text(b'{"voltage": 3.2}'), b"j"), "json"),
    BadVector("NaN in JSON", Bus.DATA, unread(text(b'{"value": NaN}'), b"j"), "json"),
    BadVector("too large a number in JSON", Bus.DATA, unread(text(b'{"value": 1, "a": 1e999}'), b"j"), "json"),
    BadVector("the same name twice", Bus.DATA, unread(text(b'{"value": 1, "value": 2}'), b"j"), "json"),
    BadVector("half a surrogate pair", Bus.DATA, unread(text(b'{"value": "\\ud800"}'), b"j"), "json"),
    BadVector("16 lists inside an object", Bus.DATA, unread(text(b'{"value": 1, "a": %b%b}' % LISTS), b"j"), "json"),
)


def describe(vector: Vector) -> dict[str, Any]:
    """Say what is in a frame, with JSON's null for NaN; what is zero or empty in most frames is left out."""
    about, frame = vector
    fields: dict[str, Any] = {"about": about, "bus": frame.bus, "hex": encode(frame).hex(), **frame._asdict()}
    fields["tag"] = frame.tag.hex() if any(frame.tag) else None
    if fields.get("value") != fields.get("value"):
        return _without_none(fields) | {"value": None}
    return _without_none(fields)


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: field for name, field in fields.items() if field is not None}


def describe_bad(vector: BadVector) -> dict[str, Any]:
    return {"about": vector.about, "bus": vector.bus, "hex": vector.datagram.hex(), "error": vector.kind}


def render() -> str:
    """Return the lines of the page: one JSON object for each vector."""
    objects = [*map(describe, VECTORS), *map(describe_bad, BAD_VECTORS)]
    return "".join(json.dumps(fields, ensure_ascii=False, allow_nan=False) + "\n" for fields in objects)


def render_tags() -> str:
    """Return the lines of the page with tagged frames: one of each kind of key."""
    return "".join(json.dumps(describe_tag(vector)) + "\n" for vector in TAG_VECTORS)


def describe_tag(vector: TagVector) -> dict[str, Any]:
    """Say what a frame is tagged with, each step as the page has it."""
    untagged = encode(vector.frame)
    sealed = Seal(vector.key_id, vector.key).sealed(vector.frame.bus, untagged)
    return {
        "about": vector.about,
        "bus": vector.frame.bus,
        "network_key": NETWORK_KEY.hex(),
        "key": vector.key.hex(),
        "key_id": vector.key_id,
        "untagged": untagged.hex(),
        "hex": sealed.hex(),
    }


def vectors_of(page: str) -> str:
    return page.partition(BEGIN)[2].partition(END)[0]


def tag_vectors_of(page: str) -> str:
    return page.partition(TAGS_BEGIN)[2].partition(TAGS_END)[0]


def headings_of(page: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", page, re.MULTILINE)


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text("utf-8")


def test_the_page_has_the_vectors_that_the_code_makes(page: str) -> None:
    assert vectors_of(page) == render(), "run: python -m tests.protocol.test_vectors"


def test_the_page_has_the_tag_vectors_that_the_code_makes(page: str) -> None:
    assert tag_vectors_of(page) == render_tags(), "run: python -m tests.protocol.test_vectors"


@pytest.mark.parametrize("line", render_tags().splitlines(), ids=lambda line: json.loads(line)["about"])
def test_a_tag_vector_follows_from_the_page_alone(line: str) -> None:
    """With hashlib, the offsets and the words of the page, and nothing of the code."""
    vector = json.loads(line)
    untagged = bytes.fromhex(vector["untagged"])
    key_id, zeros = bytes([vector["key_id"]]), bytes(3)
    covered = untagged[:4] + key_id + zeros + untagged[8:21] + zeros + untagged[24:]
    bus = vector["bus"][0].encode()
    tag = blake2s(bus + covered, digest_size=6, key=bytes.fromhex(vector["key"]), person=b"jph tag").digest()
    expected = untagged[:4] + key_id + tag[:3] + untagged[8:21] + tag[3:] + untagged[24:]
    assert vector["hex"] == expected.hex()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.about)
def test_a_vector_decodes_to_its_fields(vector: Vector) -> None:
    assert repr(decode(vector.frame.bus, encode(vector.frame))) == repr(vector.frame)


@pytest.mark.parametrize("vector", BAD_VECTORS, ids=lambda vector: vector.about)
def test_a_bad_vector_is_refused_with_its_kind(vector: BadVector) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(vector.bus, vector.datagram)
    assert caught.value.kind == vector.kind


def test_there_is_a_vector_of_every_flag() -> None:
    assert {vector.frame.flag for vector in VECTORS} == set(Flag)


def test_there_is_a_bad_vector_of_every_kind_but_the_oversized_one() -> None:
    assert {vector.kind for vector in BAD_VECTORS} == set(KINDS) - {"oversized"}


@pytest.mark.parametrize("flag", Flag, ids=lambda flag: flag.value)
def test_the_page_has_a_row_for_every_flag(page: str, flag: Flag) -> None:
    assert f"\n| `{flag.value}` |" in page


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_has_a_row_for_every_kind_of_error(page: str, kind: str) -> None:
    assert f"\n| `{kind}` |" in page


@pytest.mark.parametrize("code", Code, ids=lambda code: code.name)
def test_the_page_has_a_row_for_every_code_of_an_answer(page: str, code: Code) -> None:
    assert f"\n| {code.value} | {code.name.lower().replace('_', ' ')} |" in page


@pytest.mark.parametrize("code", Trouble, ids=lambda code: code.name)
def test_the_page_has_a_row_for_every_code_of_a_diagnosis(page: str, code: Trouble) -> None:
    assert f"\n| {code.value} | {WORDS[code].name} |" in page


@pytest.mark.parametrize(
    "figure",
    [
        f"{frames.HEADER_BYTES} bytes",
        f"{frames.MAX_FRAME_BYTES:,} bytes",
        f"{frames.LATEST_TIMESTAMP_MS:,}",
        f"`{codifiers.EVERYBODY}`",
        f"{documents.MAX_DEPTH} objects and lists",
        f"{sequences.RENUMBERED_BEYOND:,}",
        f"{life.PROBE_S:g} s",
        f"{life.PONGS_PER_S:g} pings a second",
        f"{life.COMMANDS_PER_S:g} commands a second",
        f"{MAX_REMEMBERED:,} commands",
        ", ".join(f"{after_s:.1f}" for after_s in pending.REPEATS_AFTER_S) + " s",
        f"within {freshness.WITHIN_MS / 1000:g} s of its own clock",
        f"by more than {freshness.STEP_MS / 1000:g} s",
        f"gives up {pending.GIVES_UP_AFTER_S:g} s after",
        f"{diagnosis.REPORTS_AT_ONCE:g} reports at once and {diagnosis.REPORTS_PER_S:g} a second",
        f"with {diagnosis.TIMES_OVER} reports",
        f"within {diagnosed.AFTER_START_S:g} s of an `N`",
        f"{diagnosed.MAX_SAID} codes",
    ],
)
def test_the_page_names_the_figures_of_the_code(page: str, figure: str) -> None:
    assert figure in page.replace("\n", " ")


def test_every_section_that_the_code_refers_to_exists(page: str) -> None:
    sources = [path for folder in ("protocol", "agent") for path in (ROOT / folder).glob("*.py")]
    named = {name for path in sources for name in re.findall(r'docs/protocol\.md, "([^"]+)"', path.read_text("utf-8"))}
    assert named - set(headings_of(page)) == set()


if __name__ == "__main__":
    text_of_page = PAGE.read_text("utf-8")
    for begin, lines, end in ((BEGIN, render(), END), (TAGS_BEGIN, render_tags(), TAGS_END)):
        before, _, rest = text_of_page.partition(begin)
        text_of_page = before + begin + lines + end + rest.partition(end)[2]
    PAGE.write_text(text_of_page, "utf-8")
