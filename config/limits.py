"""Which values a control sensor takes, as far as its configuration says so: for programs that do not load drivers."""

from collections.abc import Mapping
from typing import Final

from config.model import Configuration, Options

KEYS: Final = ("min", "max", "step")
"""The options by which drivers bound what can be set (docs/drivers.md)."""


def limits_in_words(configuration: Configuration, codifier: str) -> str:
    """Say which values a node takes: `0 to 100 in steps of 5`; empty when nothing is said, or nothing can be set."""
    node = configuration.nodes.get(codifier)
    if node is None or not node.control:
        return ""
    low, high, step = (_number(node.options, key) for key in KEYS)
    return " ".join(filter(None, (_bounds(low, high), f"in steps of {step}" if step else "")))


def _bounds(low: str, high: str) -> str:
    if low and high:
        return f"{low} to {high}"
    return f"at least {low}" if low else f"at most {high}" if high else ""


def _number(options: Options, key: str) -> str:
    """Return a number as it is typed; empty when the options have none under this key, whoever checked them."""
    value = options.get(key) if isinstance(options, Mapping) else getattr(options, key, None)
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
