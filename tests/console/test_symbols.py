import pytest

from console.symbols import ASCII, BLOCKS, SETS, STATUS_INKS, UNICODE, Symbols, choose_symbols
from protocol.members import Status


@pytest.mark.parametrize(
    ("environment", "encoding", "chosen"),
    [
        ({"TERM": "xterm-256color"}, "utf-8", UNICODE),
        ({"TERM": "xterm-256color"}, "UTF-8", UNICODE),
        ({"TERM": "linux"}, "utf-8", BLOCKS),
        ({"TERM": "xterm"}, "ascii", ASCII),
        ({"TERM": "xterm"}, "iso8859-1", ASCII),
        ({"TERM": "dumb"}, "utf-8", ASCII),
        ({"TERM": "linux", "JPH_SYMBOLS": "unicode"}, "ascii", UNICODE),
        ({"TERM": "xterm", "JPH_SYMBOLS": "nonsense"}, "utf-8", UNICODE),
    ],
)
def test_the_symbols_are_those_that_the_terminal_can_show(
    environment: dict[str, str], encoding: str, chosen: Symbols
) -> None:
    assert choose_symbols(environment, encoding) is chosen


@pytest.mark.parametrize("symbols", SETS.values(), ids=list(SETS))
def test_every_status_has_a_glyph_of_its_own(symbols: Symbols) -> None:
    assert set(symbols.statuses) == set(Status)
    assert len(set(symbols.statuses.values())) == len(Status)
    assert all(len(glyph) == 1 for glyph in symbols.statuses.values())


def test_every_status_has_an_ink_of_its_own() -> None:
    assert len({STATUS_INKS[status] for status in Status}) == len(Status)


@pytest.mark.parametrize("symbols", SETS.values(), ids=list(SETS))
def test_a_raster_has_a_glyph_for_every_pattern_of_dots(symbols: Symbols) -> None:
    raster = symbols.raster
    assert len(raster.glyphs) == 2 ** (raster.columns * raster.rows)
    assert raster.glyphs[0] == " "


def test_the_plain_set_is_plain() -> None:
    texts = [*ASCII.statuses.values(), ASCII.sparks, ASCII.raster.glyphs]
    texts += [getattr(ASCII, name) for name in ASCII.__slots__ if isinstance(getattr(ASCII, name), str)]
    assert all(text.isascii() for text in texts)
