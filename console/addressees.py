"""To whom an operator may speak: what the configuration can answer at once, before anything is sent."""

from collections.abc import Iterable
from typing import Final

from config.model import Configuration
from console import words
from console.output import tell
from protocol.frames import Flag

SETTING: Final = frozenset({Flag.SET, Flag.STEP})


def speaker_advice(configuration: Configuration, codifier: str, command: str) -> str:
    """Say who is to be spoken to instead of a proxy, which hears nothing; empty when it is the codifier itself.

    `command` is how `jph` is called, `{}` where the codifier stands.
    """
    owner = configuration.owner(codifier)
    if owner is None or owner.codifier == codifier:
        return ""
    return f"{codifier} is sent by node {owner.codifier}: `jph {command.format(owner.codifier)}`"


def refusal(configuration: Configuration, flag: Flag, codifier: str, number: float) -> str:
    """Say why a command cannot reach a sensor, as far as the configuration knows; empty when it is worth trying."""
    owner, word = configuration.owner(codifier), flag.name.lower()
    if owner is None or owner.codifier == codifier:
        return ""
    if flag in SETTING and not owner.control:
        return f"{codifier} is sent by node {owner.codifier}, and neither can be set"
    value = f" {words.quantity(number)}" if flag in SETTING else ""
    return speaker_advice(configuration, codifier, f"{word} {{}}{value}")


def remark_on_strangers(configuration: Configuration, codifiers: Iterable[str]) -> None:
    """Tell which codifiers the configuration does not know: they are tried all the same, for it may not name all.

    Nothing is told when it names no nodes at all.
    """
    known = [sensor.codifier for _, sensor in configuration.sensors()]
    for codifier in codifiers:
        if known and codifier not in known:
            meant = likely_meant(codifier, known)
            question = f"; did you mean {words.listed(meant)}?" if meant else ";"
            tell(f"{codifier} is not in the configuration{question} it is tried all the same")


def likely_meant(codifier: str, known: Iterable[str]) -> list[str]:
    """Return the codifiers that differ from one only in case or in the order of the two characters."""
    typed = sorted(codifier.casefold())
    return [candidate for candidate in known if sorted(candidate.casefold()) == typed]
