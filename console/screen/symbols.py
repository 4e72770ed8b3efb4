"""The characters that the console draws with: as much as the terminal's font is known to have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from console.screen.lines import Ink
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


_PLAIN_TERMINALS: Final = ("dumb", "vt1", "vt2", "vt3", "vt4", "vt5")  # of before Unicode, and what acts as one
_PLAIN_LOCALES: Final = frozenset({"C", "POSIX"})
_COERCED: Final = frozenset({"C.UTF-8", "C.utf8", "UTF-8"})  # what the interpreter takes instead of a plain locale


def choose_symbols(environment: Mapping[str, str], encoding: str) -> Symbols:
    """Choose for a terminal: `JPH_SYMBOLS` names a set, else TERM, the locale and the output's encoding decide."""
    wanted = SETS.get(environment.get("JPH_SYMBOLS", ""))
    if wanted is not None:
        return wanted
    terminal = environment.get("TERM", "")
    if terminal.startswith(_PLAIN_TERMINALS) or not _is_unicode(environment, encoding):
        return ASCII
    return BLOCKS if terminal == "linux" else UNICODE


def _is_unicode(environment: Mapping[str, str], encoding: str) -> bool:
    """Tell whether the terminal takes UTF-8.

    The interpreter writes UTF-8 in the locale C too, and may have set LC_CTYPE itself to do so: only the locale that
    was set says what the terminal takes. Where none was set, the encoding does.
    """
    everything, characters, language = (environment.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    if characters in _COERCED and language in _PLAIN_LOCALES:
        characters = ""
    locale = everything or characters or language
    return _is_utf8(encoding) and (not locale or _is_utf8(locale.partition("@")[0].rpartition(".")[2]))


def _is_utf8(encoding: str) -> bool:
    return encoding.casefold().replace("-", "") == "utf8"
