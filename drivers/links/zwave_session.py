"""What is heard from a Z-Wave JS server over one connection. When the connection is lost all of it goes with it."""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, Final, NamedTuple

from drivers.ages import OLDEST_S
from drivers.driver import DriverError
from drivers.links.zwave_client import Client, Message, quoted
from drivers.links.zwave_values import STATUS_EVENTS, Network, Status, ValueId, id_of

PING_DEAD_EVERY_S: Final = 60.0  # a dead plug that is back in its socket may have nothing to say by itself

# What changes which values there are: the state is asked for anew.
_CHANGES: Final = frozenset({"ready", "value added", "value removed", "node added", "node removed", "driver ready"})

# What changes whether a node has values: it is read at once.
_NEWS: Final = frozenset({"ready", "dead", "alive", "node added", "node removed"})

# Where each kind of event has a value.
_VALUES: Final[Mapping[str, str]] = {
    "value updated": "newValue",
    "value added": "newValue",
    "value notification": "value",
}

_BATTERY: Final = frozenset({Status.ASLEEP, Status.AWAKE})  # nodes that speak when they wake, and are never asked


class Push(NamedTuple):
    """A value that came by itself, and when, in s of the session's clock."""

    value: object
    came_s: float


class Session:
    """A connection with the network behind it.

    `wake` is called when a value that is watched was pushed, when one of `nodes` comes or goes, and when the connection
    is lost.
    """

    def __init__(
        self, client: Client, nodes: frozenset[int], wake: Callable[[], None], monotonic: Callable[[], float]
    ) -> None:
        self._client = client
        self._nodes = nodes
        self._wake = wake
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._network = Network(client.open())
        self._is_changed = False
        self._watched: frozenset[ValueId] = frozenset()
        self._pushed: dict[ValueId, Push] = {}  # since the last read; at most one for each that is watched
        self._heard: set[ValueId] = set()  # pushed since values were asked for last
        # What was asked for comes as an event as well: its value, _PENDING until that is known.
        self._echoes: dict[ValueId, object] = {}
        self._is_woken = False
        self._pinged_s: dict[int, float] = {}  # dead nodes, and when they were
        client.listen(self._hear, wake)

    @property
    def loss(self) -> DriverError | None:
        """Why nothing more will be heard."""
        return self._client.loss

    def network(self) -> Network:
        """Return the network as it is now; raises DriverError."""
        with self._lock:
            is_changed, self._is_changed = self._is_changed, False
        if is_changed:
            answer = self._client.begin("start_listening")  # asked again, it tells the whole state again
            answer.add_done_callback(self._take_state)
            self._client.finish([answer])
            answer.result()
        return self._network

    def read(self, values: Collection[ValueId], *, ask: bool) -> dict[ValueId, object]:
        """Return what was pushed since the last read, each as a Push, and what is got by asking for what was not.

        In the place of a value that there should be and is not stands its DriverError.
        """
        with self._lock:
            pushed, due = self._due(values, ask=ask)
            dead = {value for value in due if self._network.status(value.node) is Status.DEAD}
            asked = [value for value in due - dead if self._network.status(value.node) not in _BATTERY]
            self._echoes = dict.fromkeys(asked, _PENDING)
        self._ping({value.node for value in dead})
        return {**self._ask(asked), **{value: _dead(value.node) for value in dead}, **pushed}

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def _due(self, values: Collection[ValueId], *, ask: bool) -> tuple[dict[ValueId, Push], set[ValueId]]:
        """Take what was pushed, and choose what to ask for: nothing when a push is the reason of this read."""
        pushed = self._take_pushed()
        self._watched = frozenset(values)
        is_woken, self._is_woken = self._is_woken, False
        if (is_woken and pushed) or not ask:
            return pushed, set()
        heard, self._heard = self._heard, set()
        return pushed, set(self._watched - heard)

    def _take_pushed(self) -> dict[ValueId, Push]:
        """Take what was pushed; what waited too long is as if it had not come, and is asked for."""
        pushed, self._pushed = self._pushed, {}
        oldest_s = self._monotonic() - OLDEST_S
        recent = {value: push for value, push in pushed.items() if push.came_s >= oldest_s}
        self._heard -= pushed.keys() - recent.keys()
        return recent

    def _ask(self, values: Iterable[ValueId]) -> dict[ValueId, object]:
        """Ask nodes for values, all at once: the server queues them."""
        answers = {value: self._begin_poll(value) for value in values}
        self._client.finish(answers.values())
        return {value: _value_or_error(value, answer) for value, answer in answers.items()}

    def _begin_poll(self, value: ValueId) -> Future[Message]:
        answer = self._client.begin("node.poll_value", nodeId=value.node, valueId=value.on_wire)
        answer.add_done_callback(lambda done: self._expect_echo(value, done))
        return answer

    def _expect_echo(self, value: ValueId, answer: Future[Message]) -> None:
        """Know the event that follows the answer from a push: it has the same value."""
        with self._lock:
            if self._echoes.get(value) is _PENDING:
                del self._echoes[value]
                if answer.exception() is None:
                    self._echoes[value] = answer.result().get("value")

    def _hear(self, event: Message) -> None:
        kind, node = str(event.get("event")), _node_of(event)
        with self._lock:
            if kind in STATUS_EVENTS and node is not None:
                self._network.set_status(node, STATUS_EVENTS[kind])
            self._is_changed |= kind in _CHANGES
            is_pushed = kind in _VALUES and self._take_push(node, event.get("args"), _VALUES[kind])
            self._is_woken |= is_pushed
        if is_pushed or (kind in _NEWS and node in self._nodes):
            self._wake()

    def _take_push(self, node: int | None, said: Any, key: str) -> bool:
        """Keep a value that is watched; tell whether it is news."""
        value = id_of(node, said) if isinstance(said, Mapping) else None
        if value is None or value not in self._watched or key not in said:
            return False
        if value in self._echoes and self._echoes.pop(value) in (_PENDING, said[key]):
            return False
        self._pushed[value] = Push(said[key], self._monotonic())
        self._heard.add(value)
        return True

    def _take_state(self, answer: Future[Message]) -> None:
        """Take over a state that was asked for, in the order of the events around it."""
        state = None if answer.exception() else answer.result().get("state")
        with self._lock:
            if isinstance(state, Mapping):
                self._network = Network(state)
            else:
                self._is_changed = True

    def _ping(self, nodes: Iterable[int]) -> None:
        """Try whether dead nodes are back. The answer is an event, if any comes."""
        now_s = self._monotonic()
        for node in nodes:
            if now_s - self._pinged_s.get(node, -PING_DEAD_EVERY_S) >= PING_DEAD_EVERY_S:
                self._pinged_s[node] = now_s
                self._client.tell("node.ping", nodeId=node)


def _node_of(event: Message) -> int | None:
    """Return the number of the node that an event is about: events of the controller describe the node."""
    described = event.get("node")
    number = described.get("nodeId") if isinstance(described, Mapping) else event.get("nodeId")
    return number if isinstance(number, int) else None


_PENDING: Final = object()
"""In the place of a value that is not known yet."""


def _value_or_error(value: ValueId, answer: Future[Message]) -> object:
    try:
        return answer.result().get("value")
    except DriverError as error:
        return DriverError(f"{quoted(value)}: {error.message}", error.hint)


def _dead(node: int) -> DriverError:
    return DriverError(f"node {node} is dead: it does not answer any more", "see whether it has power and is in reach")
