"""Where an operator's program sits: which configuration it uses and under which codifier it speaks."""

import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

from agent.participant import Participant
from agent.records import use_harmless_records
from config.loading import load
from config.model import ConfigError, Configuration, NoConfigurationError
from console import demo_traces
from console.output import tell
from protocol.codifiers import is_codifier
from protocol.errors import JphError
from protocol.frames import Bus
from protocol.gate import Mode

DEFAULT_CODIFIER: Final = "CC"
BOTH: Final = tuple(Bus)

Load: TypeAlias = Callable[[str | None], Configuration]


class CodifierError(JphError):
    """A codifier that the surroundings name and that cannot be one."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A configuration, in words where it came from, and the codifier under which this program speaks."""

    configuration: Configuration
    origin: str
    codifier: str
    quiet: bool = False

    @asynccontextmanager
    async def join(self, listen: Collection[Bus] = BOTH, *, follow: bool = False) -> AsyncIterator[Participant]:
        """Join the buses and say on stderr, unless `quiet`, what is used; raises BusError.

        With `follow` the agents can be asked for readings (`Participant.following`).
        """
        async with Participant(self.configuration, self.codifier, listen=listen, follow=follow) as participant:
            self.say(f"{self.origin}; {participant.bus.describe()}; as {self.codifier}")
            self._warn_of_borrowed_codifier()
            yield participant

    def say_how_it_went(self, participant: Participant, hidden_columns: int = 0) -> None:
        """Say what was heard, what got lost on this computer, and what the table had no room for."""
        counters, bad = participant.bus.counters, participant.roster.bad_datagrams.total
        heard = f"heard {sum(counters.received.values())} frames"
        lost = f"{counters.kernel_dropped} dropped by this computer's kernel, {bad} bad"
        unbelieved = participant.roster.refusals.total
        lost += f", {unbelieved} refused (`jph watch` shows why)" if unbelieved else ""
        hidden = f"; {hidden_columns} more columns in a wider window" if hidden_columns else ""
        self.say(f"{heard}; {lost}{hidden}")

    def _warn_of_borrowed_codifier(self) -> None:
        """Tell, also when it is to be quiet, that this program speaks under the codifier of a sensor's node."""
        node = self.configuration.nodes.get(self.codifier)
        if node is not None and not node.is_operator:
            tell(
                f"{self.codifier} is a node of the configuration: when it runs, others see two of it\n"
                f"speak as {DEFAULT_CODIFIER}, or as a node with `driver: console` (--as, JPH_SENSOR)"
            )

    def say(self, remark: str) -> None:
        """Tell the operator something beside the data, unless this program is to be quiet."""
        if not self.quiet:
            tell(remark)


def take_seat(source: str | None, codifier: str | None, *, quiet: bool = False, load: Load = load) -> Seat:
    """Find the configuration and the codifier that the options `--config` and `--as` ask for; raises JphError.

    `load` loads a configuration. Left to itself it does not look at what drivers and stores are told: that would
    import each of them.
    """
    use_harmless_records()
    logging.basicConfig(format="jph: %(message)s", level=logging.WARNING)
    if os.environ.get("JPH_DEBUG") == "1":
        logging.getLogger("jph").setLevel(logging.DEBUG)
    configuration, origin = find_configuration(source, load)
    codifier = choose_codifier(configuration, codifier, os.environ, socket.gethostname())
    return Seat(configuration, origin, codifier, quiet)


def find_configuration(source: str | None, load: Load = load) -> tuple[Configuration, str]:
    """Load the configuration, or the running demo's where there is none, or the defaults; and say which it is.

    Raises ConfigError with all that is wrong, whatever `load` looks at.
    """
    try:
        return load_or_demo(source, load)
    except NoConfigurationError:
        return Configuration(), "no configuration (`jph init` writes one), so the default groups"
    except ConfigError:
        return load_or_demo(source, _load_with_kinds())


def load_or_demo(source: str | None, load: Load = load) -> tuple[Configuration, str]:
    """Load the configuration, or the running demo's where there is none; and say which it is. Raises ConfigError."""
    try:
        configuration = load(source)
    except NoConfigurationError:
        demo = demo_traces.running()
        if demo is None:
            raise
        return load(demo.configuration), f"the running demo's {demo.configuration}"
    return configuration, configuration.source + (" (`jph check` has warnings)" if configuration.warnings else "")


def _load_with_kinds() -> Load:
    from agent.configuration import load_configuration  # noqa: PLC0415 - imports drivers, to tell all that is wrong

    return load_configuration


def choose_codifier(configuration: Configuration, asked: str | None, environment: Mapping[str, str], host: str) -> str:
    """Return the codifier to speak as.

    That is `asked`, JPH_SENSOR, one for which this user has an operator's or reader's key file where tags are made, the
    configuration's for operators on this host, or CC.
    """
    named = asked or environment.get("JPH_SENSOR")
    if named is None:
        usual = list(_for_operators(configuration, host))
        return next(iter((*_with_keys(configuration, environment, usual), *usual)), DEFAULT_CODIFIER)
    if not is_codifier(named):
        raise CodifierError(f"JPH_SENSOR is {named!r}", "a codifier is two printable characters, such as CC")
    return named


def _with_keys(configuration: Configuration, environment: Mapping[str, str], usual: Sequence[str]) -> list[str]:
    """Name the codifiers of people whose key files this user may read: who commands comes first, then who is usual."""
    if configuration.security.mode is Mode.OFF:
        return []
    from config.keyfile import Role  # noqa: PLC0415 - networks without tags do without
    from config.keystore import KeyStore, directory  # noqa: PLC0415 - the same

    files = KeyStore(directory(configuration.security.keys, environment)).granted()
    people = [file for file in files if file.role is not Role.NODE]
    people.sort(key=lambda file: (file.role is Role.READER, file.codifier not in usual))
    return [file.codifier for file in people]


def _for_operators(configuration: Configuration, host: str) -> Iterator[str]:
    """Go through the codifiers for operators: first those for this host or for every host, then the others."""
    here = {node.codifier for node in configuration.on_host(host)}
    operators = [node for node in configuration.nodes.values() if node.is_operator]
    operators.sort(key=lambda node: node.host is not None and node.codifier not in here)
    return (node.codifier for node in operators)
