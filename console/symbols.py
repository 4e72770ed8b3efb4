"""The characters that the console draws with: as much as the terminal's font is known to have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from console.lines import Ink
from protocol.members import Status


@dataclass(frozen=True, slots=True)
class Raster:
    """How a chart's dots become characters.

    A character shows `columns` x `rows` dots; `glyphs` has one character per pattern of dots, where the dot in
    column x and row y (from the top) is bit `x * rows + y`.
    """

    columns: int
    rows: int
    glyphs: str


@dataclass(frozen=True, slots=True)
class Symbols:
    """One set of characters. `sparks` go from low to high."""

    name: str
    statuses: Mapping[Status, str]
    sparks: str
    raster: Raster
    ellipsis: str
    threshold: str
    bar: str
    open_group: str
    last_member: str
    mark: str
    up: str
    down: str
    dot: str
    substitutes: Mapping[int, str] | None = None
    """What Textual's own widgets draw instead of what the font lacks; None where it lacks nothing."""


STATUS_INKS: Final[dict[Status, Ink]] = {
    Status.OK: Ink.OK,
    Status.WARNING: Ink.WARNING,
    Status.CRITICAL: Ink.CRITICAL,
    Status.STALE: Ink.STALE,
    Status.HALTED: Ink.HALTED,
    Status.GONE: Ink.GONE,
    Status.UNHEARD: Ink.UNHEARD,
}

# Unicode numbers the dots of a braille character column by column, the fourth row last:
#   1 4
#   2 5
#   3 6
#   7 8
_BRAILLE_BITS: Final = (0x01, 0x02, 0x04, 0x40, 0x08, 0x10, 0x20, 0x80)


def _braille() -> str:
    return "".join(
        chr(0x2800 + sum(bit for place, bit in enumerate(_BRAILLE_BITS) if pattern >> place & 1))
        for pattern in range(256)
    ).replace("\u2800", " ")


class _Ascii(dict[int, str]):
    """Substitutes for everything that is not ASCII."""

    def __missing__(self, character: int) -> str:
        return chr(character) if character < 128 else "?"


def _substitutes(*rows: tuple[str, str]) -> dict[int, str]:
    return {ord(character): substitute for characters, substitute in rows for character in characters}


UNICODE: Final = Symbols(
    name="unicode",
    statuses={
        Status.OK: "●",
        Status.WARNING: "▲",
        Status.CRITICAL: "◆",
        Status.STALE: "◌",
        Status.HALTED: "■",
        Status.GONE: "×",  # noqa: RUF001 - a cross, not a letter
        Status.UNHEARD: "·",
    },
    sparks="▁▂▃▄▅▆▇█",
    raster=Raster(2, 4, _braille()),
    ellipsis="…",
    threshold="┈",
    bar="│",
    open_group="▾",
    last_member="└",
    mark="✓",
    up="↑",
    down="↓",
    dot="·",
)

# The fonts of the Linux console hold the characters of the first PCs and little more.
BLOCKS: Final = Symbols(
    name="blocks",
    statuses={
        Status.OK: "•",
        Status.WARNING: "▲",
        Status.CRITICAL: "♦",
        Status.STALE: "○",
        Status.HALTED: "■",
        Status.GONE: "x",
        Status.UNHEARD: "·",
    },
    sparks="_▄█",
    raster=Raster(1, 2, " ▀▄█"),
    ellipsis="~",
    threshold="-",
    bar="│",
    open_group="▼",
    last_member="└",
    mark="√",
    up="↑",
    down="↓",
    dot="·",
    substitutes=_substitutes(
        ("╭", "┌"), ("╮", "┐"), ("╰", "└"), ("╯", "┘"), ("▔", "▀"), ("▁", "▄"), ("▊▋▉", "█"), ("▎▏▍", "│")
    ),
)

ASCII: Final = Symbols(
    name="ascii",
    statuses={
        Status.OK: "+",
        Status.WARNING: "!",
        Status.CRITICAL: "#",
        Status.STALE: "~",
        Status.HALTED: "=",
        Status.GONE: "x",
        Status.UNHEARD: ".",
    },
    sparks="_.-=*#",
    raster=Raster(1, 1, " *"),
    ellipsis="~",
    threshold=".",
    bar="|",
    open_group="v",
    last_member="`",
    mark="*",
    up="^",
    down="v",
    dot="-",
    substitutes=_Ascii(
        _substitutes(
            ("╭╮╰╯┌┐└┘├┤┬┴┼", "+"), ("─━▔▁▀▄═", "-"), ("│┃▊▋▉█▎▏▍▌▐║", "|"), ("…", "~"), ("“”", '"'), ("\u2019", "'")
        )
    ),
)

SETS: Final = {symbols.name: symbols for symbols in (UNICODE, BLOCKS, ASCII)}


def choose_symbols(environment: Mapping[str, str], encoding: str) -> Symbols:
    """Choose for a terminal: `JPH_SYMBOLS` names a set, else TERM and the encoding of the output decide."""
    wanted = SETS.get(environment.get("JPH_SYMBOLS", ""))
    if wanted is not None:
        return wanted
    if encoding.lower().replace("-", "") != "utf8" or environment.get("TERM") == "dumb":
        return ASCII
    return BLOCKS if environment.get("TERM") == "linux" else UNICODE
