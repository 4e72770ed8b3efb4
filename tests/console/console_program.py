"""The console as a program of its own, on the small network of these tests: `GROUP PORT GROUP PORT [--control]`."""

import sys

from config.model import Group, Network
from console.app import run_console
from protocol.errors import JphError
from tests.console.feeding import small_network


def main(arguments: list[str]) -> int:
    """Run the console and say on stderr what went wrong, as `jph` does."""
    control, control_port, data, data_port, *options = arguments
    groups = Group(control, int(control_port)), Group(data, int(data_port))
    network = Network(control=groups[0], data=groups[1], interface="lo", ttl=1)
    try:
        return run_console(small_network(network), "CC", control="--control" in options)
    except JphError as error:
        sys.stderr.write(f"{error.message}\n{error.hint}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
