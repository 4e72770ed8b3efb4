"""What programs that were written for Python 2 rely on, with the future imports that the original system made for them.

`None < 20`, `max([None, 5])`, `round(2.5)` and `"%s" % 0.1` have values there that they do not have here.
`drivers.calculations.python2_syntax` turns such a program into one in which they have; `NAMES` are the functions that
it then has to find. What is left as it is stands in docs/drivers.md.
"""

import builtins
import codecs
import functools
import math
import re
import string
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from itertools import zip_longest
from typing import Any, Final

from drivers.calculations.python2_library import imported, reloaded

_PLACES: Final = Context(prec=400, traps=[])
_STR_DIGITS: Final = 12  # of a float as text


def _rank(value: object) -> tuple[int, str]:
    """Order kinds of values: None, numbers, all else by the name of its type."""
    if value is None:
        return 0, ""
    if isinstance(value, int | float):
        return 1, ""
    if isinstance(value, str):
        return 2, "unicode"
    return 2, "str" if isinstance(value, bytes) else type(value).__name__


def _have_no_order(one: object, other: object) -> bool:
    """Tell what has no order there, or one that is not known here."""
    kinds = {type(one), type(other)}
    return complex in kinds or kinds in ({dict}, {str, bytes})


def less(one: Any, other: Any) -> bool:
    """Tell whether one value comes before another of any kind."""
    try:
        return bool(one < other)
    except TypeError:
        if _have_no_order(one, other):
            raise
    if isinstance(one, list | tuple) and type(one) is type(other):
        found = next((pair for pair in zip(one, other, strict=False) if pair[0] != pair[1]), None)
        return less(*found) if found is not None else len(one) < len(other)
    return _rank(one) < _rank(other)


class Ordered:
    """A value that can be compared with any other."""

    __hash__ = None  # type: ignore[assignment] # it is compared and thrown away
    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return bool(self.value == _bare(other))

    def __ne__(self, other: object) -> bool:
        return bool(self.value != _bare(other))

    def __lt__(self, other: object) -> bool:
        return less(self.value, _bare(other))

    def __gt__(self, other: object) -> bool:
        return less(_bare(other), self.value)

    def __le__(self, other: object) -> bool:
        return self < other or self == other

    def __ge__(self, other: object) -> bool:
        return self > other or self == other


def _bare(value: object) -> object:
    return value.value if isinstance(value, Ordered) else value


def _by(key: Callable[[Any], Any] | None) -> Callable[[Any], Ordered]:
    return lambda value: Ordered(value if key is None else key(value))


def _min(*values: Any, key: Callable[[Any], Any] | None = None) -> Any:
    return builtins.min(*values, key=_by(key))


def _max(*values: Any, key: Callable[[Any], Any] | None = None) -> Any:
    return builtins.max(*values, key=_by(key))


def _cmp(one: Any, other: Any) -> int:
    return -1 if less(one, other) else int(less(other, one))


def _sorted(
    values: Iterable[Any],
    cmp: Callable[[Any, Any], int] | None = None,
    key: Callable[[Any], Any] | None = None,
    reverse: bool = False,  # noqa: FBT001, FBT002 - as it was there
) -> list[Any]:
    compare = functools.cmp_to_key(cmp or _cmp)
    return builtins.sorted(values, key=lambda value: compare(value if key is None else key(value)), reverse=reverse)


def _round(number: float, ndigits: int = 0) -> float:
    """Round half away from zero, as a float."""
    value = math.ldexp(number, 0)  # a float of what is a number, and not of what is the text of one
    if value in {float("inf"), float("-inf")} or value != value:  # noqa: PLR0124 - NaN
        return value
    exact = Decimal(value).quantize(Decimal(1).scaleb(-int(ndigits)), ROUND_HALF_UP, _PLACES)
    if not exact.is_finite():
        return value
    rounded = float(exact)
    if math.isinf(rounded):
        raise OverflowError("rounded value too large to represent")
    return rounded


def _power(base: Any, exponent: Any, *modulus: Any) -> Any:
    """Raise to a power; what is no real number is none."""
    value = pow(base, exponent, *modulus)
    if isinstance(value, complex) and not isinstance(base, complex) and not isinstance(exponent, complex):
        raise ValueError("negative number cannot be raised to a fractional power")  # noqa: TRY004 - as it was
    return value


_NO_FORMAT: Final[object] = object.__format__
_HAS_PRECISION_OR_TYPE: Final = re.compile(r"\.\d+.?$|[a-zA-Z%]$")


