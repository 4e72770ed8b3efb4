"""What devices publish through an MQTT broker, such as those of ESPHome and Zigbee2MQTT."""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Final, TypeAlias

import msgspec
from msgspec import Meta

from drivers.ages import OLDEST_S, dated
from drivers.driver import OWN_CHANNEL, DriverError, DriverOptions, Measured, Measurements, Place
from drivers.libraries import library
from drivers.links.mqtt_connection import LARGEST_BYTES, Broker, Connection, Message
from drivers.text import payloads
from drivers.text.decimals import check_finite
from drivers.text.json_paths import check_path, compiled, there
from drivers.text.secrets import read_password
from protocol.printable import visible
from protocol.readings import Value

log: Final = logging.getLogger("jph.driver")

Port: TypeAlias = Annotated[int, Meta(ge=1, le=65_535)]

PLAIN_PORT: Final = 1883
TLS_PORT: Final = 8883
LONGEST_TOPIC: Final = 65_535  # bytes, MQTT 3.1.1, 1.5.3

_LONGEST_FAULT: Final = 300  # characters: JMESPath quotes all that it found
_HOST: Final = re.compile(r"[0-9A-Za-z_:.%-]{1,253}")


class MqttOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which broker, which topics, and where the value stands in what is published there."""

    host: Annotated[str, Meta(description="the broker's name or address; must be given")]
    port: Annotated[Port | None, Meta(description="its port")] = None
    tls: Annotated[bool, Meta(description="encrypt, and see that it is the right broker")] = False
    ca: Annotated[
        str | None, Meta(description="a PEM file with the authorities that may have signed for it; else the system's")
    ] = None
    username: Annotated[str | None, Meta(description="who to be there; without it nobody in particular")] = None
    password_file: Annotated[str | None, Meta(description="a file of mode 0600 with the password in it")] = None
    topic: Annotated[str | None, Meta(description="the topic of the channels that `topics` does not name")] = None
    path: Annotated[
        str | None, Meta(description="where the value stands in JSON, in JMESPath; without it the message is the value")
    ] = None
    topics: Annotated[dict[str, str], Meta(description="several channels, each with its topic")] = msgspec.field(
        default_factory=dict
    )
    paths: Annotated[dict[str, str], Meta(description="several channels, each with its path")] = msgspec.field(
        default_factory=dict
    )
    values: Annotated[
        dict[str, int | float], Meta(description="which numbers words mean, such as `{ON: 1, OFF: 0}`")
    ] = msgspec.field(default_factory=dict)
    text: Annotated[bool, Meta(description="words that are not in `values` are readings as they are, not errors")] = (
        False
    )
    retained: Annotated[
        bool, Meta(description="also what the broker kept from before counts as a reading, however old it is")
    ] = False
    availability: Annotated[
        str | tuple[str, ...], Meta(description="a topic, or a list of them, that says whether the device is there")
    ] = ()
    available: Annotated[str, Meta(description="what is said there when it is, bare or as `state` in JSON")] = "online"

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.host) or any(len(label) > 63 for label in self.host.split(".")):
            raise ValueError(f"`host` is {self.host!r}, which is no name and no address")
        if self.ca is not None and not self.tls:
            raise ValueError("`ca` is of no use without `tls: true`")
        if self.password_file is not None and self.username is None:
            raise ValueError("`password_file` is of no use without `username`")
        for word, number in self.values.items():
            check_finite(f"values.{word}", number)
        self._check_channels()
        if self.path is not None:
            check_path("path", self.path)
        for channel, path in self.paths.items():
            check_path(f"paths.{channel}", path)

    def channels(self) -> frozenset[str]:
        """Return the channels that are named, and the node's own when it has a path or nothing else is named."""
        named = frozenset({*self.topics, *self.paths})
        return named if named and self.path is None else named | {OWN_CHANNEL}

    def topic_of(self, channel: str) -> str | None:
        """Return where a channel's values are published."""
        return self.topics.get(channel, self.topic)

    def path_of(self, channel: str) -> str | None:
        """Return where a channel's value stands in the message, None when the message is the value."""
        return self.paths.get(channel, self.path if channel == OWN_CHANNEL else None)

    def states(self) -> tuple[str, ...]:
        """Return the topics that say whether the device is there."""
        return (self.availability,) if isinstance(self.availability, str) else self.availability

    def _check_channels(self) -> None:
        if self.path is not None and OWN_CHANNEL in self.paths:
            raise ValueError(f"`path` and `paths.{OWN_CHANNEL}` cannot be used together")
        missing = [channel for channel in sorted(self.channels()) if self.topic_of(channel) is None]
        if missing:
            raise ValueError(f"`topic` or `topics.{missing[0]}` must say where {missing[0]!r} is published")
        for key, topic in self._named():
            _check_topic(key, topic)

    def _named(self) -> Iterator[tuple[str, str]]:
        """Yield each topic behind the key that names it."""
        if self.topic is not None:
            yield "topic", self.topic
        yield from ((f"topics.{channel}", topic) for channel, topic in self.topics.items())
        yield from (("availability", topic) for topic in self.states())


