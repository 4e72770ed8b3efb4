"""What hypothesis draws from when a test speaks of any codifier, any reading, any frame."""

from typing import Final

from hypothesis import strategies as st

from protocol.codifiers import EVERYBODY, is_codifier
from protocol.documents import MAX_DEPTH
from protocol.frames import (
    CONTROL_FLAGS,
    HEADER_BYTES,
    LATEST_TIMESTAMP_MS,
    MAX_FRAME_BYTES,
    ControlFrame,
    Frame,
    reading_frame,
)
from protocol.readings import Attributes, Reading, Value
from protocol.values import pack_value

CODIFIERS: Final = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=2, max_size=2).filter(
    is_codifier
)
SEQUENCES: Final = st.integers(0, 2**32 - 1)
TIMESTAMPS_MS: Final = st.integers(0, LATEST_TIMESTAMP_MS)
TAGS: Final = st.binary(min_size=7, max_size=7)
FINITE: Final = st.floats(allow_nan=False, allow_infinity=False)

TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
VALUES: Final[st.SearchStrategy[Value]] = st.integers() | FINITE | TEXTS

_LEAVES: Final = st.none() | st.booleans() | st.integers() | FINITE | TEXTS
_TREES: Final = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=MAX_DEPTH // 2,
)
ATTRIBUTES: Final[st.SearchStrategy[Attributes]] = st.dictionaries(
    TEXTS.filter(lambda name: name != "value"), _TREES, max_size=3
)


def _fits_a_frame(reading: Reading) -> bool:
    _, payload = pack_value(reading.value, reading.attributes)
    return HEADER_BYTES + len(payload) <= MAX_FRAME_BYTES


READINGS: Final = st.builds(Reading, CODIFIERS, TIMESTAMPS_MS, SEQUENCES, VALUES, st.none() | ATTRIBUTES).filter(
    _fits_a_frame
)
DATA_FRAMES: Final = st.builds(
    lambda reading, destination, tag: reading_frame(reading)._replace(destination=destination, tag=tag),
    READINGS,
    CODIFIERS | st.just(EVERYBODY),
    TAGS,
)
CONTROL_FRAMES: Final = st.builds(
    ControlFrame,
    SEQUENCES,
    TIMESTAMPS_MS,
    st.sampled_from(sorted(CONTROL_FLAGS)),
    CODIFIERS,
    CODIFIERS | st.just(EVERYBODY),
    FINITE,
    st.booleans(),
    TAGS,
)
FRAMES: Final[st.SearchStrategy[Frame]] = DATA_FRAMES | CONTROL_FRAMES
