"""`jph-agent`: runs the nodes of this host, or those that are named."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from agent import logs
from agent.agent import Agent, Ending, NothingToRunError
from agent.configuration import kinds, load_configuration, state_directory
from agent.notify import Notifier
from agent.surroundings import Surroundings
from config.model import Configuration, Node
from protocol.errors import JphError

log: Final = logging.getLogger("jph.agent")

EXIT_GAVE_WAY: Final = 3
EXIT_FAILED: Final = 1
EXIT_INTERRUPTED: Final = 130

MOST_HOSTS_NAMED: Final = 8  # in a message; a network of a thousand Pis has more than anybody reads


class Wanted(NamedTuple):
    """What the command line says: the options of `jph-agent --help`."""

    codifiers: list[str]
    host: str
    config: str | None = None
    state: Path | None = None
    takeover: bool = False
    debug: bool = False


class UnknownCodifierError(JphError):
    """There is no node of this codifier that could be run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `jph-agent`; returns the exit code."""
    wanted = _wanted(sys.argv[1:] if arguments is None else arguments)
    try:
        agent = _prepare(wanted)
        return asyncio.run(_run(agent))
    except JphError as error:
        print(f"jph-agent: {error}", file=sys.stderr)  # noqa: T201 - logging may not be set up yet
        return EXIT_FAILED
    except KeyboardInterrupt:  # before the signals are listened to, as while a server is asked for the configuration
        return EXIT_INTERRUPTED


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
    return kinds(node.driver) is not None and not node.is_operator


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


def _wanted(arguments: Sequence[str]) -> Wanted:
    if not any(argument.startswith("-") for argument in arguments):
        return Wanted(list(arguments), host=socket.gethostname())
    from agent.arguments import parse  # noqa: PLC0415 - a service names codifiers at most, and need not pay for argparse

    return Wanted(**vars(parse(arguments)))


def _prepare(wanted: Wanted) -> Agent:
    codifiers = wanted.codifiers or list(filter(None, [os.environ.get("JPH_SENSOR")]))
    debug = wanted.debug or os.environ.get("JPH_DEBUG", "0") not in {"", "0"}

    def choose_wanted(configuration: Configuration) -> Iterable[Node]:
        return choose(configuration, codifiers, wanted.host)

    def take(configuration: Configuration) -> None:
        names = ",".join(node.codifier for node in choose_wanted(configuration))
        logs.set_up(names, configuration.logging, debug=debug)
        for warning in configuration.warnings:
            log.warning("%s", warning)

    configuration = load_configuration(wanted.config)
    take(configuration)
    return Agent(
        configuration,
        lambda: load_configuration(wanted.config),
        choose_wanted,
        Surroundings(wanted.state or state_directory(), takeover=wanted.takeover),
        take,
    )


async def _run(agent: Agent) -> int:
    notifier = Notifier()
    _listen_to_signals(agent, notifier)
    watchdog = asyncio.create_task(notifier.keep_watchdog(), name="watchdog")
    ready = asyncio.create_task(_tell_ready(agent, notifier), name="ready")
    try:
        ending = await agent.run()
    finally:
        watchdog.cancel()
        ready.cancel()
    return EXIT_GAVE_WAY if ending is Ending.GAVE_WAY else 0


async def _tell_ready(agent: Agent, notifier: Notifier) -> None:
    await agent.started.wait()
    notifier.tell(f"READY=1\nSTATUS=runs {', '.join(agent.stations)}")


def _listen_to_signals(agent: Agent, notifier: Notifier) -> None:
    def stop(signal_: signal.Signals) -> None:
        log.info("%s: stops", signal_.name)
        notifier.tell("STOPPING=1")
        agent.stop()

    loop = asyncio.get_running_loop()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_, stop, signal_)
    loop.add_signal_handler(signal.SIGHUP, agent.reload_soon)


if __name__ == "__main__":
    sys.exit(main())
