"""Pictures that look the same wherever they are shown."""

import re
from xml.etree import ElementTree as ET

import pytest

from console.screen import ConsoleApp
from console.symbols import UNICODE
from console.themes import LOOKS
from tests.console.feeding import Feed, lively
from tools.pictures import SVG, portable

CELL = 12.2


@pytest.fixture
async def svg() -> str:
    """Return a picture of the console as Textual makes it."""
    feed = lively(Feed())
    app = ConsoleApp(feed.configuration, feed, look=LOOKS["night"], symbols=UNICODE, frames_per_s=0)
    async with app.run_test(size=(120, 36)):
        await app.frame()
        await app.frame()
        return app.export_screenshot()


def texts(svg: str) -> list[ET.Element]:
    root = ET.fromstring(svg)  # noqa: S314 - this program made it a moment ago
    return [text for text in root.iter(f"{{{SVG}}}text") if "textLength" in text.attrib]


async def test_nothing_is_fetched_to_show_a_picture(svg: str) -> None:
    assert "https://" in svg
    assert set(re.findall(r"https?://[^\s\"'<)]+", portable(svg))) == {SVG}


async def test_every_text_stands_where_its_first_character_stood(svg: str) -> None:
    before = {(text.attrib["y"], round(float(text.attrib["x"]) / CELL)): text.text or "" for text in texts(svg)}
    for text in texts(portable(svg)):
        x, words = round(float(text.attrib["x"]) / CELL), text.text or ""
        line = [(start, old) for (y, start), old in before.items() if y == text.attrib["y"] and start <= x]
        start, old = max(line)
        assert old[x - start :].startswith(words)


async def test_each_character_of_braille_has_its_own_place(svg: str) -> None:
    braille = re.compile("[\u2801-\u28ff]")
    assert any(len(braille.findall(text.text or "")) > 1 for text in texts(svg))
    for text in texts(portable(svg)):
        if braille.search(text.text or ""):
            assert len(text.text or "") == 1
            assert float(text.attrib["textLength"]) == pytest.approx(CELL, abs=0.1)


async def test_blanks_are_no_texts(svg: str) -> None:
    assert all((text.text or "").strip() == (text.text or "") != "" for text in texts(portable(svg)))


async def test_no_word_is_lost(svg: str) -> None:
    drawn = portable(svg)
    for word in ("kastpi", "50.4", "warning", "22:13:"):
        assert drawn.count(word) == svg.count(word) > 0
