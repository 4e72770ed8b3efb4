"""A connection to an MQTT broker that keeps what comes until it is asked for, and says why when nothing can come.

paho runs it in a thread of its own and connects again after a loss. Subscriptions are of quality 1 in a session that
ends with the connection: what was published meanwhile is not sent later, because nobody would say how old it is.
"""

import sys
import threading
import uuid
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from drivers.driver import DriverError

MOST_WAITING: Final = 256
"""Messages that wait to be read. A node reads within milliseconds of a message, so only a flood or a halt has more."""

LARGEST_BYTES: Final = 16_384
"""Of one message that is kept: a state of Zigbee2MQTT has 2,000 at most, and 256 of these are 4 MiB."""

KEEPALIVE_S: Final = 20  # a broker that is gone without a word is missed within twice this
CONNECT_S: Final = 3.0  # for the connection itself, so that a read hears why there is none
PATIENCE_S: Final = 4.0  # of one read for the connection, below the 5 s that a read may take
SHORTEST_PAUSE_S: Final = 0.5  # before the first try to connect again; then it doubles
LONGEST_PAUSE_S: Final = 30


class Message(NamedTuple):
    """What came on a topic, and when, in s of the place's clock. Without `payload` it was so many bytes too long."""

    topic: str
    payload: bytes | None
    size: int
    came_s: float


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is, and who one is there. `ca` is a file with the authorities that may have signed for it."""

    host: str
    port: int
    tls: bool
    ca: str | None
    username: str | None
    password: str | None

    def __str__(self) -> str:
        return f"the broker {self.host}:{self.port}"


class Connection:
    """Subscribes topics of one broker. `wake` is called, from another thread, for each message and each loss.

    Messages of `states` are no readings: the newest of each is kept in `said`. Of retained messages of the others those
    are kept that are wanted (`keeps_retained`) and say something else than the last message there: after a new
    connection the broker sends again what it said before.
    """

    def __init__(  # noqa: PLR0913 - what the thread must know from its first moment on
        self,
        library: Any,
        broker: Broker,
        codifier: str,
        topics: Collection[str],
        states: Collection[str],
        *,
        keeps_retained: bool,
        monotonic: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        self.said: dict[str, str] = {}
        self.dropped = 0
        self._broker = broker
        self._topics = frozenset(topics)
        self._states = frozenset(states)
        self._keeps_retained = keeps_retained
        self._monotonic = monotonic
        self._wake = wake
        self._waiting: deque[Message] = deque()
        self._last: dict[str, bytes] = {}
        self._changed = threading.Condition()
        self._ready = False
        self._refused = False  # the connection stands, but the broker keeps topics from this user
        self._closed = False
        self._attempts = 0
        self._trouble = DriverError(f"{broker} has not answered yet", "see whether it runs")
        self._client: Any = self._make_client(library, codifier)

    def wait_until_ready(self) -> None:
        """Wait for the connection that is being made; raises DriverError when it failed, or takes more than 4 s.

        This is the time of the network, and not that of the place: nothing but the broker's answer ends it earlier.
        """
        with self._changed:
            before = self._attempts
            self._changed.wait_for(lambda: self._is_decided(before), PATIENCE_S)
            if not self._ready:
                raise self._trouble

    def next(self) -> Message | None:
        """Return the oldest message that nobody has had, without taking it; None when there is none."""
        with self._changed:
            return self._waiting[0] if self._waiting else None

    def take(self, message: Message) -> None:
        """Take a message that `next` returned, unless a flood has pushed it out meanwhile."""
        with self._changed:
            if self._waiting and self._waiting[0] is message:
                self._waiting.popleft()

    def close(self) -> None:
        """Leave the broker, and end the thread; also from another thread, and twice."""
        with self._changed:
            self._closed, self._ready = True, False
            self._trouble = DriverError("the connection is closed")
            self._changed.notify_all()
            client, self._client = self._client, None  # paho's last file is closed when nobody has the client
        if client is not None:
            client.disconnect()
            client.loop_stop()

    def _make_client(self, library: Any, codifier: str) -> Any:
        client = library.Client(library.CallbackAPIVersion.VERSION2, f"jph-{codifier}-{uuid.uuid4().hex[:8]}")
        if self._broker.username is not None:
            client.username_pw_set(self._broker.username, self._broker.password)
        if self._broker.tls:
            _use_tls(client, self._broker.ca)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = self._on_unsubscribe
        client.on_message = self._on_message
        client.connect_timeout = CONNECT_S
        client.reconnect_delay_set(SHORTEST_PAUSE_S, LONGEST_PAUSE_S)
        client.connect_async(self._broker.host, self._broker.port, KEEPALIVE_S)
        client.loop_start()
        return client

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._failed(f"{self._broker} refuses the connection: {reason}", "see `username` and `password_file`")
            return
        self._refused = False
        client.subscribe([(topic, 1) for topic in sorted(self._topics | self._states)])
        # Brokers answer in order: when this is answered, all that they retain has come.
        client.unsubscribe(f"jph/{uuid.uuid4().hex}")

    def _on_connect_fail(self, _client: Any, _data: Any) -> None:
        error = sys.exception()  # paho calls this while it handles the error
        said = getattr(error, "strerror", None) or str(error)
        self._failed(f"{self._broker} cannot be reached: {said}", "see whether it runs, and `host`, `port` and `tls`")

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if self._ready:
            self._failed(f"the connection to {self._broker} was lost: {reason}", "it is tried again by itself")
            self._wake()

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        topics = sorted(self._topics | self._states)
        refused = [topic for topic, reason in zip(topics, reasons, strict=False) if reason.is_failure]
        if refused:
            self._refused = True
            self._failed(f"{self._broker} refuses {', '.join(refused)}", "let this user subscribe it there")

    def _on_unsubscribe(self, _client: Any, _data: Any, _mid: int, _reasons: Any, _properties: Any) -> None:
        with self._changed:
            self._ready = not self._closed and not self._refused
            self._changed.notify_all()
        self._wake()

    def _is_decided(self, attempts: int) -> bool:
        return self._ready or self._refused or self._closed or self._attempts != attempts

    def _failed(self, message: str, advice: str) -> None:
        with self._changed:
            self._ready = False
            self._attempts += 1
            if not self._closed:
                self._trouble = DriverError(message, advice)
            self._changed.notify_all()

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        topic, payload = message.topic, message.payload
        with self._changed:
            if topic in self._states:
                self.said[topic] = payload[:LARGEST_BYTES].decode(errors="replace").strip()
            if topic in self._topics and self._is_news(topic, payload, retained=message.retain):
                self._keep(topic, payload)
        self._wake()

    def _is_news(self, topic: str, payload: bytes, *, retained: bool) -> bool:
        known = self._last.get(topic)
        self._last[topic] = payload[: LARGEST_BYTES + 1]
        return not retained or (self._keeps_retained and self._last[topic] != known)

    def _keep(self, topic: str, payload: bytes) -> None:
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            self.dropped += 1
        kept = payload if len(payload) <= LARGEST_BYTES else None
        self._waiting.append(Message(topic, kept, len(payload), self._monotonic()))


def _use_tls(client: Any, ca: str | None) -> None:
    try:
        client.tls_set(ca_certs=ca)
    except OSError as error:  # SSLError is one too
        raise DriverError(f"{ca}: {error.strerror or error}", "name a PEM file with `ca`") from error
