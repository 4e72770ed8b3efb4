"""An operator who listens to everything and commands one node again and again.

    python -m bench.commander CONFIG TARGET SECONDS

For each line on stdin it commands for so long, and prints `{"taken_us": [...], "refused": N}`: how long each command
took that was taken, in microseconds, with the ping before it, and how many were not.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import Final

from agent.configuration import load_configuration
from agent.participant import Participant
from protocol.frames import Flag

PAUSE_S: Final = 0.05
AS: Final = "CC"


async def command(operator: Participant, target: str, seconds: float) -> dict[str, object]:
    """Command for so many seconds; the last command may take longer."""
    taken_us: list[int] = []
    refused, until_s = 0, time.monotonic() + seconds
    while time.monotonic() < until_s:
        begin_s = time.monotonic()
        answer = await operator.command(Flag.SET, target, float(len(taken_us) % 100))
        if answer.ok:
            taken_us.append(int((time.monotonic() - begin_s) * 1e6))
        refused += not answer.ok
        await asyncio.sleep(PAUSE_S)
    return {"taken_us": taken_us, "refused": refused}


async def main(arguments: Sequence[str]) -> None:
    configuration, target, seconds = arguments
    async with Participant(load_configuration(configuration), AS, present=True) as operator:
        print("{}", flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await command(operator, target, float(seconds))), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
