"""The driver `mqtt` against mosquitto: what devices publish becomes readings, once each, and never late as new."""

import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.ages import OLDEST_S
from drivers.driver import DriverError, Measured, Measurements, Place
from drivers.links import mqtt_connection
from drivers.links.mqtt_connection import LARGEST_BYTES, MOST_WAITING
from drivers.mqtt import Mqtt, MqttOptions
from drivers.text import payloads
from tests.drivers.devices.mqtt import LOOPBACK, PATIENCE_S, MqttBroker, MqttDevice, certificate
from tests.drivers.soaking import ERROR_SHARE, Errors
from tests.support.driven_time import START_MS, ManualClock

BATHROOM: Final = "zigbee2mqtt/bathroom"
# A WSDCGQ11LM as Zigbee2MQTT publishes it.
CLIMATE: Final = (
    '{"battery":94,"humidity":63.88,"linkquality":105,"pressure":1001.2,"temperature":23.60,"voltage":2995}'
)
STATUS: Final = "kitchen/status"

LEAVES_ITS_SOCKET: Final = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
"""paho leaves the socket of a failed TLS handshake to be closed with the last reference, which Python warns of."""


class Listener:
    """A driver that is read as a node reads it: when it wakes its node."""

    def __init__(self, stack: ExitStack, broker: MqttBroker, place: Place, clock: ManualClock) -> None:
        self._stack = stack
        self._broker = broker
        self._clock = clock
        self._woken = threading.Event()
        self._place = place.__class__(
            place.codifier, place.state_directory, clock.monotonic, place.root, clock.pass_time, self._woken.set
        )

    def __call__(self, **options: object) -> "Listener":
        given = {"host": LOOPBACK, "port": self._broker.port, **options}
        built = msgspec.convert(given, MqttOptions)
        self.driver = self._stack.enter_context(closing(Mqtt(built, self._place, lambda: self._clock.wall_ms / 1000)))
        return self

    def subscribed(self) -> "Listener":
        """Read once, with nothing to be read."""
        assert self.driver.read() == {}
        return self

    def readings(self, count: int) -> list[Measurements]:
        """Read whenever the driver asks for it, until so many reads gave something."""
        found: list[Measurements] = []
        while len(found) < count:
            found += filter(None, [self._read()])
        return found

    def reading(self) -> Measurements:
        """Read until something comes."""
        return self.readings(1)[0]

    def error(self) -> str:
        """Read whenever the driver asks for it, until that fails."""
        while True:
            try:
                self._read()
            except DriverError as error:
                return str(error)

    def reading_after_errors(self) -> Measurements:
        """Read until something comes, whatever fails before."""
        while True:
            try:
                return self.reading()
            except DriverError:
                self.wait()

    def let_come(self, messages: int, dropped: int = 0) -> None:
        """Wait, without reading, until so many messages wait to be read, and so many were dropped."""
        connection = self.driver._connection
        assert connection is not None
        while (len(connection._waiting), connection.dropped) != (messages, dropped):
            self.wait()

    def wait(self) -> None:
        """Wait until the driver asks to be read."""
        assert self._woken.wait(PATIENCE_S)
        self._woken.clear()

    def _read(self) -> Measurements:
        self._woken.clear()
        measured = self.driver.read()
        if not measured:
            assert self._woken.wait(PATIENCE_S)
        return measured


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def broker(stack: ExitStack, tmp_path: Path) -> MqttBroker:
    return stack.enter_context(MqttBroker(tmp_path))


@pytest.fixture
def device(stack: ExitStack, broker: MqttBroker) -> MqttDevice:
    return stack.enter_context(broker.device())


@pytest.fixture
def listener(stack: ExitStack, broker: MqttBroker, place: Place, clock: ManualClock) -> Listener:
    return Listener(stack, broker, place, clock)


def test_a_bare_number_is_a_reading(listener: Listener, device: MqttDevice) -> None:
    listener(topic="t").subscribed()
    device.publish("t", "20016")
    assert listener.reading() == {"value": 20016}


