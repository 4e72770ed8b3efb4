"""Values out of what devices publish: a bare number or word, or places in JSON that JMESPath names."""

from collections.abc import Mapping
from typing import Any, Final

from drivers.text.decimals import parse, to_number
from drivers.text.json_text import parse as parse_json
from drivers.text.json_values import reading
from protocol.readings import Value

MEANINGS: Final[Mapping[str, int | float]] = {"true": 1, "false": 0}
"""Words that are numbers everywhere: JSON's own."""

_QUOTED: Final = 40  # characters of a payload in a message: enough to know it again


class Words:
    """What words mean: `meanings`, before those that all know; others are readings as they are, or errors."""

    def __init__(self, meanings: Mapping[str, int | float], *, keeps_text: bool) -> None:
        self._meanings = {**MEANINGS, **meanings}
        self._keeps_text = keeps_text

    def value(self, text: str) -> Value | None:
        """Return what a text says, None for an empty one; raises ValueError."""
        text = text.strip()
        if not text:
            return None
        if text in self._meanings:
            return self._meanings[text]
        try:
            return to_number(parse(text))
        except ValueError as error:
            if self._keeps_text:
                return text
            raise ValueError(f"{error}; say what it means with `values`, or let it be text with `text: true`") from None


def document(payload: bytes) -> Any:
    """Read JSON; raises ValueError."""
    try:
        return parse_json(payload, repair=False)
    except ValueError as error:
        raise ValueError(f"{shortened(payload.decode(errors='replace'))!r} is no JSON: {error}") from error


def value_at(found: object, words: Words) -> Value | None:
    """Return what was found in JSON as a value, None when nothing was; raises ValueError."""
    if found is None:
        return None
    if isinstance(found, bool):
        return words.value("true" if found else "false")
    return words.value(found) if isinstance(found, str) else reading(found)


def shortened(text: str) -> str:
    """Cut a text that came from outside to what a message has room for."""
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
