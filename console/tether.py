"""Runs the agent as long as standard input is open.

Whoever starts it holds the other end: when that process ends, in whatever way, the kernel closes the pipe, and the
agent stops in order. (A death signal by prctl would come when the starting *thread* ends, and bypass the order.)
"""

import os
import signal
import sys
import threading
from typing import Final

from agent.main import main as run_agent

PATIENCE_S: Final = 5.0  # for the agent to stop in order; drivers and stores have deadlines that are shorter
EXIT_KILLED: Final = 137


def main() -> None:
    """Run `jph-agent` with the arguments of this process until standard input ends, and exit."""
    threading.Thread(target=_stop_when_released, args=(sys.stdin.fileno(),), name="tether", daemon=True).start()
    sys.exit(run_agent(sys.argv[1:]))


def _stop_when_released(stdin: int) -> None:
    # Not by sys.stdin: the interpreter could not end while a thread waits in its buffer.
    while os.read(stdin, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(PATIENCE_S)
    os._exit(EXIT_KILLED)


if __name__ == "__main__":
    main()