def test_a_device_of_zigbee2mqtt_has_several_channels_in_one_message(listener: Listener, device: MqttDevice) -> None:
    paths = {"value": "temperature", "humidity": "humidity", "pressure": "pressure", "battery": "battery"}
    listener(topic=BATHROOM, paths=paths).subscribed()
    device.publish(BATHROOM, CLIMATE)
    assert listener.reading() == {"value": 23.6, "humidity": 63.88, "pressure": 1001.2, "battery": 94}


def test_a_device_of_esphome_has_a_topic_for_each_sensor(listener: Listener, device: MqttDevice) -> None:
    topics = {"value": "kitchen/sensor/temperature/state", "motion": "kitchen/binary_sensor/motion/state"}
    listener(topics=topics, values={"ON": 1, "OFF": 0}, availability=STATUS).subscribed()
    device.publish("kitchen/sensor/temperature/state", "21.30")
    assert listener.reading() == {"value": 21.3}
    device.publish("kitchen/binary_sensor/motion/state", "ON")
    assert listener.reading() == {"motion": 1}


def test_a_message_without_a_channel_s_path_says_nothing_of_it(listener: Listener, device: MqttDevice) -> None:
    listener(topic="t", paths={"value": "a", "other": "b"}).subscribed()
    device.publish("t", '{"b": 2}', '{"a": null, "b": 3}')
    assert listener.readings(2) == [{"other": 2}, {"other": 3}]


def test_a_path_that_finds_nothing_at_first_is_told_once_with_what_is_there(
    listener: Listener, device: MqttDevice, caplog: pytest.LogCaptureFixture
) -> None:
    listener(topic="t", paths={"value": "temperatur", "ok": "n"}).subscribed()
    device.publish("t", '{"temperature": 21, "n": 1}', '{"temperature": 22, "n": 2}')
    listener.readings(2)
    assert caplog.messages == ["FK: no temperatur yet in 'value': there are n, temperature"]


@pytest.mark.parametrize(
    ("payload", "value"),
    [("true", 1), ("false", 0), ("7", 7), ("7.0", 7.0), ("-1e3", -1000.0), ('"OPEN"', 2), ('" 21.50"', 21.5)],
)
def test_a_value_in_json_is_a_number_also_as_a_word_or_in_quotes(
    listener: Listener, device: MqttDevice, payload: str, value: float
) -> None:
    listener(topic="t", path="a", values={"OPEN": 2}).subscribed()
    device.publish("t", f'{{"a": {payload}}}')
    reading = listener.reading()
    assert reading == {"value": value}
    assert type(reading["value"]) is type(value)


def test_words_are_readings_where_text_is_wanted(listener: Listener, device: MqttDevice) -> None:
    listener(topic="t", text=True, values={"off": 0}).subscribed()
    device.publish("t", "Spin", "off", "41")
    assert listener.readings(3) == [{"value": "Spin"}, {"value": 0}, {"value": 41}]


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        ("ON", "t: 'ON' is not a number; say what it means with `values`, or let it be text with `text: true`"),
        ("nan", "t: nan is not a finite number"),
        ("x" * 99, f"t: '{'x' * 40}…' is not a number"),
        ("x" * (LARGEST_BYTES + 1), f"t: a message of {LARGEST_BYTES + 1} bytes, which is more than {LARGEST_BYTES}"),
    ],
)
def test_what_is_no_value_is_an_error_and_no_reading(
    listener: Listener, device: MqttDevice, payload: str, error: str
) -> None:
    listener(topic="t").subscribed()
    device.publish("t", payload)
    assert listener.error().startswith(error)


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        ("{", "t: '{' is no JSON: Expecting property name"),
        ("[" * 10_000, "is no JSON: it is nested too deeply"),
        ('{"a": [1]}', "t: a: a list is no value: name one that is in it"),
        ('{"a": {"b": 1}}', "t: a: a mapping is no value: name one that is in it"),
        ('{"a": NaN}', "t: a: nan is no number"),
        ('{"a": 1e999}', "t: a: inf is no number"),
        (f'{{"a": {10**400}}}', "t: a: the number is too large"),
        ('{"a": "ON"}', "t: a: 'ON' is not a number"),
    ],
)
def test_what_is_no_value_in_json_is_an_error_that_names_the_path(
    listener: Listener, device: MqttDevice, payload: str, error: str
) -> None:
    listener(topic="t", path="a").subscribed()
    device.publish("t", payload)
    assert error in listener.error()


