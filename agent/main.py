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
from agent.agent import Agent, Ending
from agent.choosing import choose
from agent.configuration import load_configuration, state_directory
from agent.notify import Notifier
from agent.surroundings import Surroundings
from config.model import Configuration, Node
from protocol.errors import JphError
from protocol.printable import visible_lines

log: Final = logging.getLogger("jph.agent")

EXIT_GAVE_WAY: Final = 3
EXIT_FAILED: Final = 1
EXIT_INTERRUPTED: Final = 130

INSTALL: Final = "install"


class Wanted(NamedTuple):
    """What the command line says: the options of `jph-agent --help`."""

    codifiers: list[str]
    host: str
    config: str | None = None
    state: Path | None = None
    takeover: bool = False
    debug: bool = False


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `jph-agent`; returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == [INSTALL]:
        from agent.install import main as install  # noqa: PLC0415 - once in the life of a host

        return install(given[1:])
    wanted = _wanted(given)
    try:
        agent = _prepare(wanted)
        return asyncio.run(_run(agent))
    except JphError as error:
        print(f"jph-agent: {visible_lines(str(error))}", file=sys.stderr)  # noqa: T201 - logging may not be set up yet
        return EXIT_FAILED
    except KeyboardInterrupt:  # before the signals are listened to, as while a server is asked for the configuration
        return EXIT_INTERRUPTED


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
