"""What all tests share: guards that watch over each of them, time that a test drives, networks of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import hypothesis
import pytest
import pytest_asyncio

from config.model import Network
from tests.support import guards
from tests.support.driven_time import DrivenLoop
from tests.support.loopback import LoopbackNetworks

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

hypothesis.settings.register_profile("jph", deadline=None)  # no test depends on how fast the machine is
hypothesis.settings.load_profile("jph")

blocking = guards.BlockingWatch()


def pytest_asyncio_loop_factories(item: pytest.Function) -> Mapping[str, LoopFactory]:
    """Run a test that asks for `driven_time` in a loop whose time it drives, any other in an ordinary one."""
    if "driven_time" in item.fixturenames:
        return {"driven": DrivenLoop}
    return {"ordinary": asyncio.SelectorEventLoop}


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves a thread, socket or file behind."""
    threads, files = guards.threads(), guards.open_files()
    yield
    guards.fail_if_left(threads, files)


@pytest.fixture(autouse=True)
def loop_not_blocked() -> Iterator[None]:
    """Fail a test in which something blocked the event loop."""
    blocking.forget()
    yield
    blocking.fail_if_blocked()


@pytest.fixture(autouse=True)
def loop_in_order(request: pytest.FixtureRequest, nothing_left_behind: None) -> None:
    """Watch the event loop of a test that has one."""
    if pytest_asyncio.is_async_test(request.node):
        request.getfixturevalue("watched_loop")


@pytest.fixture
async def watched_loop() -> AsyncIterator[None]:
    """Fail a test that leaves a task running, or in whose loop an error was caught by nobody."""
    watch = guards.LoopWatch(asyncio.get_running_loop())
    yield
    watch.fail_if_wrong()


@pytest.fixture
async def driven_time() -> DrivenLoop:
    """Give the running loop, in which time passes only by `await driven_time.advance(seconds)`."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, DrivenLoop)
    return loop


@pytest.fixture(scope="session")
def loopback_networks() -> Iterator[LoopbackNetworks]:
    """Give networks on loopback, as many as one wants."""
    networks = LoopbackNetworks()
    yield networks
    networks.close()


@pytest.fixture
def network(loopback_networks: LoopbackNetworks) -> Network:
    """Give a network on loopback that no other test uses now."""
    return loopback_networks.new()
