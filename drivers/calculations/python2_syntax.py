"""A program of Python 2 as one of today, with the same lines.

What is no Python any more is respelled in the text. What has another value today goes through the functions of
`drivers.calculations.python2`. Two names that Python takes away today stay: that of a list comprehension, and that of
an error that was caught.
"""

import ast
import copy
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from drivers.calculations.placeholders import pieces_of_program
from drivers.calculations.python2 import METHODS

_PACKED: Final = "_tuple"
_DOT: Final = "\u00b7"  # may be in a name today, and was in none then


def _packed(names: str) -> str:
    """Make one name of those in parentheses, which stand where a single one must today."""
    return _DOT.join([_PACKED, *re.findall(r"\w+", names)]) if "," in names else names


def _unpacked(name: str | None) -> list[str]:
    packed, *names = (name or "").split(_DOT)
    return names if packed == _PACKED else []


_PARAMETERS: Final = re.compile(r"(?:\bdef[ \t]+\w+[ \t]*\(|\blambda\b)[^:]*")
_TUPLE_PARAMETER: Final = re.compile(r"(\bdef[ \t]+\w+[ \t]*\(|\blambda|,)[ \t]*\(([\w, \t]+)\)")
_CAUGHT: Final = r"\bexcept[ \t]+([\w.]+|\([\w., \t]+\))[ \t]*,[ \t]*"


def _with_names(parameters: re.Match[str]) -> str:
    return _TUPLE_PARAMETER.sub(lambda found: f"{found[1]} {_packed(found[2])}", parameters[0])


