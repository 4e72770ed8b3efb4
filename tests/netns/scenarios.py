"""What goes wrong on a network, and what it costs that nothing is lost then.

    python -m tests.netns.scenarios NAME [FOLDER]      # as in CI; `make soak` runs all of them at full length

A scenario that ends has shown that `Plant.is_whole`; it prints its figures as one line of JSON.
"""

import asyncio
import contextlib
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import msgspec

from tests.netns.hosts import Lan
from tests.netns.plant import SENSORS, Plant, kill
from tests.netns.shelves import Shelf, postgres_shelf, redis_shelf, sqlite_shelf
from tests.storage.postgres_server import PostgresServer
from tests.storage.redis_server import RedisServer

LOSS_PERCENT: Final = 20  # beside everything else that happens
BURST: Final = 30  # packets
BURST_EVERY: Final = 60


class Lengths(NamedTuple):
    """How long a scenario goes on, an outage lasts and a sink is down, and how often it is killed."""

    run_s: float
    outage_s: float
    down_s: float
    kills: int

    @property
    def patience_s(self) -> float:
        """After which a scenario fails that is still not settled. Nothing else depends on it."""
        return 120 + 2 * self.outage_s


IN_CI: Final = Lengths(run_s=4.0, outage_s=60.0, down_s=2.0, kills=10)
IN_FULL: Final = Lengths(run_s=120.0, outage_s=60.0, down_s=30.0, kills=10)


class World(NamedTuple):
    """What a scenario can do something to."""

    plant: Plant
    postgres: PostgresServer | None
    lengths: Lengths


Play: TypeAlias = Callable[[World], Awaitable[None]]


class Scenario(NamedTuple):
    """A title, what happens, into which stores is written, and whether the agent has a spool."""

    title: str
    play: Play
    stores: Sequence[str] = ("sqlite",)
    spooled: bool = False


class Cost(msgspec.Struct, frozen=True):
    """What a scenario cost. Shares are those of what the readings themselves take; times are in seconds.

    `lost` counts, over all sinks, the readings that did not come by themselves, or came to a sink that was killed
    before it stored them; `gone` those of them that nobody can have any more. `named` is how many losses the accounts
    name: `gone`, and the numbers that a spool had reserved and a killed agent did not use. A repair takes from when
    the reading was sent until it came to the sink's host; `settled_s` is the time from the last reading until all were
    stored.
    """

    sent: int
    lost: int
    repaired: int
    gone: int
    named: int
    repair_p50_s: float | None
    repair_p99_s: float | None
    settled_s: float
    requests_per_lost: float | None
    extra_datagrams: float
    extra_bytes: float
    ring_bytes: float


def run(name: str, path: Path, lengths: Lengths) -> Cost:
    """Let a scenario happen and check that nothing was lost; raises AssertionError."""
    scenario = SCENARIOS[name]
    with Lan() as lan, _servers(scenario.stores) as (postgres, redis):
        shelves = list(_shelves(scenario.stores, path, postgres, redis))
        with contextlib.closing(Plant(lan, path, shelves, spooled=scenario.spooled)) as plant:
            return asyncio.run(_witnessed(scenario.play, World(plant, postgres, lengths)))


async def _witnessed(play: Play, world: World) -> Cost:
    await play(world)
    settled_s = await world.plant.end(world.lengths.patience_s)
    assert world.plant.is_whole()
    return _cost(world.plant, settled_s)


# What happens


async def _start(world: World, percent: int) -> None:
    """Begin, and lose packets on both buses and in both directions from then on."""
    world.plant.start_sinks()
    world.plant.start_agent()
    await world.plant.until_stored(1)
    _lose(world.plant, percent)


async def _lose_at_random(world: World, percent: int) -> None:
    await _start(world, percent)
    await world.plant.run(world.lengths.run_s)


async def _lose_bursts(world: World) -> None:
    await _start(world, 0)
    world.plant.server.lose_bursts(BURST, BURST_EVERY)
    await world.plant.run(world.lengths.run_s)
    assert world.plant.server.lost() >= BURST


async def _cut(world: World) -> None:
    await _start(world, 0)
    await _cut_cable(world, world.lengths.outage_s)
    await world.plant.run(1.0)


async def _kill_sinks(world: World) -> None:
    """Kill the sink of each store again and again, wherever it is just then, also before it stored anything."""
    world.plant.start_agent()
    _lose(world.plant, LOSS_PERCENT)
    async with asyncio.TaskGroup() as tasks:
        for shelf in world.plant.shelves:
            tasks.create_task(_kill_again_and_again(world, shelf, world.plant.start_sink(shelf)))


async def _stop_postgres(world: World) -> None:
    """Stop PostgreSQL; the sink beside it stores on."""
    await _start(world, LOSS_PERCENT)
    beside = world.plant.shelves[1]
    before = beside.account(SENSORS[0]).stored
    await _stop_server(world, world.lengths.outage_s)
    assert beside.account(SENSORS[0]).stored - before > 5 * world.lengths.outage_s
    await world.plant.run(1.0)


async def _kill_agent(world: World) -> None:
    plant = world.plant
    plant.start_sinks()
    _lose(plant, LOSS_PERCENT)
    for times in range(3):
        agent = plant.start_agent()
        await plant.until_stored(10 * (times + 1))
        await plant.run(world.lengths.run_s / 4)
        plant.kill_agent(agent)
    plant.start_agent()
    await plant.run(world.lengths.run_s)


