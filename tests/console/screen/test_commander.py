import asyncio

from agent.orders import Answer
from console.screen.commander import Commander, summary
from console.screen.control import AT_ONCE, BY_ACTION, Order
from console.screen.model import Model
from protocol.commands import Code
from protocol.frames import Flag
from tests.console.screen.feeding import Feed, lively, model_of


class SlowFeed(Feed):
    """Answers commands when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()
        self.asked = asyncio.Semaphore(0)

    async def command(self, flag: Flag, codifier: str, number: float = 0.0) -> Answer:
        self.commands.append((flag, codifier, number))
        self.asked.release()
        await self.go_on.wait()
        return Answer(codifier, self.code, acknowledged=True, elapsed_ms=1.0, attempts=1)


def commander(feed: Feed, model: Model) -> Commander:
    return Commander(feed, model, lambda: None)


async def test_a_command_is_sent_to_each_target_with_its_number() -> None:
    feed = lively(Feed())
    answers = await commander(feed, model_of(feed)).give(Order(BY_ACTION["set"], ("FK", "C1")), 80.0)
    assert feed.commands == [(Flag.SET, "FK", 80.0), (Flag.SET, "C1", 80.0)]
    assert [answer.codifier for answer in answers] == ["FK", "C1"]


async def test_a_command_is_seen_as_waiting_until_it_is_answered() -> None:
    feed = SlowFeed()
    model = model_of(feed)
    giving = asyncio.create_task(commander(feed, model).give(Order(BY_ACTION["halt"], ("C1",))))
    await feed.asked.acquire()
    assert [given.answer for given in model.given] == [None]
    feed.go_on.set()
    await giving
    assert [given.answer is not None for given in model.given] == [True]


async def test_only_a_few_commands_are_under_way_at_once() -> None:
    feed = SlowFeed()
    targets = tuple(f"{number:02}" for number in range(AT_ONCE + 5))
    giving = asyncio.create_task(commander(feed, model_of(feed)).give(Order(BY_ACTION["halt"], targets)))
    for _ in range(AT_ONCE):
        await feed.asked.acquire()
    await asyncio.sleep(0)
    assert len(feed.commands) == AT_ONCE
    feed.go_on.set()
    assert len(await giving) == len(targets)


def test_the_end_of_many_commands_is_summed_up() -> None:
    order = Order(BY_ACTION["halt"], ("C1", "C2", "F1"))
    answers = [Answer(codifier, Code.TAKEN, True, 1.0, 1) for codifier in order.targets]
    assert summary(order, answers) == "Halt 3 nodes: 3 of 3 taken"
    answers[1] = Answer("C2", None, False, 8_000.0, 6)
    assert summary(order, answers) == "Halt 3 nodes: 2 of 3 taken, not by C2"
