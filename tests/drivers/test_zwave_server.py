"""The driver `zwave` against the real Z-Wave JS server, with the nodes with which Z-Wave JS tests itself."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.driver import DriverError, Measurements, Place
from drivers.zwave import OriginalOptions, Zwave, ZwaveOptions
from tests.support.driven_time import ManualClock
from tests.zwave.network import NotHereError, RealNetwork

POWER = "2-50-0-value-66049"
ENERGY = "2-50-0-value-65537"
TEMPERATURE = "5-49-0-Air temperature"
PATIENCE_S = 30.0  # only a failing test waits so long

WATT = {"kind": "meter", "type": 2}
CELSIUS = {"kind": "sensor", "type": 1}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealNetwork]:
    try:
        network = RealNetwork(tmp_path_factory.mktemp("zwave"))
    except NotHereError as error:
        pytest.skip(str(error))
    with network:
        yield network


@pytest.fixture
def real(started: RealNetwork) -> RealNetwork:
    """Give the network as it was at first."""
    started.do("measure", 2, **WATT, value=151.5)
    started.do("fail", polls=[])
    for number in (2, 3, 4):
        started.do("alive", number)
    return started


@pytest.fixture
def woken() -> threading.Semaphore:
    return threading.Semaphore(0)


@pytest.fixture
def build(real: RealNetwork, tmp_path: Path, woken: threading.Semaphore) -> Iterator[Callable[..., Zwave]]:
    drivers = []
    place = Place("W1", tmp_path, ManualClock().monotonic, wake=woken.release)

    def build(**options: Any) -> Zwave:
        drivers.append(Zwave(ZwaveOptions(**{"url": real.url, **options}), place))
        return drivers[-1]

    yield build
    for driver in drivers:
        driver.close()


Build = Callable[..., Zwave]


def woken_read(driver: Zwave, woken: threading.Semaphore) -> Measurements:
    """Read when the driver asks for it."""
    assert woken.acquire(timeout=PATIENCE_S)
    return driver.read()


def test_the_original_s_nine_values_are_read(build: Build) -> None:
    wanted = {
        f"W{3 * node - 5 + place}": OriginalOptions(node=node, index=index)
        for node in (2, 3, 4)
        for place, index in enumerate((4, 8, 0))
    }
    assert build(named=wanted).read() == {
        "W1": 150.3,
        "W2": 151.5,
        "W3": 123.4,
        "W4": 401.2,
        "W5": 402,
        "W6": 1024.25,
        "W7": 551.5,
        "W8": 553.5,
        "W9": 1147.65,
    }


def test_a_device_is_asked_each_time(real: RealNetwork, build: Build) -> None:
    driver = build(value=POWER, named={"energy": ENERGY})
    assert driver.read() == {"value": 151.5, "energy": 123.4}
    real.do("measure", 2, **WATT, value=7.5)
    assert driver.read() == {"value": 7.5, "energy": 123.4}


def test_asking_wakes_nobody(build: Build, woken: threading.Semaphore) -> None:
    driver = build(value=POWER, named={"energy": ENERGY})
    for _ in range(3):
        driver.read()
    assert not woken.acquire(blocking=False)


def test_a_report_is_a_reading_at_once(real: RealNetwork, build: Build, woken: threading.Semaphore) -> None:
    driver = build(value=POWER, poll=False)
    assert driver.read() == {}
    for watts in (2000, 2000, 2010.5):
        real.do("report", 2, **WATT, value=watts)
        assert woken_read(driver, woken) == {"value": watts}


def test_a_node_with_a_battery_is_heard_and_never_asked(
    real: RealNetwork, build: Build, woken: threading.Semaphore
) -> None:
    real.do("asleep", 5)
    driver = build(value=TEMPERATURE)
    assert driver.read() == {}
    real.do("report", 5, **CELSIUS, value=22.5)
    assert woken_read(driver, woken) == {"value": 22.5}
    assert real.do("status", 5) == 1
    assert driver.read() == {}


def test_a_dead_node_is_told_and_back_when_it_answers_a_ping(
    real: RealNetwork, build: Build, woken: threading.Semaphore
) -> None:
    driver = build(value=POWER)
    driver.read()
    real.do("reach", 2, reached=False)
    real.do("dead", 2)
    with pytest.raises(DriverError, match="node 2 is dead"):
        woken_read(driver, woken)
    real.do("reach", 2, reached=True)
    real.do("alive", 2)
    assert woken_read(driver, woken) == {"value": 151.5}


def test_a_node_that_goes_out_of_reach_dies_and_the_others_go_on(
    real: RealNetwork, build: Build, woken: threading.Semaphore
) -> None:
    driver = build(value=POWER, named={"other": "4-50-0-value-66049"}, timeout=20)
    driver.read()
    real.do("reach", 4, reached=False)
    measured = driver.read()
    assert (measured["value"], str(measured["other"]).partition(":")[0]) == (151.5, "4-50-0-value-66049")
    real.do("reach", 4, reached=True)
    assert woken.acquire(timeout=PATIENCE_S)  # it is dead
    assert str(driver.read()["other"]).startswith("node 4 is dead")  # and pinged
    assert woken.acquire(timeout=PATIENCE_S)  # it is alive
    assert driver.read() == {"value": 151.5, "other": 553.5}


def test_a_poll_that_fails_is_an_error_in_z_wave_js_s_words(real: RealNetwork, build: Build) -> None:
    driver = build(value=POWER)
    real.do("fail", polls=[True, False])
    with pytest.raises(DriverError, match=r"2-50-0-value-66049: no answer from the node \(ZW0201\)"):
        driver.read()
    assert driver.read() == {"value": 151.5}


def test_a_server_that_restarts_is_found_again(real: RealNetwork, build: Build, woken: threading.Semaphore) -> None:
    driver = build(value=POWER)
    driver.read()
    real.do("stop")
    with pytest.raises(DriverError, match="see whether Z-Wave JS runs"):
        woken_read(driver, woken)
    real.do("serve")
    assert driver.read() == {"value": 151.5}


def test_a_connection_that_is_cut_is_made_anew(real: RealNetwork, build: Build, woken: threading.Semaphore) -> None:
    driver = build(value=POWER)
    driver.read()
    real.do("drop")
    assert woken_read(driver, woken) == {"value": 151.5}


def test_a_server_whose_z_wave_js_is_not_ready_is_waited_for(real: RealNetwork, build: Build) -> None:
    driver = build(value=POWER)
    real.do("ready", ready=False)
    with pytest.raises(DriverError, match="is not ready yet: Driver is not ready"):
        driver.read()
    real.do("ready", ready=True)
    assert driver.read() == {"value": 151.5}


def test_a_server_that_hangs_is_an_error_and_what_it_says_later_is_a_push(
    real: RealNetwork, build: Build, woken: threading.Semaphore
) -> None:
    driver = build(value=POWER, timeout=0.5)
    driver.read()
    real.do("measure", 2, **WATT, value=88)
    os.kill(real.process_id, signal.SIGSTOP)
    try:
        with pytest.raises(DriverError, match=r"no answer within 0\.5 s"):
            driver.read()
    finally:
        os.kill(real.process_id, signal.SIGCONT)
    assert woken_read(driver, woken) == {"value": 88}


def test_what_there_is_is_offered(real: RealNetwork) -> None:
    offers = {offer.name: offer for offer in Zwave.offers(ZwaveOptions(url=real.url))}
    assert (offers[POWER].label, offers[POWER].unit) == ("Electric Consumption [W]", "W")
    assert offers[TEMPERATURE].label == "Air temperature"