class Mqtt:
    """Gives each message that comes as a reading; several that wait, one after the other."""

    Options: ClassVar[type[msgspec.Struct]] = MqttOptions

    def __init__(self, options: MqttOptions, place: Place, wall_s: Callable[[], float] = time.time) -> None:
        self._options = options
        self._place = place
        self._wall_s = wall_s
        self._library = library("paho.mqtt.client", "mqtt")
        self._words = payloads.Words(options.values, keeps_text=options.text)
        self._channels = {topic: _paths(options, topic) for topic in _topics(options)}
        self._opening = threading.Lock()  # `close` may come meanwhile
        self._connection: Connection | None = None
        self._closed = False
        self._fault: DriverError | None = None  # of a message, until it was told
        self._seen: set[str] = set()  # channels that had a value, or whose lack was told
        self._dropped = 0

    def read(self) -> Measurements:
        """Return the oldest message of each channel, and ask to be read again for more.

        Raises DriverError when nothing can come: no connection, a device that is not there, a message that cannot be
        understood.
        """
        connection = self._connected()
        found = self._gather(connection)
        if not found:
            self._raise_fault()
            connection.wait_until_ready()
            found = self._gather(connection)
        if not found:
            self._raise_fault()
            self._check_availability(connection.said)
        if connection.next() is not None:
            self._place.wake()
        return found

    def close(self) -> None:
        """Leave the broker."""
        with self._opening:
            self._closed = True
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> Connection:
        with self._opening:
            if self._closed:
                raise DriverError("the driver is closed")
            if self._connection is None:
                self._connection = self._connect()
            return self._connection

    def _connect(self) -> Connection:
        return Connection(
            self._library,
            _broker(self._options, self._place),
            self._place.codifier,
            self._channels,
            self._options.states(),
            keeps_retained=self._options.retained,
            monotonic=self._place.monotonic,
            wake=self._place.wake,
        )

    def _gather(self, connection: Connection) -> dict[str, Value | Measured]:
        """Take messages as long as none has a second value for a channel; what is wrong with one is kept in mind."""
        found: dict[str, Value | Measured] = {}
        self._tell_of_dropped(connection.dropped)
        while (message := connection.next()) is not None:
            try:
                values = self._values(message)
            except (ValueError, ArithmeticError, TypeError, RecursionError) as error:  # functions of JMESPath
                self._fault = DriverError(f"{message.topic}: {visible(str(error)[:_LONGEST_FAULT])}")
                values = {}
            if values.keys() & found.keys():
                break
            connection.take(message)
            found |= self._dated(values, message)
        return found

    def _values(self, message: Message) -> dict[str, Value]:
        """Return what a message says, by channel; raises ValueError."""
        if message.payload is None:
            raise ValueError(f"a message of {message.size} bytes, which is more than {LARGEST_BYTES}")
        if not message.payload.strip():
            return {}  # how a retained message is removed
        paths = self._channels[message.topic]
        whole = message.payload.decode(errors="replace")
        found = payloads.document(message.payload) if any(paths.values()) else None
        values = {
            channel: self._words.value(whole) if path is None else self._value_at(channel, path, found)
            for channel, path in paths.items()
        }
        return {channel: value for channel, value in values.items() if value is not None}

    def _value_at(self, channel: str, path: Any, found: Any) -> Value | None:
        try:
            value = payloads.value_at(path.search(found), self._words)
        except ValueError as error:  # JMESPathError is one too
            raise ValueError(f"{path.expression}: {error}") from error
        if value is None and channel not in self._seen:
            what = there(found, path.expression)
            log.warning("%s: no %s yet in %r: %s", self._place.codifier, path.expression, channel, what)
        self._seen.add(channel)
        return value

    def _dated(self, values: Mapping[str, Value], message: Message) -> dict[str, Value | Measured]:
        """Say when values came, where the read is no good measure of it; leave out those that are too old."""
        age_s = self._place.monotonic() - message.came_s
        return {} if age_s > OLDEST_S else dated(values, age_s, self._wall_s)

    def _raise_fault(self) -> None:
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault

    def _check_availability(self, said: Mapping[str, str]) -> None:
        for topic in self._options.states():
            if topic in said and _state(said[topic]) != self._options.available:
                state = payloads.shortened(_state(said[topic]))
                raise DriverError(f"{topic} says {state!r}", "see whether the device has power and reaches its network")

    def _tell_of_dropped(self, dropped: int) -> None:
        if dropped > self._dropped:
            more = dropped - self._dropped
            log.warning("%s: %d messages came faster than they could be sent, and are lost", self._place.codifier, more)
            self._dropped = dropped


def _topics(options: MqttOptions) -> set[str]:
    return {topic for channel in options.channels() if (topic := options.topic_of(channel)) is not None}


def _paths(options: MqttOptions, topic: str) -> dict[str, Any]:
    """Return the channels of a topic, each with its path, None when the whole message is the value."""
    channels = [channel for channel in sorted(options.channels()) if options.topic_of(channel) == topic]
    paths = {channel: options.path_of(channel) for channel in channels}
    return {channel: None if path is None else compiled(channel, path, "mqtt") for channel, path in paths.items()}


def _broker(options: MqttOptions, place: Place) -> Broker:
    port = options.port or (TLS_PORT if options.tls else PLAIN_PORT)
    ca = None if options.ca is None else str(place.locate(options.ca))
    password = None if options.password_file is None else read_password(place.locate(options.password_file))
    return Broker(options.host, port, options.tls, ca, options.username, password)


def _state(said: str) -> str:
    """Return the word that tells whether a device is there: Zigbee2MQTT says {"state": "online"}, ESPHome online."""
    try:
        found = payloads.document(said.encode())
    except ValueError:
        return said
    state = found.get("state") if isinstance(found, dict) else found
    return state if isinstance(state, str) else said


def _check_topic(key: str, topic: str) -> None:
    if not topic or set(topic) & set("+#\0") or len(topic.encode(errors="replace")) > LONGEST_TOPIC:
        raise ValueError(f"`{key}` is {topic!r}, which is not the name of one topic: it is not empty and has no + or #")
