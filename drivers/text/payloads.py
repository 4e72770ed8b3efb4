"""Values out of what devices publish: a bare number or word, or places in JSON that JMESPath names."""

import json
import math
from collections.abc import Mapping
from typing import Any, Final

from drivers.driver import DriverError
from drivers.text.decimals import parse, to_number
from protocol.printable import visible
from protocol.readings import Value

MEANINGS: Final[Mapping[str, int | float]] = {"true": 1, "false": 0}
"""Words that are numbers everywhere: JSON's own."""

_QUOTED: Final = 40  # characters of a payload in a message: enough to know it again
_NAMED: Final = 12  # keys of an object in a message


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
        return json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{shortened(payload.decode(errors='replace'))!r} is no JSON: {error}") from error


def value_at(found: object, words: Words) -> Value | None:
    """Return what was found in JSON as a value, None when nothing was; raises ValueError."""
    if found is None:
        return None
    if isinstance(found, bool):
        return words.value("true" if found else "false")
    if isinstance(found, int | float):
        return _finite(found)
    if isinstance(found, str):
        return words.value(found)
    kind = "an object" if isinstance(found, dict) else "a list"
    raise ValueError(f"{kind} is there, and no value")


def keys_of(found: object) -> str:
    """Name what is in JSON, for whoever looked for something else."""
    if not isinstance(found, dict):
        return f"it is {visible(shortened(json.dumps(found)))}"
    names = sorted(map(str, found))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"it has {', '.join(visible(shortened(name)) for name in names[:_NAMED]) or 'nothing'}{more}"


def shortened(text: str) -> str:
    """Cut a text that came from outside to what a message has room for."""
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"


def compiled(path: str, library: Any) -> Any:
    """Read a path of JMESPath; raises DriverError. `library` is the module `jmespath`."""
    try:
        return library.compile(path)
    except library.exceptions.JMESPathError as error:
        raise DriverError(f"{path!r} is no path: {' '.join(str(error).split())}", "see jmespath.org") from error


def _finite(number: float) -> int | float:
    try:
        is_finite = math.isfinite(number)
    except OverflowError as error:  # a whole number of more than 308 digits
        raise ValueError("the number is too large") from error
    if not is_finite:
        raise ValueError(f"{number} is not a finite number")
    return number
