"""Log records in which nothing can harm a terminal or pretend to be another record, whichever handler writes them."""

import logging
from typing import Any, Final

from protocol.printable import visible, visible_lines

_PLAIN: Final = logging.Formatter()


class HarmlessRecord(logging.LogRecord):
    """A record of one line: what is not printable in it is escaped, also line ends, whoever said them.

    A traceback keeps its lines.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.exc_info:
            self.exc_text = visible_lines(_PLAIN.formatException(self.exc_info))

    def getMessage(self) -> str:  # noqa: N802 - the name of logging's method
        """Return the message with its arguments."""
        return visible(super().getMessage())


def log_lines(logger: logging.Logger, level: int, text: str) -> None:
    """Log our own text of several lines, a record each."""
    for line in text.split("\n"):
        logger.log(level, "%s", line)


def use_harmless_records() -> None:
    """Have all records of this process made harmless."""
    logging.setLogRecordFactory(HarmlessRecord)
