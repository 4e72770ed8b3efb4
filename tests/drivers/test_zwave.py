"""The driver `zwave`, against a server that says what the real one says; test_zwave_server.py has the real one."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.loading import load, loads
from drivers import registry
from drivers.ages import OLDEST_S
from drivers.driver import OWN_CHANNEL, DriverError, Measured, Measurements, Offer, Place
from drivers.links.zwave_client import Client
from drivers.links.zwave_session import PING_DEAD_EVERY_S
from drivers.links.zwave_values import Network
from drivers.zwave import LASTING_S, LONGEST_PAUSE_S, OriginalOptions, Zwave, ZwaveOptions
from tests.drivers.devices.zwave import ALIVE, ASLEEP, DEAD, KWH, WATT, ZwaveServer, node, plugs, sensor
from tests.support.driven_time import START_MS, ManualClock

POWER = "2-50-0-value-66049"
ENERGY = "2-50-0-value-65537"
OTHER_POWER = "3-50-0-value-66049"


class Bell:
    """Counts how often the driver asked to be read."""

    def __init__(self) -> None:
        self._rung = threading.Semaphore(0)

    def ring(self) -> None:
        self._rung.release()

    def wait(self) -> None:
        assert self._rung.acquire(timeout=30)

    def is_silent(self) -> bool:
        return not self._rung.acquire(blocking=False)


@pytest.fixture
def server() -> Iterator[ZwaveServer]:
    with closing(ZwaveServer()) as server:
        yield server


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def here(tmp_path: Path, clock: ManualClock, bell: Bell) -> Place:
    return Place("W1", tmp_path, clock.monotonic, wake=bell.ring)


Build = Callable[..., Zwave]


@pytest.fixture
def build(server: ZwaveServer, here: Place, clock: ManualClock) -> Iterator[Build]:
    """Build drivers of the server, which are closed at the end."""
    drivers = []

    def build(**options: Any) -> Zwave:
        drivers.append(Zwave(ZwaveOptions(**{"url": server.url, **options}), here, lambda: clock.wall_ms / 1000))
        return drivers[-1]

    yield build
    for driver in drivers:
        driver.close()


def error_of(driver: Zwave) -> str:
    with pytest.raises(DriverError) as failure:
        driver.read()
    return str(failure.value)


def polls(server: ZwaveServer) -> int:
    return len(server.requests("node.poll_value"))


# What is read


def test_a_value_is_asked_for_by_the_name_that_z_wave_js_users_know(build: Build) -> None:
    assert build(value=POWER).read() == {"value": 151.5}


def test_channels_have_values_of_their_own(build: Build) -> None:
    driver = build(value=POWER, named={"energy": ENERGY, "other": OTHER_POWER, "sensor": "4-49-0-Power"})
    assert driver.read() == {"value": 151.5, "energy": 123.4, "other": 402, "sensor": 551.5}


def test_each_read_asks_anew(server: ZwaveServer, build: Build) -> None:
    driver = build(value=POWER)
    driver.read()
    server.value(2, WATT)["value"] = 12
    assert driver.read() == {"value": 12}


def test_what_z_wave_js_remembers_from_before_is_no_reading(build: Build) -> None:
    assert build(value=POWER, poll=False).read() == {}


@pytest.mark.parametrize(
    ("said", "read"), [(True, 1), (False, 0), (3, 3), (-1.5, -1.5), ("locked", "locked"), (2**70, 2**70)]
)
def test_numbers_texts_and_truths_are_readings(said: object, read: object, server: ZwaveServer, build: Build) -> None:
    server.value(2, WATT)["value"] = said
    assert build(value=POWER).read() == {"value": read}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (None, f"{POWER} has no value; its device does not know it yet"),
        ({"hours": 3}, f"{POWER} is neither a number nor text: {{'hours': 3}}"),
    ],
)
def test_anything_else_is_an_error(said: object, message: str, server: ZwaveServer, build: Build) -> None:
    server.value(2, WATT)["value"] = said
    assert error_of(build(value=POWER)) == message


# What devices push


def test_a_push_is_a_reading_at_once_with_the_value_of_the_event(server: ZwaveServer, build: Build, bell: Bell) -> None:
    driver = build(value=POWER, named={"energy": ENERGY})
    driver.read()
    server.push(2, WATT, 2000)
    server.value(2, WATT)["value"] = 0  # an answer would be another value
    bell.wait()
    assert driver.read() == {"value": 2000}


def test_a_push_does_not_ask_the_other_devices(server: ZwaveServer, build: Build, bell: Bell) -> None:
    driver = build(value=POWER, named={"energy": ENERGY})
    driver.read()
    server.push(2, WATT, 2000)
    bell.wait()
    driver.read()
    assert polls(server) == 2  # those of the first read


def test_what_was_pushed_since_the_last_interval_is_not_asked_for(
    server: ZwaveServer, build: Build, bell: Bell
) -> None:
    driver = build(value=POWER, named={"energy": ENERGY})
    driver.read()
    server.push(2, WATT, 2000)
    bell.wait()
    driver.read()
    assert driver.read() == {"energy": 123.4}
    assert driver.read() == {"value": 2000, "energy": 123.4}


def test_the_last_of_several_pushes_counts(server: ZwaveServer, build: Build, bell: Bell) -> None:
    driver = build(value=POWER, poll=False)
    driver.read()
    for number in (1, 2, 3):
        server.push(2, WATT, number)
        bell.wait()
    assert driver.read() == {"value": 3}
    assert driver.read() == {}


def test_a_push_that_had_to_wait_has_the_time_at_which_it_came(
    server: ZwaveServer, build: Build, bell: Bell, clock: ManualClock
) -> None:
    driver = build(value=POWER)
    driver.read()
    server.push(2, WATT, 2000)
    bell.wait()
    clock.pass_time(OLDEST_S)
    assert driver.read() == {"value": Measured(2000, timestamp_ms=int(START_MS))}


def test_a_push_of_long_ago_is_no_reading_and_its_device_is_asked(
    server: ZwaveServer, build: Build, bell: Bell, clock: ManualClock
) -> None:
    driver = build(value=POWER)
    driver.read()
    server.push(2, WATT, 2000)
    bell.wait()
    clock.pass_time(OLDEST_S + 1)
    server.value(2, WATT)["value"] = 7
    assert driver.read() == {"value": 7}


def test_a_push_of_long_ago_is_no_reading_where_no_device_is_asked(
    server: ZwaveServer, build: Build, bell: Bell, clock: ManualClock
) -> None:
    driver = build(value=POWER, poll=False)
    driver.read()
    server.push(2, WATT, 2000)
    bell.wait()
    clock.pass_time(OLDEST_S + 1)
    assert driver.read() == {}


def test_the_event_that_comes_with_an_answer_is_no_push(server: ZwaveServer, build: Build, bell: Bell) -> None:
    driver = build(value=POWER)
    for number in (1, 2):
        server.value(2, WATT)["value"] = number
        driver.read()
    assert bell.is_silent()


def test_an_event_that_follows_its_answer_is_no_push_either(server: ZwaveServer, build: Build, bell: Bell) -> None:
    driver = build(value=POWER)
    driver.read()  # its event came before its answer, so the next event is a push
    server.push(2, WATT, 151.5)
    bell.wait()
    assert driver.read() == {"value": 151.5}


def test_a_push_of_another_value_wakes_nobody(server: ZwaveServer, build: Build, bell: Bell) -> None:
    driver = build(value=POWER)
    driver.read()
    server.push(3, WATT, 7)
    server.tell("statistics updated", 2, statistics={})
    server.tell("value updated", 2, args={"commandClass": "?", "newValue": 1})
    server.tell("value updated", 2, args=[])
    server.push(2, WATT, 8)
    bell.wait()
    assert driver.read() == {"value": 8}
    assert bell.is_silent()


def test_a_notification_of_a_value_is_a_push(server: ZwaveServer, build: Build, bell: Bell) -> None:
    server.nodes = [
        node(2, {"commandClass": 91, "endpoint": 0, "property": "scene", "propertyKey": "001", "value": None})
    ]
    driver = build(value="2-91-0-scene-001", poll=False)
    driver.read()
    server.push(2, "scene", 0, "value notification")
    bell.wait()
    assert driver.read() == {"value": 0}


# Nodes that sleep, die, or are not known wholly


def test_a_node_that_sleeps_is_never_asked(server: ZwaveServer, build: Build, bell: Bell) -> None:
    server.nodes = [node(5, sensor("Air temperature", 1, "°C", 21.5), status=ASLEEP)]
    driver = build(value="5-49-0-Air temperature")
    assert driver.read() == {}
    server.set_status(5, 2)
    server.push(5, "Air temperature", 22.5)
    bell.wait()
    assert driver.read() == {"value": 22.5}
    assert driver.read() == {}
    assert polls(server) == 0


def test_a_dead_node_is_an_error_and_is_not_asked_for_values(server: ZwaveServer, build: Build, bell: Bell) -> None:
    driver = build(value=POWER)
    driver.read()
    server.set_status(2, DEAD)
    bell.wait()
    assert error_of(driver) == "node 2 is dead: it does not answer any more; see whether it has power and is in reach"
    assert polls(server) == 1


def test_a_dead_node_is_tried_once_a_minute(server: ZwaveServer, build: Build, clock: ManualClock) -> None:
    server.node(2)["status"] = DEAD
    driver = build(value=POWER, named={"energy": ENERGY})
    for count in (1, 2, 3):
        error_of(driver)
        error_of(driver)
        server.wait_for("node.ping", count)
        assert len(server.requests("node.ping")) == count
        clock.pass_time(PING_DEAD_EVERY_S)


def test_a_node_that_is_back_is_asked_at_once(server: ZwaveServer, build: Build, bell: Bell) -> None:
    server.node(2)["status"] = DEAD
    driver = build(value=POWER)
    error_of(driver)
    server.set_status(2, ALIVE)
    bell.wait()
    assert driver.read() == {"value": 151.5}


def test_a_dead_node_does_not_keep_the_others_from_their_values(server: ZwaveServer, build: Build) -> None:
    server.node(3)["status"] = DEAD
    measured = build(value=POWER, named={"W4": OTHER_POWER, "W5": "3-50-0-value-65537", "W9": "9-50-0-x"}).read()
    assert {channel: str(measured[channel]).partition(":")[0] for channel in measured} == {
        "value": "151.5",
        "W4": "node 3 is dead",
        "W5": "node 3 is dead",
        "W9": "there is no node 9 in the Z-Wave network; there are 1, 2, 3, 4",
    }


def test_a_node_that_is_still_asked_what_it_can_has_no_values_yet(
    server: ZwaveServer, build: Build, bell: Bell
) -> None:
    whole = server.nodes
    server.nodes = [node(2, ready=False)]
    driver = build(value=POWER)
    assert f"node 2 has no value {POWER} yet: Z-Wave JS still asks it what it can" in error_of(driver)
    server.nodes = whole
    server.tell("ready", 2)
    bell.wait()
    assert driver.read() == {"value": 151.5}


def test_a_node_that_was_removed_is_an_error(server: ZwaveServer, build: Build, bell: Bell) -> None:
    driver = build(value=POWER)
    driver.read()
    server.nodes = [node(1), node(7)]
    server.say({"type": "event", "event": {"source": "controller", "event": "node removed", "node": {"nodeId": 2}}})
    bell.wait()
    assert error_of(driver) == "there is no node 2 in the Z-Wave network; there are 1, 7"


# Names


def test_a_name_that_does_not_exist_is_told_with_those_that_are_near(build: Build) -> None:
    told = error_of(build(value="2-50-0-value-66050"))
    assert told.startswith(
        "node 2 has no value 2-50-0-value-66050; it has 2-50-0-value-66049 (Electric Consumption [W])"
    )


def test_a_name_that_is_near_to_nothing_is_told_with_what_measures(build: Build) -> None:
    assert "it has 2-49-0-Power (Power) 150.3 W" in error_of(build(value="2-113-0-x"))


@pytest.mark.parametrize(
    ("index", "number"),
    [
        (4, 150.3),  # "Power1 Consumption": the multilevel sensor of the type 4
        (8, 151.5),  # "Power2 Consumption": the meter in W, scale 2
        (0, 123.4),  # "Energy Used": the meter in kWh, scale 0
    ],
)
def test_the_original_s_numbers_name_the_values_that_they_named_there(index: int, number: float, build: Build) -> None:
    assert build(node=2, index=index, instance=1).read() == {"value": number}


def test_an_index_that_the_node_does_not_have_is_told_with_what_it_has(build: Build) -> None:
    told = error_of(build(node=2, index=16))
    assert told.startswith("node 2 has no value that OpenZWave calls node 2, index 16, instance 1; it has 2-49-0-Power")


def test_of_several_endpoints_the_instance_decides(server: ZwaveServer, build: Build) -> None:
    server.nodes = plugs()
    first = server.value(2, WATT)
    server.node(2)["values"] += [{**first, "endpoint": 1, "value": 1}, {**first, "endpoint": 2, "value": 2}]
    assert build(node=2, index=8, instance=3).read() == {"value": 2}
    assert build(node=2, index=8, instance=9).read() == {"value": 151.5}  # the original never looked at it


def test_which_value_was_taken_is_told_once(build: Build, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "jph.driver")
    driver = build(node=2, index=4)
    driver.read()
    driver.read()
    assert [record.getMessage() for record in caplog.records] == [
        "W1: 2-49-0-Power is taken for value (node 2, index 4, instance 1)"
    ]


def test_what_else_it_could_be_is_told(server: ZwaveServer, build: Build, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "jph.driver")
    reactive = {**server.value(2, KWH), "propertyKey": 65793}
    reactive["metadata"] = {**reactive["metadata"], "ccSpecific": {"meterType": 1, "scale": 1, "rateType": 1}}
    server.node(2)["values"].append(reactive)
    build(node=2, index=4).read()
    assert caplog.records[0].getMessage().endswith("; it could be 2-50-0-value-65793 as well")


def test_without_a_value_the_error_lists_what_there_is(build: Build) -> None:
    told = error_of(build())
    assert told.startswith("no value is named; name one of 2-49-0-Power (Power) 150.3 W, ")
    assert "4-50-0-value-65537 (Electric Consumption [kWh]) 1147.65 kWh" in told


def test_what_a_network_has_is_offered_in_the_order_of_its_nodes(server: ZwaveServer) -> None:
    server.nodes.append(node(10, sensor("Humidity", 5, "%", None), sensor("State", 1, "", True)))
    offers = Zwave.offers(ZwaveOptions(url=server.url))
    assert len(offers) == 11
    assert offers[0] == Offer("2-49-0-Power", 150.3, "W", "Power")
    assert offers[-2:] == [Offer("10-49-0-Humidity", None, "%", "Humidity"), Offer("10-49-0-State", 1, "", "State")]


def test_the_original_s_configuration_is_read_without_a_word(server: ZwaveServer, build: Build) -> None:
    original = Path(__file__).parents[1] / "config/original.json"
    configuration = load(str(original), lambda name: ZwaveOptions if name == "zwave" else None)
    options = configuration.nodes["W1"].options
    assert isinstance(options, ZwaveOptions)
    assert (options.node, options.index, options.instance) == (2, 4, 1)
    assert options.named["W8"] == OriginalOptions(node=4, index=8, instance=1)
    assert not any("W1" in warning.message for warning in configuration.warnings)
    channels = {sensor.channel or OWN_CHANNEL for sensor in configuration.nodes["W1"].sensors}
    assert channels == options.channels()
    driver = build(node=options.node, index=options.index, named=options.named)
    assert sorted(driver.read().items()) == [
        *[("W2", 151.5), ("W3", 123.4)],
        *[("W4", 401.2), ("W5", 402), ("W6", 1024.25)],
        *[("W7", 551.5), ("W8", 553.5), ("W9", 1147.65)],
        ("value", 150.3),
    ]


# Devices and servers that fail


def test_a_device_that_does_not_answer_is_an_error_in_the_server_s_words(server: ZwaveServer, build: Build) -> None:
    server.fails = lambda: True
    assert error_of(build(value=POWER)) == f"{POWER}: no answer (ZW0201)"


def test_a_value_that_fails_is_an_error_of_its_channel_alone(server: ZwaveServer, build: Build) -> None:
    outcomes = iter([True, False])
    server.fails = lambda: next(outcomes)
    measured = build(value=POWER, named={"energy": ENERGY}).read()
    assert [str(each) for each in measured.values() if isinstance(each, DriverError)] in (
        [f"{POWER}: no answer (ZW0201)"],
        [f"{ENERGY}: no answer (ZW0201)"],
    )
    assert len(measured) == 2


def test_of_a_hundred_polls_as_many_give_values_as_do_not_fail(server: ZwaveServer, build: Build) -> None:
    outcomes = [number % 10 == 0 for number in range(100)]
    remaining = iter(outcomes)
    server.fails = lambda: next(remaining)
    driver = build(value=POWER)
    readings: list[Measurements] = []
    errors = 0
    for _ in outcomes:
        try:
            readings.append(driver.read())
        except DriverError:
            errors += 1
    assert (readings, errors) == ([{"value": 151.5}] * 90, 10)


def test_an_answer_that_does_not_come_in_time_is_an_error(server: ZwaveServer, build: Build) -> None:
    driver = build(value=POWER, timeout=0.2)
    driver.read()
    server.silent.add("node.poll_value")
    assert error_of(driver).startswith(f"{POWER}: {server.url}: no answer within 0.2 s")


def test_an_answer_that_comes_too_late_is_not_taken_for_another(server: ZwaveServer, build: Build) -> None:
    driver = build(value=POWER, timeout=0.2)
    driver.read()
    server.silent.add("node.poll_value")
    error_of(driver)
    late = server.requests("node.poll_value")[-1]["messageId"]
    server.silent.clear()
    server.say({"type": "result", "success": True, "messageId": late, "result": {"value": 666}})
    assert driver.read() == {"value": 151.5}


def test_a_late_event_is_a_push(server: ZwaveServer, build: Build, bell: Bell) -> None:
    driver = build(value=POWER, timeout=0.2)
    driver.read()
    server.silent.add("node.poll_value")
    error_of(driver)
    server.push(2, WATT, 77)
    bell.wait()
    assert driver.read() == {"value": 77}


def test_a_server_that_is_not_ready_is_waited_for(server: ZwaveServer, build: Build) -> None:
    server.is_ready = False
    driver = build(value=POWER)
    assert (
        error_of(driver)
        == f"{server.url} is not ready yet: Driver is not ready; Z-Wave JS waits for its stick, or starts"
    )
    server.is_ready = True
    assert driver.read() == {"value": 151.5}


def test_no_server_is_an_error_that_says_what_to_look_at(server: ZwaveServer, build: Build) -> None:
    driver = build(value=POWER)
    server.close()
    told = error_of(driver)
    assert told.startswith(f"{server.url}: ")
    assert told.endswith("see whether Z-Wave JS runs, and whether its websocket server is switched on")


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ({"hello": "world"}, " is no Z-Wave JS server; see whether the port is right"),
        (
            {"type": "version", "serverVersion": "9.0", "minSchemaVersion": 51, "maxSchemaVersion": 99},
            ": server 9.0 speaks schemas from 51 on, jph 50; use a newer jph",
        ),
    ],
)
def test_another_kind_of_server_is_told(version: Any, message: str, server: ZwaveServer, build: Build) -> None:
    server.version = version
    assert message in error_of(build(value=POWER))


@pytest.mark.parametrize(("newest", "spoken"), [(0, 0), (35, 35), (50, 50), (60, 50)])
def test_the_newest_schema_that_both_know_is_spoken(
    newest: int, spoken: int, server: ZwaveServer, build: Build
) -> None:
    server.version = {**server.version, "maxSchemaVersion": newest}
    build(value=POWER).read()
    assert [request["schemaVersion"] for request in server.requests("initialize")] == [spoken]


def test_values_of_old_schemas_are_found_too(server: ZwaveServer, build: Build) -> None:
    server.nodes[1]["values"] = {str(number): value for number, value in enumerate(server.nodes[1]["values"])}
    driver = build(value=POWER, poll=False)
    assert driver.read() == {}


def test_a_lost_connection_wakes_the_driver_and_is_made_anew(server: ZwaveServer, build: Build, bell: Bell) -> None:
    driver = build(value=POWER)
    driver.read()
    server.value(2, WATT)["value"] = 12
    server.drop()
    bell.wait()
    assert driver.read() == {"value": 12}


def test_what_was_pushed_over_a_lost_connection_is_not_given(server: ZwaveServer, build: Build, bell: Bell) -> None:
    driver = build(value=POWER, poll=False)
    driver.read()
    server.push(2, WATT, 12)
    bell.wait()
    server.drop()
    bell.wait()
    assert driver.read() == {}


def test_connections_that_do_not_last_are_made_anew_with_growing_pauses(
    server: ZwaveServer, build: Build, bell: Bell, clock: ManualClock
) -> None:
    driver = build(value=POWER)
    driver.read()
    for pause_s in (0, 1, 2, 4, 8, 16, LONGEST_PAUSE_S, LONGEST_PAUSE_S):
        server.drop()
        bell.wait()
        if pause_s:
            assert error_of(driver) == f"the connection was lost again; it is tried anew in {pause_s:.0f} s"
        clock.pass_time(pause_s)
        assert driver.read()
    clock.pass_time(LASTING_S)
    server.drop()
    bell.wait()
    assert driver.read()


@pytest.mark.parametrize("message", [b"{", b"[]", b"\xff", b'{"a": NaN}', b'{"a": 1e999}', b"[" * 60_000])
def test_a_server_that_talks_nonsense_is_left(message: bytes, server: ZwaveServer, build: Build, bell: Bell) -> None:
    driver = build(value=POWER, poll=False)
    driver.read()
    server.say(message)
    bell.wait()
    driver.read()
    assert len(server.requests("initialize")) == 2


def test_a_server_that_is_silent_is_asked_for_a_sign_of_life(server: ZwaveServer) -> None:
    lost = threading.Event()
    with closing(Client(server.url, 5, ping_s=0.05)) as client:
        client.open()
        client.listen(lambda _: None, lost.set)
        server.wait_for("ping", 3)
        assert not lost.is_set()
        server.pongs = False
        assert lost.wait(30)
        assert str(client.loss) == f"{server.url} is silent for 0.1 s; see whether the server hangs"


def test_closing_ends_a_read_that_waits(server: ZwaveServer, build: Build) -> None:
    driver = build(value=POWER, timeout=600)
    server.silent.add("node.poll_value")
    errors: list[str] = []
    reader = threading.Thread(target=lambda: errors.append(error_of(driver)), daemon=True)
    reader.start()
    server.wait_for("start_listening")
    driver.close()
    reader.join(30)
    assert not reader.is_alive()
    assert len(errors) == 1
    assert "is closed" in error_of(driver)


def test_closing_ends_a_connection_that_only_begins(server: ZwaveServer, build: Build) -> None:
    server.silent.add("start_listening")
    driver = build(value=POWER, timeout=600)
    reader = threading.Thread(target=error_of, args=(driver,), daemon=True)
    reader.start()
    server.wait_for("start_listening")
    driver.close()
    reader.join(30)
    assert not reader.is_alive()


# Whatever a server says

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
)
_NODE = st.fixed_dictionaries(
    {},
    optional={
        "nodeId": st.integers(0, 9) | _JSON,
        "status": st.integers(0, 9) | _JSON,
        "ready": _JSON,
        "values": st.lists(
            st.fixed_dictionaries(
                {"commandClass": st.integers(48, 50) | _JSON, "property": st.just("value") | _JSON},
                optional={"endpoint": _JSON, "propertyKey": _JSON, "value": _JSON, "metadata": _JSON},
            ),
            max_size=4,
        ),
    },
)


@given(nodes=st.lists(_NODE, max_size=4) | _JSON, name=st.from_regex(r"\A[0-9]-[0-9]-[0-9]-[a-z]\Z"))
def test_any_state_is_read_or_refused(nodes: Any, name: str) -> None:
    network = Network({"nodes": nodes})
    assert all(str(value) for value in network.values())
    try:
        network.find(name)
    except DriverError as error:
        assert len(error.hint) < 2_000  # noqa: PT017 - what is found is no error


_EVENT = st.fixed_dictionaries(
    {"event": st.sampled_from(["value updated", "value notification", "dead", "ready", "node removed"]) | _JSON},
    optional={
        "nodeId": st.just(2) | _JSON,
        "node": _JSON,
        "args": _JSON | st.fixed_dictionaries({"commandClass": _JSON, "property": _JSON, "newValue": _JSON}),
    },
)


@given(events=st.lists(_EVENT | _JSON, max_size=5))
@settings(max_examples=40)
def test_any_events_leave_a_driver_that_reads(events: list[Any]) -> None:
    with closing(ZwaveServer()) as server:
        place = Place("W1", Path("/nowhere"), ManualClock().monotonic)
        with closing(Zwave(ZwaveOptions(url=server.url, value=POWER), place)) as driver:
            driver.read()
            for event in events:
                server.say({"type": "event", "event": event})
            server.set_status(2, ALIVE)
            client = driver._connector._client
            assert client is not None
            client.finish([client.begin("node.ping")])  # all events came before its answer
            assert driver.read().keys() <= {"value"}
            assert driver.read() == {"value": 151.5}


def test_the_driver_is_one_of_the_configuration(server: ZwaveServer) -> None:
    document = {"nodes": {"W1": {"driver": "zwave", "options": {"value": POWER, "channels": {"energy": ENERGY}}}}}
    node = loads(json.dumps(document).encode(), "jph.yaml", registry.options_of).nodes["W1"]
    assert node.options == ZwaveOptions(value=POWER, named={"energy": ENERGY})
