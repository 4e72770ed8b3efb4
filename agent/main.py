"""`jph-agent`: runs the nodes of this host, or those that are named."""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from agent import logs
from agent.agent import Agent, Ending
from agent.configuration import kinds, load_configuration, state_directory
from agent.notify import Notifier
from agent.surroundings import Surroundings
from config.model import Configuration, Node
from protocol.errors import JphError

log: Final = logging.getLogger("jph.agent")

EXIT_GAVE_WAY: Final = 3
EXIT_FAILED: Final = 1
EXIT_INTERRUPTED: Final = 130

HELP_COLUMNS: Final = 100

EXAMPLES: Final = """examples:
  jph-agent                  run the nodes whose `host` is this host
  jph-agent C1 F1            run these two nodes in one process
  JPH_SENSOR=C1 jph-agent    the same for one node, as the original system named it

exit codes: 0 stopped in order, 1 error, 2 wrong usage, 3 another instance of every node is running
"""


class UnknownCodifierError(JphError):
    """There is no node of this codifier that could be run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `jph-agent`; returns the exit code."""
    wanted = _parser().parse_args(arguments)
    try:
        agent = _prepare(wanted)
        return asyncio.run(_run(agent))
    except JphError as error:
        print(f"jph-agent: {error}", file=sys.stderr)  # noqa: T201 - logging may not be set up yet
        return EXIT_FAILED
    except KeyboardInterrupt:  # before the signals are listened to, as while a server is asked for the configuration
        return EXIT_INTERRUPTED


def choose(configuration: Configuration, codifiers: Sequence[str], host: str) -> Iterable[Node]:
    """Pick the named nodes, or those of this host that this version can run; raises UnknownCodifierError."""
    if not codifiers:
        return [node for node in configuration.on_host(host) if kinds(node.driver) and not node.is_operator]
    return [_named(configuration, codifier) for codifier in codifiers]


def _named(configuration: Configuration, codifier: str) -> Node:
    node = configuration.nodes.get(codifier)
    if node is None:
        raise _unknown(configuration, codifier)
    if kinds(node.driver) is None:
        raise UnknownCodifierError(f"{codifier}: this version has no driver {node.driver!r}", "leave this node out")
    return node


def _unknown(configuration: Configuration, codifier: str) -> UnknownCodifierError:
    owner = configuration.owner(codifier)
    hint = f"its readings come from the node {owner.codifier}: run that" if owner else "`jph sensors` lists all"
    return UnknownCodifierError(f"{configuration.source} has no node {codifier}", hint)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jph-agent",
        description="Read this host's sensors and send them on the bus; store what is heard where a node is a store.",
        epilog=EXAMPLES,
        # With a width it does not import shutil, and bz2 and lzma with it, to ask the terminal.
        formatter_class=partial(argparse.RawDescriptionHelpFormatter, width=HELP_COLUMNS),
    )
    parser.add_argument("codifiers", nargs="*", metavar="CODIFIER", help="nodes to run (default: those of this host)")
    parser.add_argument("--config", metavar="SOURCE", help="path or URL of the configuration (default: JPH_CONFIG)")
    parser.add_argument("--host", default=socket.gethostname(), help="run the nodes of this host instead")
    parser.add_argument("--takeover", action="store_true", help="start even if another instance is running")
    parser.add_argument("--state", type=Path, metavar="DIRECTORY", help="where values that were set are kept")
    parser.add_argument("--debug", action="store_true", help="log everything (also JPH_DEBUG=1)")
    return parser


def _prepare(wanted: argparse.Namespace) -> Agent:
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
