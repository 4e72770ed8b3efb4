"""What Python 2's library had in other places, or with other values, than today's."""

import builtins
import errno
import importlib
import itertools
import math
import operator
import os
import string
import subprocess
import sys
import time
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

_TEXT: Final = {"encoding": "utf-8", "errors": "surrogateescape"}


class _Popen(subprocess.Popen[Any]):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **{**_TEXT, **named})


def _make_subprocess() -> types.ModuleType:
    module = types.ModuleType("subprocess", subprocess.__doc__)
    check_output: Callable[..., Any] = subprocess.check_output
    more = {"Popen": _Popen, "check_output": lambda *values, **named: check_output(*values, **{**_TEXT, **named})}
    vars(module).update({**vars(subprocess), **more})
    return module


_OTHERS: Final = {"math": MATH, "subprocess": _make_subprocess()}
"""Modules whose values were others; what programs write to and read from those that they start was text."""

# Where modules are today that a program imports by their names there, with all in them that is called as it was.
_MOVED: Final = {
    "Queue": "queue",
    "SocketServer": "socketserver",
    "StringIO": "io",
    "cPickle": "pickle",
    "cStringIO": "io",
    "commands": "subprocess",
    "exceptions": "builtins",
    "httplib": "http.client",
    "thread": "_thread",
    "urlparse": "urllib.parse",
}
_URLS: Final = ("urllib.error", "urllib.parse", "urllib.request")

_METHODS_OF_TEXT: Final = (
    *("capitalize", "center", "count", "find", "index", "ljust", "lower", "lstrip", "replace", "rfind", "rindex"),
    *("rjust", "rstrip", "split", "strip", "swapcase", "upper"),
)

# What modules had, too, and have no more.
_ADDED: Final[dict[types.ModuleType, dict[str, Any]]] = {
    itertools: {
        "ifilter": builtins.filter,
        "ifilterfalse": itertools.filterfalse,
        "imap": builtins.map,
        "izip": builtins.zip,
        "izip_longest": itertools.zip_longest,
    },
    operator: {"isCallable": callable},
    os: {"errno": errno, "getcwdu": os.getcwd},
    string: {
        **{name: getattr(str, name) for name in _METHODS_OF_TEXT},
        "atof": float,
        "atoi": int,
        "atol": int,
        "join": lambda words, between=" ": between.join(words),
        "letters": string.ascii_letters,
        "lowercase": string.ascii_lowercase,
        "uppercase": string.ascii_uppercase,
        "zfill": lambda value, width: str(value).zfill(width),
    },
    sys: {"maxint": sys.maxsize, "setdefaultencoding": lambda _: None},
    time: {"clock": time.process_time},
}


def add_what_was_there() -> None:
    """Give the modules of this process the names that they had."""
    for module, names in _ADDED.items():
        vars(module).update(names)


def _make_config_parser() -> types.ModuleType:
    module = importlib.import_module("configparser")
    parser = module.RawConfigParser
    parser.readfp = parser.read_file
    vars(module)["SafeConfigParser"] = module.ConfigParser
    return module


def _make_urls() -> types.ModuleType:
    module = types.ModuleType("urllib")
    for part in _URLS:
        vars(module).update(vars(importlib.import_module(part)))
    return module


# What has to be put together, when it is imported.
_MADE: Final = {"ConfigParser": _make_config_parser, "urllib": _make_urls, "urllib2": _make_urls}


def reloaded(module: types.ModuleType) -> types.ModuleType:
    """Import a module again; one of Python's own stays as it is."""
    return module if module.__name__ in sys.stdlib_module_names else importlib.reload(module)


def imported(name: str, *more: Any, **named: Any) -> Any:
    """Import a module for a program, in the place of `__import__`; raises ImportError."""
    if name in _OTHERS:
        return _OTHERS[name]
    if name in _MADE:
        return _MADE[name]()
    return importlib.import_module(_MOVED[name]) if name in _MOVED else __import__(name, *more, **named)
