"""Values of Z-Wave devices, from a Z-Wave JS server: those that devices push at once, the others by asking.

`drivers/links/zwave_client.py` has the messages of the server, `drivers/links/zwave_values.py` how values are named.
"""

import logging
import math
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Annotated, ClassVar, Final, TypeAlias

import msgspec

from config.durations import Seconds
from drivers.ages import one_dated
from drivers.driver import OWN_CHANNEL, DriverError, DriverOptions, Measured, Measurements, Offer, Place
from drivers.links.zwave_client import Client, quoted
from drivers.links.zwave_session import Push, Session
from drivers.links.zwave_values import Described, Network, OpenZwaveId, ValueId, unit_of
from drivers.outcomes import unless_all_failed
from protocol.readings import Value

log: Final = logging.getLogger("jph.driver")

LASTING_S: Final = 60.0  # a connection that held so long was a good one
FIRST_PAUSE_S: Final = 1.0  # after the second loss within that; it doubles
LONGEST_PAUSE_S: Final = 30.0
LISTED: Final = 60  # values in a message

_VALUE: Final = re.compile(r"\d{1,5}-\d{1,5}-\d{1,5}-.+", re.ASCII)
_URL: Final = re.compile(r"wss?://[^\s/]+\S*", re.ASCII)
_USER: Final = re.compile(r"\w+://[^/?#]*@")

NodeNumber: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
Index: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
Instance: TypeAlias = Annotated[
    int, msgspec.Meta(ge=1, description="OpenZWave's instance of the value; `1` is the device itself")
]

_NODE: Final = msgspec.Meta(description="OpenZWave's number of the device")
_INDEX: Final = msgspec.Meta(description="OpenZWave's index of the value: `0` is energy, `8` and `4` power")


class OriginalOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value as the original system names it, by OpenZWave's numbers."""

    node: Annotated[NodeNumber, _NODE]
    index: Annotated[Index, _INDEX]
    instance: Instance = 1

    def id(self) -> OpenZwaveId:
        """Return the name."""
        return OpenZwaveId(self.node, self.index, self.instance)


class ZwaveOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the server is, and which values are read."""

    url: Annotated[str, msgspec.Meta(description="the websocket of the Z-Wave JS server")] = "ws://127.0.0.1:3000"
    value: Annotated[str | None, msgspec.Meta(description="the value of the node itself")] = None
    named: Annotated[
        dict[str, str | OriginalOptions],
        msgspec.Meta(description="more channels, each with its value, or with `node`, `index` and `instance`"),
    ] = msgspec.field(name="channels", default_factory=dict)
    node: Annotated[NodeNumber | None, _NODE] = None
    index: Annotated[Index | None, _INDEX] = None
    instance: Instance = 1
    poll: Annotated[bool, msgspec.Meta(description="ask devices for what they did not push since the last reading")] = (
        True
    )
    timeout: Annotated[Seconds, msgspec.Meta(description="how long the server and a device may take to answer")] = 4.0

    def __post_init__(self) -> None:
        if not _URL.fullmatch(self.url):
            raise ValueError(f"`url` is {self.url!r}: write ws://HOST:PORT, or wss:// with TLS")
        if _USER.match(self.url):
            raise ValueError("`url` has a user in it, whom Z-Wave JS does not ask for: write ws://HOST:PORT")
        if (self.node is None) != (self.index is None):
            raise ValueError("`node` and `index` belong together")
        own = [key for key in ("value", "node") if getattr(self, key) is not None]
        own += ["channels.value"] if OWN_CHANNEL in self.named else []
        if len(own) > 1:
            raise ValueError(f"`{own[0]}` and `{own[1]}` cannot be used together: each names the node's own value")
        for key, name in self._written():
            if not _VALUE.fullmatch(name):
                advice = "write node-class-endpoint-property-key, such as 2-50-0-value-66049"
                raise ValueError(f"`{key}` is {name!r}: {advice}")

    def channels(self) -> frozenset[str]:
        """Return the channels that have a value."""
        return frozenset(self.wanted())

    def units(self) -> Mapping[str, str]:
        """Return the units of meters of electricity, whose names tell them; those of others the device chooses."""
        units = {channel: unit_of(name) for channel, name in self.wanted().items() if isinstance(name, str)}
        return {channel: unit for channel, unit in units.items() if unit}

    def wanted(self) -> Mapping[str, str | OpenZwaveId]:
        """Return what is read for each channel."""
        more = {key: each if isinstance(each, str) else each.id() for key, each in self.named.items()}
        if self.value is not None:
            return {OWN_CHANNEL: self.value, **more}
        if self.node is not None and self.index is not None:
            return {OWN_CHANNEL: OpenZwaveId(self.node, self.index, self.instance), **more}
        return more

    def nodes(self) -> frozenset[int]:
        """Return the numbers of the nodes that have these values."""
        return frozenset(
            int(each.partition("-")[0]) if isinstance(each, str) else each.node for each in self.wanted().values()
        )

    def _written(self) -> Iterable[tuple[str, str]]:
        own = {} if self.value is None else {"value": self.value}
        more = {f"channels.{key}": each for key, each in self.named.items() if isinstance(each, str)}
        return (own | more).items()


class Zwave:
    """Reads values of Z-Wave devices from a Z-Wave JS server."""

    Options: ClassVar[type[msgspec.Struct]] = ZwaveOptions

    def __init__(self, options: ZwaveOptions, place: Place, wall_s: Callable[[], float] = time.time) -> None:
        self._options = options
        self._place = place
        self._wall_s = wall_s
        self._wanted = options.wanted()
        self._connector = _Connector(options, place)
        self._taken: dict[str, ValueId] = {}  # for each of OpenZWave's names, so that it is told once

    def read(self) -> Measurements:
        """Return what was pushed since the last read, and what devices answer; raises DriverError."""
        session = self._connector.session()
        network = session.network()
        if not self._wanted:
            raise DriverError("no value is named", f"name one of {_listed(network)}")
        ids = {channel: self._find(network, channel, name) for channel, name in self._wanted.items()}
        there = frozenset(each for each in ids.values() if isinstance(each, ValueId))
        found = session.read(there, ask=self._options.poll)
        measured = {
            channel: each if isinstance(each, DriverError) else self._reading(each, found[each])
            for channel, each in ids.items()
            if isinstance(each, DriverError) or each in found
        }
        return unless_all_failed(measured)

    def close(self) -> None:
        """End the connection."""
        self._connector.close()

    @staticmethod
    def offers(options: ZwaveOptions) -> list[Offer]:
        """Return what the server has, in the order of the nodes; raises DriverError."""
        client = Client(options.url, options.timeout)
        try:
            return [_offer(value) for value in Network(client.open()).values()]
        finally:
            client.close()

    def _reading(self, value: ValueId, said: object) -> Value | Measured | DriverError:
        if not isinstance(said, Push):
            return _reading(value, said)
        reading = _reading(value, said.value)
        if isinstance(reading, DriverError):
            return reading
        return one_dated(reading, self._place.monotonic() - said.came_s, self._wall_s)

    def _find(self, network: Network, channel: str, name: str | OpenZwaveId) -> ValueId | DriverError:
        """Return which value a channel has, or why there is none."""
        try:
            return network.find(name) if isinstance(name, str) else self._find_original(network, channel, name)
        except DriverError as error:
            return error

    def _find_original(self, network: Network, channel: str, name: OpenZwaveId) -> ValueId:
        found, others = network.find_original(name)
        if self._taken.get(channel) != found:
            more = f"; it could be {', '.join(str(other) for other in others)} as well" if others else ""
            log.info("%s: %s is taken for %s (%s)%s", self._place.codifier, quoted(found), channel, name, quoted(more))
        self._taken[channel] = found
        return found


class _Connector:
    """Has a session, and makes a new one when it is lost: at once, then with growing pauses."""

    def __init__(self, options: ZwaveOptions, place: Place) -> None:
        self._make_client: Callable[[], Client] = partial(Client, options.url, options.timeout)
        self._nodes = options.nodes()
        self._place = place
        self._client: Client | None = None
        self._session: Session | None = None
        self._began_s = -math.inf
        self._pause_s = 0.0
        self._not_before_s = -math.inf
        self._closed = threading.Event()

    def session(self) -> Session:
        """Return a session that is not lost; raises DriverError."""
        if self._session is not None and self._session.loss is not None:
            self._note_loss()
        if self._closed.is_set():
            raise DriverError("the connection to the Z-Wave JS server is closed")
        if self._session is None:
            self._session = self._connect()
        return self._session

    def close(self) -> None:
        """End the session, also while it begins."""
        self._closed.set()
        client = self._client
        if client is not None:
            client.close()

    def _note_loss(self) -> None:
        session, self._session = self._session, None
        now_s = self._place.monotonic()
        is_lasting = now_s - self._began_s >= LASTING_S
        self._not_before_s = now_s + (0.0 if is_lasting else self._pause_s)
        self._pause_s = FIRST_PAUSE_S if is_lasting else min(max(2 * self._pause_s, FIRST_PAUSE_S), LONGEST_PAUSE_S)
        if session is not None:
            log.warning("%s: the connection was lost: %s", self._place.codifier, session.loss)
            session.close()

    def _connect(self) -> Session:
        left_s = self._not_before_s - self._place.monotonic()
        if left_s > 0:
            raise DriverError(f"the connection was lost again; it is tried anew in {left_s:.0f} s")
        self._client = self._make_client()
        if self._closed.is_set():  # while it was made: whoever closed could not see it yet
            self._client.close()
        session = Session(self._client, self._nodes, self._place.wake, self._place.monotonic)
        self._began_s = self._place.monotonic()
        return session


def _listed(network: Network) -> str:
    lines = [str(value) for value in network.values()]
    more = f" and {len(lines) - LISTED} more" if len(lines) > LISTED else ""
    return f"{', '.join(lines[:LISTED]) or '(the network has none)'}{more}"


def _offer(value: Described) -> Offer:
    known = _reading(value.id, value.known)
    return Offer(str(value.id), None if isinstance(known, DriverError) else known, value.unit, value.label)


def _reading(value: ValueId, said: object) -> Value | DriverError:
    """Return a number or text, or the error that there is in its place; true and false are 1 and 0."""
    if isinstance(said, bool):
        return int(said)
    if isinstance(said, int | float | str | DriverError):  # the client lets only finite numbers in
        return said
    if said is None:
        return DriverError(f"{quoted(value)} has no value", "its device does not know it yet")
    return DriverError(f"{quoted(value)} is neither a number nor text: {quoted(said)}")
