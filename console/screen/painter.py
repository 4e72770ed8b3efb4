from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from console.screen.lines import Ground, Line
from console.screen.themes import Look


class Painter:
    """Turns lines into what Textual sends to the terminal, in the colours of the present theme."""

    def __init__(self, look: Look) -> None:
        self.use(look)

    def use(self, look: Look) -> None:
        """Paint with another theme from now on."""
        self.look = look
        self._styles = {(ink, ground): look.style(ink, ground) for ink in look.inks for ground in look.grounds}

    def strip(self, line: Line, width: int) -> Strip:
        """Paint a line over the whole width; its ground goes on to the end."""
        styles, ground = self._styles, line.ground
        segments = [Segment(span.text, styles[span.ink, ground]) for span in line.spans]
        length = line.width
        if length < width:
            segments.append(Segment(" " * (width - length), self.ground(ground)))
        return Strip(segments, max(length, width)) if length <= width else Strip(segments, length).crop(0, width)

    def ground(self, ground: Ground) -> Style:
        """Return the style of what has no text."""
        return self.look.grounds[ground]
