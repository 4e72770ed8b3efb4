"""From a document to typed values: one builder for every msgspec.Struct, which finds all errors and not only the first.

It goes through the document along the types. What it finds wrong is noted in the report with the line, the path
and the advice.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, Final, NamedTuple, TypeVar, Union, get_args, get_origin

import msgspec

from config.document import Array, Scalar, Table, Tree, plain
from config.messages import at, is_nothing, join, suggestion
from config.notations import notation_of
from config.report import Report
from config.scalars import EXPECTED, WRONG, Read, limit, notation_reader, unexpected, value_reader, wrong
from protocol.errors import JphError

S = TypeVar("S", bound=msgspec.Struct)


def build(kind: type[S], tree: Tree, path: str, report: Report) -> S | None:
    """Build a struct from a table of the document; None when errors were noted.

    Keys are the names that the struct gives its fields for encoding (`msgspec.field(name=...)`); the description in
    a field's `msgspec.Meta` is the advice when it is missing. Whatever `__post_init__` raises as ValueError, TypeError
    or JphError is an error of the whole table. A field of type `Table` or `Array` gets that part of the document.
    """
    built = _read_struct(kind, tree, path, report)
    return None if built is WRONG else built


class _Field(NamedTuple):
    name: str
    read: Read
    required: bool
    advice: str


@cache  # one entry for each type of options
def _fields(kind: type[msgspec.Struct]) -> Mapping[str, _Field]:
    return {
        field.encode_name: _Field(field.name, reader(field.type), field.required, _description(field.type))
        for field in msgspec.structs.fields(kind)
    }


def _description(kind: Any) -> str:
    metas = kind.__metadata__ if get_origin(kind) is Annotated else ()
    return next((meta.description for meta in metas if meta.description), "")


def _read_struct(kind: type[S], tree: Tree, path: str, report: Report) -> Any:
    if not isinstance(tree, Table):
        return unexpected("a mapping", tree, path, report)
    fields = _fields(kind)
    errors = len(report.errors)
    _refuse_unknown(fields, tree, path, report)
    values = {
        field.name: value
        for key, field in fields.items()
        if (value := _read_field(key, field, tree, path, report)) is not WRONG
    }
    return WRONG if len(report.errors) > errors else _constructed(kind, values, tree, path, report)


def _refuse_unknown(fields: Collection[str], table: Table, path: str, report: Report) -> None:
    for key, entry in table.entries.items():
        if key not in fields:
            report.error(entry.line, at(path, f"unknown option {entry.name!r}"), suggestion(key, fields))


def _read_field(key: str, field: _Field, table: Table, path: str, report: Report) -> Any:
    """Read one field; WRONG also when nothing is written and the field's default stays."""
    entry = table.entries.get(key)
    if entry is not None and (field.required or not is_nothing(entry.tree)):
        return field.read(entry.tree, join(path, entry.name), report)
    if entry is None and field.required:
        return wrong(table, path, f"{key!r} is missing", field.advice, report)
    return WRONG


def _constructed(kind: type[S], values: dict[str, Any], table: Table, path: str, report: Report) -> Any:
    try:
        return kind(**values)
    except JphError as error:
        return wrong(table, path, error.message, error.hint, report)
    except (ValueError, TypeError) as error:
        return wrong(table, path, str(error), "", report)


def reader(kind: Any) -> Read:
    """Choose how values of a type are read; the same for every place of the document, so callers keep it."""
    if kind in (Any, object):
        return lambda tree, _path, _report: plain(tree)
    if kind in (Table, Array):
        return _tree_reader(kind)
    notation = notation_of(kind)
    if notation is not None:
        return notation_reader(notation)
    origin = get_origin(kind) or kind
    if isinstance(origin, type) and issubclass(origin, msgspec.Struct):
        return lambda tree, path, report: _read_struct(kind, tree, path, report)
    return _READERS.get(origin, value_reader)(kind)


def _tree_reader(kind: type[Table | Array]) -> Read:
    def read(tree: Tree, path: str, report: Report) -> Any:
        expected = "a mapping" if kind is Table else "a list"
        return tree if isinstance(tree, kind) else unexpected(expected, tree, path, report)

    return read


