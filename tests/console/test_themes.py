import pytest
from rich.color import Color
from textual.app import App

from console.lines import Ground, Ink
from console.themes import ANSI, LOOKS, Look, UnknownThemeError, choose_look, is_plain

READ = [ink for ink in Ink if ink not in {Ink.FAINT, Ink.SPARK}]  # those two draw frames and sparks, no words
COLOURED = [look for look in LOOKS.values() if look.colours is not None]
STATES = (Ink.OK, Ink.WARNING, Ink.CRITICAL, Ink.STALE, Ink.HALTED)


def contrast(look: Look, ink: Ink, ground: Ground) -> float:
    """Return the contrast as WCAG 2 measures it: 1 for none, 21 for black on white."""
    style = look.style(ink, ground)
    brighter, darker = sorted((luminance(style.color), luminance(style.bgcolor)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def luminance(color: Color | None) -> float:
    assert color is not None
    red, green, blue = (_linear(channel / 255) for channel in color.get_truecolor())
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


@pytest.mark.parametrize("look", COLOURED, ids=lambda look: look.name)
@pytest.mark.parametrize("ground", Ground)
def test_everything_can_be_read_on_every_ground(look: Look, ground: Ground) -> None:
    least = 4.5 if ground is Ground.PLAIN else 3.0
    found = {ink: round(contrast(look, ink, ground), 1) for ink in READ}
    assert {ink: ratio for ink, ratio in found.items() if ratio < least} == {}


def test_the_theme_of_most_contrast_has_seven_to_one() -> None:
    assert all(contrast(LOOKS["contrast"], ink, Ground.PLAIN) >= 7.0 for ink in READ)


@pytest.mark.parametrize("look", COLOURED, ids=lambda look: look.name)
def test_states_have_colours_of_their_own(look: Look) -> None:
    assert len({look.inks[ink].color for ink in STATES}) == len(STATES)


@pytest.mark.parametrize("look", LOOKS.values(), ids=list(LOOKS))
def test_every_ink_and_ground_has_a_style(look: Look) -> None:
    for ink in Ink:
        for ground in Ground:
            look.style(ink, ground)


def test_the_plain_theme_uses_no_colour_that_a_linux_console_lacks() -> None:
    styles = [ANSI.style(ink, ground) for ink in Ink for ground in Ground]
    numbers = {color.number for style in styles for color in (style.color, style.bgcolor) if color is not None}
    assert all(number is None or number < 8 for number in numbers)


@pytest.mark.parametrize(
    ("wanted", "environment", "name"),
    [
        (None, {"TERM": "xterm-256color"}, "night"),
        ("day", {"TERM": "xterm-256color"}, "day"),
        (None, {"TERM": "xterm-256color", "JPH_THEME": "contrast"}, "contrast"),
        (None, {"TERM": "xterm-256color", "JPH_THEME": "nonsense"}, "night"),
        ("day", {"TERM": "xterm-256color", "NO_COLOR": "1"}, "ansi"),
        (None, {"TERM": "linux"}, "ansi"),
        ("colour-blind", {"TERM": "dumb"}, "ansi"),
        (None, {"TERM": "xterm", "NO_COLOR": ""}, "night"),
    ],
)
def test_the_theme_is_the_wanted_one_unless_the_terminal_cannot_show_it(
    wanted: str | None, environment: dict[str, str], name: str
) -> None:
    assert choose_look(wanted, environment).name == name


def test_a_theme_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(UnknownThemeError, match="night, day, colour-blind, contrast, ansi"):
        choose_look("neon", {})


@pytest.mark.parametrize(
    ("environment", "plain"),
    [({"NO_COLOR": "1"}, True), ({"TERM": "linux"}, True), ({"TERM": "xterm"}, False), ({"NO_COLOR": ""}, False)],
)
def test_no_color_counts_when_it_is_not_empty(environment: dict[str, str], *, plain: bool) -> None:
    assert is_plain(environment) is plain


async def test_textual_takes_every_theme() -> None:
    app: App[None] = App()
    for look in LOOKS.values():
        app.register_theme(look.theme)
        app.theme = look.name
        assert app.get_css_variables()
