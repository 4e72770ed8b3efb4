"""What programs that were written for Python 2 rely on, with the future imports that the original system made for them.

`None < 20`, `max([None, 5])`, `round(2.5)` and `"%s" % 0.1` have values there that they do not have here. `translated`
turns such a program into one in which they have; `NAMES` are the functions that it then has to find. What is left as
it is stands in docs/drivers.md.
"""

import ast
import builtins
import functools
import math
import re
from collections.abc import Callable, Iterable, Iterator
from decimal import ROUND_HALF_UP, Context, Decimal
from itertools import zip_longest
from typing import Any, Final

from drivers.calculations.placeholders import pieces_of_program
from drivers.calculations.python2_library import imported

_PLACES: Final = Context(prec=400, traps=[])
_STR_DIGITS: Final = 12  # of a float as text

_PACKED: Final = "_tuple__of__"


def _packed(names: str) -> str:
    """Make one parameter's name of those of a parameter that is a tuple."""
    return _PACKED + "__".join(re.findall(r"\w+", names))


# Spellings that are no Python any more, in the parts of a program that are neither literals nor comments.
_SPELLINGS: Final[tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = (
    (re.compile(r"^[ \t]*\t", re.MULTILINE), lambda found: found[0].expandtabs()),  # blanks and tabs were mixed
    (re.compile(r"(?<![\w.])(?<![eE][+-])0([0-7]+)[lL]?(?![\w.])"), r"0o\1"),
    (re.compile(r"(?<![\w.])(0[xX][0-9a-fA-F]+|[0-9]+)[lL](?!\w)"), r"\1"),
    (re.compile(r"<>"), "!="),
    (re.compile(r"\bexcept[ \t]+([\w.]+|\([\w., \t]+\))[ \t]*,[ \t]*(\w+)[ \t]*:"), r"except \1 as \2:"),
    (re.compile(r"\blambda[ \t]*\(([\w, \t]+)\)[ \t]*:"), lambda found: f"lambda {_packed(found[1])}:"),
    (re.compile(r"\braise[ \t]+([\w.]+)[ \t]*,"), r"raise _raised(\1) |"),
)


def translated(program: str, name: str) -> tuple[ast.Module, frozenset[str]]:
    """Parse a program; also name its variables that are `global`. Raises SyntaxError."""
    tree = _Translation().visit(ast.parse(respelled(program), name))
    shared = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    return ast.fix_missing_locations(tree), frozenset(shared)


def respelled(program: str) -> str:
    """Write a program as Python has it today, line by line."""
    return "".join(_respelled(piece) if is_code else piece for piece, is_code in pieces_of_program(program))


def _respelled(piece: str) -> str:
    for spelling, now in _SPELLINGS:
        piece = spelling.sub(now, piece)
    return piece


_ORDERING: Final = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_KEEPS_OPERANDS: Final = (*_ORDERING, ast.Eq, ast.NotEq)


class _Translation(ast.NodeTransformer):
    """Lets comparisons, `%` and some methods go through the functions below."""

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if any(isinstance(op, _ORDERING) for op in node.ops) and all(
            isinstance(op, _KEEPS_OPERANDS) for op in node.ops
        ):
            node.left = _call("_ordered", node.left)
            node.comparators = [_call("_ordered", each) for each in node.comparators]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        return _call("_modulo", node.left, node.right) if isinstance(node.op, ast.Mod) else node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self.generic_visit(node)
        name = node.args.args[0].arg if node.args.args else ""
        if name.startswith(_PACKED):
            unpacking = ast.parse(f"lambda {', '.join(name.removeprefix(_PACKED).split('__'))}: 0", mode="eval").body
            unpacking.body = node.body  # type: ignore[attr-defined] # it is a lambda
            node.body = ast.Call(unpacking, [ast.Starred(ast.Name(name, ast.Load()), ast.Load())], [])
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Mod) and isinstance(node.target, ast.Name):
            before = ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
            value = _call("_modulo", before, node.value)
            return ast.copy_location(ast.Assign([node.target], value), node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if node.attr in _METHODS and isinstance(node.ctx, ast.Load):
            return _call("_method", node.value, ast.Constant(node.attr))
        return node


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    call = ast.Call(ast.Name(name, ast.Load()), list(arguments), [])
    return ast.copy_location(call, arguments[0])


def _rank(value: object) -> tuple[int, str]:
    """Order kinds of values: None, numbers, all else by the name of its type."""
    if value is None:
        return 0, ""
    if isinstance(value, int | float):
        return 1, ""
    if isinstance(value, str):
        return 2, "unicode"
    return 2, "str" if isinstance(value, bytes) else type(value).__name__


def less(one: Any, other: Any) -> bool:
    """Tell whether one value comes before another of any kind."""
    try:
        return bool(one < other)
    except TypeError:
        if isinstance(one, complex) or isinstance(other, complex):
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


def _round(number: float, digits: int = 0) -> float:
    """Round half away from zero, as a float."""
    value = math.ldexp(number, 0)  # a float of what is a number, and not of what is the text of one
    if value in {float("inf"), float("-inf")} or value != value:  # noqa: PLR0124 - NaN
        return value
    exact = Decimal(value).quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_UP, _PLACES)
    return float(exact) if exact.is_finite() else value