class _Short(float):
    """A float as text has 12 digits."""

    def __str__(self) -> str:
        return text_of(float(self))

    def __index__(self) -> int:  # for %x
        return int(self)


class _Formatter(string.Formatter):
    """Fills in fields as `format` did."""

    def format_field(self, value: Any, format_spec: str) -> Any:
        return _formatted(value, format_spec)

    def convert_field(self, value: Any, conversion: Any) -> Any:
        return text_of(value) if conversion == "s" else super().convert_field(value, conversion)


def _formatted(value: Any, spec: str = "") -> str:
    if type(value) is float:
        return format(value, spec if _HAS_PRECISION_OR_TYPE.search(spec) else f"{spec}.{_STR_DIGITS}")
    if isinstance(value, bytes) or type(value).__format__ is _NO_FORMAT:
        value = text_of(value)
    return format(value, spec)


def text_of(value: object) -> str:
    """Write a value as `print` and `str` did."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return format(value, f".{_STR_DIGITS}") if type(value) is float else str(value)


def _shown(value: Any) -> Any:
    if isinstance(value, bytes):
        return text_of(value)
    return _Short(value) if type(value) is float else value


def modulo(one: Any, other: Any) -> Any:
    """Fill in a text, or give the rest of a division."""
    if isinstance(one, str):
        if isinstance(other, tuple):
            return one % tuple(map(_shown, other))
        return one % ({key: _shown(each) for key, each in other.items()} if isinstance(other, dict) else _shown(other))
    return one % other


class _TextKind(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, str)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is str

    def __hash__(cls) -> int:
        return hash(str)

    def __call__(cls, value: object = "", *more: Any) -> str:
        return str(value, *more) if more else text_of(value)

    def __getattr__(cls, name: str) -> Any:
        return getattr(str, name)


class _Text(metaclass=_TextKind):
    """The type of text, also to ask whether something is text."""


def _number(kind: Callable[..., Any]) -> Callable[..., Any]:
    """Make a number of text in which `_` was no digit."""

    def number(*arguments: Any, **named: Any) -> Any:
        if arguments and isinstance(arguments[0], str) and "_" in arguments[0]:
            raise ValueError(f"invalid literal for a number: {arguments[0]!r}")
        return kind(*arguments, **named)

    return number


_whole: Final = _number(int)
_NUMBERS: Final[Mapping[Any, Callable[..., Any]]] = {int: _whole, float: _number(float)}


def _converting(function: Any) -> Any:
    """Return what makes numbers as this did, if it makes numbers at all: a program may have an `int` of its own."""
    return _NUMBERS.get(function, function) if isinstance(function, type) else function


class _LongKind(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, int)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is int

    def __hash__(cls) -> int:
        return hash(int)

    def __call__(cls, *arguments: Any) -> Any:
        return _whole(*arguments)


class _Long(metaclass=_LongKind):
    """The type of large whole numbers."""


def _map(function: Callable[..., Any] | None, *values: Iterable[Any]) -> list[Any]:
    function = _converting(function)
    if len(values) == 1:
        return list(values[0]) if function is None else [function(value) for value in values[0]]
    rows = list(zip_longest(*values))
    return rows if function is None else [function(*row) for row in rows]


def _filter(function: Callable[[Any], Any] | None, values: Iterable[Any]) -> Any:
    kept = builtins.filter(function, values)
    if isinstance(values, str):
        return "".join(kept)
    return tuple(kept) if isinstance(values, tuple) else list(kept)


def _sort(values: list[Any]) -> Callable[..., None]:
    def sort(*arguments: Any, **named: Any) -> None:
        values[:] = _sorted(values, *arguments, **named)

    return sort


_OF_BYTES: Final = frozenset({"hex", "base64", "zlib", "bz2"})
"""The codecs that made text of text, when text was bytes."""


def _recoded(value: str | bytes, encoding: str, way: Callable[..., bytes]) -> str:
    return way(value.encode("latin-1") if isinstance(value, str) else value, encoding).decode("latin-1")


def _encode(value: str | bytes) -> Callable[..., Any]:
    def encode(encoding: str = "ascii", *more: Any) -> Any:
        if encoding in _OF_BYTES:
            return _recoded(value, encoding, codecs.encode)
        return value.encode(encoding, *more) if isinstance(value, str) else value

    return encode


def _decode(value: str | bytes) -> Callable[..., str]:
    def decode(encoding: str = "ascii", *more: Any) -> str:
        if encoding in _OF_BYTES:
            return _recoded(value, encoding, codecs.decode)
        return value if isinstance(value, str) else value.decode(encoding, *more)

    return decode


def _message(error: BaseException) -> Any:
    return getattr(error, "message", error.args[0] if len(error.args) == 1 else "")


METHODS: Final[dict[str, tuple[type | tuple[type, ...], Callable[[Any], Any]]]] = {
    "has_key": (Mapping, lambda table: table.__contains__),
    "iteritems": (dict, lambda table: lambda: iter(table.items())),
    "iterkeys": (dict, lambda table: lambda: iter(table)),
    "itervalues": (dict, lambda table: lambda: iter(table.values())),
    "items": (dict, lambda table: lambda: list(table.items())),
    "keys": (dict, lambda table: lambda: list(table)),
    "values": (dict, lambda table: lambda: list(table.values())),
    "next": (Iterator, lambda values: values.__next__),
    "sort": (list, _sort),
    "viewitems": (dict, lambda table: table.items),
    "viewkeys": (dict, lambda table: table.keys),
    "viewvalues": (dict, lambda table: table.values),
    "decode": ((str, bytes), _decode),
    "encode": ((str, bytes), _encode),
    "format": (str, lambda text: functools.partial(_Formatter().format, text)),
    "message": (BaseException, _message),
}


def _method(value: Any, name: str) -> Any:
    kind, method = METHODS[name]
    is_its_own = isinstance(getattr(type(value), name, None), types.FunctionType)
    return method(value) if isinstance(value, kind) and not is_its_own else getattr(value, name)


class _Raised:
    """What `raise kind, value` raises."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def __or__(self, value: Any) -> Any:
        if value is None or isinstance(value, self._kind):
            return value or self._kind()
        return self._kind(*value) if isinstance(value, tuple) else self._kind(value)


