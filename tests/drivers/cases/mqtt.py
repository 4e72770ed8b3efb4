from collections.abc import Callable, Mapping

from tests.drivers.devices.mqtt import MqttBroker
from tests.drivers.trying import Bench, Case, Wrong


def place_broker(bench: Bench) -> Mapping[str, str]:
    """Choose the port of a broker that does not run yet."""
    bench.place.root.joinpath("mosquitto").mkdir()
    broker = bench.made["broker"] = MqttBroker(bench.place.root / "mosquitto")
    bench.stack.callback(broker.stop)
    return {"PORT": str(broker.port)}


def publish(**payloads: str) -> Callable[[Bench], object]:
    """Let the broker run, and keep what was published."""

    def prepare(bench: Bench) -> None:
        broker: MqttBroker = bench.made["broker"]
        broker.start()
        with broker.device() as device:
            for topic, payload in payloads.items():
                device.publish(topic, payload, retain=True)

    return prepare


def stop(bench: Bench) -> None:
    """Stop the broker."""
    bench.made["broker"].stop()


HOST = {"host": "127.0.0.1", "port": "PORT", "retained": True}

CASES = [
    Case({**HOST, "topic": "t"}, publish(t="21.5"), stop, place_broker),
    Case({**HOST, "topic": "t", "path": "a.b"}, publish(t='{"a": {"b": 3}}'), stop, place_broker),
    Case(
        {**HOST, "topics": {"value": "t", "on": "u"}, "values": {"ON": 1}}, publish(t="2", u="ON"), stop, place_broker
    ),
    Case(
        {**HOST, "topic": "t", "paths": {"a": "a", "b": "b"}, "availability": "u"},
        publish(t='{"a": true, "b": 2.5}', u="online"),
        stop,
        place_broker,
    ),
]

NOT_SOAKED = "A read asks the broker for nothing: messages come by themselves. test_mqtt.py has ten minutes of them."

TOPIC = {"host": "broker", "topic": "t"}

WRONG = [
    Wrong({}, "'host'"),
    Wrong({"host": "broker"}, "`topic` or `topics.value` must say"),
    Wrong({"host": "a broker", "topic": "t"}, "`host` is 'a broker'"),
    Wrong({"host": "b" * 64, "topic": "t"}, "`host` is"),
    Wrong({**TOPIC, "port": 0}, "options.port"),
    Wrong({**TOPIC, "ca": "/ca.pem"}, "`ca` is of no use without `tls: true`"),
    Wrong({**TOPIC, "password_file": "/p"}, "`password_file` is of no use without `username`"),
    Wrong({"host": "broker", "topic": "a/+/b"}, "`topic` is 'a/+/b', which is not the name of one topic"),
    Wrong({"host": "broker", "topic": ""}, "`topic` is '', which is not the name of one topic"),
    Wrong({"host": "broker", "topics": {"value": "#"}}, "`topics.value` is '#', which is not the name of one topic"),
    Wrong({**TOPIC, "availability": ["a", "b/#"]}, "`availability` is 'b/#', which is not the name of one topic"),
    Wrong({"host": "broker", "paths": {"humidity": "h"}}, "`topic` or `topics.humidity` must say"),
    Wrong({**TOPIC, "path": "a", "paths": {"value": "b"}}, "`path` and `paths.value`"),
    Wrong({**TOPIC, "path": "a["}, "`path` is 'a['"),
    Wrong({**TOPIC, "paths": {"a": "b..c"}}, "`paths.a` is 'b..c'"),
    Wrong({**TOPIC, "values": {"ON": "on"}}, "options.values.ON"),
    Wrong({**TOPIC, "values": {"ON": float("inf")}}, "ON"),
    Wrong({**TOPIC, "colour": "red"}, "'colour'"),
]
