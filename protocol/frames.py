"""Frames: one per datagram, 28 bytes of header and a payload (docs/protocol.md, "Frames")."""

import math
import struct
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from protocol import codifiers, values
from protocol.errors import DecodeError, EncodeError
from protocol.readings import Attributes, Reading, Value

# offset  size  field
# 0       4     sequence, u32
# 4       4     tag part 1: key id, then 3 bytes of tag (padding in the original system)
# 8       8     timestamp, u64, ms since 1970-01-01 UTC
# 16      1     flag, ASCII
# 17      2     source
# 19      2     destination
# 21      3     tag part 2 (padding in the original system)
# 24      4     length of the payload, u32
_HEADER: Final = struct.Struct("<I4sQ1s2s2s3sI")
_NUMBER_AND_ACTIVE: Final = struct.Struct("<dB")

HEADER_BYTES: Final = _HEADER.size
MAX_FRAME_BYTES: Final = 1200  # fits every link's MTU, so that no fragment can be lost
NO_TAG: Final = bytes(7)
_NO_TAG_1: Final = bytes(4)
_NO_TAG_2: Final = bytes(3)
_EVERYBODY: Final = codifiers.EVERYBODY.encode()

LATEST_TIMESTAMP_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: calendars and stores' 64-bit integers have no later one."""

KINDS: Final = ("short", "oversized", "length", "timestamp", "codifier", "unknown flag", "payload", "utf-8", "json")
"""What can be wrong with a datagram: the kinds of DecodeError."""


class Bus(StrEnum):
    """The two multicast groups."""

    CONTROL = "control"
    DATA = "data"


class Flag(StrEnum):
    """The meaning of a frame; capitals travel on the control bus, small letters on the data bus."""

    NEW = "N"
    ALIVE = "I"
    PING = "P"
    PONG = "T"
    START = "S"
    HALT = "H"
    RELOAD = "C"
    SET = "A"
    STEP = "E"
    ACKNOWLEDGE = "K"
    REPEAT = "R"
    UNAVAILABLE = "U"
    DIAGNOSIS = "D"
    NUMBERING = "n"
    INTEGER = "i"
    FLOAT = "f"
    TEXT = "s"
    JSON = "j"


CONTROL_FLAGS: Final = frozenset(flag for flag in Flag if flag.isupper())
DATA_FLAGS: Final = frozenset(flag for flag in Flag if flag.islower())
COMMANDS: Final = frozenset({Flag.START, Flag.HALT, Flag.RELOAD, Flag.SET, Flag.STEP})

_new: Final = tuple.__new__
_DATA: Final = Bus.DATA  # a member of an enumeration is not quick to look up
_FLAGS: Final[dict[bytes, Flag]] = {flag.encode(): flag for flag in Flag}
_NAMES: Final[dict[str, Flag]] = {flag.value: flag for flag in Flag}
_CONTROL: Final = {flag.encode(): flag for flag in CONTROL_FLAGS}


def bus_of(datagram: bytes) -> Bus:
    """Return the bus on which a datagram would travel by its flag: one that came to a program alone may be of both."""
    return Bus.CONTROL if datagram[16:17].isupper() else Bus.DATA


class Addressed(NamedTuple):
    """What a frame is, who says it and to whom, without what it says."""

    flag: Flag
    source: str
    destination: str


class ControlFrame(NamedTuple):
    """A frame of the control bus.

    `number` is finite and means what the flag says: config time in ms, a ping's number, a value, or two packed
    integers. `active` tells whether the source is sending readings. `tag` is the key id and six bytes.
    """

    sequence: int
    timestamp_ms: int
    flag: Flag
    source: str
    destination: str
    number: float
    active: bool
    tag: bytes = NO_TAG

    @property
    def bus(self) -> Bus:
        """The bus on which this frame travels."""
        return Bus.CONTROL


