"""What inks and grounds look like. A theme is one row of colours; everything else follows from it.

Colours never tell anything alone: every state has its glyph and its word too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from rich.style import Style
from textual.theme import BUILTIN_THEMES, Theme

from console.lines import Ground, Ink
from protocol.errors import JphError


class Colours(NamedTuple):
    """The colours of a theme: grounds first, then inks."""

    plain: str
    title: str
    heading: str
    focused: str
    node: str
    cursor: str
    notice: str
    armed: str
    text: str
    dim: str
    faint: str
    strong: str
    accent: str
    key: str
    spark: str
    chart: str
    ok: str
    warning: str
    critical: str
    stale: str
    halted: str
    gone: str
    unheard: str


NIGHT: Final = Colours(
    plain="#12161d",
    title="#1d2430",
    heading="#181d27",
    focused="#243246",
    node="#171c25",
    cursor="#2a3b54",
    notice="#4a3a12",
    armed="#4a1f28",
    text="#c5cddb",
    dim="#8591a5",
    faint="#3d4858",
    strong="#edf1f8",
    accent="#7cc4ff",
    key="#7cc4ff",
    spark="#4a7d9e",
    chart="#6ad1c7",
    ok="#79d08a",
    warning="#f2c45a",
    critical="#ff8080",
    stale="#c79bf2",
    halted="#86a8ff",
    gone="#a3acbd",
    unheard="#8591a5",
)

DAY: Final = Colours(
    plain="#fbfbf8",
    title="#e4e8ee",
    heading="#eef0f2",
    focused="#d3e2f4",
    node="#f2f4f5",
    cursor="#cfe1f7",
    notice="#fff0c2",
    armed="#fbd9d6",
    text="#2b333f",
    dim="#5c6675",
    faint="#c3c9d2",
    strong="#0b1017",
    accent="#0b5cad",
    key="#0b5cad",
    spark="#356f9c",
    chart="#0d6f68",
    ok="#176b2c",
    warning="#7d5000",
    critical="#b3202c",
    stale="#7436a8",
    halted="#2f50b5",
    gone="#555f6e",
    unheard="#5c6675",
)

# Okabe and Ito's eight colours, which people with any kind of colour blindness tell apart; on a dark ground their
# blue is too dark to be read, so that sky blue says ok and bluish green says halted.
OKABE_ITO: Final = NIGHT._replace(
    plain="#101317",
    accent="#56b4e9",
    key="#56b4e9",
    spark="#5c7f96",
    chart="#56b4e9",
    ok="#56b4e9",
    warning="#f0e442",
    critical="#f2823c",
    stale="#cc79a7",
    halted="#1fb58a",
    notice="#3f3a10",
    armed="#4d260c",
)

CONTRAST: Final = Colours(
    plain="#000000",
    title="#000000",
    heading="#000000",
    focused="#00305f",
    node="#000000",
    cursor="#00408a",
    notice="#4d3800",
    armed="#6b0010",
    text="#ffffff",
    dim="#e0e0e0",
    faint="#8a8a8a",
    strong="#ffffff",
    accent="#7fdcff",
    key="#ffff5f",
    spark="#7fdcff",
    chart="#7fffd4",
    ok="#7fff7f",
    warning="#ffff5f",
    critical="#ffa8a8",
    stale="#ffb8ff",
    halted="#b4ccff",
    gone="#e0e0e0",
    unheard="#e0e0e0",
)

_BOLD: Final = frozenset({Ink.STRONG, Ink.ACCENT, Ink.KEY, Ink.CRITICAL})

# Sixteen colours at most, none of the bright ones: TERM=linux shows those as the dark ones. Weight tells the rest.
_ANSI_INKS: Final[Mapping[Ink, Style]] = {
    Ink.TEXT: Style(),
    Ink.DIM: Style(dim=True),
    Ink.FAINT: Style(dim=True),
    Ink.STRONG: Style(bold=True),
    Ink.ACCENT: Style(color="cyan", bold=True),
    Ink.KEY: Style(color="cyan", bold=True),
    Ink.SPARK: Style(color="cyan"),
    Ink.CHART: Style(color="cyan"),
    Ink.OK: Style(color="green"),
    Ink.WARNING: Style(color="yellow", bold=True),
    Ink.CRITICAL: Style(color="red", bold=True),
    Ink.STALE: Style(color="magenta", bold=True),
    Ink.HALTED: Style(color="blue", bold=True),
    Ink.GONE: Style(color="magenta"),
    Ink.UNHEARD: Style(dim=True),
}
_REVERSE: Final = Style(color="default", bgcolor="default", reverse=True, dim=False)
_ANSI_GROUNDS: Final[Mapping[Ground, Style]] = {
    Ground.PLAIN: Style(),
    Ground.TITLE: Style(),
    Ground.HEADING: Style(underline=True),
    Ground.FOCUSED: Style(underline=True, bold=True),
    Ground.NODE: Style(),
    Ground.CURSOR: _REVERSE,
    Ground.NOTICE: _REVERSE,
    Ground.ARMED: Style(underline=True),
}


@dataclass(frozen=True, slots=True)
class Look:
    """A theme: what Textual needs for its widgets, and the style of every ink on every ground."""

    name: str
    summary: str
    theme: Theme
    inks: Mapping[Ink, Style]
    grounds: Mapping[Ground, Style]
    colours: Colours | None = None

    def style(self, ink: Ink, ground: Ground) -> Style:
        """Return how an ink looks on a ground."""
        return self.inks[ink] + self.grounds[ground]


def _look(name: str, summary: str, colours: Colours, *, dark: bool = True) -> Look:
    inks = {ink: Style(color=getattr(colours, ink), bold=ink in _BOLD) for ink in Ink}
    grounds = {ground: Style(bgcolor=getattr(colours, ground)) for ground in Ground}
    return Look(name, summary, _theme(name, colours, dark=dark), inks, grounds, colours)


def _theme(name: str, colours: Colours, *, dark: bool) -> Theme:
    return Theme(
        name=name,
        dark=dark,
        primary=colours.accent,
        secondary=colours.spark,
        accent=colours.accent,
        foreground=colours.text,
        background=colours.plain,
        surface=colours.heading,
        panel=colours.title,
        success=colours.ok,
        warning=colours.warning,
        error=colours.critical,
        variables={
            "scrollbar": colours.faint,
            "scrollbar-hover": colours.dim,
            "scrollbar-active": colours.accent,
            "scrollbar-background": colours.plain,
            "scrollbar-background-hover": colours.plain,
            "scrollbar-background-active": colours.plain,
            "scrollbar-corner-color": colours.plain,
        },
    )


ANSI: Final = Look(
    "ansi",
    "the terminal's own sixteen colours",
    replace(BUILTIN_THEMES["ansi-dark"], name="ansi"),
    _ANSI_INKS,
    _ANSI_GROUNDS,
)

LOOKS: Final[Mapping[str, Look]] = {
    look.name: look
    for look in (
        _look("night", "calm colours on a dark ground", NIGHT),
        _look("day", "dark on light, for a bright room", DAY, dark=False),
        _look("colour-blind", "told apart by every eye (Okabe and Ito)", OKABE_ITO),
        _look("contrast", "as much contrast as a screen has", CONTRAST),
        ANSI,
    )
}
DEFAULT: Final = "night"


class UnknownThemeError(JphError):
    """No theme has this name."""


def choose_look(wanted: str | None, environment: Mapping[str, str]) -> Look:
    """Choose a theme: the wanted one, else what the terminal can show. Raises UnknownThemeError.

    NO_COLOR, TERM=dumb and TERM=linux always get the terminal's own colours: the others need 24 bits.
    """
    if wanted is not None and wanted not in LOOKS:
        raise UnknownThemeError(f"there is no theme {wanted!r}", f"choose one of {', '.join(LOOKS)}")
    if is_plain(environment):
        return ANSI
    return (
        LOOKS[wanted or environment.get("JPH_THEME", "")]
        if (wanted or environment.get("JPH_THEME", "")) in LOOKS
        else LOOKS[DEFAULT]
    )


def is_plain(environment: Mapping[str, str]) -> bool:
    """Tell whether a terminal must not be sent 24-bit colours."""
    return bool(environment.get("NO_COLOR")) or environment.get("TERM") in {"dumb", "linux"}