def test_a_function_of_jmespath_that_gets_the_wrong_type_is_an_error(listener: Listener, device: MqttDevice) -> None:
    listener(topic="t", path="max(a)").subscribed()
    device.publish("t", '{"a": [1, 3, 2]}')
    assert listener.reading() == {"value": 3}
    device.publish("t", '{"a": 1}')
    assert listener.error().startswith("t: max(a): In function max(), invalid type")


def test_what_came_is_shown_escaped_and_cut(
    listener: Listener, device: MqttDevice, caplog: pytest.LogCaptureFixture
) -> None:
    listener(topic="t", path="max(a)").subscribed()
    device.publish("t", json.dumps({"a": "\x1b[31m" + "x" * 5000}))
    error = listener.error()
    assert error.isprintable()
    assert len(error) < 400
    device.publish("t", json.dumps({"\x1b[31m" + "x" * 5000: 1, "a": []}))
    device.publish("t", '{"a": [1]}')
    assert listener.reading() == {"value": 1}
    assert all(message.isprintable() and len(message) < 400 for message in caplog.messages)


def test_an_empty_message_is_nothing_because_it_removes_what_was_retained(
    listener: Listener, device: MqttDevice
) -> None:
    listener(topic="t", path="a").subscribed()
    device.publish("t", "", '{"a": ""}', '{"a": 1}')
    assert listener.reading() == {"value": 1}


def test_what_is_wrong_with_one_message_costs_no_other_and_is_told_afterwards(
    listener: Listener, device: MqttDevice
) -> None:
    listener(topic="t").subscribed()
    device.publish("t", "1", "broken", "2")
    listener.let_come(3)
    assert listener.readings(2) == [{"value": 1}, {"value": 2}]
    assert listener.error().startswith("t: 'broken' is not a number")


def test_of_a_device_that_often_publishes_rubbish_no_good_message_is_lost(
    listener: Listener, broker: MqttBroker, stack: ExitStack
) -> None:
    is_broken = [Random(number).random() < 0.1 for number in range(200)]
    device = stack.enter_context(broker.device(iter(is_broken).__next__))
    listener(topic="t").subscribed()
    device.publish("t", *map(str, range(200)))
    listener.let_come(200)
    good = [number for number in range(200) if not is_broken[number]]
    assert 0 < len(good) < 200
    assert [one["value"] for one in listener.readings(len(good))] == good


def test_every_message_of_a_burst_is_a_reading_in_its_order(listener: Listener, device: MqttDevice) -> None:
    listener(topics={"value": "t", "other": "u"}).subscribed()
    device.publish("t", *map(str, range(50)))
    device.publish("u", "7")
    listener.let_come(51)
    read = listener.readings(50)
    assert [one["value"] for one in read] == list(range(50))
    assert [one["other"] for one in read if "other" in one] == [7]


def test_a_message_that_had_to_wait_is_dated(listener: Listener, device: MqttDevice, clock: ManualClock) -> None:
    listener(topic="t").subscribed()
    device.publish("t", "1")
    listener.let_come(1)
    clock.pass_time(8)
    assert listener.reading() == {"value": Measured(1, timestamp_ms=int(START_MS))}


def test_what_came_while_the_node_was_halted_is_no_reading_later(
    listener: Listener, device: MqttDevice, clock: ManualClock
) -> None:
    listener(topic="t").subscribed()
    device.publish("t", "1")
    listener.let_come(1)
    clock.pass_time(OLDEST_S + 1)
    device.publish("t", "2")
    assert listener.reading() == {"value": 2}