# Spellings that are no Python any more, in the parts of a program that are neither literals nor comments.
_SPELLINGS: Final[tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = (
    (re.compile(r"^[ \t]*\t", re.MULTILINE), lambda found: found[0].expandtabs()),  # blanks and tabs were mixed
    (re.compile(r"(?<![\w.])(?<![eE][+-])0([0-7]+)[lL]?(?![\w.])"), r"0o\1"),
    (re.compile(r"(?<![\w.])(0[xX][0-9a-fA-F]+|[0-9]+)[lL](?!\w)"), r"\1"),
    (re.compile(r"<>"), "!="),
    (re.compile(_CAUGHT + r"(\w+)[ \t]*:"), r"except \1 as \2:"),
    (re.compile(_CAUGHT + r"\(([\w, \t]+)\)[ \t]*:"), lambda found: f"except {found[1]} as {_packed(found[2])}:"),
    (_PARAMETERS, _with_names),
    (re.compile(r"\braise[ \t]+([\w.]+)[ \t]*,"), r"raise _raised(\1) |"),
)
_UNICODE_RAW: Final = re.compile(r"[uU](?=[rR]['\"])")


def _run(mode: str) -> Callable[..., Any]:
    """Make what runs text that a program has made or read itself, by default with the names of who calls it."""
    run: Callable[..., Any] = {"eval": eval, "exec": exec}[mode]

    def run_text(program: Any, names: Any = None, local: Any = None) -> Any:
        caller = sys._getframe(1)  # noqa: SLF001 - whose names these are, Python's own knows without asking
        if names is None:
            names, local = caller.f_globals, caller.f_locals
        if isinstance(program, str):
            tree = _Translation().visit(ast.parse(respelled(program.strip(" \t")), "<string>", mode))
            program = compile(ast.fix_missing_locations(tree), "<string>", mode)
            names.setdefault("__builtins__", caller.f_globals["__builtins__"])
        return run(program, names, names if local is None else local)

    return run_text


RUNNING: Final[dict[str, Any]] = {"eval": _run("eval"), "exec": _run("exec")}
"""Python's own `eval` and `exec`, for text of Python 2."""


def translated(program: str, name: str) -> tuple[ast.Module, frozenset[str]]:
    """Parse a program; also name its variables that are `global`. Raises SyntaxError."""
    tree = _Translation().visit(ast.parse(respelled(program), name))
    shared = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    return ast.fix_missing_locations(tree), frozenset(shared)


def respelled(program: str) -> str:
    """Write a program as Python has it today, line by line."""
    backquotes = itertools.cycle((" repr((", "))"))

    def respell(code: str) -> str:
        for spelling, now in _SPELLINGS:
            code = spelling.sub(now, code)
        return re.sub("`", lambda _: next(backquotes), code)

    return "".join(
        respell(piece) if is_code else _UNICODE_RAW.sub("", piece, count=1) if piece[:1] in "uU" else piece
        for piece, is_code in pieces_of_program(program)
    )


_ORDERING: Final = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_KEEPS_OPERANDS: Final = (*_ORDERING, ast.Eq, ast.NotEq)
_SAME: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {ast.Is: ast.Eq, ast.IsNot: ast.NotEq}
_KINDS_OF_MANY_NAMES: Final = frozenset({"basestring", "long", "str", "unicode"})
_OPERATIONS: Final[dict[type[ast.operator], str]] = {ast.Mod: "_modulo", ast.Pow: "_power"}
_NUMBERS: Final = frozenset({"int", "float"})
_EVALUATED_TWICE: Final = (ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.expr_context)


class _Translation(ast.NodeTransformer):
    """Lets comparisons, `%`, `**` and some methods go through the functions of `python2`, and keeps names."""

    def __init__(self) -> None:
        self._keeps_names = True  # where Python lets a comprehension give a name outside of it a value

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        operands = [node.left, *node.comparators]
        if any(isinstance(each, ast.Name) and each.id in _KINDS_OF_MANY_NAMES for each in operands):
            node.ops = [_SAME.get(type(op), type(op))() for op in node.ops]
        if any(isinstance(op, _ORDERING) for op in node.ops) and all(
            isinstance(op, _KEEPS_OPERANDS) for op in node.ops
        ):
            node.left = _call("_ordered", node.left)
            node.comparators = [_call("_ordered", each) for each in node.comparators]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        function = _OPERATIONS.get(type(node.op))
        return _call(function, node.left, node.right) if function else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        function = _OPERATIONS.get(type(node.op))
        if function is None or not all(isinstance(part, _EVALUATED_TWICE) for part in ast.walk(node.target)):
            return node
        before = copy.deepcopy(node.target)
        before.ctx = ast.Load()
        return ast.copy_location(ast.Assign([node.target], _call(function, before, node.value)), node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in _NUMBERS:
            node.func = _call("_converting", node.func)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if node.attr in METHODS and isinstance(node.ctx, ast.Load):
            return _call("_method", node.value, ast.Constant(node.attr))
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        with self._keeping_names(True):
            self.generic_visit(node)
        for argument in node.args.args:
            if names := _unpacked(argument.arg):
                arguments = [ast.arg(each) for each in names]
                taking = ast.arguments([], arguments, kwonlyargs=[], kw_defaults=[], defaults=[])
                values = ast.Starred(ast.Name(argument.arg, ast.Load()), ast.Load())
                node.body = ast.Call(ast.Lambda(taking, node.body), [values], [])
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        with self._keeping_names(True):
            self.generic_visit(node)
        node.body[:0] = [
            _assign(names, ast.Name(argument.arg, ast.Load()))
            for argument in node.args.args
            if (names := _unpacked(argument.arg))
        ]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._visit_where_names_go(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._visit_where_names_go(node)

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        return self._visit_where_names_go(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self._visit_where_names_go(node)

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        """Give the names their values outside too: [x for x in l] is [x for _x in l if ((x := _x),)]."""
        if not self._keeps_names:
            return self.generic_visit(node)
        first, *others = node.generators
        first.iter = self.visit(first.iter)
        with self._keeping_names(False):
            for generator in others:
                generator.iter = self.visit(generator.iter)
        for generator in node.generators:
            generator.ifs = [*_given_outside(generator.target), *map(self.visit, generator.ifs)]
        node.elt = self.visit(node.elt)
        if not any(isinstance(part, ast.NamedExpr) for part in ast.walk(first.iter)):
            return node
        values = ast.NamedExpr(ast.Name("_values", ast.Store()), first.iter)  # no name is given within an iterable
        first.iter = ast.Name("_values", ast.Load())
        both = ast.Tuple([values, node], ast.Load())
        return ast.copy_location(ast.Subscript(both, ast.Constant(1), ast.Load()), node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        """Keep the error after its handler; in the place of its name there may be those of its arguments."""
        self.generic_visit(node)
        if node.name is not None:
            names, caught = _unpacked(node.name), f"_caught_{node.name}"
            error = ast.Name(caught, ast.Load())
            kept = _assign(names, ast.Attribute(error, "args", ast.Load())) if names else _assign_one(node.name, error)
            node.name = caught
            node.body.insert(0, kept)
        return node

    def _visit_where_names_go(self, node: ast.AST) -> ast.AST:
        with self._keeping_names(False):
            return self.generic_visit(node)

    @contextmanager
    def _keeping_names(self, keeps: bool) -> Iterator[None]:  # noqa: FBT001 - it is what the name says
        before, self._keeps_names = self._keeps_names, keeps
        yield
        self._keeps_names = before


def _given_outside(target: ast.expr) -> list[ast.expr]:
    """Rename what a comprehension counts with; return a condition, always true, that gives it its old name outside."""
    names = [part for part in ast.walk(target) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]
    given: list[ast.expr] = []
    for name in names:
        outside, name.id = name.id, f"_each_{name.id}"
        given.append(ast.NamedExpr(ast.Name(outside, ast.Store()), ast.Name(name.id, ast.Load())))
    return [ast.Tuple(given, ast.Load())] if given else []


def _assign(names: list[str], value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Tuple([ast.Name(name, ast.Store()) for name in names], ast.Store())], value)


def _assign_one(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], value)


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    call = ast.Call(ast.Name(name, ast.Load()), list(arguments), [])
    return ast.copy_location(call, arguments[0])
