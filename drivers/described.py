"""What a driver is, in words: for those who look for one, and who write its options."""

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import inspect

from config.durations import format_duration, format_size
from config.options import ANNOUNCED
from drivers.driver import DriverClass, DriverError
from drivers.registry import DRIVERS, driver_class, elsewhere, origin_of


class Option(NamedTuple):
    """One option. `name` has dots where it lies deeper: `fields.*.path` is `path` of each of `fields`.

    `default` is as a configuration would say it, None when nothing is the default or it is `required`.
    """

    name: str
    kind: str
    default: str | None
    required: bool
    meaning: str


class Library(NamedTuple):
    """What pip calls a package that a driver needs beside jph, and its version, None when it is not installed."""

    name: str
    version: str | None


class Description(NamedTuple):
    """What is known of a driver. `package` brings it, None for ours. `channels` is None when its options say which.

    `units` are those of channels that have one whatever the options say. With `problem` it cannot be used, and nothing
    else is known.
    """

    name: str
    summary: str = ""
    package: str | None = None
    channels: tuple[str, ...] | None = None
    units: Mapping[str, str] = MappingProxyType({})
    commands: bool = False
    libraries: tuple[Library, ...] = ()
    options: tuple[Option, ...] = ()
    problem: str = ""


def describe_all() -> Iterator[Description]:
    """Describe our drivers and then those of other packages, each in order of their names."""
    others = elsewhere()
    yield from (describe(name) for name in sorted(DRIVERS))
    for name, origin in sorted(others.items()):
        if name in DRIVERS:
            problem = f"jph has a driver of this name, which is used instead of that of {origin.package}"
            yield Description(name, package=origin.package, problem=problem)
        else:
            yield describe(name)


def describe(name: str) -> Description:
    """Describe the driver `name`; raises DriverError when there is none."""
    origin = origin_of(name)
    try:
        driver = driver_class(name)
    except DriverError as error:
        if origin is None:
            raise
        return Description(name, package=origin.package, problem=str(error))
    return Description(
        name,
        _summary(name, driver),
        origin.package if origin else None,
        _channels(driver.Options),
        _units(driver.Options),
        hasattr(driver, "set"),
        libraries(name) if name in DRIVERS else (),
        options_in_words(driver.Options),
    )


def options_in_words(options: type[msgspec.Struct]) -> tuple[Option, ...]:
    """Describe the options that a type has, those of tables within it behind the table."""
    return tuple(_options(inspect.type_info(options), "", ()))


def _summary(name: str, driver: DriverClass) -> str:
    """Return what a driver says of itself: its `summary`, else the first line of its module."""
    if name in ANNOUNCED:
        return f"A node of the original system that only announces itself here: {ANNOUNCED[name]}."
    module = sys.modules.get(str(getattr(driver, "__module__", "")))
    words = getattr(driver, "summary", None) or getattr(module, "__doc__", None) or driver.__doc__
    return str(words or "").strip().partition("\n")[0]


def _channels(options: type[msgspec.Struct]) -> tuple[str, ...] | None:
    """Return the channels that a driver gives whatever its options say; None when that depends on them."""
    try:
        return tuple(sorted(_whatever_options_say(options, "channels")))
    except TypeError:  # None, or what is no channels
        return None


def _units(options: type[msgspec.Struct]) -> Mapping[str, str]:
    """Return the units of channels that have them whatever the options say."""
    return _whatever_options_say(options, "units") or {}


def _whatever_options_say(options: type[msgspec.Struct], method: str) -> Any:
    """Return what a method says that looks at no option; None when it looks at one, or is not there."""
    try:
        return getattr(options, method)(_NO_OPTIONS)
    except (AttributeError, TypeError):
        return None


_NO_OPTIONS: Final = object()


def libraries(extra: str) -> tuple[Library, ...]:
    """Return what an extra of jph installs; that of a driver has its name. Empty when jph itself is not installed."""
    from importlib.metadata import PackageNotFoundError, requires  # noqa: PLC0415 - 20 ms

    try:
        requirements = requires("jph") or ()
    except PackageNotFoundError:
        return ()
    names = dict.fromkeys(_name(one) for one in requirements if one.endswith(f"extra == '{extra}'"))
    return tuple(Library(name, _installed(name)) for name in names)


def _name(requirement: str) -> str:
    """Return the name in "gpiozero>=2.0; extra == 'fan'"."""
    ends = [requirement.find(sign) for sign in "[<>=!~; ("]
    return requirement[: min(end for end in ends if end > 0)]