_RENAMED: Final = {"__nonzero__": "__bool__", "next": "__next__"}
_COMPARISONS: Final[dict[str, Callable[[int], bool]]] = {
    "__lt__": lambda order: order < 0,
    "__le__": lambda order: order <= 0,
    "__gt__": lambda order: order > 0,
    "__ge__": lambda order: order >= 0,
    "__eq__": lambda order: order == 0,
    "__ne__": lambda order: order != 0,
}


def _compared(holds: Callable[[int], bool]) -> Callable[[Any, Any], bool]:
    return lambda one, other: holds(one.__cmp__(other))


def _build_class(*arguments: Any, **named: Any) -> Any:
    """Make a class; its methods that Python calls by other names today have these too."""
    made = builtins.__build_class__(*arguments, **named)
    own = frozenset(vars(made))
    more = {new: getattr(made, old) for old, new in _RENAMED.items() if old in own}
    if "__cmp__" in own:
        more |= {name: _compared(holds) for name, holds in _COMPARISONS.items()}
    for name in more.keys() - own:
        setattr(made, name, more[name])
    return made


_BUILTINS: Final[dict[str, Any]] = {
    **vars(builtins),
    "__build_class__": _build_class,
    "__import__": imported,
    "_raised": _Raised,
    "_ordered": Ordered,
    "_modulo": modulo,
    "_method": _method,
    "_converting": _converting,
    "_power": _power,
    "StandardError": Exception,
    "apply": lambda function, values=(), named=None: function(*values, **(named or {})),
    "basestring": _Text,
    "cmp": _cmp,
    "coerce": lambda one, other: (one + 0 * other, other + 0 * one),
    "file": open,
    "filter": _filter,
    "format": _formatted,
    "intern": sys.intern,
    "long": _Long,
    "map": _map,
    "max": _max,
    "min": _min,
    "oct": lambda number: f"{'-' if number < 0 else ''}0{abs(number):o}" if number else "0",
    "pow": _power,
    "range": lambda *limits: list(range(*limits)),
    "raw_input": input,
    "reduce": functools.reduce,
    "reload": reloaded,
    "round": _round,
    "sorted": _sorted,
    "str": _Text,
    "unichr": chr,
    "unicode": _Text,
    "xrange": range,
    "zip": lambda *values: list(zip(*values, strict=False)),
}

NAMES: Final[dict[str, Any]] = {"__builtins__": _BUILTINS}
"""What such a program finds: Python's own names, and others beside them and in their place."""