class _Short(float):
    """A float as text has 12 digits."""

    def __str__(self) -> str:
        return text_of(float(self))

    def __format__(self, spec: str) -> str:
        return format(float(self), spec) if spec else str(self)


def text_of(value: object) -> str:
    """Write a value as `print` and `str` did."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if type(value) is not float:
        return str(value)
    text = f"{value:.{_STR_DIGITS}g}"
    if re.search(r"[.en]", text):
        return text
    if len(text.lstrip("-")) < _STR_DIGITS:  # else there is no room for the zero after the point
        return f"{text}.0"
    digits, exponent = f"{value:.{_STR_DIGITS - 1}e}".split("e")
    return f"{digits.rstrip('0').rstrip('.')}e{exponent}"


def _shown(value: Any) -> Any:
    if isinstance(value, bytes):
        return text_of(value)
    return _Short(value) if type(value) is float else value


def _modulo(one: Any, other: Any) -> Any:
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


class _LongKind(type):
    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, int)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is int

    def __hash__(cls) -> int:
        return hash(int)

    def __call__(cls, *arguments: Any) -> int:
        return int(*arguments)


class _Long(metaclass=_LongKind):
    """The type of large whole numbers."""


def _map(function: Callable[..., Any] | None, *values: Iterable[Any]) -> list[Any]:
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


def _format(text: str) -> Callable[..., str]:
    return lambda *values, **named: text.format(*map(_shown, values), **{k: _shown(v) for k, v in named.items()})


def _message(error: BaseException) -> Any:
    return getattr(error, "message", error.args[0] if len(error.args) == 1 else "")


_METHODS: Final[dict[str, tuple[type, Callable[[Any], Any]]]] = {
    "has_key": (dict, lambda table: table.__contains__),
    "iteritems": (dict, lambda table: lambda: iter(table.items())),
    "iterkeys": (dict, lambda table: lambda: iter(table)),
    "itervalues": (dict, lambda table: lambda: iter(table.values())),
    "items": (dict, lambda table: lambda: list(table.items())),
    "keys": (dict, lambda table: lambda: list(table)),
    "values": (dict, lambda table: lambda: list(table.values())),
    "next": (Iterator, lambda values: values.__next__),
    "sort": (list, _sort),
    "decode": (str, lambda text: lambda *_: text),
    "format": (str, _format),
    "message": (BaseException, _message),
}


def _method(value: Any, name: str) -> Any:
    kind, method = _METHODS[name]
    return method(value) if isinstance(value, kind) else getattr(value, name)


class _Raised:
    """What `raise kind, value` raises."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def __or__(self, value: Any) -> Any:
        if value is None or isinstance(value, self._kind):
            return value or self._kind()
        return self._kind(*value) if isinstance(value, tuple) else self._kind(value)


NAMES: Final[dict[str, Any]] = {
    "__builtins__": {**vars(builtins), "__import__": imported},
    "_raised": _Raised,
    "_ordered": Ordered,
    "_modulo": _modulo,
    "_method": _method,
    "basestring": _Text,
    "cmp": _cmp,
    "file": open,
    "filter": _filter,
    "long": _Long,
    "map": _map,
    "max": _max,
    "min": _min,
    "range": lambda *limits: list(range(*limits)),
    "reduce": functools.reduce,
    "round": _round,
    "sorted": _sorted,
    "str": _Text,
    "unichr": chr,
    "unicode": _Text,
    "xrange": range,
    "zip": lambda *values: list(zip(*values, strict=False)),
}
"""What such a program finds beside Python's own names, and in their place."""
