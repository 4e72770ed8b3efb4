import asyncio
from collections.abc import Callable
from typing import Final

from agent.orders import Answer
from console.screen.control import AT_ONCE, Order
from console.screen.link import Link
from console.screen.model import Given, Model

Changed = Callable[[], None]


class Commander:
    """Gives orders and keeps what came of them in the model; `changed` is called after each step."""

    def __init__(self, link: Link, model: Model, changed: Changed) -> None:
        self._link: Final = link
        self._model: Final = model
        self._changed = changed

    async def give(self, order: Order, number: float | None = None) -> list[Answer]:
        """Send a command to each target, AT_ONCE at the same time; returns the answers in the targets' order."""
        turns = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            answers = [tasks.create_task(self._give(order, codifier, number, turns)) for codifier in order.targets]
        return [task.result() for task in answers]

    async def _give(self, order: Order, codifier: str, number: float | None, turns: asyncio.Semaphore) -> Answer:
        async with turns:
            given = Given(self._model.live.now.wall_ms, order.command.flag, codifier, number)
            self._note(given)
            answer = await self._link.command(order.command.flag, codifier, number or 0.0)
            self._note(given._replace(answer=answer))
            return answer

    def _note(self, given: Given) -> None:
        self._model.note(given)
        self._changed()


def summary(order: Order, answers: list[Answer]) -> str:
    """Say in a line what came of an order to several nodes."""
    refused = [answer.codifier for answer in answers if not answer.ok]
    done = f"{order.title}: {len(answers) - len(refused)} of {len(answers)} taken"
    return f"{done}, not by {' '.join(refused)}" if refused else done
