"""Text that takes over a terminal which obeys it, and what proves that none of it got there."""

import re
from typing import Final

HOSTILE: Final = (
    "\x1b[31mred\x1b]52;c;ZXZpbA==\x07\x1bP$q\x9b2J\x9d0;title\x9c\x85\x90"  # CSI, OSC, DCS, and their C1 twins
    "\u202eright to left\u2066\u200f\u2028\u2029\ufeff\n<0>forged line\r\x08\x00\x7f\t[bold]end"
)
"""Control sequences of seven and of eight bits, bidirectional overrides, ends of lines, and markup."""

ESCAPED: Final = r"\x1b[31mred\x1b]52;c;ZXZpbA==\x07\x1bP$q\x9b2J\x9d0;title\x9c\x85\x90\u202eright"
"""How it begins once it is harmless."""

_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")


def unprintable(text: str, *, colours: bool = False) -> list[str]:
    """Return the lines with anything that is not printable; a program on a terminal may use colours of its own."""
    own = _COLOURS.sub("", text).replace("\r\n", "\n") if colours else text
    return [line for line in own.split("\n") if not line.isprintable()]