def _annotated_reader(kind: Any) -> Read:
    base = get_args(kind)[0]
    if base in EXPECTED:
        return value_reader(kind)
    read_base = reader(base)

    def read(tree: Tree, path: str, report: Report) -> Any:
        value = read_base(tree, path, report)
        return value if value is WRONG else _limited(value, kind, tree, path, report)

    return read


def _limited(value: Any, kind: Any, tree: Tree, path: str, report: Report) -> Any:
    """Ask msgspec whether a list or mapping that was built keeps its type's limits."""
    try:
        msgspec.convert(msgspec.to_builtins(value), kind)
    except msgspec.ValidationError as error:
        return wrong(tree, path, limit(error), "", report)
    return value


def _array_reader(kind: Any) -> Read:
    read_item = reader((*get_args(kind), Any)[0])
    container = _CONTAINERS[get_origin(kind) or kind]

    def read(tree: Tree, path: str, report: Report) -> Any:
        if not isinstance(tree, Array):
            return unexpected("a list", tree, path, report)
        items = [read_item(item, f"{path}[{number}]", report) for number, item in enumerate(tree.items)]
        return WRONG if WRONG in items else container(items)

    return read


def _tuple_reader(kind: Any) -> Read:
    of = get_args(kind)
    if not of or of[-1] is Ellipsis:
        return _array_reader(kind)
    readers = [reader(one) for one in of]

    def read(tree: Tree, path: str, report: Report) -> Any:
        if not isinstance(tree, Array) or len(tree.items) != len(readers):
            return unexpected(f"a list of {len(readers)} values", tree, path, report)
        pairs = enumerate(zip(readers, tree.items, strict=True))
        items = [read_item(item, f"{path}[{number}]", report) for number, (read_item, item) in pairs]
        return WRONG if WRONG in items else tuple(items)

    return read


def _table_reader(kind: Any) -> Read:
    read_value = reader((*get_args(kind), Any, Any)[1])

    def read(tree: Tree, path: str, report: Report) -> Any:
        if not isinstance(tree, Table):
            return unexpected("a mapping", tree, path, report)
        entries = tree.entries.items()
        values = {key: read_value(entry.tree, join(path, entry.name), report) for key, entry in entries}
        return WRONG if WRONG in values.values() else values

    return read


def _union_reader(kind: Any) -> Read:
    """Return a reader that takes the first type that fits; text comes last, since every value can be text.

    When none fits, what is wrong is told by the type whose form is there, such as which keys a mapping has.
    """
    arms = sorted((arm for arm in get_args(kind) if arm is not type(None)), key=lambda arm: arm is str)
    readers = [reader(arm) for arm in arms]
    of_form = {_form(arm): read_arm for arm, read_arm in zip(arms, readers, strict=True)}
    may_be_nothing = len(arms) < len(get_args(kind))

    def read(tree: Tree, path: str, report: Report) -> Any:
        if may_be_nothing and is_nothing(tree):
            return None
        for read_arm in readers:
            value = read_arm(tree, path, Report(report.file))
            if value is not WRONG:
                return value
        return of_form.get(type(tree), readers[-1])(tree, path, report)

    return read


def _form(kind: Any) -> type[Tree]:
    """Return the part of a document that values of a type are written as."""
    base = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    origin = get_origin(base) or base
    if origin in _CONTAINERS:
        return Array
    is_table = origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, msgspec.Struct))
    return Table if is_table else Scalar


_CONTAINERS: Final[dict[Any, Callable[[list[Any]], Any]]] = {
    list: list,
    tuple: tuple,
    Sequence: tuple,
    set: set,
    frozenset: frozenset,
}
_READERS: Final[dict[Any, Callable[[Any], Read]]] = {
    Annotated: _annotated_reader,
    Union: _union_reader,
    UnionType: _union_reader,
    **dict.fromkeys(_CONTAINERS, _array_reader),
    tuple: _tuple_reader,
    dict: _table_reader,
    Mapping: _table_reader,
}
