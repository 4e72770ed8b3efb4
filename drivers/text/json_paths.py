"""Where values stand in a JSON document: JMESPath (https://jmespath.org), of which most need no more than names."""

import re
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, Final, TypeAlias

from drivers.driver import OWN_CHANNEL, DriverError
from drivers.libraries import library
from protocol.printable import visible

Find: TypeAlias = Callable[[Any], Any]
"""Finds what stands somewhere in a document; raises ValueError when there is nothing, or the path does not fit."""

_NAMES: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_MOST_KEYS: Final = 10  # of a document, in a message
_LONGEST_KEY: Final = 40  # characters
_QUOTED: Final = 120  # characters of what JMESPath says


def check_path(key: str, path: str) -> None:
    """Raise ValueError, naming the option, for what is no path. Names with dots between them need no library for it."""
    if _NAMES.fullmatch(path):
        return
    if not path:
        raise ValueError(f"`{key}` is empty: name the field of the JSON that is meant")
    if find_spec("jmespath") is not None:  # else whoever runs the driver will say so
        _compiled(key, path, library("jmespath", "json"))


def check_paths(field: str | None, fields: Mapping[str, str]) -> None:
    """Raise ValueError, naming the option, for `field` and `fields` of which one is no path, or that mean the same."""
    if field is not None:
        check_path("field", field)
        if OWN_CHANNEL in fields:
            raise ValueError(f"`field` and `fields.{OWN_CHANNEL}` are the same channel: leave one of them out")
    for channel, path in fields.items():
        check_path(f"fields.{channel}", path)


def named_paths(field: str | None, fields: Mapping[str, str]) -> Mapping[str, str]:
    """Return the path of each channel that has one."""
    return {**({OWN_CHANNEL: field} if field is not None else {}), **fields}


def finder(key: str, path: str, extra: str) -> Find:
    """Return what finds a path; raises DriverError without the library, which the extra `extra` of jph brings."""
    expression = compiled(key, path, extra)

    def find(document: Any) -> Any:
        try:
            found = expression.search(document)
        except ValueError as error:  # what it says of a wrong type has the value in it, whatever that is
            raise ValueError(visible(str(error)[:_QUOTED])) from error
        if found is None:
            raise ValueError(f"there is nothing; {there(document, path)}")
        return found

    return find


def compiled(key: str, path: str, extra: str) -> Any:
    """Return a path as JMESPath has it; raises DriverError as `finder` does."""
    jmespath = library("jmespath", extra)
    try:
        return _compiled(key, path, jmespath)
    except ValueError as error:
        raise DriverError(str(error)) from error


def _compiled(key: str, path: str, jmespath: Any) -> Any:
    try:
        return jmespath.compile(path)
    except ValueError as error:  # its errors are ValueErrors, of several lines
        said = visible(str(error).splitlines()[0][:_QUOTED].removesuffix(", for expression:"))
        raise ValueError(f"`{key}` is {path!r}: {said}") from error


def there(document: Any, path: str) -> str:
    """Say what there is where a path leaves the document, for whoever looked for something else."""
    names = path.split(".") if _NAMES.fullmatch(path) else []
    for name in names:
        if not isinstance(document, dict) or not isinstance(document.get(name), dict):
            break
        document = document[name]
    return f"there are {_listed(document)}" if isinstance(document, dict) and document else "there is no mapping"


def _listed(document: dict[str, Any]) -> str:
    keys = [visible(key[:_LONGEST_KEY]) for key in sorted(document)]
    more = f" and {len(keys) - _MOST_KEYS} more" if len(keys) > _MOST_KEYS else ""
    return ", ".join(keys[:_MOST_KEYS]) + more
