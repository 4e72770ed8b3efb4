"""Which nodes of a configuration a process runs."""

from collections.abc import Iterable, Sequence
from typing import Final

from agent.agent import NothingToRunError
from agent.configuration import kinds
from config.model import Configuration, Node
from protocol.errors import JphError

MOST_HOSTS_NAMED: Final = 8  # in a message; a network of a thousand Pis has more than anybody reads


class UnknownCodifierError(JphError):
    """There is no node of this codifier that could be run."""


def choose(configuration: Configuration, codifiers: Sequence[str], host: str) -> Iterable[Node]:
    """Pick the named nodes, or those of this host that this version can run.

    Raises UnknownCodifierError, and NothingToRunError when the host has none.
    """
    if codifiers:
        return [_named(configuration, codifier) for codifier in codifiers]
    return _of_host(configuration, host)


def _of_host(configuration: Configuration, host: str) -> Iterable[Node]:
    here = configuration.on_host(host)
    nodes = [node for node in here if _can_run(node)]
    if not nodes:
        others = ", ".join(node.codifier for node in here)
        but = f" that can be run, only {others}" if here else ""
        raise NothingToRunError(
            f"{configuration.source} has no node for the host {host}{but}", _who_runs(configuration)
        )
    return nodes


def _can_run(node: Node) -> bool:
    return kinds(node.driver) is not None and node.has_readings


def _who_runs(configuration: Configuration) -> str:
    hosts = sorted({node.host for node in configuration.nodes.values() if node.host and _can_run(node)})
    if not hosts:
        return "add `host: NAME` to the nodes of this host, or name the nodes to run, as in: jph-agent C1"
    more = ", ..." if len(hosts) > MOST_HOSTS_NAMED else ""
    return f"it has nodes for {', '.join(hosts[:MOST_HOSTS_NAMED])}{more}: --host runs those of another host"


def _named(configuration: Configuration, codifier: str) -> Node:
    node = configuration.nodes.get(codifier)
    if node is None:
        raise _unknown(configuration, codifier)
    if kinds(node.driver) is None:
        raise UnknownCodifierError(f"{codifier}: this version has no driver {node.driver!r}", "leave this node out")
    return node


def _unknown(configuration: Configuration, codifier: str) -> UnknownCodifierError:
    owner = configuration.owner(codifier)
    hint = f"its readings come from the node {owner.codifier}: run that" if owner else "`jph config show` lists all"
    return UnknownCodifierError(f"{configuration.source} has no node {codifier}", hint)