def test_of_a_flood_the_newest_are_kept_and_the_loss_is_told(
    listener: Listener, device: MqttDevice, caplog: pytest.LogCaptureFixture
) -> None:
    listener(topics={"value": "t", "end": "u"}).subscribed()
    device.publish("t", *map(str, range(MOST_WAITING + 9)))
    device.publish("u", "1")
    listener.let_come(MOST_WAITING, dropped=10)
    read = listener.readings(MOST_WAITING - 1)
    assert [one["value"] for one in read] == list(range(10, MOST_WAITING + 9))
    assert read[-1]["end"] == 1
    assert caplog.messages == ["FK: 10 messages came faster than they could be sent, and are lost"]


def test_what_the_broker_retained_is_old_and_no_reading(listener: Listener, device: MqttDevice) -> None:
    device.publish("t", "1", retain=True)
    listener(topic="t").subscribed()
    device.publish("t", "2", retain=True)
    assert listener.reading() == {"value": 2}


def test_what_the_broker_retained_is_a_reading_where_that_is_wanted(listener: Listener, device: MqttDevice) -> None:
    device.publish("t", "1", retain=True)
    assert listener(topic="t", retained=True).driver.read() == {"value": 1}


def test_after_a_new_connection_only_what_changed_meanwhile_is_a_reading(
    listener: Listener, broker: MqttBroker, stack: ExitStack
) -> None:
    with broker.device() as device:
        device.publish("t", "1", retain=True)
        device.publish("u", "1", retain=True)
    listener(topics={"value": "t", "other": "u"}, retained=True)
    assert listener.driver.read() == {"value": 1, "other": 1}
    broker.stop()
    listener.error()
    broker.start()
    with broker.device() as device:
        device.publish("u", "1", retain=True)
        device.publish("t", "2", retain=True)
    assert listener.reading() == {"value": 2}


@pytest.mark.parametrize("said", ["offline", '{"state": "offline"}', '{"state":"offline","since":3}'])
def test_a_device_that_is_not_available_is_an_error(listener: Listener, device: MqttDevice, said: str) -> None:
    device.publish(STATUS, said, retain=True)
    listener(topic="t", availability=STATUS)
    assert listener.error() == (f"{STATUS} says 'offline'; see whether the device has power and reaches its network")


@pytest.mark.parametrize("said", ["online", '{"state": "online"}', '"online"'])
def test_a_device_that_is_back_is_no_error(listener: Listener, device: MqttDevice, said: str) -> None:
    device.publish(STATUS, "offline", retain=True)
    listener(topic="t", availability=[STATUS, "zigbee2mqtt/bridge/state"])
    listener.error()
    device.publish(STATUS, said, retain=True)
    device.publish("t", "1")
    assert listener.reading_after_errors() == {"value": 1}
    listener.subscribed()


def test_what_a_device_said_before_it_went_away_is_not_lost(listener: Listener, device: MqttDevice) -> None:
    listener(topic="t", availability=STATUS, available="up").subscribed()
    device.publish("t", "1")
    device.publish(STATUS, "down")
    assert listener.reading() == {"value": 1}
    assert listener.error().startswith(f"{STATUS} says 'down'")


def test_a_broker_that_is_not_there_is_named(listener: Listener, broker: MqttBroker) -> None:
    broker.stop()
    error = listener(topic="t").error()
    assert error == (
        f"the broker {LOOPBACK}:{broker.port} cannot be reached: Connection refused; "
        "see whether it runs, and `host`, `port` and `tls`"
    )


def test_a_broker_that_went_away_is_named_and_joined_again_when_it_is_back(
    listener: Listener, broker: MqttBroker
) -> None:
    listener(topic="t").subscribed()
    broker.stop()
    assert f"the broker {LOOPBACK}:{broker.port}" in listener.error()
    broker.start()
    listener.subscribed()
    with broker.device() as device:
        device.publish("t", "3")
    assert listener.reading() == {"value": 3}