class DataFrame(NamedTuple):
    """A frame of the data bus: a reading, or with the flag `n` the number from which a sensor's readings count on.

    `attributes` is what a `j` payload holds beside the value, and None under every other flag.
    """

    sequence: int
    timestamp_ms: int
    flag: Flag
    source: str
    destination: str
    value: Value
    attributes: Attributes | None = None
    tag: bytes = NO_TAG

    @property
    def bus(self) -> Bus:
        """The bus on which this frame travels."""
        return Bus.DATA

    def reading(self) -> Reading:
        """Return what a store keeps of this frame; no attributes are None, under whichever flag it came."""
        return Reading(self.source, self.timestamp_ms, self.sequence, self.value, self.attributes or None)


Frame: TypeAlias = ControlFrame | DataFrame


def is_tagged(frame: Frame) -> bool:
    """Tell whether a frame has a tag: where tags are looked at, it was found to be genuine."""
    return frame.tag[0] != 0


def reading_frame(reading: Reading) -> DataFrame:
    """Choose the flag for a reading; raises EncodeError when its value cannot travel."""
    return _packed(reading)[0]


def encode_reading(reading: Reading) -> bytes:
    """Turn a reading into its datagram, as `encode(reading_frame(reading))` does at twice the cost."""
    frame, payload = _packed(reading)
    return _with_header(frame, payload)


def encode(frame: Frame) -> bytes:
    """Turn a frame into its datagram; raises EncodeError for what no reader would take."""
    return _with_header(frame, _pack_data(frame) if isinstance(frame, DataFrame) else _pack_control(frame))


def _packed(reading: Reading) -> tuple[DataFrame, bytes]:
    codifier, timestamp_ms, sequence, value, attributes = reading
    if isinstance(value, bool):
        value = int(value)
    flag, payload = values.pack_value(value, attributes or None)
    attributes = (attributes or {}) if flag == "j" else None
    everything = (sequence, timestamp_ms, _NAMES[flag], codifier, codifiers.EVERYBODY, value, attributes, NO_TAG)
    return _new(DataFrame, everything), payload


def _with_header(frame: Frame, payload: bytes) -> bytes:
    size = HEADER_BYTES + len(payload)
    if size > MAX_FRAME_BYTES:
        raise EncodeError(f"a frame of {size} bytes", f"at most {MAX_FRAME_BYTES} can be sent")
    return _pack_header(frame, len(payload)) + payload


def _pack_header(frame: Frame, length: int) -> bytes:
    _check_header(frame)
    try:
        return _HEADER.pack(
            frame.sequence,
            frame.tag[:4],
            frame.timestamp_ms,
            frame.flag.encode(),
            codifiers.pack(frame.source),
            codifiers.pack(frame.destination),
            frame.tag[4:],
            length,
        )
    except struct.error as error:
        raise EncodeError(f"sequence {frame.sequence} or timestamp {frame.timestamp_ms} is out of range") from error


def _check_header(frame: Frame) -> None:
    if frame.source == codifiers.EVERYBODY:
        raise EncodeError(f"{codifiers.EVERYBODY} cannot be the source of a frame")
    if frame.timestamp_ms > LATEST_TIMESTAMP_MS:
        raise EncodeError(f"timestamp {frame.timestamp_ms} lies after the year 9999", "timestamps are milliseconds")
    if len(frame.tag) != len(NO_TAG):
        raise EncodeError(f"a tag of {len(frame.tag)} bytes", f"key id and tag are {len(NO_TAG)} bytes")


def _pack_data(frame: DataFrame) -> bytes:
    return values.pack_flag(frame.flag, frame.value, frame.attributes)


def _pack_control(frame: ControlFrame) -> bytes:
    if frame.flag not in CONTROL_FLAGS:
        raise EncodeError(f"the flag {frame.flag.value!r} does not travel on the control bus")
    try:
        payload = _NUMBER_AND_ACTIVE.pack(frame.number, bool(frame.active))
    except (struct.error, OverflowError) as error:
        raise EncodeError(f"{frame.number!r} is no number of a control frame") from error
    if not math.isfinite(frame.number):
        raise EncodeError(f"{frame.number} is not a finite number")
    return payload


def key_id_of(datagram: bytes) -> int:
    """Return which key a datagram says that it is tagged with; 0 means that it has no tag."""
    return datagram[4]


