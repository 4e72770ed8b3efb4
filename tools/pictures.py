"""Draw the pictures in docs/ from the real console on a real network: the demo's, run by its own agent.

    python -m tools.pictures --seconds 75

Writes docs/console.svg and docs/console-control.svg; with --png also as PNG, which needs `rsvg-convert`.
"""

import argparse
import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from textual.pilot import Pilot

from config.model import Configuration
from console.demo import running
from console.keys import Part
from console.link import BusThread
from console.model import Model
from console.ordering import Key
from console.screen import ConsoleApp
from console.seat import choose_codifier
from console.symbols import UNICODE
from console.themes import DEFAULT, LOOKS
from protocol.errors import JphError
from protocol.frames import Flag

DOCS: Final = Path(__file__).parent.parent / "docs"
SIZE: Final = (140, 40)
WATER: Final = "A3"  # the sensor whose chart is shown: the water that the fan cools
FAN: Final = "FK"
FAN_PERCENT: Final = 80.0
ANSWER_S: Final = 2.0  # for the answer to a command, which comes in a millisecond or two
FAN_FOR_S: Final = 35.0  # how long the fan runs faster, so that the chart of a minute shows before and after

SVG: Final = "http://www.w3.org/2000/svg"
RUNS: Final = re.compile("[\u2801-\u28ff]|[^\\s\u2800-\u28ff](?:[^\u2800-\u28ff]*[^\\s\u2800-\u28ff])?")
"""A character of braille, or text without blanks at its ends."""
FONTS: Final = '"Fira Code", "DejaVu Sans Mono", Menlo, Consolas, monospace'


async def draw(configuration: Configuration, seconds: float) -> dict[str, str]:
    """Watch the network for so long and return the pictures by their names."""
    codifier = choose_codifier(configuration, None, os.environ, socket.gethostname())
    with BusThread(configuration, codifier) as link:
        app = ConsoleApp(configuration, link, look=LOOKS[DEFAULT], symbols=UNICODE)
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            await pilot.pause(1.0)
            select(app.model, WATER)
            await pilot.press("left_square_bracket")  # a chart of one minute
            await pilot.pause(max(0.0, seconds - FAN_FOR_S))
            await link.command(Flag.SET, FAN, FAN_PERCENT)
            await pilot.pause(FAN_FOR_S)
            pictures = {"console": picture(app)}
            await order(app, pilot)
            pictures["console-control"] = picture(app)
    return pictures


async def order(app: ConsoleApp, pilot: Pilot[None]) -> None:
    """Let the fan be commanded once, and ask for another command."""
    await pilot.press("a")
    select(app.model, FAN)
    await pilot.press("A", "3", "0", "enter")
    await pilot.pause(ANSWER_S)
    app.focus_part(Part.TABLE)
    await pilot.press("H")
    app.clear_notifications()
    await pilot.pause(0.5)


def select(model: Model, codifier: str) -> None:
    """Put the cursor on a sensor."""
    model.move_to(model.keys.index(Key(codifier)))


def picture(app: ConsoleApp) -> str:
    """Return the screen as SVG that looks the same wherever it is shown."""
    return portable(app.export_screenshot(title=f"jph console, {app.model.catalogue.network_name}"))


def portable(svg: str) -> str:
    """Make a picture independent of the fonts and the network of whoever looks at it.

    Few fonts have braille, and a substitute's is wider or narrower than its cell: each such character gets its own
    place. The fonts are those that are there already, and nothing is fetched.
    """
    ET.register_namespace("", SVG)
    root = ET.fromstring(svg)  # noqa: S314 - it was made a moment ago by this program
    for style in root.iter(f"{{{SVG}}}style"):
        style.text = _own_fonts(style.text or "")
    for group in list(root.iter(f"{{{SVG}}}g")):
        for text in _texts(group):
            _part(group, text)
    return ET.tostring(root, encoding="unicode") + "\n"


def _own_fonts(css: str) -> str:
    css = re.sub(r"@font-face\s*{.*?}", "", css, flags=re.DOTALL)
    return css.replace("Fira Code, monospace", FONTS)


def _texts(group: ET.Element) -> Iterator[ET.Element]:
    return (text for text in list(group) if text.tag == f"{{{SVG}}}text" and "textLength" in text.attrib)


def _part(group: ET.Element, text: ET.Element) -> None:
    """Put each run of a text at its own place; what is blank needs no text at all."""
    words = text.text or ""
    cell = float(text.attrib["textLength"]) / max(1, len(words))
    begin = float(text.attrib["x"])
    group.remove(text)
    for run in RUNS.finditer(words):
        place = {"x": f"{begin + cell * run.start():.1f}", "textLength": f"{cell * len(run[0]):.1f}"}
        ET.SubElement(group, text.tag, {**text.attrib, **place}).text = run[0]


def write(pictures: dict[str, str], directory: Path, converter: str | None) -> None:
    """Write the pictures, and with a `converter` as PNG too."""
    for name, svg in pictures.items():
        path = directory / f"{name}.svg"
        path.write_text(svg, "utf-8")
        print(path)
        if converter:
            subprocess.run([converter, str(path), "-o", str(path.with_suffix(".png"))], check=True)  # noqa: S603 - ours
            print(path.with_suffix(".png"))


def main() -> int:
    """Draw all pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=75.0, help="how long the network lives before it is drawn")
    parser.add_argument("--into", type=Path, default=DOCS, help="the directory to write to")
    parser.add_argument("--png", action="store_true", help="write PNG too, where rsvg-convert is installed")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="jph-pictures-") as place, running(0, Path(place) / "demo") as demo:
            pictures = asyncio.run(draw(demo.configuration, arguments.seconds))
    except JphError as error:
        print(error, file=sys.stderr)
        return 1
    write(pictures, arguments.into, shutil.which("rsvg-convert") if arguments.png else None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