def _installed(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - 20 ms

    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _options(kind: inspect.Type, path: str, within: tuple[type, ...]) -> Iterator[Option]:
    for inner, deeper in _tables(kind, path):
        if inner.cls in within:  # a type that contains itself
            continue
        for field in inner.fields:
            name = f"{deeper}{field.encode_name}"
            yield Option(name, in_words(field.type), _default(field), field.required, _meaning(field.type))
            yield from _options(field.type, name + ".", (*within, inner.cls))


def _tables(kind: inspect.Type, path: str) -> Iterator[tuple[inspect.StructType, str]]:
    """Find the tables that a type has in it, and how a name within them begins."""
    match kind:
        case inspect.StructType():
            yield kind, path
        case inspect.Metadata(type=inner):
            yield from _tables(inner, path)
        case inspect.UnionType(types=arms):
            for arm in arms:
                yield from _tables(arm, path)
        case inspect.DictType(value_type=value):
            yield from _tables(value, f"{path}*.")
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            yield from _tables(item, f"{path}*.")


def _meaning(kind: inspect.Type) -> str:
    schema = kind.extra_json_schema if isinstance(kind, inspect.Metadata) else None
    return str((schema or {}).get("description", ""))


def _default(field: inspect.Field) -> str | None:
    default = field.default
    if default is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    return None if default in (msgspec.NODEFAULT, None, "", (), [], {}) else _written(default, field.type)


def _written(value: Any, kind: inspect.Type) -> str:
    write = _WRITERS.get(_notation(kind) or "")
    if write is not None:
        return write(value)
    plain = msgspec.to_builtins(value)
    return plain if isinstance(plain, str) else msgspec.json.encode(plain).decode().removesuffix(".0")


_WRITERS: Final[Mapping[str, Callable[[Any], str]]] = {"duration": format_duration, "size": format_size}


def _notation(kind: inspect.Type) -> str | None:
    """Return what the numbers of a type are written as, when that is more than a number (config.durations)."""
    match kind:
        case inspect.Metadata(extra=extra, type=inner):
            return (extra or {}).get("notation") or _notation(inner)
        case inspect.UnionType(types=arms):
            return next((notation for arm in arms if (notation := _notation(arm))), None)
    return None


def in_words(kind: inspect.Type) -> str:
    """Say what a value of a type can be: "whole number, at least 1"."""
    if isinstance(kind, inspect.Metadata):
        notation = _notation(kind) or ""
        return notation if notation in _WRITERS else in_words(kind.type)
    return _KINDS.get(type(kind), lambda _: "value")(kind)


def _union(kind: inspect.UnionType) -> str:
    arms = dict.fromkeys(in_words(arm) for arm in kind.types if not isinstance(arm, inspect.NoneType))
    if "number" in arms:
        arms.pop("whole number", None)
    return " or ".join(arms)


def _literal(kind: inspect.LiteralType) -> str:
    return " | ".join(str(value) for value in kind.values)


def _mapping(kind: inspect.DictType) -> str:
    return f"mapping of names ({in_words(kind.value_type)})"


def _list(kind: inspect.ListType | inspect.VarTupleType | inspect.SetType | inspect.FrozenSetType) -> str:
    return f"list ({in_words(kind.item_type)})"


def _limited(noun: str, kind: inspect.IntType | inspect.FloatType) -> str:
    limits = [f"{words} {limit:.12g}" for key, words in _LIMITS.items() if (limit := getattr(kind, key)) is not None]
    return ", ".join([noun, *limits])


_LIMITS: Final = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than", "multiple_of": "multiple of"}

_KINDS: Final[Mapping[type[inspect.Type], Callable[[Any], str]]] = {
    inspect.IntType: partial(_limited, "whole number"),
    inspect.FloatType: partial(_limited, "number"),
    inspect.StrType: lambda _: "text",
    inspect.BoolType: lambda _: "true | false",
    inspect.LiteralType: _literal,
    inspect.EnumType: lambda kind: " | ".join(str(member.value) for member in kind.cls),
    inspect.UnionType: _union,
    inspect.DictType: _mapping,
    inspect.ListType: _list,
    inspect.VarTupleType: _list,
    inspect.SetType: _list,
    inspect.FrozenSetType: _list,
    inspect.StructType: lambda _: "mapping",
}
