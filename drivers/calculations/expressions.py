"""Expressions over the values of sensors: Jinja2's, in its sandbox, with numbers alone.

What an expression takes and gives is a number, and what it takes to calculate is bounded: whole numbers beyond 64 bits
are floats, text is not calculated with, and there are no loops.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from drivers.libraries import library
from protocol.codifiers import is_codifier

MAX_CHARACTERS: Final = 1000  # of an expression: nesting is bounded by it
_QUOTED: Final = 60  # characters of an expression in a message
_LARGEST: Final = 2**64
_MOST_EXACT: Final = 64  # exponent of a power that is calculated exactly: at most 4,096 bits, which then are a float

Number = int | float
Values = Callable[[str], Number]
"""Gives the value of a sensor by its codifier; what it raises, `calculate` raises."""

VALUE: Final = "value"
"""The function that gives the value of a sensor whose codifier is no name: value('1A')."""


class ExpressionError(ValueError):
    """An expression that is none, or has no value."""


def _pow(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and 0 <= exponent <= _MOST_EXACT:
        whole: int = base**exponent
        return whole
    return math.pow(base, exponent)


_OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": lambda one, other: one / other,
    "//": lambda one, other: one // other,
    "%": lambda one, other: one % other,
    "**": _pow,
}

FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    **{
        name: getattr(math, name)
        for name in (
            *("acos", "asin", "atan", "atan2", "ceil", "cos", "degrees", "exp", "floor", "hypot"),
            *("log", "log10", "log2", "radians", "sin", "sqrt", "tan"),
        )
    },
    "abs": abs,
    "float": float,
    "int": int,
    "max": max,
    "min": min,
    "pow": _pow,
    "round": round,
}
CONSTANTS: Final[Mapping[str, float]] = {"pi": math.pi, "e": math.e}


def inputs(expression: str) -> frozenset[str]:
    """Return the codifiers whose values an expression uses; raises ExpressionError, and DriverError without Jinja2."""
    tree = _parsed(expression)
    nodes = library("jinja2.nodes", "python")
    whole = nodes.Template([nodes.Output([tree])])
    whole.set_environment(_environment())
    called = {_called(call, nodes) for call in whole.find_all(nodes.Call) if _is_value(call.node, nodes)}
    named = library("jinja2.meta", "python").find_undeclared_variables(whole)
    return frozenset(called | {_codifier(name) for name in named if name not in _NAMES})


def compiled(expression: str) -> Callable[[Values], Number]:
    """Return what calculates an expression; raises ExpressionError, and DriverError without Jinja2."""
    names = [name for name in inputs(expression) if name.isidentifier()]
    calculate = _environment().compile_expression(expression, undefined_to_none=False)

    def value(values: Values) -> Number:
        def valued(codifier: str) -> Number:
            return _bounded(values(codifier))

        try:
            return _finite(calculate({name: valued(name) for name in names}, **{VALUE: valued}))
        except ExpressionError:
            raise
        except Exception as error:  # whatever an expression may run into, it has no value then
            raise ExpressionError(_words(error)) from error

    return value


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


_made: list[Any] = []  # the environment, once it is needed


def _environment() -> Any:
    if not _made:
        _made.append(_make_environment())
    return _made[0]


def _make_environment() -> Any:
    sandbox, jinja2 = library("jinja2.sandbox", "python"), library("jinja2", "python")

    class Environment(sandbox.ImmutableSandboxedEnvironment):  # type: ignore[misc, name-defined] # it comes late
        """Calculates with numbers, within bounds."""

        intercepted_binops = frozenset(_OPERATORS)

        def call_binop(self, _context: Any, operator: str, left: Any, right: Any) -> Any:
            return _bounded(_OPERATORS[operator](_bounded(left), _bounded(right)))

        def getattr(self, obj: Any, attribute: str) -> Any:
            return self.unsafe_undefined(obj, attribute)  # no method is needed, and 'x'.ljust(10**9) takes a GB

        def getitem(self, obj: Any, argument: Any) -> Any:
            is_place = isinstance(argument, int)
            return super().getitem(obj, argument) if is_place else self.unsafe_undefined(obj, argument)

    environment = Environment(undefined=jinja2.StrictUndefined, optimized=False, autoescape=False)
    environment.filters.clear()
    environment.tests.clear()
    environment.globals = {**{name: _checked(one) for name, one in FUNCTIONS.items()}, **CONSTANTS}
    return environment


_NAMES: Final = frozenset({*FUNCTIONS, *CONSTANTS, VALUE})


def _checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function take numbers, or lists of them, and give a number."""

    def call(*arguments: Any) -> Number:
        taken = [
            [_bounded(each) for each in argument] if isinstance(argument, list | tuple) else _bounded(argument)
            for argument in arguments
        ]
        return _bounded(function(*taken))

    return call


def _bounded(value: object) -> Number:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST else float(value)
    raise ExpressionError(f"{type(value).__name__} is no number to calculate with")


def _finite(value: object) -> Number:
    number = _bounded(value)
    if not math.isfinite(number):
        raise ExpressionError(f"the result is {number}")
    return number


def _parsed(expression: str) -> Any:
    if len(expression) > MAX_CHARACTERS:
        raise ExpressionError(f"it has more than {MAX_CHARACTERS} characters")
    jinja2 = library("jinja2", "python")
    parser_module = library("jinja2.parser", "python")
    try:
        parser = parser_module.Parser(_environment(), expression, state="variable")
        tree = parser.parse_expression()
        if not parser.stream.eos:
            raise ExpressionError(
                f"{_shortened(expression)}: it goes on after its end, at {parser.stream.current.value!r}"
            )
        tree.set_environment(_environment())
        _environment().compile_expression(expression)
    except jinja2.TemplateError as error:
        raise ExpressionError(f"{_shortened(expression)}: {error.message}") from error
    except (RecursionError, SyntaxError, ValueError) as error:
        if isinstance(error, ExpressionError):
            raise
        raise ExpressionError(f"{_shortened(expression)}: {_words(error)}") from error
    return tree


def _shortened(expression: str) -> str:
    return repr(expression if len(expression) <= _QUOTED else f"{expression[:_QUOTED]}…")


def _is_value(node: Any, nodes: Any) -> bool:
    return isinstance(node, nodes.Name) and node.name == VALUE


def _called(call: Any, nodes: Any) -> str:
    """Return the codifier in value('1A')."""
    arguments = call.args
    if len(arguments) != 1 or call.kwargs or not isinstance(arguments[0], nodes.Const):
        raise ExpressionError("value() takes one codifier in quotes: value('1A')")
    return _codifier(arguments[0].value)


def _codifier(name: object) -> str:
    if not isinstance(name, str) or not is_codifier(name):
        raise ExpressionError(f"{name!r} is neither a codifier nor one of {', '.join(sorted(_NAMES))}")
    return name
