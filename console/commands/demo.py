import os
import shutil
import socket
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from config.loading import load
from config.model import Configuration, NoConfigurationError
from console import demo_traces
from console.commands.options import duration
from console.demo import Demo, running
from console.demo_agent import hold_signals
from console.demo_network import MOST_SIMULATED
from console.output import Output, at_terminal, stdout, tell
from console.seat import choose_codifier
from protocol.errors import JphError

# What to try, and the codifier that the configuration must have for it.
TRIALS: Final = (
    ("console", "the live screen", ""),
    ("nodes", "who is there", ""),
    ("get", "the last values", ""),
    ("ping --all -c 3", "how fast they answer", ""),
    ("set FK 80", "more fan: the water cools within a minute", "FK"),
    ("watch --count 20", "what is said on the buses", ""),
    ("history C1 --since 1m", "what was stored of the load", "C1"),
)


def demo(
    *,
    headless: Annotated[bool, typer.Option("--headless", help="Without a screen, until it is interrupted.")] = False,
    seconds: Annotated[
        float | None, typer.Option(metavar="DURATION", parser=duration, help="End after this time.")
    ] = None,
    nodes: Annotated[
        int, typer.Option(min=0, max=MOST_SIMULATED, help="So many simulated nodes more.", show_default=False)
    ] = 0,
    control: Annotated[bool, typer.Option("--control", help="Let the console command from the start.")] = False,
) -> int:
    """Read load, memory, uptime and temperature of this computer, simulate a plant, record both, and open the console.

    Nothing leaves this computer. Without --config and without a configuration of their own the other commands find
    the demo that runs. One demo runs at a time; all that it started ends with it.
    """
    screen = not headless and at_terminal()
    if not screen and not headless:
        tell("no terminal, so no screen: as with --headless")
    with running(nodes, demo_traces.directory()) as demo:
        if screen:
            codifier = choose_codifier(demo.configuration, None, os.environ, socket.gethostname())
            return demo.show(codifier, seconds, control=control)
        hold_signals()
        explain(stdout(), demo, seconds)
        demo.agent.wait(seconds)
    return 0


def explain(output: Output, demo: Demo, seconds: float | None) -> None:
    """Print what there is and what to type in another shell."""
    nodes = len(demo.configuration.nodes)
    output.line(f"The demo runs: {nodes} nodes on the loopback interface of this computer. In another shell:")
    calls = [(call(words, demo), purpose) for words, purpose, needed in TRIALS if has(demo.configuration, needed)]
    widest = max(len(words) for words, _ in calls)
    for words, purpose in calls:
        output.line(f"  {words:{widest}}  {purpose}")
    output.line(f"It ends {f'after {seconds:g} s, or ' if seconds is not None else ''}with Ctrl-C.")
    output.flush()


def has(configuration: Configuration, codifier: str) -> bool:
    """Tell whether there is a sensor of this codifier; what needs none can always be tried."""
    return not codifier or configuration.sensor(codifier) is not None


def call(words: str, demo: Demo) -> str:
    """Return the words that run a command on this demo."""
    command = f"{program()} {words}"
    return command if demo_is_found() else f"{command} --config {demo.path}"


def program() -> str:
    """Return how this program is called: by its name when the shell finds it, else by its path."""
    called = Path(sys.argv[0])
    found = shutil.which("jph")
    return "jph" if found is None or Path(found).resolve() == called.resolve() else str(called)


def demo_is_found() -> bool:
    """Tell whether the other commands find no configuration but the demo's."""
    try:
        load(None)
    except NoConfigurationError:
        return True
    except JphError:  # there is one, and something is wrong with it
        return False
    return False