def addressed(datagram: bytes) -> Addressed:
    """Return what the header of a datagram says of it, whatever follows; raises DecodeError when that is not possible.

    It has 28 bytes at least.
    """
    flag = _FLAGS.get(datagram[16:17])
    if flag is None:
        raise DecodeError("unknown flag", f"unknown flag {datagram[16:17]!r}")
    return _new(Addressed, (flag, codifiers.unpack(datagram[17:19]), codifiers.unpack(datagram[19:21])))


def decode(bus: Bus, datagram: bytes) -> Frame:
    """Turn a datagram heard on `bus` into a frame; raises DecodeError."""
    return decode_data(datagram) if bus is _DATA else decode_control(datagram)


# The two functions below run for every datagram: they share no further step, and build their frames
# without the call that NamedTuple puts in between, because both would cost a tenth of the whole.


def decode_data(datagram: bytes) -> DataFrame:
    """Turn a datagram of the data bus into a frame; raises DecodeError."""
    size = len(datagram)
    if not HEADER_BYTES <= size <= MAX_FRAME_BYTES:
        raise _wrong_size(size)
    sequence, tag_1, timestamp_ms, flag, source, destination, tag_2, length = _HEADER.unpack_from(datagram)
    if length != size - HEADER_BYTES or timestamp_ms > LATEST_TIMESTAMP_MS or source == _EVERYBODY:
        raise _wrong_header(size, length, timestamp_ms)
    value, attributes = values.unpack_value(flag, datagram[HEADER_BYTES:])
    return _new(
        DataFrame,
        (
            sequence,
            timestamp_ms,
            _FLAGS[flag],
            codifiers.unpack(source),
            codifiers.unpack(destination),
            value,
            attributes,
            NO_TAG if tag_1 == _NO_TAG_1 and tag_2 == _NO_TAG_2 else tag_1 + tag_2,
        ),
    )


def decode_control(datagram: bytes) -> ControlFrame:
    """Turn a datagram of the control bus into a frame; raises DecodeError."""
    size = len(datagram)
    if not HEADER_BYTES <= size <= MAX_FRAME_BYTES:
        raise _wrong_size(size)
    sequence, tag_1, timestamp_ms, flag, source, destination, tag_2, length = _HEADER.unpack_from(datagram)
    if length != size - HEADER_BYTES or timestamp_ms > LATEST_TIMESTAMP_MS or source == _EVERYBODY:
        raise _wrong_header(size, length, timestamp_ms)
    known = _CONTROL.get(flag)
    if known is None:
        raise DecodeError("unknown flag", f"unknown control flag {flag!r}")
    number, active = _unpack_control(datagram[HEADER_BYTES:])
    return _new(
        ControlFrame,
        (
            sequence,
            timestamp_ms,
            known,
            codifiers.unpack(source),
            codifiers.unpack(destination),
            number,
            active,
            NO_TAG if tag_1 == _NO_TAG_1 and tag_2 == _NO_TAG_2 else tag_1 + tag_2,
        ),
    )


def _unpack_control(payload: bytes) -> tuple[float, bool]:
    if len(payload) != _NUMBER_AND_ACTIVE.size:
        raise DecodeError("payload", f"control payload of {len(payload)} bytes, not {_NUMBER_AND_ACTIVE.size}")
    number, active = _NUMBER_AND_ACTIVE.unpack(payload)
    if active > 1 or not math.isfinite(number):
        raise DecodeError("payload", f"the number is {number} and active {active}, not finite and 0 or 1")
    return number, active == 1


def _wrong_size(size: int) -> DecodeError:
    if size < HEADER_BYTES:
        return DecodeError("short", f"{size} bytes are less than a header of {HEADER_BYTES}")
    return DecodeError("oversized", f"{size} bytes are more than {MAX_FRAME_BYTES}")


def _wrong_header(size: int, length: int, timestamp_ms: int) -> DecodeError:
    if length != size - HEADER_BYTES:
        return DecodeError("length", f"payload of {size - HEADER_BYTES} bytes declares {length}")
    if timestamp_ms > LATEST_TIMESTAMP_MS:
        return DecodeError("timestamp", f"timestamp {timestamp_ms} lies after the year 9999")
    return DecodeError("codifier", f"{codifiers.EVERYBODY} cannot be the source of a frame")
