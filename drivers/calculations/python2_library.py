"""What Python 2's library had in other places, or with other values, than today's."""

import importlib
import math
import types
from collections.abc import Callable
from typing import Any, Final


def _as_float(whole: Callable[[float], int]) -> Callable[[float], float]:
    def rounded(number: float) -> float:
        value = math.ldexp(number, 0)
        return math.copysign(whole(value), value) if math.isfinite(value) else value

    return rounded


def _make_math() -> types.ModuleType:
    module = types.ModuleType("math", math.__doc__)
    vars(module).update({**vars(math), "ceil": _as_float(math.ceil), "floor": _as_float(math.floor)})
    return module


MATH: Final = _make_math()
"""The module `math`, whose `floor` and `ceil` gave floats."""

# Where modules are today that a program imports by their names there, with all in them that is called as it was.
_MOVED: Final = {
    "ConfigParser": "configparser",
    "Queue": "queue",
    "SocketServer": "socketserver",
    "StringIO": "io",
    "cPickle": "pickle",
    "cStringIO": "io",
    "commands": "subprocess",
    "httplib": "http.client",
    "thread": "_thread",
    "urllib2": "urllib.request",
    "urlparse": "urllib.parse",
}


def imported(name: str, *more: Any, **named: Any) -> Any:
    """Import a module for a program, in the place of `__import__`; raises ImportError."""
    if name == MATH.__name__:
        return MATH
    return importlib.import_module(_MOVED[name]) if name in _MOVED else __import__(name, *more, **named)