def test_a_broker_that_does_not_answer_is_given_up(
    listener: Listener, broker: MqttBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt_connection, "PATIENCE_S", 0.3)
    with socket.create_server((LOOPBACK, 0)) as silent:
        port = silent.getsockname()[1]
        error = listener(topic="t", port=port).error()
        listener.driver.close()
    assert error == f"the broker {LOOPBACK}:{port} has not answered yet; see whether it runs"


def test_a_name_that_does_not_exist_is_an_error(listener: Listener) -> None:
    assert "the broker nowhere.invalid:" in listener(topic="t", host="nowhere.invalid").error()


class TestLogin:
    """A broker that wants to know who is there."""

    @pytest.fixture
    def broker(self, stack: ExitStack, tmp_path: Path) -> MqttBroker:
        (tmp_path / "passwords").write_text("jph:secret\nother:secret\n")
        (tmp_path / "passwords").chmod(0o600)
        program = shutil.which("mosquitto_passwd")
        assert program is not None  # it comes with mosquitto
        subprocess.run([program, "-U", str(tmp_path / "passwords")], check=True)
        settings = ("allow_anonymous false", f"password_file {tmp_path / 'passwords'}")
        return stack.enter_context(MqttBroker(tmp_path, *settings))

    @pytest.fixture
    def password(self, tmp_path: Path) -> Callable[[str], str]:
        def write(text: str) -> str:
            path = tmp_path / "password"
            path.write_text(text)
            path.chmod(0o600)
            return str(path)

        return write

    def test_who_has_the_password_is_let_in(self, listener: Listener, broker: MqttBroker, password: Any) -> None:
        listener(topic="t", username="jph", password_file=password("secret\n")).subscribed()
        with broker.device(username="jph", password="secret") as device:  # noqa: S106 - of this test's broker
            device.publish("t", "1")
        assert listener.reading() == {"value": 1}

    def test_a_wrong_password_is_an_error(self, listener: Listener, password: Any) -> None:
        error = listener(topic="t", username="jph", password_file=password("wrong")).error()
        assert "refuses the connection: Not authorized; see `username` and `password_file`" in error

    def test_nobody_is_refused(self, listener: Listener) -> None:
        assert "refuses the connection: Not authorized" in listener(topic="t").error()

    def test_a_password_that_others_may_read_is_an_error(
        self, listener: Listener, password: Any, tmp_path: Path
    ) -> None:
        listener(topic="t", username="jph", password_file=password("secret"))
        (tmp_path / "password").chmod(0o644)
        assert "chmod 600" in listener.error()

    def test_a_password_may_come_later_than_the_driver(self, listener: Listener, password: Any, tmp_path: Path) -> None:
        listener(topic="t", username="jph", password_file=str(tmp_path / "password"))
        assert str(tmp_path / "password") in listener.error()
        password("secret")
        listener.subscribed()


class TestTls:
    """A broker that is spoken to with TLS; its certificate is its own authority."""

    @pytest.fixture
    def broker(self, stack: ExitStack, tmp_path: Path) -> MqttBroker:
        settings = certificate(tmp_path, f"IP:{LOOPBACK}")
        return stack.enter_context(MqttBroker(tmp_path, *settings, ca=str(tmp_path / "cert.pem")))

    def test_a_broker_whose_authority_is_known_is_spoken_to(
        self, listener: Listener, device: MqttDevice, tmp_path: Path
    ) -> None:
        listener(topic="t", tls=True, ca=str(tmp_path / "cert.pem")).subscribed()
        device.publish("t", "1")
        assert listener.reading() == {"value": 1}

    @LEAVES_ITS_SOCKET
    def test_a_broker_whose_authority_is_not_known_is_not(self, listener: Listener) -> None:
        assert "certificate verify failed" in listener(topic="t", tls=True).error()

    def test_authorities_that_are_not_there_are_named(self, listener: Listener, tmp_path: Path) -> None:
        error = listener(topic="t", tls=True, ca=str(tmp_path / "no.pem")).error()
        assert error == f"{tmp_path / 'no.pem'}: No such file or directory; name a PEM file with `ca`"

    def test_authorities_that_are_none_are_named(self, listener: Listener, tmp_path: Path) -> None:
        (tmp_path / "no.pem").write_text("nothing")
        assert f"{tmp_path / 'no.pem'}: " in listener(topic="t", tls=True, ca=str(tmp_path / "no.pem")).error()


