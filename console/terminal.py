"""The terminal, which may stop reading at any time: a cut SSH connection does, and so does a window that is held.

Textual hands what it draws to a thread through a queue of 30 writes, and waits when that is full: the whole screen
then stands still, deaf to keys and signals. This driver never waits. The console draws nothing while earlier frames
are not written (`behind`); should something else fill the queue all the same, it is dropped, and the screen is drawn
anew once the terminal reads again.
"""

import asyncio
import queue
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from textual.drivers.linux_driver import LinuxDriver

from console.symbols import Symbols

LEAVE_S: Final = 1.0
"""How long the end of the console waits for a terminal to read what restores it."""


class Screen(Protocol):
    """What the driver needs of the app; `symbols.substitutes` replace what the terminal cannot show."""

    symbols: Symbols

    def use_terminal(self, terminal: "PatientDriver") -> None:
        """Take note of the driver in use."""
        ...

    def hang_up(self) -> None:
        """End: the terminal is gone."""
        ...


class PatientDriver(LinuxDriver):
    """Textual's driver for terminals, without its waiting."""

    def __init__(self, app: Any, **settings: Any) -> None:
        super().__init__(app, **settings)
        self.dropped = 0
        self._told = 0
        self._substitutes: Mapping[int, str] | None = app.symbols.substitutes
        self._loop = asyncio.get_running_loop()
        self._hang_up: Callable[[], None] = app.hang_up
        app.use_terminal(self)

    @property
    def behind(self) -> bool:
        """Tell whether the terminal has not yet read what was drawn."""
        writer = self._writer_thread
        return writer is not None and not writer._queue.empty()  # noqa: SLF001 - Textual has no other way to ask

    @property
    def stuck(self) -> bool:
        """Tell, after `close`, whether the thread that writes still waits for the terminal."""
        return self._writer_thread is not None and self._writer_thread.is_alive()

    def must_repaint(self) -> bool:
        """Tell once whether something was dropped that the terminal must be told again."""
        dropped, self._told = self.dropped > self._told, self.dropped
        return dropped

    def write(self, data: str) -> None:
        """Queue what is to be written; never waits, but counts what had to be dropped."""
        writer = self._writer_thread
        if writer is None:
            return
        if self._substitutes is not None and not data.isascii():
            data = data.translate(self._substitutes)
        try:
            writer._queue.put_nowait(data)  # noqa: SLF001 - its own `write` waits
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """End the thread that writes, or leave it behind when the terminal does not read."""
        writer = self._writer_thread
        if writer is None:
            return
        try:
            writer._queue.put(None, timeout=LEAVE_S)  # noqa: SLF001 - its own `stop` waits for ever
        except queue.Full:
            return
        writer.join(LEAVE_S)

    def run_input_thread(self) -> None:
        """Read keys until the end, or until the terminal is gone."""
        try:
            super().run_input_thread()
        except OSError:
            self._loop.call_soon_threadsafe(self._hang_up)
