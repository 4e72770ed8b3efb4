"""Whose readings a node uses, by its options."""

from config.model import Node


def inputs_of(node: Node) -> frozenset[str]:
    """Return the codifiers whose readings a node uses, `@@` when it may use all; most nodes use none."""
    name = getattr(node.options, "inputs", None)
    return frozenset(name()) if callable(name) else frozenset()
