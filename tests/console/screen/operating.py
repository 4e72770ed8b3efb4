"""Somebody before the console: presses keys, and sees what stands on the screen."""

from typing import Final

from rich.segment import Segment
from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot

from console.screen.app import ConsoleApp
from tests.console.screen.feeding import Feed

ROUNDS: Final = 6


class Operator:
    """Somebody before the screen."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[None], feed: Feed) -> None:
        self.app = app
        self.pilot = pilot
        self.feed = feed

    async def press(self, *keys: str) -> None:
        """Press keys one after the other, each once the screen has done what the one before it asks for."""
        for key in keys:
            character = key if len(key) == 1 else None
            self.app.post_message(Key(_character_to_key(key) if character else key, character))
            await self.settle()

    async def type(self, text: str) -> None:
        """Type text."""
        await self.press(*text)

    async def frame(self) -> None:
        """Let a frame pass."""
        await self.app.frame()
        await self.settle()

    async def settle(self) -> None:
        """Let the screen do what follows from what was done, and paint it.

        Textual's own pilot waits until the processor is idle, which takes long and is not sure. What follows from a
        key takes a few rounds of messages: the key, its action, a layout, what waits for that.
        """
        for _ in range(ROUNDS):
            await self.pilot._wait_for_screen()
            await self.app.animator.wait_until_complete()
            self.app.screen._on_timer_update()

    async def finish(self) -> None:
        """Wait until what was begun is done."""
        await self.app.workers.wait_for_complete()
        await self.settle()

    def lines(self) -> list[str]:
        """Return what stands on the screen, line by line."""
        size = self.app.size
        update = self.app.screen._compositor.render_strips(size)
        return [strip.text for strip in update]

    def text(self) -> str:
        """Return all that stands on the screen."""
        return "\n".join(self.lines())

    def line_with(self, words: str) -> int:
        """Return the number of the first line with these words."""
        return next(number for number, line in enumerate(self.lines()) if words in line)

    def segments(self, number: int) -> list[Segment]:
        """Return a line as it is painted."""
        return list(self.app.screen._compositor.render_strips(self.app.size)[number])
