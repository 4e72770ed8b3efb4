"""The command line of `jph-agent`, for those who give options or ask for help: argparse costs 0.4 MiB and 20 ms."""

import argparse
import socket
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

HELP_COLUMNS: Final = 100

EXAMPLES: Final = """examples:
  jph-agent                  run the nodes whose `host` is this host
  jph-agent C1 F1            run these two nodes in one process
  JPH_SENSOR=C1 jph-agent    the same for one node, as the original system named it

exit codes: 0 stopped in order, 1 error, 2 wrong usage, 3 another instance of every node is running
"""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the fields of `agent.main.Wanted`; ends the process for `--help`, and with code 2 for wrong usage."""
    return _parser().parse_intermixed_args(arguments)


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