async def _all_at_once(world: World) -> None:
    plant, outage_s = world.plant, world.lengths.outage_s
    sinks = {shelf.codifier: plant.start_sink(shelf) for shelf in plant.shelves}
    agent = plant.start_agent()
    await plant.until_stored(1)
    _lose(plant, LOSS_PERCENT)
    async with asyncio.TaskGroup() as tasks:
        for shelf in plant.shelves:
            tasks.create_task(_kill_again_and_again(world, shelf, sinks[shelf.codifier]))
        tasks.create_task(_after(outage_s / 12, partial(_stop_server, world, outage_s)))
        tasks.create_task(_after(outage_s / 4, partial(_cut_cable, world, outage_s / 2)))
        await plant.run(outage_s / 2)
        plant.kill_agent(agent)
        plant.start_agent()


async def _kill_again_and_again(world: World, shelf: Shelf, sink: subprocess.Popen[str]) -> None:
    """Kill a sink so often, a little later in its life each time, and start it again after each."""
    for times in range(world.lengths.kills):
        await world.plant.run(1.5 + 0.27 * times)  # it stores for the first time after one second
        kill(sink)
        await world.plant.run(world.lengths.down_s)
        sink = world.plant.start_sink(shelf)


async def _cut_cable(world: World, seconds: float) -> None:
    world.plant.pi.cut()
    await world.plant.run(seconds)
    world.plant.pi.mend()


async def _stop_server(world: World, seconds: float) -> None:
    assert world.postgres is not None
    await asyncio.to_thread(world.postgres.stop)
    await world.plant.run(seconds)
    await asyncio.to_thread(world.postgres.start)


async def _after(seconds: float, what: Callable[[], Awaitable[None]]) -> None:
    await asyncio.sleep(seconds)
    await what()


def _lose(plant: Plant, percent: int) -> None:
    for host in (plant.pi, plant.server):
        host.lose(percent)


SCENARIOS: Final = {
    "loss-0": Scenario("no loss", partial(_lose_at_random, percent=0)),
    "loss-5": Scenario("5 % of all packets lost", partial(_lose_at_random, percent=5)),
    "loss-20": Scenario("20 % of all packets lost", partial(_lose_at_random, percent=20)),
    "loss-40": Scenario("40 % of all packets lost", partial(_lose_at_random, percent=40)),
    "bursts": Scenario("30 of 60 packets lost in a row", _lose_bursts),
    "cut": Scenario("the cable cut", _cut),
    "sink-killed": Scenario("sinks killed again and again", _kill_sinks, ("sqlite", "postgres", "redis")),
    "postgres-stopped": Scenario("PostgreSQL stopped", _stop_postgres, ("postgres", "redis")),
    "agent-killed": Scenario("the agent killed, without a spool", _kill_agent),
    "agent-killed-spool": Scenario("the agent killed, with a spool", _kill_agent, spooled=True),
    "all": Scenario("all at once", _all_at_once, ("sqlite", "postgres", "redis"), spooled=True),
}


# What it takes, and what it cost


@contextlib.contextmanager
def _servers(stores: Sequence[str]) -> Iterator[tuple[PostgresServer | None, RedisServer | None]]:
    with contextlib.ExitStack() as running:
        postgres = running.enter_context(contextlib.closing(PostgresServer())) if "postgres" in stores else None
        redis = running.enter_context(RedisServer()) if "redis" in stores else None
        yield postgres, redis


def _shelves(
    stores: Sequence[str], path: Path, postgres: PostgresServer | None, redis: RedisServer | None
) -> Iterator[Shelf]:
    if "sqlite" in stores:
        yield sqlite_shelf(path / "history.db")
    if postgres is not None:
        yield postgres_shelf(postgres)
    if redis is not None:
        yield redis_shelf(redis)


def _cost(plant: Plant, settled_s: float) -> Cost:
    plant.look()
    traffic = plant.traffic
    accounts = [account for shelf in plant.shelves for account in plant.accounts(shelf)]
    lost = len(traffic.sent) * len(plant.shelves) - sum(account.heard for account in accounts)
    repaired_s = sorted(traffic.repaired_s.values())
    extra = (traffic.requests, traffic.answers, traffic.refusals)
    return Cost(
        sent=len(traffic.sent),
        lost=lost,
        repaired=sum(account.repaired for account in accounts),
        gone=sum(len(values) for shelf in plant.shelves for values in plant.missing(shelf).values()),
        named=sum(account.unavailable for account in accounts),
        repair_p50_s=statistics.median(repaired_s) if repaired_s else None,
        repair_p99_s=repaired_s[int(0.99 * len(repaired_s))] if repaired_s else None,
        settled_s=settled_s,
        requests_per_lost=traffic.requests.datagrams / lost if lost else None,
        extra_datagrams=sum(load.datagrams for load in extra) / traffic.readings.datagrams,
        extra_bytes=sum(load.size_bytes for load in extra) / traffic.readings.size_bytes,
        ring_bytes=traffic.ring_bytes(),
    )


def main(name: str, folder: str | None = None) -> None:
    """Run one scenario as in CI; SIGTERM takes its hosts and servers down as well."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="jph-scenario-") as temporary:
        cost = run(name, Path(folder or temporary), IN_CI)
    print(msgspec.json.encode(cost).decode())  # noqa: T201 - for whoever started this


if __name__ == "__main__":
    main(*sys.argv[1:])
