"""Who is granted what: what a configuration says of a node, and what somebody asks for beside it."""

from collections.abc import Collection

from config.inputs import inputs_of
from config.keyfile import Grant, KeyFileError, Role
from config.model import Configuration, Node

NOBODY: tuple[str, ...] = ()


def grant_for(  # noqa: PLR0913 - each is one thing that can be asked for
    configuration: Configuration,
    codifier: str,
    role: Role | None = None,
    *,
    reads: Collection[str] = NOBODY,
    targets: Collection[str] = NOBODY,
    is_store: bool = False,
) -> Grant:
    """Return what a codifier is to be granted; raises KeyFileError for what nobody can use.

    Without a `role` it is a node of the configuration. A store reads everything, as operators and readers do. A node
    of which no `reads` are said reads what its options name.
    """
    _check_known(configuration, (*reads, *targets))
    node = configuration.nodes.get(codifier)
    role = role or _role_of(node, codifier)
    if role is Role.READER and targets:
        raise KeyFileError(f"{codifier} is to read only, and a reader commands nobody", "--operator commands targets")
    if role is Role.OPERATOR and node is not None and not node.is_operator:
        raise KeyFileError(f"{codifier} is a sensor's node", "name a codifier with `driver: console`, or a new one")
    says = tuple(sensor.codifier for sensor in node.sensors) if node is not None else (codifier,)
    reads_all = is_store or role is not Role.NODE
    return Grant(
        role=role,
        says=says,
        reads=tuple(reads or _named_by(node, configuration)),
        reads_all=reads_all,
        targets=tuple(targets),
    )


def _named_by(node: Node | None, configuration: Configuration) -> list[str]:
    """Return the sensors of others that a node names in its options; `@@` is granted to nobody unasked."""
    own = {sensor.codifier for sensor in node.sensors} if node is not None else set()
    named = inputs_of(node) - own if node is not None else frozenset[str]()
    return sorted(codifier for codifier in named if configuration.owner(codifier) is not None)


def _role_of(node: Node | None, codifier: str) -> Role:
    if node is None:
        raise KeyFileError(f"the configuration has no node {codifier}", "--operator and --reader are for people")
    return Role.OPERATOR if node.is_operator else Role.NODE


def _check_known(configuration: Configuration, codifiers: Collection[str]) -> None:
    unknown = [codifier for codifier in codifiers if configuration.owner(codifier) is None]
    if unknown:
        raise KeyFileError(f"the configuration has no sensor {', '.join(unknown)}", "jph config show lists them")