@LEAVES_ITS_SOCKET
def test_a_broker_with_the_certificate_of_another_host_is_not_spoken_to(
    stack: ExitStack, tmp_path: Path, place: Place, clock: ManualClock
) -> None:
    broker = stack.enter_context(MqttBroker(tmp_path, *certificate(tmp_path, "DNS:other.example")))
    listener = Listener(stack, broker, place, clock)(topic="t", tls=True, ca=str(tmp_path / "cert.pem"))
    assert "certificate is not valid for" in listener.error()


RULES: Final = {
    "defaultACLAccess": {"publishClientReceive": True, "subscribe": False, "unsubscribe": True},
    "roles": [
        {"rolename": "guest", "acls": [{"acltype": "subscribeLiteral", "topic": "allowed", "allow": True}]},
    ],
    "groups": [{"groupname": "guests", "roles": [{"rolename": "guest"}]}],
    "anonymousGroup": "guests",
    "clients": [],
}
"""What everybody may do, as mosquitto's plugin for dynamic security reads it."""


def test_a_topic_that_the_broker_keeps_from_this_user_is_named(
    stack: ExitStack, tmp_path: Path, place: Place, clock: ManualClock
) -> None:
    plugin = next(Path("/usr/lib").rglob("mosquitto_dynamic_security.so"), None)
    assert plugin is not None  # it comes with mosquitto
    (tmp_path / "rules").write_text(json.dumps(RULES))
    settings = ("allow_anonymous true", f"plugin {plugin}", f"plugin_opt_config_file {tmp_path / 'rules'}")
    broker = stack.enter_context(MqttBroker(tmp_path, *settings))
    error = Listener(stack, broker, place, clock)(topics={"value": "allowed", "other": "t"}).error()
    assert error == f"the broker {LOOPBACK}:{broker.port} refuses t; let this user subscribe it there"


def test_a_read_that_waits_for_the_broker_ends_when_the_driver_is_closed(
    listener: Listener, broker: MqttBroker
) -> None:
    broker.stop()
    listener(topic="t").error()
    errors: list[str] = []
    reading = threading.Thread(target=lambda: errors.append(listener.error()))
    reading.start()
    listener.driver.close()
    reading.join(PATIENCE_S)
    assert not reading.is_alive()
    assert errors


def test_a_driver_that_is_closed_connects_no_more(listener: Listener) -> None:
    listener(topic="t").driver.close()
    with pytest.raises(DriverError, match="the driver is closed"):
        listener.driver.read()


def test_what_true_and_false_mean_can_be_said(listener: Listener, device: MqttDevice) -> None:
    listener(topic="t", path="contact", values={"true": 0, "false": 1}).subscribed()
    device.publish("t", '{"contact": false}', '{"contact": true}')
    assert listener.readings(2) == [{"value": 1}, {"value": 0}]


def test_ten_minutes_of_messages_of_which_some_are_broken_come_to_what_is_computed(
    listener: Listener, broker: MqttBroker, stack: ExitStack, clock: ManualClock
) -> None:
    device = stack.enter_context(broker.device(Errors(clock)))
    listener(topic="t").subscribed()
    model = ManualClock()
    is_broken = Errors(model)
    for number in range(120):
        device.publish("t", str(number))
        if is_broken():
            assert "is not a number" in listener.error()
        else:
            assert listener.reading() == {"value": number}
        clock.pass_time(5)
        model.pass_time(5)
    assert 0.5 * ERROR_SHARE < is_broken.failed / is_broken.transactions < 2.5 * ERROR_SHARE


@given(st.binary(max_size=64))
def test_any_bytes_are_a_value_or_an_error_in_words(payload: bytes) -> None:
    words = payloads.Words({}, keeps_text=False)
    for read in (lambda: words.value(payload.decode(errors="replace")), lambda: payloads.document(payload)):
        with suppress(ValueError):
            read()
